"""Isotonic calibration that says 1 - p where A and B are exchanged."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

from workbench.clustered import Array, Codes

_DIGITS = 10
"""Decimals of margins that are told apart."""


def isotonic_out_of_fold(margin: Array, y: Array, fold: Codes, folds: int) -> Array:
    r"""Return P(A preferred) of each pair by curves that have not seen its fold.

    The curve is the nondecreasing one of least squares through the labels and their mirror
    images :math:`(-m_i, 1 - y_i)`; being the only one, it is its own mirror image. On
    :math:`|m|`, with labels turned to the side that the judge leans to, it is the isotonic
    regression of these, raised to one half where it is below.

    Parameters
    ----------
    margin : ndarray, shape (n,)
    y : ndarray, shape (n,)
        NaN where there is no label.
    fold : ndarray of int, shape (n,)
    folds : int

    Returns
    -------
    ndarray, shape (n,)
        NaN where the margin is.

    Notes
    -----
    Between knots the curve is linear. It is never surer than the rule of succession allows,
    :math:`(n + 1) / (n + 2)` after n labels: a block of ones is no certainty.

    Examples
    --------
    >>> m, y = np.array([1.0, 1, -1, -1, 2, 2]), np.array([1.0, 0, 0, 0, 1, 1])
    >>> p = isotonic_out_of_fold(m, y, np.array([0, 0, 1, 1, 0, 1]), 2)
    >>> bool((p[m > 0] >= 0.5).all() and (p[m < 0] <= 0.5).all())
    True
    """
    known = np.isfinite(margin) & np.isfinite(y) & (margin != 0)
    # log-odds of p and of 1 - p differ by rounding, and are one knot
    lean = np.round(np.abs(margin[known]), _DIGITS)
    turned = np.where(margin[known] > 0, y[known], 1 - y[known])
    knots, at = np.unique(lean, return_inverse=True)
    place = at * folds + fold[known]
    shape = (len(knots), folds)
    count = np.bincount(place, minlength=len(knots) * folds).reshape(shape).astype(np.float64)
    total = np.bincount(place, turned, len(knots) * folds).reshape(shape)
    p = np.full(len(margin), np.nan)
    for f in range(folds):
        mine = np.isfinite(margin) & (fold == f)
        others = count.sum(axis=1) - count[:, f], total.sum(axis=1) - total[:, f]
        p[mine] = _at(_curve(knots, *others), margin[mine])
    return p


def _curve(knots: Array, count: Array, total: Array) -> tuple[Array, Array]:
    used = count > 0.5
    if not used.any():
        return np.zeros(1), np.full(1, 0.5)
    n = float(count.sum())
    fitted = isotonic_regression(total[used] / count[used], weights=count[used]).x
    # no knot leans to neither side: 0 is one half by symmetry
    values = np.clip(fitted, 0.5, (n + 1) / (n + 2))
    return np.r_[0.0, knots[used]], np.r_[0.5, values]


def _at(curve: tuple[Array, Array], margin: Array) -> Array:
    lean = np.interp(np.abs(margin), *curve)
    return np.asarray(np.where(margin < 0, 1 - lean, lean))
