"""The fits of a contrast whose rows lie in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.compare.parted.in_both import CommonAt, CommonSums
from workbench.compare.parted.pulls import PartedPulls, Stored, no_pulls
from workbench.compare.sides import Common, Side
from workbench.data.parts.parted import named
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import CLUSTER
from workbench.decompose.errors.clustered import Rows, clustered_rows, crossings
from workbench.decompose.errors.pulls import factor_of, held, pulls, pulls_of
from workbench.decompose.errors.sandwich import Joinable, Sandwich
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array
from workbench.decompose.parted.again import Source, laid_again, source_of
from workbench.decompose.parted.decompose import with_errors
from workbench.decompose.parted.moments import decided
from workbench.decompose.parted.pull_sums import (
    Gathered,
    Names,
    errors_at,
    gathered_of,
    words_of,
)
from workbench.decompose.parted.stored import Piece, write_arrays
from workbench.decompose.parted.whole import PartedDesign, Whole
from workbench.engine import Engine
from workbench.errors import DesignError


class InParts(Side):
    """A side whose rows lie in parts.

    Parameters
    ----------
    fit : GroupFit
    design : PartedDesign
    errors : Sandwich
    common : CommonSums, optional
        What it has in common with the reference; None for the reference itself.
    """

    def __init__(
        self, fit: GroupFit, design: PartedDesign, errors: Sandwich,
        common: CommonSums | None = None,
    ) -> None:  # fmt: skip
        super().__init__(fit, design, errors)
        self._common = common

    def common(self, other: InParts, level: float) -> Common:
        """Return what it has in common with the reference."""
        if self._common is None:
            raise ValueError("the reference is compared with itself")
        return self._common.told(self.fit, other.fit, level)


@contextmanager
def sides_in_parts(
    fit: Decomposition, groups: list[str], base: Decomposition, engine: Engine | None
) -> Iterator[tuple[list[InParts], InParts]]:
    """Return the sides of some groups and of the one of ``base``, for as long as they are asked.

    Parameters
    ----------
    fit : Decomposition
    groups : list of str
    base : Decomposition
        Of one group.
    engine : Engine, optional
        That of ``fit`` when None.

    Raises
    ------
    DesignError
        One of the fits is not over parts, or both are of other parts.
    """
    sources = source_of(fit.design), source_of(base.design)
    if sources[0].refs != sources[1].refs:
        raise _other_parts()
    engine = engine or sources[0].engine
    with ExitStack() as stack:
        first = stack.enter_context(laid_again(sources[0], engine))
        second = first
        if sources[0].layout != sources[1].layout:
            second = stack.enter_context(laid_again(sources[1], engine))
        alone = gathered_of(first.design) | gathered_of(second.design)
        told = {name: fit.fits[name] for name in groups}
        mine = _Fits(first, sources[0], engine, alone).sandwiches(told)
        theirs = _Fits(second, sources[1], engine, alone).sandwiches(base.fits)
        own, errors = next(iter(theirs.values()))
        place = {name: first.design.groups.index(name) for name in groups}
        work = CommonAt(
            {place[name]: mine[name][0] for name in groups},
            (second.design.groups.index(own.name), own),
        )
        common: dict[int, CommonSums] = {}
        for part in engine.map(work, list(zip(first.pieces, second.pieces, strict=True))):
            common = {j: common[j] + one if j in common else one for j, one in part.items()}
        sides = [
            InParts(mine[name][0], first.design, mine[name][1], common[place[name]])
            for name in groups
        ]
        yield sides, InParts(own, second.design, errors)


@dataclass(frozen=True, eq=False)
class _Fits:
    """Fits whose pulls are wanted."""

    whole: Whole
    source: Source
    engine: Engine
    alone: frozenset[str]

    def sandwiches(self, fits: Mapping[str, GroupFit]) -> dict[str, tuple[GroupFit, Sandwich]]:
        """Return each fit with cluster-robust errors, and the pulls that make them."""
        design, directions = self.whole.design, self.source.directions
        plain = [fit for fit in fits.values() if not fit.dimensions]
        again = {
            fit.name: fit for fit in with_errors(self.whole, plain, directions, True, self.engine)
        } if plain else {}  # fmt: skip
        of_group = {design.groups.index(name): again.get(name, fit) for name, fit in fits.items()}
        at = errors_at(self.whole, of_group, directions, self.alone)
        coef = [fit.coef.tolist() for fit in of_group.values()]
        tag = named({"groups": list(of_group), "coef": coef, "alone": sorted(self.alone)})
        work = _PullsAt(of_group, at.counts, at.gathered, directions, tag)
        found: dict[tuple[int, Names], list[str | None]] = {}
        joined: dict[tuple[int, Names], Gathered] = {}
        for number, part in enumerate(self.engine.map(work, self.whole.pieces)):
            for key, one in part.items():
                if isinstance(one, Gathered):
                    joined[key] = joined[key] + one if key in joined else one
                else:
                    found.setdefault(key, [None] * len(self.whole.pieces))[number] = one
        return {
            fit.name: (fit, self._sandwich(j, fit, work, found, joined))
            for j, fit in of_group.items()
        }

    def _sandwich(
        self, j: int, fit: GroupFit, work: _PullsAt,
        found: Mapping[tuple[int, Names], Sequence[str | None]],
        joined: Mapping[tuple[int, Names], Gathered],
    ) -> Sandwich:  # fmt: skip
        factor, n = factor_of(_bread(fit)), len(self.whole.pieces)
        parts: dict[Names, Joinable] = {}
        for names in crossings(fit.dimensions):
            if (j, names) in joined:
                one = joined[j, names]
                made = pulls_of(one.words.view(np.int64), one.matrices, one.scores, factor)
                if len(names) > 1:
                    made = replace(made, gram=None, root=None)
                parts[names] = made
                continue
            folders = tuple(found.get((j, names), [None] * n))
            stored = Stored(folders, factor.shape, work.exact(j, names, factor.shape[1]))
            parts[names] = PartedPulls(stored, n, self.engine)
        return Sandwich(parts)


@dataclass(frozen=True, eq=False)
class _PullsAt:
    """The pulls of one part's clusters: written beside its rows, or what is gathered of them."""

    fits: Mapping[int, GroupFit]
    counts: Mapping[tuple[int, str], int]
    gathered: frozenset[str]
    directions: Mapping[int, Array]
    tag: str

    def exact(self, j: int, names: Names, terms: int) -> bool:
        """Tell whether the matrices of the clusters are kept."""
        return len(names) == 1 and held(self.counts[j, names[0]], terms)

    def __call__(self, piece: Piece) -> dict[tuple[int, Names], str | Gathered]:
        design = piece.open()
        found: dict[tuple[int, Names], str | Gathered] = {}
        for local, number in enumerate(piece.groups.tolist()):
            if number not in self.fits:
                continue
            rows, _ = design.compact(local)
            gone = decided(design.X[rows], self.directions.get(number))
            fit = replace(self.fits[number], decided=rows[gone])
            for names, kept in clustered_rows(design, fit):
                found[number, names] = self._part(piece, number, names, kept, _bread(fit))
        return found

    def _part(
        self, piece: Piece, number: int, names: Names, kept: Rows, bread: Array
    ) -> str | Gathered:
        if set(names) <= self.gathered:
            return Gathered.of(piece, names, kept, factor_of(bread))
        factor = factor_of(bread)
        exact = self.exact(number, names, factor.shape[1])
        made = (
            pulls(*kept, bread, exact=exact)
            if len(kept[0])
            else no_pulls(*factor.shape, exact=exact)
        )
        codes = made.codes
        if names != (CLUSTER,):
            codes = words_of(piece, names, codes).view(np.int64)
        arrays: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {
            "codes": codes, "influence": made.influence, "own": made.own,
            "leverage": made.leverage,
        }  # fmt: skip
        if made.gram is not None and made.root is not None:
            arrays |= {"gram": made.gram, "root": made.root}
        folder = Path(piece.folder, f"pulls-{named({'of': [self.tag, number, names]})}")
        write_arrays(folder, arrays, {"exact": exact}, {})
        return str(folder)


def _bread(fit: GroupFit) -> Array:
    return np.where(np.isfinite(fit.bread), fit.bread, 0.0)


def _other_parts() -> DesignError:
    return DesignError(
        "The two fits are of other parts, so their clusters cannot be matched.",
        found="two data sets in parts",
        expected="two fits to one set",
        fix="Fit both to one folder, or to samples, data.sample(100_000), or to data.whole().",
    )
