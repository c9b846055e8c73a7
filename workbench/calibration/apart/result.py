"""Length and correctness apart: the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.calibration.apart.accuracies import ALL, GAP, PLACES
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = ("group", *TIDY, "n_clusters", "unit", "per_sd", "method", "reason")
_Q = 0.05
_WEIGHT = "weight: "

RULES = {
    "length-over-right": Rule(
        "share of choices of the right response where that is the shorter one",
        "interval below one half",
        "Do not take this judge for a test of correctness: where the two part, it chooses length.",
    ),
    "right-by-length": Rule(
        "accuracy where the right response is longer, less where it is shorter",
        f"q < {_Q:g} (Benjamini-Hochberg over judges and measures)",
        "Report this judge's accuracy at equal length, and balance the lengths of a benchmark.",
    ),
}
"""What length and correctness may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Apart(Result):
    """What being right and length do to each judge's choices.

    Attributes
    ----------
    estimates : DataFrame
        See :meth:`to_frame`.
    contrast : DataFrame
        Each judge beside ``settings["against"]``: ``group, reference``, the tidy columns,
        ``method, reason``: differences of accuracies and of weights; empty with one judge.
    wrong : DataFrame
        Of each factor, how often the wrong response has more of it where it is chosen, where it is
        not, and the difference: ``group, factor``, the tidy columns, ``n_clusters, method,
        reason``.
    exclusions : DataFrame
        Labels that the fit left out: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Length and correctness apart"
    about: ClassVar[str] = (
        "How often each judge chooses the right response, by whether that is the longer one; the "
        "weights of both at once; and how many times as long a wrong response must be to be "
        "chosen as often as a right one. Accuracies by length differ for other reasons too, if "
        "questions with long answers are easier."
    )

    estimates: pd.DataFrame
    contrast: pd.DataFrame
    wrong: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a judge and measure.

        ``group``, the tidy columns, ``n_clusters``; ``unit`` is ``share`` (accuracies, their
        difference, and P(right) at equal length), ``log-odds`` (``weight: ...``, with
        ``per_sd``) or ``times`` (how many times as long outweighs being right); ``method``, and
        ``reason`` where something is undefined.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the measures, the judges side by side, and labels left out."""
        found = {"estimates": self.estimates, "wrong": self.wrong,
                 "contrast": self.contrast, "exclusions": self.exclusions}  # fmt: skip
        return {name: table for name, table in found.items() if name == "estimates" or len(table)}

    def summary(self) -> str:
        """Return what being right and length do to each judge, and where judges part."""
        used = self.settings
        style = f", style: {', '.join(used['style'])}" if used["style"] else ""
        lines = [
            f"Length and correctness of {used['n_pairs']:,} pairs in {used['n_clusters']:,} "
            f"clusters, {used['level']:.0%} intervals: right by {used['right']}, length in "
            f"{used['length']}{style}",
            "the right response is longer in {longer:,} pairs, about as long in {as long:,} "
            "(within {equal:.0%}), shorter in {shorter:,}".format(
                **used["places"], equal=used["equal"]
            ),
        ]
        for judge, table in self.estimates.groupby("group", sort=False):
            lines.append(f"{judge}:")
            lines += [f"  {row['term']}: {_text(row)}" for row in table.to_dict("records")]
            lines += self._of_wrong(str(judge))
        if len(self.contrast):
            lines.append(f"beside {used['against']}:")
            lines += [
                f"  {row['group']}, {row['term']}: {_text({**row, 'unit': 'difference'})}"
                for row in self.contrast.to_dict("records")
            ]
        lines += [f"left out: {n:,} pairs, {why}" for why, n in used["left_out"].items()]
        lines += [f"left out of the fit: {row['n']:,} labels of {row['group']}, {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"note: {note}" for note in used["notes"]]
        lines.append("q: Benjamini-Hochberg over judges and measures; methods stand in the table")
        return "\n".join(lines)

    def _of_wrong(self, judge: str) -> list[str]:
        """Return what the wrong responses that a judge chose have more of, where that is clear."""
        mine = self.wrong[self.wrong["group"].eq(judge) & self.wrong["term"].eq("difference")]
        lines = []
        for row in mine[mine["q_value"] < _Q].to_dict("records"):
            longer = row["factor"] not in self.settings["style"]
            what = self.settings["length"] if longer else row["factor"]
            told = _text({**row, "unit": "difference"})
            lines.append(f"  wrong ones chosen have more {what} oftener than others: {told}")
        return lines

    def findings(self) -> list[Finding]:
        """Return judges who choose the longer wrong response, or are right by length."""
        found = []
        for row in self.estimates.to_dict("records"):
            numbers = (row["estimate"], row["conf_low"], row["conf_high"])
            if row["term"] == PLACES[-1] and row["conf_high"] < 0.5:
                text = (f"{row['group']} chooses the wrong response where that is the longer one: "
                        f"{row['estimate']:.0%} right")  # fmt: skip
                rule, level = "length-over-right", "warning"
            elif row["term"] == GAP and row["q_value"] < _Q:
                way = "longer" if row["estimate"] > 0 else "shorter"
                text = f"{row['group']} is right oftener where the right response is the {way} one"
                rule, level = "right-by-length", "note"
            else:
                continue
            found.append(finding(RULES, rule, level, text, int(row["n"]), numbers,
                                 group=str(row["group"]), term=str(row["term"])))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the accuracies by length, each with its interval; a line at one half."""
        from workbench.plots.forest import forest

        shown = self.estimates[self.estimates["term"].isin([ALL, *PLACES.values()])]
        return forest(shown, x_title="share of right choices", reference=0.5)

    def figures(self) -> dict[str, go.Figure]:
        """Return the accuracies by length, then the weights."""
        from workbench.plots.forest import forest

        weights = self.estimates[self.estimates["unit"].eq("log-odds")]
        weights = weights.assign(term=weights["term"].str.removeprefix(_WEIGHT))
        return {
            "Right choices, by whether the right response is longer": self.plot(),
            "Weights of being right, length and style": forest(weights, x_title="log-odds"),
        }


def _text(row: Mapping[Any, Any]) -> str:
    if not np.isfinite(row["estimate"]):
        return f"undefined: {row['reason']}"
    if row["unit"] == "times":
        return (f"{row['estimate']:.3g} [{row['conf_low']:.3g}, {row['conf_high']:.3g}] "
                f"({100 * (row['estimate'] - 1):+.3g} % longer)")  # fmt: skip
    signed = row["unit"] != "share" or row["term"] == GAP
    sign = "+" if signed else ""
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], sign)
    q = f", q = {row['q_value']:.2g}" if np.isfinite(row["q_value"]) else ""
    return f"{row['estimate']:{sign}.3f} {ends}{q}, n = {row['n']:,.0f}"
