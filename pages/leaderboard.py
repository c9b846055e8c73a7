"""Ratings of the models behind the responses, with and without style held constant."""

from __future__ import annotations

import streamlit as st
from parts.charts.ratings import may_be_ranked, rated, rating_choices
from parts.entry import enter
from parts.linking import to_page, to_pairs
from parts.state import announce, current
from parts.ui import failure, figure, note, table

import workbench as wb


def _battles(of: dict[str, str]) -> None:
    """Open the pairs that a model took part in."""
    to_pairs(by_model=of.get("term"))


enter("Leaderboard")
data = current()
announce(data)
try:
    choices = rating_choices(data)
    found = rated(data.digest, tuple(choices.items()), data)
except wb.WorkbenchError as error:
    failure(error)
    st.stop()

if found.warnings:
    count = len(found.warnings)
    told = "1 warning about these ratings stands" if count == 1 else f"{count} warnings stand"
    st.info(f"{told} under Checks.")
level = f"{found.settings['level']:.0%}"


def ratings() -> None:
    """Show the ratings with their intervals."""
    how = (
        f"Elo points (400 are odds of ten to one) with {level} intervals. Rank limits hold the "
        "true rank with at least that probability; rank_arena counts whose interval lies above."
    )
    st.caption(f"{how} Click a point or a row: the battles of that model.")
    note(found.control)
    note(may_be_ranked(data.digest, tuple(choices.items()), found))
    to_page("transitivity.py", "Cycles, and what makes them")
    figure(found.plot(), "Ratings of each model", "ratings", select=_battles,
           frame=found.to_frame(), how=f"{how} {found.method}")  # fmt: skip
    first = ("rank", "term", "elo", "elo_low", "elo_high", "rank_low", "rank_high", "n")
    title = "Every rating with n, interval, method and reason"
    table(found.to_frame(), "leaderboard", title, first, select=_battles)


def changes() -> None:
    """Show what the ratings owe to what is held constant."""
    if choices["covariates"] and not found.held_constant:
        st.info("No factor could be held constant; the reasons stand under Style weights.")
    elif found.counterfactual.empty:
        st.info("Hold at least one factor constant to see what the ratings owe to it.")
    else:
        note(f"What changes when responses are compared as if equal; {found.control}")
        first = ("term", "elo_without", "elo_with", "rank_without", "rank_with", "rank_change")
        title = "Ratings and ranks without and with"
        table(found.counterfactual, "counterfactual", title, first, select=_battles)


def weights() -> None:
    """Show the weights of what is held constant."""
    st.caption(
        "Log-odds: per_sd for a difference of one standard deviation, estimate for one unit of "
        "the coded difference, which compares within one coding only. An association: no cause."
    )
    first = ("term", "held_constant", "per_sd", "per_sd_low", "per_sd_high")
    title = "Weights of the factors that were to be held constant"
    table(found.covariates, "covariates", title, first)
    if len(found.tie_parameter):
        table(found.tie_parameter, "ties", "Davidson's tie parameter")


def pairs() -> None:
    """Show each two models side by side."""
    table(found.pairwise, "pairwise", "Differences, and observed and predicted win rates")


def checks() -> None:
    """Show what a reader should know before trusting a rating."""
    note("\n".join(found.warnings) or "No warnings.")
    note(f"{found.method}; n = {len(found.used):,} labels, {found.used.n_clusters:,} clusters")
    table(found.exclusions, "left_out", "Labels left out, by reason")


VIEWS = {
    "Ratings": ratings,
    "With and without style": changes,
    "Style weights": weights,
    "Pairs of models": pairs,
    "Checks": checks,
}
# only the open view is computed, and a link opens it again
places = st.tabs(list(VIEWS), key="rating_view", bind="query-params")
for view, place in zip(VIEWS.values(), places, strict=True):
    if place.open:
        with place:
            view()
