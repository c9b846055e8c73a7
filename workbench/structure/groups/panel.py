"""Labels of people in an order that names do not decide, and sums over each person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.decompose.kernel import Array, Codes
from workbench.structure.labels import PersonLabels

_DIGITS = 9
"""Digits by which people are put in order: sums are equal to so many in any order of rows."""

_ROWS = 4096
"""Rows whose products of columns are made at a time."""


@dataclass(frozen=True, eq=False)
class Panel:
    """The cells of P people, people side by side, in units of typical differences.

    Attributes
    ----------
    X : ndarray, shape (N, K)
        Differences over ``scale``.
    person : ndarray of int, shape (N,)
        Place of the person; people stand in the order of what they said, not of their names.
    P : int
        People.
    cells : ndarray of int, shape (N,)
        Where each row stood among the labels.
    order : ndarray of int, shape (P,)
        Code, in the labels, of the person at each place.
    scale : ndarray, shape (K,)
        Root mean square of the differences where they are not 0; columns of a block share it.
    sums, scores : sparse matrix, shape (P, N) and (P K, N)
        Sum of a value over each person's rows, and of ``x`` times a value.
    """

    X: Array
    person: Codes
    P: int
    cells: Codes
    order: Codes
    scale: Array
    sums: sparse.csr_array
    scores: sparse.csr_array

    def under(self, person: Codes) -> Panel:
        """Return the same rows under other people, as an exchange of people needs."""
        sums, scores = _summing(self.X, person, self.P)
        return replace(self, person=person, sums=sums, scores=scores)

    def gram(self, weight: Array) -> Array:
        """Return ``sum x x' w`` for each column of weights, shape (M, K, K)."""
        K, M = self.X.shape[1], weight.shape[1]
        above = np.triu_indices(K)
        total = np.zeros((len(above[0]), M))
        for at in range(0, len(self.X), _ROWS):
            X = self.X[at : at + _ROWS]
            total += (X[:, above[0]] * X[:, above[1]]).T @ weight[at : at + _ROWS]
        full = np.empty((M, K, K))
        full[:, above[0], above[1]] = full[:, above[1], above[0]] = total.T
        return full

    def gram_by_person(self, weight: Array) -> Array:
        """Return ``sum x x' w`` over each person's rows, shape (P, K, K)."""
        K = self.X.shape[1]
        above = np.triu_indices(K)
        total = self.sums @ (self.X[:, above[0]] * self.X[:, above[1]] * weight[:, None])
        full = np.empty((self.P, K, K))
        full[:, above[0], above[1]] = full[:, above[1], above[0]] = total
        return full

    def score(self, residual: Array) -> Array:
        """Return ``sum x r`` over each person's rows, shape (P, K, M)."""
        return np.asarray((self.scores @ residual).reshape(self.P, self.X.shape[1], -1))


def panel(labels: PersonLabels) -> Panel:
    """Lay out labels for fits of classes.

    Parameters
    ----------
    labels : PersonLabels

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> laid = panel(person_labels(planted_people(people=4, labels=10)[0]))
    >>> laid.P, laid.X.shape, laid.person[:3].tolist()
    (4, (40, 3), [0, 0, 0])
    """
    scale = typical_differences(labels)
    rank = _by_content(labels)
    prompt = np.argsort(np.argsort(labels.prompts.astype(str)))[labels.prompt]
    along = labels.X @ np.sqrt(np.arange(2.0, labels.X.shape[1] + 2.0))
    cells = np.lexsort((labels.votes, np.round(along, _DIGITS), prompt, rank[labels.person]))
    return _panel(labels, cells, rank, scale)


def _panel(labels: PersonLabels, cells: Codes, rank: Codes, scale: Array) -> Panel:
    X, person = labels.X[cells] / scale, rank[labels.person[cells]]
    sums, scores = _summing(X, person, len(rank))
    return Panel(X, person, len(rank), cells, np.argsort(rank), scale, sums, scores)


def _summing(X: Array, person: Codes, P: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    N, K = X.shape
    rows = np.arange(N)
    sums = sparse.csr_array((np.ones(N), (person, rows)), shape=(P, N))
    at = (person[:, None] * K + np.arange(K)).ravel()
    scores = sparse.csr_array((X.ravel(), (at, np.repeat(rows, K))), shape=(P * K, N))
    scores.eliminate_zeros()
    return sums, scores


def typical_differences(labels: PersonLabels) -> Array:
    """Return each column's root mean square where it is not 0; one number for a block."""
    squares: Array = labels.weight @ labels.X**2
    present: Array = labels.weight @ (labels.X != 0)
    blocks = labels.block
    squares, present = (
        np.bincount(blocks, part)[blocks].astype(np.float64) for part in (squares, present)
    )
    mean = np.divide(squares, present, out=np.ones_like(squares), where=present > 0)
    return np.asarray(np.sqrt(mean))


def _by_content(labels: PersonLabels) -> NDArray[np.int64]:
    """Return the place of each person by labels, votes and differences, not by name."""
    P = len(labels.people)
    columns = [labels.votes * x for x in labels.X.T] + [labels.weight * x**2 for x in labels.X.T]
    keys = [np.round(np.bincount(labels.person, c, minlength=P), _DIGITS) for c in columns]
    keys += [np.bincount(labels.person, labels.weight, minlength=P)]
    place = np.empty(P, dtype=np.int64)
    place[np.lexsort(keys)] = np.arange(P)
    return place
