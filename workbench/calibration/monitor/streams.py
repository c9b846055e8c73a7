"""What a judge does, pair after pair in the order of time, and by cluster for the bets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import (
    mean_preferences,
    pair_sums,
    reference_mask,
)  # fmt: skip
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.data.on_view.dates import as_times, times_of
from workbench.errors import DataError

AGREEMENT, TIES, FIRST = "agreement", "tie rate", "first shown preferred"
TERMS = (AGREEMENT, TIES, FIRST)

ROWS = "the order of the pairs in the file"
NO_TIME = "no time"
"""Why a pair is left out where others have a time."""


@dataclass(frozen=True, eq=False)
class Order:
    """When each pair arrives.

    Attributes
    ----------
    rank : ndarray of int, shape (pairs,)
        Place in time, equal times by the name of the pair; -1 without a time.
    text : ndarray of str, shape (pairs,)
        The time as text; empty where rows are the order.
    told : str
        What the order is.
    times : Series or None
        Dates, where there are some.
    """

    rank: NDArray[np.int64]
    text: NDArray[np.str_]
    told: str
    times: pd.Series | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Stream:
    """Means of clusters, in the order in which the clusters were complete.

    Attributes
    ----------
    x : ndarray, shape (clusters,)
        In [0, 1].
    n : ndarray of int, shape (clusters,)
        Pairs so far.
    last : ndarray of int, shape (clusters,)
        The pair that completed each.
    """

    x: Array
    n: NDArray[np.int64]
    last: NDArray[np.int64]


def order_of(
    data: PreferenceData, time: str | None, asked: NDArray[np.bool_] | None = None
) -> Order:
    """Return the order in time: of a column, of the dates that the data have, or of the rows.

    Parameters
    ----------
    data : PreferenceData
    time : str, optional
        Column of the pairs or the labels.
    asked : ndarray of bool, shape (labels,), optional
        Labels that are waited for, where times are of labels: a pair arrives with the last of
        them. All when None.

    Raises
    ------
    DataError
        No such column, or no times in it.

    Examples
    --------
    >>> import workbench as wb
    >>> order_of(wb.load("sample"), None).told
    'the order of the pairs in the file'
    """
    ids = data.pairs["pair_id"].to_numpy(str)
    if time is None:
        own, of_labels = times_of(data.pairs), times_of(data.labels)
        if own is not None:
            return _ranked(own.reset_index(drop=True), ids, f"time: {own.name}")
        if of_labels is not None:
            return _ranked(_last(data, of_labels, asked), ids, f"time: {of_labels.name}")
        return Order(np.arange(len(ids)), np.full(len(ids), ""), ROWS)
    if time in data.pairs:
        values = _read(data.pairs[time], time).reset_index(drop=True)
    elif time in data.labels:
        values = _last(data, _read(data.labels[time], time), asked)
    else:
        raise DataError(
            f"There is no column {time!r} of times.",
            found=", ".join(dict.fromkeys([*map(str, data.pairs), *map(str, data.labels)])),
            expected="a column of the pairs or the labels",
            fix="Name one of these: time=COLUMN; or leave it out, and rows are the order.",
        )
    return _ranked(values, ids, f"time: {time}")


def _read(column: pd.Series, name: str) -> pd.Series:
    """Return a column as times, else as numbers: text is in no order of time."""
    there = column.dropna()
    if len(there):
        times, numbers = as_times(column), pd.to_numeric(column, errors="coerce")
        if times.notna().sum() > 0 and times.notna().sum() >= numbers.notna().sum():
            return times
        if numbers.notna().any() and not pd.api.types.is_bool_dtype(column.dtype):
            return numbers
    raise DataError(
        f"The column {name!r} holds no times.",
        found=", ".join(map(str, there.iloc[:3])) or "missing values only",
        expected="dates such as 2024-05-31 (ISO 8601), or numbers",
        fix="Write its dates so, name another column, or leave it out, and rows are the order.",
    )


def _last(data: PreferenceData, times: pd.Series, asked: NDArray[np.bool_] | None) -> pd.Series:
    """Return the time of the last label of each pair that is waited for."""
    use = np.ones(len(times), dtype=bool) if asked is None else asked
    last = times.reset_index(drop=True)[use].groupby(data.pair_rows[use]).max()
    return last.reindex(np.arange(len(data.pairs))).reset_index(drop=True)


def _ranked(values: pd.Series, ids: NDArray[np.str_], told: str) -> Order:
    code, index = pd.factorize(values, sort=True)
    order = np.lexsort((ids, code))
    rank = np.empty(len(ids), dtype=np.int64)
    rank[order] = np.arange(len(ids))
    text = np.array([str(value) for value in index] or [""])[code]
    dated = pd.api.types.is_datetime64_any_dtype(values.dtype)
    return Order(
        np.where(code < 0, -1, rank), np.where(code < 0, "", text), told, values if dated else None
    )


def values_of(data: PreferenceData, judge: str, reference: str) -> dict[str, Array]:
    """Return by pair what is watched of a judge; NaN where it is not known.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion.
    judge, reference : str

    Returns
    -------
    dict of str to ndarray, shape (pairs,)
        Agreement ``1 - |judge - people|``; the share of its verdicts that are ties; and its
        preference for what was shown first.

    Examples
    --------
    >>> import workbench as wb
    >>> found = values_of(wb.load("sample"), "sim-judge-length", "human")
    >>> list(found), found["agreement"].shape
    (['agreement', 'tie rate', 'first shown preferred'], (2000,))
    """
    labels = data.labels
    mine = labels["annotator"].eq(judge).to_numpy(dtype=bool)
    f = mean_preferences(data, mine)["preference"].to_numpy()
    y = mean_preferences(data, reference_mask(data, reference) & ~mine)["preference"].to_numpy()
    preference = labels["preference"].to_numpy("float64")
    shown = labels["order_shown"].map({"ab": 1.0, "ba": 0.0}).to_numpy("float64")
    first = np.where(shown == 1.0, preference, 1.0 - preference)
    return {
        AGREEMENT: 1.0 - np.abs(f - y),
        TIES: _mean(data, mine, np.where(np.isnan(preference), np.nan, preference == 0.5)),
        FIRST: _mean(data, mine, np.where(np.isnan(shown), np.nan, first)),
    }


def _mean(data: PreferenceData, chosen: NDArray[np.bool_], values: Array) -> Array:
    """Return the weighted mean of a value of labels, by pair."""
    total, sums = pair_sums(data, chosen, values)
    return np.asarray(np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0))


def stream_of(values: Array, cluster: NDArray[np.int64], order: Order) -> Stream:
    """Return the means of clusters in the order in which they were complete.

    Parameters
    ----------
    values : ndarray, shape (pairs,)
        NaN is left out.
    cluster : ndarray of int, shape (pairs,)
    order : Order

    Examples
    --------
    >>> order = Order(np.arange(3), np.full(3, ""), ROWS)
    >>> stream_of(np.array([1.0, 0.0, 0.0]), np.array([7, 3, 7]), order).x.tolist()
    [0.0, 0.5]
    """
    used = np.flatnonzero(np.isfinite(values) & (order.rank >= 0))
    used = used[np.argsort(order.rank[used], kind="stable")]
    codes = np.unique(cluster[used], return_inverse=True)[1]
    size = np.bincount(codes)
    end = np.zeros(len(size), dtype=np.int64)
    end[codes] = np.arange(len(used))  # the last one stays
    by_end = np.argsort(end, kind="stable")
    mean = np.bincount(codes, values[used]) / np.maximum(size, 1)
    return Stream(np.clip(mean, 0.0, 1.0)[by_end], np.cumsum(size[by_end]), used[end[by_end]])
