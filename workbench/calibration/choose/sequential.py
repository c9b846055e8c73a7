"""Pairs one after the other, each the one that adds most to what the labels will tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes

_EVEN = 1e-300
"""Keeps a gain of 0 above that of a candidate that may not be chosen."""


class Turns(NamedTuple):
    """Candidates in the order in which they were chosen.

    Attributes
    ----------
    chosen : ndarray of int, shape (m,)
        Rows of the candidates.
    gain : ndarray, shape (m,)
        What each adds at its turn: to ``log det`` of the information, or of what the variances
        of the targets lose together.
    """

    chosen: Codes
    gain: Array


def choose_in_sequence(
    X: Array,
    information: Array,
    covariance: Array,
    random: NDArray[np.int64],
    places: NDArray[np.bool_],
    told: Array | None = None,
) -> Turns:
    r"""Choose candidates one by one; some places are kept for those that were drawn at random.

    .. math:: \log\det(H + w x x') - \log\det H = \log(1 + w\, x'Vx), \qquad
              V \leftarrow V - \frac{w\, V x x' V}{1 + w\, x'Vx}

    Parameters
    ----------
    X : ndarray, shape (N, K)
        Differences of the candidates.
    information : ndarray, shape (N,)
        What one label tells: ``p (1 - p)``.
    covariance : ndarray, shape (K, K)
        Of the weights, by the labels that are there: the inverse of H.
    random : ndarray of int
        Candidates that were drawn at random; as many as ``places`` has.
    places : ndarray of bool, shape (m,)
        Which turns they take.
    told : ndarray, shape (K, t), optional
        Combinations of weights whose variances are to fall, in place of the determinant.

    Notes
    -----
    The quadratic forms of all candidates are kept and mended after each choice, which costs one
    product of the candidates with a vector. The first of several that add as much is chosen.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.1]])
    >>> places, nobody = np.zeros(2, dtype=bool), np.zeros(0, dtype=np.int64)
    >>> choose_in_sequence(X, np.full(3, 0.25), np.eye(2), nobody, places).chosen.tolist()
    [1, 2]
    """
    V = covariance.copy()
    form = np.einsum("ij,jk,ik->i", X, V, X)
    seen = None if told is None else np.ascontiguousarray((X @ (V @ told)).T)
    information, worth = np.asarray(information, dtype=np.float64), np.array(information)
    # a gain below 0 is never the largest: those that are drawn, and those that were chosen
    worth[random] = -1.0
    drawn = iter(random.tolist())
    taken, gains = np.empty(len(places), dtype=np.int64), np.empty(len(places))
    for turn, by_lot in enumerate(places.tolist()):
        row = next(drawn) if by_lot else _best(worth, information, form, seen)
        worth[row] = -1.0
        w, x = information[row], X[row]
        pull = V @ x
        step = w / (1 + w * form[row])
        reach = X @ pull
        taken[turn] = row
        gains[turn] = np.log1p(w * form[row]) if seen is None else step * (seen[:, row] ** 2).sum()
        # rounding may leave a quadratic form below 0
        np.maximum(form - step * reach**2, 0.0, out=form)
        if seen is not None and told is not None:
            seen -= step * np.outer(pull @ told, reach)
        V = V - step * np.outer(pull, pull)
    return Turns(taken, gains)


def _best(worth: Array, information: Array, form: Array, seen: Array | None) -> int:
    """Return the candidate that adds most; log(1 + w d) grows with w d."""
    if seen is None:
        return int(np.argmax(worth * (form + _EVEN)))
    return int(np.argmax(worth * ((seen**2).sum(axis=0) + _EVEN) / (1 + information * form)))
