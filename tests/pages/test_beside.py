"""The pages of judges beside people and of labels to buy, as a session sees them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.structure.planted import planted_people

PAGES = Path(__file__).resolve().parents[2] / "pages"


def _run(page: str, **query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGES / page), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> wb.PreferenceData:
    """One person who labelled half of the pairs, and two judges of all (planted)."""
    data, _ = planted_people(people=3, labels=120, pairs=120, tastes=[(2.0, 0.5)])
    labels = data.labels
    judged = labels["annotator"] != "person 000"
    half = data.pairs["pair_id"].iloc[::2]
    kept = labels[judged | labels["pair_id"].isin(half)]
    kept = kept.assign(kind=kept["kind"].astype("str").mask(judged, "llm"))
    kept = kept.reset_index(drop=True)
    place = wb.save(replace(data, labels=kept), tmp_path / "beside")
    monkeypatch.setenv("WORKBENCH_DATA", str(place))
    return wb.load(place)


def _has_the_numbers(app: AppTest, found: Any) -> None:
    assert found.summary() in [code.value for code in app.code]
    frame = found.to_frame().reset_index(drop=True)
    shown = [d.value.reset_index(drop=True) for d in app.dataframe if len(d.value) == len(frame)]
    assert any(
        set(frame.columns) == set(one.columns)
        and pd.testing.assert_frame_equal(one[frame.columns], frame, check_dtype=False) is None
        for one in shown
    )


def test_every_view_asks_what_its_verb_takes():
    from parts.beside.labels import LABELS
    from parts.beside.views import JUDGES

    for view in (*JUDGES, *LABELS):
        taken = inspect.signature(getattr(wb, view.verb)).parameters
        assert {*view.takes, *dict(view.given)} <= set(taken), view.verb


def test_the_documentation_says_where_each_is_found():
    from parts.beside.labels import LABELS
    from parts.beside.views import JUDGES

    from workbench.report.beside import BESIDE

    folder = PAGES.parent / "docs" / "methods" / "calibration"
    told = " ".join(" ".join(one.read_text("utf-8") for one in folder.glob("*.md")).split())
    assert not [name for name in BESIDE if f"`--with {name}`" not in told]
    assert not [view.name for view in (*JUDGES, *LABELS) if f"*{view.name}*" not in told]


@pytest.mark.parametrize(
    ("view", "verb"),
    [("Few labels", "few_labels"), ("Panel", "panel"), ("Two judges", "compare_annotators")],
)
def test_views_of_judges_have_the_numbers_of_their_verbs(beside, view, verb):
    app = _run("calibration.py", judges_view=view)
    assert not app.error
    _has_the_numbers(app, getattr(wb, verb)(beside))


@pytest.mark.parametrize("page", ["calibration.py", "next_labels.py"])
def test_choices_take_no_place_of_the_session(beside, page):
    app = _run(page, judges_view="Two judges", labels_view="People or judge")
    # with what the first run left in the session
    app.run()
    assert not app.exception, app.exception


def test_one_judge_is_chosen(beside):
    app = _run("calibration.py", judges_view="Mend a judge", judges=["person 002"])
    assert not app.error
    _has_the_numbers(app, wb.repair_judge(beside, "person 002"))


def test_the_card_of_a_judge_is_there_as_files(beside, monkeypatch):
    kept = {}
    monkeypatch.setattr(st, "download_button", lambda _, text, file_name, **rest: kept.update(
        {file_name: text}))  # fmt: skip
    app = _run("calibration.py", judges_view="Card", judges=["person 002"])
    assert not app.error
    found = wb.measure_judge(beside, "person 002")
    assert set(found.to_frame()["group"]) == {"person 002"}
    _has_the_numbers(app, found)
    assert kept["card.md"] == found.card.to_markdown()
    assert kept["card.json"] == found.card.to_json()


def test_who_is_called_human_is_the_reference_without_kinds(beside, monkeypatch, tmp_path):
    labels = beside.labels
    names = labels["annotator"].replace("person 000", "human")
    place = wb.save(replace(beside, labels=labels.assign(annotator=names, kind="unknown")),
                    tmp_path / "nameless")  # fmt: skip
    monkeypatch.setenv("WORKBENCH_DATA", str(place))
    app = _run("calibration.py", judges_view="Panel")
    assert not app.error
    assert app.selectbox(key="reference").value == "human"


def test_labels_to_buy(beside):
    app = _run("next_labels.py", labels_view="Which pairs", next_pairs="50")
    assert not app.error
    _has_the_numbers(app, wb.choose_pairs(beside, 50))
    app = _run("next_labels.py", labels_view="People or judge")
    assert not app.error
    _has_the_numbers(app, wb.route(beside, "person 001"))


def test_a_refusal_is_told(beside):
    # whoever labelled everything leaves nothing to buy
    app = _run("next_labels.py", labels_view="Which pairs", reference="person 001")
    assert len(app.error) == 1
    assert any("There is no pair to choose" in code.value for code in app.code)


def test_what_a_question_needs_is_said_where_it_is_not_there(monkeypatch, tmp_path):
    pairs = pd.DataFrame({"prompt": ["p", "q"], "response_a": ["a b", "c"], "response_b": "d"})
    rows = [{"pair": k, "annotator": who, "kind": "human", "preference": 1.0}
            for who in "xy" for k in (0, 1)]  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, pd.DataFrame(rows))
    monkeypatch.setenv("WORKBENCH_DATA", str(wb.save(data, tmp_path / "people")))
    for page, view in (
        ("calibration.py", "Mend a judge"),
        ("calibration.py", "Two models"),
        ("next_labels.py", "People or judge"),
    ):
        app = _run(page, **{"judges_view" if page[0] == "c" else "labels_view": view})
        assert [one.value.startswith("This needs ") for one in app.info] == [True], view
        assert not app.error


def test_a_judge_that_is_named_is_the_one_that_is_routed(beside):
    app = _run("next_labels.py", labels_view="People or judge", judges=["person 002"])
    assert not app.error
    _has_the_numbers(app, wb.route(beside, "person 002", judges=["person 002"]))
