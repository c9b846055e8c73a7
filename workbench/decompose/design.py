"""From preference data to a design matrix, clusters and label cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.alike.clusters import cluster_codes
from workbench.data.dataset import PreferenceData
from workbench.data.split import name_words
from workbench.decompose.kernel import Array, Cells
from workbench.decompose.weights import SEPARATOR
from workbench.errors import DesignError, listed
from workbench.standardised import difference_sd

Ties = Literal["half", "drop"]

POSITION = "position"
"""Term of the shown order: +1 where A was shown first, -1 where B was, 0 if unknown."""
NO_VALUE = "missing factor value"
"""Why a label is left out whose pair lacks the value of a factor."""

CLUSTER, ANNOTATOR = "cluster", "annotator"
"""Dimensions of clusters: ``pairs.cluster`` (the prompt, or what the file names), annotators."""

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
        return difference_sd(self.X[rows], cells.weight[:, 0])

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
    parts = _group_columns(data, by)
    labels = _label_table(data, parts)
    dimensions = {ANNOTATOR, *cluster} - {CLUSTER}
    by_label = {name: cluster_codes(data, name) for name in sorted(dimensions)}
    complete = np.isfinite(values).all(axis=1)
    reasons = _reasons(labels, complete, ties)
    exclusions = _count(labels["group"], reasons)
    kept = labels[reasons.isna().to_numpy()]
    if kept.empty and not part:
        raise no_label(exclusions)
    stays = reasons.isna().to_numpy()
    by_label = {name: (codes[stays], index) for name, (codes, index) in by_label.items()}
    return _assemble(data, names, values, kept, parts[stays], exclusions, cluster, by_label)


def no_label(exclusions: pd.DataFrame) -> DesignError:
    """Return the error of labels that are all left out."""
    found = "; ".join(f"{r.n:,} {r.reason}" for r in exclusions.itertuples()) or "no labels"
    return DesignError(
        "No label can be fitted.",
        found=found,
        expected="at least one verdict on a pair with complete factor values",
        fix="Check the factors' missing values, the filter, and ties=.",
    )


def _assemble(
    data: PreferenceData,
    names: list[str],
    values: Array,
    kept: pd.DataFrame,
    parts: pd.DataFrame,
    exclusions: pd.DataFrame,
    clustered_by: Sequence[str],
    by_label: dict[str, tuple[NDArray[np.int64], pd.Index]],
) -> Design:
    group, groups = pd.factorize(kept["group"], sort=True)
    first = np.unique(group, return_index=True)[1]
    key = kept["row"].to_numpy() * 3 + kept["position"].to_numpy() + 1
    distinct, row = np.unique(key, return_inverse=True)
    cluster, cluster_names = pd.factorize(data.pairs["cluster"], sort=True)
    # rows of one cluster become neighbours, so that scores are summed in one sweep
    order = np.argsort(cluster[distinct // 3], kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    distinct, row = distinct[order], rank[row]
    pair, shown = distinct // 3, distinct % 3 - 1
    cell, cell_of = np.unique(row * len(groups) + group, return_inverse=True)
    w, y = kept["weight"].to_numpy(), kept["preference"].to_numpy()
    return Design(
        X=np.column_stack([values[pair], shown.astype("float64")]),
        terms=[*names, POSITION],
        pair=pair,
        pair_ids=pd.Index(data.pairs["pair_id"]),
        cluster=cluster[pair],
        cluster_names=pd.Index(cluster_names),
        groups=[str(name) for name in groups],
        keys=parts.iloc[first].reset_index(drop=True),
        cell_row=cell // len(groups),
        cell_group=cell % len(groups),
        sums=cell_sums(w, y, cell_of, len(cell)),
        repeated=len(cell) < len(kept),
        label_cell=cell_of,
        label_preference=y,
        label_weight=w,
        clustered_by=tuple(clustered_by),
        codes={name: codes for name, (codes, _) in by_label.items()},
        code_names={name: index for name, (_, index) in by_label.items()},
        n_labels=np.bincount(group, minlength=len(groups)),
        exclusions=exclusions,
    )


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


def _group_columns(data: PreferenceData, by: Sequence[str]) -> pd.DataFrame:
    """Return the columns of ``by`` for each label, as text."""
    labels = data.labels
    columns = {}
    for name in by:
        if name in labels:
            column = labels[name].reset_index(drop=True)
        elif name in data.pairs:
            column = data.pairs[name].take(data.pair_rows).reset_index(drop=True)
        else:
            known = [*labels.columns, *data.pairs.columns]
            raise DesignError(
                f"Cannot group by {name!r}.",
                found=", ".join(dict.fromkeys(known)),
                expected="a column of labels or pairs",
                fix="Name one of these columns in by=.",
            )
        columns[name] = column.astype("str").fillna("(none)")
    return pd.DataFrame(columns, index=pd.RangeIndex(len(labels)))


def _label_table(data: PreferenceData, parts: pd.DataFrame) -> pd.DataFrame:
    labels = data.labels
    shown = labels["order_shown"].map({"ab": 1, "ba": -1}).fillna(0).astype("int64")
    return pd.DataFrame(
        {
            "group": _combine(parts),
            "row": data.pair_rows,
            "position": shown.to_numpy(),
            "preference": labels["preference"].to_numpy(),
            "weight": labels["weight"].to_numpy(),
            "share": labels["n_votes"].to_numpy() > 1 if "n_votes" in labels else False,
            "reason": labels["reason"],
        }
    )


def _combine(parts: pd.DataFrame) -> pd.Series:
    if parts.columns.empty:
        return pd.Series(["all"] * len(parts), dtype="str")
    combined = parts.iloc[:, 0]
    for name in parts.columns[1:]:
        combined = combined + SEPARATOR + parts[name]
    return combined


def _reasons(labels: pd.DataFrame, complete: NDArray[np.bool_], ties: Ties) -> pd.Series:
    """Return why each label is left out; missing where it is kept."""
    reason = pd.Series([None] * len(labels), dtype="str")
    reason = reason.mask(~complete[labels["row"].to_numpy()], NO_VALUE)
    weight = labels["weight"].to_numpy()
    reason = reason.mask(~(np.isfinite(weight) & (weight > 0)), "no positive weight")
    preference = labels["preference"]
    if ties == "drop":
        tied = (preference == 0.5) & ~labels["share"]
        reason = reason.mask(tied, labels["reason"].fillna("tie"))
    elif ties != "half":
        raise DesignError(
            "Unknown treatment of ties.",
            found=repr(ties),
            expected='"half" or "drop"',
            fix='Use ties="half" to count a tie as half a vote for each side.',
        )
    return reason.mask(preference.isna(), labels["reason"].fillna("no verdict"))


def _count(groups: pd.Series, reasons: pd.Series) -> pd.DataFrame:
    left = reasons.notna()
    table = pd.DataFrame({"group": groups[left].array, "reason": reasons[left].array})
    return table.groupby(["group", "reason"], sort=True).size().rename("n").reset_index()
