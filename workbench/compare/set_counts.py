"""How many pairs two data sets hold, how many of them both do, and what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.agreement import agreement_and_kappa
from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.intervals import MID_P

SHARE = f"share of labels, {MID_P}"
KAPPA = "Cohen's kappa, the interval of a share for (1 + kappa) / 2"
NOBODY = "no pair of both sets was judged in both, ties apart"
NO_ORDER = "no label says which response was shown first"


def counts_of(first: PreferenceData, second: PreferenceData) -> pd.DataFrame:
    """Return counts of two data sets: ``what, first, second``.

    Parameters
    ----------
    first, second : PreferenceData
        Labels of the annotators that are compared.
    """
    both = [first, second]
    labels = [data.labels["preference"] for data in both]
    ids = [set(data.labels["pair_id"]) for data in both]
    shared = len(ids[0] & ids[1])
    rows: dict[str, Sequence[int]] = {
        "pairs that were judged": [len(one) for one in ids],
        "of them in both sets": [shared, shared],
        "clusters of prompts": [_clusters(data) for data in both],
        "annotators": [data.labels["annotator"].nunique() for data in both],
        "labels": [len(one) for one in labels],
        "labels without a verdict": [int(one.isna().sum()) for one in labels],
    }
    columns = list(zip(*rows.values(), strict=True))
    return pd.DataFrame({"what": list(rows), "first": columns[0], "second": columns[1]})


def said_by(sides: Sequence[tuple[str, PreferenceData]], level: float = 0.95) -> pd.DataFrame:
    """Return the shares of verdicts of some data sets, with their intervals.

    Parameters
    ----------
    sides : sequence of tuple of str and PreferenceData
        Name, and the labels of the annotator that is compared.
    level : float

    Returns
    -------
    DataFrame
        One row a side and verdict: ``group, term, estimate, std_error, conf_low, conf_high, n,
        n_clusters, method, reason``. Soft preferences count by the side that they lean to;
        shares of verdicts are of those that were read.
    """
    rows: list[dict[str, Any]] = []
    for name, data in sides:
        value = data.labels["preference"].to_numpy("float64")
        cluster = pd.factorize(data.pairs["cluster"])[0].astype(np.int64)[data.pair_rows]
        read = np.isfinite(value)
        shown = data.labels["order_shown"].map({"ab": 1.0, "ba": -1.0}).to_numpy("float64")
        known = read & np.isfinite(shown) & (value != 0.5)
        parts = {
            "A is preferred": (value > 0.5, read, None),
            "B is preferred": (value < 0.5, read, None),
            "a tie": (value == 0.5, read, None),
            "no verdict": (~read, np.ones(len(value), bool), None),
            "the first shown is preferred": (np.sign(value - 0.5) == shown, known, NO_ORDER),
        }
        for term, (hit, use, why) in parts.items():
            found = share(hit[use].astype(np.float64), cluster[use], level)
            reason = why if why and not use.any() else found["reason"]
            rows.append({"group": name, "term": term, **found, "method": SHARE, "reason": reason})
    return pd.DataFrame(rows)


def on_shared_pairs(
    first: PreferenceData, second: PreferenceData, level: float = 0.95
) -> pd.DataFrame:
    """Return agreement and kappa of two sets of labels on the pairs that both hold.

    A pair counts by the side of the mean of its labels; prompts are the clusters.

    Parameters
    ----------
    first, second : PreferenceData
    level : float
    """
    means = [_means(data) for data in (first, second)]
    ids = means[0].index.intersection(means[1].index, sort=False)
    both = np.column_stack([one.reindex(ids).to_numpy("float64") for one in means])
    decided = np.isfinite(both).all(axis=1) & (both != 0.5).all(axis=1)
    cluster = pd.factorize(first.pairs.set_index("pair_id")["cluster"].reindex(ids[decided]))[0]
    a, b = both[decided, 0] > 0.5, both[decided, 1] > 0.5
    found = agreement_and_kappa(a, b, cluster.astype(np.int64), level)
    rows = [
        {"term": term, **row, "method": method, "reason": row["reason"] if len(a) else NOBODY}
        for term, row, method in zip(("agreement", "kappa"), found, (SHARE, KAPPA), strict=True)
    ]
    return pd.DataFrame(rows)


def _means(data: PreferenceData) -> pd.Series:
    labels = data.labels.dropna(subset=["preference"])
    weight = labels["weight"].astype("float64")
    sums = (labels["preference"] * weight).groupby(labels["pair_id"]).sum()
    return sums / weight.groupby(labels["pair_id"]).sum()


def _clusters(data: PreferenceData) -> int:
    judged = data.pairs["pair_id"].isin(data.labels["pair_id"])
    return int(data.pairs.loc[judged, "cluster"].nunique())
