"""Which data a session shows: what the server opens, what it uploads, and never other numbers."""

from __future__ import annotations

import os
import time
from importlib import import_module
from pathlib import Path
from threading import Barrier, Thread

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb

PAGES = Path(__file__).resolve().parents[2] / "pages"
# runs are listed whatever data are open
OPEN = sorted(
    path.name
    for path in PAGES.glob("*.py")
    if path.name not in ("app.py", "navigation.py", "runs.py")
)


@pytest.fixture(autouse=True)
def _pages_importable(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))


def visit(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / name), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def votes(path: Path, n: int = 12, word: str = "q") -> Path:
    rows = "".join(f"{word} {k},yes {k},no no {k},{'ab'[k % 2]}\n" for k in range(n))
    path.write_text(f"prompt,text_a,text_b,label\n{rows}", encoding="utf-8")
    return path


def said(app: AppTest) -> str:
    return "\n".join(str(e.value) for kind in (app.text, app.code, app.error) for e in kind)


@pytest.mark.parametrize("page", OPEN)
def test_a_served_file_that_cannot_be_read_shows_its_error_and_no_numbers(page, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", "absent.csv")
    app = visit(page)
    assert any("There is no such file" in code.value for code in app.code)
    assert not app.metric
    assert not app.dataframe
    assert not app.warning
    app.button(key="open-sample").click().run()
    assert not app.exception
    assert "There is no such file" not in said(app)
    if page != "side_by_side.py":
        assert any("simulated" in warning.value for warning in app.warning)


def test_a_file_that_is_mended_is_read_again_and_one_that_is_not_stays_refused(
    monkeypatch, tmp_path
):
    from parts.opening.served import Shelf

    path, reads = tmp_path / "v.csv", []

    def read(name: str) -> wb.PreferenceData:
        reads.append(name)
        return wb.load(name)

    shelf = Shelf(read)
    path.write_text("", encoding="utf-8")
    for _ in range(3):
        with pytest.raises(wb.WorkbenchError, match="empty"):
            shelf.of(str(path))
    assert len(reads) == 1
    shelf.forget_error(str(path))
    with pytest.raises(wb.WorkbenchError):
        shelf.of(str(path))
    assert len(reads) == 2
    votes(path)
    os.utime(path, ns=(1, 1))
    for _ in range(3):
        assert len(shelf.of(str(path))) == 12
    assert len(reads) == 3


def test_visitors_at_the_same_moment_share_one_reading():
    from parts.opening.served import Shelf

    reads, found, start = [], [], Barrier(6)
    data = wb.load(pd.DataFrame({"prompt": ["q"], "text_a": ["x"], "text_b": ["y"], "label": "a"}))

    def read(name: str) -> wb.PreferenceData:
        reads.append(name)
        time.sleep(0.05)
        return data

    shelf = Shelf(read)

    def ask() -> None:
        start.wait()
        found.append(shelf.of("x.csv"))

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads == ["x.csv"]
    assert all(one is data for one in found)


def test_pages_read_a_served_file_once_and_score_its_factors_once(monkeypatch, tmp_path):
    from parts.opening import served

    # `workbench.report` is the verb: its module is asked for by name
    job = import_module("workbench.report.main_job")
    path, counts = votes(tmp_path / "served.csv"), {"load": 0, "score": 0}
    load, score = wb.load, job.score_factors

    def loading(*args, **options):
        counts["load"] += str(args[0]) == str(path)
        return load(*args, **options)

    def scoring(data, *args, **options):
        counts["score"] += data.load_report.source == "served.csv"
        return score(data, *args, **options)

    monkeypatch.setattr(wb, "load", loading, raising=False)
    monkeypatch.setattr(job, "score_factors", scoring)
    monkeypatch.setenv("WORKBENCH_DATA", str(path))
    assert served.source() == str(path)
    for page in ("load.py", "compare.py", "examples.py", "load.py"):
        assert "served.csv: 12 pairs" in said(visit(page))
    assert counts == {"load": 1, "score": 1}


def test_open_sets_are_those_of_the_session_the_server_and_the_sample(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_DATA", str(votes(tmp_path / "served.csv")))
    app = visit("load.py")
    served = app.query_params["data"]
    app.file_uploader[0].set_value(("mine.csv", votes(tmp_path / "m").read_bytes(), "text/csv"))
    app.run()
    app.button(key="load").click().run()
    assert not app.exception
    assert "mine.csv: 12 pairs" in said(app)
    # the same content has the same digest: it is one data set
    assert app.query_params["data"] == served
    app.file_uploader[0].set_value(
        ("mine.csv", votes(tmp_path / "m", word="other").read_bytes(), "text/csv")
    ).run()
    app.button(key="load").click().run()
    names = [name for name, _ in _sets_of(app).values()]
    assert [name.split(" (")[0] for name in names] == [
        "mine.csv",
        "mine.csv",
        "the simulated sample",
    ]
    assert len(set(names)) == 3


def _sets_of(app: AppTest) -> dict:
    def script() -> None:
        import streamlit as st
        from parts.state import open_sets

        st.session_state["x"] = open_sets()

    inner = AppTest.from_function(script, default_timeout=60)
    inner.session_state["uploads"] = app.session_state["uploads"]
    inner.run()
    assert not inner.exception, inner.exception
    return inner.session_state["x"]
