"""What verdicts tell of an annotator: order, length, lists, each beside the reference's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.audit.measures import DIFFERENCE, SHARE, difference_row, share_row
from workbench.clustered import Array, Codes, cluster_error, t_row
from workbench.data.columns import POOLS
from workbench.data.dataset import PreferenceData
from workbench.intervals import MID_P, unit_interval
from workbench.judges.both_orders import NO_REPEATS, both_orders, mean_by_side

_MORE = 30
"""Characters by which a response has to be longer."""

_LISTS = (
    r"(?m)^\s*[\*•\-]\s*[^\w]*\w+",
    r"(?m)^\s*\d+[.)]\s*[^\w]*\w+",
    r"(?m)^\s*[a-zA-Z][.)]\s+[^\w]*\w+",
)
"""AlpacaEval's patterns of a list item."""

_MARGINS = (("close", 0.0, 0.5), ("clear", 0.5, 1.0), ("unanimous", 1.0, 1.01))
"""Margins of the reference's vote, |2 share - 1|."""

_SLOT = f"difference of shares, {MID_P} of (1 + difference) / 2"


ORDERED = ("annotator", "order_shown", "replicate", "preference")
"""Columns of labels of which the effects of order are made."""


def order_rows(
    pair: Codes, labels: pd.DataFrame, cluster: Codes, margin: Array, level: float
) -> Iterator[dict[str, Any]]:
    r"""Return what the order in which responses were shown does.

    Parameters
    ----------
    pair : ndarray of int, shape (n,)
        Row of each label's pair.
    labels : DataFrame, n rows
        Of one annotator, each with an order, failed ones too: ``annotator, order_shown,
        replicate, preference``.
    cluster : ndarray of int, shape (pairs,)
    margin : ndarray, shape (pairs,)
        Margin of the reference's vote; NaN where it is unknown.
    level : float

    Notes
    -----
    ``first share``: verdicts for what stood first, ties half. ``slot effect``: mean
    preference for A where A was first minus that where it was second. On verdicts in both
    orders, the k-th repeat of one beside the k-th of the other, with rc that the second
    place wins and pc that the first wins (a tie in one order counts with the other
    verdict): ``consistency``, and ``position fairness`` (rc - pc) / N (Shi et al. 2024,
    whose rescaling cancels), by the reference's margin too. Votes of an annotator that the
    file does not name repeat nothing: those two are undefined.
    """
    preference = labels["preference"].to_numpy("float64")
    known = np.isfinite(preference)
    a_first = labels["order_shown"].eq("ab").to_numpy()
    first = np.where(a_first, preference, 1.0 - preference)[known]
    yield share_row("first share", first, cluster[pair[known]], level)
    yield _order_effect(a_first[known], preference[known], cluster[pair[known]], level)
    if labels["annotator"].isin(POOLS).any():
        for term in ("consistency", "position fairness"):
            yield {"term": term, "estimate": np.nan, "n": 0.0, "reason": NO_REPEATS,
                   "method": SHARE}  # fmt: skip
        return
    said = both_orders(pair, labels["order_shown"], labels["replicate"], preference)
    if not len(said.pair):
        return
    where = cluster[said.pair]
    same = (said.side_ab == said.side_ba).astype(float)
    rows = [
        share_row("consistency", same, where, level),
        difference_row("position fairness", np.sign(said.side_ba - said.side_ab), where, level),
    ]
    for name, low, high in _MARGINS:
        mine = (margin[said.pair] >= low) & (margin[said.pair] < high)
        if mine.sum() > 1:
            rows.append(share_row(f"consistency, {name} votes", same[mine], where[mine], level))
    yield from ({**row, "method": said.told(row["method"])} for row in rows)


def form_rows(
    preference: Array,
    single: Array,
    people: Array,
    form: dict[str, Array],
    cluster: Codes,
    level: float,
) -> Iterator[dict[str, Any]]:
    """Return how often the longer response, and the one with a list, is preferred.

    Parameters
    ----------
    preference : ndarray, shape (pairs,)
        The annotator's mean preference for A; NaN without one.
    single : ndarray, shape (labels,)
        The preferences that they are means of.
    people : ndarray, shape (pairs,)
        Mean preferences of the reference.
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
        mine = np.isfinite(preference) & (preference != 0.5) & (side != 0)
        if not mine.any():
            continue
        won = ((preference > 0.5) == (side > 0)).astype(float)
        row = share_row(f"{name} preferred", won[mine], cluster[mine], level)
        yield {**row, "method": mean_by_side(row["method"], preference[mine], single)}
        both = mine & np.isfinite(people) & (people != 0.5)
        if both.sum() > 1:
            theirs = ((people > 0.5) == (side > 0)).astype(float)
            term = f"{name} preferred, minus the reference"
            row = difference_row(term, (won - theirs)[both], cluster[both], level)
            means = np.concatenate([preference[both], people[both]])
            yield {**row, "method": mean_by_side(row["method"], means, single)}


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


def _order_effect(
    a_first: NDArray[np.bool_], y: Array, cluster: Codes, level: float
) -> dict[str, Any]:
    if a_first.all() or not a_first.any():
        return {"term": "slot effect", "estimate": np.nan, "n": float(len(y)),
                "reason": "one order only", "method": DIFFERENCE}  # fmt: skip
    first, second = y[a_first], y[~a_first]
    means = first.mean(), second.mean()
    influence = np.where(a_first, (y - means[0]) / len(first), -(y - means[1]) / len(second))
    error = cluster_error(influence, cluster)
    effect = float(means[0] - means[1])
    found = t_row(effect, error, len(y), cluster, level)
    # from -1 to 1: the interval of a share, on twice its scale
    half = unit_interval((1 + effect) / 2, influence / 2, np.ones(len(y)), cluster, level)
    ends = {end: 2 * half[end] - 1 for end in ("conf_low", "conf_high")}
    return {"term": "slot effect", **found, **ends, "reason": half["reason"], "method": _SLOT}
