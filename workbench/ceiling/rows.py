"""Labelled pairs in an order of their own, their folds, and the folds within those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.data.split import folds as fold_numbers
from workbench.decompose.kernel import Array, Codes

INNER = 3
"""Folds within the training folds, by which black boxes are tuned and weighed."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Pairs in one shown order with the sums of their labels, n of them.

    They are ordered by the names of their pairs, so that the order of the data says nothing.

    Attributes
    ----------
    weight, votes : ndarray, shape (n,)
        Sums of ``w`` and ``w y`` over the labels of a row.
    cluster : ndarray of str, shape (n,)
        Names: rows of one are never in training and test at once.
    fold : ndarray of int, shape (n,)
    seed : int
    """

    weight: Array
    votes: Array
    cluster: NDArray[np.str_]
    fold: Codes
    seed: int

    def inner(self, train: Codes) -> Codes:
        """Return the inner fold of each training row, whole clusters in one.

        Parameters
        ----------
        train : ndarray of int
            Positions of the training rows.
        """
        return fold_numbers(self.cluster[train], INNER, self.seed)

    def loss(self, rows: Codes, log_odds: Array) -> float:
        """Return the log-loss of some rows at log-odds of A, summed over labels."""
        weight, votes = self.weight[rows], self.votes[rows]
        return float((weight * np.logaddexp(0.0, log_odds) - votes * log_odds).sum())


class BlackBox(Protocol):
    """What learns to predict labels from something of the pairs."""

    @property
    def name(self) -> str:
        """What a table calls it."""

    def predict(self, rows: Rows, train: Codes, test: Codes, inner: Codes) -> tuple[Array, Array]:
        """Return log-odds of A of training rows and of test rows.

        Parameters
        ----------
        rows : Rows
        train, test : ndarray of int
            Positions in the rows.
        inner : ndarray of int
            Inner fold of each training row.

        Returns
        -------
        within : ndarray
            Of each training row, by what the other inner folds taught.
        beyond : ndarray
            Of each test row, by what all training rows taught.
        """
