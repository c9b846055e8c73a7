"""Measures of a judge's verdicts: consistency, pull of the first place, ties, failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import share
from workbench.data.columns import POOLS
from workbench.data.dataset import PreferenceData
from workbench.flips import paired_difference
from workbench.intervals import MID_P
from workbench.judges.both_orders import NO_REPEATS, both_orders, mean_by_side
from workbench.results import TIDY

_DIFFERENCE = "score interval at the size that the clusters leave"

COLUMNS = ("group", *TIDY, "n_clusters", "method", "reason")


def measures(data: PreferenceData, name: str, level: float) -> pd.DataFrame:
    """Return what the labels of one annotator tell of it.

    ``consistency``: pairs whose verdict is the same in both orders, ties included.
    ``pull of the first``: (pairs won by what stood first in both orders - pairs won by what
    stood second in both) / pairs, a tie in one order counting half, from -1 to 1. Both are
    over repeats: the k-th of one order beside the k-th of the other
    (:func:`workbench.judges.both_orders.both_orders`).
    ``first share``: verdicts for what stood first, ties half. ``ties``, ``no verdict``:
    shares of labels. ``agreement with people``: share of (pair, person) where both decide
    and agree.

    Parameters
    ----------
    data : PreferenceData
    name : str
        Of the annotator.
    level : float

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`; NaN with a reason where a measure cannot be told.

    References
    ----------
    Shi et al. (2024), "Judging the judges", section 2: positional fairness.
    """
    data = data.decided()
    labels = data.labels[data.labels["annotator"] == name]
    cluster = pd.factorize(data.pairs["cluster"])[0]
    at = pd.Series(cluster, index=data.pairs["pair_id"])
    rows = [{"group": name, **row} for row in _rows(data, labels, at, level)]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def _rows(
    data: PreferenceData, labels: pd.DataFrame, at: pd.Series, level: float
) -> Iterator[dict[str, Any]]:
    decided = labels[labels["preference"].notna()]
    where = at.loc[labels["pair_id"]].to_numpy()
    yield from _orders(labels, at, level)
    tie = (decided["preference"] == 0.5).to_numpy(float)
    yield _share("ties", tie, at.loc[decided["pair_id"]].to_numpy(), level, "no verdict")
    missing = labels["preference"].isna().to_numpy(float)
    yield _share("no verdict", missing, where, level, "no label")
    yield _agreement(data, decided, at, level)


def _orders(labels: pd.DataFrame, at: pd.Series, level: float) -> Iterator[dict[str, Any]]:
    shown = labels[labels["order_shown"].isin(["ab", "ba"]) & labels["preference"].notna()]
    first = shown["preference"].where(shown["order_shown"] == "ab", 1.0 - shown["preference"])
    one = "the order shown is not known"
    yield _share("first share", first.to_numpy(float), _of(at, shown["pair_id"]), level, one)
    if labels["annotator"].isin(POOLS).any():
        yield _undefined("consistency", NO_REPEATS)
        yield _undefined("pull of the first", NO_REPEATS)
        return
    columns = ("pair_id", "order_shown", "replicate", "preference")
    said = both_orders(*(labels[name] for name in columns))
    both = "no pair was judged in both orders"
    where = _of(at, said.pair)
    same = (said.side_ab == said.side_ba).astype(float)
    row = _share("consistency", same, where, level, both)
    yield {**row, "method": said.told(row["method"])}
    row = _difference("pull of the first", said.ab - said.ba, where, level, both)
    yield {**row, "method": said.averaged(row["method"])}


def _agreement(
    data: PreferenceData, decided: pd.DataFrame, at: pd.Series, level: float
) -> dict[str, Any]:
    term = "agreement with people"
    everyone = data.labels[data.labels["kind"] == "human"]
    if everyone.empty:
        return _undefined(term, "the data hold no labels of people")
    people = everyone[everyone["preference"].notna()]
    lean = decided.groupby("pair_id")["preference"].mean()
    lean = lean[lean != 0.5]
    theirs = people[people["pair_id"].isin(lean.index) & (people["preference"] != 0.5)]
    if theirs.empty:
        return _undefined(term, "no pair that a person and it both decide")
    own = lean.loc[theirs["pair_id"]].to_numpy() > 0.5
    agree = (own == (theirs["preference"].to_numpy() > 0.5)).astype(float)
    row = _share(term, agree, _of(at, theirs["pair_id"]), level, "", theirs["weight"].to_numpy())
    single = np.concatenate([decided["preference"], theirs["preference"]])
    return {**row, "method": mean_by_side(row["method"], lean, single)}


def _of(at: pd.Series, pair_ids: Any) -> NDArray[Any]:
    return np.asarray(at.reindex(pair_ids).to_numpy())


def _share(
    term: str,
    values: NDArray[np.float64],
    cluster: NDArray[Any],
    level: float,
    lacking: str,
    weight: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    if not len(values):
        return _undefined(term, lacking)
    return {"term": term, **share(values, cluster, level, weight), "method": MID_P}


def _difference(
    term: str, values: NDArray[np.float64], cluster: NDArray[Any], level: float, lacking: str
) -> dict[str, Any]:
    if not len(values):
        return _undefined(term, lacking)
    return {"term": term, **paired_difference(values, cluster, level), "method": _DIFFERENCE}


def _undefined(term: str, reason: str) -> dict[str, Any]:
    return {"term": term, "estimate": np.nan, "n": 0.0, "method": MID_P, "reason": reason}
