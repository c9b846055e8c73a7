"""Stochastic transitivity of shares: weak, moderate and strong, tested triple by triple."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import false_discovery_control

from workbench.decompose.kernel import Array
from workbench.structure.transitivity.comparisons import Edges
from workbench.structure.transitivity.energy import hodge_of

LEAST = 10
"""Labels on each edge of a triple."""

KINDS = {"WST": "weak", "MST": "moderate", "SST": "strong"}

_CLEAR = 0.5
"""Likelihood ratio below which no p-value can be small: such triples are not simulated."""

_MOST = 1500

# edges of items 0, 1, 2 are 01, 12, 02; the shares that an order i, j, k reads off them
_EDGE = {(0, 1): (0, False), (1, 2): (1, False), (0, 2): (2, False),
         (1, 0): (0, True), (2, 1): (1, True), (2, 0): (2, True)}  # fmt: skip


def stochastic_transitivity(
    edges: Edges, simulations: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    r"""Test each triple whose edges have ten labels or more.

    With an order i, j, k of the three in which every share of the earlier one is a half or
    more (weak), ``p_ik`` is also at least the smaller (moderate) or the larger (strong) of
    ``p_ij`` and ``p_jk``. The statistic is the likelihood ratio against the best such order;
    its null is drawn at the constrained estimate.

    Returns
    -------
    counts : DataFrame
        One row a kind: ``n_triples, n_violated`` by the shares, ``n_rejected`` with q < 0.05.
    triples : DataFrame
        Those with a likelihood ratio above 0.5, the largest first.
    """
    enough = edges.labels >= LEAST
    T = hodge_of(edges).triangles
    tested = T[enough[T].all(axis=1)] if len(T) else T
    reason = edges.unsure
    if not len(tested):
        reason = f"no three items with {LEAST} labels or more on every edge"
    counts, tables = [], []
    n, share = edges.labels / edges.per_vote, edges.share
    for k, (name, about) in enumerate(KINDS.items()):
        row: dict[str, Any] = {"term": f"{about} stochastic transitivity ({name})",
               "n_triples": len(tested), "n_violated": np.nan, "n_rejected": np.nan,
               "least_q": np.nan, "n": float(edges.labels[np.unique(tested)].sum()) if len(tested)
               else 0.0, "reason": reason}  # fmt: skip
        if reason is None:
            ratio, best = _ratio(name, share[tested].T, n[tested].T)
            row["n_violated"] = int((ratio > 1e-9).sum())
            p = np.ones(len(tested))
            clear = np.flatnonzero(ratio > _CLEAR)
            if len(clear) > _MOST:
                row["reason"] = f"{len(clear):,} triples to simulate, more than {_MOST:,}"
            else:
                rng = np.random.default_rng([seed, k])
                for t in clear:
                    drawn = _drawn(best[:, t], n[tested[t]], simulations, rng)
                    null = _ratio(name, drawn, n[tested[t]][:, None])[0]
                    p[t] = (1 + (null >= ratio[t] - 1e-9).sum()) / (simulations + 1)
                q = false_discovery_control(p)
                row |= {"n_rejected": int((q < 0.05).sum()), "least_q": float(q.min())}
                tables.append(_triples(edges, name, tested[clear], ratio[clear], p[clear],
                                       q[clear]))  # fmt: skip
        counts.append(row)
    triples = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return pd.DataFrame(counts), triples


def _drawn(p: Array, n: Array, count: int, rng: np.random.Generator) -> Array:
    votes = np.maximum(np.rint(n), 1).astype(np.int64)
    return np.asarray(rng.binomial(votes, np.clip(p, 0, 1), size=(count, 3)).T / votes[:, None])


def _ratio(kind: str, share: Array, n: Array) -> tuple[Array, Array]:
    """Return twice the log-likelihood ratio (R,) and the constrained shares (3, R).

    ``share`` and ``n`` are (3, R): of the edges 01, 12 and 02.
    """
    least = np.full(share.shape[1], np.inf)
    best = np.zeros(share.shape)
    n = np.broadcast_to(n, share.shape)
    for order in permutations(range(3)):
        at = [_EDGE[order[0], order[1]], _EDGE[order[1], order[2]], _EDGE[order[0], order[2]]]
        p = np.stack([1 - share[e] if turned else share[e] for e, turned in at])
        w = np.stack([n[e] for e, _ in at])
        for held in _constrained(kind, p, w):
            told = 2 * (w * _apart(p, held)).sum(axis=0)
            better = told < least - 1e-12
            least = np.where(better, told, least)
            for place, (e, turned) in enumerate(at):
                own = 1 - held[place] if turned else held[place]
                best[e] = np.where(better, own, best[e])
    return least, best


def _apart(p: Array, q: Array) -> Array:
    return np.asarray(xlogy(p, p) - xlogy(p, q) + xlogy(1 - p, 1 - p) - xlogy(1 - p, 1 - q))


def _constrained(kind: str, p: Array, w: Array) -> list[Array]:
    """Return the shares ij, jk, ik of greatest likelihood within one order.

    For the moderate kind there are two: ik at least as large as either one.
    """
    ij, jk = p[:2]
    if kind == "WST":
        return [np.maximum(p, 0.5)]
    if kind == "MST":
        return [np.maximum(_above(p, w, (0,)), 0.5), np.maximum(_above(p, w, (1,)), 0.5)]
    one = _above(p, w, (0,))
    two = _above(p, w, (1,))
    # ik is pooled with the larger one first, and with both where that is not enough
    held = np.where(ij >= jk, one, two)
    both = _above(p, w, (0, 1))
    enough = held[2] >= np.where(ij >= jk, held[1], held[0]) - 1e-15
    return [np.maximum(np.where(enough, held, both), 0.5)]


def _above(p: Array, w: Array, others: tuple[int, ...]) -> Array:
    """Return shares in which ik is at least as large as others, pooled where it is not."""
    at = [*others, 2]
    pooled = (w[at] * p[at]).sum(axis=0) / w[at].sum(axis=0)
    broken = p[2] < p[list(others)].max(axis=0)
    held = p.copy()
    for k in at:
        held[k] = np.where(broken, pooled, p[k])
    return held


def _triples(
    edges: Edges, kind: str, T: NDArray[np.int64], ratio: Array, p: Array, q: Array
) -> pd.DataFrame:
    names = np.asarray(edges.items, dtype=object)
    share = edges.share[T] if len(T) else np.empty((0, 3))
    items = [
        names[edges.first[T[:, 0]]],
        names[edges.second[T[:, 0]]],
        names[edges.second[T[:, 1]]],
    ]
    table = pd.DataFrame({
        "kind": kind, "item_1": items[0], "item_2": items[1], "item_3": items[2],
        "share_12": share[:, 0], "share_23": share[:, 1], "share_13": share[:, 2],
        "likelihood_ratio": ratio, "p_value": p, "q_value": q,
        "n": edges.labels[T].sum(axis=1) if len(T) else [],
    })  # fmt: skip
    order = np.lexsort((np.arange(len(ratio)), -np.round(ratio, 9)))
    return table.iloc[order]
