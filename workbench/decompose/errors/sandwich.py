"""Errors over several dimensions of clusters, and joint tests with few of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from workbench.decompose.kernel import Array

FEWEST_DEGREES = 4.0
"""Degrees of freedom below which a test is not to be trusted (Tipton 2015)."""


class ClusterPart(Protocol):
    """What the clusters of one dimension say of a fit's weights, one by one or summed."""

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""

    @property
    def covariance(self) -> Array:
        """The CR2 covariance of the weights."""

    @property
    def effective(self) -> Array:
        """Effective number of clusters behind each weight."""

    @property
    def degrees(self) -> Array:
        """Degrees of freedom of each weight."""

    def heaviest(self, term: int, name_of: Callable[[int], str]) -> list[tuple[str, float]]:
        """Return the clusters, up to three, on which a weight rests most, with their parts."""

    def joint_degrees(self, terms: NDArray[np.bool_]) -> float:
        """Return the degrees of freedom of a joint test of some terms."""


class Joinable(ClusterPart, Protocol):
    """What they say of a fit's weights where another fit's clusters can be joined to them."""

    def minus(self, other: Any, scale: float = 1.0) -> Joinable:
        """Return the pulls on these weights minus ``scale`` times the other's."""

    def scaled(self, scale: float) -> Joinable:
        """Return the pulls on ``scale`` times the weights."""

    def through(self, jacobian: Array) -> Joinable:
        """Return the pulls on linear functions of the weights."""

    def cross(self, other: Any) -> Array:
        """Return the sum over clusters of both of the products of their pulls."""


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of a fit's weights over one or more dimensions of clusters.

    Attributes
    ----------
    parts : mapping of tuple of str to ClusterPart
        By the dimensions whose crossing makes the clusters, such as ``("cluster",)``,
        ``("annotator",)`` and ``("cluster", "annotator")``.
    """

    parts: Mapping[tuple[str, ...], ClusterPart]

    @property
    def covariance(self) -> Array:
        r"""The covariance: single dimensions minus what two share, and so on.

        :math:`V = \sum_S (-1)^{|S| + 1} V_S` (Cameron, Gelbach and Miller 2011); with
        several dimensions negative eigenvalues become 0, in units of the standard errors. With
        three or more, a sum of seven parts that chance can make small, no variance is below
        that of a single dimension.
        """
        total = sum((-1.0) ** (len(names) + 1) * p.covariance for names, p in self.parts.items())
        matrix = np.asarray(total, dtype=np.float64)
        if len(self.parts) == 1:
            return matrix
        matrix = _positive(matrix, self._single[0].covariance)
        if len(self._single) == 2:
            return matrix
        single = [np.diag(part.covariance) for part in self._single]
        return _no_less(matrix, np.max(single, axis=0))

    @property
    def degrees(self) -> Array:
        """Degrees of freedom of each weight: those of the dimension that has the fewest."""
        return np.asarray(np.min([part.degrees for part in self._single], axis=0))

    @property
    def effective(self) -> Array:
        """Effective clusters behind each weight, of the dimension that has the fewest."""
        return np.asarray(np.min([part.effective for part in self._single], axis=0))

    @property
    def _single(self) -> list[ClusterPart]:
        return [part for names, part in self.parts.items() if len(names) == 1]

    def fewest(self, term: int) -> tuple[str, ClusterPart]:
        """Return the dimension, and its pulls, that leaves a term the fewest degrees."""
        named = {names[0]: part for names, part in self.parts.items() if len(names) == 1}
        name = min(named, key=lambda one: named[one].degrees[term])
        return name, named[name]

    def joint_degrees(self, terms: NDArray[np.bool_]) -> float:
        """Degrees of freedom of a joint test, of the dimension that has the fewest; NaN if none."""
        told = [part.joint_degrees(terms) for part in self._single]
        return min((one for one in told if np.isfinite(one)), default=float("nan"))


@dataclass(frozen=True, eq=False)
class Sandwich(Errors):
    """Errors of which the pull of every cluster is known: those of several fits can be joined."""

    parts: Mapping[tuple[str, ...], Joinable]

    def minus(self, other: Sandwich, scale: float = 1.0) -> Sandwich:
        """Return the errors of these weights minus ``scale`` times the other's.

        A side that is not clustered by a dimension has no part in it.
        """
        parts: dict[tuple[str, ...], Joinable] = {}
        for names in {**self.parts, **other.parts}:
            mine, theirs = self.parts.get(names), other.parts.get(names)
            if mine is not None:
                parts[names] = mine if theirs is None else mine.minus(theirs, scale)
            elif theirs is not None:
                parts[names] = theirs.scaled(-scale)
        return Sandwich(parts)

    def cross(self, other: Sandwich) -> Array:
        """Return the covariance of these weights with the other's, plus its transpose."""
        total = np.zeros((len(self.covariance), len(self.covariance)))
        for names in self.parts.keys() & other.parts.keys():
            product = self.parts[names].cross(other.parts[names])
            total += (-1.0) ** (len(names) + 1) * (product + product.T)
        return total

    def through(self, jacobian: Array) -> Sandwich:
        """Return the errors of linear functions of the weights, ``jacobian`` (M, K)."""
        return Sandwich({names: part.through(jacobian) for names, part in self.parts.items()})


def _positive(matrix: Array, unit: Array) -> Array:
    size = np.sqrt(np.maximum(np.diag(unit), 0.0))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    if values[0] >= 0:
        return matrix
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T * np.outer(size, size))


def _no_less(matrix: Array, floor: Array) -> Array:
    """Return a covariance with variances of at least ``floor`` and the same correlations."""
    own = np.diag(matrix)
    up = np.sqrt(np.divide(floor, own, out=np.ones_like(own), where=(own > 0) & (floor > own)))
    raised = np.asarray(matrix * np.outer(up, up))
    lost = (own <= 0) & (floor > 0)
    raised[lost, lost] = floor[lost]
    return raised


def joint_test(difference: Array, covariance: Array, degrees: float) -> dict[str, Any]:
    r"""Test that several estimates are all 0, with Hotelling's T-squared approximation.

    :math:`F = \frac{\eta - q + 1}{\eta q} Q \sim F(q, \eta - q + 1)` with the Wald
    statistic :math:`Q`.

    Returns
    -------
    dict
        ``statistic`` (F), ``df, df_residual, p_value, reason``.

    Examples
    --------
    >>> round(joint_test(np.array([2.0]), np.eye(1), 10.0)["p_value"], 4)
    0.0734
    """
    q = len(difference)
    undefined = {"statistic": np.nan, "df": q, "df_residual": np.nan, "p_value": np.nan}
    if q == 0:
        return {**undefined, "reason": "no factor has a weight in both fits"}
    if np.linalg.matrix_rank(covariance, hermitian=True) < q:
        return {**undefined, "reason": "the covariance of the differences is singular"}
    left = degrees - q + 1
    if not left >= 1:
        reason = (
            f"{degrees:.1f} degrees of freedom, from the clusters, cannot test {q} terms together"
        )
        return {**undefined, "reason": reason}
    wald = float(difference @ np.linalg.solve(covariance, difference))
    statistic = left / (degrees * q) * wald
    p = float(fdtrc(q, left, max(statistic, 0.0)))
    return {"statistic": statistic, "df": q, "df_residual": left, "p_value": p, "reason": None}
