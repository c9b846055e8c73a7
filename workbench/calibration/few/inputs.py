"""Few labels of people beside the verdicts of judges, laid out by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.by_verdict import verdict_strata
from workbench.audit.judges.verdicts.preferences import (
    judges_beside,
    mean_preferences,
    mean_weight,
    preference_table,
    reference_mask,
)
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError

EVERYTHING = "all"
"""The slice of all pairs."""


@dataclass(frozen=True, eq=False)
class Beside:
    """Verdicts of judges and labels of people, one row a pair; pairs of one cluster together.

    Attributes
    ----------
    judges : list of str
    scores : ndarray, shape (N, J)
        Preference for A of each judge; NaN without a verdict.
    kinds : ndarray of int, shape (N, J)
        Of :func:`workbench.audit.judges.verdicts.by_verdict.verdict_strata`.
    said : ndarray, shape (N,)
        The people's mean preference for A; NaN where nobody labelled the pair.
    weight : ndarray, shape (N,)
        Mean weight of a pair's labels: over the labelled pairs it averages 1; 0 without a label.
    cluster : ndarray of int, shape (N,)
        Sorted.
    rows : ndarray of int, shape (N,)
        Where each pair stands in the data.
    unused : int
        Pairs of the data on which the people have labels, and none that counts.
    """

    judges: list[str]
    scores: Array
    kinds: NDArray[np.int8]
    said: Array
    weight: Array
    cluster: Codes
    rows: NDArray[np.int64]
    unused: int = 0

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which pairs people labelled."""
        return self.weight > 0

    def take(self, which: NDArray[np.bool_]) -> Beside:
        """Return some of the pairs."""
        return replace(
            self, scores=self.scores[which], kinds=self.kinds[which], said=self.said[which],
            weight=self.weight[which], cluster=self.cluster[which], rows=self.rows[which],
        )  # fmt: skip


def lay(data: PreferenceData, judges: Sequence[str] | None, reference: str) -> Beside:
    """Lay out verdicts and labels.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion.
    judges : sequence of str, optional
        Every annotator that is neither a person nor gold, nor of the reference, when None.
    reference : str
        An annotator or a kind.

    Raises
    ------
    DesignError
        No judge, no label of the reference, or a judge that is of the reference.
    DataError
        An annotator that the data do not have.

    Examples
    --------
    >>> import workbench as wb
    >>> lay(wb.load("sample"), ["sim-judge-length"], "human").scores.shape[1]
    1
    """
    theirs = reference_mask(data, reference)
    people = mean_preferences(data, theirs)
    said = people["preference"].to_numpy()
    if not np.isfinite(said).any():
        raise DesignError(
            "There are no labels to hold the judges against.",
            found=f"no label of {reference} that has a verdict and a weight"
            if theirs.any()
            else f"no label of an annotator or a kind {reference!r}",
            expected="some pairs that the reference labelled",
            fix="Name another reference.",
        )
    names = judges_beside(data, judges, theirs)
    scores = preference_table(data, names)
    weight = mean_weight(data, theirs)
    cluster = pd.factorize(data.pairs["cluster"], sort=True)[0]
    used = np.isfinite(said) | np.isfinite(scores).any(axis=1)
    unused = len(np.unique(data.pair_rows[theirs])) - int(np.isfinite(said).sum())
    order = np.flatnonzero(used)[np.argsort(cluster[used], kind="stable")]
    scores = scores[order]
    return Beside(names, scores, verdict_strata(scores), said[order], weight[order],
                  cluster[order].astype(np.int64), order, unused)  # fmt: skip
