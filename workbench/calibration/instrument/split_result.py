"""The split of a score's variance: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LOW = 0.7

RULES = {
    "score-undependable": Rule(
        "dependability of the mean score of an item, as these data average it",
        f"interval below {_LOW:g}",
        "Average more of the facet that raises it most: see the table of designs.",
    ),
}
"""What the split of a score may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class VarianceSplit(Result):
    """Variance components of a score, and what to average more of.

    Attributes
    ----------
    estimates : DataFrame
        One row a component: the tidy columns (``estimate`` not below 0), ``share`` of the sum
        with its ends, ``unbiased`` (before 0 was the least), ``levels``, ``df`` behind its mean
        square, ``n_clusters, method, reason``.
    d_study : DataFrame
        One row a design: ``n_FACET`` levels averaged over; ``e_rho2`` (generalizability: items
        beside each other) and ``phi`` (dependability: the score itself) with their ends;
        ``phi_gain`` beside the design of the data.
    curves : DataFrame
        Dependability over the number of levels of each facet: ``group, levels, estimate,
        conf_low, conf_high, e_rho2``.
    facets : DataFrame
        ``facet, column, levels, used, reason``.
    exclusions : DataFrame
        ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "What a score varies by"
    about: ClassVar[str] = (
        "How much of the variance of a score is the item's own, and how much comes from judges, "
        "wordings, seeds and orders. Dependability (phi) is the share of the item in the variance "
        "of a mean score: the designs say what to average more of."
    )

    estimates: pd.DataFrame
    d_study: pd.DataFrame
    curves: pd.DataFrame
    facets: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the components, one row each."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return components, designs, curves, facets, and scores left out."""
        found = {"components": self.estimates, "designs": self.d_study, "curves": self.curves,
                 "facets": self.facets, "exclusions": self.exclusions}  # fmt: skip
        return {name: table for name, table in found.items() if len(table)}

    def summary(self) -> str:
        """Return components, designs, and what was left out, as text."""
        used = self.settings
        lines = [
            f"Variance of {used['score'] or 'the verdict'}, {used['level']:.0%} intervals: "
            f"{used['n']:,} scores of {used['n_items']:,} items, {used['n_clusters']:,} clusters, "
            f"mean {used['mean']:.3f}"
        ]
        for row in self.estimates.to_dict("records"):
            ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
            share = "" if pd.isna(row["share"]) else f", {row['share']:.0%} of all"
            told = f"{row['estimate']:.4f} {ends}{share}"
            told = f"undefined: {row['reason']}" if pd.isna(row["estimate"]) else told
            lines.append(f"  {row['term']}: {told}")
        for row in self.d_study.to_dict("records"):
            numbers = ", ".join(f"{key[2:]} {row[key]:.3g}" for key in row if key.startswith("n_"))
            said = f"undefined: {row['reason']}"
            if pd.notna(row["phi"]):
                ends = ends_text(row["phi_low"], row["phi_high"], row["reason"], "")
                said = f"phi {row['phi']:.3f} {ends}, E rho2 {row['e_rho2']:.3f}"
            lines.append(f"  {row['design']} ({numbers}): {said}")
        lines += [f"  {row['facet']} is left out: {row['reason']}"
                  for row in self.facets.to_dict("records") if not row["used"]]  # fmt: skip
        lines += [f"  {row['n']:,} scores left out: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"  {note}" for note in used["notes"]]
        return "\n".join([*lines, f"method: {self.estimates['method'].iloc[0]}"])

    def findings(self) -> list[Finding]:
        """Return that scores cannot be depended upon as these data average them."""
        row = self.d_study.iloc[1]
        if not row["phi_high"] < _LOW:
            return []
        return [finding(
            RULES, "score-undependable", "warning",
            "Mean scores of an item depend more on who and how was asked than they may",
            int(self.settings["n"]), (row["phi"], row["phi_low"], row["phi_high"]),
        )]  # fmt: skip

    def plot(self) -> go.Figure:
        """Return the share of each component."""
        from workbench.plots.forest import forest

        names = {"share": "estimate", "share_low": "conf_low", "share_high": "conf_high"}
        own = self.estimates.drop(columns=["estimate", "conf_low", "conf_high"])
        return forest(own.rename(columns=names), x_title="share of the variance")

    def figures(self) -> dict[str, go.Figure]:
        """Return shares, and dependability over the numbers that are averaged."""
        from workbench.plots.curve import curve

        drawn = {self.heading: self.plot()}
        known = self.curves[self.curves["estimate"].notna()]
        if len(known):
            drawn["Dependability of a mean over more levels"] = curve(
                known, x="levels", x_title="levels averaged over", y_title="dependability (phi)"
            )
        return drawn
