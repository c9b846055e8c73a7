"""The number that pairs are behind, in one line, and what one pair has to do with it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from parts.ui import note

import workbench as wb
from workbench.compare.contrast import Contrast
from workbench.report.job import MainJob
from workbench.report.pair_view import factor_values


@st.cache_resource(max_entries=8, show_spinner="Comparing ...", scope="session")
def _contrast(key: tuple[Any, ...], group: str, other: str, _fits: dict[str, Any]) -> Contrast:
    return wb.contrast(_fits[group][group], _fits[other][other])


def contrast_of(
    key: tuple[Any, ...], view: dict[str, Any], fits: dict[str, Any], job: MainJob | None
) -> Contrast | None:
    """Return the contrast that holds a difference; that of the page where it is one of it."""
    group, other = view["group"], view["other"]
    if view["term"] is None or other is None:
        return None
    gap = None if job is None else job.gap
    if gap is not None and gap.settings["reference"] == other and group in set(gap.scale["group"]):
        return gap
    return _contrast(key, group, other, fits)


def say_number(view: dict[str, Any], fits: dict[str, Any], gap: Contrast | None) -> None:
    """Say which number is on view: estimate, interval, n, method."""
    group, term, other = view["group"], view["term"], view["other"]
    table = fits[group].to_frame() if gap is None else gap.to_frame()
    row = table[(table["group"] == group) & (table["term"] == term)].iloc[0]
    what = f"weight of {term} for {group}"
    if other is not None:
        what = f"difference of taste for {term}, {group} beside {other}"
    if pd.isna(row["estimate"]):
        note(f"{what}: undefined, {row['reason']}")
        return
    note(
        f"{what}: {row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}] "
        f"log-odds per unit of the factor, n = {row['n']:,} labels; {row['method']}"
    )


def say_pull(row: pd.Series, term: str, values: pd.DataFrame) -> None:
    """Say what one pair adds to the number, and its values of the factor."""
    own = values[values["factor"] == term]
    sides = "" if own.empty else _sides(own.iloc[0])
    speaks = {"for": "speaks for it", "against": "speaks against it"}.get(row["speaks"], "neither")
    note(f"{term}: {sides}coded difference {row['value']:+.3g}; pull {row['pull']:+.3g}, {speaks}")
    st.caption("Pull: what the labels of this pair add to the number, in its log-odds.")


def _sides(own: pd.Series) -> str:
    if pd.isna(own["value_a"]) or pd.isna(own["value_b"]):
        return ""
    return f"A {own['value_a']:,.4g}, B {own['value_b']:,.4g}; "


def marked_values(data: wb.PreferenceData, pair_id: str, term: str | None) -> pd.DataFrame:
    """Return the factors of a pair, the one that is asked for first."""
    values = factor_values(data, pair_id)
    first = values["factor"] == term
    return pd.concat([values[first], values[~first]], ignore_index=True)


def heads_of(values: pd.DataFrame, term: str | None) -> tuple[str, str]:
    """Return the factor's value of each response, to stand above it; empty without a factor."""
    own = values[values["factor"] == term]
    # the number of words stands there anyway
    if term == "words" or own.empty or own[["value_a", "value_b"]].isna().any(axis=None):
        return "", ""
    return f"{term}: {own['value_a'].iloc[0]:,.4g}", f"{term}: {own['value_b'].iloc[0]:,.4g}"
