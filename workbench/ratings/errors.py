"""How sure ratings are: cluster-robust covariances, and draws by bootstrap of clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import sparse

from workbench.decompose.kernel import Array, Codes, in_threads
from workbench.ratings.battles import Battles
from workbench.ratings.kernel import Likelihood, RatingFit, Rows, Votes, refit

_BLOCK = 400_000
"""Values of one block of replicates, so that it stays near the processor."""

_FEW_KINDS = 0.25
"""Share of distinct clusters up to which counts of the kinds are drawn, not clusters."""


_SPARSE = 8
"""Numbers for each code from which codes are sorted, not counted."""


@dataclass(frozen=True, eq=False)
class Laid:
    """Battles in the order of their two models, one row each.

    Attributes
    ----------
    rows : Rows
    votes : Votes
        Of one replicate.
    cluster : ndarray of int, shape (n,)
    n_clusters : int
    """

    rows: Rows
    votes: Votes
    cluster: Codes
    n_clusters: int

    @property
    def cell(self) -> Codes:
        """The pair of models of each row."""
        return np.repeat(np.arange(len(self.rows.first)), self.rows.sizes)

    def of_columns(self, columns: list[int]) -> Laid:
        """Return the battles with some of the covariates."""
        if len(columns) == self.rows.X.shape[1]:
            return self
        X = np.ascontiguousarray(self.rows.X[:, columns])
        return replace(self, rows=replace(self.rows, X=X))

    def without_covariates(self) -> Rows:
        """Return the rows with no covariates."""
        r = self.rows
        return Rows(r.first, r.second, r.starts, np.zeros((len(r.X), 0)), r.n_models)


def lay(battles: Battles, davidson: bool) -> Laid:
    """Sort battles by their two models; one whose first model comes second is turned round."""
    M = len(battles.models)
    a, b = battles.a, battles.b
    key = np.minimum(a, b) * M + np.maximum(a, b)
    small = key.astype(np.uint16) if M <= 256 else key
    order = np.argsort(small, kind="stable")
    key = key[order]
    met, starts = np.unique(key, return_index=True)
    turned = (a > b)[order]
    y, w = battles.preference[order], battles.weight[order]
    X = battles.X.take(order, axis=0)
    X *= np.where(turned, -1.0, 1.0)[:, None]
    y = np.where(turned, 1.0 - y, y)
    tied = (w * (y == 0.5))[:, None] if davidson else None
    return Laid(
        Rows(met // M, met % M, starts, X, M),
        Votes(w[:, None], (w * y)[:, None], tied),
        battles.cluster[order],
        battles.n_clusters,
    )


def collapse(battles: Battles, davidson: bool) -> tuple[Rows, Votes]:
    """Return one row for each two models that met: without covariates, nothing is lost."""
    M = len(battles.models)
    key = battles.a * M
    key += battles.b
    w, y = battles.weight, battles.preference
    # counting is twice as fast as summing
    unit = bool((w == 1.0).all())

    def count(values: Array | None) -> Array:
        sums = np.bincount(key, values, M * M).reshape(M, M)
        return np.asarray(sums, dtype=np.float64)

    weight, won = count(None if unit else w), count(y if unit else w * y)
    won = won + (weight - won).T
    weight = weight + weight.T
    first, second = np.nonzero(np.triu(weight, 1))
    tied = None
    if davidson:
        tied = count(w * (y == 0.5))
        tied = (tied + tied.T)[first, second][:, None]
    rows = Rows(first, second, np.arange(len(first)), np.zeros((len(first), 0)), M)
    return rows, Votes(weight[first, second][:, None], won[first, second][:, None], tied)


def scores(laid: Laid, model: Likelihood, fit: RatingFit) -> sparse.csr_array:
    """Return what the labels of each cluster add to the gradient, shape (G, P).

    Parameters
    ----------
    model : Likelihood
        With one row a battle.
    """
    G = laid.n_clusters
    eta = model.logits(fit.phi[:, None])
    r, tie = model.residuals(eta, fit.phi[-1:], laid.votes)
    residual = r[:, 0]
    cell, cluster = laid.cell, laid.cluster
    at = (np.r_[cluster, cluster], np.r_[model.rows.first[cell], model.rows.second[cell]])
    parts = [sparse.csr_array((np.r_[residual, -residual], at), (G, model.M))]
    dense = [np.bincount(cluster, residual * x, G) for x in model.rows.X.T]
    if tie is not None:
        dense.append(np.bincount(cluster, tie[:, 0], G))
    if dense:
        parts.append(sparse.csr_array(np.column_stack(dense)))
    return sparse.hstack(parts, format="csr")


def sandwich(laid: Laid, models: list[Likelihood], fits: list[RatingFit]) -> Array:
    r"""Return the joint cluster-robust covariance of several fits to the same battles.

    Parameters
    ----------
    laid : Laid
    models : list of Likelihood
        With one row a battle each.
    fits : list of RatingFit

    Returns
    -------
    ndarray, shape (sum P, sum P)
        Blocks :math:`\sqrt{f_i f_j} B_i (\sum_g s_{ig} s_{jg}') B_j` with the inverse
        Hessians B and the scores s of cluster g, and
        :math:`f = \frac{G}{G-1} \frac{n-1}{n-k}` with k free parameters; NaN with fewer
        than two clusters.
    """
    G, n = laid.n_clusters, len(laid.cluster)
    size = sum(model.P for model in models)
    if G < 2:
        return np.full((size, size), np.nan)
    return robust(meats_of(laid, models, fits), G, n, fits)


def robust(meats: list[list[Array]], G: int, n: int, fits: list[RatingFit]) -> Array:
    """Return the covariance of :func:`sandwich` from sums over clusters.

    Parameters
    ----------
    meats : list of list of ndarray
        Sums of the products of each two fits' scores.
    G, n : int
        Clusters and battles.
    fits : list of RatingFit
    """
    pulls = []
    for fit in fits:
        # the ratings have one parameter less than there are models
        factor = G / (G - 1) * (n - 1) / max(n - len(fit.phi) + 1, 1)
        pulls.append(fit.bread * np.sqrt(factor))
    if not any(meat.any() for row in meats for meat in row):
        # every label is as the fit has it, such as ties throughout: nothing shows how they vary
        size = sum(len(fit.phi) for fit in fits)
        return np.full((size, size), np.nan)
    blocks = [
        [bi @ meat @ bj.T for bj, meat in zip(pulls, row, strict=True)]
        for bi, row in zip(pulls, meats, strict=True)
    ]
    return np.block(blocks)


def meats_of(laid: Laid, models: list[Likelihood], fits: list[RatingFit]) -> list[list[Array]]:
    """Return the sums over clusters of the products of each two fits' scores."""
    if laid.n_clusters < len(laid.cluster) or models[0].davidson:
        each = [scores(laid, m, f) for m, f in zip(models, fits, strict=True)]
        return [[(si.T @ sj).toarray() for sj in each] for si in each]
    # a score is the residual times the row, and the rows of the last fit hold the others'
    r = [
        m.residuals(m.logits(f.phi[:, None]), f.phi[-1:], laid.votes)[0][:, 0]
        for m, f in zip(models, fits, strict=True)
    ]
    sizes = [model.P for model in models]
    return [
        [models[-1].gram(ri * rj)[:p, :q] for rj, q in zip(r, sizes, strict=True)]
        for ri, p in zip(r, sizes, strict=True)
    ]


def normal_draws(center: Array, covariance: Array, count: int, seed: int) -> Array:
    """Return draws (count, P) of a normal distribution of any rank."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(seed)
    return np.asarray(center + rng.standard_normal((count, len(center))) @ root.T)


def bootstrap_draws(
    laid: Laid, models: list[Likelihood], fits: list[RatingFit], replicates: int, seed: int
) -> Array:
    """Refit resampled clusters; the same clusters for every model.

    Parameters
    ----------
    laid : Laid
    models : list of Likelihood
        Without covariates one row for each two models, with covariates one a battle.
    fits : list of RatingFit
    replicates, seed : int

    Returns
    -------
    ndarray, shape (replicates, sum P)
        NaN in a replicate whose likelihood has no finite maximum, and in all with fewer
        than two clusters.
    """
    if laid.n_clusters < 2:
        return np.full((replicates, sum(model.P for model in models)), np.nan)
    resample = _Resample(laid, models)
    widest = max(len(model.rows.X) for model in models)
    size = max(1, min(replicates, _BLOCK // widest))
    sizes = [min(size, replicates - done) for done in range(0, replicates, size)]
    # a generator of its own for each block: the same draws whatever the number of threads
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    work = partial(_block, resample, models, fits)
    return np.concatenate(in_threads(work, sizes, seeds))


def _block(
    resample: _Resample,
    models: list[Likelihood],
    fits: list[RatingFit],
    count: int,
    seed: np.random.SeedSequence,
) -> Array:
    counts = resample.draw(count, np.random.default_rng(seed))
    parts = [
        refit(model, resample.votes(k, counts), fit)
        for k, (model, fit) in enumerate(zip(models, fits, strict=True))
    ]
    return np.concatenate(parts).T


class _Resample:
    """Draws clusters with replacement and sums their labels on the rows of each model.

    Clusters that are one battle each are told apart only by models, preference and weight
    where there are no covariates: then the number of each kind is drawn, as a Poisson count
    (Hanley and MacGibbon 2006); else clusters, as many as there are.
    """

    def __init__(self, laid: Laid, models: list[Likelihood]) -> None:
        self.G = laid.n_clusters
        self.unit = laid.cluster
        self.kind: Codes | None = None
        n = len(laid.cluster)
        kept = np.arange(n)
        if n == self.G and not any(model.K for model in models):
            self.unit, self.copies = _numbered(_code(laid))
            kept = np.empty(len(self.copies), dtype=np.int64)
            kept[self.unit] = np.arange(n)
            # rows of one kind are alike, so that sorted kinds do not depend on their order
            self.kind = np.repeat(np.arange(len(self.copies)), self.copies)
        votes = [v for v in (laid.votes.weight, laid.votes.won, laid.votes.tied) if v is not None]
        self.values = [v[:, 0] for v in votes]
        shape = (len(laid.rows.first), int(self.unit.max()) + 1)
        at = (laid.cell[kept], self.unit[kept])
        self.collapsed = [sparse.csr_array((v[kept], at), shape) for v in self.values]
        self.direct = [not model.single for model in models]

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """Return how often each unit is in each resample, shape (U, count)."""
        if self.kind is not None and len(self.copies) <= _FEW_KINDS * self.G:
            # independent counts: their total varies, which a maximum does not feel
            shape = (len(self.copies), count)
            return rng.poisson(self.copies[:, None], shape).astype(np.float64)
        picked = rng.integers(0, self.G, size=(count, self.G))
        U = self.collapsed[0].shape[1]
        units = picked if self.kind is None else self.kind[picked]
        rows = [np.bincount(one, minlength=U) for one in units]
        return np.stack(rows, axis=1).astype(np.float64)

    def votes(self, model: int, counts: Array) -> Votes:
        """Return the resampled labels on the rows of one model."""
        if self.direct[model]:
            times = counts[self.unit]
            return Votes(*(v[:, None] * times for v in self.values))
        return Votes(*(matrix @ counts for matrix in self.collapsed))


def _code(laid: Laid) -> Codes:
    """Return the kind of each single battle: its two models, preference and weight."""
    code = laid.cell
    for values in (laid.votes.won[:, 0], laid.votes.weight[:, 0]):
        level = np.unique(values)
        code = code * len(level) + np.searchsorted(level, values)
    return code


def _numbered(code: Codes) -> tuple[Codes, Codes]:
    """Return codes without gaps, in their order, and how often each one stands there."""
    if not len(code) or code.max() > _SPARSE * len(code):
        _, place, times = np.unique(code, return_inverse=True, return_counts=True)
        return place, times
    # counting is many times as fast as sorting
    times = np.bincount(code)
    return (np.cumsum(times > 0) - 1)[code], times[times > 0]
