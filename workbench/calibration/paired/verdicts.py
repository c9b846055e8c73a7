"""Verdicts of many judges beside a reference, as matrices of judges by pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.agreement import one_against_mode, vote_counts
from workbench.audit.judges.verdicts.preferences import (
    judges_beside,
    judges_free,
    reference_mask,
)
from workbench.clustered import Array, Codes
from workbench.data.columns import NOUNS
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, listed

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What judges said, J judges by n pairs; pairs of a cluster stand beside each other.

    Attributes
    ----------
    names : list of str
        In the order of the rows.
    agreement : ndarray, shape (J, n)
        Mean 1 - |a - b| against the mode of the reference, 0 where it is not known; in units of
        ``unit``, so that halves are whole numbers.
    unit : float
    asked : ndarray of bool, shape (J, n)
        Where the agreement is known: an unread verdict agrees with nobody.
    side : ndarray, shape (J, n)
        The side that most verdicts are on: 1 for A, -1 for B, 0 a tie, or no verdict.
    read : ndarray of bool, shape (J, n)
        Where there is a verdict, whether or not the reference has one.
    unread : ndarray, shape (J, n)
        Verdicts that could not be read.
    pair : ndarray of int, shape (n,)
        Row in ``data.pairs``.
    cluster : ndarray of int, shape (n,)
        Not falling.
    exclusions : DataFrame
        Labels that say nothing here: ``annotator, reason, n``.
    """

    names: list[str]
    agreement: NDArray[Any]
    unit: float
    asked: Mask
    side: NDArray[np.int8]
    read: Mask
    unread: NDArray[np.int16]
    pair: Codes
    cluster: Codes
    exclusions: pd.DataFrame

    def within(self, inside: Mask) -> Verdicts:
        """Return the verdicts on some of the pairs, shape (n,)."""
        return Verdicts(
            self.names, self.agreement[:, inside], self.unit, self.asked[:, inside],
            self.side[:, inside], self.read[:, inside], self.unread[:, inside],
            self.pair[inside], self.cluster[inside], self.exclusions,
        )  # fmt: skip


def judges_of(data: PreferenceData, judges: Sequence[str] | None, reference: str) -> list[str]:
    """Return the judges that are compared, two at least, in the order in which they are named.

    Raises
    ------
    DesignError
        No labels of the reference, or fewer than two judges, or one that is of the reference.
    DataError
        A name that the data do not have.
    """
    theirs = reference_mask(data, reference)
    if not theirs.any():
        raise DesignError(
            f"There are no {NOUNS.get(reference, f'labels of {reference}')} to agree with.",
            found=f"annotators {', '.join(data.annotators['annotator'][:12])}",
            expected="labels of the reference",
            fix="Name another reference.",
        )
    names = judges_free(data, theirs) if judges is None else listed("judges", judges)
    if judges is not None:
        judges_beside(data, names, theirs)
    if len(set(names)) < 2:
        raise DesignError(
            "There are no two judges to compare.",
            found=", ".join(names) or "nobody beside the reference and people",
            expected="two names; repeats of one judge are one annotator, whose runs nothing tells "
            "apart",
            fix="Name two annotators; runs of one judge need a name each when they are loaded.",
        )
    return list(dict.fromkeys(names))


def verdicts_of(data: PreferenceData, names: Sequence[str], reference: str) -> Verdicts:
    """Return what judges said beside a reference, on pairs that some of them were asked.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion.
    names : sequence of str
    reference : str

    Notes
    -----
    Agreement is that of :func:`workbench.judge_board`. A label without weight is left out; a pair
    counts once, whatever its labels weigh.

    Examples
    --------
    >>> import workbench as wb
    >>> found = verdicts_of(wb.load("sample"), ["sim-judge-length", "sim-judge-format"], "human")
    >>> found.agreement.shape[0], found.unit, bool((np.diff(found.cluster) >= 0).all())
    (2, 1.0, True)
    """
    labels, row, J, n = data.labels, data.pair_rows, len(names), len(data.pairs)
    judge = pd.Index(list(names)).get_indexer(labels["annotator"])
    preference = labels["preference"].to_numpy("float64")
    counts = labels["weight"].to_numpy("float64") > 0
    said = (judge >= 0) & np.isfinite(preference) & counts
    failed = labels["reason"].eq("failed").to_numpy(dtype=bool) & np.isnan(preference)
    lost = (judge >= 0) & failed & counts
    credit, there = _credit(data, reference_mask(data, reference) & counts)
    key = judge[said] * n + row[said]
    side = (np.sign(preference[said] - 0.5) + 1).astype(int)
    read = _table(key, None, J, n)
    right = _table(key, credit[row[said], side], J, n)
    lean = _table(key, side - 1.0, J, n)
    unread = _table(judge[lost] * n + row[lost], None, J, n)
    tried = read + unread
    agreement = np.divide(right, tried, out=np.zeros((J, n)), where=tried > 0)
    asked = (tried > 0) & there
    unit = 0.5 if np.array_equal(2 * agreement, np.rint(2 * agreement)) else 1.0
    cluster = pd.factorize(data.pairs["cluster"])[0]
    used = np.flatnonzero((tried > 0).any(axis=0))
    order = used[np.argsort(cluster[used], kind="stable")]
    scaled = (2 * agreement).astype(np.int8) if unit == 0.5 else agreement
    return Verdicts(
        names=list(names), agreement=np.where(asked, scaled, scaled.dtype.type(0))[:, order],
        unit=unit, asked=asked[:, order], side=np.sign(lean).astype(np.int8)[:, order],
        read=(read > 0)[:, order], unread=unread.astype(np.int16)[:, order],
        pair=order, cluster=cluster[order],
        exclusions=_left_out(labels, judge, counts, failed),
    )  # fmt: skip


def _credit(data: PreferenceData, theirs: Mask) -> tuple[Array, Mask]:
    """Return what saying B, tie or A earns on each pair, and where the reference has a verdict."""
    votes = vote_counts(data, theirs)
    one = np.eye(3)
    columns = [one_against_mode(np.tile(one[k], (len(votes), 1)), votes) for k in range(3)]
    credit = np.stack(columns, axis=1)
    return np.nan_to_num(credit), np.isfinite(credit[:, 0])


def _table(key: Codes, weight: Array | None, J: int, n: int) -> Array:
    return np.bincount(key, weight, J * n).astype(np.float64).reshape(J, n)


def _left_out(labels: pd.DataFrame, judge: Codes, counts: Mask, failed: Mask) -> pd.DataFrame:
    """Return the labels of judges that are left out, by reason."""
    mine = judge >= 0
    silent = labels["preference"].isna().to_numpy() & ~failed
    told = {"no weight": mine & ~counts}
    for reason in sorted(set(labels["reason"][mine & silent & counts].fillna("no verdict"))):
        named = labels["reason"].fillna("no verdict").eq(reason).to_numpy(dtype=bool)
        told[str(reason)] = mine & silent & counts & named
    parts = [
        labels.loc[chosen, ["annotator"]].assign(reason=reason)
        for reason, chosen in told.items()
        if chosen.any()
    ]
    if not parts:
        return pd.DataFrame(columns=["annotator", "reason", "n"])
    return pd.concat(parts).value_counts(sort=False).sort_index().rename("n").reset_index()
