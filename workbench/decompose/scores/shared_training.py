r"""What folds that share training data add to the variance of a held-out score.

A held-out label stands in the training data of the other folds. The labels of cluster g move
the predictions of cluster h, and those of h move those of g: both gain or lose by it together,
so that the usual error of a mean, which takes clusters for independent, is too small. To first
order, with cluster scores :math:`s_g = \sum_i w_i (y_i - p_i) x_i`, the inverse Hessian
:math:`B` and sums :math:`d_g = \sum_i d_i x_i` of the slope of the score in the log-odds of
each label, this adds

.. math:: \sum_{g \neq h} E[(d_g' B s_h)(d_h' B s_g)] = \mathrm{tr}\big((B N)^2\big),
          \qquad N = \sum_g s_g d_g'.

For the accuracy of a rule without any signal, whose side every label can turn, it is up to
:math:`2 / \pi` of the usual variance, however many labels there are: 95 % intervals cover
87 %. Where the predictions are sure of their side it vanishes (Bayle et al. 2020: the usual
error is right for a stable rule).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from workbench.decompose.kernel import Array
from workbench.decompose.scores.labels import Labels

_LABELS = 5_000
"""Labels from which one of q clusters is looked at: the variance is that of many alike."""

_GRID = 256

Columns = Callable[[NDArray[np.bool_]], Array]

CERTAIN = 1e-12
"""Predictions are held within this of 0 and 1."""

_ROOT2 = float(np.sqrt(2.0))
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, eq=False)
class Trained:
    """A logit fit that predicted each label without the label's fold.

    Attributes
    ----------
    labels : Labels
        What it is scored on, or one of ``times`` clusters of it, drawn by a hash of their names.
    X : ndarray, shape (n, k)
        Columns of the fit.
    p : ndarray, shape (n,)
        Held-out P(A).
    bread : ndarray, shape (k, k)
        Inverse Hessian of a training fold's fit.
    scores : ndarray, shape (clusters, k)
    times, folds : int
    """

    labels: Labels
    X: Array
    p: Array
    bread: Array
    scores: Array
    times: int
    folds: int

    @classmethod
    def of(cls, labels: Labels, columns: Columns, p: Array, bread: Array, folds: int) -> Trained:
        """Build from all labels and their predictions, and the bread of the fit to them all.

        ``columns`` returns the columns of the fit at some of the labels.
        """
        times, chosen = drawn(len(labels.y), labels.n_clusters)
        some = labels.draw(chosen) if times > 1 else np.ones(len(p), dtype=bool)
        return cls.seen(labels.at(some), columns(some), p[some], bread, times, folds)

    @classmethod
    def seen(
        cls, labels: Labels, X: Array, p: Array, bread: Array, times: int, folds: int
    ) -> Trained:
        """Build from the labels of the clusters that are looked at."""
        scores = _sums(labels, X, labels.weight * (labels.y - p))
        return cls(labels, X, p, bread * (folds / (folds - 1)), scores, times, folds)

    @cached_property
    def log_odds(self) -> Array:
        """Predicted log-odds of A."""
        return np.asarray(logit(np.clip(self.p, CERTAIN, 1 - CERTAIN)))

    @cached_property
    def spread(self) -> Array:
        """Standard deviation that training gives each log-odds."""
        meat = self.scores.T @ self.scores * (self.times * (self.folds - 1) / self.folds)
        variance = (self.X @ (self.bread @ meat @ self.bread) * self.X).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def drawn(labels: int, clusters: int) -> tuple[int, int]:
    """Return of how many clusters one is looked at, and how many these are.

    Examples
    --------
    >>> drawn(4_000, 4_000), drawn(20_000, 10_000)
    ((1, 4000), (4, 2500))
    """
    times = max(1, -(-labels // _LABELS))
    return times, -(-clusters // times)


def _sums(labels: Labels, X: Array, values: Array) -> Array:
    """Return ``sum values x`` of each cluster; in any order where each has one label."""
    if labels.n_clusters == len(labels.y):
        return np.asarray(X * values[:, None])
    return np.stack([np.bincount(labels.cluster, values * column) for column in X.T], axis=1)


def added_variance(parts: list[Trained], slopes: list[Array]) -> float:
    """Return what shared training adds to the variance of a score; never below 0.

    Parameters
    ----------
    parts : list of Trained
        Predictors of the same labels: one for a score, two for a difference.
    slopes : list of ndarray, shape (n,)
        Of the score in the log-odds of each predictor at each label.
    """
    first = parts[0]
    pulls = [_sums(one.labels, one.X, d) for one, d in zip(parts, slopes, strict=True)]
    # block by block: what the scores of one predictor's training do to the pull of another
    moved = [[one.bread @ (one.scores.T @ pull) for pull in pulls] for one in parts]
    pairs = [
        (moved[i][j] * moved[j][i].T).sum() for i in range(len(parts)) for j in range(len(parts))
    ]
    # clusters of one fold do not train each other
    share = (first.folds - 1) / first.folds * first.times**2
    return float(max(share * sum(pairs), 0.0))


def right_slopes(one: Trained, total: float, doubt: float = 0.0) -> Array:
    r"""Return the slopes of the accuracy: how readily each label's prediction turns.

    A side is taken where the log-odds are beyond ``doubt`` of their own spread. A step is as
    steep as the density of the log-odds at it, over training data. As only one draw of them
    is known, a normal kernel as wide as their spread stands in, times :math:`\sqrt{2}`,
    which is right on average where the log-odds are 0 in truth, and too large elsewhere.

    Parameters
    ----------
    one : Trained
    total : float
        Weight of the decided labels.
    doubt : float
    """
    spread, y = one.spread, one.labels.y
    known = spread > 0
    z = np.divide(one.log_odds, spread, out=np.zeros(len(y)), where=known)
    density = np.divide(_bell(z - doubt) + _bell(z + doubt), spread, out=z * 0, where=known)
    decided = one.labels.decided
    return np.asarray(_ROOT2 * density * (y - 0.5) * decided * one.labels.weight / total)


def loss_slopes(one: Trained, total: float) -> Array:
    """Return the slopes of the mean log-loss."""
    return np.asarray(-one.labels.weight * (one.labels.y - one.p) / total)


def brier_slopes(one: Trained, total: float) -> Array:
    """Return the slopes of the mean Brier score."""
    p = one.p
    return np.asarray(-2.0 * one.labels.weight * (one.labels.y - p) * p * (1 - p) / total)


def area_slopes(one: Trained) -> Array:
    """Return the slopes of the AUC: the density of the other class at each log-odds."""
    eta, spread, y = one.log_odds, one.spread, one.labels.y
    width = _ROOT2 * float(np.sqrt(np.mean(spread**2)))
    slopes = np.zeros(len(eta))
    above, below = y > 0.5, y < 0.5
    if width > 0 and above.any() and below.any():
        for sign, mine, other in ((1.0, above, below), (-1.0, below, above)):
            density = _density(eta[other], eta[mine], width)
            slopes[mine] = sign * _ROOT2 * density / float(mine.sum() * one.times)
    return slopes


def _density(points: Array, at: Array, width: float) -> Array:
    """Return a normal kernel's density, from a grid."""
    low, high = min(points.min(), at.min()), max(points.max(), at.max())
    step = (high - low) / (_GRID - 1)
    if step == 0:
        return np.full(len(at), 1.0 / (_ROOT_2PI * width))
    width = max(width, 2.0 * step)
    counts = np.bincount(np.rint((points - low) / step).astype(np.int64), minlength=_GRID)
    kernel = _bell(np.arange(1 - _GRID, _GRID) * step / width) / (width * len(points))
    smooth = np.convolve(counts, kernel)
    return np.asarray(
        np.interp((at - low) / step, np.arange(_GRID), smooth[_GRID - 1 : 2 * _GRID - 1])
    )


def _bell(z: Array) -> Array:
    """Return the standard normal density."""
    return np.asarray(np.exp(-0.5 * z * z) / _ROOT_2PI)
