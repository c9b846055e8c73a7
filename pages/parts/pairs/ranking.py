"""The pairs that come first: by a prediction, or by a number that they are behind."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from parts.pairs.order import APART, FOR, WRONG

from workbench.compare.contrast import Contrast
from workbench.explain.behind import behind
from workbench.explain.hard_pairs import disagreements, most_wrong

RANKED = 200
"""Pairs that a ranking holds: each comes with its factors."""
_EVERY = 2**40
"""More pairs than there are."""


@st.cache_data(max_entries=16, show_spinner="Ranking ...", scope="session")
def ranking(
    key: tuple[Any, ...], view: tuple[tuple[str, Any], ...], _fits: dict[str, Any],
    _ids: pd.Series | None, _gap: Contrast | None,
) -> pd.DataFrame:  # fmt: skip
    """Return the ranked pairs of a view, among those that pass the filters (None: all)."""
    chosen = dict(view)
    group, other = chosen["group"], chosen["other"]
    if chosen["order"] == WRONG:
        return most_wrong(_fits[group], group, n=RANKED, among=_ids)
    if chosen["order"] == APART:
        return disagreements(_fits[group], group, other, against=_fits[other], n=RANKED, among=_ids)
    return _behind(chosen, _fits, _ids, _gap)


def _behind(
    view: dict[str, Any], fits: dict[str, Any], ids: pd.Series | None, gap: Contrast | None
) -> pd.DataFrame:
    """Return the pairs that speak most for a number, or most against it."""
    other = view["other"]
    side = view["side"]
    found = behind(
        fits[view["group"]],
        view["group"],
        view["term"],
        against=None if other is None else (fits[other], other),
        ratio=_ratio(gap, view["group"]),
        # those against it come last of all
        n=RANKED if side == FOR else _EVERY,
        among=ids,
    )
    return (found if side == FOR else found[::-1]).head(RANKED).reset_index(drop=True)


def _ratio(gap: Contrast | None, group: str) -> float | None:
    """Return the ratio of sharpness of a contrast; None without one."""
    if gap is None:
        return None
    own = gap.scale[gap.scale["group"] == group]
    return float(own["ratio"].iloc[0])
