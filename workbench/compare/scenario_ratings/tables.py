"""Ratings by scenario as tables: overall, in each, who moves, and who changes places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from workbench.compare.scenario_ratings.kernel import Mode
from workbench.compare.scenario_ratings.layout import ByScenario
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array, Codes
from workbench.ratings.errors import normal_draws
from workbench.ratings.ranks import rank_sets, ranks
from workbench.results import TIDY

_DRAWS = 500
ALONE = "no battles here: the rating of all scenarios, with their spread"
WHOLE = "the composite is this scenario: no rating can lie apart from it"
METHOD = "partial pooling of scenarios, likelihood at the power that clusters leave; t"


@dataclass(frozen=True, eq=False)
class Posterior:
    """Ratings of S scenarios and M models, and how sure they are.

    Attributes
    ----------
    rows : ByScenario
    fit : Mode
    moved : tuple of ndarray
        What a standard error of log tau moves: ratings (S, M) and mean ratings (M,).
    share : ndarray, shape (S,)
        Weights of the composite.
    n_clusters : int
    level : float
    seed : int
    why : str or None
        Why there are no errors.
    """

    rows: ByScenario
    fit: Mode
    moved: tuple[Array, Array]
    share: Array
    n_clusters: int
    level: float
    seed: int
    why: str | None

    @cached_property
    def covariances(self) -> Array:
        """Covariance of the ratings in each scenario, shape (S, M, M)."""
        reach = self.fit.reach()
        through = reach @ self.fit.covariance @ np.swapaxes(reach, 1, 2)
        return through + self.fit.own() + self.moved[0][:, :, None] * self.moved[0][:, None, :]

    @cached_property
    def composite(self) -> tuple[Array, Array]:
        """The composite ratings, shape (M,), and their covariance."""
        reach = np.tensordot(self.share, self.fit.reach(), axes=1)
        own = np.tensordot(self.share**2, self.fit.own(), axes=1)
        move = self.share @ self.moved[0]
        covariance = reach @ self.fit.covariance @ reach.T + own + np.outer(move, move)
        return self.share @ self.fit.ratings, covariance

    def apart(self, s: int) -> tuple[Array, Array]:
        """Return how far a scenario's ratings lie from the composite, and the covariance."""
        fit, M = self.fit, self.rows.shape[1]
        weight = -self.share
        weight[s] += 1
        reach = np.tensordot(weight, fit.reach(), axes=1)
        own = np.tensordot(weight**2, fit.own(), axes=1)
        move = weight @ self.moved[0]
        covariance = reach @ fit.covariance @ reach.T + own + np.outer(move, move)
        return weight @ fit.ratings, covariance.reshape(M, M)

    def tidy(self, estimate: Array, covariance: Array) -> dict[str, Array]:
        """Return estimate, error, ends and p-value of ratings with a covariance."""
        error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        return self.tested(estimate, error)

    def tested(self, estimate: Array, error: Array) -> dict[str, Array]:
        """Return estimate, error, ends and p-value of numbers with errors."""
        error = np.where(error > 0, error, np.nan) if self.why is None else np.full(
            len(error), np.nan
        )  # fmt: skip
        df = max(self.n_clusters - 1, 1)
        half = float(stdtrit(df, 0.5 + self.level / 2)) * error
        p = 2 * stdtr(df, -np.abs(estimate) / error)
        return {"estimate": estimate, "std_error": error, "conf_low": estimate - half,
                "conf_high": estimate + half, "p_value": p}  # fmt: skip

    def ranked(self, estimate: Array, covariance: Array) -> dict[str, Array]:
        """Return rank, rank_low and rank_high."""
        low = high = np.full(len(estimate), np.nan)
        if self.why is None:
            draws = normal_draws(estimate, covariance, _DRAWS, self.seed)
            low, high = rank_sets(estimate, draws, self.level)
        return {"rank": ranks(estimate), "rank_low": low, "rank_high": high}


def overall_table(post: Posterior) -> pd.DataFrame:
    """Return the composite rating of each model, best first, and the mean over scenarios."""
    estimate, covariance = post.composite
    table = _frame(post, post.tidy(estimate, covariance), post.rows.battles().sum(axis=0))
    table = table.assign(**post.ranked(estimate, covariance))
    M = len(estimate)
    spread = post.fit.covariance[:M, :M] + np.outer(post.moved[1], post.moved[1])
    mean = post.tidy(post.fit.mean, spread)
    table = table.assign(mean=mean["estimate"], mean_low=mean["conf_low"],
                         mean_high=mean["conf_high"], n_clusters=float(post.n_clusters),
                         method=METHOD, reason=post.why)  # fmt: skip
    order = np.lexsort((table["term"], -table["estimate"]))
    return table.iloc[order].reset_index(drop=True)


def scenario_table(post: Posterior) -> pd.DataFrame:
    """Return the rating and rank of each model in each scenario."""
    met, parts = post.rows.battles(), []
    for s, name in enumerate(post.rows.scenarios):
        estimate, covariance = post.fit.ratings[s], post.covariances[s]
        table = _frame(post, post.tidy(estimate, covariance), met[s], q=False)
        table = table.assign(scenario=name, **post.ranked(estimate, covariance))
        table["reason"] = [post.why or (None if n > 0 else ALONE) for n in met[s].tolist()]
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))


def move_table(post: Posterior) -> pd.DataFrame:
    """Return how far each model's rating in each scenario lies from its composite rating."""
    met, parts = post.rows.battles(), []
    for s, name in enumerate(post.rows.scenarios):
        table = _frame(post, post.tidy(*post.apart(s)), met[s], q=False)
        alone = WHOLE if post.share[s] == 1 else None
        parts.append(table.assign(scenario=name, reason=post.why or alone))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))


def reversal_table(post: Posterior) -> pd.DataFrame:
    """Return each two models whose order in a scenario is not that of the composite.

    ``p_value`` is the larger of the one-sided p-values of the two differences, so that both have
    to be clear; ``q_value`` is over all pairs of models in all scenarios. Here are those with the
    opposite order, the clearest first.
    """
    whole, spread = post.composite
    names = np.array(post.rows.models, dtype=object)
    i, j = np.triu_indices(len(names), 1)
    swap = whole[i] < whole[j]
    i, j = np.where(swap, j, i), np.where(swap, i, j)
    overall = post.tested(whole[i] - whole[j], _gap_error(spread, i, j))
    met, parts = post.rows.battles(), []
    for s, name in enumerate(post.rows.scenarios):
        rating = post.fit.ratings[s]
        here = post.tested(rating[i] - rating[j], _gap_error(post.covariances[s], i, j))
        turned = here["estimate"] < 0
        clear = np.maximum(here["p_value"], overall["p_value"]) / 2
        parts.append(pd.DataFrame({
            "term": [f"{a} - {b}" for a, b in zip(names[i], names[j], strict=True)],
            **here, "p_value": np.where(turned, clear, np.where(np.isnan(clear), np.nan, 1.0)),
            "n": np.minimum(met[s][i], met[s][j]), "scenario": name,
            "overall": overall["estimate"], "overall_low": overall["conf_low"],
            "overall_high": overall["conf_high"], "turned": turned, "reason": post.why,
        }))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    table.insert(6, "q_value", q_values(table["p_value"].to_numpy("float64")))
    table = table[table["turned"]].drop(columns="turned")
    return table.sort_values(["p_value", "scenario", "term"], kind="stable").reset_index(drop=True)


def covariate_table(post: Posterior) -> pd.DataFrame:
    """Return the weights of the covariates, in logits per unit."""
    M = len(post.rows.models)
    own = post.tidy(post.fit.beta, post.fit.covariance[M:, M:])
    table = pd.DataFrame({"term": pd.Series(post.rows.covariates, dtype="str"), **own})
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table.assign(n=float(len(post.rows.a)), reason=post.why)


def _gap_error(covariance: Array, i: Codes, j: Codes) -> Array:
    diagonal = np.diag(covariance)
    return np.asarray(np.sqrt(np.maximum(diagonal[i] + diagonal[j] - 2 * covariance[i, j], 0.0)))


def _frame(post: Posterior, own: dict[str, Array], n: Array, *, q: bool = True) -> pd.DataFrame:
    table = pd.DataFrame({"term": pd.Series(post.rows.models, dtype="str"), **own, "n": n})
    table["q_value"] = q_values(table["p_value"].to_numpy("float64")) if q else np.nan
    return table[list(TIDY)]
