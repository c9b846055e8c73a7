"""Labels that name the preferred response otherwise: by model, by column, or by its own text."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.formats.records import flag
from workbench.data.formats.verdict_words import LETTERS, Meaning, of_side
from workbench.data.formats.verdicts import is_flag, number_of

_SHORT = 24
"""Bytes of a response up to which it could be taken for a word of a verdict."""


def by_column(columns: Mapping[str, str], n: int) -> dict[str, Meaning]:
    """Return the meanings of the names of the responses' columns.

    Parameters
    ----------
    columns : mapping of str to str
        Column by role.
    n : int
        Responses.

    Examples
    --------
    >>> by_column({"response_a": "response_0", "response_b": "response_1"}, 2)["response_1"].side
    'b'
    """
    names: dict[str, Meaning] = {}
    for letter in LETTERS[:n]:
        for stem in ("response", "model", "media"):
            column = columns.get(f"{stem}_{letter}")
            if column is not None:
                names[column.strip()] = names[column.strip().casefold()] = of_side(letter)
    return names


def by_row(
    verdicts: pd.DataFrame,
    label: pd.Series,
    models: Sequence[pd.Series],
    texts: Sequence[pd.Series],
    fixed: Collection[str] = (),
) -> pd.DataFrame:
    """Return verdicts with the sides that a row's own models and texts tell.

    Parameters
    ----------
    verdicts : DataFrame
        From :func:`workbench.data.formats.verdicts.read_column`.
    label : Series
        The labels.
    models, texts : sequences of Series
        Names and texts of the responses, in order; empty where there are none.
    fixed : collection of str
        Labels whose meaning is said: nothing else is looked for.

    Returns
    -------
    DataFrame
        A label that is a model's name and at the same time a word for the other side, or the
        name of both models, says nothing: it stays unknown.

    Examples
    --------
    >>> from workbench.data.formats.verdicts import Wanted, read_column
    >>> label = pd.Series(["m-red", "m-blue", "tie"])
    >>> models = pd.Series(["m-red"] * 3), pd.Series(["m-blue"] * 3)
    >>> by_row(read_column(label, Wanted()), label, models, ())["preference"].tolist()
    [1.0, 0.0, 0.5]
    """
    wanted = label.astype("str").str.strip().reset_index(drop=True)
    wanted = wanted.mask(wanted.isin(list(fixed)))
    result = verdicts.reset_index(drop=True)
    named = _matches(wanted, models, fold=True)
    _decide(result, named)
    said = result["preference"].notna() | result["side"].notna()
    both = (named == -2) & said.to_numpy(dtype=bool)
    _unread(result, both, "label that is both sides' name and a word for one")
    if texts:
        unread = (result["problem"] == "unknown label").to_numpy()
        short = np.any([_bytes(text) <= _SHORT for text in texts], axis=0)
        named = _matches(wanted.where(unread | short), texts, fold=False)
        if (unread & (named == -1)).any():
            written = [value for value in wanted[unread].dropna().unique() if _is_code(value)]
            codes = unread & wanted.isin(written).to_numpy(dtype=bool)
            if (codes & (named == -1)).any():
                # a code that happens to be the text of a response is a code as the others are
                named[codes] = -1
        _decide(result, named)
    return result


def _is_code(value: str) -> bool:
    return math.isfinite(number_of(value)) or is_flag(value)


def _decide(verdicts: pd.DataFrame, named: NDArray[np.int64]) -> None:
    """Put the named sides in place: -1 is none, -2 is more than one."""
    letters = np.array([*LETTERS, "", ""])
    side = letters[named]
    own = verdicts["side"].fillna("").to_numpy()
    said = verdicts["preference"].notna().to_numpy() | (own != "")
    new = (named >= 0) & ~said
    against = (named >= 0) & said & (own != side)
    if new.any():
        verdicts["side"] = verdicts["side"].mask(new, pd.Series(side, dtype="str"))
        preference = np.select([side == "a", side == "b"], [1.0, 0.0], np.nan)
        verdicts["preference"] = np.where(new, preference, verdicts["preference"])
        for column in ("reason", "problem", "found"):
            verdicts[column] = verdicts[column].mask(new)
    _unread(verdicts, against, "label that is one side's name and a word for another")


def _unread(verdicts: pd.DataFrame, rows: NDArray[np.bool_], found: str) -> None:
    """Take back what was read in some rows."""
    if rows.any():
        for column in ("side", "preference", "reason"):
            verdicts[column] = verdicts[column].mask(rows)
        flag(verdicts, rows, "unknown label", [found] * len(verdicts))


def _matches(wanted: pd.Series, sides: Sequence[pd.Series], *, fold: bool) -> NDArray[np.int64]:
    """Return which side each label names: its position, -1 none, -2 several."""
    result = np.full(len(wanted), -1, dtype=np.int64)
    values = set(wanted.dropna().unique())
    for exact in (True, False) if fold else (True,):
        at = np.full(len(wanted), -1, dtype=np.int64)
        for place, side in enumerate(sides):
            hit = _equal(wanted, side, values, exact)
            at = np.where(hit, np.where(at == -1, place, -2), at)
        result = np.where(result == -1, at, result)
    return result


def _equal(wanted: pd.Series, side: pd.Series, values: set[str], exact: bool) -> NDArray[np.bool_]:
    """Tell where a label is a side's name or text; only likely rows are compared."""
    hit = np.zeros(len(wanted), dtype=bool)
    # white space around a name may be longer than the name: four bytes a letter leave room
    longest = 4 * max(map(len, values), default=0) + 4
    short = _bytes(side) <= longest
    likely = _folded(_distinct(side, short), exact)
    if not set(likely.values()) & set(_folded(values, exact).values()) - {""}:
        return hit
    at = np.flatnonzero(short & wanted.notna().to_numpy())
    one, other = wanted.iloc[at], side.iloc[at]
    # few values are distinct: where none is a name, nothing is compared row by row
    plain, folded = _folded(other.dropna().unique(), exact), _folded(one.unique(), exact)
    shared = set(plain.values()) & set(folded.values()) - {""}
    if shared:
        mine, its = one.map(folded).to_numpy(object), other.map(plain).to_numpy(object)
        hit[at] = (mine == its) & (mine != "")
    return hit


def _folded(values: Iterable[str], exact: bool) -> dict[str, str]:
    """Return texts as they are compared, by the text."""
    return {value: value.strip() if exact else value.strip().casefold() for value in values}


def _distinct(side: pd.Series, rows: NDArray[np.bool_]) -> list[str]:
    """Return the distinct texts of some rows, without a copy of the others."""
    array = pa.array(side, pa.large_string(), from_pandas=True)
    distinct: list[str] = array.filter(pa.array(rows)).unique().drop_null().to_pylist()
    return distinct


def _bytes(side: pd.Series) -> NDArray[np.int64]:
    """Return the length of each text, a huge one where it is missing."""
    lengths = pc.binary_length(pa.array(side, pa.large_string(), from_pandas=True))
    return np.asarray(pc.fill_null(lengths, 1 << 40).to_numpy(zero_copy_only=False), dtype=np.int64)
