"""One annotator's scenarios: pooled weights, heterogeneity, and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import chi2, norm

from workbench.compare.pooling import Pooled, Subset, pool
from workbench.compare.sides import Side
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import CLUSTER
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.decompose.estimate import GroupFit
from workbench.decompose.kernel import Array

METHOD = (
    "partial pooling, empirical Bayes (Laplace); interval with the uncertainty of mu, not of tau"
)
APART = "difference of unpooled weights, joint cluster-robust covariance"


class ScenarioFits:
    """The scenarios of one annotator: pooled weights, and tests on the unpooled ones."""

    def __init__(
        self,
        name: str,
        apart: Decomposition,
        whole: Decomposition,
        places: np.ndarray,
        scenario: str,
    ) -> None:
        self.name, self.terms, design = name, apart.terms, apart.design
        self.scenarios = design.keys[scenario].iloc[places].tolist()
        self.fits = [apart.fits[design.groups[g]] for g in places]
        self.whole = whole.fits[name]
        subsets = []
        for g in places:
            rows, cells = design.compact(int(g))
            subsets.append(Subset(design.X[rows], cells.weight[:, 0], cells.votes[:, 0]))
        varies = np.array([[bool((one.X[:, k] != 0).any()) for k in range(len(self.terms))]
                                for one in subsets])  # fmt: skip
        self.used: NDArray[np.bool_] = np.asarray(varies.any(axis=0))
        self.power = _power(self.whole)
        cut = [Subset(one.X[:, self.used], one.weight, one.votes) for one in subsets]
        self.pooled: Pooled = pool(cut, self.power)
        self.coef = np.stack([fit.coef for fit in self.fits])
        sides = [Side(fit, design) for fit in self.fits]
        self.joint = self._joint(sides)
        times = np.bincount(np.concatenate([s.labelled_clusters() for s in sides]))
        shared = int((times > 1).sum())
        self.overlap = (
            f"{name}: {shared:,} of {int((times > 0).sum()):,} clusters lie in several scenarios; "
            "the tests allow for it, the pooled intervals take scenarios as independent"
            if shared
            else ""
        )

    def _joint(self, sides: list[Side]) -> Array:
        """Return the covariance of the scenarios' weights for each term, shape (K, S, S)."""
        S, K = len(sides), len(self.terms)
        joint = np.empty((K, S, S))
        for k in range(K):
            pulls = sparse.csr_matrix(np.stack([_spread_out(side)[:, k] for side in sides]))
            joint[k] = (pulls @ pulls.T).toarray()
        return joint

    def _full(self, values: Array) -> Array:
        """Spread values of the used terms over all terms, NaN elsewhere."""
        out = np.full((*values.shape[:-1], len(self.terms)), np.nan)
        out[..., self.used] = values
        return out

    def estimates(self, level: float) -> pd.DataFrame:
        """Pooled, unpooled and complete weights of each scenario and term."""
        z = float(norm.ppf(0.5 + level / 2))
        mean, error = self._full(self.pooled.mean), self._full(self.pooled.error)
        shrinkage = self._full(self.pooled.shrinkage)
        whole_error = np.sqrt(np.diag(self.whole.covariance))
        frames = []
        for s, fit in enumerate(self.fits):
            p = p_values(mean[s], error[s])
            own = np.sqrt(np.diag(fit.covariance))
            frames.append(
                pd.DataFrame(
                    {
                        "annotator": self.name,
                        "scenario": self.scenarios[s],
                        **_columns(self.terms, mean[s], error[s], p, z),
                        "n": fit.n,
                        "n_clusters": fit.n_clusters,
                        **_beside("unpooled", fit.coef, own, z),
                        **_beside("complete", self.whole.coef, whole_error, z),
                        "shrinkage": shrinkage[s],
                        "method": METHOD,
                        "reason": self._reasons(s),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    def _reasons(self, s: int) -> pd.Series:
        given = [
            None
            if t not in self.fits[s].reasons
            else f"no unpooled weight: {self.fits[s].reasons[t]}"
            for t in self.terms
        ]
        gone = [
            g if u else "the term never differs"
            for g, u in zip(given, self.used.tolist(), strict=True)
        ]
        return pd.Series(gone, dtype="str")

    def tau(self, level: float) -> pd.DataFrame:
        """Mean and spread over scenarios of each term, and the test of heterogeneity."""
        z = float(norm.ppf(0.5 + level / 2))
        mu, error = self._full(self.pooled.mu), self._full(self.pooled.mu_error)
        tests = pd.DataFrame([self._heterogeneity(k) for k in range(len(self.terms))])
        p = tests["p_value"].to_numpy("float64")
        return pd.DataFrame(
            {
                "annotator": self.name,
                **_columns(self.terms, mu, error, p, z),
                "n": sum(fit.n for fit in self.fits),
                "tau": self._full(self.pooled.tau),
                "statistic": tests["statistic"],
                "df": tests["df"],
                "n_scenarios": tests["n_scenarios"],
                "method": "mu: empirical Bayes; p and q: Cochran's Q on unpooled weights",
                "reason": tests["reason"].astype("str"),
            }
        )

    def _heterogeneity(self, k: int) -> dict[str, Any]:
        b, C, _ = self._defined(k)
        result = {"statistic": np.nan, "df": len(b) - 1, "p_value": np.nan, "n_scenarios": len(b)}
        if len(b) < 2:
            return {**result, "df": 0, "reason": "fewer than two scenarios have an unpooled weight"}
        size = np.sqrt(np.diag(C))
        if np.linalg.matrix_rank(C / np.outer(size, size), hermitian=True) < len(b):
            return {**result, "reason": "the covariance of the weights is singular"}
        W = np.linalg.inv(C)
        ones = W.sum(axis=1)
        statistic = float(b @ W @ b - (ones @ b) ** 2 / ones.sum())
        p = float(chi2.sf(statistic, len(b) - 1))
        return {**result, "statistic": statistic, "p_value": p, "reason": None}

    def _defined(self, k: int) -> tuple[Array, Array, np.ndarray]:
        variance = np.diag(self.joint[k])
        fine = np.flatnonzero(np.isfinite(self.coef[:, k]) & np.isfinite(variance) & (variance > 0))
        return self.coef[fine, k], self.joint[k][np.ix_(fine, fine)], fine

    def differences(self, level: float) -> pd.DataFrame:
        """Each scenario minus the mean of the others."""
        return self._contrasts(level, pairs=False)

    def pairwise(self, level: float) -> pd.DataFrame:
        """Each two scenarios."""
        return self._contrasts(level, pairs=True)

    def _contrasts(self, level: float, pairs: bool) -> pd.DataFrame:
        z = float(norm.ppf(0.5 + level / 2))
        n = np.array([fit.n for fit in self.fits])
        tables = []
        for k, term in enumerate(self.terms):
            b, C, fine = self._defined(k)
            S = len(b)
            if S < 2:
                continue
            first, second = np.triu_indices(S, 1)
            if pairs:
                L = np.eye(S)[first] - np.eye(S)[second]
                counts = n[fine][first] + n[fine][second]
            else:
                first = np.arange(S)
                L = (S * np.eye(S) - 1.0) / (S - 1)
                counts = np.full(S, n[fine].sum())
            error = np.sqrt(np.maximum(np.einsum("cs,st,ct->c", L, C, L), 0.0))
            names = np.array(self.scenarios, dtype=object)[fine]
            tables.append(
                pd.DataFrame(
                    {
                        "annotator": self.name,
                        "scenario": pd.Series(names[first], dtype="str"),
                        "reference": pd.Series(names[second], dtype="str") if pairs else "others",
                        **_columns([term] * len(L), L @ b, error, p_values(L @ b, error), z),
                        "n": counts,
                        "method": APART,
                    }
                )
            )
        if not tables:
            return pd.DataFrame()
        joined = pd.concat(tables, ignore_index=True)
        return joined.assign(q_value=q_values(joined["p_value"].to_numpy()))


def _columns(terms: list[str], value: Array, error: Array, p: Array, z: float) -> dict[str, Any]:
    return {
        "term": terms,
        "estimate": value,
        "std_error": error,
        "conf_low": value - z * error,
        "conf_high": value + z * error,
        "p_value": p,
        "q_value": q_values(p),
    }


def _beside(name: str, value: Array, error: Array, z: float) -> dict[str, Array]:
    return {
        f"{name}_estimate": value,
        f"{name}_conf_low": value - z * error,
        f"{name}_conf_high": value + z * error,
    }


def _power(whole: GroupFit) -> float:
    """Return the power of the likelihood that stands for dependent labels."""
    active = whole.active
    if not active.any() or whole.n_clusters == whole.n:
        return 1.0
    at = np.ix_(active, active)
    effect = np.trace(np.linalg.solve(whole.bread[at], whole.covariance[at])) / active.sum()
    return float(min(1.0, 1.0 / effect)) if np.isfinite(effect) and effect > 0 else 1.0


def _spread_out(side: Side) -> Array:
    """Return the pull of every cluster of the design on the weights, shape (clusters, K)."""
    part = side.errors.parts[(CLUSTER,)]
    pulls = np.zeros((len(side.design.cluster_names), part.influence.shape[1]))
    pulls[part.codes] = part.influence
    return pulls
