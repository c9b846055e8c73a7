"""A pair whose sides answer different prompts shows both."""

from __future__ import annotations

import pandas as pd
from streamlit.testing.v1 import AppTest

import workbench as wb


def _script() -> None:
    import streamlit as st
    from parts.pairs.texts import show_texts

    data = st.session_state["two"]
    for _, pair in data.pairs.iterrows():
        show_texts(pair, data, "as written", ("", ""))


def test_both_prompts_are_shown_where_they_differ() -> None:
    pairs = pd.DataFrame(
        {"prompt": ["Why is it?", "Only one?"], "prompt_b": ["How is <b>it</b>?", None],
         "response_a": ["x", "z"], "response_b": ["y", "w"]}
    )  # fmt: skip
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "x", "preference": [1.0, 0.0]})
    app = AppTest.from_function(_script, default_timeout=60)
    app.session_state["two"] = wb.PreferenceData.from_tables(pairs, labels)
    app.run()
    assert not app.exception, app.exception
    told = [str(one.value) for one in (*app.text, *app.code, *app.caption, *app.markdown)]
    for text in ("Why is it?", "How is <b>it</b>?", "Only one?"):
        assert text in told
    assert told.count("Prompt of B") == 1
