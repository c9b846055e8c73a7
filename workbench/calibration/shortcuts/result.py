"""What solves a benchmark without reading it: the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.calibration.shortcuts.measures import (
    APART,
    BEST_JUDGE,
    HELD_OUT,
    JUDGE,
    LISTED,
    RULE,
    SIDE,
    TOGETHER,
)
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_Q = 0.05
_FAR = 0.05
_SIDE = 0.025
_MOST = 10
"""Rules that a summary lists."""

RULES = {
    "solved-without-reading": Rule(
        "share of pairs that all rules together decide as the reference does, on other prompts",
        f"q < {_Q:g} (Benjamini-Hochberg) and more than {_FAR:g} above one half",
        "Report this share beside every judge's; balance what gives it away, or weigh the "
        "subsets in which nothing does.",
    ),
    "judge-no-better-than-rules": Rule(
        "best judge minus all rules together, on the same pairs, both chosen on other prompts",
        "paired interval not above 0",
        "Take no first place here for understanding.",
    ),
    "sides-not-random": Rule(
        "share of pairs in which the better response stood first",
        f"q < {_Q:g} (Benjamini-Hochberg) and more than {100 * _SIDE:g} points from one half",
        "Ask in both orders: who always says the same side scores this without reading.",
    ),
}
"""What a benchmark may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class BenchmarkCheck(Result):
    """How often rules that read nothing are right.

    Attributes
    ----------
    estimates : DataFrame
        One row a rule; see :meth:`to_frame`.
    slices : DataFrame
        The same within each subset, named in ``group``; empty without one.
    exclusions : DataFrame
        Pairs left out: ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "What solves it without reading"
    about: ClassVar[str] = (
        "How often rules that look at length, marks, order or the name of the model decide as the "
        "reference does. One half is chance. What was fitted or chosen was so on other prompts. "
        "A judge is worth what it is right beyond them."
    )

    estimates: pd.DataFrame
    slices: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a rule.

        The tidy columns are of the share that is right, undecided pairs one half; below one half
        the opposite rule is right (fewer bullets, shorter). ``kind`` is ``rule``, ``held out``,
        ``judge`` or ``side``; ``n_differ`` pairs in which the rule decides, and
        ``accuracy_differ`` among them; ``judge_gap`` with its ends, the best judge minus this,
        paired; p against one half.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return rules, rules by subset, and pairs left out."""
        found = {"rules": self.estimates, "subsets": self.slices, "exclusions": self.exclusions}
        return {name: table for name, table in found.items() if name == "rules" or len(table)}

    def summary(self) -> str:
        """Return what is right without reading, as text."""
        used = self.settings
        lines = [
            f"Right without reading: {used['n_pairs']:,} pairs that {used['reference_is']} "
            f"decided, {used['n_clusters']:,} prompts, {used['level']:.0%} intervals"
        ]
        lines += _told(self.estimates, _MOST)
        for name, table in self.slices.groupby("group", sort=False):
            lines.append(f"{used['by']} {name}")
            lines += _told(table[table["kind"].ne(SIDE)], 2)
        lines += [f"  {row['n']:,} pairs left out: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"  {note}" for note in used["notes"]]
        method = "; or ".join(dict.fromkeys(self.estimates["method"].dropna()))
        return "\n".join([*lines, f"method: {method}; held out: {used['folds']} folds by prompt"])

    def findings(self) -> list[Finding]:
        """Return that a benchmark is solved, that no judge is better, that sides are not random."""
        return [*_of(self.estimates, ""), *(
            one for name, table in self.slices.groupby("group", sort=False)
            for one in _of(table[table["kind"].ne(SIDE)], f"{self.settings['by']} {name}")
        )]  # fmt: skip

    def plot(self) -> go.Figure:
        """Return how often each rule is right."""
        from workbench.plots.forest import forest

        drawn = self.estimates.assign(group=self.estimates["kind"])
        return forest(drawn, x_title="share right (one half: chance)", reference=0.5)

    def figures(self) -> dict[str, go.Figure]:
        """Return the rules, and what is right together in each subset."""
        from workbench.plots.forest import forest

        drawn = {self.heading: self.plot()}
        held = self.slices[self.slices["kind"].isin([HELD_OUT, JUDGE])]
        if len(held):
            table = held.assign(group=held["term"], term=held["group"])
            drawn[f"By {self.settings['by']}"] = forest(
                table, x_title="share right (one half: chance)", reference=0.5
            )
        return drawn


_LESS = {"more": "fewer", "higher": "lower"}


def opposite(term: str) -> str:
    """Return what the rule that always says the other is called.

    Examples
    --------
    >>> opposite("longer"), opposite("more bold"), opposite("shown first")
    ('shorter', 'fewer bold', 'not shown first')
    """
    if term == "longer":
        return "shorter"
    first, _, name = term.partition(" ")
    return f"{_LESS[first]} {name}" if first in _LESS else f"not {term}"


def _told(table: pd.DataFrame, most: int) -> list[str]:
    """Return lines: what is held out, the clearest rules, judges and sides."""
    rules = table[table["kind"].eq(RULE)]
    clear = rules[rules["q_value"] < _Q]
    order = np.argsort(-(clear["estimate"] - 0.5).abs().to_numpy(), kind="stable")
    shown = clear.iloc[order].head(most)
    lines = [_line(row) for row in table[table["kind"].eq(HELD_OUT)].to_dict("records")]
    lines += [_line(row) for row in shown.to_dict("records")]
    known = int(rules["estimate"].notna().sum())
    if len(shown) < known:
        lines.append(f"  {known - len(shown):,} more rules: {known - len(clear):,} not told from "
                     "one half; the table has all")  # fmt: skip
    rest = table[table["kind"].isin([JUDGE, SIDE])]
    return lines + [_line(row) for row in rest.to_dict("records")]


def _line(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    value, low, high, term = row["estimate"], row["conf_low"], row["conf_high"], row["term"]
    if row["kind"] == RULE and value < 0.5:
        value, low, high, term = 1 - value, 1 - high, 1 - low, opposite(term)
    text = f"  {term}: {value:.3f} {ends_text(low, high, row['reason'], '')}"
    if pd.notna(row["q_value"]):
        text += f", q = {row['q_value']:.2g}"
    text += f", n = {row['n']:,.0f}"
    if row["kind"] == RULE and row["n_differ"] < row["n"]:
        text += f" ({row['n_differ']:,.0f} differ)"
    if row["judge_gap_n"] > 0:
        ends = ends_text(row["judge_gap_low"], row["judge_gap_high"], row["reason"])
        text += f"; {BEST_JUDGE} minus this {row['judge_gap']:+.3f} {ends}"
    return text


def _of(table: pd.DataFrame, where: str) -> list[Finding]:
    found, head = [], f"{where}: " if where else ""
    # what is fitted by subset knows more than what is not
    most = APART if table["term"].eq(APART).any() else TOGETHER
    for row in table.to_dict("records"):
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        clear, away = row["q_value"] < _Q, row["estimate"] - 0.5
        if row["term"] == most and clear and away > _FAR:
            found.append(finding(
                RULES, "solved-without-reading", "warning",
                f"{head}{row['estimate']:.0%} are right without reading", int(row["n"]), numbers,
            ))  # fmt: skip
            if row["judge_gap_low"] <= 0:
                gap = (row["judge_gap"], row["judge_gap_low"], row["judge_gap_high"])
                found.append(finding(
                    RULES, "judge-no-better-than-rules", "warning",
                    f"{head}no judge of the file is shown to be better than not reading",
                    int(row["judge_gap_n"]), gap,
                ))  # fmt: skip
        if row["kind"] == SIDE and clear and abs(away) > _SIDE:
            what = "listed first" if row["term"] == LISTED else "shown first to judges"
            found.append(finding(
                RULES, "sides-not-random", "note" if row["term"] == LISTED else "warning",
                f"{head}the better response is {what} in {row['estimate']:.0%} of pairs",
                int(row["n"]), numbers,
            ))  # fmt: skip
    return found
