"""Tables of ratings, wide or long, laid out by pair and side."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.alike.pair_keys import match_pairs
from workbench.data.dataset import PreferenceData
from workbench.data.dissection_ratings import (
    ERRORS,
    FACTS,
    INAPPLICABLE,
    MISSING,
    OK,
    PROPERTY_NAMES,
    REPETITIVE,
    canonical,
)
from workbench.data.formats.rated.dissection_records import CHECKED
from workbench.data.formats.records import excerpt
from workbench.errors import DesignError

_SIDES = {
    **dict.fromkeys(("a", "1", "response_a", "response a", "response_1", "response 1"), 0),
    **dict.fromkeys(("b", "2", "response_b", "response b", "response_2", "response 2"), 1),
}
_LONG = {"property", "value"}
_RATED = (*PROPERTY_NAMES, REPETITIVE)
_WORDS = re.compile(r"/?\w+(?:[-./]\w+|,\d+)*|['\u2019]\w+|[^\w\s]")
"""Words with inner hyphens, points and slashes, numbers with commas, endings after an
apostrophe, and punctuation marks: close to the tokens that the published lengths count."""

Words = tuple[NDArray[np.float64], NDArray[np.str_]]
Rows = NDArray[np.int64]
Problem = tuple[str, int, str]


@dataclass(frozen=True, eq=False)
class Sides:
    """Ratings as they were given, a row a pair of the data.

    Attributes
    ----------
    values : dict of str to pair of Series
        Given values of A and of B by property.
    facts : dict of str to Series
        Facts of the query, from the ratings or from the pairs.
    new_facts : set of str
        Those that the ratings gave.
    columns : list of str
        Columns of the table.
    problems : list of tuple
        ``(reason, n, example)`` of rows and columns that could not be used.
    """

    values: dict[str, tuple[pd.Series, pd.Series]]
    facts: dict[str, pd.Series]
    new_facts: set[str]
    columns: list[str]
    problems: list[Problem] = field(default_factory=list)


def from_pairs(data: PreferenceData) -> Sides:
    """Return the ratings that the pairs' own columns ``<property>_a`` and ``_b`` hold."""
    pairs = data.pairs.reset_index(drop=True)
    values = {
        name: (pairs[f"{name}_a"], pairs[f"{name}_b"])
        for name in _RATED
        if f"{name}_a" in pairs and f"{name}_b" in pairs
    }
    for name in set(ERRORS.values()) & set(values):
        values[name] = _where_checked(pairs, values[name])
    return Sides(values, _pair_facts(data), set(), list(pairs.columns))


def _where_checked(
    pairs: pd.DataFrame, sides: tuple[pd.Series, pd.Series]
) -> tuple[pd.Series, pd.Series]:
    """Say ``not applicable`` where a column of the pairs says that errors were not checked."""
    a, b = (
        column.astype(object).mask((pairs[name] == "no").fillna(False).to_numpy(bool), INAPPLICABLE)
        if (name := f"{CHECKED}_{side}") in pairs
        else column
        for column, side in zip(sides, "ab", strict=True)
    )
    return a, b


def from_table(data: PreferenceData, ratings: pd.DataFrame) -> Sides:
    """Return the ratings of a table, wide or long.

    Parameters
    ----------
    data : PreferenceData
    ratings : DataFrame
        See :func:`workbench.factors.dissection.dissection_factors`.

    Raises
    ------
    DataError
        The table names no pair of the data.
    DesignError
        It has no column ``side``, or rates a property twice under two names.
    """
    ratings = ratings.reset_index(drop=True).rename(columns=str)
    is_long = set(ratings.columns) >= _LONG
    used = {"side", "item", *_LONG} if is_long else {"side"}
    names = {} if is_long else _named([c for c in ratings.columns if c not in used])
    rows, key = match_pairs(data, ratings, skip={*used, *names}, where="ratings")
    problems: list[Problem] = []
    _note(problems, "rows of no pair of the data", rows < 0, ratings[key])
    if is_long:
        cells = _long_cells(ratings, rows, len(data), problems)
    else:
        foreign = [c for c in ratings.columns if c not in (*used, *names, key)]
        if foreign:
            problems.append(("columns that are no property", len(foreign), ", ".join(foreign[:5])))
        cells = _wide_cells(ratings, names, rows, len(data), problems)
    facts = {name: column for name, column in cells.items() if name in FACTS}
    values = {
        name: (column.iloc[0::2].reset_index(drop=True), column.iloc[1::2].reset_index(drop=True))
        for name, column in cells.items()
        if name not in FACTS
    }
    known = {**_pair_facts(data), **facts}
    return Sides(values, known, set(facts), list(ratings.columns), problems)


def word_counts(data: PreferenceData) -> list[Words]:
    """Return words and punctuation marks of both responses, which the paper counts as words."""
    found = []
    for name in ("response_a", "response_b"):
        text = data.pairs[name]
        # by Python's own expressions: their words are those of any script
        counts = [len(_WORDS.findall(t)) if isinstance(t, str) else np.nan for t in text]
        trouble = np.where(text.isna().to_numpy(), MISSING, OK).astype(np.str_)
        found.append((np.array(counts, dtype=np.float64), trouble))
    return found


def _pair_facts(data: PreferenceData) -> dict[str, pd.Series]:
    pairs = data.pairs.reset_index(drop=True)
    return {name: pairs[name] for name in FACTS if name in pairs}


def _named(columns: list[str]) -> dict[str, str]:
    """Return the property or fact of each column that means one."""
    names: dict[str, str] = {}
    for column in columns:
        name = canonical(column)
        if name is None:
            continue
        same = {REPETITIVE, "non-repetitive"} if name in (REPETITIVE, "non-repetitive") else {name}
        taken = [other for other, known in names.items() if known in same]
        if taken:
            raise DesignError(
                f"The property {name!r} is rated under two names.",
                found=f"{taken[0]!r} and {column!r}",
                expected="one name a property",
                fix="Drop one of them.",
            )
        names[column] = name
    return names


def _side_numbers(ratings: pd.DataFrame) -> Rows:
    if "side" not in ratings:
        raise DesignError(
            "The ratings do not say which side they are of.",
            found="columns " + ", ".join(ratings.columns),
            expected="a column side, with a or b",
            fix="Add the column: the table has one row (or one row a property) for each side.",
        )
    given = ratings["side"].astype("str").str.strip().str.lower()
    return np.asarray(given.map(_SIDES).fillna(-1).to_numpy("int64"))


def _wide_cells(
    ratings: pd.DataFrame,
    names: dict[str, str],
    rows: Rows,
    n: int,
    problems: list[Problem],
) -> dict[str, pd.Series]:
    side = _side_numbers(ratings)
    _note(problems, "rows of no side", (side < 0) & (rows >= 0), ratings["side"])
    place = np.where((rows >= 0) & (side >= 0), 2 * rows + side, -1)
    again = pd.Series(place).duplicated().to_numpy() & (place >= 0)
    _note(problems, "further rows of one pair and side", again, pd.Series(rows))
    cells = {}
    for column, name in names.items():
        given = ratings[column]
        if name in FACTS:
            at = np.where(given.isna().to_numpy(), -1, rows)
            cells[name] = _placed(given, at, n)
        else:
            cells[name] = _placed(given, place, 2 * n)
    return cells


def _long_cells(
    ratings: pd.DataFrame, rows: Rows, n: int, problems: list[Problem]
) -> dict[str, pd.Series]:
    given = ratings["property"].astype("str").fillna("")
    codes, distinct = pd.factorize(given)
    names = _named([str(name) for name in distinct])
    name = np.array([names.get(str(found), "") for found in distinct])[codes]
    _note(problems, "properties that are none of the 29", name == "", given)
    side = _side_numbers(ratings)
    of_query = np.isin(name, list(FACTS))
    _note(problems, "rows of no side", (side < 0) & (rows >= 0) & ~of_query, ratings["side"])
    cells = {}
    for wanted in sorted(set(names.values())):
        mine = (name == wanted) & (rows >= 0)
        if wanted in FACTS:
            cells[wanted] = _placed(ratings["value"], np.where(mine, rows, -1), n)
        else:
            at = np.where(mine & (side >= 0), 2 * rows + side, -1)
            cells[wanted] = _items(ratings["value"], at, 2 * n)
    return cells


def _placed(column: pd.Series, at: Rows, n: int) -> pd.Series:
    """Return the first value for each of n places; -1 is none."""
    kept = np.flatnonzero((at >= 0) & ~pd.Series(at).duplicated().to_numpy())
    cells = np.full(n, None, dtype=object)
    for place, value in zip(at[kept].tolist(), column.iloc[kept].tolist(), strict=True):
        cells[place] = value
    return pd.Series(cells, dtype=object)


def _items(column: pd.Series, at: Rows, n: int) -> pd.Series:
    """Return the value for each of n places, a list where there are several."""
    cells = _placed(column, at, n)
    several = pd.Series(at).duplicated(keep=False).to_numpy() & (at >= 0)
    for place, values in column[several].groupby(at[several]):
        cells[place] = list(values)
    return cells


def _note(problems: list[Problem], reason: str, bad: NDArray[np.bool_], shown: pd.Series) -> None:
    if bad.any():
        problems.append((reason, int(bad.sum()), excerpt(shown[bad].iloc[0])))
