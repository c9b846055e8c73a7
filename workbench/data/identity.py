"""What makes a pair: its content, whichever side stands first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.digests import content_digests, sided_digests

_SHARED = ("prompt", "item", "media")
_SIDED = ("response", "model", "media")

BESIDE = "preference["
"""How columns begin that hold a judgement's answers under further criteria."""

OTHER_PROMPT = "prompt_b"
"""Column of B's own prompt, where it is not that of A."""

_TURNED_ORDER = {"ab": "ba", "ba": "ab"}


def pair_ids(
    pairs: pd.DataFrame, beside: Sequence[pd.Series] = ()
) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Return the id of each row's pair, and which rows have the sides exchanged.

    A pair is its prompt, responses, models, media and what the file says separates pairs
    (``item``); where ``prompt_b`` gives B a prompt of its own, each side has its own.
    Rows that nothing tells apart, for they have no text, item or media, are
    pairs of their own: by all their columns, and counted where even those are equal.

    Parameters
    ----------
    pairs : DataFrame
        Text columns ``prompt, response_a, response_b, model_a, model_b, item, media,
        media_a, media_b``, those that there are, and metadata.
    beside : sequence of Series
        What else tells rows without content apart, such as their verdicts.

    Returns
    -------
    ids : Series of str
        128-bit hex digests; the same for (x, y) and (y, x).
    turned : ndarray of bool
        Rows whose B comes first in the order in which sides enter the digest.

    Examples
    --------
    >>> table = pd.DataFrame({"response_a": ["x", "y"], "response_b": ["y", "x"]})
    >>> ids, turned = pair_ids(table)
    >>> ids[0] == ids[1], turned.tolist()
    (True, [False, True])
    """
    none = pd.Series([None] * len(pairs), dtype="str")

    def column(name: str) -> pd.Series:
        return pairs[name].astype("str") if name in pairs else none

    shared = [column(name) for name in _SHARED]
    sides = [(column(f"{name}_a"), column(f"{name}_b")) for name in _SIDED]
    ids, turned = sided_digests(shared[0], sides[0], shared[1:], sides[1:])
    two = np.flatnonzero(column(OTHER_PROMPT).notna().to_numpy())
    if len(two):
        # a prompt of each side is a part of that side
        asked = (column("prompt"), column(OTHER_PROMPT))
        own = [(a.iloc[two], b.iloc[two]) for a, b in (*sides, asked)]
        beside = [part.iloc[two] for part in shared[1:]]
        ids_of_two, turned_of_two = sided_digests(none.iloc[two], own[0], beside, own[1:])
        ids = ids.mask(np.isin(np.arange(len(ids)), two), pd.Series(ids_of_two.array, index=two))
        turned[two] = turned_of_two
    told = [*shared, *sides[0], *sides[2]]
    bare = np.logical_and.reduce([part.isna().to_numpy() for part in told])
    if bare.any():
        rows = np.flatnonzero(bare)
        own = [pairs[name].iloc[rows].astype("str") for name in sorted(pairs.columns)]
        own += [part.iloc[rows].astype("str") for part in beside]
        content = content_digests(own)
        again = content.groupby(content, sort=False).cumcount().astype("str")
        ids = ids.mask(bare, pd.Series(content_digests([content, again]).array, index=rows))
        turned = turned & ~bare
    return ids, turned


def one_side_first(
    frame: pd.DataFrame, ids: pd.Series, turned: NDArray[np.bool_]
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return judgements that have the same side first wherever they are of one pair.

    A pair that stands in the file both ways gets the order of its digest, whatever the
    order of rows; all other pairs stay as they are.

    Parameters
    ----------
    frame : DataFrame
        Judgements: columns that end in ``_a`` and ``_b``, ``preference``, ``order_shown``.
    ids : Series of str
    turned : ndarray of bool
        From :func:`pair_ids`.

    Returns
    -------
    frame : DataFrame
    both_ways : ndarray of bool
        Rows of pairs that stand both ways.

    Examples
    --------
    >>> rows = {"response_a": ["x", "y"], "response_b": ["y", "x"], "preference": [1.0, 1.0]}
    >>> table = pd.DataFrame(rows)
    >>> one_side_first(table, *pair_ids(table))[0]["preference"].tolist()
    [1.0, 0.0]
    """
    rows, both_ways = to_turn(ids, turned)
    return (exchanged(frame, rows) if rows.any() else frame), both_ways


def to_turn(
    ids: pd.Series, turned: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows must exchange their sides, and which are of pairs that stand both ways.

    Examples
    --------
    >>> rows, both_ways = to_turn(pd.Series(["p", "p", "q"]), np.array([False, True, True]))
    >>> rows.tolist(), both_ways.tolist()
    ([False, True, False], [True, True, False])
    """
    if not (turned.any() and ids.duplicated().any()):
        none = np.zeros(len(ids), dtype=bool)
        return none, none
    codes, distinct = pd.factorize(ids)
    n_turned = np.bincount(codes, weights=turned, minlength=len(distinct))
    n_all = np.bincount(codes, minlength=len(distinct))
    both_ways = ((n_turned > 0) & (n_turned < n_all))[codes]
    return both_ways & turned, both_ways


def exchanged(frame: pd.DataFrame, rows: NDArray[np.bool_]) -> pd.DataFrame:
    """Return judgements with A and B exchanged in some rows.

    Examples
    --------
    >>> table = pd.DataFrame({"model_a": ["m"], "model_b": ["n"], "order_shown": ["ab"]})
    >>> exchanged(table, np.array([True])).iloc[0].tolist()
    ['n', 'm', 'ba']
    """
    new: dict[str, pd.Series] = {}
    for name in frame.columns:
        other = _twin(str(name))
        if other is not None and other in frame:
            one, two = frame[name], frame[other]
            new[name], new[other] = one.mask(rows, two), two.mask(rows, one)
    if OTHER_PROMPT in frame and "prompt" in frame:
        two = rows & frame[OTHER_PROMPT].notna().to_numpy()
        new["prompt"] = frame["prompt"].mask(two, frame[OTHER_PROMPT])
        new[OTHER_PROMPT] = frame[OTHER_PROMPT].mask(two, frame["prompt"])
        if "prompt_messages" in frame:
            # those of the prompt that is B's now
            new["prompt_messages"] = frame["prompt_messages"].mask(two)
    for name in frame.columns:
        if name == "preference" or str(name).startswith(BESIDE):
            preference = frame[name].astype("float64")
            new[name] = preference.mask(rows, 1.0 - preference)
    if "order_shown" in frame:
        order = frame["order_shown"].astype("str")
        new["order_shown"] = order.mask(rows, order.map(_TURNED_ORDER))
    return frame.assign(**new)


def _twin(name: str) -> str | None:
    if name.endswith("_a"):
        return name[:-2] + "_b"
    return name.replace("_a_", "_b_") if name == "response_a_messages" else None
