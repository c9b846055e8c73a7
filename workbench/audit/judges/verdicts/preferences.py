"""Mean preferences of pairs: of an annotator, of the reference, of people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import Array
from workbench.data.columns import KINDS
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError, DesignError, listed

Chosen = NDArray[np.bool_] | NDArray[np.int64]
"""Some labels: which of all of them, or the positions of these."""


def mean_preferences(data: PreferenceData, chosen: Chosen) -> pd.DataFrame:
    """Return the weighted mean ``preference`` for A and ``n`` decided labels, by ``pair_id``.

    Parameters
    ----------
    data : PreferenceData
    chosen : ndarray of bool, shape (labels,), or of int
        Which labels, or their positions.
    """
    use = counting(data, chosen)
    total, sums = pair_sums(data, use)
    n = np.bincount(data.pair_rows[use], minlength=len(total))
    mean = np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0)
    return pd.DataFrame({"preference": mean, "n": n}, index=pd.Index(data.pairs["pair_id"]))


def pair_sums(
    data: PreferenceData, chosen: Chosen, values: Array | None = None
) -> tuple[Array, Array]:
    """Return sums of ``w`` and ``w v`` over each pair's chosen labels that count.

    Parameters
    ----------
    data : PreferenceData
    chosen : ndarray of bool, shape (labels,), or of int
        Which labels, or their positions.
    values : ndarray, shape (labels,), optional
        Of each label, NaN for none; its preference when None.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> total, sums = pair_sums(data, reference_mask(data, "human"))
    >>> total.shape, bool((sums <= total).all())
    ((2000,), True)
    """
    v = data.labels["preference"].to_numpy("float64") if values is None else values
    use = counting(data, chosen)
    use = use[np.isfinite(v[use])]
    row, n = data.pair_rows[use], len(data.pairs)
    weight = data.labels["weight"].to_numpy("float64")[use]
    total, sums = np.bincount(row, weight, n), np.bincount(row, weight * v[use], n)
    # counts of nothing are whole numbers
    return total.astype(np.float64), sums.astype(np.float64)


def weighted_means(
    labels: pd.DataFrame, cell: NDArray[np.int64], size: int, values: Array | None = None
) -> Array:
    """Return the weighted mean of labels in each of ``size`` cells; NaN in an empty one.

    Parameters
    ----------
    labels : DataFrame
        Labels that count.
    cell : ndarray of int, shape (labels,)
    size : int
    values : ndarray, shape (labels,), optional
        Their preferences when None.

    Examples
    --------
    >>> labels = pd.DataFrame({"preference": [1.0, 0.0], "weight": [3.0, 1.0]})
    >>> weighted_means(labels, np.array([0, 0]), 2)
    array([0.75,  nan])
    """
    weight = labels["weight"].to_numpy("float64")
    values = labels["preference"].to_numpy("float64") if values is None else values
    total = np.bincount(cell, weight, size)
    sums = np.bincount(cell, weight * values, size)
    return np.asarray(np.divide(sums, total, out=np.full(size, np.nan), where=total > 0))


def positions(chosen: Chosen) -> NDArray[np.int64]:
    """Return the positions of some labels, ascending where they are told by a mask.

    Examples
    --------
    >>> positions(np.array([False, True])).tolist(), positions(np.array([3])).tolist()
    ([1], [3])
    """
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64, copy=False)


def counting(data: PreferenceData, chosen: Chosen) -> NDArray[np.int64]:
    """Return the positions of those of some labels that have a verdict and a weight.

    Parameters
    ----------
    data : PreferenceData
    chosen : ndarray of bool, shape (labels,), or of int
        Which labels, or their positions.
    """
    at = positions(chosen)
    preference = data.labels["preference"].to_numpy("float64")[at]
    weight = data.labels["weight"].to_numpy("float64")[at]
    return np.asarray(at[np.isfinite(preference) & np.isfinite(weight) & (weight > 0)])


def mean_weight(data: PreferenceData, chosen: NDArray[np.bool_]) -> Array:
    """Return the mean weight of each pair's chosen labels, 1 on average; 0 without one.

    Parameters
    ----------
    data : PreferenceData
    chosen : ndarray of bool, shape (labels,)
        One of them counts at least.
    """
    weight = data.labels["weight"].to_numpy("float64")
    use = counting(data, chosen)
    rows, n = data.pair_rows[use], len(data.pairs)
    count = np.bincount(rows, minlength=n)
    mean = np.bincount(rows, weight[use], n) / np.maximum(count, 1)
    return np.asarray(mean / mean[count > 0].mean())


def annotator_preference(data: PreferenceData, annotator: str) -> pd.Series:
    """Return the mean preference of an annotator, by ``pair_id``; NaN without a label."""
    data = data.decided()
    return mean_preferences(data, data.rows_of(annotator))["preference"]


def preference_table(data: PreferenceData, annotators: Sequence[str]) -> Array:
    """Return the mean preferences of several annotators, shape (pairs, annotators).

    As :func:`annotator_preference`, of all of them in one sweep over the labels.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion.
    annotators : sequence of str

    Examples
    --------
    >>> import workbench as wb
    >>> preference_table(wb.load("sample"), ["sim-judge-length"]).shape[1]
    1
    """
    column = pd.Index(annotators).get_indexer(data.labels["annotator"])
    use = counting(data, column >= 0)
    shape = (len(data.pairs), len(annotators))
    cell, size = data.pair_rows[use] * shape[1] + column[use], shape[0] * shape[1]
    return weighted_means(data.labels[["preference", "weight"]].iloc[use], cell, size).reshape(
        shape
    )


def reference_mask(data: PreferenceData, reference: str) -> NDArray[np.bool_]:
    """Return which labels are of a reference: an annotator of this name, else a kind.

    Parameters
    ----------
    data : PreferenceData
    reference : str

    Examples
    --------
    >>> import workbench as wb
    >>> reference_mask(wb.load("sample"), "nobody").any()
    np.False_
    """
    named = data.coded("labels", "annotator").among([reference])
    return named if named.any() else data.coded("labels", "kind").among([reference])


def asked_mask(data: PreferenceData, reference: str) -> NDArray[np.bool_]:
    """Return :func:`reference_mask`; all False of a kind that nobody has labelled for yet.

    Raises
    ------
    DataError
        The reference is neither an annotator nor a kind.

    Examples
    --------
    >>> import workbench as wb
    >>> asked_mask(wb.load("sample"), "objective").any()
    np.False_
    """
    mine = reference_mask(data, reference)
    if not mine.any() and reference not in KINDS:
        raise DataError(
            f"Nobody is called {reference!r}.",
            found=", ".join(data.annotators["annotator"][:12]),
            expected="an annotator of the data, or a kind: " + ", ".join(KINDS),
            fix="Name one of these as the reference.",
        )
    return mine


def judges_beside(
    data: PreferenceData, judges: str | Sequence[str] | None, theirs: NDArray[np.bool_]
) -> list[str]:
    """Return whose verdicts stand beside a reference, sorted: the order of names says nothing.

    Parameters
    ----------
    data : PreferenceData
    judges : str or sequence of str, optional
        Every annotator that is neither a person nor gold, nor of the reference, when None.
    theirs : ndarray of bool, shape (labels,)
        Labels of the reference (:func:`reference_mask`).

    Raises
    ------
    DataError
        A name that the data do not have.
    DesignError
        Nobody is left, or a judge is of the reference.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> judges_beside(data, None, reference_mask(data, "human"))[:2]
    ['sim-judge-format', 'sim-judge-length']
    """
    known = [str(name) for name in data.annotators["annotator"]]
    inside = {str(name) for name in data.labels["annotator"][theirs].unique()}
    free = judges_free(data, theirs)
    names = free if judges is None else sorted(set(listed("judges", judges)))
    unknown, own = sorted(set(names) - set(known)), sorted(inside.intersection(names))
    if unknown:
        raise DataError(
            f"There is no judge {unknown[0]!r}.",
            found=", ".join(known[:20]),
            expected="annotators of the data",
            fix="Check the spelling; names are case-sensitive.",
        )
    if own or not names:
        raise DesignError(
            f"{own[0]} is the reference itself, or a part of it." if own else "There is no judge.",
            found=", ".join(own or known[:12]) or "no annotator",
            expected="annotators that are no part of the reference",
            fix="Name other judges, or another reference.",
        )
    return names


def judges_free(data: PreferenceData, theirs: NDArray[np.bool_]) -> list[str]:
    """Return every annotator that is neither a person nor gold, nor of a reference, sorted.

    Parameters
    ----------
    data : PreferenceData
    theirs : ndarray of bool, shape (labels,)
        Labels of the reference.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> judges_free(data, np.ones(len(data.labels), dtype=bool))
    []
    """
    table = data.annotators
    free = table["annotator"][~table["kind"].isin(["human", "objective"])]
    inside = {str(name) for name in data.labels["annotator"][theirs].unique()}
    return sorted(set(map(str, free)) - inside)


def most_beside(
    data: PreferenceData, judges: Sequence[str], theirs: NDArray[np.bool_]
) -> str | None:
    """Return the judge with verdicts on most pairs of a reference; None where none has any.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion.
    judges : sequence of str
    theirs : ndarray of bool, shape (labels,)
        Labels of the reference.

    Notes
    -----
    The first by name where several have as many: the order of rows says nothing.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> most_beside(data, ["sim-judge-length", "sim-judge-format"], reference_mask(data, "human"))
    'sim-judge-format'
    """
    names = sorted(judges)
    known = mean_preferences(data, theirs)["n"].to_numpy() > 0
    met = np.isfinite(preference_table(data, names)[known]).sum(axis=0)
    return names[int(met.argmax())] if met.any() else None


def reference_preference(data: PreferenceData, reference: str) -> pd.Series:
    """Return the mean preference of a reference, by ``pair_id``; NaN without a label."""
    data = data.decided()
    return mean_preferences(data, reference_mask(data, reference))["preference"]


def people_preference(data: PreferenceData) -> pd.Series:
    """Return the mean preference of people, or without people of everybody, by ``pair_id``."""
    data = data.decided()
    people = reference_mask(data, "human")
    everybody = np.ones(len(people), dtype=bool)
    return mean_preferences(data, people if people.any() else everybody)["preference"]
