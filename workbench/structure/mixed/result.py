"""How people's weights are spread: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.structure.labels import FEW_EACH
from workbench.structure.shared_prompts import CONFOUNDED

if TYPE_CHECKING:
    import plotly.graph_objects as go

MINORITY = 0.1
"""Share of people of the other sign from which the mean speaks for not all."""

SURE = 0.05
RULES = {
    "people-opposed": Rule(
        "share of people whose weight has the other sign than the mean",
        f"interval above {MINORITY:.0%}, and people differ with q < {SURE:g} (Benjamini-Hochberg)",
        "Do not read the mean as everybody's: look at people one by one, or in groups; a "
        "minority is not noise.",
    ),
    "draws-not-settled": Rule(
        "change of the log-likelihood at the last doubling of the draws (it has no interval)",
        "0.1 or more",
        "Take fewer factors, or read spreads as approximate.",
    ),
    "spread-not-told-from-prompts": Rule(
        "prompts with labels of two people or more (a count: it has no interval)",
        "none",
        "Have several people label the same prompts: what a person wants and what a prompt offers "
        "are one thing otherwise.",
    ),
    "few-labels-for-spread": Rule(
        "labels a person (a count: it has no interval)",
        f"below {FEW_EACH:g} on average",
        "Have the same people label more, or read spreads as bounds.",
    ),
}
"""What spreads of weights may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Mixed(Result):
    """Mean and spread of people's weights, and the draws behind them.

    Attributes
    ----------
    estimates : DataFrame
        One row a term: the tidy columns of the mean ``mu``, ``hessian_error``; ``tau``,
        ``tau_low, tau_high, tau_p_value, tau_q_value``; ``share_opposite``, ``share_low,
        share_high``; ``n_people, method, tau_method, tau_reason, reason``. ``tau_reason`` says
        why a number of tau is NaN, and where its interval and its test disagree.
    draws : DataFrame
        ``draws, log_likelihood, change``.
    exclusions : DataFrame
        ``annotator, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Spread of people's weights"
    about: ClassVar[str] = (
        "The mean of each weight over people, and how far people lie from it: tau is their "
        "standard deviation, and the share of the other sign follows from both if weights are "
        "normal. It describes those who were asked; a minority is not noise."
    )

    estimates: pd.DataFrame
    draws: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a term."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the terms, the draws, and the labels that were left out."""
        found = {"spread": self.estimates, "draws": self.draws, "exclusions": self.exclusions}
        return {name: table for name, table in found.items() if name == "spread" or len(table)}

    def summary(self) -> str:
        """Return the terms, the draws and who was asked as text."""
        used = self.settings
        each = used["n_labels"] / used["n_people"]
        lines = [
            f"Spread of people's weights, {used['level']:.0%} intervals: {used['n_people']:,} "
            f"people ({used['by']}), {used['n_labels']:,} labels, {each:.1f} each (the fewest "
            f"{used['n_fewest']})"
        ]
        lines += [_line(row) for row in self.estimates.to_dict("records")]
        moved = "" if used["change"] is None else f", moved by {used['change']:+.3f} from half"
        lines.append(
            f"log-likelihood {used['log_likelihood']:.2f} with {used['n_draws']:,} {used['draws']} "
            f"draws{moved}{'' if used['converged'] else '; no top was found'}"
        )
        lines += [f"note: {text}" for text in used["notes"]]
        methods = self.estimates[["method", "tau_method"]].iloc[0]
        lines.append(f"method: {methods['method']}; tau by {methods['tau_method']}")
        return "\n".join(lines)

    def findings(self) -> list[Finding]:
        """Return weights that a share of people turns round, and what the fit lacks."""
        used, found = self.settings, []
        for row in self.estimates.to_dict("records"):
            if row["share_low"] > MINORITY and row["tau_q_value"] < SURE:
                numbers = (row["share_opposite"], row["share_low"], row["share_high"])
                found.append(finding(
                    RULES, "people-opposed", "warning",
                    f"A share of {numbers[0]:.0%} of people weighs {row['term']} the other way",
                    used["n_labels"], numbers, term=row["term"],
                ))  # fmt: skip
        if used["converged"] and not used["settled"]:
            change = float("nan") if used["change"] is None else abs(used["change"])
            found.append(finding(
                RULES, "draws-not-settled", "note",
                f"The log-likelihood still moves with {used['n_draws']:,} draws a person",
                used["n_labels"], (change, float("nan"), float("nan")),
            ))  # fmt: skip
        if not used["shared_prompts"]:
            found.append(finding(
                RULES, "spread-not-told-from-prompts", "warning", CONFOUNDED,
                used["n_labels"], (0.0, float("nan"), float("nan")),
            ))  # fmt: skip
        each = used["n_labels"] / used["n_people"]
        if each < FEW_EACH:
            found.append(finding(
                RULES, "few-labels-for-spread", "note",
                f"People gave {each:.1f} labels each",
                used["n_labels"], (each, float("nan"), float("nan")),
            ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the spreads with their intervals."""
        from workbench.plots.forest import forest

        return forest(self._spreads(), x_title="spread between people (SD of the weight)")

    def figures(self) -> dict[str, go.Figure]:
        """Return the spreads, and the means."""
        from workbench.plots.forest import forest

        return {"Spread between people": self.plot(), "Mean weights": forest(self.estimates)}

    def _spreads(self) -> pd.DataFrame:
        names = {"tau": "estimate", "tau_low": "conf_low", "tau_high": "conf_high",
                 "tau_q_value": "q_value", "tau_method": "method",
                 "tau_reason": "reason"}  # fmt: skip
        kept = ["term", "n", *names]
        return self.estimates[kept].rename(columns=names)


def _line(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    mean = ends_text(row["conf_low"], row["conf_high"], row["reason"])
    spread = ends_text(row["tau_low"], row["tau_high"], row["tau_reason"], "")
    share = ends_text(row["share_low"], row["share_high"], row["reason"], "")
    return (
        f"  {row['term']}: mean {row['estimate']:+.3f} {mean}; spread {row['tau']:.3f} {spread}; "
        f"share of the other sign {row['share_opposite']:.3f} {share}"
    )
