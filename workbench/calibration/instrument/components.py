"""Variance components of crossed random effects by sums and squares (Henderson's first method)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.calibration.instrument.facets import ITEM, ORDER, Scores, compressed, crossed
from workbench.calibration.instrument.verdicts import sums_by
from workbench.clustered import Array, Codes

REST = "rest"
MEAN = "mean"
_ALL = 3
"""Facets beside the item up to which every interaction is an effect of its own."""


class Effect(NamedTuple):
    """One random effect.

    Attributes
    ----------
    facets : tuple of str
        Those that it is an interaction of; none for the mean and the rest.
    name : str
    code : ndarray of int, shape (n,)
        Its level in each row.
    size : int
    signed : bool
        Whether it turns with the order shown.
    """

    facets: tuple[str, ...]
    name: str
    code: Codes
    size: int
    signed: bool

    @property
    def of_items(self) -> bool:
        """Whether its levels lie within items."""
        return ITEM in self.facets or self.name == REST


@dataclass(frozen=True, eq=False)
class Components:
    r"""Mean squares and what they are expected to be.

    Attributes
    ----------
    effects : list of Effect
        The mean first where scores have one, the rest last.
    square, df : ndarray, shape (effects,)
        Sum of squares beyond coarser effects, and its degrees of freedom.
    weights : ndarray, shape (effects, effects)
        Components from mean squares: ``weights @ (square / df)``; NaN where singular.
    by_cluster : ndarray, shape (effects, clusters)
        What each cluster adds to a sum of squares, to first order.
    balanced : bool
        Whether every combination of levels has the same number of scores.
    """

    effects: list[Effect]
    square: Array
    df: Array
    weights: Array
    by_cluster: Array = field(repr=False)
    balanced: bool

    @property
    def variance(self) -> Array:
        """Unbiased components; they may be below 0."""
        return np.asarray(self.weights @ (self.square / np.maximum(self.df, 1)))


def components_of(scores: Scores) -> Components:
    r"""Return the variance components of scores.

    With sums :math:`S_a` over the :math:`n_a` scores of level a of an effect :math:`\alpha`,

    .. math:: T_\alpha = \sum_a \frac{S_a^2}{n_a},\qquad
              E\,T_\alpha = N \mu^2 + \sum_\beta \sigma^2_\beta
              \sum_a \frac{1}{n_a} \sum_b n_{ab}^2

    which is solved for the components. Balanced, they are those of the analysis of variance.

    Notes
    -----
    A verdict turns with the sides: scores are then less one half, have no mean, and effects
    without the item turn with the order shown, or are 0 by symmetry.

    References
    ----------
    Henderson (1953), method 1; Brennan (2001), Generalizability Theory, section 7.1.
    """
    cells = _Cells(scores)
    effects = _effects(scores, cells)
    z = [scores.sign if one.signed else None for one in effects]
    n = [np.bincount(one.code, minlength=one.size).astype(np.float64) for one in effects]
    signed = [scores.y if s is None else s * scores.y for s in z]
    sums = [sums_by(one.code, v, one.size) for one, v in zip(effects, signed, strict=True)]
    clusters = int(scores.cluster.max()) + 1
    by_cluster = np.stack([
        sums_by(scores.cluster, v * (total / count)[one.code], clusters)
        for one, v, total, count in zip(effects, signed, sums, n, strict=True)
    ])  # fmt: skip
    # the square of a sum over clusters moves by twice what one of them adds, less its share
    whole = np.array([not one.of_items for one in effects])
    share = np.bincount(scores.cluster, minlength=clusters) / len(scores.y)
    by_cluster[whole] = 2 * by_cluster[whole] - share * by_cluster[whole].sum(axis=1)[:, None]
    expected = np.array([
        [_expected(one, other, n[k], scores, cells) for other in effects]
        for k, one in enumerate(effects)
    ])  # fmt: skip
    beyond, df = _beyond(effects)
    square = beyond @ np.array([float((s * s / c).sum()) for s, c in zip(sums, n, strict=True)])
    means = (beyond @ expected) / np.maximum(df, 1)[:, None]
    weights = np.full(means.shape, np.nan)
    if (df > 0).all() and np.linalg.cond(means / np.abs(means).max(axis=0)) < 1e10:
        weights = np.linalg.inv(means)
    return Components(effects, square, df, weights, beyond @ by_cluster, _balanced(scores, cells))


class _Cells:
    """Levels of combinations of facets, each made once."""

    def __init__(self, scores: Scores) -> None:
        self._codes = scores.codes
        nothing = np.zeros(len(scores.y), dtype=np.int64)
        self._known: dict[frozenset[str], tuple[Codes, int]] = {frozenset(): (nothing, 1)}

    def of(self, facets: frozenset[str]) -> tuple[Codes, int]:
        if facets not in self._known:
            last = max(facets, key=list(self._codes).index)
            rest, _ = self.of(facets - {last})
            self._known[facets] = compressed(crossed(rest, self._codes[last]))
        return self._known[facets]


def _effects(scores: Scores, cells: _Cells) -> list[Effect]:
    """Return the effects that scores can tell apart, coarse ones first."""
    facets = list(scores.codes)
    others = [one for one in facets if one != ITEM]
    most = len(facets) if len(others) <= _ALL else 2
    nothing, one = cells.of(frozenset())
    effects = [] if scores.verdicts else [Effect((), MEAN, nothing, one, False)]
    seen: dict[tuple[int, bool], list[Effect]] = {}
    rows = len(scores.y)
    for count in range(1, most + 1):
        for chosen in combinations(facets, count):
            signed = scores.verdicts and ITEM not in chosen
            if signed and ORDER not in chosen:
                # a verdict has no side that a judge alone could lean to
                continue
            code, size = cells.of(frozenset(chosen) - ({ORDER} if signed else set()))
            if size == rows:
                continue
            # levels of a nested facet are those of its crossing: one effect, not two
            if any(_same(code, size, other) for other in seen.get((size, signed), [])):
                continue
            made = Effect(chosen, " x ".join(sorted(chosen, key=_place)), code, size, signed)
            seen.setdefault((size, signed), []).append(made)
            effects.append(made)
    return [*effects, Effect((), REST, np.arange(rows), rows, False)]


def _place(facet: str) -> tuple[bool, str]:
    return facet != ITEM, facet


def _same(code: Codes, size: int, other: Effect) -> bool:
    return compressed(crossed(code, other.code))[1] == size


def _expected(one: Effect, other: Effect, n: Array, scores: Scores, cells: _Cells) -> float:
    """Return the factor of one component in the expected square of another effect's sums."""
    rows = len(scores.y)
    if other.name == REST:
        return float(one.size)
    if one.name == REST:
        return float(rows)
    if other.name == MEAN:
        return float(rows)
    z = None if one.signed == other.signed else scores.sign
    code, size = cells.of(_levels(one) | _levels(other))
    both = np.bincount(code, z, size).astype(np.float64)
    level = np.zeros(size, dtype=np.int64)
    level[code] = one.code
    return float((both * both / n[level]).sum())


def _levels(effect: Effect) -> frozenset[str]:
    return frozenset(effect.facets) - ({ORDER} if effect.signed else set())


def _beyond(effects: Sequence[Effect]) -> tuple[Array, Array]:
    """Return what a sum of squares is beyond coarser effects, in sums of squares; and df."""
    k = len(effects)
    matrix, df = np.eye(k), np.array([float(one.size) for one in effects])
    for i, one in enumerate(effects):
        for j in range(i):
            other = effects[j]
            if one.name == REST or other.name == MEAN or set(other.facets) < set(one.facets):
                matrix[i] -= matrix[j]
                df[i] -= df[j]
    return matrix, df


def _balanced(scores: Scores, cells: _Cells) -> bool:
    code, size = cells.of(frozenset(scores.codes))
    whole = int(np.prod([int(one.max()) + 1 for one in scores.codes.values()]))
    count: NDArray[np.int64] = np.bincount(code)
    return size == whole and int(count.min()) == int(count.max())
