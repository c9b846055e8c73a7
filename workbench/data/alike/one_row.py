"""One row a pair, of the rows of a file that judge it: what is the pair's, what the labels'."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import PAIR_COLUMNS

_OF_PAIRS = {*PAIR_COLUMNS, "item", "media", "media_a", "media_b"} | {
    f"{name}_messages" for name in ("prompt", "response_a", "response_b")
}
OF_LABELS = "differ between judgements of one pair, kept with the labels: "
OF_PAIRS = "differ between rows of one pair, the least kept, all by label: "
"""How notes begin that list columns."""

_SAME = ("pair_id", "prompt", "response_a", "response_b")
"""What cannot differ between rows of one pair."""


def clusters_of_pairs(
    rows: pd.DataFrame, pair_id: pd.Series, own: str | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Return rows with one ``cluster`` a pair, and a note where rows of one pair name several.

    Where most pairs have several, as with sessions of people who judge the same pairs, the
    names are the judgements' and no pair has a cluster but its prompt. Where few have, each
    of them has the least name. All names stay in another column.

    Parameters
    ----------
    rows : DataFrame
        What describes the pair of each judgement.
    pair_id : Series
    own : str, optional
        The file's name for the column; if ``rows`` have it, the names are there.

    Examples
    --------
    >>> rows = pd.DataFrame({"cluster": ["s1", "s2", "s2"], "session": ["s1", "s2", "s2"]})
    >>> clusters_of_pairs(rows, pd.Series(["p", "p", "q"]), "session")[0]["cluster"].tolist()
    ['s1', 's1', 's2']
    >>> rows, notes = clusters_of_pairs(rows, pd.Series(["p", "p", "p"]), "session")
    >>> print(notes[0])
    cluster: judgements of 1 of 1 pairs name several, so it is the prompt; all names: session
    """
    if "cluster" not in rows or not pair_id.duplicated().any():
        return rows, []
    codes, starts = _codes(pair_id)
    named = rows["cluster"].astype("str")
    several = len(np.unique(codes[_unlike(named, starts, codes)]))
    if not several:
        return rows, []
    if 2 * several > len(starts):
        one, is_now = named.mask(named.notna()), "it is the prompt"
    else:
        one, is_now = named.groupby(codes).transform("min"), "these have the least name"
    kept = own if own in rows else "source_cluster"
    note = (
        f"cluster: judgements of {several:,} of {len(starts):,} pairs name several, so {is_now}; "
        f"all names: {kept}"
    )
    return rows.assign(**{str(kept): rows.get(kept, named), "cluster": one}), [note]


def one_row_a_pair(
    table: pd.DataFrame, labels: pd.DataFrame, at: NDArray[np.intp]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return one row a pair; what differs between its rows is kept with the labels.

    Parameters
    ----------
    table : DataFrame
        A row of ``PAIR_COLUMNS`` and metadata for each judgement.
    labels : DataFrame
    at : ndarray of int, shape (n labels,)
        Row of ``table`` that each label is of.

    Returns
    -------
    table, labels : DataFrame
        The pair keeps metadata on which its rows agree. Of columns of the data model it keeps
        the least value, so that the order of rows says nothing, and the labels have
        ``source_<name>``.
    notes : list of str

    Examples
    --------
    >>> table = pd.DataFrame({"pair_id": ["p", "p"], "prompt": "x", "response_a": "y",
    ...                       "response_b": "z", "session": ["s1", "s2"], "topic": "t"})
    >>> labels = pd.DataFrame({"preference": [1.0, 0.0]})
    >>> pairs, labels, _ = one_row_a_pair(table, labels, np.arange(2))
    >>> list(pairs.columns)[-1], labels["session"].tolist()
    ('topic', ['s1', 's2'])
    """
    codes, starts = _codes(table["pair_id"])
    if len(starts) == len(table):
        return table, labels, []
    kept = table.iloc[starts].reset_index(drop=True)
    of_labels, of_pairs = [], []
    for name in table.columns.drop(list(_SAME)):
        column = table[name]
        unlike = _unlike(column, starts, codes)
        if not unlike.any():
            continue
        pairs = np.unique(codes[unlike])
        beside = f"source_{name}" if name in labels or name in _OF_PAIRS else str(name)
        labels[beside] = column.iloc[at].array
        if name in _OF_PAIRS:
            rows = np.isin(codes, pairs)
            least = column[rows].groupby(codes[rows]).min()
            kept.loc[least.index, name] = least
            of_pairs.append(f"{name} ({beside})")
            continue
        kept.loc[pairs, name] = None if column.dtype == "str" else np.nan
        if kept[name].isna().all():
            kept = kept.drop(columns=name)
        of_labels.append(beside)
    notes = []
    if of_labels:
        notes.append(OF_LABELS + ", ".join(of_labels))
    if of_pairs:
        notes.append(OF_PAIRS + ", ".join(of_pairs))
    return kept, labels, notes


def with_columns(
    pairs: pd.DataFrame, labels: pd.DataFrame, at: NDArray[np.intp], names: list[str]
) -> pd.DataFrame:
    """Return labels of a part with columns that labels of another part of the set have.

    Parameters
    ----------
    pairs, labels : DataFrame
    at : ndarray of int, shape (n labels,)
        Row of ``pairs`` that each label is of.
    names : list of str
        Columns of labels, as :func:`one_row_a_pair` calls them; those that say nothing of the
        pairs are left out.

    Examples
    --------
    >>> pairs, labels = pd.DataFrame({"topic": ["t", "u"]}), pd.DataFrame({"preference": [1.0]})
    >>> with_columns(pairs, labels, np.array([1]), ["topic"])["topic"].tolist()
    ['u']
    """
    new = {}
    for beside in names:
        name = beside if beside in pairs else beside.removeprefix("source_")
        if beside not in labels and name in pairs:
            new[beside] = pairs[name].iloc[at].array
    return labels.assign(**new)


def _codes(pair_id: pd.Series) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of each row's pair, and the first row of each pair."""
    codes, _ = pd.factorize(pair_id)
    return codes, np.flatnonzero(~pair_id.duplicated().to_numpy())


def _unlike(
    column: pd.Series, starts: NDArray[np.intp], codes: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Tell which rows say another thing than the first of their pair; missing equals missing."""
    one = column.reset_index(drop=True)
    two = column.iloc[starts].iloc[codes].reset_index(drop=True)
    both: pd.Series = (one == two) | (one.isna() & two.isna())
    return ~np.asarray(both.fillna(False), dtype=bool)
