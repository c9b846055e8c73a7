"""What is known of each pair before people are asked, and where the judge was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.agreement import unread_counts
from workbench.audit.judges.verdicts.preferences import (
    judges_beside,
    judges_free,
    mean_preferences,
    preference_table,
    reference_mask,
)  # fmt: skip
from workbench.calibration.choose.layout import model_differences
from workbench.clustered import no_value, share
from workbench.curate.margins import fit_ridge
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes, logistic
from workbench.errors import DataError, DesignError, listed

_EVEN = 1e-9
"""A mean preference this near to a half is a tie: sums of thirds round."""

_TURNED = "inconsistent"
"""Reason of a verdict that was another one in the other order."""


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
        The side of people's mean preference, a tie half a vote each way; NaN without people.
        Pairs on which they are even are left out.
    length, gap : ndarray, shape (n,), or None
        Characters of both responses, and the absolute logarithm of their ratio.
    cluster : ndarray of int, shape (n,)
    cluster_name, scenario : ndarray of str, shape (n,)
    distance : ndarray, shape (n, K)
        ``|d|`` of each factor; 0 where it has no value.
    factors : list of str
    one_person : dict
        Error of one person against the side of the others (:func:`workbench.clustered.share`).
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
    _refuse_nobody(data, judge, reference, mine, theirs)
    ids = data.pairs["pair_id"].to_numpy(dtype=object)
    people = mean_preferences(data, theirs)
    truth = _side(people["preference"].to_numpy())
    said, who = _said(data, mine), data.noun(reference)
    even = said.asked & (truth == 0.5)
    asked = np.flatnonzero(said.asked)
    asked = asked[np.argsort(ids[asked].astype(str), kind="stable")]
    row = asked[~even[asked]]
    own = said.own[row]
    verdict = np.where(np.isnan(own), 0.5, _side(own))
    length, gap = _lengths(data, row)
    cluster, names = pd.factorize(data.pairs["cluster"].astype("object").to_numpy()[row], sort=True)
    distance = np.abs(data.factors[data.factor_names].to_numpy("float64"))[row]
    found = Evidence(
        pair_id=ids[row],
        verdict=verdict,
        margin=np.nan_to_num(np.abs(2 * own - 1)),
        dissent=_dissent(preference_table(data, others)[row], own),
        surprise=_surprise(data, verdict, row),
        truth=truth[row],
        length=length,
        gap=gap,
        cluster=cluster.astype(np.int64),
        cluster_name=names.astype(object)[cluster],
        scenario=data.pairs["scenario"].astype("object").fillna("").to_numpy()[row],
        distance=np.nan_to_num(distance),
        factors=data.factor_names,
        one_person=_one_person(data, theirs, asked, who),
        exclusions=_left_out(said, even, who),
    )
    if not found.labelled.any():
        raise DesignError(
            "No pair tells whether the judge is right.",
            found=f"{int(said.asked.sum()):,} pairs with {judge}, {int((people['n'] > 0).sum()):,} "
            f"with {reference}, none with both and a majority",
            expected="pairs with labels of both",
            fix="Have some of the judge's pairs labelled first.",
        )
    return found


def _refuse_nobody(
    data: PreferenceData, judge: str, reference: str, mine: NDArray[np.bool_],
    theirs: NDArray[np.bool_],
) -> None:  # fmt: skip
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
    if not theirs.any():
        raise DesignError(
            "Nobody tells whether the judge is right.",
            found=f"no annotator or kind {reference!r}",
            expected="labels of the reference: " + ", ".join(data.annotators["annotator"][:12]),
            fix="Name another reference, or have some of the judge's pairs labelled first.",
        )


def _others(
    data: PreferenceData, judge: str, theirs: NDArray[np.bool_], judges: Sequence[str] | None
) -> list[str]:
    """Return the judges whose dissent counts: all that are neither people nor gold when None."""
    if judges is None:
        return [name for name in judges_free(data, theirs) if name != judge]
    wanted = listed("judges", judges)
    named = judges_beside(data, wanted, theirs) if wanted else []
    return [name for name in named if name != judge]


def _side(mean: Array) -> Array:
    """Return 1, 0.5 or 0 for a mean preference; NaN stays."""
    lean = np.where(np.abs(mean - 0.5) < _EVEN, 0.0, mean - 0.5)
    return np.asarray((np.sign(lean) + 1) / 2)


class _Said(NamedTuple):
    """What the judge said of each pair of the data: its mean preference, and why there is none."""

    own: Array
    labelled: NDArray[np.bool_]
    turned: NDArray[np.bool_]
    unread: NDArray[np.bool_]

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Pairs with a verdict, or one that is counted as a tie."""
        return np.isfinite(self.own) | self.turned | self.unread


def _said(data: PreferenceData, mine: NDArray[np.bool_]) -> _Said:
    labels, n = data.labels, len(data.pairs)
    counted = mine & (labels["weight"] > 0).to_numpy(dtype=bool)
    own = mean_preferences(data, counted)["preference"].to_numpy()
    lost = labels["preference"].isna() & labels["reason"].eq(_TURNED)
    turned = np.bincount(data.pair_rows[counted & lost.to_numpy(dtype=bool)], minlength=n) > 0
    turned &= np.isnan(own)
    unread = np.isnan(own) & ~turned & (unread_counts(data, counted) > 0)
    return _Said(own, np.bincount(data.pair_rows[mine], minlength=n) > 0, turned, unread)


def _dissent(others: Array, own: Array) -> Array:
    """Return the mean distance of the others' mean preferences: shape (pairs, others)."""
    told = np.isfinite(others)
    at = np.where(np.isnan(own), 0.5, own)[:, None]
    apart = np.where(told, np.abs(others - at), 0.0).sum(axis=1)
    count = told.sum(axis=1)
    return np.asarray(np.divide(apart, count, out=np.zeros(len(own)), where=count > 0))


def _surprise(data: PreferenceData, verdict: Array, row: Codes) -> Array:
    two = data.pairs[["model_a", "model_b"]].iloc[row].dropna().astype("object")
    if not two["model_a"].ne(two["model_b"]).any():
        return np.zeros(len(row))
    X, _, reason = model_differences(data)
    X, named = X[row], reason.isna().to_numpy()[row]
    weights = fit_ridge(X[named], np.ones((int(named.sum()), 1)), verdict[named, None])[0]
    p = logistic(X @ weights)
    return np.where(named, np.abs(verdict - p), 0.0)


def _lengths(data: PreferenceData, row: Codes) -> tuple[Array | None, Array | None]:
    # the length of a text is taken where it lies: rows repeat, their texts are not copied
    a, b = (
        data.pairs[f"response_{side}"].str.len().to_numpy("float64", na_value=np.nan)[row]
        for side in "ab"
    )
    if np.isnan(a).any() or np.isnan(b).any():
        return None, None
    return a + b, np.abs(np.log((a + 1) / (b + 1)))


def _one_person(
    data: PreferenceData, theirs: NDArray[np.bool_], row: Codes, who: str
) -> dict[str, object]:
    """Return the error of a label against the others', as that of the judge against all.

    Also of pairs on which all together are even: two people on the others never miss each other.
    """
    labels, n = data.labels, len(data.pairs)
    cluster = pd.factorize(data.pairs["cluster"].astype("object").to_numpy()[row], sort=True)[0]
    y, w = (labels[name].to_numpy("float64") for name in ("preference", "weight"))
    use = theirs & np.isfinite(y) & (w > 0)
    at, y, w = data.pair_rows[use], y[use], w[use]
    several = np.bincount(at, minlength=n)[at] > 1
    total, sums = np.bincount(at, w, n)[at] - w, np.bincount(at, w * y, n)[at] - w * y
    others = _side(np.divide(sums, total, out=np.full(len(y), 0.5), where=several))
    known = others != 0.5
    missed = np.abs(_side(y) - others)[known]
    count = np.bincount(at[known], minlength=n)[row]
    mean = np.bincount(at[known], missed, n)[row][count > 0] / count[count > 0]
    if not len(mean):
        two = np.isin(at[several], row).any()
        why = f"the other {who} name no side" if two else f"no pair has labels of two {who}"
        return no_value(cluster[:0]) | {"reason": why}
    return share(mean, cluster[count > 0])


def _left_out(said: _Said, even: NDArray[np.bool_], who: str) -> pd.DataFrame:
    kept = ~even
    rows = [
        ("the judge was not asked", ~said.labelled),
        ("no verdict of the judge: not applicable, or of weight 0", said.labelled & ~said.asked),
        (f"{who} are split or say tie: nothing says who is right", even),
        ("the judge contradicts itself between the orders: counted as a tie", kept & said.turned),
        ("no verdict of the judge that could be read: counted as a tie", kept & said.unread),
    ]
    counts = [(text, int(which.sum())) for text, which in rows]
    return pd.DataFrame([one for one in counts if one[1]], columns=["reason", "n"])
