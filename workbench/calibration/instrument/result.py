"""Judges as instruments: the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.calibration.instrument.functioning import BEYOND, FAVOUR
from workbench.calibration.instrument.values import DISCRIMINATION, FIRST
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_Q = 0.05
_BLUNT = 0.5
_MISFIT = 1.3

RULES = {
    "judge-is-blunt": Rule(
        "slope of the judge's log-odds on the reference's, as a multiple of the reference's own",
        f"interval below {_BLUNT:g}",
        "Let several verdicts of this judge stand for one label, or take another judge.",
    ),
    "judge-misfits": Rule(
        "outfit of the judge's verdicts: mean square of residuals over their variance",
        f"interval above {_MISFIT:g}",
        "Look at pairs that people find clear and this judge calls the other way.",
    ),
    "judge-favours-family": Rule(
        "preference for a family's responses beyond what the judge's slope on the reference's "
        "ratings of other models explains",
        f"above 0 with q < {_Q:g}, as without the slope (Benjamini-Hochberg over judges, families "
        "and groups)",
        "Do not let this judge rank models of the family; correct by labels of people.",
    ),
    "judge-differs-by-group": Rule(
        "a judge's measure in a group minus the mean of the other groups",
        f"q < {_Q:g} (Benjamini-Hochberg over judges, families and groups)",
        "Correct this judge by labels of people in each group, not once for all.",
    ),
    "versions-differ": Rule(
        "a measure of the new version minus the old one, on the same pairs",
        f"q < {_Q:g} (Benjamini-Hochberg over the measures)",
        "Do not mix verdicts of the two versions; judge old pairs anew.",
    ),
}
"""What judges as instruments may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Instrument(Result):
    """Judges as instruments.

    Attributes
    ----------
    estimates : DataFrame
        One row a judge and measure: the tidy columns, ``measure``, ``against`` (the value that
        is tested), ``n_clusters, method, reason``. Measures of verdicts are ``discrimination``, as
        a multiple of the reference's; ``tie at equal strength``, a chance; ``favour for the first
        shown``, log-odds. Those of grades are ``severity``, log-odds from a grade to the next, and
        ``discrimination``, log-odds per standard deviation of quality.
    misfit : DataFrame
        Infit and outfit of each judge: 1 where verdicts vary as the fit says.
    functioning : DataFrame
        Differential functioning, one row a judge and group or family: ``by, group, measure,
        value`` (in the group), ``own`` (the judge's family).
    versions : DataFrame
        The new version minus the old one: ``old, new, margin, equivalent``. Empty without.
    exclusions : DataFrame
        Labels that are left out: ``judge, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Judges as instruments"
    about: ClassVar[str] = (
        "How sharply each judge follows how strongly the reference prefers (1: as one of those in "
        "it), how ready it is to call a tie, and how far the order shown sways it. A judge that "
        "measures otherwise in one group, or favours a family of models, is not corrected by one "
        "number."
    )

    estimates: pd.DataFrame
    misfit: pd.DataFrame
    functioning: pd.DataFrame
    versions: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the measures, one row a judge and measure."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return measures, misfit, differential functioning, versions, labels left out."""
        found = {"instrument": self.estimates, "misfit": self.misfit,
                 "functioning": self.functioning, "versions": self.versions,
                 "exclusions": self.exclusions}  # fmt: skip
        return {name: table for name, table in found.items() if name == "instrument" or len(table)}

    def summary(self) -> str:
        """Return the measures of each judge, and what is clear of groups and versions."""
        used = self.settings
        lines = [
            f"{len(used['judges']):,} judge{'s' * (len(used['judges']) != 1)} beside "
            f"{used['reference_is']}, {used['level']:.0%} intervals: strength by "
            f"{used['strength_is']}, {used['n_pairs']:,} pairs"
        ]
        for name, table in self.estimates.groupby("term", sort=False):
            lines.append(f"  {name}, n = {table['n'].max():,.0f} labels")
            lines += [f"    {row['measure']}: {_value(row)}" for row in table.to_dict("records")]
        clear = self.functioning[self.functioning["q_value"] < _Q]
        tests = int(self.functioning["p_value"].notna().sum())
        if tests:
            lines.append(f"  groups and families: {len(clear):,} of {tests:,} tests with q < {_Q}")
        for row in clear.to_dict("records"):
            lines.append(f"    {row['term']}, {row['by']} {row['group']}, {row['measure']}: "
                         f"{_value(row)}, q = {row['q_value']:.2g}")  # fmt: skip
        if len(self.versions):
            lines.append("  {1} minus {0}".format(*used["versions"]))
        for row in self.versions.to_dict("records"):
            same = "" if row["equivalent"] is not True else f", within {row['margin']:g}"
            lines.append(f"    {row['term']}: {_value(row)}{same}")
        lines += [f"  {row['judge']}: {row['n']:,} left out: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        return "\n".join([*lines, f"method: {self.estimates['method'].iloc[0]}"])

    def findings(self) -> list[Finding]:
        """Return blunt and misfitting judges, favoured families, groups, changed versions."""
        # the slope of grades is on another scale: people are no unit of it
        verdicts, noun = self.settings["strength"] != "grades", self.settings["reference_is"]
        found = [
            _found("judge-is-blunt", "warning", f"{row['term']} follows the strength of {noun} "
                   "less than half as sharply as one of them", row)
            for row in self.estimates.to_dict("records")
            if row["measure"] == DISCRIMINATION and row["conf_high"] < _BLUNT and verdicts
        ]  # fmt: skip
        found += [
            _found("judge-misfits", "note", f"Verdicts of {row['term']} surprise more often than "
                   "its sharpness says", row)
            for row in self.misfit.to_dict("records")
            if row["measure"] == "outfit" and row["conf_low"] > _MISFIT
        ]  # fmt: skip
        clear = [row for row in self.functioning.to_dict("records") if row["q_value"] < _Q]
        beyond = {(row["term"], row["group"]) for row in clear
                  if row["measure"] == BEYOND and row["estimate"] > 0}  # fmt: skip
        for row in clear:
            if row["measure"] == BEYOND:
                continue
            if row["measure"] == FAVOUR:
                # ratings of equals are noise, of which any slope may be made
                if row["estimate"] <= 0 or (row["term"], row["group"]) not in beyond:
                    continue
                own = "its own family" if row["own"] else "the family"
                found.append(_found(
                    "judge-favours-family", "warning" if row["own"] else "note",
                    f"{row['term']} prefers {own} {row['group']} beyond what {noun} do", row,
                ))  # fmt: skip
            else:
                found.append(_found(
                    "judge-differs-by-group", "note",
                    f"{row['term']}: another {row['measure']} in {row['by']} {row['group']}", row,
                ))  # fmt: skip
        found += [
            _found("versions-differ", "warning", "{1} differs from {0}: ".format(
                *self.settings["versions"]) + str(row["term"]), row)
            for row in self.versions.to_dict("records") if row["q_value"] < _Q
        ]  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the discrimination of each judge, or of judges that grade the severity."""
        if self.settings["strength"] == "grades":
            return self._forest("severity", "severity (log-odds from a grade to the next)", 0)
        axis = f"slope on the strength of {self.settings['reference_is']} (1: as one of them)"
        return self._forest(DISCRIMINATION, axis, 1)

    def figures(self) -> dict[str, go.Figure]:
        """Return discrimination, readiness to tie, favour for the first, and what is clear."""
        from workbench.plots.forest import forest

        drawn = {self.heading: self.plot()}
        names = {"tie at equal strength": "chance of a tie at equal strength", FIRST: "log-odds"}
        if self.settings["strength"] == "grades":
            names = {DISCRIMINATION: "log-odds per standard deviation of quality"}
        for measure, axis in names.items():
            table = self.estimates[self.estimates["measure"].eq(measure)]
            if table["estimate"].notna().any():
                drawn[measure[:1].upper() + measure[1:]] = self._forest(measure, axis, 0)
        favour = self.functioning[self.functioning["measure"].eq(FAVOUR)]
        if favour["estimate"].notna().any():
            table = favour.assign(against=None)
            drawn["Families that judges favour"] = forest(
                table.assign(term=table["group"], group=table["term"]),
                x_title=f"preference beyond that of {self.settings['reference_is']}",
            )
        return drawn

    def _forest(self, measure: str, axis: str, reference: float) -> go.Figure:
        from workbench.plots.forest import forest

        table = self.estimates[self.estimates["measure"].eq(measure)].drop(columns="against")
        return forest(table, x_title=axis, reference=reference)


def _found(rule: str, level: str, message: str, row: Mapping[Any, Any]) -> Finding:
    return finding(
        RULES, rule, level, message, int(row["n"]),
        (row["estimate"], row["conf_low"], row["conf_high"]), group=str(row["term"]),
    )  # fmt: skip


def _value(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"undefined: {row['reason']}"
    sign = "" if row.get("measure") in (DISCRIMINATION, "tie at equal strength") else "+"
    return f"{row['estimate']:{sign}.3f} " + ends_text(
        row["conf_low"], row["conf_high"], row["reason"], sign
    )
