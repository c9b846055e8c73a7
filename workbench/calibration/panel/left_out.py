"""Joint errors without each prompt in turn: the jackknife, of groups where prompts are many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.clustered import Array, Codes

MOST = 1000
"""Clusters up to which each is left out alone; beyond, they are left out in so many groups."""


class Moments(NamedTuple):
    """Moments of errors of each two members, shape (..., k, k); see :func:`moments`."""

    n: Array
    mean: Array
    variance: Array
    covariance: Array
    rho: Array


def moments(n: Array, sums: Array, squares: Array, products: Array, least: int) -> Moments:
    """Return moments of each two members from sums over the pairs that both judged.

    Parameters
    ----------
    n, sums, squares, products : ndarray, shape (..., k, k)
        Pairs in common, and there the sums of the errors of the first, of their squares, and of
        the products of both.
    least : int
        Pairs in common below which there is no correlation.

    Examples
    --------
    >>> two, one = np.full((2, 2), 2.0), np.ones((2, 2))
    >>> moments(two, one, one, one, 2).rho[0, 1]
    np.float64(1.0)
    """
    some = np.maximum(n, 1.0)
    mean = sums / some
    turned = np.swapaxes(mean, -1, -2)
    variance = np.maximum(squares / some - mean**2, 0.0)
    covariance = products / some - mean * turned
    scale = np.sqrt(variance * np.swapaxes(variance, -1, -2))
    fine = (n >= least) & (scale > 1e-12)
    rho = np.divide(covariance, scale, out=np.full(n.shape, np.nan), where=fine)
    return Moments(n, mean, variance, covariance, np.clip(rho, -1.0, 1.0))


def without_each(error: Array, given: Array, cluster: Codes, least: int) -> Moments:
    """Return moments without each cluster, or each group of clusters, shape (G, k, k).

    Parameters
    ----------
    error, given : ndarray, shape (n, k)
        Errors, 0 where there is none; and 1 where there is one, else 0.
    cluster : ndarray of int, shape (n,)
        Codes in the order of the clusters' names. Beyond :data:`MOST` of them, every
        :data:`MOST`-th is of one group.
    least : int

    Examples
    --------
    >>> error, given = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]), np.ones((3, 2))
    >>> without_each(error, given, np.arange(3), 2).rho[2, 0, 1]
    np.float64(1.0)
    """
    codes = np.unique(cluster, return_inverse=True)[1] % MOST
    g, k = int(codes.max(initial=-1)) + 1, error.shape[1]
    order = np.argsort(codes, kind="stable")
    e, m = error[order], given[order]
    three = np.concatenate([m, e, e**2], axis=1)
    size = np.bincount(codes, minlength=g)
    ends = np.cumsum(size)
    sums, products = np.empty((g, 3 * k, k)), np.empty((g, k, k))
    for at, (start, end) in enumerate(zip(ends - size, ends, strict=True)):
        sums[at] = three[start:end].T @ m[start:end]
        products[at] = e[start:end].T @ e[start:end]
    n, linear, squares = (sums[:, part * k : (part + 1) * k] for part in range(3))
    rest = [one.sum(axis=0) - one for one in (n, linear, squares, products)]
    return moments(rest[0], rest[1], rest[2], rest[3], least)
