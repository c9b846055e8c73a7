"""Ratings with their uncertainty as tidy tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.decompose.errors.tidy import p_values, q_values
from workbench.decompose.kernel import Array, logistic
from workbench.ratings.battles import Battles
from workbench.ratings.kernel import davidson
from workbench.ratings.parted.sums import BattleSums
from workbench.ratings.ranks import arena_ranks, rank_sets, ranks

Intervals = Literal["cluster", "bootstrap"]

ELO = 400 / np.log(10)
"""Elo points in one logit."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Estimates with what is known of their errors.

    Attributes
    ----------
    estimate : ndarray, shape (P,)
    covariance : ndarray, shape (P, P)
        Cluster-robust, or of the draws.
    draws : ndarray, shape (R, P)
        Bootstrap replicates, NaN where undefined; or normal draws of the covariance.
    intervals : {"cluster", "bootstrap"}
        Normal limits from the covariance, or percentiles of the replicates.
    level : float
    """

    estimate: Array
    covariance: Array
    draws: Array
    intervals: Intervals
    level: float

    def mapped(self, matrix: Array) -> Spread:
        """Return linear combinations, ``matrix`` of shape (L, P)."""
        return Spread(
            matrix @ self.estimate,
            matrix @ self.covariance @ matrix.T,
            self.draws @ matrix.T,
            self.intervals,
            self.level,
        )

    def take(self, at: slice | NDArray[np.int64]) -> Spread:
        """Return some of the estimates."""
        covariance = self.covariance[at][:, at]
        return Spread(self.estimate[at], covariance, self.draws[:, at], self.intervals, self.level)

    @property
    def defined(self) -> Array:
        """The draws without the undefined ones."""
        return self.draws[np.isfinite(self.draws).all(axis=1)]

    def columns(self) -> dict[str, Array]:
        """Return estimate, std_error, conf_low, conf_high, p_value and q_value."""
        error = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        if self.intervals == "cluster":
            z = ndtri(0.5 + self.level / 2)
            low, high = self.estimate - z * error, self.estimate + z * error
        else:
            low, high = percentiles(self.draws, self.level)
        return columns(self.estimate, error, low, high)


def columns(estimate: Array, error: Array, low: Array, high: Array) -> dict[str, Array]:
    """Return the tidy columns of estimates with known errors and limits."""
    p = p_values(estimate, np.where(error > 1e-12, error, 0.0))
    return {
        "estimate": estimate,
        "std_error": error,
        "conf_low": low,
        "conf_high": high,
        "p_value": p,
        "q_value": q_values(p),
    }


def percentiles(draws: Array, level: float) -> tuple[Array, Array]:
    """Return equal-tailed percentiles of each column.

    An undefined draw counts as one beyond either limit; a limit is NaN where too many are
    undefined for it to be known.

    Examples
    --------
    >>> draws = np.arange(1000.0)[:, None]
    >>> [float(limit[0]) for limit in percentiles(draws, 0.9)]
    [49.0, 950.0]
    """
    if not len(draws):
        return np.full(draws.shape[1], np.nan), np.full(draws.shape[1], np.nan)
    tail = (1 - level) / 2
    gone = np.isnan(draws)
    low = np.quantile(np.where(gone, -np.inf, draws), tail, axis=0, method="lower")
    high = np.quantile(np.where(gone, np.inf, draws), 1 - tail, axis=0, method="higher")
    return np.where(np.isfinite(low), low, np.nan), np.where(np.isfinite(high), high, np.nan)


def rank_columns(theta: Spread, low: Array, high: Array) -> dict[str, Array]:
    """Return rank, rank_low, rank_high and rank_arena."""
    if len(theta.defined) and np.isfinite(theta.covariance).all():
        bounds = rank_sets(theta.estimate, theta.defined, theta.level)
    else:
        bounds = (np.full(len(low), np.nan), np.full(len(low), np.nan))
    return {
        "rank": ranks(theta.estimate),
        "rank_low": bounds[0],
        "rank_high": bounds[1],
        "rank_arena": arena_ranks(low, high),
    }


def rating_table(
    theta: Spread,
    used: Battles | BattleSums,
    everything: Battles | BattleSums,
    reasons: dict[str, str],
    elo_at_zero: float,
) -> pd.DataFrame:
    """Return one row a model, the best first, undefined ones last."""
    own = theta.columns()
    table = pd.DataFrame({"term": pd.Series(used.models, dtype="str"), **own})
    table = pd.concat([table, used.tally()], axis=1)
    for end in ("", "_low", "_high"):
        source = own["estimate" if not end else f"conf{end}"]
        table[f"elo{end}"] = elo_at_zero + ELO * source
    table = table.assign(**rank_columns(theta, own["conf_low"], own["conf_high"]))
    table["reason"] = pd.Series([None] * len(table), dtype="str")
    if reasons:
        counts = everything.tally().assign(term=everything.models)
        rest = counts[counts["term"].isin(reasons)]
        rest = rest.assign(reason=rest["term"].map(reasons))
        table = pd.concat([table, rest], ignore_index=True)
    order = np.lexsort((table["term"], -table["estimate"].fillna(-np.inf)))
    return table.iloc[order].reset_index(drop=True)


def pairwise_table(
    theta: Spread, log_nu: Spread | None, used: Battles | BattleSums
) -> pd.DataFrame:
    """Return one row for each two models: the difference and the predicted win rate."""
    M = len(used.models)
    parts = [_against_the_rest(theta, log_nu, i) for i in range(M - 1)]
    table = pd.DataFrame({k: np.concatenate([part[k] for part in parts]) for k in parts[0]})
    i, j = np.triu_indices(M, 1)
    names = np.array(used.models, dtype=object)
    wins = used.wins()
    met = wins + wins.T
    share = np.divide(wins, met, out=np.full((M, M), np.nan), where=met > 0)
    count = used.times_met()
    count = count + count.T
    table["q_value"] = q_values(table["p_value"].to_numpy())
    table.insert(0, "model_a", pd.Series(names[i], dtype="str"))
    table.insert(1, "model_b", pd.Series(names[j], dtype="str"))
    table.insert(2, "term", table["model_a"] + " - " + table["model_b"])
    table.insert(9, "n", count[i, j])
    table.insert(10, "observed", share[i, j])
    return table


def _against_the_rest(theta: Spread, log_nu: Spread | None, i: int) -> dict[str, Array]:
    gap = theta.estimate[i] - theta.estimate[i + 1 :]
    moved = theta.draws[:, [i]] - theta.draws[:, i + 1 :]
    diagonal = np.diag(theta.covariance)
    variance = diagonal[i] + diagonal[i + 1 :] - 2 * theta.covariance[i, i + 1 :]
    error = np.sqrt(np.maximum(variance, 0.0))
    if theta.intervals == "cluster":
        z = ndtri(0.5 + theta.level / 2)
        low, high = gap - z * error, gap + z * error
    else:
        low, high = percentiles(moved, theta.level)
    found = columns(gap, error, low, high)
    if log_nu is None:
        limits = [logistic(limit.copy()) for limit in (gap, low, high)]
    else:
        # the tie parameter is uncertain too, so the limits come from joint draws
        drawn = expected_score(moved, log_nu.draws)
        limits = [expected_score(gap, log_nu.estimate), *percentiles(drawn, theta.level)]
    for name, values in zip(("predicted", "predicted_low", "predicted_high"), limits, strict=True):
        found[name] = values
    return found


def expected_score(gap: Array, log_nu: Array) -> Array:
    """Return P(win) + P(tie) / 2 under Davidson's model.

    Examples
    --------
    >>> float(expected_score(np.array(0.0), np.array(-1.0)))
    0.5
    """
    return np.asarray((1 + davidson(gap, log_nu)[0]) / 2)


def change_table(
    plain: Spread, styled: Spread, shift: Spread, without: pd.DataFrame, with_: pd.DataFrame
) -> pd.DataFrame:
    """Return ratings and ranks without and with the covariates, and how they change.

    Parameters
    ----------
    plain, styled : Spread
        Ratings of the two fits, with joint draws.
    shift : Spread
        ``styled - plain``.
    without, with_ : DataFrame
        Their tables.
    """
    kept = with_[with_["estimate"].notna()]
    before = without.set_index("term").loc[kept["term"]].reset_index()
    defined = np.isfinite(plain.draws).all(axis=1) & np.isfinite(styled.draws).all(axis=1)
    moved = ranks(styled.draws[defined]) - ranks(plain.draws[defined])
    limits = percentiles(moved, plain.level)
    names = pd.Index(sorted(kept["term"]))
    at = names.get_indexer(kept["term"])
    found: dict[str, Any] = {"term": kept["term"].to_numpy()}
    found |= {name: values[at] for name, values in shift.columns().items()}
    found["n"] = kept["n"].to_numpy()
    for label, table in (("without", before), ("with", kept)):
        for name in ("estimate", "conf_low", "conf_high", "elo", "rank", "rank_low", "rank_high"):
            column = "rating" if name == "estimate" else name.replace("conf", "rating")
            found[f"{column}_{label}"] = table[name].to_numpy()
    found["rank_change"] = found["rank_with"] - found["rank_without"]
    found["rank_change_low"], found["rank_change_high"] = (v[at] for v in limits)
    return pd.DataFrame(found)
