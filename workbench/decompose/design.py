"""From preference data to a design matrix, clusters and label cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.alike.clusters import cluster_codes
from workbench.data.dataset import PreferenceData
from workbench.data.rows import Coded
from workbench.data.split import name_words
from workbench.decompose.kernel import Array, Cells
from workbench.decompose.labelled import Ties, group_columns, joined, left_out
from workbench.errors import DesignError, listed
from workbench.standardised import difference_sd

POSITION = "position"
"""Term of the shown order: +1 where A was shown first, -1 where B was, 0 if unknown."""
CLUSTER, ANNOTATOR = "cluster", "annotator"
"""Dimensions of clusters: ``pairs.cluster`` (the prompt, or what the file names), annotators."""

_SHOWN = {"ab": 1, "ba": -1}

_SPARSE = 8
"""Numbers for each key from which the keys are sorted, not marked among all numbers."""

_BLOCK = 4096

ENOUGH_PEOPLE = 10
"""Annotators from which the labels of a pooled kind are clustered by annotator as well."""


@dataclass(frozen=True, eq=False)
class Design:
    """One matrix of differences that all groups share, and their labels upon it.

    A design row is a pair in one shown order; rows of one cluster are neighbours.

    Attributes
    ----------
    X : ndarray, shape (rows, K)
        Coded differences, then the position term.
    terms : list of str
        Names of the K columns.
    pair : ndarray of int, shape (rows,)
        Position of each row's pair in ``pair_ids``.
    pair_ids : Index
        Names of all pairs of the data.
    cluster : ndarray of int, shape (rows,)
        Cluster code, sorted.
    cluster_names : Index
        Name of each code.
    groups : list of str
    keys : DataFrame, one row a group
        The columns of ``by`` that make each group, as text.
    cell_row, cell_group : ndarray of int
        Where each cell of labels stands.
    sums : ndarray, shape (5, cells)
        Per cell the sums of ``w``, ``w y``, ``w^2``, ``w^2 y``, ``w^2 y^2``.
    repeated : bool
        Whether some cell holds more than one label.
    label_cell : ndarray of int, shape (labels,)
        The cell of each label, and
    label_preference, label_weight : ndarray, shape (labels,)
        its preference and weight.
    clustered_by : tuple of str
        Dimensions over which labels may depend, as asked for; empty for the default.
    codes : dict of str to ndarray of int, shape (labels,)
        The cluster of each label, by dimension; ``"cluster"`` is left to ``cluster``.
    code_names : dict of str to Index
        Name of each of those codes.
    n_labels : ndarray of int, shape (groups,)
    exclusions : DataFrame
        Labels left out: ``group, reason, n``.
    """

    X: Array
    terms: list[str]
    pair: NDArray[np.int64]
    pair_ids: pd.Index
    cluster: NDArray[np.int64]
    cluster_names: pd.Index
    groups: list[str]
    keys: pd.DataFrame
    cell_row: NDArray[np.int64]
    cell_group: NDArray[np.int64]
    sums: Array
    repeated: bool
    label_cell: NDArray[np.int64]
    label_preference: Array
    label_weight: Array
    clustered_by: tuple[str, ...]
    codes: dict[str, NDArray[np.int64]]
    code_names: dict[str, pd.Index]
    n_labels: NDArray[np.int64]
    exclusions: pd.DataFrame

    def dense(self, groups: Sequence[int]) -> Cells:
        """Return the cells of some groups as matrices, shape (rows, len(groups))."""
        column = np.full(len(self.groups), -1)
        column[np.asarray(groups, dtype=np.int64)] = np.arange(len(groups))
        at = column[self.cell_group]
        keep = at >= 0

        def spread(values: Array) -> Array:
            matrix = np.zeros((len(self.X), len(groups)))
            matrix[self.cell_row[keep], at[keep]] = values[keep]
            return matrix

        # one label in a cell: (w y - w p)^2 already is w^2 (y - p)^2
        squares = tuple(spread(s) for s in self.sums[2:]) if self.repeated else None
        return Cells(spread(self.sums[0]), spread(self.sums[1]), squares)  # type: ignore[arg-type]

    def compact(self, group: int) -> tuple[NDArray[np.int64], Cells]:
        """Return the rows that one group labelled, and its cells on those rows."""
        order, bounds = self._cells_by_group
        mine = order[bounds[group] : bounds[group + 1]]
        sums = self.sums[:, mine, None]
        squares = (sums[2], sums[3], sums[4]) if self.repeated else None
        return self.cell_row[mine], Cells(sums[0], sums[1], squares)

    def labels_of(self, group: int) -> NDArray[np.int64]:
        """Return the positions of one group's labels."""
        order, bounds = self._labels_by_group
        return order[bounds[group] : bounds[group + 1]]

    def dimensions(self, group: int) -> tuple[str, ...]:
        """Return over what the labels of a group are clustered.

        The data's clusters, and the annotators where a group pools at least ten of them, unless
        something else was asked for; a dimension in which all labels are one cluster says
        nothing and is left out.
        """
        if not self.clustered_by:
            enough = self.people(group) >= ENOUGH_PEOPLE
            return (CLUSTER, ANNOTATOR) if enough else (CLUSTER,)
        kept = [n for n in self.clustered_by if n == CLUSTER or self.distinct(group, n) > 1]
        return tuple(kept) or (CLUSTER,)

    def single(self, group: int) -> tuple[str, ...]:
        """Return the dimensions that were asked for in which a group's labels are one cluster."""
        return tuple(name for name in self.clustered_by if name not in self.dimensions(group))

    def people(self, group: int) -> int:
        """Return how many annotators a group pools."""
        return self.distinct(group, ANNOTATOR)

    def distinct(self, group: int, name: str) -> int:
        """Return how many clusters of a dimension a group has labels of."""
        own = self.codes[name][self.labels_of(group)]
        return int((np.bincount(own) > 0).sum()) if len(own) else 0

    def lacking(self, group: int, name: str) -> int:
        """Return how many labels of a group have no cluster in a dimension."""
        missing = np.asarray(self.code_names[name].isna())
        return int(missing[self.codes[name][self.labels_of(group)]].sum())

    def sd(self, group: int) -> Array:
        """Return the standard deviation of each coded difference among a group's labels."""
        rows, cells = self.compact(group)
        # the cells of a group that labelled every row lie in the order of the rows
        X = self.X if len(rows) == len(self.X) else self.X[rows]
        return difference_sd(X, cells.weight[:, 0])

    @cached_property
    def cluster_words(self) -> NDArray[np.uint64]:
        """A hash of the name of each cluster."""
        return name_words(self.cluster_names, 0)

    @cached_property
    def _cells_by_group(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return _sorted_by(self.cell_group, len(self.groups))

    @cached_property
    def _labels_by_group(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return _sorted_by(self.cell_group[self.label_cell], len(self.groups))


def _sorted_by(
    group: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return positions by group, in their order, and where each group's begin and end."""
    small = group.astype(np.int16 if groups < 2**15 else np.int64)
    bounds = np.r_[0, np.cumsum(np.bincount(group, minlength=groups))]
    return np.argsort(small, kind="stable"), bounds


def build_design(
    data: PreferenceData,
    *,
    by: Sequence[str],
    factors: Sequence[str] | None = None,
    ties: Ties = "half",
    cluster: Sequence[str] = (),
    part: bool = False,
) -> Design:
    """Lay out labels and factor differences for a fit.

    Parameters
    ----------
    data : PreferenceData
        With factors.
    by : sequence of str
        Columns of labels or pairs whose combinations are the groups.
    factors : sequence of str, optional
        Factor columns; all when None.
    ties : {"half", "drop"}
        A tie counts as half a vote for each side, or is left out.
    cluster : sequence of str
        Dimensions of clusters (:func:`workbench.data.alike.clusters.cluster_codes`); see
        :meth:`Design.dimensions` for the default.
    part : bool
        Whether the data are a part of more: it may have no label that can be fitted.

    Raises
    ------
    DesignError
        No factor, an unknown factor or column, or no usable label.
    """
    names = _factor_names(data, factors)
    values = data.factors[names].to_numpy("float64")
    combination, parts = group_columns(data, by)
    group = joined(combination, parts)
    dimensions = {ANNOTATOR, *cluster} - {CLUSTER}
    by_label = {name: cluster_codes(data, name) for name in sorted(dimensions)}
    stays, exclusions = left_out(data, group, np.isfinite(values).all(axis=1), ties)
    if not stays.any() and not part:
        raise no_label(exclusions)
    group = group.take(stays)
    keys = parts.iloc[combination[stays][_first(group.codes, len(group.names))]]
    rows, labels = _lay_out(data, stays, group)
    X = np.empty((len(rows["pair"]), len(names) + 1))
    # blocks that stay in the processor's cache: the factors lie column by column
    for start in range(0, len(X), _BLOCK):
        at = slice(start, start + _BLOCK)
        X[at, :-1] = values[rows["pair"][at]]
        X[at, -1] = rows["shown"][at]
    return Design(
        X=X,
        terms=[*names, POSITION],
        pair=rows["pair"],
        pair_ids=pd.Index(data.pairs["pair_id"]),
        cluster=rows["cluster"],
        cluster_names=data.coded("pairs", "cluster").names,
        groups=group.names.tolist(),
        keys=keys.reset_index(drop=True),
        **labels,
        clustered_by=tuple(cluster),
        codes={name: codes[stays] for name, (codes, _) in by_label.items()},
        code_names={name: index for name, (_, index) in by_label.items()},
        n_labels=np.bincount(group.codes, minlength=len(group.names)),
        exclusions=exclusions,
    )


def no_label(exclusions: pd.DataFrame) -> DesignError:
    """Return the error of labels that are all left out."""
    found = "; ".join(f"{r.n:,} {r.reason}" for r in exclusions.itertuples()) or "no labels"
    return DesignError(
        "No label can be fitted.",
        found=found,
        expected="at least one verdict on a pair with complete factor values",
        fix="Check the factors' missing values, the filter, and ties=.",
    )


def _lay_out(
    data: PreferenceData, stays: NDArray[np.bool_], group: Coded
) -> tuple[dict[str, NDArray[np.int64]], dict[str, Any]]:
    """Return the pair, shown order and cluster of each design row, and the labels on the rows."""
    order, names = data.coded("labels", "order_shown")
    turns = np.array([*(_SHOWN.get(name, 0) for name in names), 0])
    places = data.pair_rows[stays] * 3 + turns[order[stays]] + 1
    distinct, row = _distinct(places, 3 * len(data.pairs))
    pair, shown = distinct // 3, distinct % 3 - 1
    cluster = data.coded("pairs", "cluster").codes.astype(np.int64)[pair]
    if (np.diff(cluster) < 0).any():
        # rows of one cluster become neighbours, so that scores are summed in one sweep
        by_cluster = np.argsort(cluster, kind="stable")
        rank = np.empty_like(by_cluster)
        rank[by_cluster] = np.arange(len(rank))
        pair, shown, cluster = pair[by_cluster], shown[by_cluster], cluster[by_cluster]
        row = rank[row]
    J = len(group.names)
    cell, cell_of = _distinct(row * J + group.codes, len(pair) * J)
    w = data.labels["weight"].to_numpy()[stays]
    y = data.labels["preference"].to_numpy()[stays]
    labels = {
        "cell_row": cell // J,
        "cell_group": cell % J,
        "sums": cell_sums(w, y, cell_of, len(cell)),
        "repeated": len(cell) < len(w),
        "label_cell": cell_of,
        "label_preference": y,
        "label_weight": w,
    }
    return {"pair": pair, "shown": shown, "cluster": cluster}, labels


def _distinct(keys: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the keys that there are, sorted, and the place of each among them."""
    if size > _SPARSE * len(keys):
        distinct, place = np.unique(keys, return_inverse=True)
        return distinct, place
    # keys are numbers below a size: marking them is faster than sorting them
    seen = np.zeros(size, dtype=bool)
    seen[keys] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[keys]


def _first(codes: NDArray[np.integer[Any]], n: int) -> NDArray[np.int64]:
    """Return where each of n codes stands first."""
    first = np.empty(n, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first


def cell_sums(w: Array, y: Array, cell: NDArray[np.int64], n: int) -> Array:
    """Return the sums of :attr:`Design.sums` over the labels of each of ``n`` cells.

    Examples
    --------
    >>> cell_sums(np.ones(3), np.array([1.0, 0.0, 1.0]), np.array([0, 0, 1]), 2)[:2].tolist()
    [[2.0, 1.0], [1.0, 1.0]]
    """
    powers = (w, w * y, w * w, w * w * y, w * w * y * y)
    return np.stack([np.bincount(cell, power, n) for power in powers]).astype(np.float64)


def _factor_names(data: PreferenceData, factors: Sequence[str] | None) -> list[str]:
    known = data.factor_names
    names = list(known) if factors is None else listed("factors", factors)
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise DesignError(
            f"The data have no factor {missing[0]!r}." if missing else "The data have no factors.",
            found=", ".join(known) or "no factor columns",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    if POSITION in names:
        raise DesignError(
            f"A factor may not be called {POSITION!r}.",
            found=f"a factor column {POSITION!r}",
            expected="another name: the shown order is a term of every fit",
            fix="Rename the factor.",
        )
    return names
