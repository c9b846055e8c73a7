"""The comparison on view as a run.toml, and back: names of the data are data."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.whole_run.choices import of_toml, to_toml

PAGES = Path(__file__).resolve().parents[2] / "pages"
HOSTILE = 'x"\n[endpoint]\n![y](http://127.0.0.1:9/x.png) :red[z]'

CHOICES = {
    "reference": "human", "annotators": (HOSTILE,), "criteria": (), "families": ("length",),
    "factors": ("words",), "scenarios": (), "covariance": "HC1", "cluster": ("prompt",),
    "ties": "drop", "folds": 2, "further": ("ratings",),
}  # fmt: skip


@pytest.fixture
def data() -> wb.PreferenceData:
    rows = pd.DataFrame({
        "prompt": [f"q {k} {k * k}" for k in range(8)] * 2,
        "response_a": ["a long one"] * 16, "response_b": ["short"] * 16,
        "label": ["a", "b"] * 8, "annotator": ["ann"] * 8 + [HOSTILE] * 8,
        "kind": ["human"] * 8 + ["llm"] * 8,
    })  # fmt: skip
    return wb.load(rows)


def shown(data: wb.PreferenceData) -> AppTest:
    def script() -> None:
        import streamlit as st
        from parts.opening.run_file import open_run_file, run_file

        run_file(st.session_state["data"], st.session_state["choices"])
        open_run_file(st.session_state["data"])

    app = AppTest.from_function(script, default_timeout=60)
    app.session_state["data"], app.session_state["choices"] = data, CHOICES
    return app.run()


def test_the_file_holds_the_choices_and_opens_them(data, monkeypatch):
    app = shown(data)
    assert not app.exception, app.exception
    [button] = app.get("download_button")
    assert button.proto.label == "Download run.toml"
    text = to_toml(CHOICES, "DATA")
    assert of_toml(text).chosen == CHOICES
    app.file_uploader(key="run-file").set_value(("run.toml", text.encode(), "application/toml"))
    app.run()
    assert not app.exception, app.exception
    gone = []
    monkeypatch.setattr("streamlit.switch_page", lambda page, **how: gone.append((page, how)))
    app.button(key="run-file-use").click().run()
    assert not app.exception, app.exception
    [(page, how)] = gone
    assert (PAGES / page).is_file()
    assert how["query_params"] == {
        "data": [data.digest], "reference": ["human"], "annotators": [HOSTILE],
        "families": ["length"], "factors": ["words"], "covariance": ["HC1"],
        "cluster": ["prompt"], "ties": ["drop"], "folds": ["2"], "further": ["ratings"],
    }  # fmt: skip


def test_names_that_the_data_lack_are_told_as_text_and_left_out(data):
    app = shown(data)
    text = to_toml({**CHOICES, "annotators": (f"{HOSTILE} two", "ann")}, "DATA")
    app.file_uploader(key="run-file").set_value(("run.toml", text.encode(), "application/toml"))
    app.run()
    assert any(f"left out: {HOSTILE} two" in one.value for one in app.text)
    assert not any("127.0.0.1" in one.value for one in (*app.markdown, *app.caption))
    from parts.opening.run_file import params_of

    params, unknown = params_of(of_toml(text), data)
    assert params["annotators"] == ["ann"]
    assert unknown == [f"{HOSTILE} two"]


@pytest.mark.parametrize("raw", [b"colour = 1", b"by = [", b"\xff\xfe\x00"])
def test_a_file_that_is_none_is_told(data, raw):
    app = shown(data)
    app.file_uploader(key="run-file").set_value(("run.toml", raw, "application/toml")).run()
    assert not app.exception
    assert [one.value for one in app.error] == ["This did not work."]
    assert not [one for one in app.button if one.key == "run-file-use"]


def test_what_the_page_writes_is_run(data, tmp_path):
    source = tmp_path / "votes"
    wb.save(data, source)
    text = to_toml({**CHOICES, "folds": 0, "further": ()}, str(source))
    assert tomllib.loads(text)["annotators"] == [HOSTILE]
    (tmp_path / "run.toml").write_text(text)
    done = wb.run(tmp_path / "run.toml", tmp_path / "run")
    assert done.report.is_file()
