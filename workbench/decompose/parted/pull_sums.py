"""Cluster-robust errors as sums over parts, whatever the number of clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import CLUSTER
from workbench.decompose.errors.clustered import Rows, clustered_rows, crossings
from workbench.decompose.errors.pulls import Pulls, factor_of, held, matrices_of, pulls_of
from workbench.decompose.errors.sandwich import Errors
from workbench.decompose.errors.sums import PullSums, sums_of
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array
from workbench.decompose.parted.moments import Directions, decided
from workbench.decompose.parted.stored import Piece
from workbench.decompose.parted.whole import PartedDesign, Whole
from workbench.errors import DesignError

_GATHERED_BYTES = 2**29
"""Memory for the matrices of clusters that lie in several parts, such as people."""

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Gathered:
    """Matrices and scores of clusters that may lie in several parts, by a hash of their names.

    Attributes
    ----------
    words : ndarray of uint64, shape (n,)
    where : ndarray of int, shape (n, 2)
        A part that has each of them, and its code there.
    matrices, scores : ndarray, shape (n, A, A) and (n, A)
    """

    words: NDArray[np.uint64]
    where: NDArray[np.int64]
    matrices: Array
    scores: Array

    @classmethod
    def of(cls, piece: Piece, names: Names, rows: Rows, factor: Array) -> Gathered:
        """Return those of a part."""
        own, matrices, scores = matrices_of(*rows, factor)
        where = np.stack([np.full(len(own), piece.number), own], axis=1)
        return cls(words_of(piece, names, own), where, matrices, scores)

    def __add__(self, other: Gathered) -> Gathered:
        words, place = np.unique(np.r_[self.words, other.words], return_inverse=True)
        mine, theirs = place[: len(self.words)], place[len(self.words) :]
        matrices = np.zeros((len(words), *self.matrices.shape[1:]))
        scores = np.zeros((len(words), self.scores.shape[1]))
        matrices[mine], scores[mine] = self.matrices, self.scores
        matrices[theirs] += other.matrices
        scores[theirs] += other.scores
        where = np.empty((len(words), 2), dtype=np.int64)
        where[theirs], where[mine] = other.where, self.where
        return Gathered(words, where, matrices, scores)


@dataclass(frozen=True, eq=False)
class NamedPulls(Pulls):
    """Pulls of clusters that lie in several parts.

    Attributes
    ----------
    named : callable
        Returns the name of a cluster by its code.
    """

    named: Callable[[int], str] = str

    def heaviest(self, term: int, name_of: Callable[[int], str]) -> list[tuple[str, float]]:
        """Return the clusters on which a weight rests most."""
        return super().heaviest(term, self.named)


@dataclass(frozen=True, eq=False)
class GroupErrors:
    """What the parts say of the errors of a group.

    Attributes
    ----------
    parts : dict
        By dimensions.
    sided : ndarray of bool, shape (K,)
        Terms that differ on some row whose labels take a side.
    """

    parts: dict[Names, PullSums | Gathered]
    sided: NDArray[np.bool_]

    def __add__(self, other: GroupErrors) -> GroupErrors:
        parts = {name: self.parts[name] + other.parts[name] for name in self.parts}  # type: ignore[operator]
        return GroupErrors(parts, self.sided | other.sided)


@dataclass(frozen=True, eq=False)
class ErrorsAt:
    """The errors of fits, as one part adds to them.

    Attributes
    ----------
    fits : dict of int to GroupFit
        By group, with their dimensions; without any, only ``sided`` is wanted.
    counts : dict
        By group and dimension: its clusters in all parts.
    gathered : frozenset of str
        Dimensions whose clusters lie in several parts.
    directions : mapping
    """

    fits: Mapping[int, GroupFit]
    counts: Mapping[tuple[int, str], int]
    gathered: frozenset[str]
    directions: Directions

    def __call__(self, piece: Piece) -> dict[int, GroupErrors]:
        """Return what one part adds, by group."""
        design, found = piece.open(), {}
        for local, number in enumerate(piece.groups.tolist()):
            if number not in self.fits:
                continue
            rows, cells = design.compact(local)
            gone = decided(design.X[rows], self.directions.get(number))
            fit = replace(self.fits[number], decided=rows[gone])
            takes_side = (2 * cells.votes != cells.weight)[:, 0] & ~gone
            sided = (design.X[rows[takes_side]] != 0).any(axis=0)
            bread = np.where(np.isfinite(fit.bread), fit.bread, 0.0)
            parts: dict[Names, PullSums | Gathered] = {}
            if fit.dimensions:
                for names, kept in clustered_rows(design, fit):
                    parts[names] = self._part(piece, number, names, kept, bread)
            found[number] = GroupErrors(parts, sided)
        return found

    def _part(
        self, piece: Piece, number: int, names: Names, kept: Rows, bread: Array
    ) -> PullSums | Gathered:
        factor = factor_of(bread)
        if set(names) <= self.gathered:
            return Gathered.of(piece, names, kept, factor)
        exact = len(names) == 1 and held(self.counts[number, names[0]], factor.shape[1])
        return sums_of(kept, bread, piece.number, exact=exact)


def words_of(piece: Piece, names: Names, codes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a hash of the names of clusters, by their codes in a part.

    Parameters
    ----------
    piece : Piece
    names : tuple of str
        Dimensions whose crossing makes the clusters.
    codes : ndarray of int
    """
    words = np.zeros(len(codes), dtype=np.uint64)
    for name in reversed(names):
        of_code = piece.array("draws" if name == CLUSTER else f"hash-{name}")
        own_codes = piece.array("cluster" if name == CLUSTER else f"codes-{name}")
        n = int(own_codes.max()) + 1 if len(names) > 1 else 0
        own = codes if name == names[0] else codes % n
        codes = codes if name == names[0] else codes // n
        words = words * np.uint64(6364136223846793005) + of_code[own]
    return words


def gathered_of(design: PartedDesign) -> frozenset[str]:
    """Return the dimensions of clusters that may lie in several parts."""
    return frozenset(design.known_dimensions - design.local)


def errors_at(
    whole: Whole, fits: Mapping[int, GroupFit], directions: Directions,
    also: frozenset[str] = frozenset(),
) -> ErrorsAt:  # fmt: skip
    """Return the work of a pass for the errors of some fits; ``also`` dimensions are gathered."""
    design = whole.design
    counts, gathered = {}, set()
    for j, fit in fits.items():
        terms = int(fit.active.sum())
        for name in fit.dimensions:
            counts[j, name] = fit.n_clusters if name == CLUSTER else design.distinct(j, name)
            if name == CLUSTER or (name in design.local and name not in also):
                continue
            gathered.add(name)
            if counts[j, name] * (terms + 1) ** 2 * 24 > _GATHERED_BYTES:
                raise _too_many(name, counts[j, name])
    return ErrorsAt(fits, counts, frozenset(gathered), directions)


def told_errors(whole: Whole, fit: GroupFit, found: GroupErrors) -> Errors:
    """Return the errors of a group from what all parts said."""

    def named(dimension: str) -> Callable[[int, int], str]:
        return lambda part, code: str(whole.pieces[part].names_of(dimension)[code])

    bread = np.where(np.isfinite(fit.bread), fit.bread, 0.0)
    parts: dict[Names, PullSums | Pulls] = {}
    for names in crossings(fit.dimensions):
        one = found.parts[names]
        if isinstance(one, PullSums):
            parts[names] = replace(one, name_of=named(names[0]))
            continue
        factor = factor_of(bread)
        made = pulls_of(np.arange(len(one.words)), one.matrices, one.scores, factor)
        if len(names) > 1:
            made = replace(made, gram=None, root=None)
        where = one.where

        def of_code(code: int, where: NDArray[np.int64] = where, name: str = names[0]) -> str:
            return named(name)(int(where[code, 0]), int(where[code, 1]))

        parts[names] = NamedPulls(**made.__dict__, named=of_code)
    return Errors(parts)


def _too_many(name: str, n: int) -> DesignError:
    return DesignError(
        f"There are too many clusters by {name} for data in parts.",
        found=f"{n:,} of them, in several parts each",
        expected="clusters whose pairs lie in one part, or a few thousand others",
        fix='Cluster by cluster="cluster" alone, or fit a sample, data.sample(100_000).',
    )
