"""What judges say of each pair as numbers, beside what people say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from workbench.audit.judges.verdicts.preferences import (
    counting,
    judges_beside,
    mean_preferences,
    reference_mask,
    weighted_means,
)
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.errors import DesignError
from workbench.structure.shared_prompts import refuse_few_prompts

SURE = 0.001
"""Nearest to 0 and 1 that a probability comes in a logarithm: what is surer counts as this."""

PROBABILITY, STRENGTH, VERDICT = "probability", "strength", "verdict"
"""What a judge says: a probability, a side with a strength, or a side alone."""


@dataclass(frozen=True, eq=False)
class Signals:
    """Verdicts of J judges on the n pairs of the data, and the labels of a reference.

    Attributes
    ----------
    judges : list of str
    kinds : list of str
        Of :data:`PROBABILITY`, :data:`STRENGTH` and :data:`VERDICT`, one a judge.
    p : ndarray, shape (J, n)
        Mean P(A preferred) over orders and repeats; NaN without a verdict.
    margin : ndarray, shape (J, n)
        What orders the pairs of one judge, with the sign of the side: log-odds of ``p``, or the
        mean strength.
    y : ndarray, shape (n,)
        Mean preference of the reference; NaN where it has no label.
    cluster, fold : ndarray of int, shape (n,)
        All pairs of a cluster (prompt) are in one fold.
    exclusions : DataFrame
        ``annotator, reason, n``.
    """

    judges: list[str]
    kinds: list[str]
    p: Array
    margin: Array
    y: Array
    cluster: Codes
    fold: Codes
    exclusions: pd.DataFrame


def signals(
    data: PreferenceData, judge: str | Sequence[str] | None, reference: str, folds: int, seed: int
) -> Signals:
    """Lay out verdicts and labels, one row a judge and one column a pair.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion.
    judge : str, sequence of str or None
        All that are neither people nor gold, nor of the reference, when None.
    reference : str
    folds, seed : int

    Raises
    ------
    DataError
        An unknown judge.
    DesignError
        No label of the reference, no judge, no pair of both, or fewer prompts than folds.

    Examples
    --------
    >>> import workbench as wb
    >>> found = signals(wb.load("sample"), "sim-judge-length", "human", 5, 0)
    >>> found.p.shape, found.kinds
    ((1, 2000), ['verdict'])
    """
    theirs = reference_mask(data, reference)
    names = _judges(data, judge, theirs, reference)
    people = mean_preferences(data, theirs)
    y = people["preference"].to_numpy()
    known = np.isfinite(y)
    code, usable = _coded(data, names)
    p, margin, kinds = _means(data, names, code, usable)
    if not (np.isfinite(p).any(axis=0) & known).any():
        raise DesignError(
            "No pair has a verdict of a judge and a label of the reference.",
            found=f"{int(known.sum()):,} pairs with labels of {reference}; verdicts of "
            f"{', '.join(names[:6])} on others",
            expected="pairs that both decided",
            fix="Let the reference label pairs that the judge has judged, or name others: judge=, "
            "reference=.",
        )
    cluster, prompts = pd.factorize(data.pairs["cluster"], sort=True)
    labelled = np.zeros(len(prompts), dtype=bool)
    labelled[cluster[known & np.isfinite(p).any(axis=0)]] = True
    refuse_few_prompts(int(labelled.sum()), folds)
    fold = np.zeros(len(y), dtype=np.int64)
    for part in (labelled[cluster], ~labelled[cluster]):
        # prompts without a label are spread over the folds by themselves: all parts stay even
        few = len(np.unique(cluster[part]))
        if few:
            fold[part] = fold_numbers(prompts.astype(str)[cluster[part]], min(folds, few), seed)
    left = _left_out(data, code, theirs)
    return Signals(names, kinds, p, margin, y, cluster, fold, left)


def _judges(
    data: PreferenceData,
    judge: str | Sequence[str] | None,
    theirs: NDArray[np.bool_],
    reference: str,
) -> list[str]:
    if not theirs.any():
        known = data.annotators["annotator"]
        raise DesignError(
            "There are no labels to calibrate on.",
            found=f"no annotator or kind {reference!r}",
            expected="labels of the reference: " + ", ".join(known[:12]),
            fix="Name another reference=.",
        )
    return judges_beside(data, judge, theirs)


def _coded(data: PreferenceData, names: list[str]) -> tuple[Codes, Codes]:
    """Return the judge of each label (-1: none), and the positions of those that say something."""
    code = pd.Index(names).get_indexer(pd.Index(data.labels["annotator"]))
    return np.asarray(code, dtype=np.int64), counting(data, code >= 0)


def _means(
    data: PreferenceData, names: list[str], code: Codes, usable: Codes
) -> tuple[Array, Array, list[str]]:
    J, n = len(names), len(data.pairs)
    labels, who = data.labels[["preference", "weight", "strength"]].iloc[usable], code[usable]
    y = labels["preference"].to_numpy("float64")
    strength = np.abs(labels["strength"].to_numpy("float64"))
    cell = who * n + data.pair_rows[usable]
    p = weighted_means(labels, cell, J * n).reshape(J, n)
    soft = np.bincount(who, (y > 0) & (y < 1) & (y != 0.5), J) > 0
    lacking = np.bincount(who, (y != 0.5) & ~np.isfinite(strength), J) > 0
    graded = np.zeros(J, dtype=bool)
    for j in np.flatnonzero(~soft & ~lacking).tolist():
        mine = strength[(who == j) & (y != 0.5)]
        # one strength throughout says no more than the side
        graded[j] = len(mine) > 0 and np.ptp(mine) > 0
    margin = logit(np.clip(p, SURE, 1 - SURE))
    if graded.any():
        sized = np.sign(y - 0.5) * np.nan_to_num(strength)
        margin[graded] = weighted_means(labels, cell, J * n, sized).reshape(J, n)[graded]
    # repeats of a side are votes: their mean is soft, but half is a tie
    soft |= ~graded & ((p > 0) & (p < 1) & (np.round(p, 9) != 0.5)).any(axis=1)
    kinds = [PROBABILITY if s else STRENGTH if g else VERDICT
             for s, g in zip(soft, graded, strict=True)]  # fmt: skip
    return p, margin, kinds


def _left_out(data: PreferenceData, code: Codes, theirs: NDArray[np.bool_]) -> pd.DataFrame:
    """Return which labels of judges and of the reference count for nothing, and why."""
    preference = data.labels["preference"].to_numpy("float64")
    asked = (code >= 0) | theirs
    gone = asked.copy()
    gone[counting(data, asked)] = False
    labels = data.labels[gone]
    said = labels["reason"].fillna("no verdict").to_numpy(dtype=object)
    why = np.where(np.isfinite(preference[gone]), "no positive weight", said)
    table = pd.DataFrame({"annotator": labels["annotator"].to_numpy(), "reason": why})
    return table.value_counts(sort=False).rename("n").reset_index()
