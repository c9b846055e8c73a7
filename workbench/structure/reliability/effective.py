"""What answers tell of a worker when the truth is known in probability only."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from workbench.decompose.kernel import Array, Codes
from workbench.decompose.scores.intervals import wilson
from workbench.intervals import effective_rows
from workbench.structure.reliability.dawid_skene import SMOOTHING

_ROUNDS = 300
_CLOSE = 1e-7
_LEAST = 1e-12


def own_tables(worker: Codes, said: Codes, p: Array, W: int) -> tuple[Array, Array]:
    """Return each worker's table, (W, K, K), and the truth with the own answer, (N, K).

    EM on one answer at a time, given what the others say of the truth; at rest it is the
    likelihood's maximum in each worker's table.

    Parameters
    ----------
    worker, said : ndarray of int, shape (N,)
    p : ndarray, shape (N, K)
        P(truth) without the worker's answer.
    W : int

    Examples
    --------
    >>> p = np.array([[1.0, 0.0]] * 4)
    >>> table, _ = own_tables(np.zeros(4, int), np.array([0, 0, 0, 1]), p, 1)
    >>> table[0, 0].round(2).tolist()
    [0.75, 0.25]
    """
    K = p.shape[1]
    place = worker * K + said
    truth, table = p, np.empty((W, K, K))
    for _ in range(_ROUNDS):
        for t in range(K):
            counts = np.bincount(place, truth[:, t], W * K).reshape(W, K) + SMOOTHING
            table[:, t] = counts / counts.sum(axis=1, keepdims=True)
        new = p * table[worker, :, said]
        new /= new.sum(axis=1, keepdims=True)
        moved = float(np.abs(new - truth).max(initial=0.0))
        truth = new
        if moved < _CLOSE:
            break
    return table, truth


def share_of_side(
    said: Codes, side: Codes, p: Array, truth: Array, table: Array, cluster: Codes, level: float
) -> tuple[float, float, float, float]:
    r"""Return P(says a side | it is right) of one worker: share, ends, effective count.

    The share is of posterior counts. The effective count is that of as many answers with a known
    truth as have the expected information,

    .. math:: n^* = \theta (1 - \theta) \sum_i p_i^2 \Big(\frac1{f_i} + \frac1{1 - f_i}\Big),
              \quad f_i = p_i \theta + \sum_{t \ne side} p_{it} \pi_{t, side}

    less what answers on one prompt have in common.

    Parameters
    ----------
    said, side : ndarray of int, shape (n,)
        Answers, and of each the side that is asked about.
    p, truth : ndarray, shape (n, K)
        Without and with the own answer.
    table : ndarray, shape (K, K)
    cluster : ndarray of int, shape (n,)
    level : float
    """
    at = np.arange(len(said))
    weight, hit = truth[at, side], (said == side).astype(float)
    total = float(weight.sum())
    if total < 1.0:
        return np.nan, np.nan, np.nan, np.nan
    mean = float(weight @ hit / total)
    theta = (mean * total + 0.5) / (total + 1.0)
    own = p[at, side]
    others = (p * table[:, side].T).sum(axis=1) - own * table[side, side]
    f = np.clip(own * theta + others, _LEAST, 1.0 - _LEAST)
    size = theta * (1.0 - theta) * float((own**2 * (1.0 / f + 1.0 / (1.0 - f))).sum())
    return _ends(mean, size, weight * (hit - mean) / total, weight, cluster, level)


def share_right(
    said: Codes, p: Array, truth: Array, table: Array, cluster: Codes, level: float
) -> tuple[float, float, float, float]:
    """Return the share of one worker's answers that are right, as :func:`share_of_side` does."""
    right = truth[np.arange(len(said)), said]
    mean, n = float(right.mean()), len(said)
    alpha = (mean * n + 0.5) / (n + 1.0)
    K = p.shape[1]
    wrong = table * (1.0 - np.eye(K))
    wrong /= np.maximum(wrong.sum(axis=1, keepdims=True), _LEAST)
    off = p @ wrong
    f = np.maximum(alpha * p + (1.0 - alpha) * off, _LEAST)
    size = alpha * (1.0 - alpha) * float(((p - off) ** 2 / f).sum())
    return _ends(mean, size, (right - mean) / n, np.ones(n), cluster, level)


def _ends(
    mean: float, size: float, pull: Array, weight: Array, cluster: Codes, level: float
) -> tuple[float, float, float, float]:
    _, code = np.unique(cluster, return_inverse=True)
    found = effective_rows(pull, weight, code, level)
    rows = float(weight.sum() ** 2 / (weight**2).sum())
    # answers on a single prompt count as one
    size = 1.0 if np.isnan(found.size) else max(size * min(found.size / rows, 1.0), 0.5)
    low, high = wilson(mean, size, float(norm.ppf(0.5 + level / 2)))
    return mean, float(low), float(high), size
