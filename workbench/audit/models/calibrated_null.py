"""What a calibrated model's calibration error would be: outcomes drawn from its own chances."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.clustered import Array, Codes

_DRAWN = 2 * 10**7
"""Outcomes drawn at most; between 199 and 400 times as many as there are pairs."""


def redrawn(p: Array, y: Array, cluster: Codes, seed: int) -> Iterator[Array]:
    r"""Yield outcomes that a calibrated model's pairs might have had.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Predicted probabilities of A.
    y : ndarray, shape (n,)
        Shares that preferred A.
    cluster : ndarray of int, shape (n,)
    seed : int

    Yields
    ------
    ndarray of 0 and 1, shape (n,)

    Notes
    -----
    A pair's favourite wins with the predicted probability. Pairs of one cluster share their
    luck as often as the residuals of this sample say that they do: with the moment estimate
    :math:`\hat\rho` of the correlation of their standardised residuals, each pair takes its
    cluster's draw with probability :math:`\sqrt{\hat\rho}`, else its own. Shares of several
    votes vary less than that, and are called miscalibrated less often.

    Examples
    --------
    >>> next(redrawn(np.array([1.0, 0.0]), np.ones(2), np.arange(2), 0)).tolist()
    [1.0, 0.0]
    """
    rng = np.random.default_rng(seed)
    n, draws = len(p), int(np.clip(_DRAWN // len(p), 199, 400))
    # whichever side is A: what is shared is whether favourites win
    favourite = p >= 0.5
    top, won = np.where(favourite, p, 1 - p), np.where(favourite, y, 1 - y)
    together = np.sqrt(_correlation(top, won, cluster))
    groups = int(cluster.max()) + 1
    for _ in range(draws):
        luck = rng.random(n)
        if together > 0:
            luck = np.where(rng.random(n) < together, rng.random(groups)[cluster], luck)
        yield ((luck < top) == favourite).astype(np.float64)


def _correlation(p: Array, y: Array, cluster: Codes) -> float:
    """Return the mean product of standardised residuals of two pairs of a cluster, from 0 to 1."""
    # a sure prediction that fails is no evidence of shared luck: its weight is kept finite
    size = np.sqrt(np.maximum(p * (1 - p), 1e-2))
    residual = np.clip((y - p) / size, -3, 3)
    counts = np.bincount(cluster)
    couples = float((counts * (counts - 1.0)).sum())
    if couples == 0:
        return 0.0
    product = float((np.bincount(cluster, residual) ** 2).sum() - (residual**2).sum())
    return float(np.clip(product / couples, 0.0, 1.0))
