"""Verdicts of members of a panel, as matrices of pairs by members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.agreement import mode_against_mode, vote_counts
from workbench.audit.judges.verdicts.preferences import judges_beside, reference_mask
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.judges.base import FAILED, NOT_ASKED

Mask = NDArray[np.bool_]

_EVEN = 1e-9


@dataclass(frozen=True, eq=False)
class Votes:
    """What k members said of n pairs; members stand in the order of their names.

    Attributes
    ----------
    members : list of str
    kind : str
        Of the members, ``unknown`` where they are of several.
    side : ndarray, shape (n, k)
        1 for A, -1 for B, 0 a tie (or as much for A as for B); NaN without a verdict.
    margin : ndarray, shape (n, k)
        Distance of the mean verdict from a tie, 0 to 1; NaN without a verdict.
    opposed : ndarray of bool, shape (n, k)
        The two orders were answered otherwise.
    abstained, unread : ndarray of bool, shape (n, k)
        Asked, and no verdict: it gave none, or none could be read. What is left was not asked.
    calls : ndarray, shape (k,)
        Labels a pair that it was asked.
    table : ndarray, shape (n, 3)
        Agreement of the verdicts B, tie and A with the mode of the reference; NaN without one.
    cluster : ndarray of int, shape (n,)
    """

    members: list[str]
    kind: str
    side: Array
    margin: Array
    opposed: Mask
    abstained: Mask
    unread: Mask
    calls: Array
    table: Array
    cluster: Codes

    @cached_property
    def given(self) -> Mask:
        """Where there is a verdict, shape (n, k)."""
        return np.isfinite(self.side)

    @cached_property
    def missing(self) -> Mask:
        """Where nobody asked, shape (n, k)."""
        return ~(self.given | self.abstained | self.unread)

    @cached_property
    def people(self) -> Mask:
        """Pairs that the reference decided, shape (n,)."""
        return np.isfinite(self.table[:, 0])

    def agreement(self, side: Array, unread: Mask) -> Array:
        """Return agreement of verdicts with the reference; what is unread agrees with nobody.

        Parameters
        ----------
        side : ndarray, shape (n,) or (n, k)
        unread : ndarray of bool, of the same shape

        Returns
        -------
        ndarray, of the same shape
            NaN where there is no verdict, or no reference.
        """
        given = np.isfinite(side)
        at = np.where(given, side, 0.0).astype(np.int64) + 1
        rows = np.arange(len(side)).reshape(-1, *([1] * (side.ndim - 1)))
        found = np.where(given, self.table[rows, at], np.nan)
        lost = unread & (self.people if side.ndim == 1 else self.people[:, None])
        return np.where(lost & ~given, 0.0, found)


def votes_of(data: PreferenceData, judges: Sequence[str] | None, reference: str) -> Votes:
    """Lay out the verdicts of judges, and those of a reference beside them.

    Parameters
    ----------
    data : PreferenceData
    judges : sequence of str, optional
        Every annotator that is neither a person nor gold, nor of the reference, when None.
    reference : str
        An annotator or a kind; without labels of it, nothing is held against it.

    Raises
    ------
    DesignError
        There is no judge, or one is of the reference.
    DataError
        A judge that the data do not have.

    Examples
    --------
    >>> import workbench as wb
    >>> votes = votes_of(wb.load("sample"), None, "human")
    >>> votes.side.shape[1] == len(votes.members) == 4
    True
    """
    data = data.decided()
    theirs = reference_mask(data, reference)
    names = judges_beside(data, judges, theirs)
    k, n = len(names), len(data.pairs)
    everybody, found = pd.factorize(data.labels["annotator"])
    code = pd.Index(names).get_indexer(found)[everybody]
    at = np.flatnonzero(code >= 0)
    cell = data.pair_rows[at] * k + code[at]
    y = data.labels["preference"].to_numpy("float64")[at]
    said = np.isfinite(y) & (data.labels["weight"].to_numpy("float64")[at] > 0)

    def mean_of(use: Mask) -> Array:
        count = np.bincount(cell[use], minlength=n * k)
        total = np.bincount(cell[use], y[use], n * k)
        mean = np.divide(total, count, out=np.full(n * k, np.nan), where=count > 0)
        return np.asarray(mean).reshape(n, k)

    def any_of(use: Mask) -> Mask:
        found = np.zeros(n * k, dtype=bool)
        found[cell[use]] = True
        return found.reshape(n, k)

    lean = 2.0 * mean_of(said) - 1.0
    given = np.isfinite(lean)
    lost, never = _unsaid(data.labels["reason"], at, said)
    unread = any_of(lost) & ~given
    asked = np.bincount(cell[~never], minlength=n * k)
    pairs_asked = np.maximum((asked.reshape(n, k) > 0).sum(axis=0), 1)
    people = vote_counts(data, theirs)
    kinds = set(data.labels["kind"].iloc[at[np.unique(code[at], return_index=True)[1]]])
    return Votes(
        members=names,
        kind=kinds.pop() if len(kinds) == 1 else "unknown",
        side=side_of(lean),
        # means of the same verdicts in another order are the same margin
        margin=np.asarray(np.round(np.abs(lean), 9), dtype=np.float64),
        opposed=_opposed(data.labels["order_shown"], at, said, mean_of),
        abstained=any_of(~said & ~lost & ~never) & ~given & ~unread,
        unread=unread,
        calls=asked.reshape(n, k).sum(axis=0) / pairs_asked,
        table=_table(people),
        cluster=np.asarray(pd.factorize(data.pairs["cluster"], sort=True)[0]),
    )


def side_of(lean: Array) -> Array:
    """Return 1, -1 or 0 for what leans to A, to B or to neither; NaN stays.

    Examples
    --------
    >>> side_of(np.array([0.2, -1.0, 1e-12])).tolist()
    [1.0, -1.0, 0.0]
    """
    return np.asarray(np.where(np.abs(lean) <= _EVEN, 0.0, np.sign(lean)))


def _unsaid(reason: pd.Series, at: Codes, said: Mask) -> tuple[Mask, Mask]:
    """Return which labels without a verdict could not be read, and which were not asked."""
    lost, never = np.zeros(len(at), dtype=bool), np.zeros(len(at), dtype=bool)
    if not said.all():
        why = reason.iloc[at[~said]]
        lost[~said] = (why.eq(FAILED) | why.isna()).to_numpy(dtype=bool)
        never[~said] = why.eq(NOT_ASKED).to_numpy(dtype=bool, na_value=False)
    return lost, never


def _opposed(shown: pd.Series, at: Codes, said: Mask, mean_of: Callable[[Mask], Array]) -> Mask:
    """Return where the two orders lean to different sides."""
    both = []
    for order in ("ab", "ba"):
        mine = said & shown.eq(order).to_numpy(dtype=bool, na_value=False)[at]
        both.append(side_of(2.0 * mean_of(mine) - 1.0))
    ab, ba = both
    return np.asarray(np.isfinite(ab) & np.isfinite(ba) & (ab != ba))


def _table(people: Array) -> Array:
    one_hot = np.eye(3)
    return np.stack(
        [mode_against_mode(np.broadcast_to(one, people.shape), people) for one in one_hot], axis=1
    )
