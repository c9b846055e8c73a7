"""What a page needs of the data, in one line, with what to do instead."""

from __future__ import annotations

import streamlit as st

import workbench as wb
from workbench.report.main_job import has_text

_WITHOUT = {
    "texts": "This needs the texts of the responses, and these data have none",
    "factors": "This needs factors: texts of the responses, or numeric columns x_a and x_b of both "
    "sides. These data have neither",
}


def need_factors(data: wb.PreferenceData) -> None:
    """Stop where data have nothing on which responses could differ."""
    if not data.factor_names and not has_text(data):
        _say("factors", data)
        st.stop()


def need_texts(data: wb.PreferenceData) -> None:
    """Stop where data have no texts."""
    if not has_text(data):
        _say("texts", data)
        st.stop()


def _say(what: str, data: wb.PreferenceData) -> None:
    models = bool(data.pairs["model_a"].notna().any())
    instead = "the Leaderboard rates their models, and " if models else ""
    st.info(
        f"{_WITHOUT[what]}: {instead}Judge audit looks at their verdicts.",
        icon=":material/info:",
    )
    with st.container(horizontal=True):
        places = {"Open other data": "load.py", "Judge audit": "judge_audit.py"}
        places |= {"Leaderboard": "leaderboard.py"} if models else {}
        for label, page in places.items():
            if st.button(label, key=f"instead-{page.removesuffix('.py')}"):
                st.switch_page(page)
