"""The cheap judge first, the next where it is unsure: what it costs, and how far it agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.board_rows import agreement_share
from workbench.audit.judges.verdicts.elsewhere import best_of, chosen_elsewhere
from workbench.calibration.panel.combine import led
from workbench.calibration.panel.rows import AGREEMENT, Folds, contenders, gain_row
from workbench.calibration.panel.votes import Mask, Votes
from workbench.clustered import Array, Codes, no_value
from workbench.errors import DesignError
from workbench.intervals import positive_mean

EVERYBODY = "everybody"
"""The point of a cascade at which nobody is sure enough."""

_MOST_POINTS = 9
_TIED = 1e-12


@dataclass(frozen=True, eq=False)
class Points:
    """What a cascade says and costs at each threshold.

    Attributes
    ----------
    order : ndarray of int, shape (k,)
        Members by cost; of equal cost the one that agrees more first, in each fold by the others,
        then the one that says more often what most members say.
    threshold : ndarray, shape (P,)
        Margins from which a judge is sure; infinite where everybody is asked.
    side, cost : ndarray, shape (n, P)
        Verdict, and what the members cost that were asked for it.
    asked : ndarray, shape (n, P)
        How many members were asked.
    """

    order: Codes
    threshold: Array
    side: Array
    cost: Array
    asked: Array


def costs_of(votes: Votes, costs: Mapping[str, float] | pd.DataFrame | None) -> tuple[Array, str]:
    """Return what a pair costs by each member, and what that is counted in.

    Parameters
    ----------
    votes : Votes
    costs : mapping of str to float, or DataFrame, optional
        Of a pair by name; or what a run spent, one row a judge and stage: ``group, cost``.

    Raises
    ------
    DesignError
        A member without a cost, or a cost that is no number of 0 or more.
    """
    if costs is None:
        return votes.calls, "calls"
    if isinstance(costs, pd.DataFrame):
        asked = dict(zip(votes.members, (~votes.missing).sum(axis=0), strict=True))
        spent = costs.groupby("group")["cost"].sum(min_count=1) if len(costs) else pd.Series()
        costs = {str(name): float(spent[name]) / max(int(asked.get(str(name), 1)), 1)
                 for name in spent.index}  # fmt: skip
    found = [float(costs.get(name, np.nan)) for name in votes.members]
    wrong = [
        name for name, cost in zip(votes.members, found, strict=True) if not 0 <= cost < np.inf
    ]
    if wrong:
        raise DesignError(
            "Not every member has a cost.",
            found=", ".join(f"{name}: {costs.get(name)}" for name in wrong),
            expected="a number of 0 or more for each member, of one pair",
            fix=f"Give costs of {', '.join(votes.members)} (costs={{name: cost}}).",
        )
    return np.array(found, dtype=np.float64), "cost"


def points_of(votes: Votes, agree: Array, cost: Array, folds: Folds) -> Points:
    """Walk the members by cost, for each threshold.

    A judge is unsure where its verdict is a tie, its two orders contradict each other, its margin
    is below the threshold, or it gave none; one that was not asked costs nothing. Where nobody is
    sure, the majority of all that were asked decides. Of equal cost the one is first that agrees
    more on the other folds.
    """
    sided = votes.given & (votes.side != 0) & ~votes.opposed
    thresholds = _thresholds(votes.margin[sided])
    whole = led(votes.side, np.ones(len(cost)))[0]
    last = _by_verdicts(votes, sided, whole)
    parts = np.empty((3, len(whole), len(thresholds)))
    for f in np.unique(folds.fold):
        rows = folds.fold == f
        others = ~rows if f < folds.number else np.ones(len(rows), dtype=bool)
        order = _order(agree[others], cost, last)
        parts[:, rows] = _walked(votes, sided, whole, cost, order, rows, thresholds)
    return Points(_order(agree, cost, last), np.array(thresholds), *parts)


def _order(agree: Array, cost: Array, last: tuple[Array, ...]) -> Codes:
    known = np.isfinite(agree).sum(axis=0)
    mean = np.nan_to_num(agree).sum(axis=0) / np.maximum(known, 1)
    return np.lexsort((*last, -np.round(mean, 12), cost))


def _by_verdicts(votes: Votes, sided: Mask, whole: Array) -> tuple[Array, ...]:
    """Return what orders members that all else leaves equal: what they said, never their names.

    Who says what most say more often is first, then who takes a side more often, then who says
    it on earlier prompts.
    """
    same = (votes.side == whole[:, None]).astype(np.float64)
    return votes.cluster @ same, -sided.sum(axis=0).astype(np.float64), -same.sum(axis=0)


def _walked(
    votes: Votes, sided: Mask, whole: Array, cost: Array, order: Codes, rows: Mask,
    thresholds: list[float],
) -> Array:  # fmt: skip
    """Return verdicts, costs and numbers of those asked, shape (3, rows, P)."""
    at = np.ix_(rows, order)
    side, margin, sided, there = votes.side[at], votes.margin[at], sided[at], ~votes.missing[at]
    paid = np.cumsum(there * cost[order], axis=1)
    asked = np.cumsum(there, axis=1)
    row = np.arange(len(side))
    found = np.empty((3, len(side), len(thresholds)))
    for p, threshold in enumerate(thresholds):
        sure = sided & (margin >= threshold) if threshold > 0 else sided
        some = sure.any(axis=1)
        stop = np.where(some, sure.argmax(axis=1), len(order) - 1)
        verdict = np.where(some, side[row, stop], whole[rows])
        found[:, :, p] = verdict, paid[row, stop], asked[row, stop]
    return found


def _thresholds(margin: Array) -> list[float]:
    """Return margins at which the share of the verdicts that are sure falls step by step."""
    levels = np.unique(margin)
    if len(levels) > _MOST_POINTS:
        levels = np.unique(np.quantile(margin, np.linspace(0, 1, _MOST_POINTS + 1)[1:-1],
                                       method="higher"))  # fmt: skip
    # at the lowest every verdict for a side is sure, as at 0
    rest = [float(one) for one in levels if one > margin.min(initial=1.0)]
    return [0.0, *rest, np.inf]


def cascade_table(
    votes: Votes, points: Points, agree: Array, counted: str, level: float
) -> pd.DataFrame:
    """Return one row a threshold: agreement and cost a pair, with their intervals.

    Parameters
    ----------
    votes : Votes
    points : Points
    agree : ndarray, shape (n, P)
        Agreement with the reference.
    counted : str
        What costs are.
    level : float
    """
    rows = []
    for p, threshold in enumerate(points.threshold):
        row = agreement_share(agree[:, p], votes.cluster, level)
        # costs of the same pairs: one that nobody was asked costs nothing and says nothing
        inside = np.isfinite(agree[:, p])
        most = points.cost[inside, -1].max(initial=0.0)
        spent = _spent(points.cost[inside, p], most, votes.cluster[inside], level)
        term = EVERYBODY if np.isinf(threshold) else f"sure from margin {threshold:.3g}"
        rows.append({
            "term": term, **row, "threshold": threshold, "cost": spent["estimate"],
            "cost_low": spent["conf_low"], "cost_high": spent["conf_high"],
            "cost_reason": spent["reason"], "asked": float(points.asked[inside, p].mean()),
            "counted_in": counted,
        })  # fmt: skip
    return pd.DataFrame(rows).assign(method=AGREEMENT)


def chosen_rows(
    votes: Votes, points: Points, agree: Array, own: Array, folds: Folds, level: float
) -> list[dict[str, Any]]:
    """Return the cascade that is chosen on other prompts: agreement, cost, and what it gains.

    The cheapest threshold whose agreement on the other folds is not below that of the best
    member there; where there is none, the one that agrees most.

    Parameters
    ----------
    votes, points, folds, level
    agree : ndarray, shape (n, P)
        Of the thresholds.
    own : ndarray, shape (n, k)
        Of the members.
    """
    able = contenders(own, votes.people)
    k = int(able.sum())
    spent = points.cost[votes.people].mean(axis=0) if votes.people.any() else points.cost[0]
    cheap = np.argsort(spent, kind="stable")

    def choose(means: Array) -> Array:
        best = means[..., :k].max(axis=-1, keepdims=True)
        good = means[..., k:] >= best - _TIED
        first = np.zeros(good.shape)
        at = cheap[good[..., cheap].argmax(axis=-1)]
        np.put_along_axis(first, at[..., None], 1.0, axis=-1)
        return np.where(good.any(axis=-1, keepdims=True), first, best_of(means[..., k:]))

    def gain(means: Array) -> Array:
        return np.concatenate([-best_of(means[..., :k]), choose(means)], axis=-1)

    def alone(means: Array) -> Array:
        return np.concatenate([np.zeros_like(means[..., :k]), choose(means)], axis=-1)

    row = gain_row(votes, own, agree, folds, gain, level)
    rows = [{"term": "cascade chosen on other prompts, minus the best member", **row}]
    if row["reason"] is None:
        both = np.concatenate([own[:, able], agree], axis=1)
        use = np.isfinite(both).all(axis=1)
        fold, cluster = folds.fold[use], votes.cluster[use]
        found = chosen_elsewhere(both[use], alone, cluster, fold, level)
        taken = found.weights[:, k:][fold]
        paid = (taken * points.cost[use]).sum(axis=1)
        dearest = points.cost[use].max(axis=1)
        rows.insert(0, {"term": "cascade chosen on other prompts", **_within(found.row)})
        for term, values in (
            ("cost a pair", paid),
            ("cost a pair saved beside asking everybody", dearest - paid),
        ):
            rows.append({"term": term, **_spent(values, dearest.max(), cluster, level)})
    return rows


def _spent(values: Array, most: float, cluster: Codes, level: float) -> dict[str, Any]:
    """Return a mean cost with an interval between 0 and the most that it may be.

    That a cost is 0 is nothing to test.
    """
    row, scale = no_value(cluster) | {"p_value": np.nan}, float(values.max(initial=0.0)) or 1.0
    if not len(values):
        return row
    found = positive_mean(values / scale, cluster, level)
    numbers = {name: one * scale for name, one in found.items() if name != "reason"}
    return {**row, **numbers, "conf_high": min(numbers["conf_high"], most),
            "reason": found["reason"]}  # fmt: skip


def _within(row: dict[str, Any]) -> dict[str, Any]:
    """Return an agreement whose interval ends at 0 and 1; a test against 0 says nothing."""
    ends = {end: float(np.clip(row[end], 0.0, 1.0)) for end in ("conf_low", "conf_high")}
    return {**row, **ends, "p_value": np.nan}
