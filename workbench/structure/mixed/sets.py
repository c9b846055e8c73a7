"""Sets of alternatives from which people choose, laid out for the simulated likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes
from workbench.errors import DesignError

_VALUES = 400_000
"""Utilities that are worked on at a time: they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Block:
    """People of about as many choices, padded to the same number.

    Attributes
    ----------
    people : ndarray of int, shape (p,)
    X : ndarray, shape (p, n * (J - 1), K)
        Differences to the last alternative.
    votes : ndarray, shape (p, n * (J - 1))
        Weight with which each of those alternatives was chosen.
    closed : ndarray, shape (p, n * (J - 1)) or None
        0 where the alternative was offered and ``-inf`` where it was not.
    weight : ndarray, shape (p, n)
        Weight of each choice; 0 is padding.
    at : ndarray of int, shape (p, n)
        Row of each choice; -1 is padding.
    """

    people: NDArray[np.int64]
    X: Array
    votes: Array
    closed: Array | None
    weight: Array
    at: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ChoiceSets:
    """All choices of P people.

    Attributes
    ----------
    P, J, K : int
        People, alternatives at the most, columns.
    rows : ndarray, shape (N, J - 1, K)
        Differences to the last alternative.
    votes : ndarray, shape (N, J - 1)
    closed : ndarray, shape (N, J - 1) or None
    weight : ndarray, shape (N,)
    person : ndarray of int, shape (N,)
    """

    P: int
    J: int
    K: int
    rows: Array
    votes: Array
    closed: Array | None
    weight: Array
    person: Codes

    def blocks(self, draws: int) -> list[Block]:
        """Return the people in blocks whose utilities under so many draws stay in the cache."""
        order = np.argsort(self.person, kind="stable")
        count = np.bincount(self.person, minlength=self.P)
        start = np.r_[0, np.cumsum(count)[:-1]]
        by_size = np.argsort(count, kind="stable")
        found, at = [], 0
        while at < self.P:
            stop, most = at, 0
            while stop < self.P:
                longest = max(most, int(count[by_size[stop]]), 1)
                size = (stop + 1 - at) * longest * (self.J - 1) * draws
                if stop > at and (size > _VALUES or longest > 2 * max(count[by_size[at]], 4)):
                    break
                most, stop = longest, stop + 1
            found.append(self._block(by_size[at:stop], order, start, count, most))
            at = stop
        return found

    def _block(
        self,
        people: NDArray[np.int64],
        order: NDArray[np.int64],
        start: NDArray[np.int64],
        count: NDArray[np.int64],
        most: int,
    ) -> Block:
        place = start[people][:, None] + np.arange(most)
        real = np.arange(most) < count[people][:, None]
        at = order[np.where(real, place, 0)]
        p, width = len(people), most * (self.J - 1)
        X = np.where(real[:, :, None, None], self.rows[at], 0.0).reshape(p, width, self.K)
        votes = np.where(real[:, :, None], self.votes[at], 0.0).reshape(p, width)
        closed = None if self.closed is None else self.closed[at].reshape(p, width)
        weight = np.where(real, self.weight[at], 0.0)
        return Block(people, X, votes, closed, weight, np.where(real, at, -1))


def choice_sets(
    X: Array, chosen: Array, person: Codes, offered: NDArray[np.bool_] | None = None
) -> ChoiceSets:
    """Lay out choices among J alternatives.

    Parameters
    ----------
    X : ndarray, shape (N, J, K)
    chosen : ndarray, shape (N, J)
        Weight of each alternative's choice: a one and zeros, or shares, as a tie has.
    person : ndarray of int, shape (N,)
        Codes 0 to P - 1.
    offered : ndarray of bool, shape (N, J), optional
        Which alternatives there were; all when None.

    Raises
    ------
    DesignError
        Arrays of other shapes, values that are not finite, or a choice of what was not offered.

    Examples
    --------
    >>> sets = choice_sets(np.eye(2)[None], np.array([[1.0, 0.0]]), np.zeros(1, dtype=int))
    >>> sets.rows.tolist(), sets.votes.tolist()
    ([[[1.0, -1.0]]], [[1.0]])
    """
    X, chosen, person = np.asarray(X, float), np.asarray(chosen, float), np.asarray(person)
    _check(X, chosen, person, offered)
    _, J, K = X.shape
    rows, last = X[:, :-1] - X[:, -1:], None
    if offered is not None and not offered.all():
        # what everything is measured from must have been offered
        base = J - 1 - np.argmax(offered[:, ::-1], axis=1)
        others = np.argsort(np.arange(J) == base[:, None], axis=1, kind="stable")
        X = np.take_along_axis(X, others[:, :, None], axis=1)
        chosen = np.take_along_axis(chosen, others, axis=1)
        last = np.take_along_axis(offered, others, axis=1)[:, :-1]
        rows = np.where(last[:, :, None], X[:, :-1] - X[:, -1:], 0.0)
    closed = None if last is None else np.where(last, 0.0, -np.inf)
    P = int(person.max()) + 1
    return ChoiceSets(P, J, K, rows, chosen[:, :-1], closed, chosen.sum(axis=1), person)


def _check(
    X: Array, chosen: Array, person: NDArray[np.int64], offered: NDArray[np.bool_] | None
) -> None:
    shapes = [X.shape[:2], chosen.shape] + ([] if offered is None else [offered.shape])
    wrong = None
    if X.ndim != 3 or len(set(shapes)) > 1 or person.shape != X.shape[:1] or not X.size:
        wrong = f"X {X.shape}, chosen {chosen.shape}, person {person.shape}"
    elif X.shape[1] < 2:
        wrong = "one alternative"
    elif not (np.isfinite(X).all() and np.isfinite(chosen).all() and (chosen >= 0).all()):
        wrong = "values that are not finite, or weights below 0"
    elif person.min() < 0 or not (np.bincount(person) > 0).all():
        wrong = "codes of people with gaps"
    elif not (chosen.sum(axis=1) > 0).all():
        wrong = "a choice of nothing"
    elif offered is not None and chosen[~offered].any():
        wrong = "a choice of what was not offered"
    if wrong:
        raise DesignError(
            "These are no choices that can be fitted.",
            found=wrong,
            expected="X (N, J, K) of finite numbers, chosen (N, J) with weight on what was "
            "offered, person (N,) with codes from 0",
            fix="Lay out one row a choice and one column an alternative.",
        )
