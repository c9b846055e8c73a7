r"""The shift at which two groups come to predict new labels better than one public does.

A test sees less than prediction needs. Here each person's score is drawn as normal, in as many
parts as there are folds; two groups are fitted to all parts but one by EM, with the likelihood
taken as quadratic, :math:`s_p' d - d' I_p d / 2`, and the part left out is predicted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.decompose.kernel import Array
from workbench.structure.groups.mixture import PRIOR_SD

_DRAWS = 60
_SHORT, _STEPS = 5, 12
_TRIES = 4
_HALVINGS = 4
_FIRST = 0.25


def verdict_shift(
    info_at: Callable[[float], Array],
    u: Array,
    folds: int,
    power: float,
    largest: float,
    seed: int,
) -> float:
    """Return the smallest shift along ``u`` that the verdict finds with some power.

    Parameters
    ----------
    info_at : callable
        Information of each person, shape (P, K, K), where two groups are a shift apart.
    u : ndarray, shape (K,)
        One unit of the shift.
    folds : int
    power, largest : float
    seed : int

    Returns
    -------
    float
        NaN where even the largest shift is not found.

    Notes
    -----
    Found is: two groups predict better than one by more than one standard error over people.

    Examples
    --------
    >>> info = np.repeat(10.0 * np.eye(2)[None], 40, axis=0)
    >>> shift = verdict_shift(lambda shift: info, np.array([1.0, 0.0]), 5, 0.8, 8.0, 0)
    >>> bool(0.5 < shift < 2.0)
    True
    """
    rng = np.random.default_rng([seed, 19])
    P, K = info_at(0.0).shape[:2]
    normal = rng.normal(size=(_DRAWS, folds, P, 1, K))
    sign = np.where(rng.random((_DRAWS, P)) < 0.5, -1.0, 1.0)

    def found(shift: float) -> float:
        info = info_at(shift)
        value, axes = np.linalg.eigh(info)
        half = axes * np.sqrt(np.maximum(value, 0.0) / folds)[:, None, :]
        noise = (normal @ np.swapaxes(half, 1, 2))[..., 0, :]
        parts = noise + 0.5 * shift * sign[:, None, :, None] * (info @ u / folds)
        return float(_found(parts, info, 0.5 * shift * u).mean())

    # from below: where weights are huge, labels say the same of everybody near
    low, high = 0.0, _FIRST
    while found(high) < power:
        low, high = high, 2.0 * high
        if high > largest:
            return float("nan")
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if found(middle) >= power else (middle, high)
    return high


def _found(parts: Array, info: Array, start: Array) -> Array:
    """Say of each draw whether two groups predict the parts left out better than one."""
    D, F, P, K = parts.shape
    left = parts.sum(axis=1, keepdims=True) - parts
    s = left.reshape(D * F, P, K)
    train, test = info * ((F - 1.0) / F), info / F
    pooled = np.linalg.solve(train.sum(axis=0) + np.eye(K) / PRIOR_SD**2, s.sum(axis=1)[..., None])[
        ..., 0
    ]
    hold = np.eye(K) / PRIOR_SD**2
    tries = [_climbed(s, train, pooled[:, None] + np.stack([v, -v]), hold, _SHORT)
             for v in _directions(start, train)]  # fmt: skip
    # the best by what is seen is not the best there is: its likelihood decides, as in a fit
    best = np.argmax([one[2] for one in tries], axis=0)
    d = np.stack([one[0] for one in tries])[best, np.arange(D * F)]
    d, r, _ = _climbed(s, train, d, hold, _STEPS)
    new = parts.reshape(D * F, P, K)
    each = _quadratic(new, test, d)
    top = each.max(axis=2, keepdims=True)
    two = np.log((r * np.exp(each - top)).sum(axis=2)) + top[..., 0]
    gain = (two - _quadratic(new, test, pooled[:, None])[..., 0]).reshape(D, F, P).sum(axis=1)
    return np.asarray(gain.mean(axis=1) > gain.std(axis=1, ddof=1) / np.sqrt(P))


def _directions(start: Array, info: Array) -> list[Array]:
    """Return the true half shift, and others that set people as far apart."""
    total = info.sum(axis=0)
    value, axes = np.linalg.eigh(total)
    far = np.sqrt(start @ total @ start)
    known = np.flatnonzero(value > 1e-9 * value[-1])[: _TRIES - 1]
    return [start, *(axes[:, k] * far / np.sqrt(value[k]) for k in known)]


def _climbed(
    s: Array, train: Array, d: Array, hold: Array, steps: int
) -> tuple[Array, Array, Array]:
    """Return weights, posteriors and log-likelihoods after some EM steps."""
    (R, _, K), P = d.shape, s.shape[1]
    flat = train.reshape(P, K * K)
    share: Array = np.full((R, 1, 2), 0.5)
    r, value = _posterior(s, train, d, share)
    for _ in range(steps):
        curved = (np.swapaxes(r, 1, 2).reshape(-1, P) @ flat).reshape(R, 2, K, K) + hold
        d = np.asarray(np.linalg.solve(curved, (np.swapaxes(r, 1, 2) @ s)[..., None])[..., 0])
        share = np.asarray(np.maximum(r.mean(axis=1, keepdims=True), 1e-9))
        r, value = _posterior(s, train, d, share)
    return d, r, value


def _quadratic(s: Array, info: Array, d: Array) -> Array:
    """Return ``s' d - d' I d / 2`` of each person and group, shape (runs, P, C)."""
    R, C, K = d.shape
    outer = (d[..., :, None] * d[..., None, :]).reshape(R, C, K * K)
    curved = outer @ info.reshape(len(info), K * K).T
    return np.asarray(s @ np.swapaxes(d, 1, 2) - 0.5 * np.swapaxes(curved, 1, 2))


def _posterior(s: Array, info: Array, d: Array, share: Array) -> tuple[Array, Array]:
    each = _quadratic(s, info, d) + np.log(share)
    top = each.max(axis=2, keepdims=True)
    r = np.exp(each - top)
    total = r.sum(axis=2, keepdims=True)
    return np.asarray(r / total), np.asarray((top + np.log(total)).sum(axis=(1, 2)))
