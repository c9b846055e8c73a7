"""A rule of curation: whose labels count, which pairs go, what stands beside those that stay."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import criteria, one, some

import workbench as wb
from workbench.curate.sources import SOURCES

_PEOPLE = "people, or everybody without people"
_OPEN = "as the data have it"
_NONE = "none"


def whose(data: wb.PreferenceData) -> dict[str, Any]:
    """Let it be chosen whose labels count, and what strength stands on."""
    with st.sidebar:
        names = data.annotators["annotator"].tolist()
        return {
            "criteria": criteria(data),
            "annotators": tuple(some(f"Whose labels (empty: {_PEOPLE})", names, "votes_of")),
        }


def chosen_rule(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the parts of a rule and return those that do something."""
    given: dict[str, Any] = {}
    for place, part in zip(st.columns(3), (_leave, _weigh, _add), strict=True):
        with place:
            given |= part(data)
    return {name: value for name, value in given.items() if value not in (None, (), False)}


def _leave(data: wb.PreferenceData) -> dict[str, Any]:
    """Return which pairs go."""
    st.caption("Pairs that go")
    return {
        "min_agreement": _share("Agreement of the votes below", "min_agreement"),
        "min_votes": _number("Fewer votes than", "min_votes", 1.0, 1000.0, 1.0),
        "min_strength": _share("Strength |2 P - 1| below", "min_strength"),
        "max_strength": _share("Strength above", "max_strength"),
        "drop_suspects": _share("Share of suspects: smallest margins out of fold", "drop_suspects"),
        **_lowest(data),
    }


def _lowest(data: wb.PreferenceData) -> dict[str, Any]:
    """Return a column of numbers and the share that is kept, if one is chosen."""
    columns = data.pairs.select_dtypes("number").columns.astype("str").tolist()
    if not columns:
        return {}
    name = one("High values of a column", [_NONE, *columns], "keep_column")
    if name == _NONE:
        return {}
    part = _number("Share kept, the lowest", "keep_share", 0.01, 1.0, 0.05)
    return {"keep_lowest": None if part is None else (name, part)}


def _weigh(data: wb.PreferenceData) -> dict[str, Any]:
    """Return what is balanced, weighed and turned."""
    st.caption("Balance and weights")
    factors = some("Factors that are to tell the label no longer", data.factor_names, "balance")
    given: dict[str, Any] = {"balance": tuple(factors)}
    if factors:
        by = one("By", ["drop", "weigh"], "balance_by", help="Leave pairs out, or weigh them down.")
        given |= {"balance_by": by, "max_loss": _share("At most this share lost", "max_loss")}
    weight = one("Weight of each pair", [_NONE, "confidence", "variance"], "pair_weight")
    groups = ["scenario"] if data.pairs["scenario"].notna().any() else []
    by = one("Shares and balances within", [_NONE, *groups], "within_groups") if groups else _NONE
    told = "Only what repeated labels confirm is turned; a majority of several votes never is."
    return {
        **given,
        "weight": None if weight == _NONE else weight,
        "by": None if by == _NONE else by,
        "flip": _share("Share of suspects whose sides are exchanged", "flip", help=told),
    }


def _add(data: wb.PreferenceData) -> dict[str, Any]:
    """Return what stands beside the pairs that stay."""
    st.caption("Beside the pairs that stay")
    source = one("Strength from", [_OPEN, *SOURCES], "strength_from")
    margin = one("Margin", [_NONE, "logit", "grade"], "margin")
    return {
        "source": None if source == _OPEN else source,
        "soft": st.checkbox("Soft labels: p of the chosen", key="soft", bind="query-params"),
        "margin": None if margin == _NONE else margin,
        "stages": _number("Stages, the easiest first", "stages", 2, 20, 1),
        "test_share": _share("Share kept for a test of repeated labels", "test_share"),
    }


def _share(label: str, key: str, **more: Any) -> float | None:
    return _number(label, key, 0.01, 0.99, 0.05, **more)


def _number(label: str, key: str, low: Any, high: Any, step: Any, **more: Any) -> Any:
    """Let a number be given, or none."""
    return st.number_input(
        label, low, high, None, step, key=key, bind="query-params", placeholder=_NONE, **more
    )
