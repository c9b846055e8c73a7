"""Ratings by scenario: the result."""

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

_Q = 0.05
_TOLD = 12

RULES = {
    "order-turns-by-scenario": Rule(
        "difference of two models' ratings in the scenario, in logits; overall it is above 0",
        f"below 0 and above 0 overall, both clear: q < {_Q:g} (Benjamini-Hochberg over all pairs "
        "of models and scenarios)",
        "Rank these models in each scenario by itself, or say which mix of scenarios is meant.",
    ),
}
"""What ratings by scenario may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class ScenarioRatings(Result):
    """Ratings of models over all scenarios and in each, in logits.

    Attributes
    ----------
    estimates : DataFrame
        One row a model, best first: the tidy columns of the composite rating (``n`` battles),
        ``rank`` with its confidence set; ``mean`` with its ends: the mean of scenarios of this
        kind, seen or not; ``n_clusters, method, reason``.
    scenarios : DataFrame
        One row a scenario and model: tidy columns, ``scenario``, ``rank`` with its set,
        ``reason``.
    tau : DataFrame
        Standard deviation of ratings between scenarios, with its interval and the test of 0;
        ``tau_pooled``, which the ratings use.
    moves : DataFrame
        Rating in the scenario minus composite rating: tidy columns, ``scenario``.
    reversals : DataFrame
        Each two models in the opposite order in a scenario; see
        :func:`workbench.compare.scenario_ratings.tables.reversal_table`.
    covariates : DataFrame
        Weights of what is held constant.
    exclusions : DataFrame
        ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Ratings by scenario"
    about: ClassVar[str] = (
        "Bradley-Terry ratings in logits in each scenario, where small scenarios borrow strength "
        "from the others, and a composite of them with stated weights. A model that is missing in "
        "a scenario is rated there by the others, with their spread."
    )

    estimates: pd.DataFrame
    scenarios: pd.DataFrame
    tau: pd.DataFrame
    moves: pd.DataFrame
    reversals: pd.DataFrame
    covariates: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the composite ratings, one row a model."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return composite ratings, those by scenario, tau, moves, reversals and the rest."""
        found = {
            "ratings": self.estimates, "by_scenario": self.scenarios, "tau": self.tau,
            "moves": self.moves, "reversals": self.reversals, "covariates": self.covariates,
            "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "ratings" or len(table)}

    def summary(self) -> str:
        """Return ratings, how far scenarios differ, and which orders turn, as text."""
        used = self.settings
        mix = ", ".join(f"{name} {share:.2f}" for name, share in used["weights"].items())
        lines = [
            f"Ratings by {used['by']}, {used['level']:.0%} intervals: {used['n']:,} battles, "
            f"{used['n_clusters']:,} clusters; composite weights ({used['weighed']}): {mix}",
            "  rank [its range], model, rating in log-odds of a win",
        ]
        lines += [f"  {_rank(row)}{row['term']}: {_value(row)}, n = {row['n']:,.0f}"
                  for row in self.estimates.to_dict("records")]  # fmt: skip
        spread = self.tau.to_dict("records")[0]
        p = "" if pd.isna(spread["p_value"]) else f", p = {spread['p_value']:.2g} for none"
        lines.append(f"  ratings differ between scenarios by tau (SD) = {_value(spread, '')}{p}")
        for name, table in self.scenarios.groupby("scenario", sort=False):
            best = table.sort_values(["rank", "term"], kind="stable").to_dict("records")[0]
            lines.append(f"  best in {name}: {best['term']} {_value(best)}")
        turned = self.reversals[self.reversals["q_value"] < _Q]
        lines.append(f"{len(turned)} orders of two models turn in a scenario (q < {_Q:g})")
        for row in turned.head(_TOLD).to_dict("records"):
            lines.append(f"  in {row['scenario']}: {row['term']} {_value(row)}, overall "
                         f"{row['overall']:+.3f}, q = {row['q_value']:.2g}")  # fmt: skip
        lines += [f"  held constant: {row['term']} {_value(row)}"
                  for row in self.covariates.to_dict("records")]  # fmt: skip
        lines += [f"  not held constant: {name}: {why}"
                  for name, why in used["covariates_left_out"].items()]  # fmt: skip
        lines += [f"  not rated: {name} {why}" for name, why in used["not_rated"].items()]
        lines += [f"  {row['n']:,} labels: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        return "\n".join([*lines, f"method: {self.estimates['method'].iloc[0]}"])

    def findings(self) -> list[Finding]:
        """Return the two models whose order turns most clearly in each scenario."""
        found = []
        turned = self.reversals[self.reversals["q_value"] < _Q].drop_duplicates("scenario")
        for row in turned.to_dict("records"):
            found.append(finding(
                RULES, "order-turns-by-scenario", "note",
                f"In {row['scenario']} the order of {row['term'].replace(' - ', ' and ')} is the "
                "opposite", int(row["n"]), (row["estimate"], row["conf_low"], row["conf_high"]),
            ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the composite ratings with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="composite rating (logits)")

    def figures(self) -> dict[str, go.Figure]:
        """Return the composite ratings, and those by scenario."""
        from workbench.plots.forest import forest

        order = {name: k for k, name in enumerate(self.estimates["term"])}
        table = self.scenarios.rename(columns={"scenario": "group"})
        table = table.sort_values("term", key=lambda names: names.map(order), kind="stable")
        return {
            self.heading: self.plot(),
            "Ratings in each scenario": forest(table, x_title="rating (logits)"),
        }


def _rank(row: dict[Any, Any]) -> str:
    if pd.isna(row["rank_low"]):
        return f"{row['rank']:.0f} "
    return f"{row['rank']:.0f} [{row['rank_low']:.0f}, {row['rank_high']:.0f}] "


def _value(row: dict[Any, Any], sign: str = "+") -> str:
    if pd.isna(row["estimate"]):
        least = "" if pd.isna(row["conf_low"]) else f", at least {row['conf_low']:.3f}"
        return f"undefined{least} ({row['reason']})"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], sign)
    return f"{row['estimate']:{sign}.3f} {ends}"
