"""Which categories annotators prefer where they err: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

BIAS = "preference bias"
AS_COUNTED = "preference bias, as counted"
_Q = 0.05
_EVEN = 0.5
"""Standard deviation of strengths from which a preference is worth a finding: where one category
lies one above the mean, it is given for one at the mean 1.6 times as often as the other way."""

RULES = {
    "prefers-categories": Rule(
        "standard deviation of the strengths of categories at equal base rates, without noise, "
        "in log-odds",
        f"q < {_Q:g} (Benjamini-Hochberg over annotators and measures) and above {_EVEN:g}",
        "Balance what the annotator is shown or told, or correct its answers by these strengths.",
    ),
}
"""What answers may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Categories(Result):
    """Preference between categories, and proficiency, of annotators who give categories.

    Attributes
    ----------
    estimates : DataFrame
        Four rows an annotator: see :meth:`to_frame`.
    strengths : DataFrame
        One row an annotator and category: the strength at equal base rates; ``n`` confusions
        that the category is in, ``n_given, n_right, given_where_another_was_right, missed``.
    proficiency : DataFrame
        Macro F1 and accuracy, then F1, precision and recall of each ``category``.
    confusions : DataFrame
        ``group, given, right, n`` and the count the other way, ``opposite``.
    contrast : DataFrame
        Each annotator less the ``reference``: preference bias, macro F1, each strength.
    exclusions : DataFrame
        Rows left out: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Preference between categories"
    about: ClassVar[str] = (
        "Which category an annotator gives where another is right: strengths of categories, and "
        "their standard deviation without the part that noise makes, which is about 0 where no "
        "category is preferred. Beside it how well the right one is given (macro F1). Intervals "
        "are over conversations."
    )

    estimates: pd.DataFrame
    strengths: pd.DataFrame
    proficiency: pd.DataFrame
    confusions: pd.DataFrame
    contrast: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return four rows an annotator.

        ``group``, the tidy columns, of ``preference bias`` (at equal base rates, in log-odds),
        the same as counted, ``macro F1`` and ``accuracy``; ``n_clusters, n_wrong``, the
        ``uncorrected`` standard deviation and its ``noise``, ``method`` and ``reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return measures, strengths, proficiency, confusions, contrasts, rows left out."""
        found = {
            "categories": self.estimates, "strengths": self.strengths,
            "proficiency": self.proficiency, "confusions": self.confusions,
            "contrast": self.contrast, "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "categories" or len(table)}

    def summary(self) -> str:
        """Return bias and proficiency of each annotator, its clear strengths, and differences."""
        used = self.settings
        lines = [
            f"Preference between {len(used['categories'])} categories, {used['level']:.0%} "
            f"intervals: {used['n_answers']:,} answers in {used['n_conversations']:,} conversations"
        ]
        for name in used["annotators"]:
            mine = self.estimates[self.estimates["group"].eq(name)]
            first = mine.iloc[0]
            lines.append(f"{name}: {first['n']:,.0f} answers, {first['n_wrong']:,} wrong")
            lines += [f"  {_told(row)}" for row in mine.to_dict("records")]
            lines += [
                f"  {'given too often' if row['estimate'] > 0 else 'given too seldom'}: "
                f"{row['term']} {row['estimate']:+.2f} "
                f"{ends_text(row['conf_low'], row['conf_high'], row['reason'])}, "
                f"q = {row['q_value']:.2g}, n = {row['n']:,.0f}"
                for row in _clear(self.strengths, name)
            ]
        for row in _clear(self.contrast):
            what = row["term"] + (
                f" of {row['category']}" if isinstance(row["category"], str) else ""
            )
            lines.append(
                f"{row['group']} less {row['reference']}: {what} {row['estimate']:+.3f} "
                f"{ends_text(row['conf_low'], row['conf_high'], row['reason'])}, "
                f"q = {row['q_value']:.2g}"
            )
        lines += [f"  {row['n']:,} row{'s' * (row['n'] != 1)} of {row['group']}: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"note: {note}" for note in used["notes"]]
        lines.append(
            f"method: Bradley-Terry over confusions with a ridge of {used['ridge']:g}, at equal "
            f"base rates unless as counted; {used['replicates']:,} resamples of conversations; q: "
            "Benjamini-Hochberg within each table"
        )
        return "\n".join(lines)

    def findings(self) -> list[Finding]:
        """Return annotators who prefer some categories."""
        found = []
        for row in self.estimates[self.estimates["term"].eq(BIAS)].to_dict("records"):
            if row["q_value"] < _Q and row["estimate"] > _EVEN:
                clear = _clear(self.strengths, row["group"])
                most = max(clear, key=lambda one: one["estimate"], default=None)
                text = f"{row['group']} prefers some categories where it errs"
                text += f", {most['term']} most" if most and most["estimate"] > 0 else ""
                numbers = (row["estimate"], row["conf_low"], row["conf_high"])
                found.append(finding(RULES, "prefers-categories", "warning", text, int(row["n"]),
                                     numbers, group=str(row["group"])))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the strengths of categories with their intervals."""
        from workbench.plots.forest import forest
        from workbench.plots.ranking import clear_first

        return forest(self.strengths, x_title="given too often (log-odds)",
                      ranking=clear_first(self.strengths))  # fmt: skip

    def figures(self) -> dict[str, go.Figure]:
        """Return strengths, preference bias of each annotator, and F1 of each category."""
        from workbench.plots.forest import forest

        bias = self.estimates[self.estimates["term"].isin([BIAS, AS_COUNTED])]
        each = self.proficiency[self.proficiency["term"].eq("F1")]
        each = each.assign(term=each["category"])
        return {
            "Strengths of categories": self.plot(),
            "Preference bias": forest(bias, x_title="standard deviation of strengths (log-odds)"),
            "F1 of each category": forest(each, x_title="F1", reference=None),
        }


def _clear(table: pd.DataFrame, group: str | None = None) -> list[dict[Any, Any]]:
    """Return the rows whose q-value is clear, the largest first."""
    if table.empty:
        return []
    rows = table[table["q_value"] < _Q]
    rows = rows if group is None else rows[rows["group"].eq(group)]
    order = np.argsort(-rows["estimate"].abs().to_numpy(), kind="stable")
    found: list[dict[Any, Any]] = rows.iloc[order].to_dict("records")
    return found


def _told(row: dict[Any, Any]) -> str:
    if not np.isfinite(row["estimate"]):
        return f"{row['term']}: undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    said = f"{row['term']}: {row['estimate']:.3f} {ends}"
    if np.isfinite(row["uncorrected"]):
        said += f" ({row['uncorrected']:.3f} with the noise of {row['noise']:.3f})"
    return f"{said}, n = {row['n']:,.0f}"
