"""Which values a judge's choices hold to: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.structure.values import by_theory, choices, joint
from workbench.structure.values.readings import DISAGREE, READINGS, REVERSED, in_words

if TYPE_CHECKING:
    import plotly.graph_objects as go

_Q = 0.05
_SHOWN = 12

RULES = {
    "value-reversed": Rule(
        "joint weight of a value, at given others, in log-odds",
        f"q < {_Q:g} (Benjamini-Hochberg) with the sign opposite to that of its marginal share, "
        f"which has q < {_Q:g} too",
        "Do not say that the judge prefers this value: it comes with others that it prefers.",
    ),
    "values-differ": Rule(
        "weight of a kind of values beyond what the reference's taste at this judge's sharpness "
        "would give, log-odds",
        f"q < {_Q:g} (Benjamini-Hochberg over judges, theories and kinds)",
        "Do not let this judge stand for the reference in dilemmas of such values.",
    ),
}
"""What values may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Values(Result):
    """Shares and weights of values, by judge and by theory.

    Attributes
    ----------
    estimates : DataFrame
        One row a judge and value; see :meth:`to_frame`.
    theories : DataFrame
        The same of the kinds of each theory: ``theory`` before the columns of ``estimates``;
        weights from an unpenalised fit of the theory's kinds.
    contrast : DataFrame
        Kinds of each theory: each judge beside the reference, as :func:`workbench.contrast`.
    held_out : DataFrame
        What the fit of all values says of prompts it has not seen, one row a judge.
    theories_held_out : DataFrame
        What the fit of each theory says of them.
    rare : DataFrame
        Values without a weight of their own: ``group, term, n_differ, reason``.
    exclusions : DataFrame
        Labels left out: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Values behind choices"
    about: ClassVar[str] = (
        "The marginal share says how often a judge selects actions that hold a value, whatever "
        "else they hold; values come in bundles, so that it may be a companion's. The joint "
        "weight says what the value does at given others: the change of the log-odds of an "
        "action. Where the two have opposite signs, the marginal is not a preference."
    )

    estimates: pd.DataFrame
    theories: pd.DataFrame
    contrast: pd.DataFrame
    held_out: pd.DataFrame
    theories_held_out: pd.DataFrame
    rare: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a judge and value.

        ``group``, the tidy columns of the marginal share in points (``n``: actions that hold the
        value), ``n_clusters, n_differ`` (decisions that it tells apart), ``n_both``; ``joint``
        with its error, interval, p and q in log-odds; ``companion``, the value that it comes
        with most, their ``correlation`` and the ``companion_joint``; ``reading``, ``method``,
        ``joint_method``, ``reason`` and ``joint_reason`` where something is undefined.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return values, theories, contrasts, held-out scores, rare values, labels left out."""
        found = {
            "values": self.estimates, "theories": self.theories, "contrast": self.contrast,
            "held_out": self.held_out, "theories_held_out": self.theories_held_out,
            "rare": self.rare, "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "values" or len(table)}

    def summary(self) -> str:
        """Return what each judge selects, what that is at given others, and where they part."""
        used = self.settings
        lines = [
            f"Values of {', '.join(used['judges'])}: {used['n_values']:,} values in "
            f"{used['n_pairs']:,} pairs, {used['level']:.0%} intervals; joint weights of values "
            f"that tell {used['least']} decisions apart or more"
        ]
        for scores in self.held_out.to_dict("records"):
            lines += self._of_judge(scores)
        parted = [in_words(row) for row in _disagreeing(self.estimates)]
        if parted:
            lines.append("marginal and joint disagree in sign:")
            lines += [f"  {text}" for text in parted[:_SHOWN]]
            lines += [f"  and {len(parted) - _SHOWN} more"] * (len(parted) > _SHOWN)
        lines += self._of_theories()
        lines += [f"  {row['n']:,} label{'s' * (row['n'] != 1)} of {row['group']}: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"note: {note}" for note in used["notes"]]
        lines.append(f"method: {choices.METHOD}; {joint.METHOD}; {by_theory.METHOD}; "
                     "q: Benjamini-Hochberg over judges and values")  # fmt: skip
        return "\n".join(lines)

    def _of_judge(self, scores: dict[Any, Any]) -> list[str]:
        mine = self.estimates[self.estimates["group"].eq(scores["group"])]
        lines = [f"{scores['group']}: {scores['n']:,.0f} decisions of {scores['n_clusters']:,.0f} "
                 f"prompts; {_held_out(scores)}"]  # fmt: skip
        clear = mine[(mine["q_value"] < _Q) | (mine["joint_q"] < _Q)]
        rows = clear.sort_values(["joint_q", "q_value", "term"], kind="stable").head(_SHOWN)
        lines += [f"  {row['term']}: {_both(row)}" for row in rows.to_dict("records")]
        beyond = len(clear) - len(rows)
        lines += [f"  and {beyond:,} more that are clear: the table has all"] * (beyond > 0)
        return lines if len(rows) else [*lines, "  no value is clear"]

    def _of_theories(self) -> list[str]:
        lines = []
        for theory, table in (
            self.theories.groupby("theory", sort=False) if len(self.theories) else ()
        ):
            lines.append(f"theory {theory}:")
            lines += [f"  {row['group']}: {row['term']}: {_both(row)}"
                      for row in table.to_dict("records")]  # fmt: skip
        for row in _clear(self.contrast):
            lines.append(
                f"  {row['group']} against {row['reference']}, {row['theory']}: {row['term']} "
                f"{row['estimate']:+.3f} {ends_text(row['conf_low'], row['conf_high'], None)}, "
                f"q = {row['q_value']:.2g}"
            )
        return lines

    def findings(self) -> list[Finding]:
        """Return values that are selected but not for themselves, and judges that part."""
        found = []
        for row in _disagreeing(self.estimates):
            if row["reading"] == REVERSED:
                numbers = (row["joint"], row["joint_low"], row["joint_high"])
                # the factor that from_lists makes of it
                factor = f"{self.settings['column']}: {row['term']}"
                found.append(finding(
                    RULES, "value-reversed", "warning", in_words(row), int(row["n"]), numbers,
                    group=str(row["group"]), term=factor,
                ))  # fmt: skip
        for row in _clear(self.contrast):
            text = (f"{row['group']} weighs {row['term']} ({row['theory']}) otherwise than "
                    f"{row['reference']}")  # fmt: skip
            found.append(finding(
                RULES, "values-differ", "note", text, int(row["n"]),
                (row["estimate"], row["conf_low"], row["conf_high"]), group=str(row["group"]),
                term=f"{row['theory']}: {row['term']}", against=str(row["reference"]),
            ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the joint weights with their intervals, the clear ones first."""
        return _forest(_joint_rows(self.estimates), "weight at given others (log-odds)")

    def figures(self) -> dict[str, go.Figure]:
        """Return joint weights and marginal shares of values, then those of each theory."""
        drawn = {
            "Weights of values at given others": self.plot(),
            "Shares of values, whatever comes with them": _forest(
                _tested(self.estimates), "selected less neglected (points)"
            ),
        }
        for theory, table in (
            self.theories.groupby("theory", sort=False) if len(self.theories) else ()
        ):
            drawn[f"Weights of kinds: {theory}"] = _forest(
                _joint_rows(table), "weight at given others (log-odds)"
            )
        return drawn


def _joint_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose estimates are the joint weights."""
    of = {"joint": "estimate", "joint_std_error": "std_error", "joint_low": "conf_low",
          "joint_high": "conf_high", "joint_p": "p_value", "joint_q": "q_value",
          "joint_reason": "reason", "joint_method": "method"}  # fmt: skip
    return table.drop(columns=[name for name in of.values() if name in table]).rename(columns=of)


def _tested(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the shares of rare values: they may be anything, and hide others."""
    return table.assign(estimate=table["estimate"].where(table["p_value"].notna()))


def _forest(table: pd.DataFrame, x_title: str) -> go.Figure:
    from workbench.plots.forest import forest
    from workbench.plots.ranking import clear_first

    return forest(table, x_title=x_title, ranking=clear_first(table))


def _disagreeing(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows whose two signs differ, the clear ones first."""
    rows = table[table["reading"].isin(DISAGREE)]
    first = rows["reading"].map(list(READINGS).index)
    order = np.lexsort((rows["term"], rows["group"], rows["joint_p"], first))
    found: list[dict[Any, Any]] = rows.iloc[order].to_dict("records")
    return found


def _clear(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return [] if table.empty else table[table["q_value"] < _Q].to_dict("records")


def _both(row: dict[Any, Any]) -> str:
    share = (
        f"{row['estimate']:+.0f} points {_ends(row['conf_low'], row['conf_high'], row['reason'])}"
    )
    if not np.isfinite(row["joint"]):
        return f"{share}, n = {row['n']:,.0f}; no joint weight: {row['joint_reason']}"
    ends = ends_text(row["joint_low"], row["joint_high"], row["joint_reason"])
    return (
        f"{share}, n = {row['n']:,.0f}; at given others {row['joint']:+.2f} {ends}, "
        f"q = {row['joint_q']:.2g}: {row['reading']}"
    )


def _ends(low: float, high: float, reason: object) -> str:
    if np.isnan(low) or np.isnan(high):
        return ends_text(low, high, reason)
    return f"[{low:+.0f}, {high:+.0f}]"


def _held_out(row: dict[Any, Any]) -> str:
    if not np.isfinite(row.get("accuracy", np.nan)):
        return f"no joint weights: {row['reason']}"
    return (
        f"held-out accuracy of all values {row['accuracy']:.3f} "
        f"{ends_text(row['accuracy_low'], row['accuracy_high'], row['reason'], '')}, "
        f"{row['n_terms']} weights, {row['n_pooled']} rare values pooled"
    )
