"""One annotator's scenarios: pooled weights, heterogeneity, and differences."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import chdtrc

from workbench.compare.heterogeneity import Heterogeneity, heterogeneity
from workbench.compare.pooling import ROUNDS, Pooled, pool
from workbench.compare.subsets import Subset
from workbench.compare.turned import Draws
from workbench.decompose.design import CLUSTER, Design
from workbench.decompose.errors.clustered import sandwich
from workbench.decompose.errors.pulls import Pulls
from workbench.decompose.errors.sandwich import Sandwich
from workbench.decompose.errors.tidy import q_values, t_interval, tidy_columns
from workbench.decompose.estimate import fit_groups
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array
from workbench.intervals import NO_VARIATION, ONE_CLUSTER
from workbench.results import TIDY

METHOD = (
    "partial pooling, empirical Bayes (Laplace); interval with the uncertainty of mu, not of tau"
)
TEST = (
    "mu: empirical Bayes; p, q and tau: score test of equal weights, signs of the clusters' "
    "scores turned at random, inverted"
)
APART = "difference of unpooled weights, joint cluster-robust covariance"

LABELS_A_TERM = 10
"""Labels for each term that a subset needs for weights of its own."""

_NOTHING = 1e-9
"""Errors of rounding, and variances as a share of those of which they are a difference."""

CLUSTERS_FOR_Q = 40
"""Clusters in each subset for Cochran's Q to hold its level."""


class ScenarioFits:
    """The scenarios of one annotator: pooled weights, unpooled ones, and tests.

    Parameters
    ----------
    name : str
    design : Design
        Of every scenario.
    places : ndarray of int
        Groups of the design that are this annotator's.
    whole : GroupFit
        The fit of all scenarios together.
    large : ndarray of bool
        Groups of the design with labels enough for a fit of their own.
    scenario : str
        Column that names the scenario.
    level : float
    draws : Draws
        Of the test; the same for several annotators.
    """

    def __init__(
        self,
        name: str,
        design: Design,
        places: NDArray[np.int64],
        whole: GroupFit,
        large: NDArray[np.bool_],
        scenario: str,
        level: float,
        draws: Draws,
    ) -> None:
        self.name, self.terms, self.whole, self.level = name, design.terms, whole, level
        self.scenarios = design.keys[scenario].iloc[places].tolist()
        subsets, clusters = [], []
        for g in places:
            rows, cells = design.compact(int(g))
            subsets.append(Subset(design.X[rows], cells.weight[:, 0], cells.votes[:, 0]))
            clusters.append(design.cluster[rows])
        self.n = design.n_labels[places]
        self.n_clusters = np.array([len(np.unique(own)) for own in clusters])
        varies = np.array([(one.X != 0).any(axis=0) for one in subsets])
        self.used: NDArray[np.bool_] = np.asarray(varies.any(axis=0))
        cut = [Subset(one.X[:, self.used], one.weight, one.votes) for one in subsets]
        self.power = _power(whole)
        self.pooled: Pooled = pool(cut, self.power)
        self.test: Heterogeneity = heterogeneity(
            cut, clusters, self.pooled, self.power, level, draws.seed, draws
        )
        self._unpooled(design, places, large[places])
        times = np.bincount(np.concatenate([np.unique(own) for own in clusters]))
        self.shared, self.all_clusters = int((times > 1).sum()), int((times > 0).sum())

    def _unpooled(
        self, design: Design, places: NDArray[np.int64], large: NDArray[np.bool_]
    ) -> None:
        """Set the unpooled weights, their degrees of freedom and joint covariance."""
        S, K = len(places), len(self.terms)
        self.coef, self.df = np.full((2, S, K), np.nan)
        self.joint = np.full((K, S, S), np.nan)
        self.fits: list[GroupFit | None] = [None] * S
        have = np.flatnonzero(large)
        if not len(have):
            return
        # the pulls that a fit's own errors are made of; no cluster beside them has any
        own: dict[str, Pulls] = {}

        def made(design: Design, fit: GroupFit) -> Sandwich:
            errors = sandwich(design, fit)
            own[fit.name] = cast("Pulls", errors.parts[(CLUSTER,)])
            return errors

        for s, fit in zip(
            have, fit_groups(design, "cluster", places[have].tolist(), made), strict=True
        ):
            self.fits[s] = fit
            self.coef[s], self.df[s] = fit.told, fit.df
        pulls = [own.get(design.groups[g]) for g in places[have]]
        codes = [np.empty(0, dtype=np.int64) if one is None else one.codes for one in pulls]
        bounds = np.append(0, np.cumsum([len(one) for one in codes]))
        shape = (len(have), len(design.cluster_names))
        for k in range(K):
            by_cluster = [one.influence[:, k] for one in pulls if one is not None]
            parts = (np.concatenate([*by_cluster, np.empty(0)]), np.concatenate(codes), bounds)
            matrix = sparse.csr_array(parts, shape=shape)
            self.joint[k, have[:, None], have] = (matrix @ matrix.T).toarray()

    def notes(self) -> list[str]:
        """Return what a reader should know of these fits."""
        found = [
            f"{self.name}: {len(self.n):,} scenarios with {_range(self.n)} labels and "
            f"{_range(self.n_clusters)} clusters each"
        ]
        if self.shared:
            found.append(
                f"{self.name}: {self.shared:,} of {self.all_clusters:,} clusters lie in several "
                "scenarios; the tests allow for it, the pooled intervals take scenarios as "
                "independent"
            )
        lone = sum(fit is None for fit in self.fits)
        if lone:
            found.append(
                f"{self.name}: {lone:,} scenarios have fewer than {LABELS_A_TERM} labels a term: "
                "no unpooled weights and differences"
            )
        names = [t for t, u in zip(self.terms, self.used, strict=True) if u]
        alike = [t for t, v in zip(names, self.test.tau, strict=True) if v == 0]
        if alike:
            found.append(
                f"{self.name}: tau is 0 (scenarios differ no more than chance would have it) for "
                f"{', '.join(alike)}; their pooled weights rest on the weak prior of tau"
            )
        if not self.pooled.converged:
            found.append(f"{self.name}: tau had not come to rest after {ROUNDS} rounds")
        return found

    def _full(self, values: Array) -> Array:
        """Spread values of the used terms over all terms, NaN elsewhere."""
        out = np.full((*values.shape[:-1], len(self.terms)), np.nan)
        out[..., self.used] = values
        return out

    def estimates(self) -> pd.DataFrame:
        """Pooled, unpooled and complete weights of each scenario and term."""
        mean, error = self._full(self.pooled.mean), self._known(self._full(self.pooled.error))
        S, K = mean.shape
        columns = tidy_columns(
            self.terms * S, mean.ravel(), error.ravel(), np.repeat(self.n, K), self.level
        )
        # one family a scenario, as in a fit of its own
        columns["q_value"] = np.concatenate([q_values(p) for p in columns["p_value"].reshape(S, K)])
        whole, own, whole_error = self.whole, self._own_error(), _error(self.whole)
        complete = _beside("complete", whole.told, whole_error, self.level, whole.df)
        return pd.DataFrame(
            {
                "annotator": self.name,
                "scenario": np.repeat(np.array(self.scenarios, dtype=object), K),
                **columns,
                "n_clusters": np.repeat(self.n_clusters, K),
                **_beside("unpooled", self.coef.ravel(), own.ravel(), self.level, self.df.ravel()),
                **{column: np.tile(values, S) for column, values in complete.items()},
                "shrinkage": self._full(self.pooled.shrinkage).ravel(),
                "method": METHOD,
                "reason": pd.Series(self._reasons(), dtype="str"),
            }
        ).astype({"scenario": "str"})

    def _reasons(self) -> list[str | None]:
        """Return why weights are undefined, or have no interval: all terms of each scenario."""
        own, together = self._own_error(), _error(self.whole)
        first = [ONE_CLUSTER] if self.alone else []
        complete = [
            _why(self.whole, term, together[k], "complete weight")
            for k, term in enumerate(self.terms)
        ]
        reasons: list[str | None] = []
        for s, fit in enumerate(self.fits):
            few = f"no unpooled weight: {self.n[s]:,} labels, fewer than {LABELS_A_TERM} a term"
            for k, (term, used) in enumerate(zip(self.terms, self.used.tolist(), strict=True)):
                if not used:
                    reasons.append(self._unused(term))
                    continue
                why = few if fit is None else _why(fit, term, own[s, k], "unpooled weight")
                told = [part for part in (*first, why, complete[k]) if part]
                reasons.append("; ".join(told) or None)
        return reasons

    def _own_error(self) -> Array:
        """Return standard errors of the unpooled weights, (S, K); NaN where nothing varies."""
        own = np.sqrt(np.diagonal(self.joint, axis1=1, axis2=2).T)
        return np.where(own > _NOTHING, own, np.nan)

    @property
    def alone(self) -> bool:
        """Whether all labels lie in one cluster, so that no error of them is known."""
        return self.whole.n_clusters < 2

    def _known(self, error: Array) -> Array:
        return np.full_like(error, np.nan) if self.alone else error

    def _unused(self, term: str) -> str:
        """Return why a term has no weight anywhere, as the fit of all scenarios tells it."""
        return self.whole.reasons.get(term, "the term never differs")

    def tau(self) -> pd.DataFrame:
        """Mean and spread over scenarios of each term, and the test of heterogeneity."""
        mu, error = self._full(self.pooled.mu), self._known(self._full(self.pooled.mu_error))
        columns = tidy_columns(self.terms, mu, error, int(self.n.sum()), self.level)
        test = self.test
        p = self._full(test.p_value)
        columns["p_value"], columns["q_value"] = p, q_values(p)
        tau, low, high = (self._full(v) for v in (test.tau, test.tau_low, test.tau_high))
        cochran = pd.DataFrame([self._cochran(k) for k in range(len(self.terms))])
        return pd.DataFrame(
            {
                "annotator": self.name,
                **columns,
                "tau": tau,
                "tau_low": low,
                # a table in JSON knows no infinity: the reason says it
                "tau_high": np.where(np.isinf(high), np.nan, high),
                "tau_pooled": self._full(self.pooled.tau),
                "statistic": self._full(test.statistic),
                "n_scenarios": self._full(test.n_subsets.astype(np.float64)),
                "n_clusters": self._full(test.n_clusters.astype(np.float64)),
                "labels_each": _range(self.n),
                "clusters_each": _range(self.n_clusters),
                **cochran.to_dict("list"),
                "method": TEST,
                "reason": pd.Series(self._tau_reasons(tau, high), dtype="str"),
            }
        ).astype({"n_scenarios": "Int64", "n_clusters": "Int64"})

    def _tau_reasons(self, tau: Array, high: Array) -> list[str | None]:
        given = iter(self.test.reasons)
        reasons: list[str | None] = []
        for k, used in enumerate(self.used.tolist()):
            why = next(given) if used else self._unused(self.terms[k])
            if why is None and np.isinf(high[k]):
                why = "the data do not bound tau from above"
            elif why is None and tau[k] == 0:
                why = "tau is 0: no more than chance; the pooled weights use the prior's"
            reasons.append(f"{ONE_CLUSTER}; {why}" if self.alone and used else why)
        return reasons

    def _cochran(self, k: int) -> dict[str, Any]:
        """Cochran's Q, where every scenario is large enough for it."""
        b, C, fine = self._defined(k)
        result = {"cochran_q": np.nan, "cochran_df": np.nan, "cochran_p": np.nan}
        everyone = len(fine) == len(self.n) and self.n_clusters.min() >= CLUSTERS_FOR_Q
        if not everyone or len(b) < 2:
            return result
        size = np.sqrt(np.diag(C))
        if np.linalg.matrix_rank(C / np.outer(size, size), hermitian=True) < len(b):
            return result
        W = np.linalg.inv(C)
        ones = W.sum(axis=1)
        q = float(b @ W @ b - (ones @ b) ** 2 / ones.sum())
        df = len(b) - 1
        return {"cochran_q": q, "cochran_df": df, "cochran_p": float(chdtrc(df, max(q, 0.0)))}

    def _defined(self, k: int) -> tuple[Array, Array, NDArray[np.int64]]:
        variance = np.diag(self.joint[k])
        fine = np.flatnonzero(np.isfinite(self.coef[:, k]) & np.isfinite(variance) & (variance > 0))
        return self.coef[fine, k], self.joint[k][np.ix_(fine, fine)], fine

    def contrasts(self, pairs: bool) -> pd.DataFrame:
        """Each scenario minus the mean of the others, or each two scenarios."""
        tables = []
        for k, term in enumerate(self.terms):
            b, C, fine = self._defined(k)
            S = len(b)
            if S < 2:
                continue
            first, second = np.triu_indices(S, 1) if pairs else (np.arange(S), np.arange(S))
            v, df, n = np.diag(C), self.df[fine, k], self.n[fine]
            if pairs:
                value = b[first] - b[second]
                variance = v[first] + v[second] - 2.0 * C[first, second]
                shares, counts = np.stack([v[first], v[second]]), n[first] + n[second]
                degrees = np.stack([df[first], df[second]])
            else:
                L = (S * np.eye(S) - 1.0) / (S - 1)
                value, variance = L @ b, ((L @ C) * L).sum(axis=1)
                shares, counts = (L**2 * v).T, np.full(S, n.sum())
                degrees = np.broadcast_to(df[:, None], (S, S))
            # Satterthwaite's degrees of freedom of a sum of independent variances
            whole = shares.sum(axis=0) ** 2 / (shares**2 / degrees).sum(axis=0)
            # the same clusters with the same labels differ by nothing, and leave no error
            fixed = variance <= _NOTHING * shares.sum(axis=0)
            error = np.sqrt(np.where(fixed, np.nan, variance))
            names = np.array(self.scenarios, dtype=object)[fine]
            table = pd.DataFrame(tidy_columns([term] * len(b[first]), value, error, counts,
                                              self.level, whole))  # fmt: skip
            table["reason"] = pd.Series(np.where(fixed, NO_VARIATION, ""), dtype="str").replace(
                "", None
            )
            table.insert(0, "reference", names[second] if pairs else "others")
            table.insert(0, "scenario", names[first])
            table.insert(0, "annotator", self.name)
            tables.append(table.astype({"scenario": "str", "reference": "str"}))
        if not tables:
            names_only = ["annotator", "scenario", "reference"]
            return pd.DataFrame(columns=[*names_only, *TIDY, "method", "reason"])
        joined = pd.concat(tables, ignore_index=True)
        told = joined.assign(q_value=q_values(joined["p_value"].to_numpy()), method=APART)
        return told[[*told.columns.drop("reason"), "reason"]]


def _error(fit: GroupFit) -> Array:
    """Return the standard errors of the weights that are told; NaN where nothing varies."""
    error = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    return np.where(np.isfinite(fit.told) & (error > _NOTHING), error, np.nan)


def _why(fit: GroupFit, term: str, error: float, name: str) -> str | None:
    """Say why a fit gives no weight of a term, or no interval of it."""
    if term in fit.reasons:
        return f"no {name}: {fit.reasons[term]}"
    return None if np.isfinite(error) else f"no interval of the {name}: {NO_VARIATION}"


def _beside(
    name: str, value: Array, error: Array, level: float, df: Array
) -> dict[str, NDArray[Any]]:
    low, high = t_interval(value, error, level, df)
    return {f"{name}_estimate": value, f"{name}_conf_low": low, f"{name}_conf_high": high}


def _range(counts: NDArray[np.int64]) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _power(whole: GroupFit) -> float:
    """Return the power of the likelihood that stands for dependent labels."""
    active = whole.active
    if not active.any() or whole.n_clusters == whole.n:
        return 1.0
    at = np.ix_(active, active)
    effect = np.trace(np.linalg.solve(whole.bread[at], whole.covariance[at])) / active.sum()
    return float(min(1.0, 1.0 / effect)) if np.isfinite(effect) and effect > 0 else 1.0
