"""Votes: which response each principle selects, pair by pair, repeat by repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import DataError, DesignError
from workbench.principles.principle import Principle

Codes = NDArray[np.int8]
Rule = Literal["majority", "unanimous"]


class Vote(IntEnum):
    """What a vote says; A and B are the sides of the data, whatever order was shown."""

    A = 1
    B = -1
    BOTH = 2
    NEITHER = 3
    NOT_APPLICABLE = 4
    INVALID = 5
    NOT_ASKED = 6


@dataclass(frozen=True, eq=False)
class Votes:
    """Votes of many principles on many pairs.

    Attributes
    ----------
    pair_ids : ndarray of str, shape (n pairs,)
    principles : tuple of Principle
        K of them.
    codes : ndarray of int8, shape (n pairs, K, n repeats)
        Values of :class:`Vote`.
    shown_ab : ndarray of bool, shape (n pairs, K, n repeats)
        Whether A was shown first, where the vote was asked.
    voter : str
        Who voted: the model.
    settings : dict
        How it was asked, and what it used.

    Raises
    ------
    DataError
        Shapes that do not match, a code that is none, or a principle or pair twice.

    Examples
    --------
    >>> votes = Votes(np.array(["p1"]), (Principle("Be brief"),), np.array([[[1, 1, -1]]], np.int8))
    >>> [Vote(votes.merged(rule)[0, 0]).name for rule in ("majority", "unanimous")]
    ['A', 'NEITHER']
    """

    pair_ids: NDArray[Any]
    principles: tuple[Principle, ...]
    codes: Codes
    shown_ab: NDArray[np.bool_] = field(default_factory=lambda: np.ones((0, 0, 0), dtype=bool))
    voter: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.pair_ids), len(self.principles))
        if not self.shown_ab.size:
            object.__setattr__(self, "shown_ab", np.ones(self.codes.shape, dtype=bool))
        texts = [one.text for one in self.principles]
        fine = self.codes.ndim == 3 and self.codes.shape[:2] == shape
        fine = fine and self.shown_ab.shape == self.codes.shape
        fine = fine and bool(np.isin(self.codes, list(Vote)).all())
        if not fine or len(set(texts)) < len(texts) or len(set(self.pair_ids)) < len(self.pair_ids):
            raise DataError(
                "The votes do not fit their pairs and principles.",
                found=f"codes of shape {self.codes.shape}, {len(set(self.pair_ids)):,} pairs, "
                f"{len(set(texts))} principles",
                expected=f"shape ({shape[0]}, {shape[1]}, repeats), each pair and principle once, "
                "and codes of Vote",
                fix="Give one row a pair and one column a principle.",
            )

    def merged(self, rule: Rule = "majority") -> Codes:
        """Return one vote a pair and principle, shape (n pairs, K).

        ``majority``: what more than half of the valid repeats say; where none does, the
        vote is ``NEITHER``: the repeats do not decide. ``unanimous``: what all valid
        repeats say, else ``NEITHER``. Without a valid repeat it is ``INVALID``, or
        ``NOT_ASKED`` where nothing was asked.
        """
        if rule not in ("majority", "unanimous"):
            raise DesignError(
                "Unknown rule for repeats.",
                found=repr(rule),
                expected='"majority" or "unanimous"',
                fix='Pass rule="majority".',
            )
        codes = self.codes
        valid = (codes != Vote.INVALID) & (codes != Vote.NOT_ASKED)
        n = valid.sum(axis=2)
        merged = np.full(codes.shape[:2], Vote.NEITHER, dtype=np.int8)
        for vote in (Vote.A, Vote.B, Vote.BOTH, Vote.NEITHER, Vote.NOT_APPLICABLE):
            count = (codes == vote).sum(axis=2)
            wins = count == n if rule == "unanimous" else 2 * count > n
            merged[wins & (n > 0)] = vote
        merged[n == 0] = Vote.INVALID
        merged[(codes == Vote.NOT_ASKED).all(axis=2)] = Vote.NOT_ASKED
        return merged

    def take(
        self, *, pair_ids: NDArray[Any] | None = None, principles: list[int] | None = None
    ) -> Votes:
        """Return the votes of some pairs, in their order, and of some principles by position.

        Raises
        ------
        DataError
            A pair without votes.
        """
        rows = np.arange(len(self.pair_ids))
        if pair_ids is not None:
            rows = pd.Index(self.pair_ids).get_indexer(pair_ids)
            if (rows < 0).any():
                raise DataError(
                    "A pair has no votes.",
                    found=f"{int((rows < 0).sum()):,} pairs without",
                    expected="pairs that were voted on",
                    fix="Vote on them first, or leave them out.",
                )
        columns = list(range(len(self.principles))) if principles is None else principles
        grid = np.ix_(rows, np.asarray(columns, dtype=np.intp))
        return replace(
            self,
            pair_ids=self.pair_ids[rows],
            principles=tuple(self.principles[k] for k in columns),
            codes=self.codes[grid],
            shown_ab=self.shown_ab[grid],
        )

    def counts(self, rule: Rule = "majority") -> pd.DataFrame:
        """Return, for each principle, how many pairs got which vote (``invalid`` by repeat)."""
        merged = self.merged(rule)
        table = {
            vote.name.lower(): (merged == vote).sum(axis=0)
            for vote in Vote
        }  # fmt: skip
        invalid = (self.codes == Vote.INVALID).sum(axis=(0, 2))
        asked = (self.codes != Vote.NOT_ASKED).sum(axis=(0, 2))
        frame = pd.DataFrame({"principle": [one.text for one in self.principles], **table})
        return frame.assign(asked_repeats=asked, invalid_repeats=invalid)


def joined(
    parts: Sequence[Votes], principles: Sequence[Principle], pair_ids: Sequence[str]
) -> Votes:
    """Return votes that were asked for in parts as one; what is in none is NOT_ASKED.

    Parameters
    ----------
    parts : sequence of Votes
        With the same number of repeats; a later part counts where two hold the same vote.
    principles : sequence of Principle
    pair_ids : sequence of str

    Raises
    ------
    DesignError
        No part.

    Examples
    --------
    >>> kind = Principle("Be kind")
    >>> first = Votes(np.array(["p1"]), (kind,), np.array([[[1]]], np.int8))
    >>> joined([first], [kind], ["p1", "p2"]).codes.ravel().tolist()
    [1, 6]
    """
    if not parts:
        raise DesignError(
            "There are no votes to join.",
            found="no part",
            expected="at least one part",
            fix="Vote first.",
        )
    shape = (len(pair_ids), len(principles), max(part.codes.shape[2] for part in parts))
    codes = np.full(shape, Vote.NOT_ASKED, dtype=np.int8)
    shown = np.ones(shape, dtype=bool)
    row_of, column_of = pd.Index(pair_ids), pd.Index([one.text for one in principles])
    for part in parts:
        rows = row_of.get_indexer(pd.Index(part.pair_ids))
        columns = column_of.get_indexer(pd.Index([one.text for one in part.principles]))
        grid = np.ix_(np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0))
        new = part.codes[grid]
        asked = new != Vote.NOT_ASKED
        repeats = np.arange(new.shape[2])
        place = np.ix_(rows[rows >= 0], columns[columns >= 0], repeats)
        codes[place] = np.where(asked, new, codes[place])
        shown[place] = np.where(asked, part.shown_ab[grid], shown[place])
    last = parts[-1]
    return Votes(np.asarray(pair_ids), tuple(principles), codes, shown, last.voter, last.settings)
