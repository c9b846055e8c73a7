"""Ratings of the models behind the responses, with and without style held constant."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import criteria, one, some
from parts.entry import enter
from parts.state import announce, current
from parts.ui import failure, figure, note, table

import workbench as wb
from workbench.ratings.bradley_terry import Ratings, rate

_ARENA = ("words", "headers", "bullets", "numbered_items", "bold")
_EVERYBODY = "everybody"
_NOBODY = "none: the ratings sum to 0"


def _choices(data: wb.PreferenceData) -> dict[str, Any]:
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
def _rated(digest: str, choices: tuple[tuple[str, Any], ...], _data: wb.PreferenceData) -> Ratings:
    options = dict(choices)
    return rate(_data.filter(criteria=options.pop("criteria") or None), **options)


enter("Leaderboard")
data = current()
announce(data)
try:
    choices = _choices(data)
    found = _rated(data.digest, tuple(choices.items()), data)
except wb.WorkbenchError as error:
    failure(error)
    st.stop()

if found.warnings:
    st.info(f"{len(found.warnings)} warnings about these ratings stand under Checks.")
names = ["Ratings", "With and without style", "Style weights", "Pairs of models", "Checks"]
ratings, changes, weights, pairs, checks = st.tabs(names)
level = f"{found.settings['level']:.0%}"

with ratings:
    st.caption(
        f"Elo points (400 are odds of ten to one) with {level} intervals. Rank limits hold the "
        "true rank with at least that probability; rank_arena counts whose interval lies above."
    )
    note(found.control)
    figure(found.plot(), "Ratings of each model with and without covariates", "ratings")
    first = ("rank", "term", "elo", "elo_low", "elo_high", "rank_low", "rank_high", "n")
    title = "Every rating with n, interval, method and reason"
    table(found.to_frame(), "leaderboard", title, first)

with changes:
    if choices["covariates"] and not found.held_constant:
        st.info("No factor could be held constant; the reasons stand under Style weights.")
    elif found.counterfactual.empty:
        st.info("Hold at least one factor constant to see what the ratings owe to it.")
    else:
        note(f"What changes when responses are compared as if equal; {found.control}")
        first = ("term", "elo_without", "elo_with", "rank_without", "rank_with", "rank_change")
        title = "Ratings and ranks without and with"
        table(found.counterfactual, "counterfactual", title, first)

with weights:
    st.caption(
        "Log-odds: per_sd for a difference of one standard deviation, estimate for one unit of "
        "the coded difference, which compares within one coding only. An association: no cause."
    )
    first = ("term", "held_constant", "per_sd", "per_sd_low", "per_sd_high")
    title = "Weights of the factors that were to be held constant"
    table(found.covariates, "covariates", title, first)
    if len(found.tie_parameter):
        table(found.tie_parameter, "ties", "Davidson's tie parameter")

with pairs:
    table(found.pairwise, "pairwise", "Differences, and observed and predicted win rates")

with checks:
    note("\n".join(found.warnings) or "No warnings.")
    note(f"{found.method}; n = {len(found.used):,} labels, {found.used.n_clusters:,} clusters")
    table(found.exclusions, "left_out", "Labels left out, by reason")
