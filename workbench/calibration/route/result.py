"""Which pairs go to people, and which to a judge: the result."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.calibration.route.scores import LEARNT, UNCERTAIN
from workbench.errors import DesignError
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

BUDGET = "budget"

RULES = {
    "uncertainty-says-nothing": Rule(
        "error left by random routing minus that by judge-uncertain first, mean over the budgets",
        "interval not above 0",
        "The judge does not know where it is wrong: route at random, or by what is learnt.",
    ),
    "router-learnt": Rule(
        "error left by judge-uncertain first minus that by the learnt rule, held out, mean over "
        "the budgets",
        "above 2 standard errors",
        "The judge is wrong where it is sure: look at the pairs that come first.",
    ),
}
"""What routing may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Routing(Result):
    """Error that is left at each budget, and the pairs that people should label.

    Attributes
    ----------
    estimates : DataFrame
        One row a rule (``group``) and ``budget``: the tidy columns of the error that is left,
        ``n_clusters, method, reason``; budget 0 is the judge alone. The last row is what one
        person misses against the majority of the others.
    gains : DataFrame
        Error that one rule leaves less than another, at each budget; NaN: mean over them.
    pairs : DataFrame
        One row a pair that the judge was asked about, the unlabelled ones first: ``rank``,
        ``pair_id``, ``labelled``, ``people_from_budget`` (the smallest budget at which it goes
        to people; NaN: the judge's), ``score``, ``judge_says``, ``margin``, ``dissent``,
        ``surprise``, ``scenario``.
    exclusions : DataFrame
        ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "People or judge"
    about: ClassVar[str] = (
        "How much of the judge's error is left when people label the pairs that are most urgent, "
        "by several rules, and which pairs those are. The curve is of labelled pairs: it holds for "
        "the others as far as they are alike."
    )

    estimates: pd.DataFrame
    gains: pd.DataFrame
    pairs: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def pair_ids(self, budget: float) -> list[str]:
        """Return the pairs that go to people under a budget, the most urgent first.

        Parameters
        ----------
        budget : float
            A share of the unlabelled pairs; of all where every pair has labels.

        Raises
        ------
        DesignError
            No number between 0 and 1.
        """
        if not (isinstance(budget, Real) and 0 < budget <= 1):
            raise DesignError(
                "Option budget is out of range.",
                found=repr(budget),
                expected="a number above 0, at most 1",
                fix="Pass another budget=.",
            )
        open_ = self.pairs[~self.pairs["labelled"]]
        table = open_ if len(open_) else self.pairs
        kept = table["rank"] <= budget * len(table) + 1e-9
        return [str(name) for name in table.loc[kept, "pair_id"]]

    def to_frame(self) -> pd.DataFrame:
        """Return the errors left, one row a rule and budget."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return errors, gains, the pairs in their order, what was left out."""
        found = {"errors": self.estimates, "gains": self.gains, "pairs": self.pairs,
                 "exclusions": self.exclusions}  # fmt: skip
        return {name: table for name, table in found.items() if name != "exclusions" or len(table)}

    def summary(self) -> str:
        """Return the errors at each budget as text."""
        used = self.settings
        lines = [
            f"{used['judge']} against {used['reference_is']}: {used['n_labelled']:,} of "
            f"{used['n_pairs']:,} pairs have both, {used['n_clusters']:,} clusters; "
            f"{used['level']:.0%} intervals",
            f"routed by: {used['router']}",
            f"error that is left, by the share of pairs that {used['reference_is']} label:",
        ]
        curves = self.estimates[self.estimates["group"].ne("people")]
        for name, table in curves.groupby("group", sort=False):
            lines.append(f"  {name}: " + "; ".join(_at(row) for row in table.to_dict("records")))
        lines.append("gains, mean over the budgets:")
        for row in self.gains[self.gains[BUDGET].isna()].to_dict("records"):
            lines.append(f"  {row['term']}: {_gain(row)}")
        one = self.estimates.iloc[-1]
        told = _number(one) if pd.notna(one["estimate"]) else f"undefined: {one['reason']}"
        lines.append(f"{one['term']}: {told}")
        lines += [f"  {row['n']:,} pairs: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines.append(f"method: {self.estimates['method'].iloc[0]}; learnt: out of fold")
        return "\n".join(lines)

    def findings(self) -> list[Finding]:
        """Return whether the judge knows where it is wrong, and whether more could be learnt."""
        found, judge = [], self.settings["judge"]
        errs = self.estimates["estimate"].iloc[0] > 0
        for row in self.gains[self.gains[BUDGET].isna()].to_dict("records"):
            numbers = (row["estimate"], row["conf_low"], row["conf_high"])
            if pd.isna(row["estimate"]):
                continue
            # where it never errs, or of one cluster, nothing says that it does not know
            told = errs and row["n_clusters"] > 1
            if row["group"] == UNCERTAIN and told and not row["conf_low"] > 0:
                found.append(finding(
                    RULES, "uncertainty-says-nothing", "warning",
                    f"{judge} does not know where it is wrong, or it cannot be told",
                    int(row["n"]), numbers, group=judge,
                ))  # fmt: skip
            if row["group"] == LEARNT and self.settings["router"] == LEARNT:
                found.append(finding(
                    RULES, "router-learnt", "note",
                    f"Where {judge} is wrong can be learnt better than from its doubts",
                    int(row["n"]), numbers, group=judge, evidence=tuple(self.pair_ids(1.0)[:10]),
                ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the error that is left over the budget, a line a rule."""
        from workbench.plots.curve import curve

        drawn = self.estimates[self.estimates["group"].ne("people")]
        return curve(
            drawn, x=BUDGET, x_title=f"share of pairs that {self.settings['reference_is']} label",
            y_title="error left",
        )  # fmt: skip


def _number(row: Any) -> str:
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"{row['estimate']:.3f} {ends}"


def _at(row: dict[Any, Any]) -> str:
    return f"{row[BUDGET]:.0%} {_number(row)}"


def _gain(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"undefined: {row['reason']}"
    error = "" if np.isnan(row["std_error"]) else f", SE {row['std_error']:.3f}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
    return f"{row['estimate']:+.3f} {ends}{error}"
