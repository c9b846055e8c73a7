"""What is known of each pair before people are asked, and where the judge was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.agreement import leave_one_out, vote_counts
from workbench.audit.judges.verdicts.preferences import mean_preferences, reference_mask
from workbench.calibration.choose.layout import model_differences
from workbench.clustered import share
from workbench.curate.margins import fit_ridge
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes, logistic
from workbench.errors import DataError, DesignError, listed

_EVEN = 1e-9
"""A mean preference this near to a half is a tie: sums of thirds round."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Pairs that the judge was asked about, in the order of their names.

    Attributes
    ----------
    pair_id : ndarray of str, shape (n,)
    verdict : ndarray, shape (n,)
        The judge's side: 1 A, 0 B, 0.5 a tie, a contradiction or no verdict that could be read.
    margin : ndarray, shape (n,)
        ``|2 p - 1|`` of its mean preference; 0 without one.
    dissent : ndarray, shape (n,)
        Mean distance of the other judges' preferences from the judge's; 0 without others.
    surprise : ndarray, shape (n,)
        How unlikely its verdict is by ratings of the models from its own verdicts: 1 - P; 0
        where models have no names.
    truth : ndarray, shape (n,)
        The side of most people; NaN where there are none, or no majority.
    length, gap : ndarray, shape (n,), or None
        Characters of both responses, and the absolute logarithm of their ratio.
    cluster : ndarray of int, shape (n,)
    cluster_name, scenario : ndarray of str, shape (n,)
    distance : ndarray, shape (n, K)
        ``|d|`` of each factor; 0 where it has no value.
    factors : list of str
    one_person : dict
        Error of one person against the majority of the others (:func:`workbench.clustered.share`).
    exclusions : DataFrame
        Pairs left out: ``reason, n``.
    """

    pair_id: NDArray[np.object_]
    verdict: Array
    margin: Array
    dissent: Array
    surprise: Array
    truth: Array
    length: Array | None
    gap: Array | None
    cluster: Codes
    cluster_name: NDArray[np.object_]
    scenario: NDArray[np.object_]
    distance: Array
    factors: list[str]
    one_person: dict[str, object]
    exclusions: pd.DataFrame

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Pairs on which people have a majority."""
        return np.isfinite(self.truth)

    @property
    def error(self) -> Array:
        """How wrong the judge is: 0, 1, or a half where it ties; NaN without people."""
        return np.abs(self.verdict - self.truth)


def evidence(
    data: PreferenceData, judge: str, reference: str, judges: Sequence[str] | None
) -> Evidence:
    """Return what is known of the pairs that a judge was asked about.

    Raises
    ------
    DataError
        An annotator that the data do not have.
    DesignError
        The judge is of the reference, or no pair has both.

    Examples
    --------
    >>> import workbench as wb
    >>> found = evidence(wb.load("sample"), "sim-judge-length", "human", None)
    >>> bool(found.labelled.any()), found.dissent.max() > 0
    (True, np.True_)
    """
    theirs = reference_mask(data, reference)
    mine = data.labels["annotator"].eq(judge).to_numpy(dtype=bool)
    others = _others(data, judge, theirs, judges)
    if not mine.any():
        raise DataError(
            f"The data have no judge {judge!r}.",
            found=", ".join(data.annotators["annotator"][:12]),
            expected="an annotator of the data",
            fix="Name one of these as the judge.",
        )
    if (mine & theirs).any():
        raise DesignError(
            "The judge is one of those whom it would stand in for.",
            found=f"judge {judge!r}, reference {reference!r}",
            expected="two",
            fix="Name another judge, or another reference.",
        )
    ids = data.pairs["pair_id"].to_numpy(dtype=object)
    asked = np.bincount(data.pair_rows[mine], minlength=len(ids)) > 0
    people = mean_preferences(data, theirs)
    truth = _side(people["preference"].to_numpy())
    split = asked & (truth == 0.5)
    row = np.flatnonzero(asked & ~split)
    row = row[np.argsort(ids[row].astype(str), kind="stable")]
    own = mean_preferences(data, mine)["preference"].to_numpy()[row]
    verdict = np.where(np.isnan(own), 0.5, _side(own))
    length, gap = _lengths(data, row)
    cluster, names = pd.factorize(data.pairs["cluster"].astype("object").to_numpy()[row], sort=True)
    distance = np.abs(data.factors[data.factor_names].to_numpy("float64"))[row]
    found = Evidence(
        pair_id=ids[row],
        verdict=verdict,
        margin=np.nan_to_num(np.abs(2 * own - 1)),
        dissent=_dissent(data, own, others, row),
        surprise=_surprise(data, verdict, row),
        truth=truth[row],
        length=length,
        gap=gap,
        cluster=cluster.astype(np.int64),
        cluster_name=names.astype(object)[cluster],
        scenario=data.pairs["scenario"].astype("object").fillna("").to_numpy()[row],
        distance=np.nan_to_num(distance),
        factors=data.factor_names,
        one_person=_one_person(data, theirs, row, cluster),
        exclusions=_left_out(int((~asked).sum()), int(split.sum()), int(np.isnan(own).sum())),
    )
    if not found.labelled.any():
        raise DesignError(
            "No pair tells whether the judge is right.",
            found=f"{int(asked.sum()):,} pairs with {judge}, {int((people['n'] > 0).sum()):,} "
            f"with {reference}, none with both and a majority",
            expected="pairs with labels of both",
            fix="Have some of the judge's pairs labelled first.",
        )
    return found


def _others(
    data: PreferenceData, judge: str, theirs: NDArray[np.bool_], judges: Sequence[str] | None
) -> list[str]:
    """Return the judges whose dissent counts: all that are no people when None."""
    table = data.annotators
    inside = {*data.labels.loc[theirs, "annotator"], judge}
    if judges is None:
        named = table.loc[table["kind"].ne("human"), "annotator"]
        return [name for name in named if name not in inside]
    wanted = listed("judges", judges)
    data.filter(annotators=wanted)
    return [name for name in dict.fromkeys(wanted) if name not in inside]


def _side(mean: Array) -> Array:
    """Return 1, 0.5 or 0 for a mean preference; NaN stays."""
    lean = np.where(np.abs(mean - 0.5) < _EVEN, 0.0, mean - 0.5)
    return np.asarray((np.sign(lean) + 1) / 2)


def _dissent(data: PreferenceData, own: Array, others: Sequence[str], row: Codes) -> Array:
    """Return the mean distance of the others' mean preferences, all judges at once."""
    labels, n, k = data.labels, len(data.pairs), len(others)
    codes, names = pd.factorize(labels["annotator"])
    place = pd.Index(others).get_indexer(pd.Index(names))[codes]
    y, w = (labels[name].to_numpy("float64") for name in ("preference", "weight"))
    use = (place >= 0) & np.isfinite(y) & (w > 0)
    key = place[use] * n + data.pair_rows[use]
    total = np.bincount(key, w[use], k * n).reshape(k, n)[:, row]
    sums = np.bincount(key, w[use] * y[use], k * n).reshape(k, n)[:, row]
    told = total > 0
    mean = np.divide(sums, total, out=np.zeros(sums.shape), where=told)
    at = np.where(np.isnan(own), 0.5, own)
    apart = np.where(told, np.abs(mean - at), 0.0).sum(axis=0)
    count = told.sum(axis=0)
    return np.asarray(np.divide(apart, count, out=np.zeros(len(row)), where=count > 0))


def _surprise(data: PreferenceData, verdict: Array, row: Codes) -> Array:
    if data.pairs[["model_a", "model_b"]].dropna().nunique().sum() < 2:
        return np.zeros(len(row))
    X, _, reason = model_differences(data)
    X, named = X[row], reason.isna().to_numpy()[row]
    weights = fit_ridge(X[named], np.ones((int(named.sum()), 1)), verdict[named, None])[0]
    p = logistic(X @ weights)
    return np.where(named, np.abs(verdict - p), 0.0)


def _lengths(data: PreferenceData, row: Codes) -> tuple[Array | None, Array | None]:
    texts = [data.pairs[f"response_{side}"].iloc[row] for side in "ab"]
    if any(text.isna().any() for text in texts):
        return None, None
    a, b = (text.str.len().to_numpy("float64") for text in texts)
    return a + b, np.abs(np.log((a + 1) / (b + 1)))


def _one_person(
    data: PreferenceData, theirs: NDArray[np.bool_], row: Codes, cluster: Codes
) -> dict[str, object]:
    agreed = leave_one_out(vote_counts(data, theirs)[row])
    known = np.isfinite(agreed)
    return share(1 - agreed[known], cluster[known])


def _left_out(unasked: int, split: int, unread: int) -> pd.DataFrame:
    rows = [
        ("the judge was not asked", unasked),
        ("people are split: nothing says who is right", split),
        ("no verdict of the judge that could be read: counted as a tie", unread),
    ]
    return pd.DataFrame([(text, n) for text, n in rows if n], columns=["reason", "n"])
