"""Choices and rankings of two or more responses, and what they say of each two of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats.records import excerpt, flag, numbers
from workbench.data.formats.verdict_words import LETTERS, ranking_of


@dataclass(frozen=True)
class PairVerdicts:
    """What was said of two of the responses.

    Attributes
    ----------
    first, second : int
        Which responses; ``first`` becomes A.
    verdicts : DataFrame
        ``preference, reason, strength, problem, found`` by row of the table.
    rows : ndarray of int
        Rows of the table that say something of these two.
    """

    first: int
    second: int
    verdicts: pd.DataFrame
    rows: NDArray[np.int64]


def pairs_of(
    verdicts: pd.DataFrame, label: pd.Series, n: int, shown: NDArray[np.bool_] | None = None
) -> Iterator[PairVerdicts]:
    """Return what labels that choose among ``n`` responses say of each two of them.

    A choice of one of ``n`` gives ``n - 1`` pairs, nothing between the others; a tie is one
    between all; a ranking such as ``B>A=C`` gives every pair. A verdict that is none, or that
    was not read, stands once, at the first two responses.

    Parameters
    ----------
    verdicts : DataFrame
        From :func:`workbench.data.formats.verdicts.read_column`.
    label : Series
        The labels.
    n : int
    shown : ndarray of bool, shape (rows, n), optional
        Which responses a row has; of one that it lacks nothing is said. All by default.

    Examples
    --------
    >>> from workbench.data.formats.verdicts import Wanted, read_column
    >>> label = pd.Series(["c", "a"])
    >>> pairs = pairs_of(read_column(label, Wanted(n=3)), label, 3)
    >>> [(p.first, p.second, p.verdicts["preference"].tolist()) for p in pairs]
    [(0, 1, [1.0]), (0, 2, [0.0, 1.0]), (1, 2, [0.0])]
    """
    if n == 2:
        yield PairVerdicts(0, 1, verdicts, np.arange(len(verdicts)))
        return
    side = verdicts["side"].map({letter: i for i, letter in enumerate(LETTERS[:n])})
    winner = side.fillna(-1).to_numpy(dtype=np.int64)
    shown = np.ones((len(verdicts), n), dtype=bool) if shown is None else shown
    lost = (winner >= 0) & ~shown[np.arange(len(winner)), winner]
    if lost.any():
        verdicts = verdicts.copy()
        flag(verdicts, lost, "unparseable", ["the response that is chosen is missing"] * len(lost))
        winner = np.where(lost, -1, winner)
    ranks = _ranks_of_texts(verdicts, label, n)
    tie = (verdicts["preference"] == 0.5).to_numpy()
    ranked = ~np.isnan(ranks[:, 0])
    alone = (winner < 0) & ~tie & ~ranked
    for first, second in itertools.combinations(range(n), 2):
        chosen = (winner == first) | (winner == second)
        said_of = chosen | tie | ranked | (alone & (second == 1))
        rows = np.flatnonzero(said_of & shown[:, first] & shown[:, second])
        value = np.where(chosen, (winner == first).astype(np.float64), np.nan)
        value = np.where(tie, 0.5, value)
        value = np.where(ranked, _compared(ranks[:, first], ranks[:, second]), value)
        said = verdicts.assign(preference=value)
        equal = ranked & (value == 0.5)
        said["reason"] = said["reason"].mask(equal, "tie")
        for column in ("problem", "found"):
            said[column] = said[column].mask(ranked)
        yield PairVerdicts(first, second, said.iloc[rows], rows)


def pairs_of_ranks(
    table: pa.Table, roles: Mapping[str, str], n: int, shown: NDArray[np.bool_] | None = None
) -> Iterator[PairVerdicts]:
    """Return the pairs of responses that are ranked in a column each, 1 (or 0) the best.

    Parameters
    ----------
    table : pyarrow.Table
    roles : mapping of str to str
        Columns of ``rank_a``, ``rank_b`` and so on.
    n : int
    shown : ndarray of bool, shape (rows, n), optional
        Which responses a row has. All by default.

    Examples
    --------
    >>> roles = {"rank_a": "x", "rank_b": "y"}
    >>> [pair] = pairs_of_ranks(pa.table({"x": [1, 2, 1], "y": [2, 1, 1]}), roles, 2)
    >>> pair.verdicts["preference"].tolist()
    [1.0, 0.0, 0.5]
    """
    columns = [roles[f"rank_{letter}"] for letter in LETTERS[:n]]
    ranks = np.column_stack([numbers(table, column) for column in columns])
    for first, second in itertools.combinations(range(n), 2):
        value = _compared(ranks[:, first], ranks[:, second])
        nothing = pd.Series([None] * len(value), dtype="str")
        open_ = np.isnan(value)
        found = [
            f"ranks {excerpt(a)}, {excerpt(b)}" if bad else None
            for bad, a, b in zip(open_, ranks[:, first], ranks[:, second], strict=True)
        ]
        verdicts = pd.DataFrame(
            {
                "preference": value,
                "reason": nothing.mask(value == 0.5, "tie"),
                "strength": np.abs(ranks[:, first] - ranks[:, second]),
                "problem": nothing.mask(open_, "no judgement"),
                "found": pd.Series(found, dtype="str"),
            }
        )
        both = np.ones(len(value), bool) if shown is None else shown[:, first] & shown[:, second]
        yield PairVerdicts(first, second, verdicts[both], np.flatnonzero(both))


def _compared(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P(first preferred) of two ranks, NaN where one is missing."""
    difference = other - one
    return np.where(np.isnan(difference), np.nan, (np.sign(difference) + 1) / 2)


def _ranks_of_texts(verdicts: pd.DataFrame, label: pd.Series, n: int) -> NDArray[np.float64]:
    """Return the ranks that unread labels give as text, NaN where they give none."""
    ranks = np.full((len(verdicts), n), np.nan)
    unread = np.flatnonzero((verdicts["problem"] == "unknown label").to_numpy())
    for row in unread.tolist():
        value = label.iloc[row]
        found = ranking_of(value, n) if isinstance(value, str) else None
        if found is not None:
            ranks[row] = found
    return ranks
