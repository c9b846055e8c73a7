"""How far many raters agree: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.structure.raters.two import MOST_RATERS

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MAIN = "Krippendorff alpha, ordinal"
_Q = 0.05
_APART = 0.02

RULES = {
    "raters-agree-by-chance": Rule(
        "Krippendorff's alpha (ordinal) of the raters",
        "interval not above 0",
        "Look at the question and at what raters were told before labels are used; no model can "
        "learn what nobody agrees on.",
    ),
    "rater-apart": Rule(
        "Krippendorff's alpha (ordinal) without the rater, minus alpha with all",
        f"above {_APART:g} with q < {_Q:g} (Benjamini-Hochberg over the raters)",
        "Decompose this rater alone: another taste is kept, carelessness left out.",
    ),
}
"""What the agreement of raters may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class RaterAgreement(Result):
    """Coefficients of agreement of many raters, without each, and of each two.

    Attributes
    ----------
    estimates : DataFrame
        One row a coefficient: the tidy columns (``n``: pairs with two ratings or more), then
        ``n_clusters``; ``k``, ratings in the mean that an intraclass correlation is of;
        ``method`` and ``reason``.
    without : DataFrame
        One row a rater: ``estimate`` is alpha (ordinal) without the rater minus ``alpha``;
        ``alpha_without``; ``n`` ratings of the rater. Empty without named raters.
    pairs_of_raters : DataFrame
        One row for each two raters: ``agreement`` and, as ``estimate``, kappa with quadratic
        weights. Empty beyond fifty raters.
    exclusions : DataFrame
        Labels that are no rating of their own: ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Agreement of raters"
    about: ClassVar[str] = (
        "How far raters say the same of a pair (A, tie or B), beyond chance: 0 is chance, 1 is "
        "always. Little agreement may be carelessness or taste. Each pair counts in either "
        "orientation, so that it does not matter which response is called A; intervals are over "
        "prompts, for these raters."
    )

    estimates: pd.DataFrame
    without: pd.DataFrame
    pairs_of_raters: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficients, one row each."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return coefficients, alpha without each rater, kappa of each two, labels left out."""
        found = {
            "agreement": self.estimates, "alpha_without_each": self.without,
            "kappa_of_each_two": self.pairs_of_raters, "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "agreement" or len(table)}

    def summary(self) -> str:
        """Return the coefficients, and the raters without whom agreement changes, as text."""
        used = self.settings
        votes = f" and {used['unnamed_votes']:,.0f} votes without a name" * (
            used["unnamed_votes"] > 0
        )
        lines = [
            f"Agreement of {used['raters']:,} named raters{votes}, {used['level']:.0%} intervals: "
            f"{used['n_ratings']:,.0f} ratings of {used['n_pairs']:,} pairs with two or more, "
            f"{used['n_clusters']:,} clusters"
        ]
        lines.append(used["verdict"])
        lines += [f"  {row['term']}: {_value(row)}" for row in self.estimates.to_dict("records")]
        for row in _clear(self.without):
            lines.append(
                f"  without {row['term']}: alpha {row['estimate']:+.3f} "
                f"{ends_text(row['conf_low'], row['conf_high'], row['reason'])}, "
                f"q = {row['q_value']:.2g}, n = {row['n']:,.0f}"
            )
        if used["raters"] > MOST_RATERS:
            lines.append(f"  kappa of each two: left out beyond {MOST_RATERS} raters")
        lines += [f"  {row['n']:,} label{'s' * (row['n'] != 1)}: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        how = f"method: {used['sides']}; influence values over clusters, intervals for these raters"
        return "\n".join([*lines, how])

    def findings(self) -> list[Finding]:
        """Return agreement that may be chance, and raters without whom the others agree more."""
        found = []
        for row in self.estimates[self.estimates["term"].eq(_MAIN)].to_dict("records"):
            if row["conf_low"] <= 0:
                found.append(finding(
                    RULES, "raters-agree-by-chance", "warning",
                    "Raters agree no more than by chance, or it cannot be told", int(row["n"]),
                    (row["estimate"], row["conf_low"], row["conf_high"]),
                ))  # fmt: skip
        for row in _clear(self.without):
            if row["estimate"] > _APART:
                found.append(finding(
                    RULES, "rater-apart", "note", f"Without {row['term']} the others agree more",
                    int(row["n"]), (row["estimate"], row["conf_low"], row["conf_high"]),
                    group=str(row["term"]),
                ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the coefficients with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="agreement (0: chance)")

    def figures(self) -> dict[str, go.Figure]:
        """Return the coefficients, and what leaving out each rater does to alpha."""
        from workbench.plots.forest import forest

        drawn = {self.heading: self.plot()}
        if len(self.without):
            table = self.without.sort_values("estimate", ascending=False, kind="stable")
            name = "Alpha (ordinal) without each rater, minus alpha of all"
            drawn[name] = forest(table, x_title="change of alpha")
        return drawn


def verdict_of(estimates: pd.DataFrame) -> str:
    """Return in a sentence whether raters agree beyond chance, by the first alpha there is.

    Examples
    --------
    >>> verdict_of(pd.DataFrame({"term": ["Gwet AC1"]}))
    'No alpha was asked for.'
    """
    alphas = [name for name in (_MAIN, *estimates["term"]) if "alpha" in name]
    rows = estimates[estimates["term"].isin(alphas)].to_dict("records")
    row = next((row for name in alphas for row in rows if row["term"] == name), None)
    if row is None:
        return "No alpha was asked for."
    if pd.isna(row["conf_low"]):
        return f"Whether raters agree beyond chance cannot be told: {row['reason']}."
    said = "Raters agree beyond chance" if row["conf_low"] > 0 else (
        "Raters agree less than by chance" if row["conf_high"] < 0 else
        "Raters agree no more than by chance, as far as these pairs can tell"
    )  # fmt: skip
    return f"{said}: {row['term']} {_value(row)}."


def _clear(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows whose q-value is clear."""
    return [] if table.empty else table[table["q_value"] < _Q].to_dict("records")


def _value(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"undefined: {row['reason']}"
    mean = f" (mean of {row['k']:.3g})" if row["k"] > 1 else ""
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"{row['estimate']:.3f} {ends}{mean}, n = {row['n']:,.0f} pairs"
