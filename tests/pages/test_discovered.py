"""Discovered factors on the page Principles: started, watched, and shown with their pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests.discover.planted import planted
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.run import execute, prepare

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wb.save(planted(600), tmp_path / "data")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    return AppTest.from_file(str(PAGES / "principles.py"), default_timeout=120)


def test_a_finished_run_shows_its_directions_and_their_pairs(app, tmp_path):
    data = wb.load(tmp_path / "data")
    config = AnnotateConfig(source=str(tmp_path / "data"), model="offline:plain", directions=6,
                            fidelity_pairs=10, annotators=("human",))  # fmt: skip
    found = execute(prepare(config, data, tmp_path / "runs" / "discover-mine"))
    app.run()
    assert not app.exception, app.exception
    shown = next(one.value for one in app.dataframe if "fidelity" in one.value.columns)
    assert shown["term"].tolist() == found.to_frame()["term"].tolist()
    first = found.shown.iloc[0]
    box = next(one for one in app.selectbox if one.key == "d-direction")
    box.set_value(found.directions["term"][first["direction"]]).run()
    texts = [one.value for one in (*app.text, *app.code, *app.markdown, *app.caption)]
    pair = data.pairs.set_index("pair_id").loc[first["pair_id"]]
    assert any(pair["response_a"] in one for one in texts)


def test_what_it_would_take_is_told_before_anything_is_asked(app):
    app.run()
    assert not app.exception, app.exception
    next(one for one in app.button if one.key == "d-estimate").click().run()
    assert not app.exception, app.exception
    stages = next(one.value for one in app.dataframe if "to_ask" in one.value.columns)
    assert "name" in set(stages["stage"])
