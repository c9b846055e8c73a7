"""The Report page: what stands in the report, its forms, and an earlier one beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"


def page(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGES / "report.py"), default_timeout=90)
    for key, value in {"factors": "words", "annotators": "sim-judge-length", **query}.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.fixture(scope="module")
def record() -> dict:
    import workbench as wb
    from workbench.report.main_job import main_job, with_factors

    data = with_factors(wb.load("sample"))
    return main_job(data, factors=["words"], folds=0).report().to_dict()


def test_sections_and_notes_come_into_the_command_but_not_the_notes_text():
    app = page(sections=["findings", "rerun"])
    assert app.multiselect(key="sections").value == ["findings", "rerun"]
    app.text_area(key="report-notes").set_value("secret <b>note</b>").run()
    assert not app.exception
    shown = app.code[-1].value
    assert shown.endswith("--sections findings,rerun --notes notes.txt")
    assert "secret" not in str(dict(app.query_params))


def test_every_form_is_offered():
    labels = [button.label for button in page().get("download_button")]
    assert labels[:3] == ["HTML", "Markdown", "JSON"]


def test_the_preview_lies_in_a_frame_that_may_do_nothing():
    app = page()
    assert not app.get("iframe")
    app.toggle(key="report-preview").set_value(True).run()
    [outer] = app.get("iframe")
    inner = outer.proto.srcdoc
    assert inner.startswith('<iframe sandbox="" srcdoc="&lt;!doctype html&gt;')
    assert inner.count("<") == 2  # the frame and its end: the page is text of an attribute
    assert "<script" not in inner


def test_an_earlier_report_is_compared_and_what_is_none_is_refused(record):
    app = page()
    upload = json.dumps(record).encode()
    app.file_uploader[0].set_value(("report.json", upload, "application/json")).run()
    assert not app.exception
    [told] = [text.value for text in app.text if "Findings: " in text.value]
    assert "no test" in told
    app.file_uploader[0].set_value(("report.json", b'{"a": 1}', "application/json")).run()
    assert not app.exception
    assert any("did not work" in error.value for error in app.error)
    assert any("no report of schema version 2" in code.value for code in app.code)
