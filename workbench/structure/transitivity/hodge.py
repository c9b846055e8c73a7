"""Log-odds between items as a ranking plus cycles: the Hodge decomposition of a flow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.decompose.kernel import Array, Codes

_NOTHING = 1e-12
"""Share of the energy that is an error of rounding."""


@dataclass(frozen=True, eq=False)
class Hodge:
    r"""The parts of a flow ``Y`` on E edges of M items, with weights.

    .. math:: Y = D r + W^{-1} C' z + h

    with the incidence matrix D, the triangles' matrix C, and h that is orthogonal to both in
    the weighted norm :math:`\|Y\|^2 = \sum_e w_e Y_e^2`.

    Attributes
    ----------
    first, second : ndarray of int, shape (E,)
        ``first < second``, sorted.
    weight : ndarray, shape (E,)
    M : int

    References
    ----------
    Jiang, Lim, Yao and Ye (2011), Statistical ranking and combinatorial Hodge theory.

    Examples
    --------
    >>> ring = Hodge(np.array([0, 0, 1]), np.array([1, 2, 2]), np.ones(3), 3)
    >>> round(float(ring.cyclic(np.array([1.0, -1.0, 1.0]))), 9)  # 0 beats 1 beats 2 beats 0
    1.0
    >>> round(float(ring.cyclic(np.array([1.0, 2.0, 1.0]))), 9)
    0.0
    """

    first: Codes
    second: Codes
    weight: Array
    M: int

    @cached_property
    def incidence(self) -> sparse.csr_array:
        """Matrix D (E, M): +1 at the first item, -1 at the second."""
        E = len(self.first)
        at = np.stack([self.first, self.second], axis=1).ravel()
        return sparse.csr_array(
            (np.tile([1.0, -1.0], E), at, np.arange(0, 2 * E + 1, 2)), shape=(E, self.M)
        )

    @cached_property
    def _solve(self) -> Array:
        D = self.incidence
        laplacian = (D.T @ sparse.diags_array(self.weight) @ D).toarray()
        return np.asarray(np.linalg.pinv(laplacian, hermitian=True))

    @cached_property
    def components(self) -> int:
        """Parts of the graph that no edge joins."""
        from scipy.sparse.csgraph import connected_components

        met = sparse.csr_array((np.ones(len(self.first)), (self.first, self.second)),
                               shape=(self.M, self.M))  # fmt: skip
        return int(connected_components(met, directed=False)[0])

    @property
    def cycles(self) -> int:
        """Independent cycles: edges less items, plus components."""
        return len(self.first) - self.M + self.components

    def potentials(self, Y: Array) -> Array:
        """Return the ratings r of least weighted squares, of sum 0; (M,) or (M, R)."""
        weighted = (self.weight * Y.T).T
        return np.asarray(self._solve @ (self.incidence.T @ weighted))

    def cyclic(self, Y: Array) -> Array:
        r"""Return ``1 - \|D r\|^2 / \|Y\|^2``, NaN where Y is 0; a number or shape (R,)."""
        pulled = self.incidence.T @ (self.weight * Y.T).T
        ranked = (pulled * (self._solve @ pulled)).sum(axis=0)
        whole = self.weight @ Y**2
        share = np.divide(ranked, whole, out=np.full_like(whole, np.nan), where=whole > 0)
        return np.asarray(np.clip(1.0 - share, 0.0, 1.0))

    @cached_property
    def triangles(self) -> NDArray[np.int64]:
        """Edges ij, jk and ik of each triangle i < j < k, shape (T, 3)."""
        return triangles(np.zeros_like(self.first), self.first, self.second, self.M)

    def curl(self, Y: Array) -> Array:
        """Return ``Y_ij + Y_jk - Y_ik`` of each triangle."""
        ij, jk, ik = self.triangles.T
        return np.asarray(Y[ij] + Y[jk] - Y[ik])

    def split(self, Y: Array) -> tuple[float, float]:
        """Return the shares of the energy in triangles (curl) and in longer cycles (harmonic)."""
        residual = Y - self.incidence @ self.potentials(Y)
        whole, cyclic = float(self.weight @ Y**2), float(self.cyclic(Y))
        if not whole > 0:
            return np.nan, np.nan
        T, E = len(self.triangles), len(self.first)
        if cyclic <= _NOTHING or T == 0:
            return 0.0, cyclic
        if E == self.M * (self.M - 1) // 2:
            return cyclic, 0.0  # every cycle is a sum of triangles
        from scipy.sparse.linalg import lsmr

        at = (np.repeat(np.arange(T), 3), self.triangles.ravel())
        C = sparse.csr_array((np.tile([1.0, 1.0, -1.0], T), at), shape=(T, E))
        root = np.sqrt(self.weight)
        scaled = sparse.csr_array(sparse.diags_array(1.0 / root) @ C.T)
        left = root * residual
        z = lsmr(scaled, left, atol=1e-13, btol=1e-13, maxiter=20 * E)[0]
        harmonic = float(((left - scaled @ z) ** 2).sum()) / whole
        harmonic = 0.0 if harmonic <= _NOTHING else min(harmonic, cyclic)
        return cyclic - harmonic, harmonic


def triangles(cell: Codes, first: Codes, second: Codes, M: int) -> NDArray[np.int64]:
    """Return the edges ij, jk, ik of every triangle within a cell.

    Parameters
    ----------
    cell, first, second : ndarray of int, shape (E,)
        Distinct edges with ``first < second``, sorted by cell, first and second.
    M : int
        Number of items.

    Returns
    -------
    ndarray of int, shape (T, 3)

    Examples
    --------
    >>> one = np.zeros(3, dtype=int)
    >>> triangles(one, np.array([0, 0, 1]), np.array([1, 2, 2]), 3).tolist()
    [[0, 2, 1]]
    """
    base = cell.astype(np.int64) * M
    from_first, from_second = base + first, base + second
    key = from_first * M + second
    starts = np.searchsorted(from_first, from_second, "left")
    count = np.searchsorted(from_first, from_second, "right") - starts
    ij = np.repeat(np.arange(len(cell)), count)
    jk = np.arange(len(ij)) - np.repeat(np.cumsum(count) - count, count) + starts[ij]
    wanted = from_first[ij] * M + second[jk]
    ik = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
    closed = key[ik] == wanted if len(key) else np.zeros(0, dtype=bool)
    return np.asarray(np.stack([ij, jk, ik], axis=1)[closed], dtype=np.int64)
