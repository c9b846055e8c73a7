"""Bradley-Terry likelihoods: fits with covariates and ties, and refits of many resamples.

Parameters stand in the order theta (one a model), beta (one a covariate), log nu (with
Davidson's ties). All replicates of a bootstrap are columns of one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from workbench.decompose.kernel import Array, Codes, logistic, run_sums
from workbench.threads import one_thread

_MAX_STEPS = 100
_NEAR = 1e-9
"""Distance to the optimum, in standard errors of a rating, at which a refit has converged."""

_NEWTON_NEAR = 1e-6
"""The same before a last Newton step, which squares what is left."""

_NEWTON_ENOUGH = 1e-9
"""The same from which the Hessian, too, is that of the optimum, wherever the fit started."""

_SLOW = 0.7
"""A contraction per step worse than this asks for Newton steps."""

_SUBSAMPLE = 20_000
_BLOCK_ROWS = 8192

STEEP = 30.0
"""|logit| of a battle from which a fit is taken for one without a finite maximum."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a fit, those of the same two models next to each other.

    Attributes
    ----------
    first, second : ndarray of int, shape (C,)
        Each two models that met, ``first < second``.
    starts : ndarray of int, shape (C,)
        The first row of each; as many rows as pairs of models where nothing else matters.
    X : ndarray, shape (n, K)
        Covariates, first minus second.
    n_models : int
    """

    first: Codes
    second: Codes
    starts: Codes
    X: Array
    n_models: int

    @property
    def sizes(self) -> Codes:
        """Rows of each two models, shape (C,)."""
        return np.diff(np.append(self.starts, len(self.X)))

    @property
    def incidence(self) -> sparse.csr_array:
        """Matrix (C, M): +1 at the first model, -1 at the second."""
        C = len(self.first)
        columns = np.stack([self.first, self.second], axis=1).ravel()
        values = np.tile([1.0, -1.0], C)
        return sparse.csr_array(
            (values, columns, np.arange(0, 2 * C + 1, 2)), shape=(C, self.n_models)
        )

    def laplacian(self, h: Array) -> Array:
        """Return ``D' diag(h) D`` of the incidence D and a weight of each two models."""
        whole = np.zeros((self.n_models, self.n_models))
        whole[self.first, self.second] = h
        whole += whole.T
        return np.asarray(np.diag(whole.sum(axis=1)) - whole)

    def thinned(self, every: int) -> tuple[Rows, Codes]:
        """Return every so many rows and their positions."""
        kept = np.arange(0, len(self.X), every)
        cell = np.repeat(np.arange(len(self.first)), self.sizes)[kept]
        met, starts = np.unique(cell, return_index=True)
        part = Rows(self.first[met], self.second[met], starts, self.X[kept], self.n_models)
        return part, kept


@dataclass(frozen=True, eq=False)
class Votes:
    """Sums over the labels of each row and replicate, shape (n, R).

    ``weight`` of all labels, ``won`` of weight times preference (a tie half), and ``tied``
    of the weight of ties, which only Davidson's model needs.
    """

    weight: Array
    won: Array
    tied: Array | None = None

    def take(self, replicates: Any = slice(None), rows: Any = slice(None)) -> Votes:
        """Return some replicates and rows (slices, positions or masks)."""
        tied = None if self.tied is None else self.tied[rows][:, replicates]
        return Votes(self.weight[rows][:, replicates], self.won[rows][:, replicates], tied)


@dataclass(frozen=True, eq=False)
class RatingFit:
    """Maximum-likelihood estimate of one data set.

    Attributes
    ----------
    phi : ndarray, shape (P,)
        Parameters; the ratings sum to 0.
    bread : ndarray, shape (P, P)
        Inverse of the Hessian (ridge included); its block of ratings is known up to a
        multiple of 1 1'.
    converged : bool
    log_likelihood : float
    """

    phi: Array
    bread: Array
    converged: bool
    log_likelihood: float


class Likelihood:
    """Log-likelihood of battles as a function of ratings, weights and the tie parameter.

    Parameters
    ----------
    rows : Rows
    davidson : bool
        Davidson's model of ties; else the logistic one, in which a tie is half a win each.
    ridge : float
        Penalty ``ridge / 2 * |beta|^2`` on the sum of log-likelihoods.
    """

    def __init__(self, rows: Rows, *, davidson: bool, ridge: float) -> None:
        self.rows, self.davidson, self.ridge = rows, davidson, ridge
        self.M, self.K = rows.n_models, rows.X.shape[1]
        self.P = self.M + self.K + davidson
        self.D = rows.incidence
        self.Dt = self.D.T.tocsr()
        self.sizes = rows.sizes
        self.single = len(rows.first) == len(rows.X)

    def logits(self, phi: Array) -> Array:
        """Return the logits (n, R) of parameters (P, R)."""
        eta = self.D @ phi[: self.M]
        if not self.single:
            eta = np.repeat(eta, self.sizes, axis=0)
        if self.K:
            eta += self.rows.X @ phi[self.M : self.M + self.K]
        return np.asarray(eta)

    def steepest(self, phi: Array) -> float:
        """Return the largest |logit| of any row."""
        return float(np.abs(self.logits(phi[:, None])).max(initial=0.0))

    def residuals(self, eta: Array, log_nu: Array, votes: Votes) -> tuple[Array, Array | None]:
        """Return derivatives of the rows' log-likelihoods by logit and by log nu.

        The logits may be overwritten.
        """
        if votes.tied is None or not self.davidson:
            p = logistic(eta)
            p *= votes.weight
            return np.subtract(votes.won, p, out=p), None
        lead, tie, _ = davidson(eta, log_nu)
        half = votes.weight / 2
        return votes.won - half - half * lead, votes.tied - votes.weight * tie

    def gradient(self, phi: Array, votes: Votes) -> Array:
        """Return the gradient (P, R), ridge included."""
        r, tie = self.residuals(self.logits(phi), phi[-1], votes)
        return self._assembled(phi, r, tie)

    def _assembled(self, phi: Array, r: Array, tie: Array | None) -> Array:
        parts = [self.Dt @ self._per_pair(r)]
        if self.K:
            parts.append(self.rows.X.T @ r - self.ridge * phi[self.M : self.M + self.K])
        if tie is not None:
            parts.append(tie.sum(axis=0, keepdims=True))
        return np.concatenate(parts)

    def newton(self, phi: Array, votes: Votes) -> tuple[float, Array, Array]:
        """Return log-likelihood, gradient (P,) and Hessian (P, P) of one replicate."""
        eta = self.logits(phi[:, None])
        w, won = votes.weight[:, 0], votes.won[:, 0]
        beta = phi[self.M : self.M + self.K]
        inside = slice(self.M, self.M + self.K)
        cross = None
        if votes.tied is not None and self.davidson:
            lead, tie, log_z = (part[:, 0] for part in davidson(eta, phi[-1:]))
            value = ((won - w / 2) @ eta[:, 0]) + votes.tied[:, 0].sum() * phi[-1] - w @ log_z
            h, cross = w * (1 - tie - lead**2) / 4, -w * lead * tie / 2
            r = won - w / 2 * (1 + lead)
            rt = votes.tied[:, 0] - w * tie
            gradient = self._assembled(phi[:, None], r[:, None], rt[:, None])[:, 0]
        else:
            value = won @ eta[:, 0] - w @ np.logaddexp(0.0, eta[:, 0])
            p = logistic(eta[:, 0])
            wp = w * p
            gradient = self._assembled(phi[:, None], (won - wp)[:, None], None)[:, 0]
            h = wp * (1 - p)
        hessian = self.gram(h)
        if cross is not None:
            hessian[-1, : self.M] = self.Dt @ self._per_pair(cross)
            hessian[-1, inside] = self.rows.X.T @ cross
            hessian[:-1, -1] = hessian[-1, :-1]
            hessian[-1, -1] = (w * tie * (1 - tie)).sum()
        hessian[inside, inside] += self.ridge * np.eye(self.K)
        return float(value - self.ridge / 2 * beta @ beta), gradient, hessian

    def gram(self, h: Array) -> Array:
        """Return the products of all columns, weighted by row, shape (P, P)."""
        hessian = np.zeros((self.P, self.P))
        M, K, X = self.M, self.K, self.rows.X
        hessian[:M, :M] = self.rows.laplacian(self._per_pair(h))
        if K:
            hessian[:M, M : M + K] = self.Dt @ run_sums(X, h, self.rows.starts)
            hessian[M : M + K, :M] = hessian[:M, M : M + K].T
            for start in range(0, len(X), _BLOCK_ROWS):
                x = X[start : start + _BLOCK_ROWS]
                hessian[M : M + K, M : M + K] += x.T @ (x * h[start : start + _BLOCK_ROWS, None])
        return hessian

    def _per_pair(self, values: Array) -> Array:
        if self.single:
            return values
        return np.asarray(np.add.reduceat(values, self.rows.starts, axis=0))


def davidson(eta: Array, log_nu: Array) -> tuple[Array, Array, Array]:
    r"""Return P(first) - P(second), P(tie) and the log of the normaliser.

    Davidson (1970): the first wins, ties or loses with probabilities in the ratio
    :math:`e^{\eta/2} : \nu : e^{-\eta/2}`.

    Examples
    --------
    >>> lead, tie, _ = davidson(np.array(0.0), np.array(0.0))
    >>> float(lead), round(float(tie), 6)
    (0.0, 0.333333)
    """
    steep = np.abs(eta) / 2
    small = np.exp(-2 * steep)
    even = np.exp(log_nu - steep)
    total = 1 + small + even
    return np.sign(eta) * (1 - small) / total, even / total, steep + np.log(total)


def fit(model: Likelihood, votes: Votes, start: Array | None = None) -> RatingFit:
    """Maximise by Newton's method; a step that lowers the likelihood is halved.

    Parameters
    ----------
    model : Likelihood
    votes : Votes
        Of one replicate.
    start : ndarray, shape (P,), optional
    """
    with one_thread():
        return maximum(model, votes, _start(model, votes) if start is None else start.copy())


class Concave(Protocol):
    """A log-likelihood that Newton's method can climb, of M ratings among P parameters."""

    M: int
    P: int

    def newton(self, phi: Array, votes: Any) -> tuple[float, Array, Array]:
        """Return log-likelihood, gradient (P,) and Hessian (P, P)."""

    def steepest(self, phi: Array) -> float:
        """Return the largest |logit|."""


def maximum(model: Concave, votes: Votes | None, base: Array) -> RatingFit:
    """Maximise from a start; see :func:`fit`.

    Parameters
    ----------
    model : Concave
        A likelihood whose rows are in memory, or in parts.
    votes : Votes or None
        What it needs of them beside itself.
    base : ndarray, shape (P,)
    """
    phi, step, best, distance = base, np.zeros(model.P), -np.inf, np.inf
    bread = np.eye(model.P)
    for _ in range(_MAX_STEPS):
        value, gradient, hessian = model.newton(phi, votes)
        if value < best - 1e-10 * abs(best):
            step = step / 2
            phi = base + step
            continue
        best, base = value, phi
        bread = inverse(hessian, model.M)
        step = _centred(bread @ gradient, model.M)
        last, distance = distance, max(float(gradient @ step), 0.0) ** 0.5
        phi = base + step
        at_the_end = distance < _NEWTON_ENOUGH or _NEWTON_NEAR > distance > last / 2
        if at_the_end or np.abs(base).max() > 4 * STEEP:
            break
    steepest = model.steepest(phi)
    return RatingFit(phi, bread, distance < _NEWTON_NEAR and steepest < STEEP, best)


def inverse(hessian: Array, M: int) -> Array:
    """Invert a Hessian whose ratings are known up to a shift, by adding 1 1' to them."""
    whole = hessian.copy()
    scale = max(float(np.trace(hessian[:M, :M])) / M, 1e-300)
    whole[:M, :M] += scale / M
    size = np.sqrt(np.maximum(np.diag(whole), 1e-300))
    scaled = whole / np.outer(size, size)
    try:
        found = np.linalg.inv(scaled)
    except np.linalg.LinAlgError:
        # a Hessian that rounds to singular still gives a bounded step
        found = np.linalg.pinv(scaled, hermitian=True)
    return np.asarray(found / np.outer(size, size))


def _centred(phi: Array, M: int) -> Array:
    phi[:M] -= phi[:M].mean(axis=0)
    return phi


def _start(model: Likelihood, votes: Votes) -> Array:
    n = len(model.rows.X)
    if n < 4 * _SUBSAMPLE:
        return np.zeros(model.P)
    part, kept = model.rows.thinned(n // _SUBSAMPLE)
    few = Likelihood(part, davidson=model.davidson, ridge=model.ridge)
    found = maximum(few, votes.take(rows=kept), np.zeros(model.P))
    return found.phi if found.converged else np.zeros(model.P)


def refit(model: Likelihood, votes: Votes, full: RatingFit) -> Array:
    """Return the parameters (P, R) of every replicate; NaN where none are finite.

    All replicates step together with the factorised Hessian of the full fit, each until it
    has converged; those for which that contracts slowly get Newton steps of their own.
    """
    found = np.full((model.P, votes.weight.shape[1]), np.nan)
    left = np.arange(votes.weight.shape[1])
    phi = np.repeat(full.phi[:, None], len(left), axis=1)
    last = np.full(len(left), np.inf)
    part = votes
    while len(left):
        gradient = model.gradient(phi, part)
        step = _centred(full.bread @ gradient, model.M)
        distance = np.sqrt(np.maximum((gradient * step).sum(axis=0), 0.0))
        phi += step
        done = distance < _NEAR
        found[:, left[done]] = phi[:, done]
        keep = ~done & (distance < _SLOW * last)
        last = distance[keep]
        if not keep.all():
            left, phi, part = left[keep], phi[:, keep], part.take(keep)
    for r in np.flatnonzero(np.isnan(found[0])).tolist():
        # the likelihood of a replicate in which a model wins everything has no maximum
        single = maximum(model, votes.take([r]), full.phi.copy())
        if single.converged:
            found[:, r] = single.phi
    return found
