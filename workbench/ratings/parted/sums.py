"""What battles in parts add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.decompose.kernel import Array, Codes
from workbench.decompose.parted.whole import rows_in_parts
from workbench.ratings.battles import Battles
from workbench.ratings.kernel import Rows, Votes

_ROWS = {"a", "b", "preference", "weight", "X", "cluster", "label", "take"}

COUNT, TIED_COUNT, WON, LOST, TIED = range(5)
"""What is added up of the battles of each two models, the row's as A: how many, how many of them
ties; the weight of wins of A and of B where they are no ties, and that of ties."""


@dataclass(frozen=True, eq=False)
class BattleSums:
    """Battles of which only sums are known: what :class:`Battles` tells without its rows.

    Attributes
    ----------
    models : list of str
    met : ndarray, shape (5, M, M)
        See :data:`COUNT`.
    covariates : list of str
    sd : ndarray, shape (K,)
        Standard deviation of each covariate.
    n_clusters : int
    exclusions : DataFrame
        Labels left out: ``reason, n``.
    """

    models: list[str]
    met: Array
    covariates: list[str]
    sd: Array
    n_clusters: int
    exclusions: pd.DataFrame

    def __len__(self) -> int:
        return int(self.met[COUNT].sum())

    def __getattr__(self, name: str) -> Any:
        if name in _ROWS:
            raise rows_in_parts()
        raise AttributeError(name)

    @property
    def all_tied(self) -> bool:
        """Whether every battle is a tie."""
        return bool(self.met[TIED_COUNT].sum() == self.met[COUNT].sum())

    @property
    def any_tied(self) -> bool:
        """Whether some battle is a tie."""
        return bool(self.met[TIED_COUNT].any())

    def times_met(self) -> Codes:
        """Return how many battles the row's model as A had with the column's, (M, M)."""
        return np.asarray(self.met[COUNT], dtype=np.int64)

    def wins(self) -> Array:
        """Return the weight of wins of the row's model over the column's, ties half, (M, M)."""
        half = self.met[TIED] / 2
        return np.asarray(self.met[WON] + half + (self.met[LOST] + half).T)

    def tally(self) -> pd.DataFrame:
        """Return battles (``n``), and the weight of wins, losses and ties of each model."""
        count, _, won, lost, tied = self.met
        found = {"wins": won + lost.T, "losses": lost + won.T, "ties": tied + tied.T}
        sides = {name: matrix.sum(axis=1) for name, matrix in found.items()}
        return pd.DataFrame({"n": (count + count.T).sum(axis=1).astype(np.int64), **sides})

    def among(self, models: Codes, n_clusters: int, sd: Array) -> BattleSums:
        """Return the sums of the battles among some models.

        Parameters
        ----------
        models : ndarray of int
        n_clusters : int
            That these battles have, and
        sd : ndarray, shape (K,)
            their covariates' standard deviations.
        """
        met = self.met[:, models][:, :, models]
        names = [self.models[m] for m in models]
        return replace(self, models=names, met=met, n_clusters=n_clusters, sd=sd)

    def collapsed(self, davidson: bool) -> tuple[Rows, Votes]:
        """Return one row for each two models that met (:func:`workbench.ratings.errors.collapse`).

        Parameters
        ----------
        davidson : bool
        """
        M = len(self.models)
        won = self.wins()
        weight = self.met[WON] + self.met[LOST] + self.met[TIED]
        weight = weight + weight.T
        first, second = np.nonzero(np.triu(weight, 1))
        tied = None
        if davidson:
            tied = (self.met[TIED] + self.met[TIED].T)[first, second][:, None]
        rows = Rows(first, second, np.arange(len(first)), np.zeros((len(first), 0)), M)
        return rows, Votes(weight[first, second][:, None], won[first, second][:, None], tied)


def met_of(battles: Battles) -> Array:
    """Return what the battles of each two models add up to, shape (5, M, M).

    Parameters
    ----------
    battles : Battles
    """
    M = len(battles.models)
    key = battles.a * M + battles.b
    w, y = battles.weight, battles.preference
    tied = y == 0.5
    parts = (None, tied, np.where(tied, 0.0, w * y), np.where(tied, 0.0, w * (1 - y)), w * tied)
    sums = [np.bincount(key, part, M * M).astype(np.float64) for part in parts]
    return np.stack(sums).reshape(5, M, M)
