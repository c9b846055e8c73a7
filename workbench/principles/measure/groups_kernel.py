"""Strengths of several groups over the same clusters: their differences and joint tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from workbench.clustered import resample
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.principles.measure.kernel import Array, Counts, Reference, merged_for
from workbench.principles.vote.votes import Rule, Votes

METHOD = "difference of strengths, cluster-robust test; joint cluster bootstrap interval"


@dataclass(frozen=True, eq=False)
class Sums:
    """One group's net agreement and pairs, by cluster of the data, each (G, K)."""

    net: Array
    total: Array

    @classmethod
    def of(cls, data: PreferenceData, votes: Votes, found: Reference, rule: Rule) -> Sums:
        """Sum the votes of a group by cluster of the data."""
        codes, names = pd.factorize(data.pairs["cluster"], sort=True)
        g, K = len(names), len(votes.principles)
        net, total = np.zeros((g, K)), np.zeros((g, K))
        if len(found):
            merged = merged_for(votes, found, rule)
            counts = Counts.of(merged, found.sign, found.cluster, found.n_clusters)
            rows = np.unique(codes[pd.Index(data.pairs["pair_id"]).get_indexer(found.pair_ids)])
            net[rows], total[rows] = counts.agree - counts.disagree, counts.total
        return cls(net, total)

    @property
    def strength(self) -> Array:
        """Strength of each principle, shape (K,); NaN without votes."""
        n = self.total.sum(axis=0)
        net = self.net.sum(axis=0)
        return np.asarray(np.divide(net, n, out=np.full(n.shape, np.nan), where=n > 0))

    @property
    def influence(self) -> Array:
        """Change of the strength due to each cluster, shape (G, K)."""
        n = np.maximum(self.total.sum(axis=0), 1.0)
        return np.asarray((self.net - np.nan_to_num(self.strength) * self.total) / n)


def robust_error(influence: Array, clusters: Array) -> Array:
    """Return standard errors from influence (G, K), with G clusters of each column; NaN below 2."""
    factor = np.divide(
        clusters, clusters - 1, out=np.full(clusters.shape, np.nan), where=clusters > 1
    )
    return np.asarray(np.sqrt(factor * (influence**2).sum(axis=0)))


def difference(
    sides: tuple[Sums, Sums], names: list[str], level: float, replicates: int, seed: int
) -> pd.DataFrame:
    """Return the difference of two groups' strengths, one row a principle."""
    one, two = sides
    gap = one.strength - two.strength
    present = (one.total + two.total) > 0
    clusters = present.sum(axis=0)
    error = robust_error(one.influence - two.influence, clusters.astype(np.float64))
    stacked = np.hstack([one.net, one.total, two.net, two.total])[present.any(axis=1)]
    ends = np.full((2, len(names)), np.nan)
    n = one.total.sum(axis=0) + two.total.sum(axis=0)
    usable = np.isfinite(gap) & (clusters > 1)
    if usable.any():
        drawn = resample(stacked, replicates, seed).reshape(replicates, 4, -1)[:, :, usable]
        with np.errstate(invalid="ignore", divide="ignore"):
            draws = drawn[:, 0] / drawn[:, 1] - drawn[:, 2] / drawn[:, 3]
        ends[:, usable] = np.nanquantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    p = p_values(gap, error)
    # no cluster differs: nothing speaks against equal strengths
    p[usable & (error < 1e-12) & (np.abs(gap) < 1e-12)] = 1.0
    reason = np.where(np.isfinite(gap), np.where(usable, "", "one cluster"), "no vote in a group")
    return pd.DataFrame(
        {
            "term": names,
            "estimate": gap,
            "std_error": error,
            "conf_low": ends[0],
            "conf_high": ends[1],
            "p_value": p,
            "q_value": np.nan,
            "n": n.astype(np.int64),
            "group_strength": one.strength,
            "reference_strength": two.strength,
            "n_clusters": clusters,
            "method": METHOD,
            "reason": pd.Series(reason, dtype="str").replace("", None),
        }
    )


def separation(sums: Mapping[str, Sums], names: list[str]) -> pd.DataFrame:
    """Return the test of each principle that all groups have one strength."""
    groups = list(sums)
    values = np.stack([one.strength for one in sums.values()])
    influence = np.stack([one.influence for one in sums.values()])
    contrast = np.eye(len(groups))[:-1] - np.eye(len(groups))[-1]
    rows = []
    for k, name in enumerate(names):
        theta, u = values[:, k], influence[:, :, k]
        row: dict[str, Any] = {"principle": name, "spread": np.nan, "lowest": None, "highest": None}
        row |= {"statistic": np.nan, "df": len(groups) - 1, "p_value": np.nan, "q_value": np.nan}
        row |= {"n": int(sum(one.total[:, k].sum() for one in sums.values())), "reason": None}
        if np.isfinite(theta).all():
            present = sum((one.total[:, k] for one in sums.values()), np.zeros(u.shape[1])) > 0
            g = int(present.sum())
            row["spread"] = float(theta.max() - theta.min())
            row["lowest"], row["highest"] = groups[theta.argmin()], groups[theta.argmax()]
            if g > len(groups):
                matrix = contrast @ (u @ u.T) @ contrast.T * g / (g - 1)
                gap = contrast @ theta
                row["statistic"] = float(gap @ np.linalg.pinv(matrix, hermitian=True) @ gap)
                row["p_value"] = float(chi2.sf(row["statistic"], len(groups) - 1))
            else:
                row["reason"] = f"{g} clusters are too few for {len(groups)} groups"
        else:
            row["reason"] = "no vote in a group"
        rows.append(row)
    table = pd.DataFrame(rows)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table.astype({"lowest": "str", "highest": "str", "reason": "str"})


def strengths(sums: Mapping[str, Sums], names: list[str]) -> pd.DataFrame:
    """Return every group's strengths, one row a group and principle."""
    frames = []
    for group, one in sums.items():
        clusters = (one.total > 0).sum(axis=0).astype(np.float64)
        table = {"group": group, "principle": names, "strength": one.strength}
        table |= {"std_error": robust_error(one.influence, clusters)}
        table |= {"n": one.total.sum(axis=0).astype(np.int64)}
        frames.append(pd.DataFrame(table))
    return pd.concat(frames, ignore_index=True)
