"""The regression behind length-controlled win rates: one fit, and many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, stdtrit

from workbench.decompose.kernel import Array

RIDGE = 0.01
"""Penalty :math:`\\tfrac{1}{2} 0.01 \\lVert w \\rVert^2`: it keeps a weight finite, no more."""

GAMED_WEIGHT = 0.1
"""Weight of a regularising row, half of AlpacaEval's lambda of 0.2."""

_STEPS = 60
_LARGEST_STEP = 2.0


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one model's regression.

    Attributes
    ----------
    gap : ndarray, shape (n,)
        Length of the baseline's response minus the model's, in characters.
    difficulty : ndarray, shape (n,)
        Instruction difficulty; 0 where it is left out.
    win : ndarray, shape (n,)
        P(model wins) that the judge gave, in [0, 1].
    cluster : ndarray of int, shape (n,)
        Column of each row's instruction in the table of bootstrap counts.
    """

    gap: Array
    difficulty: Array
    win: Array
    cluster: NDArray[np.int64]


def predict_from_weights(weights: ArrayLike, difficulty: ArrayLike) -> Array:
    r"""Return P(model wins) at equal length on each instruction.

    Parameters
    ----------
    weights : array_like, shape (3,)
        :math:`w_l, w_x, w_m`: of the length term, the difficulty and the model. At equal
        length the first has nothing to act on.
    difficulty : array_like, shape (n instructions,)

    Returns
    -------
    ndarray, shape (n instructions,)
        :math:`\sigma(w_x d_x + w_m)`; 100 times its mean is the length-controlled win rate.

    Examples
    --------
    >>> predict_from_weights([-1.5, 1.0, 0.0], [0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    _, slope, level = np.asarray(weights, dtype="float64")
    return np.asarray(expit(slope * np.asarray(difficulty, dtype="float64") + level))


def length_controlled_fits(
    own: Rows, gamed: list[Rows], counts: Array, *, use: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Fit the regression under each row of counts, every step anew.

    Parameters
    ----------
    own : Rows
        The model's rows.
    gamed : list of Rows
        Rows of the baseline's own verbose and concise runs, that regularise.
    counts : ndarray, shape (R, clusters)
        How often each instruction stands in a replicate.
    use : ndarray of bool, shape (3,)
        Which of ``w_l, w_x, w_m`` are fitted; the others stay 0.

    Returns
    -------
    weights : ndarray, shape (R, 3)
    rates : ndarray, shape (R,)
        Length-controlled win rate in percent.
    """
    parts = [own, *gamed]
    X = np.concatenate([_columns(part, counts, k == 0) for k, part in enumerate(parts)], axis=1)
    weight = np.concatenate(
        [counts[:, p.cluster] * (GAMED_WEIGHT if k else 1.0) for k, p in enumerate(parts)], axis=1
    )
    y = np.concatenate([part.win for part in parts])
    weights = _newton(X * use, y, weight)
    at_equal_length = expit(weights[:, 1:2] * own.difficulty + weights[:, 2:3])
    times = counts[:, own.cluster]
    return weights, 100.0 * (at_equal_length * times).sum(axis=1) / times.sum(axis=1)


def rate_influence(
    own: Rows, gamed: list[Rows], weights: Array, clusters: int, *, use: NDArray[np.bool_]
) -> tuple[Array, Array]:
    r"""Return what one more of each instruction would do to the length-controlled win rate.

    The derivative goes through the weights, the scale of the length gaps and the mean over
    instructions; finite differences of :func:`length_controlled_fits` agree with it.

    Parameters
    ----------
    own, gamed, use
        As in :func:`length_controlled_fits`.
    weights : ndarray, shape (3,)
        Of the fit in which each instruction counts once.
    clusters : int
        Number of instructions, those of other models among them.

    Returns
    -------
    influence : ndarray, shape (clusters,)
        Change of the rate, percent, per count.
    leverage : ndarray, shape (clusters,)
        Share of an instruction's verdict that its own fitted value follows, in [0, 1].
    """
    K = len(weights)
    bend, scores = RIDGE * np.eye(K), np.zeros((clusters, K))
    leverages: list[tuple[Rows, Array, Array]] = []
    for k, part in enumerate([own, *gamed]):
        share = GAMED_WEIGHT if k else 1.0
        X, slope, spread = _columns_and_slopes(part, k == 0)
        X, slope = X * use, slope * use
        p = expit(X @ weights)
        residual, weight = share * (part.win - p), share * p * (1.0 - p)
        bend = bend + (X.T * weight) @ X
        leverages.append((part, X, weight))
        # a count changes the scale, and that the columns of every row
        scaled = residual @ slope - (weight * (slope @ weights)) @ X
        np.add.at(scores, part.cluster, X * residual[:, None] + spread[:, None] * scaled)
    inverse = np.linalg.inv(bend)
    moved = scores @ inverse
    leverage = np.zeros(clusters)
    for part, X, weight in leverages:
        np.add.at(leverage, part.cluster, weight * ((X @ inverse) * X).sum(axis=1))
    rate = predict_from_weights(weights, own.difficulty)
    pull = (rate * (1.0 - rate)) @ np.column_stack(
        [np.zeros(len(rate)), own.difficulty, np.ones(len(rate))]
    )
    influence = moved @ pull
    np.add.at(influence, own.cluster, rate - rate.mean())
    return 100.0 * influence / len(rate), np.clip(leverage, 0.0, 1.0)


def _columns_and_slopes(rows: Rows, not_gamed: bool) -> tuple[Array, Array, Array]:
    """Return columns, their derivative in the scale, and that of the scale in each row's count."""
    n = len(rows.gap)
    X = _columns(rows, np.ones((1, int(rows.cluster.max()) + 1)), not_gamed)[0]
    scale = float(rows.gap.std(ddof=1)) if n > 1 else 0.0
    slope = np.zeros_like(X)
    if scale == 0.0:
        return X, slope, np.zeros(n)
    slope[:, 0] = -(1.0 - X[:, 0] ** 2) * rows.gap / scale**2
    variance = ((rows.gap - rows.gap.mean()) ** 2 - scale**2) / (n - 1)
    return X, slope, variance / (2.0 * scale)


def rate_interval(
    rate: float, influence: Array, leverage: Array, level: float
) -> tuple[float, float]:
    r"""Return an interval of a win rate in percent, even on the log-odds scale.

    .. math:: \mathrm{logit}\,r \pm t_{G - 1}\,
        \frac{1}{r (1 - r)} \sqrt{\frac{G}{G - 1} \sum_g \frac{u_g^2}{1 - h_g}}

    with the influence :math:`u_g` and leverage :math:`h_g` of each instruction (HC2, MacKinnon
    and White 1985). It lies within 0 and 100 and holds the rate.

    Examples
    --------
    >>> ends = rate_interval(50.0, np.tile([2.0, -2.0], 50), np.zeros(100), 0.95)
    >>> [round(end, 1) for end in ends]
    [16.9, 83.1]
    """
    told = influence != 0
    G, r = int(told.sum()), rate / 100.0
    if G < 2 or not 0.0 < r < 1.0:
        return float("nan"), float("nan")
    squares = influence[told] ** 2 / np.maximum(1.0 - leverage[told], 1.0 / G)
    error = np.sqrt(G / (G - 1) * squares.sum()) / (100.0 * r * (1.0 - r))
    half = float(stdtrit(G - 1, 0.5 + level / 2)) * error
    centre = np.log(r / (1.0 - r))
    return 100.0 * float(expit(centre - half)), 100.0 * float(expit(centre + half))


def _columns(rows: Rows, counts: Array, not_gamed: bool) -> Array:
    times = counts[:, rows.cluster]
    total = np.maximum(times.sum(axis=1), 2.0)
    mean = times @ rows.gap / total
    spread = (times * (rows.gap - mean[:, None]) ** 2).sum(axis=1) / (total - 1.0)
    scale = np.sqrt(np.maximum(spread, 0.0))
    safe = np.where(scale > 0, scale, 1.0)[:, None]
    z = np.where(scale[:, None] > 0, rows.gap / safe, 0.0)
    difficulty = np.broadcast_to(rows.difficulty, z.shape)
    return np.stack([np.tanh(z), difficulty, np.full(z.shape, float(not_gamed))], axis=2)


def _newton(X: Array, y: Array, weight: Array) -> Array:
    """Penalised maximum likelihood of every replicate at once; X has shape (R, n, 3)."""
    w = np.zeros((len(X), X.shape[2]))
    ridge = RIDGE * np.eye(X.shape[2])
    Xt = np.ascontiguousarray(X.transpose(0, 2, 1))
    for _ in range(_STEPS):
        p = expit((X @ w[:, :, None])[:, :, 0])
        slope = (Xt @ (weight * (y - p))[:, :, None])[:, :, 0] - RIDGE * w
        bend = (Xt * (weight * p * (1.0 - p))[:, None, :]) @ X + ridge
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        w = w + np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        if np.abs(step).max() < 1e-9:
            break
    return w


def fit_as_published(own: Rows, gamed: list[Rows], *, use: NDArray[np.bool_]) -> Array:
    """Fit the weights as AlpacaEval does: L1 with a cross-validated penalty.

    Each row stands once as a win (weight p) and once as a loss (weight 1 - p); liblinear,
    ten C from 1e-4 to 1e4, five folds that keep an instruction together, log-loss of the
    soft labels. Needs scikit-learn.

    Returns
    -------
    ndarray, shape (3,)
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    parts = [own, *gamed]
    width = 1 + max(int(part.cluster.max()) for part in parts)
    ones = np.ones((1, width))
    X = np.concatenate([_columns(part, ones, k == 0)[0] for k, part in enumerate(parts)]) * use
    y = np.concatenate([part.win for part in parts])
    base = np.concatenate(
        [np.full(len(p.win), GAMED_WEIGHT if k else 1.0) for k, p in enumerate(parts)]
    )
    group = np.concatenate([part.cluster for part in parts])

    def fitted(C: float, at: NDArray[np.int64]) -> Array:
        model: Any = LogisticRegression(
            C=C, l1_ratio=1.0, solver="liblinear", fit_intercept=False, random_state=123
        )
        outcome = np.repeat([1, 0], len(at))
        share = np.concatenate([base[at] * y[at], base[at] * (1.0 - y[at])])
        model.fit(np.vstack([X[at], X[at]]), outcome, sample_weight=share)
        return np.asarray(model.coef_[0], dtype="float64")

    def loss(w: Array, at: NDArray[np.int64]) -> float:
        eta = X[at] @ w
        return float(np.average(np.logaddexp(0.0, eta) - y[at] * eta, weights=base[at]))

    grid = np.logspace(-4, 4, 10)
    folds = list(GroupKFold(n_splits=5).split(X, y, group))
    losses = [np.mean([loss(fitted(C, a), b) for a, b in folds]) for C in grid]
    return fitted(float(grid[int(np.argmin(losses))]), np.arange(len(X)))
