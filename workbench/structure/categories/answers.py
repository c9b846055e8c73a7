"""A table of answers: which category was given, and which was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import Array, Codes
from workbench.data.reading.containers import open_container
from workbench.errors import DataError, DesignError

ROLES = ("annotator", "item", "conversation", "given", "right")
_NEEDED = ("given", "right")
NOBODY = "unnamed"
MOST = 100
"""More categories than this are texts, or need more answers than anybody has."""
_BRACKETS = "[]"


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers of one or more annotators, in an order that rows do not decide.

    Attributes
    ----------
    annotators, categories : list of str
        Names of the codes.
    annotator, given, right : ndarray of int, shape (n,)
    cluster : ndarray of int, shape (n,)
        Conversation, the same codes for all annotators.
    n_clusters : int
    exclusions : DataFrame
        Rows left out: ``group, reason, n``.
    digest : str
        Of the answers that are used.
    """

    annotators: list[str]
    categories: list[str]
    annotator: Codes
    given: Codes
    right: Codes
    cluster: Codes
    n_clusters: int
    exclusions: pd.DataFrame
    digest: str

    def tallies(self, annotator: int) -> Array:
        """Return the counts of one annotator by conversation, shape (clusters, given, right)."""
        C, mine = len(self.categories), self.annotator == annotator
        counts = np.zeros((self.n_clusters, C, C))
        np.add.at(counts, (self.cluster[mine], self.given[mine], self.right[mine]), 1.0)
        return counts


def read_answers(
    table: str | Path | pd.DataFrame,
    columns: Mapping[str, str] | None = None,
    annotators: Sequence[str] | None = None,
) -> Answers:
    """Read a table of answers, one a row.

    Parameters
    ----------
    table : str, Path or DataFrame
        With columns ``given`` and ``right``, and where there are any ``annotator``,
        ``conversation`` and ``item``.
    columns : mapping of str to str, optional
        The table's own name of each of these.
    annotators : sequence of str, optional
        Only these.

    Returns
    -------
    Answers
        Case, spaces and square brackets around a category say nothing. Without a conversation an
        item is a cluster of its own, and without an item a row is.

    Raises
    ------
    DataError
        A column is missing, an item has two right categories, or an annotator is not there.
    DesignError
        No answer can be used.

    Examples
    --------
    >>> found = read_answers(pd.DataFrame({"given": ["[Question]", "other"], "right": "question"}))
    >>> found.categories, found.annotators
    (['other', 'question'], ['unnamed'])
    """
    frame, where = _opened(table)
    frame = _named(frame, where, columns or {})
    if annotators is not None:
        frame = _only(frame, list(annotators), where)
    texts = {role: _text(frame[role]) for role in ROLES}
    gone = pd.Series(None, index=frame.index, dtype="object")
    gone = gone.mask(texts["right"].isna(), "no right category is known")
    gone = gone.mask(gone.isna() & texts["given"].isna(), "no category was given")
    who = texts["annotator"].fillna(NOBODY)
    lost = pd.DataFrame({"group": who, "reason": gone})[gone.notna()]
    exclusions = lost.groupby(["group", "reason"]).size().rename("n").reset_index()
    kept = pd.DataFrame({**texts, "annotator": who})[gone.isna()]
    if kept.empty:
        raise DesignError(
            "No answer can be used.",
            found="; ".join(f"{n:,} {why}" for why, n in gone.value_counts().items()) or "no row",
            expected="rows with a category that was given and the one that is right",
            fix="Check the columns: columns= (--column given=NAME).",
        )
    return _coded(kept, exclusions, where)


def _coded(kept: pd.DataFrame, exclusions: pd.DataFrame, where: str) -> Answers:
    item = kept["item"].fillna(pd.Series(_rows(kept), index=kept.index))
    cluster = kept["conversation"].fillna("item " + item)
    kept = kept.assign(item=item, cluster=cluster)
    names = _spellings(pd.concat([kept["given"], kept["right"]]))
    if not 2 <= len(names) <= MOST:
        raise DesignError(
            "Categories cannot be set against each other.",
            where=where,
            found=f"{len(names):,} categories: {', '.join(sorted(names.values())[:5])}",
            expected=f"2 to {MOST}",
            fix="Name the columns of categories, not of texts: columns= (--column given=NAME).",
        )
    for column in _NEEDED:
        kept[column] = kept[column].map(_key)
    _refuse_two(kept, where)
    order = ["annotator", "cluster", "item", "right", "given"]
    kept = kept.sort_values(order, kind="stable", ignore_index=True)
    keys = sorted(names)
    place = {key: k for k, key in enumerate(keys)}
    who, people = pd.factorize(kept["annotator"], sort=True)
    conversation, distinct = pd.factorize(kept["cluster"], sort=True)
    return Answers(
        annotators=[str(name) for name in people],
        categories=[names[key] for key in keys],
        annotator=np.asarray(who, dtype=np.int64),
        given=kept["given"].map(place).to_numpy("int64"),
        right=kept["right"].map(place).to_numpy("int64"),
        cluster=np.asarray(conversation, dtype=np.int64),
        n_clusters=len(distinct),
        exclusions=exclusions,
        digest=blake2b(kept[order].to_csv(index=False).encode(), digest_size=16).hexdigest(),
    )


def _rows(kept: pd.DataFrame) -> list[str]:
    """Name rows without an item: by what they say and how often it was said before them."""
    said = kept[["annotator", "right", "given"]].fillna("").astype("str")
    again = said.groupby(list(said)).cumcount().astype("str")
    return [" ".join(row) for row in said.assign(again=again).to_numpy(str)]


def _opened(table: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if isinstance(table, pd.DataFrame):
        return table.rename(columns=str).reset_index(drop=True), "table"
    container = open_container(Path(table))
    return container.table.to_pandas(), container.name


def _named(frame: pd.DataFrame, where: str, columns: Mapping[str, str]) -> pd.DataFrame:
    unknown = sorted(set(columns) - set(ROLES))
    lacking = [name for name in columns.values() if name not in frame]
    missing = [role for role in _NEEDED if columns.get(role, role) not in frame]
    if unknown or lacking or missing:
        bad = unknown or lacking or missing
        raise DataError(
            f"There is no role {bad[0]!r}." if unknown else f"There is no column {bad[0]!r}.",
            where=where,
            found="columns " + (", ".join(map(str, frame.columns)) or "none"),
            expected=f"columns given and right, and where known {', '.join(ROLES[:3])}",
            fix="Name them: columns={'given': 'NAME'} (--column given=NAME).",
        )
    named = {role: columns.get(role, role) for role in ROLES}
    return pd.DataFrame({role: frame.get(name) for role, name in named.items()}, index=frame.index)


def _only(frame: pd.DataFrame, names: list[str], where: str) -> pd.DataFrame:
    known = set(_text(frame["annotator"]).dropna())
    for name in names:
        if name not in known:
            raise DataError(
                f"There is no annotator {name!r}.",
                where=where,
                found=", ".join(sorted(known)[:12]) or "nobody is named",
                expected="a name in the column annotator",
                fix="Check the spelling; names are case-sensitive.",
            )
    return frame[_text(frame["annotator"]).isin(names)]


def _text(column: pd.Series) -> pd.Series:
    """Return a column as text without blanks; missing where nothing is said."""

    def told(value: Any) -> str | None:
        if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # a column of numbers with a gap is one of floats
        return " ".join(str(value).split()) or None

    return pd.Series([told(value) for value in column], index=column.index, dtype="object")


def _plain(name: str) -> str:
    """Return a category without the brackets around it."""
    inner = name.strip(_BRACKETS).strip()
    return inner or name


def _key(name: str) -> str:
    return _plain(name).casefold()


def _spellings(names: pd.Series) -> dict[str, str]:
    """Return how each category is most often written, by its key."""
    counts: dict[str, Counter[str]] = {}
    for name in names:
        counts.setdefault(_key(name), Counter())[_plain(name)] += 1
    return {key: min(one, key=lambda n: (-one[n], n)) for key, one in counts.items()}


def _refuse_two(kept: pd.DataFrame, where: str) -> None:
    known = kept.groupby(["cluster", "item"])["right"].nunique()
    if (known > 1).any():
        cluster, item = known[known > 1].index[0]
        of = kept[kept["cluster"].eq(cluster) & kept["item"].eq(item)]["right"].unique()
        raise DataError(
            "An item has two right categories.",
            where=where,
            found=f"{item!r}: {', '.join(sorted(of)[:4])}; {int((known > 1).sum()):,} such items",
            expected="one right category of each item",
            fix="Number the items anew, or leave the column out: rows are then items.",
        )
