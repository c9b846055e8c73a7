"""How many labels of people are needed: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.calibration.plan.law import RANK
from workbench.finding import Finding, Rule, finding
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = (
    "goal", "group", *TIDY, "wanted", "unit", "found_now", "found_low", "found_high", "power_now",
    "own", "own_low", "own_high", "labels_for_own", "labels_for_own_low", "labels_for_own_high",
    "deff", "basis", "method", "reason",
)  # fmt: skip

RULES = {
    "plan-too-few-labels": Rule(
        "labels of people that the hardest number of this kind needs",
        "lower end of the range above the labels that are there",
        "Get more labels before this number is read as none, or plan for a larger effect.",
    ),
    "plan-without-pilot": Rule(
        "labels of people in the data (a count: it has no interval)",
        "none: the plan rests on factor columns alone",
        "Have a hundred random pairs labelled, and plan again: strong preferences need more.",
    ),
}
"""What a plan of labels may show, by ``rule_id``."""

_SHOWN = 8
"""Lines of a figure."""


@dataclass(frozen=True, eq=False)
class LabelPlan(Result):
    """Labels of people that are needed, by what they are for.

    Attributes
    ----------
    estimates : DataFrame
        One row a number; see :meth:`to_frame`.
    curve : DataFrame
        What labels bring: ``goal, group, term, labels``; ``estimate``, the smallest effect that
        is found (or the half-width), with its range; ``std_error``; ``power`` for what is wanted.
    not_planned : DataFrame
        ``goal, reason``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Labels of people that are needed"
    about: ClassVar[str] = (
        "How many labels of people find an effect of the size that is asked for, or make an "
        "interval as narrow, and what the labels that are there can find. The range is what the "
        "pilot's own uncertainty leaves. It holds for pairs and people like those of the pilot."
    )

    estimates: pd.DataFrame
    curve: pd.DataFrame
    not_planned: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a number.

        ``goal``; ``group``: the judge whose verdicts take part; the tidy columns, of which
        ``estimate`` is the labels of people needed for what is ``wanted`` (with its ``unit``),
        ``conf_low, conf_high`` their range, and ``n`` the labels that are there; what these find
        now, ``found_now`` with its range and ``power_now``; the pilot's ``own`` number with the
        labels that would find it; ``deff``, ``basis, method, reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the plan, its curve, and what could not be planned."""
        found = {"plan": self.estimates, "curve": self.curve, "not_planned": self.not_planned}
        return {name: table for name, table in found.items() if name == "plan" or len(table)}

    def summary(self) -> str:
        """Return the labels needed as text."""
        used = self.settings
        lines = [
            f"Labels of {used['reference_is']} that are needed ({used['power']:.0%} power, "
            f"{used['level']:.0%} level and ranges)",
            used["verdict"],
            "Each line: the labels needed and their range; what the labels that are there find; "
            "the pilot's own number and the labels that would find it.",
        ]
        for goal, table in self.estimates.groupby("goal", sort=False):
            lines.append(f"\n{goal}, {_aim(table.iloc[0])}")
            lines += [f"  {_text(row)}" for row in table.to_dict("records")]
        lines += [f"not planned: {row['goal']}: {row['reason']}"
                  for row in self.not_planned.to_dict("records")]  # fmt: skip
        methods = dict.fromkeys(f"{r['goal']}: {r['method']}"
                                for r in self.estimates.to_dict("records"))  # fmt: skip
        return "\n".join([*lines, "", *(f"method, {text}" for text in methods)])

    def findings(self) -> list[Finding]:
        """Return kinds of numbers for which there are too few labels."""
        found = []
        blind = self.estimates["basis"].ne("pilot")
        if blind.any():
            text = "The plan rests on factor columns alone: it is optimistic"
            found.append(finding(RULES, "plan-without-pilot", "note", text, 0))
        own = self.estimates[~blind & self.estimates["goal"].ne("repeats")]
        for goal, table in own.groupby("goal", sort=False):
            known = table[table["conf_low"] > table["n"]]
            if len(known):
                row = known.sort_values("estimate", kind="stable").iloc[-1]
                ends = (row["estimate"], row["conf_low"], row["conf_high"])
                found.append(finding(
                    RULES, "plan-too-few-labels", "note",
                    f"{len(known)} of {len(table)} numbers ({goal}) need more labels of "
                    f"{self.settings['reference_is']}, most of all {row['term']}",
                    int(row["n"]), ends,
                ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the curve of the first goal that has one: what is found with so many labels."""
        table = self.curve if len(self.curve) else self.estimates
        return self._curve(str(table["goal"].iloc[0]))

    def figures(self) -> dict[str, go.Figure]:
        """Return the curve of each goal that has one."""
        goals = [str(goal) for goal in dict.fromkeys(self.curve["goal"])]
        drawn = {self.heading: self.plot()}
        return drawn | {f"Labels and what they find: {goal}": self._curve(goal)
                        for goal in goals[1:]}  # fmt: skip

    def _curve(self, goal: str) -> go.Figure:
        from workbench.plots.curve import curve

        plan = self.estimates[self.estimates["goal"] == goal]
        hardest = plan.sort_values("estimate", ascending=False, kind="stable").head(_SHOWN)
        shown = set(zip(hardest["group"], hardest["term"], strict=True))
        table = self.curve[self.curve["goal"] == goal]
        mine = [key in shown for key in zip(table["group"], table["term"], strict=True)]
        table = table[mine]
        name = table["term"] + table["group"].map(lambda judge: f", with {judge}" if judge else "")
        figure = curve(
            table.assign(group=name), x="labels",
            x_title=f"labels of {self.settings['reference_is']}",
            y_title=f"{_measure(goal)} ({plan['unit'].iloc[0]})",
            # of ranks each has its own: a line of one would be none of the others
            reference=None if goal == RANK else float(plan["wanted"].iloc[0]),
        )  # fmt: skip
        sizes = table["labels"].to_numpy("float64")
        ticks = np.outer(10.0 ** np.arange(9), [1, 2, 5]).ravel()
        ticks = ticks[(ticks >= sizes.min(initial=1e9)) & (ticks <= sizes.max(initial=0))]
        figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{t:,.0f}" for t in ticks])
        return figure


def verdict_of(table: pd.DataFrame) -> str:
    """Return what a plan comes to, a sentence a goal.

    Examples
    --------
    >>> row = {"goal": "weight", "group": "", "term": "words", "estimate": 785.0, "n": 100.0,
    ...        "conf_low": 588.0, "conf_high": 982.0, "wanted": 0.2, "unit": "log-odds per SD"}
    >>> verdict_of(pd.DataFrame([row]))
    'weight: 0 of 1 have labels enough for 0.2 log-odds per SD; words needs most, 785 (588 to 982).'
    """
    told = []
    for goal, part in table.groupby("goal", sort=False):
        if goal == "repeats":
            told.append(_repeats(part))
            continue
        known = part.dropna(subset=["estimate"])
        if known.empty:
            told.append(f"{goal}: no number of labels can be told.")
            continue
        enough = int((known["estimate"] <= known["n"]).sum())
        hardest = known.sort_values("estimate", kind="stable").iloc[-1]
        judge = f" with {hardest['group']}" if hardest["group"] else ""
        told.append(
            f"{goal}: {enough} of {len(part)} have labels enough for {_aim(hardest)}; "
            f"{hardest['term']}{judge} needs most, {_labels(hardest)}."
        )
    return " ".join(told)


def _repeats(part: pd.DataFrame) -> str:
    """Say whether a second label of a pair is worth one of a new pair."""
    means = part[part["unit"] == "share"]
    extra = means["estimate"].iloc[1] / means["estimate"].iloc[0] - 1
    return (
        f"repeats: with two labels a pair a mean takes {extra:.0%} more labels than with one; new "
        "pairs are better for means and weights, repeats only for strength and agreement."
    )


def _aim(row: pd.Series) -> str:
    if row["goal"] == RANK:
        return "their own distance"
    around = "+-" if row["unit"] == "share" else ""
    return f"{around}{row['wanted']:g} {row['unit']}"


def _measure(goal: str) -> str:
    half = goal in ("win rate", "agreement", "repeats")
    return "half-width of the interval" if half else "smallest effect that is found"


def _labels(row: pd.Series | dict[Any, Any]) -> str:
    low, high = row["conf_low"], row["conf_high"]
    if np.isnan(low) and np.isnan(high):
        return f"{row['estimate']:,.0f}"
    top = f"{high:,.0f}" if np.isfinite(high) else "no end"
    return f"{row['estimate']:,.0f} ({low:,.0f} to {top})"


def _text(row: dict[Any, Any]) -> str:
    judge = f", with {row['group']}" if row["group"] else ""
    name = f"{row['term']}{judge}"
    if np.isnan(row["estimate"]):
        return f"{name}: undefined: {row['reason']}"
    now = f"; the {row['n']:,.0f} there: {row['found_now']:.3g}"
    now = now if np.isfinite(row["found_now"]) else ""
    own = ""
    # of a weight that may be 0 the pilot's own value is no plan
    if row["goal"] != RANK and np.isfinite(row["labels_for_own_high"]):
        own = f"; its own {row['own']:+.2f}: {row['labels_for_own']:,.0f}"
    why = f" ({row['reason']})" if isinstance(row["reason"], str) else ""
    return f"{name}: {_labels(row)}{now}{own}{why}"
