"""Paired comparisons: the result."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.calibration.paired.differences import (
    A_AHEAD,
    B_AHEAD,
    EQUIVALENT,
    INTERVAL,
    MCNEMAR,
    NOT_TOLD,
    POWER,
    TOO_FEW,
    UNDEFINED,
)
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MOST = 20
"""Comparisons that a summary lists."""

RULES = {
    "agrees-less-than-another": Rule(
        "agreement with the reference, minus that of another judge on the same pairs",
        "q below 1 - level (Benjamini-Hochberg over the comparisons), "
        "interval without 0, not equivalent",
        "Prefer the other judge, unless it costs more than the difference is worth.",
    ),
    "loses-to-another": Rule(
        "score, minus that of the other model on the same prompts",
        "q below 1 - level (Benjamini-Hochberg over the comparisons), "
        "interval without 0, not equivalent",
        "Look at the slices before one is taken for better everywhere.",
    ),
    "difference-not-told": Rule(
        f"smallest difference that pairs like these find with {POWER:.0%} power",
        "neither a difference nor equivalence within the margin is found",
        "Get more prompts, or state a wider margin: no difference found is no equality.",
    ),
}
"""What paired comparisons may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Paired(Result):
    """Comparisons of two, on what both were asked.

    Attributes
    ----------
    estimates : DataFrame
        One row a comparison; see :meth:`to_frame`.
    slices : DataFrame
        The same within each slice, named in ``group``; empty without one.
    sides : DataFrame
        One row for each that is compared: its own rate with interval.
    exclusions : DataFrame
        Labels left out: ``annotator, reason, n``.
    settings : dict
    provenance : Provenance
    """

    rule: ClassVar[str] = "agrees-less-than-another"
    what: ClassVar[str] = "agreement"
    units: ClassVar[str] = "pairs"

    estimates: pd.DataFrame
    slices: pd.DataFrame
    sides: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a comparison.

        The tidy columns are of the mean difference a minus b, with q over these comparisons,
        then ``holm`` (adjusted p), ``n_clusters, a, b``; ``value_a, value_b``, the means on the
        same pairs; ``a_ahead, b_ahead, alike``, how many pairs; ``equivalence_p`` of a difference
        beyond the margin, and ``equivalence_holm``; ``detectable``, the smallest difference found
        with 80 % power; ``verdict, test, reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return comparisons, slices, each side's own rate, and labels left out."""
        found = {"comparisons": self.estimates, "slices": self.slices, "sides": self.sides,
                 "exclusions": self.exclusions}  # fmt: skip
        return {name: table for name, table in found.items() if name == "comparisons" or len(table)}

    def summary(self) -> str:
        """Return the comparisons as text, the largest differences first where they are many."""
        used = self.settings
        lines = [f"{self._headline()}, {used['level']:.0%} intervals, margin {used['margin']:g}"]
        for row in self.sides.to_dict("records"):
            lines.append(f"  {row['term']}: {_rate(row)}")
        lines += self._listed(self.estimates)
        if len(self.slices):
            lines.append(f"by {used['by']}")
            lines += self._listed(self.slices)
        lines += [f"  {row['annotator']}: {row['n']:,} left out: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"  {note}" for note in used["notes"]]
        return "\n".join([*lines, f"method: {used['method']}"])

    def findings(self) -> list[Finding]:
        """Return who is behind the best, or the best itself, and what could not be told."""
        rows = self.estimates.to_dict("records")
        if not rows:
            return []
        best = self._best()
        found = []
        for row in rows:
            if row["verdict"] in (A_AHEAD, B_AHEAD) and best in (row["a"], row["b"]):
                sign = -1.0 if row["estimate"] > 0 else 1.0
                ends = sorted((sign * row["conf_low"], sign * row["conf_high"]))
                ahead, behind = (row[side] for side in ("ab" if sign < 0 else "ba"))
                found.append(finding(
                    RULES, self.rule, "note", self._behind(behind, ahead, row), int(row["n"]),
                    (sign * row["estimate"], ends[0], ends[1]), group=str(behind),
                    against=str(ahead),
                ))  # fmt: skip
            elif row["verdict"] == NOT_TOLD and len(rows) == 1:
                text = f"Whether {row['a']} and {row['b']} differ cannot be told"
                text += f": {TOO_FEW}" * bool(pd.isna(row["detectable"]))
                found.append(finding(
                    RULES, "difference-not-told", "note", text, int(row["n"]),
                    (row["detectable"], float("nan"), float("nan")),
                ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the differences with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title=f"{self.what}, a minus b")

    def figures(self) -> dict[str, go.Figure]:
        """Return the differences, and those within slices."""
        from workbench.plots.forest import forest

        drawn = {self.heading: self.plot()}
        if len(self.slices):
            # a comparison is a colour, a slice a line
            table = self.slices.assign(group=self.slices["term"], term=self.slices["group"])
            drawn[f"{self.heading}, by {self.settings['by']}"] = forest(
                table, x_title=f"{self.what}, a minus b"
            )
        return drawn

    @abstractmethod
    def _headline(self) -> str:
        """Return the first line of the summary."""

    @abstractmethod
    def _behind(self, one: str, other: str, row: Mapping[Any, Any]) -> str:
        """Return what a finding says of who is behind."""

    def _best(self) -> str:
        """Return who is ahead most often: what each did on pairs of its own compares nobody."""
        clear = self.estimates["verdict"].isin([A_AHEAD, B_AHEAD])
        table = self.estimates.assign(wins=np.sign(self.estimates["estimate"]).where(clear, 0.0))
        table = table.fillna({"estimate": 0.0})
        sums = pd.concat([
            table[["wins", "estimate"]].mul(sign).assign(name=table[side])
            for side, sign in (("a", 1.0), ("b", -1.0))
        ]).groupby("name").sum()  # fmt: skip
        return str(sums.sort_values(["wins", "estimate"], kind="stable").index[-1])

    def _listed(self, table: pd.DataFrame) -> list[str]:
        size = table["estimate"].abs().to_numpy()
        shown = table.iloc[(-size).argsort(kind="stable")] if len(table) > _MOST else table
        lines = [line for row in shown.head(_MOST).to_dict("records") for line in self._text(row)]
        if len(table) > _MOST:
            lines.append(f"  ... the {_MOST} largest of {len(table):,}; the table has all")
        return lines

    def _text(self, row: Mapping[Any, Any]) -> list[str]:
        where = f"{row['group']}: " if "group" in row else ""
        head = f"  {where}{row['term']}: "
        if row["verdict"] == UNDEFINED:
            known = "" if pd.isna(row["estimate"]) else f"{row['estimate']:+.3f} "
            return [f"{head}{known}undefined: {row['reason']}, n = {row['n']:,.0f}"]
        ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
        told = f"{row['estimate']:+.3f} {ends}, p = {row['p_value']:.3g}, q = {row['q_value']:.3g}"
        counted = f"n = {row['n']:,.0f} {self.units}, {row['n_clusters']:,.0f} clusters"
        split = f"{row['a_ahead']:,.0f} for {row['a']}, {row['b_ahead']:,.0f} for {row['b']}"
        least = f"found at 80% power: {row['detectable']:.3f}"
        if pd.isna(row["detectable"]):
            least = TOO_FEW
        return [
            f"{head}{told}, {counted}: {said(row)}",
            f"    {split}, {row['alike']:,.0f} alike ({row['test']}); "
            f"equivalence p = {row['equivalence_p']:.3g}; {least}",
        ]


def said(row: Mapping[Any, Any]) -> str:
    """Return a verdict with the names in it.

    Examples
    --------
    >>> said({"verdict": "b ahead, within the margin", "a": "x", "b": "y"})
    'y ahead, within the margin'
    """
    verdict = str(row["verdict"])
    for side in ("a", "b"):
        verdict = verdict.replace(f"{side} ahead", f"{row[side]} ahead")
    return verdict


def method_of(table: pd.DataFrame) -> str:
    """Return how comparisons were tested, as text."""
    tests = list(dict.fromkeys(table.loc[table["n"] > 0, "test"])) or [MCNEMAR]
    rest = f"{EQUIVALENT}: two one-sided score tests, Holm; found at 80% power: Connor"
    return f"{INTERVAL}; p: {' or '.join(tests)}; {rest}"


def _rate(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    lost = row.get("n_unread", 0.0)
    unread = f", {lost:,.0f} unread" if lost > 0 else ""
    return f"{row['estimate']:.3f} {ends}, n = {row['n']:,.0f}{unread}"


@dataclass(frozen=True, eq=False)
class AnnotatorComparison(Paired):
    """Judges, or runs of one, beside a reference on the same pairs; see :class:`Paired`."""

    heading: ClassVar[str] = "Judges on the same pairs"
    about: ClassVar[str] = (
        "Which of two judges says more often what the reference says, on the pairs that both were "
        "asked. Where no difference is found, it says whether they are equal within the margin, "
        "and how large a difference would have been found. A verdict that could not be read "
        "agrees with nobody."
    )

    def _headline(self) -> str:
        return f"Agreement with {self.settings['reference_is']}, paired"

    def _behind(self, one: str, other: str, row: Mapping[Any, Any]) -> str:
        return f"{one} agrees less with the {self.settings['reference_is']} than {other}"

    def _text(self, row: Mapping[Any, Any]) -> list[str]:
        lines = super()._text(row)
        if row["n_both"]:
            ends = ends_text(row["differ_low"], row["differ_high"], row["reason"], "")
            lines.append(
                f"    verdicts differ on {row['differ']:.3f} {ends}, n = {row['n_both']:,.0f}"
            )
        return lines


@dataclass(frozen=True, eq=False)
class ModelComparison(Paired):
    """Two models on the same prompts; see :class:`Paired`."""

    heading: ClassVar[str] = "Two models on the same prompts"
    about: ClassVar[str] = (
        "Which of two models an annotator prefers: where they meet, and through opponents that "
        "both met on the same prompts. Scores are 1, one half and 0, so that the difference is "
        "the share of wins minus that of losses where they meet."
    )
    rule: ClassVar[str] = "loses-to-another"
    what: ClassVar[str] = "score"
    units: ClassVar[str] = "comparisons"

    def _headline(self) -> str:
        return f"Scores given by {self.settings['annotator_is']}, paired by prompt"

    def _behind(self, one: str, other: str, row: Mapping[Any, Any]) -> str:
        how = str(row["term"]).removeprefix(f"{row['a']} minus {row['b']}")
        return f"{one} does worse than {other} on the same prompts{how}"
