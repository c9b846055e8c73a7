"""Pulls of clusters in parts: worked out part by part, whatever is done to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.errors.joint import JointSums, bounded_degrees, whitening
from workbench.decompose.errors.pulls import Pulls, joint_held
from workbench.decompose.errors.sums import PullSums
from workbench.decompose.kernel import Array
from workbench.decompose.parted.fit import added
from workbench.decompose.parted.stored import read_array
from workbench.engine import Engine

R = TypeVar("R")


class Made(Protocol):
    """How the pulls of one part come about."""

    def at(self, part: int) -> Pulls:
        """Return them."""


@dataclass(frozen=True)
class Stored:
    """Pulls that lie in files.

    Attributes
    ----------
    folders : tuple of str or None
        By part; None where it has no label of the group.
    shape : (int, int)
        Terms, and those in the model.
    exact : bool
        Whether the matrices of the clusters lie there too.
    """

    folders: tuple[str | None, ...]
    shape: tuple[int, int]
    exact: bool

    def at(self, part: int) -> Pulls:
        """Return the pulls of one part."""
        folder = self.folders[part]
        if folder is None:
            return no_pulls(*self.shape, exact=self.exact)
        names = ("codes", "influence", "own", "leverage")
        codes, influence, own, leverage = (read_array(folder, name) for name in names)
        if not self.exact:
            return Pulls(codes, influence, own, leverage, None, None)
        gram, root = (read_array(folder, name) for name in ("gram", "root"))
        return Pulls(codes, influence, own, leverage, gram, root)


@dataclass(frozen=True)
class _Minus:
    first: Made
    second: Made
    scale: float

    def at(self, part: int) -> Pulls:
        return self.first.at(part).minus(self.second.at(part), self.scale)


@dataclass(frozen=True)
class _Scaled:
    first: Made
    scale: float

    def at(self, part: int) -> Pulls:
        return self.first.at(part).scaled(self.scale)


@dataclass(frozen=True, eq=False)
class _Through:
    first: Made
    jacobian: Array

    def at(self, part: int) -> Pulls:
        return self.first.at(part).through(self.jacobian)


@dataclass(frozen=True, eq=False)
class PartedPulls:
    """Pulls of the clusters of all parts (:class:`Pulls`): each question is a pass over them.

    Attributes
    ----------
    made : Made
    parts : int
    engine : Engine
    """

    made: Made
    parts: int
    engine: Engine

    @cached_property
    def sums(self) -> PullSums:
        """What the pulls add up to."""
        return added(self._each(_SumsAt(self.made)))

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return self.sums.n_clusters

    @property
    def covariance(self) -> Array:
        """The CR2 covariance of the weights."""
        return self.sums.covariance

    @property
    def effective(self) -> Array:
        """Effective number of clusters behind each weight."""
        return self.sums.effective

    @cached_property
    def degrees(self) -> Array:
        """Satterthwaite's degrees of freedom of each weight; at least those, if bounded."""
        return self.sums.degrees

    def heaviest(self, term: int, name_of: Callable[[int], str]) -> list[tuple[str, float]]:
        """Return no cluster: a contrast names none."""
        return []

    def minus(self, other: PartedPulls, scale: float = 1.0) -> PartedPulls:
        """Return the pulls on these weights minus ``scale`` times the other's."""
        return PartedPulls(_Minus(self.made, other.made, scale), self.parts, self.engine)

    def scaled(self, scale: float) -> PartedPulls:
        """Return the pulls on ``scale`` times the weights."""
        return PartedPulls(_Scaled(self.made, scale), self.parts, self.engine)

    def through(self, jacobian: Array) -> PartedPulls:
        """Return the pulls on linear functions of the weights."""
        return PartedPulls(_Through(self.made, jacobian), self.parts, self.engine)

    def cross(self, other: PartedPulls) -> Array:
        """Return the sum over clusters of both of the products of their pulls."""
        return sum(self._each(_CrossAt(self.made, other.made)), np.zeros(()))

    def joint_degrees(self, terms: NDArray[np.bool_]) -> float:
        """Return the degrees of freedom of a joint test (:meth:`Pulls.joint_degrees`)."""
        q, sums = int(terms.sum()), self.sums
        length = 0 if sums.products is None else next(self._each(_LengthAt(self.made)))
        if sums.products is None or not joint_held(sums.n_clusters, length * q):
            return bounded_degrees(q, sums.spread)
        whiten = whitening(sum(self._each(_GramAt(self.made, terms)), np.zeros(())))
        if whiten is None:
            return float("nan")
        return added(self._each(_JointAt(self.made, terms, whiten))).degrees

    def _each(self, work: Callable[[int], R]) -> Iterator[R]:
        return self.engine.map(work, range(self.parts))


@dataclass(frozen=True)
class _SumsAt:
    made: Made

    def __call__(self, part: int) -> PullSums:
        return PullSums.of(self.made.at(part), part)


@dataclass(frozen=True)
class _CrossAt:
    first: Made
    second: Made

    def __call__(self, part: int) -> Array:
        return self.first.at(part).cross(self.second.at(part))


@dataclass(frozen=True)
class _LengthAt:
    made: Made

    def __call__(self, part: int) -> int:
        root = self.made.at(part).root
        return 0 if root is None else root.shape[1]


@dataclass(frozen=True, eq=False)
class _GramAt:
    made: Made
    terms: NDArray[np.bool_]

    def __call__(self, part: int) -> Array:
        gram = self.made.at(part).gram
        if gram is None:
            raise ValueError("the matrices of the clusters were not kept")
        return np.asarray(gram[:, self.terms][:, :, self.terms].sum(axis=0))


@dataclass(frozen=True, eq=False)
class _JointAt:
    made: Made
    terms: NDArray[np.bool_]
    whiten: Array

    def __call__(self, part: int) -> JointSums:
        own = self.made.at(part)
        if own.gram is None or own.root is None:
            raise ValueError("the matrices of the clusters were not kept")
        gram = own.gram[:, self.terms][:, :, self.terms]
        return JointSums.of(gram, own.root[:, :, self.terms], self.whiten)


def no_pulls(K: int, A: int, *, exact: bool) -> Pulls:
    """Return the pulls of no cluster, on K terms of which A are in the model."""
    gram, root = (np.zeros((0, K, K)), np.zeros((0, A, K))) if exact else (None, None)
    none = np.zeros((0, K))
    return Pulls(np.zeros(0, dtype=np.int64), none, none, np.zeros(0), gram, root)
