"""Logit without intercept under a ridge penalty that inner folds choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.ceiling.rows import Rows
from workbench.decompose.kernel import Array, Codes

PENALTIES = (64.0, 16.0, 4.0, 1.0, 0.25)
"""Penalties tried, as multiples of the number of columns: prior variances of the log-odds."""

_STEPS = 200
_SCALE = 1e-12


@dataclass(frozen=True, eq=False)
class Linear:
    """A logit on differences, such as those of embeddings, or on a judge's margins.

    Attributes
    ----------
    name : str
    X : ndarray, shape (n, d)
        Differences A minus B of each row: exchanging the sides turns them.
    penalties : sequence of float
    """

    name: str
    X: Array
    penalties: Sequence[float] = PENALTIES

    def predict(self, rows: Rows, train: Codes, test: Codes, inner: Codes) -> tuple[Array, Array]:
        """Return log-odds of training and test rows; see :class:`workbench.ceiling.rows.BlackBox`.

        The penalty is the one with the least loss over the inner folds.
        """
        held = np.zeros((len(self.penalties), len(train)))
        for f in np.unique(inner):
            part, out = train[inner != f], inner == f
            for j, coef in enumerate(self._path(rows, part, self.penalties)):
                held[j, out] = self.X[train[out]] @ coef
        losses = [rows.loss(train, one) for one in held]
        best = int(np.argmin(losses))
        *_, coef = self._path(rows, train, self.penalties[: best + 1])
        return held[best], np.asarray(self.X[test] @ coef)

    def _path(self, rows: Rows, part: Codes, penalties: Sequence[float]) -> list[Array]:
        """Return the weights on the columns under each penalty, the largest first."""
        X, weight = self.X[part], rows.weight[part]
        scale = np.sqrt(weight @ X**2 / weight.sum())
        used = scale > _SCALE
        Z, found, start = X[:, used] / scale[used], [], np.zeros(int(used.sum()))
        for penalty in penalties:
            start = ridge_logit(Z, weight, rows.votes[part], penalty * X.shape[1], start)
            coef = np.zeros(X.shape[1])
            coef[used] = start / scale[used]
            found.append(coef)
        return found


def ridge_logit(
    X: Array,
    weight: Array,
    votes: Array,
    penalty: float,
    start: Array,
    *,
    centre: Array | float = 0.0,
    least: float = -np.inf,
) -> Array:
    r"""Return the weights of a logit without intercept under a ridge penalty.

    .. math:: \arg\min_b \sum_i \big( w_i \log(1 + e^{x_i' b}) - v_i x_i' b \big)
              + \tfrac{\lambda}{2} |b - c|^2

    Parameters
    ----------
    X : ndarray, shape (n, d)
    weight, votes : ndarray, shape (n,)
    penalty : float
    start : ndarray, shape (d,)
    centre : ndarray, shape (d,), or float
        c, to which weights are drawn.
    least : float
        No weight is below this.

    Examples
    --------
    >>> X, votes = np.array([[1.0], [1.0], [-1.0]]), np.array([1.0, 0.0, 0.0])
    >>> round(float(ridge_logit(X, np.ones(3), votes, 1e-9, np.zeros(1))[0]), 3)  # log 2
    0.693
    """
    # loading it takes longer than importing the package may
    from scipy.optimize import minimize

    def loss(b: Array) -> tuple[float, Array]:
        eta = X @ b
        away = b - centre
        value = (weight * np.logaddexp(0.0, eta) - votes * eta).sum() + penalty / 2 * (away @ away)
        pull = weight / (1.0 + np.exp(-np.clip(eta, -500, 500))) - votes
        return float(value), np.asarray(X.T @ pull + penalty * away)

    if not len(start):
        return start
    bounds = None if np.isneginf(least) else [(least, None)] * len(start)
    options = {"maxiter": _STEPS, "ftol": 1e-12, "gtol": 1e-7 * max(float(weight.sum()), 1.0)}
    return np.asarray(
        minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    )
