"""The multiplier bootstrap of a fit over parts: sums of cluster scores with random signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, logistic, run_sums
from workbench.decompose.parted.again import Source, laid_again
from workbench.decompose.parted.moments import Directions, decided
from workbench.decompose.parted.stored import Piece
from workbench.decompose.resample.by_name import signs_of
from workbench.engine import Engine

_ROWS = 2048
"""Clusters whose signs are held as numbers at a time."""


def signed_scores(
    source: Source, fits: Mapping[int, GroupFit], replicates: int, seed: int, engine: Engine
) -> dict[int, Array]:
    """Return the sums of the scores of all clusters with random signs, by group.

    Parameters
    ----------
    source : Source
    fits : mapping of int to GroupFit
        By number of the group.
    replicates, seed : int
    engine : Engine

    Returns
    -------
    dict of int to ndarray, shape (active terms, replicates)
    """
    work = _SignedAt(fits, source.directions, replicates, seed)
    total = {j: np.zeros((int(fit.active.sum()), replicates)) for j, fit in fits.items()}
    with laid_again(source, engine) as whole:
        for part in engine.map(work, whole.pieces):
            for j, own in part.items():
                total[j] += own
    return total


@dataclass(frozen=True, eq=False)
class _SignedAt:
    fits: Mapping[int, GroupFit]
    directions: Directions
    replicates: int
    seed: int

    def __call__(self, piece: Piece) -> dict[int, Array]:
        design, words = piece.open(), piece.array("draws")
        found = {}
        for local, number in enumerate(piece.groups.tolist()):
            if number not in self.fits:
                continue
            active = self.fits[number].active
            rows, cells = design.compact(local)
            X = design.X[rows]
            kept = ~decided(X, self.directions.get(number))
            X, rows = X[np.ix_(kept, active)], rows[kept]
            p = logistic(X @ self.fits[number].coef[active])
            residual = cells.votes[kept, 0] - cells.weight[kept, 0] * p
            own, starts = np.unique(design.cluster[rows], return_index=True)
            scores = run_sums(X, residual, starts)
            found[number] = self._signed(scores, words[own])
        return found

    def _signed(self, scores: Array, words: np.ndarray) -> Array:
        """Return ``sum_g xi_g s_g`` of each replicate, shape (k, replicates)."""
        total = np.zeros((scores.shape[1], self.replicates))
        for start in range(0, len(scores), _ROWS):
            at = slice(start, start + _ROWS)
            bits = signs_of(words[at], 0, self.replicates, self.seed)
            total += scores[at].T @ bits.astype(np.float64)
        return np.asarray(2.0 * total - scores.sum(axis=0)[:, None])
