"""Many small logistic fits at once, and one penalised fit of many factors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import false_discovery_control, norm

from workbench.decompose.kernel import Array, logistic
from workbench.screening.sparse_fits import MOST_CONTROLS, SparseFits, fit_sparse

Codes = NDArray[np.int64]

_COLUMNS = 64
_STEPS = 40
_NEAR = 1e-9
_STEEP = 30.0
_INDEPENDENT = 1e-9
_PENALTIES = 12
_UNPENALISED = 1e3
"""Factor by which control columns are enlarged, so that the penalty hardly reaches them."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Votes on rows: ``weight`` labels, ``votes`` of them for A; rows sorted by cluster.

    Attributes
    ----------
    weight, votes : ndarray, shape (rows,)
    cluster : ndarray of int, shape (rows,)
    """

    weight: Array
    votes: Array
    cluster: Codes

    def take(self, rows: NDArray[np.bool_]) -> Labels:
        """Return the labels of some rows."""
        return Labels(self.weight[rows], self.votes[rows], self.cluster[rows])

    @property
    def starts(self) -> Codes:
        """First row of each cluster."""
        return np.unique(self.cluster, return_index=True)[1]


@dataclass(frozen=True, eq=False)
class EachFit:
    """One small model a factor: the factor, with the controls beside it.

    Attributes
    ----------
    estimate, std_error : ndarray, shape (P,)
        The factor's weight and its cluster-robust error; NaN where undefined.
    influence : ndarray, shape (clusters, P), or None
        Each cluster's pull on the weight.
    varies : ndarray of bool, shape (P,)
        Whether the factor differs from 0, and from the controls, at all.
    """

    estimate: Array
    std_error: Array
    influence: Array | None
    varies: NDArray[np.bool_]


def fit_each(
    X: Array | sparse.csc_array, controls: Array, labels: Labels, *, keep_influence: bool = False
) -> EachFit:
    """Fit ``logit P = x_k b + c'g`` for every column k of X, by Newton's method at once.

    Parameters
    ----------
    X : ndarray or sparse array, shape (rows, P)
    controls : ndarray, shape (rows, C)
        C may be 0.
    labels : Labels
    keep_influence : bool
    """
    n_clusters = len(labels.starts)
    found = _by_values(X, controls, labels, keep_influence)
    estimate, squares, varies = found.estimate, found.squares, found.varies
    influence = found.influence
    left = np.flatnonzero(~found.close)
    for at in (left[start : start + _COLUMNS] for start in range(0, len(left), _COLUMNS)):
        estimate[at], varies[at], pull = _fit_block(in_full(X[:, at]), controls, labels)
        squares[at] = (pull**2).sum(axis=0)
        if influence is not None:
            influence[:, at] = pull
    factor = n_clusters / (n_clusters - 1) if n_clusters > 1 else np.nan
    error = np.sqrt(factor * squares)
    return EachFit(
        estimate=estimate,
        std_error=np.where(np.isfinite(estimate) & (error > 0), error, np.nan),
        influence=influence,
        varies=varies,
    )


def in_full(X: Array | sparse.csc_array) -> Array:
    """Return an array with the values that are 0."""
    return X if isinstance(X, np.ndarray) else np.asarray(X.toarray(), dtype=np.float64)


def _by_values(
    X: Array | sparse.csc_array, controls: Array, labels: Labels, keep_influence: bool
) -> SparseFits:
    """Fit the columns of a sparse array by the values that are not 0; of others, say none."""
    if sparse.issparse(X) and controls.shape[1] <= MOST_CONTROLS:
        try:
            return fit_sparse(
                X, controls, labels.weight, labels.votes, labels.starts,
                keep_influence=keep_influence,
            )  # fmt: skip
        except np.linalg.LinAlgError:
            # controls of which one is made of the others
            pass
    P = X.shape[1]
    influence = np.empty((len(labels.starts), P)) if keep_influence else None
    nothing = np.zeros(P, dtype=bool)
    return SparseFits(np.full(P, np.nan), np.zeros(P), influence, nothing, nothing)


def _fit_block(X: Array, controls: Array, labels: Labels) -> tuple[Array, NDArray[np.bool_], Array]:
    P, C = X.shape[1], controls.shape[1]
    size = np.sqrt(labels.weight @ X**2)
    X = X / np.where(size > 0, size, 1.0)
    varies = (size > 0) & _independent(X, controls, labels.weight)
    squares = (controls[:, :, None] * controls[:, None, :]).reshape(len(X), C * C)
    coef, hessian = np.zeros((P, 1 + C)), np.zeros((P, 1 + C, 1 + C))
    done = ~varies
    for _ in range(_STEPS):
        p = logistic(X * coef[:, 0] + controls @ coef[:, 1:].T)
        residual = labels.votes[:, None] - labels.weight[:, None] * p
        q = labels.weight[:, None] * p * (1.0 - p)
        hessian[:, 0, 0] = (q * X * X).sum(axis=0)
        hessian[:, 0, 1:] = hessian[:, 1:, 0] = (q * X).T @ controls
        hessian[:, 1:, 1:] = (q.T @ squares).reshape(P, C, C)
        hessian[~varies] = np.eye(1 + C)
        gradient = np.column_stack([(residual * X).sum(axis=0), residual.T @ controls])
        # labels that separate drive the Hessian to 0; the fit is then given up below
        hessian += 1e-12 * np.eye(1 + C) * np.einsum("pkk->p", hessian)[:, None, None]
        step = np.linalg.solve(hessian + 1e-300 * np.eye(1 + C), gradient[:, :, None])[:, :, 0]
        done |= np.abs(step * gradient).sum(axis=1) < _NEAR**2
        if done.all():
            break
        # a long step of Newton's method may overshoot: |x'b| moves by at most 4
        reach = np.abs(X * step[:, 0] + controls @ step[:, 1:].T).max(axis=0)
        coef += step * np.where(done, 0.0, np.minimum(1.0, 4.0 / np.maximum(reach, 4.0)))[:, None]
        done |= np.abs(X * coef[:, 0]).max(axis=0) > _STEEP
    steep = np.abs(X * coef[:, 0]).max(axis=0) > _STEEP
    usable = varies & done & ~steep
    pull = np.linalg.inv(hessian)[:, 0]
    influence = residual * (X * pull[:, 0] + controls @ pull[:, 1:].T)
    influence = np.add.reduceat(influence, labels.starts, axis=0) / np.where(size > 0, size, 1.0)
    estimate = np.where(usable, coef[:, 0] / np.where(size > 0, size, 1.0), np.nan)
    return estimate, varies, np.where(usable, influence, 0.0)


def _independent(X: Array, controls: Array, weight: Array) -> NDArray[np.bool_]:
    """Whether the controls leave anything of each column (of unit length)."""
    if controls.shape[1] == 0:
        return np.ones(X.shape[1], dtype=bool)
    root = np.sqrt(weight)[:, None]
    fitted = np.linalg.lstsq(controls * root, X * root, rcond=None)[0]
    rest = X * root - (controls * root) @ fitted
    return np.asarray((rest**2).sum(axis=0) > _INDEPENDENT)


def selection_shares(fit: EachFit, rate: float, resamples: int, seed: int) -> Array:
    """Return how often each factor is selected in random halves of the clusters, shape (P,).

    Selected at a Benjamini-Hochberg rate. To first order: the weight of a half is the weight
    of all plus twice the pull of its clusters, and its variance four times their squares. No
    half is refitted.
    """
    shares = np.full(len(fit.estimate), np.nan)
    usable = np.flatnonzero(np.isfinite(fit.std_error))
    if fit.influence is None or resamples == 0 or len(fit.influence) < 4 or not len(usable):
        return shares
    whole = len(usable) == fit.influence.shape[1]
    influence = fit.influence if whole else fit.influence[:, usable]
    halves = _halves(len(influence), resamples, seed)
    estimate = fit.estimate[usable] + 2.0 * (halves @ influence)
    error = 2.0 * np.sqrt(halves @ influence**2)
    z = np.divide(np.abs(estimate), error, out=np.zeros_like(error), where=error > 0)
    shares[usable] = (false_discovery_control(2 * norm.sf(z), axis=1) <= rate).mean(axis=0)
    return shares


def _halves(n: int, resamples: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    halves = np.zeros((resamples, n))
    for half in halves:
        half[rng.choice(n, n // 2, replace=False)] = 1.0
    return halves


class Lasso:
    """An L1-penalised joint logistic fit; controls are not penalised.

    Parameters
    ----------
    X : ndarray, shape (rows, P)
    controls : ndarray, shape (rows, C)
    labels : Labels
    """

    def __init__(self, X: Array, controls: Array, labels: Labels) -> None:
        total = labels.weight.sum()
        size = np.sqrt(labels.weight @ X**2 / total)
        spread = np.sqrt(labels.weight @ controls**2 / total)
        self.P, self.labels = X.shape[1], labels
        self.size = np.where(size > 0, size, 1.0)
        enlarged = controls / np.where(spread > 0, spread, 1.0) * _UNPENALISED
        self.X = np.column_stack([X / self.size, enlarged])
        residual = labels.votes - 0.5 * labels.weight
        largest = np.abs(self.X[:, : self.P].T @ residual).max(initial=0.0)
        # at the first penalty no factor is selected, at the last nearly all are
        self.penalties = max(largest, 1e-6) / total * np.geomspace(1.0, 0.01, _PENALTIES)

    def select(self, penalty: float, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which factors have a weight in a fit to some rows."""
        return np.asarray(np.abs(self._fit(penalty, rows)[: self.P]) > 1e-8)

    def choose(self, fold: Codes) -> float:
        """Return the largest penalty within one error of the best held-out log-loss."""
        loss = np.zeros((len(fold), len(self.penalties)))
        for f in np.unique(fold):
            test = fold == f
            for i, penalty in enumerate(self.penalties):
                eta = self.X[test] @ self._fit(float(penalty), ~test)
                softplus = np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta)))
                part = self.labels.take(test)
                loss[test, i] = part.weight * softplus - part.votes * eta
        by_cluster = np.add.reduceat(loss, self.labels.starts, axis=0)
        best = int(by_cluster.sum(axis=0).argmin())
        worse = by_cluster - by_cluster[:, [best]]
        error = worse.std(axis=0) * np.sqrt(len(worse))
        return float(self.penalties[np.argmax(worse.sum(axis=0) <= error)])

    def stability(self, penalty: float, resamples: int, seed: int) -> Array:
        """Return how often each factor is selected in random halves of the clusters."""
        starts = self.labels.starts
        sizes = np.diff(np.append(starts, len(self.X)))
        halves = _halves(len(starts), resamples, seed) > 0
        chosen = [self.select(penalty, np.repeat(half, sizes)) for half in halves]
        return np.asarray(np.mean(chosen, axis=0))

    def _fit(self, penalty: float, rows: NDArray[np.bool_]) -> Array:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        part = self.labels.take(rows)
        # a fractional vote stands as two weighted rows, one for each side
        X = np.concatenate([self.X[rows], self.X[rows]])
        weight = np.concatenate([part.votes, part.weight - part.votes])
        y = np.repeat([1, 0], len(part.votes))
        keep = weight > 0
        if len(np.unique(y[keep])) < 2:
            # only one side ever won: turning half of the rows round changes no likelihood
            turned = np.flatnonzero(keep)[::2]
            X[turned] *= -1.0
            y[turned] = 1 - y[turned]
        model = LogisticRegression(
            C=1.0 / (penalty * part.weight.sum()),
            l1_ratio=1.0,
            solver="liblinear",
            fit_intercept=False,
            tol=1e-5,
            max_iter=500,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X[keep], y[keep], sample_weight=weight[keep])
        return np.asarray(model.coef_[0])
