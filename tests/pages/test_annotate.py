"""The Annotate page: what it estimates, starts, watches, cancels and shows."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests.llm_server import serving
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.process import cancel, runs_in, start, status
from workbench.annotate.run import execute, prepare

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return tmp_path / "runs"


def opened() -> AppTest:
    app = AppTest.from_file(str(PAGES / "annotate.py"), default_timeout=90).run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    shown = [*app.text, *app.code, *app.warning, *app.error, *app.caption]
    return "\n".join(str(one.value) for one in shown)


def ended(folder) -> None:
    end = time.monotonic() + 60
    while status(folder).state in ("new", "running") or folder.running:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_opens_and_says_that_the_offline_model_is_simulated():
    app = opened()
    assert "simulated" in texts(app)
    assert "2,000 pairs" in texts(app)


def test_an_estimate_starts_nothing(root):
    app = opened()
    app.number_input("pairs").set_value(30)
    app.button("estimate").click().run()
    assert "calls 60" in texts(app)
    assert not root.exists()


def test_a_run_starts_finishes_and_shows_the_library_s_numbers(root):
    app = opened()
    app.number_input("pairs").set_value(20)
    app.button("start").click().run()
    assert not app.exception, app.exception
    (folder,) = runs_in(root)
    ended(folder)
    app = opened()
    assert "It is finished." in texts(app)
    assert (folder.results / "summary.txt").read_text() in [one.value for one in app.code]
    direct = execute(prepare(folder.config, wb.load("sample"), root.parent / "again"))
    assert direct.summary() == (folder.results / "summary.txt").read_text()
    app.button("adopt").click().run()
    assert app.query_params["data"] != [wb.load("sample").digest]


def test_a_run_under_way_is_shown_and_cancelled(root):
    with serving(latency_s=0.1) as server:
        config = AnnotateConfig(model="m", base_url=server.url, concurrency=2, pairs=400)
        folder = prepare(config, wb.load("sample"), root / "slow")
        start(folder)
        end = time.monotonic() + 30
        while status(folder).stages.empty:
            assert time.monotonic() < end
            time.sleep(0.05)
        app = opened()
        assert "It is under way." in texts(app)
        assert {metric.label for metric in app.metric} >= {"Replies a second", "Time left", "Cost"}
        app.button("cancel").click().run()
        ended(folder)
        app = opened()
        assert "taken up again" in texts(app)
        app.button("resume").click().run()
        assert folder.running or status(folder).state == "new"
        while not folder.running:
            assert time.monotonic() < end
            time.sleep(0.05)
        cancel(folder)
        ended(folder)


def test_bad_choices_are_told_and_nothing_is_written(root):
    app = opened()
    app.text_input("model").set_value("gpt-x")
    app.text_input("base-url").set_value("http://me:hidden@host/v1")
    app.button("start").click().run()
    assert "address of the endpoint" in texts(app)
    assert "hidden@" not in "\n".join(one.value for one in app.code)
    assert not root.exists()


def test_more_pairs_than_other_data_have_are_cut_to_those(root, tmp_path, monkeypatch):
    data = wb.load("sample")
    wb.save(data.filter(pair_ids=data.pairs["pair_id"].head(30)), tmp_path / "few")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "few"))
    app = AppTest.from_file(str(PAGES / "annotate.py"), default_timeout=90)
    app.session_state["pairs"] = 200
    app.run()
    assert not app.exception, app.exception
    assert app.number_input("pairs").value == 30
