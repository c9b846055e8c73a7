"""Each page as a session sees it, without a browser."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.report.main_job import main_job

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture(autouse=True)
def _pages_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")


def _run(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / name), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _frame(app: AppTest, column: str) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if column in d.value.columns)


@pytest.mark.parametrize("page", ["load.py", "compare.py", "report.py"])
def test_a_page_opens_with_the_simulated_sample_and_says_so(page):
    app = _run(page)
    assert any("simulated" in warning.value for warning in app.warning)
    assert any("2,000 pairs" in text.value and "digest" in text.value for text in app.text)


def test_the_router_runs():
    assert not AppTest.from_file(str(PAGES / "app.py"), default_timeout=90).run().exception


def test_compare_shows_the_numbers_of_the_library():
    app = _run("compare.py")
    shown = _frame(app, "vif")
    job = main_job(wb.score_factors(wb.load("sample"), wb.factors.CORE))
    both = pd.concat([job.people.to_frame(), job.judges.to_frame()], ignore_index=True)
    pd.testing.assert_frame_equal(shown.reset_index(drop=True), both, check_dtype=False)


def test_choices_change_the_fit_and_come_from_the_url():
    app = _run("compare.py", factors="words", ties="drop", scenarios="coding")
    shown = _frame(app, "vif")
    assert set(shown["term"]) == {"words", "position"}
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE).filter(scenarios=["coding"])
    job = main_job(data, factors=["words"], ties="drop")
    people = shown[shown["group"] == "human"]
    assert people["estimate"].iloc[0] == pytest.approx(job.people.to_frame()["estimate"].iloc[0])
    assert people["n"].iloc[0] == job.people.fits["human"].n


def test_a_fit_that_fails_says_what_to_do(monkeypatch, tmp_path):
    table = pd.DataFrame({"x_a": [1.0, 2.0], "x_b": [0.0, 3.0], "label": ["n/a", "failed"]})
    table.to_csv(tmp_path / "none.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "none.csv"))
    app = _run("compare.py")
    assert any("did not work" in error.value for error in app.error)
    assert any("No label can be fitted" in code.value for code in app.code)


def test_values_of_a_url_that_do_not_exist_are_ignored():
    app = _run("compare.py", reference="nobody", ties="sideways")
    assert app.selectbox(key="reference").value == "human"
    assert app.selectbox(key="ties").value == "half"


def test_a_link_to_unknown_data_says_so_and_shows_the_sample():
    app = _run("load.py", data="0" * 32)
    assert any("not open here" in warning.value for warning in app.warning)


def test_pages_are_small_and_hold_no_analysis():
    for page in PAGES.glob("*.py"):
        source = page.read_text(encoding="utf-8")
        assert source.count("\n") <= 120, page.name
        for word in ("groupby", "unsafe_allow_html", "decompose(", "contrast("):
            assert word not in source, (page.name, word)
