"""What verdicts tell of an annotator: order, length, lists, each beside people's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.clustered import Array, cluster_error, mean_difference, normal_row, share
from workbench.data.dataset import PreferenceData

Codes = NDArray[np.int64]

_MORE = 30
"""Characters by which a response has to be longer."""

_LISTS = (
    r"(?m)^\s*[\*•\-]\s*[^\w]*\w+",
    r"(?m)^\s*\d+[.)]\s*[^\w]*\w+",
    r"(?m)^\s*[a-zA-Z][.)]\s+[^\w]*\w+",
)
"""AlpacaEval's patterns of a list item."""

SHARE = "share, Wilson interval at the size that the clusters leave"
DIFFERENCE = "paired difference, cluster-robust normal interval"
_GAPS = (("close", 0.0, 0.5), ("clear", 0.5, 1.0), ("unanimous", 1.0, 1.01))
"""Margins of the people's vote, |2 share - 1|."""


def order_rows(
    pair: Codes, ab: NDArray[np.bool_], preference: Array, cluster: Codes, gap: Array, level: float
) -> Iterator[dict[str, Any]]:
    r"""Return what the order in which responses were shown does.

    Parameters
    ----------
    pair : ndarray of int, shape (n,)
        Row of each label's pair, for labels whose order is known.
    ab : ndarray of bool, shape (n,)
        Whether A stood first.
    preference : ndarray, shape (n,)
        P(A preferred).
    cluster : ndarray of int, shape (pairs,)
    gap : ndarray, shape (pairs,)
        Margin of the people's vote; NaN where it is unknown.
    level : float

    Notes
    -----
    ``first share``: verdicts for what stood first, ties half. ``slot effect``: mean
    preference for A where A was first minus that where it was second. On pairs seen in both
    orders, with pairs rc that the second place wins and pc that the first wins (a tie in
    one order counts with the other verdict): ``consistency``, and ``position fairness``
    (rc - pc) / N (Shi et al. 2024, whose rescaling cancels), by the people's margin too.
    """
    first = np.where(ab, preference, 1.0 - preference)
    yield {"term": "first share", **share(first, cluster[pair], level), "method": SHARE}
    yield _slot(ab, preference, cluster[pair], level)
    n = len(cluster)
    both = np.stack(
        [_by_pair(pair[ab], preference[ab], n), _by_pair(pair[~ab], preference[~ab], n)]
    )
    seen = np.isfinite(both).all(axis=0)
    if not seen.any():
        return
    same = (np.sign(both[0] - 0.5) == np.sign(both[1] - 0.5)).astype(float)
    fair = -np.sign(both[0] - both[1])
    yield {"term": "consistency", **share(same[seen], cluster[seen], level), "method": SHARE}
    found = mean_difference(fair[seen], cluster[seen], level)
    yield {"term": "position fairness", **found, "method": DIFFERENCE}
    for name, low, high in _GAPS:
        mine = seen & (gap >= low) & (gap < high)
        if mine.sum() > 1:
            row = share(same[mine], cluster[mine], level)
            yield {"term": f"consistency, {name} votes", **row, "method": SHARE}


def form_rows(
    lean: Array, people: Array, form: dict[str, Array], cluster: Codes, level: float
) -> Iterator[dict[str, Any]]:
    """Return how often the longer response, and the one with a list, is preferred.

    Parameters
    ----------
    lean : ndarray, shape (pairs,)
        The annotator's mean preference for A; NaN without one.
    people : ndarray, shape (pairs,)
        That of the reference.
    form : dict of str to ndarray, shape (pairs,)
        +1 where A is longer (has a list and B has none), -1 where B, 0 where neither.
    cluster : ndarray of int, shape (pairs,)
    level : float

    Notes
    -----
    AlpacaEval's rules: more than 30 characters longer; exactly one of the two has a list.
    The difference to the reference is over pairs that both decided.
    """
    for name, side in form.items():
        mine = np.isfinite(lean) & (lean != 0.5) & (side != 0)
        if not mine.any():
            continue
        won = ((lean > 0.5) == (side > 0)).astype(float)
        yield {"term": f"{name} preferred", **share(won[mine], cluster[mine], level),
               "method": SHARE}  # fmt: skip
        both = mine & np.isfinite(people) & (people != 0.5)
        if both.sum() > 1:
            theirs = ((people > 0.5) == (side > 0)).astype(float)
            found = mean_difference((won - theirs)[both], cluster[both], level)
            term = f"{name} preferred, minus the reference"
            yield {"term": term, **found, "method": DIFFERENCE}


def forms(data: PreferenceData) -> dict[str, Array]:
    """Return which response is longer, and which alone has a list; empty without text.

    Examples
    --------
    >>> import workbench as wb
    >>> sorted(forms(wb.load("sample")))
    ['list', 'longer']
    """
    pairs = data.pairs
    if not pairs["response_a"].notna().any():
        return {}
    size, listed = [], []
    for side in "ab":
        text = pa.array(pairs[f"response_{side}"].fillna(""), type=pa.large_string())
        size.append(pc.utf8_length(text).to_numpy(zero_copy_only=False).astype(float))
        found = [pc.match_substring_regex(text, one) for one in _LISTS]
        listed.append(pc.or_(pc.or_(found[0], found[1]), found[2]).to_numpy(zero_copy_only=False))
    longer = size[0] - size[1]
    return {
        "longer": np.where(np.abs(longer) > _MORE, np.sign(longer), 0.0),
        "list": listed[0].astype(float) - listed[1].astype(float),
    }


def _by_pair(pair: Codes, value: Array, n: int) -> Array:
    count = np.bincount(pair, minlength=n).astype(float)
    total = np.bincount(pair, value, minlength=n)
    return np.asarray(np.divide(total, count, out=np.full(n, np.nan), where=count > 0))


def _slot(ab: NDArray[np.bool_], y: Array, cluster: Codes, level: float) -> dict[str, Any]:
    if ab.all() or not ab.any():
        return {"term": "slot effect", "estimate": np.nan, "n": float(len(y)),
                "reason": "one order only", "method": DIFFERENCE}  # fmt: skip
    means = y[ab].mean(), y[~ab].mean()
    influence = np.where(ab, (y - means[0]) / ab.sum(), -(y - means[1]) / (~ab).sum())
    error = cluster_error(influence, cluster)
    found = normal_row(float(means[0] - means[1]), error, len(y), cluster, level)
    return {"term": "slot effect", **found, "method": DIFFERENCE}


def of_reference(data: PreferenceData, reference: str) -> NDArray[np.bool_]:
    """Return which labels are of a reference: an annotator of this name, else a kind.

    Parameters
    ----------
    data : PreferenceData
    reference : str
    """
    named = data.labels["annotator"].eq(reference)
    found = named if named.any() else data.labels["kind"].eq(reference)
    return np.asarray(found.to_numpy(dtype=bool))


def leans(data: PreferenceData, chosen: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the weighted mean preference and the number of decided labels of every pair.

    Parameters
    ----------
    data : PreferenceData
    chosen : ndarray of bool, shape (labels,)
    """
    preference = data.labels["preference"].to_numpy("float64")
    weight = data.labels["weight"].to_numpy("float64")
    use = chosen & np.isfinite(preference) & (weight > 0)
    row, n = data.pair_rows[use], len(data.pairs)
    total = np.bincount(row, weight[use], n)
    sums = np.bincount(row, weight[use] * preference[use], n)
    lean = np.divide(sums, total, out=np.full(n, np.nan), where=total > 0)
    return pd.DataFrame({"lean": lean, "n": np.bincount(row, minlength=n)})
