"""What is rated and how: the choices of the leaderboard, and the ratings they ask for."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import criteria, one, some

import workbench as wb
from workbench.ratings.bradley_terry import Ratings, rate
from workbench.structure.transitivity.verdict import ranking_line

_ARENA = ("words", "headers", "bullets", "numbered_items", "bold")
_EVERYBODY = "everybody"
_NOBODY = "none: the ratings sum to 0"


def rating_choices(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar; the URL keeps them."""
    people = data.annotators
    kinds, names = sorted(people["kind"].unique()), people["annotator"].tolist()
    style = [name for name in _ARENA if name in data.factor_names]
    both = [data.pairs[column].dropna().unique().tolist() for column in ("model_a", "model_b")]
    models = sorted({*both[0], *both[1]})
    with st.sidebar:
        criterion = criteria(data)
        who = one(
            "Judged by",
            [_EVERYBODY, *kinds, *names],
            "judged_by",
            index=1 + kinds.index("human") if "human" in kinds else 0,
            help="A kind pools all its annotators.",
        )
        told = "Factors in the same model. The Arena's style control: length and formatting."
        known = data.factor_names
        covariates = some("Hold constant", known, "held_constant", default=style, help=told)
        ties = one(
            "Ties",
            ["half", "davidson", "drop"],
            "rating_ties",
            help="Half a win for each side; an outcome of its own (Davidson); or left out.",
        )
        intervals = one("Intervals", ["cluster", "bootstrap"], "rating_intervals")
        anchor = one("Anchor", [_NOBODY, *models], "anchor")
    return {
        "criteria": criterion,
        "annotator": None if who == _EVERYBODY else who,
        "covariates": tuple(covariates),
        "ties": ties,
        "intervals": intervals,
        "anchor": None if anchor == _NOBODY else anchor,
    }


# Streamlit does not hash arguments that start with _, so digest and choices are the key
@st.cache_resource(max_entries=8, show_spinner="Rating ...", scope="session")
def rated(digest: str, choices: tuple[tuple[str, Any], ...], _data: wb.PreferenceData) -> Ratings:
    """Return the ratings of a data set and choices, fitted once for both."""
    options = dict(choices)
    return rate(_data.filter(criteria=options.pop("criteria") or None), **options)


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def may_be_ranked(digest: str, choices: tuple[tuple[str, Any], ...], _found: Ratings) -> str:
    """Return whether rated models may be ranked at all, computed once for data and choices."""
    return ranking_line(_found)
