"""Weights that labels and verdicts give together: power tuned for each of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.calibration.few.fits import (
    FEW_PROMPTS,
    NO_FIT,
    Alone,
    cluster_sums,
    fit_alone,
)
from workbench.calibration.few.judged import Judged, fit_judged
from workbench.clustered import Array, Codes, starts_of
from workbench.decompose.errors.sandwich import FEWEST_DEGREES
from workbench.decompose.kernel import in_threads, logistic

_PRIOR = 5.0
"""Labels whose error without a judge is mixed in: few that all agree say little of the rest.

A judge that errs on 1 % of pairs, all longer answers, seems faultless on a third of all draws of
100 labels: simulated, its contrast held in 63 % of draws with two such labels, 93 % with five.
"""

METHOD = (
    "PPI++ on the score equations, power tuned for each number out of prompt, CR2 and jackknife "
    "errors over prompts, t"
)


class Setting(NamedTuple):
    """What is fitted.

    Attributes
    ----------
    X : ndarray, shape (N, K)
        Coded differences; pairs of one cluster are neighbours.
    terms : list of str
        Names of the columns.
    scores : ndarray, shape (N, J)
    said, weight : ndarray, shape (N,)
    cluster : ndarray of int, shape (N,)
    told : ndarray, shape (R, K)
        What is told of the weights: one row a number.
    constant : bool
        As in :func:`workbench.decompose.identify.identify`.
    """

    X: Array
    terms: list[str]
    scores: Array
    said: Array
    weight: Array
    cluster: Codes
    told: Array
    constant: bool = False


def tuned(setting: Setting) -> list[dict[str, Any]]:
    """Return the weights of each judge beside people, and how far its own lie from theirs.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    list of dict, one a judge
        ``weights`` and ``contrasts``: each ``estimate, error, df, power, people, people_error,
        people_df, effective_labels`` of shape (R,) and ``reason`` (a list); ``n, n_pairs,
        n_clusters``.
    """
    known = setting.weight > 0
    judged = np.isfinite(setting.scores)
    alone: dict[bytes, Alone] = {}
    for mine in judged[known].T:
        key = mine.tobytes()
        if key not in alone:
            at = np.flatnonzero(known)[mine]
            alone[key] = fit_alone(setting.X[at], setting.said[at], setting.weight[at],
                                   setting.cluster[at], setting.terms,
                                   constant=setting.constant)  # fmt: skip
    own = [alone[mine.tobytes()] for mine in judged[known].T]
    told = np.isfinite([people.coef for people in own])
    both = fit_judged(setting.X, setting.scores, setting.said, setting.weight, setting.terms, told,
                      constant=setting.constant)  # fmt: skip

    def one(j: int) -> dict[str, Any]:
        return _Judge(setting, both, own[j], j).told()

    return in_threads(one, range(setting.scores.shape[1]))


class _Judge:
    """Pulls of one judge's pairs, and of the labels."""

    def __init__(self, setting: Setting, both: Judged, people: Alone, j: int) -> None:
        self.setting, self.both, self.people, self.j = setting, both, people, j
        there = np.isfinite(setting.scores[:, j])
        whole = bool(there.all())
        self.X = setting.X if whole else setting.X[there]
        self.cluster = setting.cluster if whole else setting.cluster[there]
        self.scores, self.said = setting.scores[there, j], setting.said[there]
        self.weight = setting.weight[there]
        self.in_own, self.in_both = both.own_rows[there, j], both.both_rows[there, j]
        self.known = self.weight > 0
        self.n, self.N = int(self.known.sum()), len(self.cluster)
        self.starts = starts_of(self.cluster)
        own = self.cluster[self.known]
        self.own_starts = starts_of(own)
        # clusters with a label come one by one, the others as sums of products
        self.labelled = np.isin(self.cluster[self.starts], own[self.own_starts])

    def told(self) -> dict[str, Any]:
        """Return the weights and contrasts with what they rest on."""
        told, j, people, both = self.setting.told, self.j, self.people, self.both
        used = told != 0
        R = len(told)
        counts = {"n": self.n, "n_pairs": self.N, "n_clusters": len(self.starts)}
        if not self.n:
            blank = _blank(R, ["no labelled pair with a verdict of the judge"] * R)
            return {"weights": blank, "contrasts": blank, **counts}
        first, second = self._pulls()
        has_people = ~(used & ~np.isfinite(people.coef)).any(axis=1)
        has_both = ~(used & ~(np.isfinite(both.both[j]) & people.identified)).any(axis=1)
        has_own = ~(used & ~np.isfinite(both.own[j])).any(axis=1)
        alone = people.influence @ told.T
        plain, full, judge = (
            np.nan_to_num(one) @ told.T for one in (people.coef, both.both[j], both.own[j])
        )
        gap = first.labelled @ told.T - alone
        spread = {"gap": gap, "rest": first.rest(told), "alone": alone}
        model = np.einsum("rk,kl,rl->r", told, both.both_bread[j], told) * self.N / max(self.n, 1)
        base = {"df": self._df(told), "model": model, "people": has_people, "both": has_both}
        weights = self._tune(plain, full - plain, base, spread, np.ones(R, dtype=bool))
        lean = second.labelled @ told.T - alone
        cross = {"gap": -gap, "rest": first.rest(told), "alone": lean,
                 "across": -first.across(second, told), "beyond": second.rest(told)}  # fmt: skip
        contrasts = self._tune(judge - plain, plain - full, base, cross, has_own)
        weights["judge"] = np.where(has_own, judge, np.nan)
        contrasts["judge"] = np.full(R, np.nan)
        for found, own in ((weights, np.ones(R, dtype=bool)), (contrasts, has_own)):
            found["reason"] = self._reasons(found, own)
        return {"weights": weights, "contrasts": contrasts, **counts}

    def _tune(
        self, start: Array, step: Array, base: dict[str, Any], spread: dict[str, Array],
        defined: NDArray[np.bool_],
    ) -> dict[str, Any]:  # fmt: skip
        """Return start + power x step, of the least variance."""
        alone, gap = spread["alone"], spread["gap"]
        across, beyond = spread.get("across", 0.0), spread.get("beyond", 0.0)
        plain = (alone**2).sum(axis=0) + beyond
        both = -((alone * gap).sum(axis=0) + across)
        square = (gap**2).sum(axis=0) + spread["rest"]
        power = _slope(both, square)
        power = np.where(base["people"] & ~base["both"], 0.0, power)
        power = np.where(~base["people"], 1.0, power)
        df_people = np.nan_to_num(_least(self.people.df, self.setting.told))
        df = (1 - power) * df_people + power * base["df"]
        # where a correction has too few clusters to tell its error, the labels alone stand
        few = base["people"] & (df < FEWEST_DEGREES)
        power, df = np.where(few, 0.0, power), np.where(few, df_people, df)
        # each cluster's own pull has no part in the power that it is counted with
        apart = _slope(both + alone * gap, square - gap**2)
        apart = np.where(base["people"] & base["both"] & ~few, apart, power)
        variance = ((alone + apart * gap) ** 2).sum(axis=0)
        variance += beyond + 2 * power * across + power**2 * spread["rest"]
        known = np.where(base["people"], plain, base["model"] + beyond)
        G = len(self.own_starts)
        lacking = np.maximum(known - variance, 0.0) * _PRIOR / (G + _PRIOR)
        variance += np.where(power > 0, lacking, 0.0)
        fine = defined & (base["people"] | base["both"]) & (df >= FEWEST_DEGREES) & (variance > 0)
        told_people = defined & base["people"]
        blank = np.full(len(start), np.nan)
        worth = np.divide(self.n * plain, variance, out=blank.copy(), where=fine & told_people)
        return {
            "estimate": np.where(fine, start + power * step, blank),
            "error": np.where(fine, np.sqrt(variance), blank),
            "df": df, "power": np.where(fine, power, blank),
            "people": np.where(told_people, start, blank),
            "people_error": np.where(told_people, np.sqrt(plain), blank),
            "people_df": df_people,
            "effective_labels": worth,
        }  # fmt: skip

    def _pulls(self) -> tuple[_Pull, _Pull]:
        """Return pulls on the solution with full power, and on the judge's own weights."""
        X, j, both = self.X, self.j, self.both
        at = np.flatnonzero(self.known)
        w = self.weight[at]
        rectifier = w * self.N / w.sum() * (self.said[at] - self.scores[at]) * self.in_both[at]
        apart = cluster_sums(X[at], rectifier, self.own_starts)
        total = apart.sum(axis=0)
        part = np.add.reduceat(w, self.own_starts) / w.sum()
        G = len(part)
        left = np.where(part < 1, 1 - part, 1.0)
        # jackknife: a cluster's share is missing from the mean that it is held against
        apart = (apart - part[:, None] * total) / left[:, None] * np.sqrt((G - 1) / G)
        size = np.diff(np.append(self.starts, self.N)) / self.N
        full = self._scores(np.nan_to_num(both.both[j]), self.in_both) + size[:, None] * total
        own = self._scores(np.nan_to_num(both.own[j]), self.in_own)
        inside, outside = self.labelled, ~self.labelled
        bread, own_bread = both.both_bread[j], both.own_bread[j]
        first = _Pull((full[inside] + apart) @ bread, full[outside], bread)
        return first, _Pull(own[inside] @ own_bread, own[outside], own_bread)

    def _scores(self, coef: Array, inside: NDArray[np.bool_]) -> Array:
        residual = (self.scores - logistic(self.X @ coef)) * inside
        return cluster_sums(self.X, residual, self.starts)

    def _df(self, told: Array) -> Array:
        """Return how many clusters of equal part in the correction there are, less one."""
        reach = self.X[self.known] @ (self.both.both_bread[self.j] @ told.T)
        own = (self.weight * self.in_both)[self.known][:, None] ** 2 * reach**2
        own = np.add.reduceat(own, self.own_starts, axis=0)
        square = (own**2).sum(axis=0)
        total = own.sum(axis=0) ** 2
        ratio = np.divide(total, square, out=np.ones(len(told)), where=square > 0)
        return np.asarray(ratio - 1)

    def _reasons(self, found: dict[str, Any], own: NDArray[np.bool_]) -> list[str | None]:
        reasons: list[str | None] = []
        for r, row in enumerate(self.setting.told):
            if np.isfinite(found["estimate"][r]):
                reasons.append(None)
                continue
            terms = np.flatnonzero(row).tolist()
            theirs = [self.both.reasons[self.j].get(k) for k in terms]
            people = [self.people.reasons.get(k) for k in terms]
            judge = next((f"the judge: {why}" for why in theirs if why), None)
            label = next((why for why in people if why), None)
            few = FEW_PROMPTS if found["df"][r] < FEWEST_DEGREES else None
            first = (judge, label) if not own[r] else (label, judge)
            reasons.append(next((why for why in (*first, few) if why), NO_FIT))
        return reasons


class _Pull(NamedTuple):
    """Pulls of clusters with a label one by one, and scores of the others.

    Attributes
    ----------
    labelled : ndarray, shape (G, K)
    others : ndarray, shape (H, K)
        Scores, to be multiplied by ``bread``.
    bread : ndarray, shape (K, K)
    """

    labelled: Array
    others: Array
    bread: Array

    def rest(self, told: Array) -> Array:
        """Return the variance that clusters without a label give each number."""
        return self.across(self, told)

    def across(self, other: _Pull, told: Array) -> Array:
        """Return the covariance with another solution that these clusters give."""
        mine, theirs = told @ self.bread, told @ other.bread
        return np.asarray(np.einsum("rk,kl,rl->r", mine, self.others.T @ other.others, theirs))


def _slope(both: Array, square: Array) -> Array:
    found = np.divide(both, square, out=np.zeros(np.shape(both)), where=square > 0)
    return np.asarray(np.clip(found, 0.0, 1.0))


def _least(df: Array, told: Array) -> Array:
    """Return the fewest degrees of freedom among the terms of each number."""
    return np.asarray(np.where(told != 0, df, np.inf).min(axis=1))


def _blank(R: int, reason: list[str]) -> dict[str, Any]:
    names = ("estimate", "error", "df", "power", "people", "people_error", "people_df", "judge",
             "effective_labels")  # fmt: skip
    return {**{name: np.full(R, np.nan) for name in names}, "reason": reason}
