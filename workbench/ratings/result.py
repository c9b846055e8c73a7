"""Ratings of models as a result: leaderboard, covariates, counterfactual, pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.clustered import FEW_CLUSTERS
from workbench.intervals import NO_VARIATION, ONE_CLUSTER
from workbench.provenance import Provenance
from workbench.ratings.battles import Battles
from workbench.ratings.parted.sums import BattleSums
from workbench.ratings.tables import Spread, change_table, pairwise_table, rating_table
from workbench.results import Result
from workbench.standardised import with_per_sd

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TIES = {
    "half": "ties half a win each",
    "davidson": "Davidson's ties",
    "drop": "ties left out",
}

_FEW_DRAWS = "too many resamples have no finite ratings"


@dataclass(frozen=True, eq=False)
class RatedSide:
    """One fit to the battles: without covariates, or with them.

    Attributes
    ----------
    ratings : Spread
        Of the rated models, in logits.
    weights : Spread
        Of the covariates that can be told.
    log_nu : Spread or None
        Of Davidson's tie parameter.
    terms : list of str
        Names of the covariates in ``weights``.
    log_likelihood : float
    """

    ratings: Spread
    weights: Spread
    log_nu: Spread | None
    terms: list[str]
    log_likelihood: float


@dataclass(frozen=True, eq=False)
class Ratings(Result):
    """Ratings of models in logits, with ranks, covariates and counterfactuals.

    Attributes
    ----------
    battles : Battles or BattleSums
        All usable labels; of data in parts, what they add up to.
    used : Battles or BattleSums
        Those among the rated models.
    without : RatedSide
        The fit that ignores the covariates.
    with_covariates : RatedSide or None
        The joint fit; None where no covariate was asked for or could be fitted.
    shift : Spread or None
        Ratings of the second less those of the first.
    reasons : dict of str to str
        Why a model has no rating.
    covariate_reasons : dict of str to str
        Why a covariate has no weight.
    settings : dict
    provenance : Provenance
    """

    battles: Battles | BattleSums = field(repr=False)
    used: Battles | BattleSums = field(repr=False)
    without: RatedSide = field(repr=False)
    with_covariates: RatedSide | None = field(repr=False)
    shift: Spread | None = field(repr=False)
    reasons: dict[str, str]
    covariate_reasons: dict[str, str]
    settings: dict[str, Any]
    provenance: Provenance
    heading = "Ratings of the models"
    about = (
        "Bradley-Terry ratings in logits, from who was preferred to whom. Elo is a display scale "
        "only. With covariates, the rating is what is left when both responses are alike in "
        "those that could be held constant; the method names them."
    )

    @property
    def side(self) -> RatedSide:
        """The fit whose ratings are shown: the joint one where there is one."""
        return self.with_covariates or self.without

    @property
    def held_constant(self) -> list[str]:
        """Names of the covariates that the shown ratings hold constant."""
        return self.side.terms

    @property
    def control(self) -> str:
        """What the shown ratings hold constant, and what was asked for and could not be."""
        parts = [f"held constant: {', '.join(self.held_constant) or 'nothing'}"]
        gone = [f"{name} ({why})" for name, why in self.covariate_reasons.items()]
        return "; ".join([*parts, *([f"not held constant: {', '.join(gone)}"] if gone else [])])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a model, the best first.

        Beside the tidy columns: ``wins, losses, ties`` (weights); ``elo`` with its limits;
        ``rank`` with a confidence set ``rank_low, rank_high``, and ``rank_arena``, one more
        than the models whose interval lies wholly above; ``method``; ``reason`` where a
        model cannot be rated. Covariates are in the model when the verb was given some.
        """
        return self._table(self.side).copy()

    @cached_property
    def without_covariates(self) -> pd.DataFrame:
        """The table of :meth:`to_frame` of the fit that ignores the covariates."""
        return self._table(self.without)

    @cached_property
    def covariates(self) -> pd.DataFrame:
        """Weights of the covariates, those that are held constant and those that are not.

        ``estimate`` is in logits per unit of the coded difference, so that weights of
        different codings do not compare; ``per_sd`` with its limits is the same for a
        difference of one standard deviation. ``held_constant`` says which are in the model,
        ``reason`` why another is not.
        """
        names = self.settings["covariates"]
        side = self.with_covariates
        columns = ["estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value"]
        table = pd.DataFrame(np.nan, index=names, columns=columns)
        if side is not None and side.terms:
            table.loc[side.terms] = pd.DataFrame(side.weights.columns(), index=side.terms)[columns]
        table = table.rename_axis("term").reset_index()
        table["n"] = len(self.used)
        table = with_per_sd(table, self.used.sd)
        table["held_constant"] = table["term"].isin(self.held_constant)
        table["method"] = self.method
        table["reason"] = pd.Series([self.covariate_reasons.get(n) for n in names], dtype="str")
        return self._reasoned(table)

    @cached_property
    def counterfactual(self) -> pd.DataFrame:
        """Ratings and ranks without and with the covariates, and their change.

        ``estimate`` is the rating with the covariates (their part of the logit set to 0)
        less the rating without; ``rank_change`` likewise, so that -1 is one place up. The
        errors know that both fits saw the same battles. Adding covariates to a logistic
        model also stretches all ratings a little, so read the ranks with the ratings.
        """
        if self.with_covariates is None or self.shift is None:
            return pd.DataFrame(columns=["term", "estimate", "n", "method", "reason"])
        table = change_table(
            self.without.ratings,
            self.with_covariates.ratings,
            self.shift,
            self.without_covariates,
            self._table(self.with_covariates),
        )
        table["method"] = self.method
        return self._reasoned(table)

    @cached_property
    def pairwise(self) -> pd.DataFrame:
        """Each two rated models: the difference, its test, observed and predicted win rate.

        ``predicted`` is the chance that ``model_a`` wins (plus half that of a tie) where the
        covariates are equal; q-values are over all rows.
        """
        table = pairwise_table(self.side.ratings, self.side.log_nu, self.used)
        table["method"] = self.method
        return self._reasoned(table)

    @cached_property
    def tie_parameter(self) -> pd.DataFrame:
        """Davidson's log nu of each fit: P(tie) : P(win) of two equal models is nu : 1."""
        sides = {"without covariates": self.without, "with covariates": self.with_covariates}
        rows = [
            pd.DataFrame({"group": name, "term": "log nu", **side.log_nu.columns()})
            for name, side in sides.items()
            if side is not None and side.log_nu is not None
        ]
        if not rows:
            return pd.DataFrame(columns=["group", "term", "estimate", "n", "method"])
        table = pd.concat(rows, ignore_index=True).assign(n=len(self.used), method=self.method)
        return self._reasoned(table)

    @property
    def exclusions(self) -> pd.DataFrame:
        """Labels left out: ``reason, n``."""
        table = self.battles.exclusions
        lost = len(self.battles) - len(self.used)
        if not lost:
            return table
        row = {"reason": "a model without a finite rating", "n": lost}
        return pd.concat([table, pd.DataFrame([row])], ignore_index=True)

    @property
    def method(self) -> str:
        """How the shown ratings were made, in one line."""
        return self._method(self.side.terms)

    def _method(self, terms: list[str]) -> str:
        s = self.settings
        errors = {
            "cluster": "cluster-robust intervals",
            "bootstrap": f"percentiles of {s['replicates']:,} cluster bootstraps",
        }
        ridge = f", ridge {s['ridge']:g} on covariates" if s["ridge"] else ""
        held = f"; held constant: {', '.join(terms)}" if terms else ""
        return f"Bradley-Terry, {_TIES[s['ties']]}{ridge}{held}; {errors[s['intervals']]}"

    @property
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a rating."""
        texts = [f"{name}: not rated: {why}" for name, why in self.reasons.items()]
        texts += [f"not held constant: {n}: {why}" for n, why in self.covariate_reasons.items()]
        if self.used.n_clusters < 2:
            return [*texts, "all labels are of one cluster: no errors can be told"]
        if self.used.all_tied:
            texts.append("all labels are ties: how they vary cannot be told, so no errors can")
        if self.used.n_clusters < FEW_CLUSTERS:
            texts.append(f"only {self.used.n_clusters} clusters: errors may be too small")
        if self.settings["ties"] == "davidson" and self.without.log_nu is None:
            texts.append("no ties among the battles: Davidson's model is the plain one")
        draws = self.side.ratings.draws
        gone = len(draws) - len(self.side.ratings.defined)
        if gone:
            texts.append(
                f"{gone:,} of {len(draws):,} resamples have no finite ratings; they count as "
                "beyond every limit"
            )
        return texts

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return ratings, covariates, counterfactual, pairwise, ties and exclusions."""
        found = {
            "estimates": self.to_frame(),
            "covariates": self.covariates,
            "counterfactual": self.counterfactual,
            "pairwise": self.pairwise,
            "tie_parameter": self.tie_parameter,
            "exclusions": self.exclusions,
        }
        return {name: table for name, table in found.items() if len(table) or name == "estimates"}

    def summary(self) -> str:
        """Return the leaderboard and the covariates as text."""
        used, level = self.used, 100 * self.settings["level"]
        lines = [
            f"Ratings of {len(used.models)} models: n = {len(used):,} labels, "
            f"{used.n_clusters:,} clusters; logits with {level:g}% interval"
        ]
        lines += [_text_row(row) for row in self.to_frame().itertuples()]
        if len(self.covariates):
            lines += [self.control, "covariates: logits per standard deviation, and per unit"]
            lines += [_covariate_row(row) for row in self.covariates.itertuples()]
        left = "; ".join(f"{row.n:,} {row.reason}" for row in self.exclusions.itertuples())
        lines += [f"left out: {left}"] if left else []
        lines += [f"warning: {text}" for text in self.warnings]
        return "\n".join([*lines, f"method: {self.method}"])

    def plot(self) -> go.Figure:
        """Return the ratings with intervals, in Elo points, without and with covariates."""
        from workbench.plots.ratings import rating_dots

        if self.with_covariates is None:
            return rating_dots({"ratings": self.without_covariates})
        held = f"{', '.join(self.held_constant)} held constant"
        return rating_dots(
            {held: self.to_frame(), "nothing held constant": self.without_covariates}
        )

    def _table(self, side: RatedSide) -> pd.DataFrame:
        table = rating_table(
            side.ratings, self.used, self.battles, self.reasons, self.settings["elo_at_zero"]
        )
        table["method"] = self._method(side.terms)
        return self._reasoned(table[[c for c in table if c != "reason"] + ["reason"]])

    def _reasoned(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table with the reason why an estimate has no interval."""
        known = table.get("reason", pd.Series([None] * len(table), dtype="str"))
        lacking = table["estimate"].notna() & table[["conf_low", "conf_high"]].isna().any(axis=1)
        why = _FEW_DRAWS
        if self.used.n_clusters < 2:
            why = ONE_CLUSTER
        elif self.used.all_tied:
            why = NO_VARIATION
        return table.assign(reason=known.mask(lacking & known.isna(), why))


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term:<28} undefined: {row.reason}"
    place = f"{row.rank:.0f}"
    if np.isfinite(row.rank_low):
        place += f" [{row.rank_low:.0f}, {row.rank_high:.0f}]"
    ends = (
        f"[{row.conf_low:+.3f}, {row.conf_high:+.3f}]"
        if np.isfinite([row.conf_low, row.conf_high]).all()
        else f"({row.reason})"
    )
    return (
        f"  {place:<12} {row.term:<28} {row.estimate:+.3f} {ends}  Elo {row.elo:.0f}  n = {row.n:,}"
    )


def _covariate_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term:<28} undefined: {row.reason}"
    if not np.isfinite(row.per_sd_low):
        return f"  {row.term:<28} {row.per_sd:+.3f} ({row.reason}); per unit {row.estimate:+.3f}"
    return (
        f"  {row.term:<28} {row.per_sd:+.3f} [{row.per_sd_low:+.3f}, {row.per_sd_high:+.3f}]"
        f"  q = {row.q_value:.3g}; per unit {row.estimate:+.3f}"
    )
