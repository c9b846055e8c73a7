"""The page People as a session sees it, without a browser."""

from __future__ import annotations

import inspect
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.structure.planted import planted_people

PAGES = Path(__file__).resolve().parents[2] / "pages"


def _run(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGES / "people.py"), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> wb.PreferenceData:
    data, _ = planted_people(people=6, labels=60, pairs=80, tastes=[(2.0, 0)], careless=1 / 6)
    place = wb.save(data, tmp_path / "planted")
    monkeypatch.setenv("WORKBENCH_DATA", str(place))
    return wb.load(place)


def test_agreement_has_the_library_s_numbers_and_the_verdict_first(planted):
    app = _run()
    found = wb.rater_agreement(planted)
    said = [code.value for code in app.code]
    assert said[0] == found.settings["verdict"]
    assert found.summary() in said
    shown = next(d.value for d in app.dataframe if "k" in d.value.columns)
    pd.testing.assert_frame_equal(shown.reset_index(drop=True), found.to_frame(), check_dtype=False)
    assert any("person 005" in str(d.value.get("message")) for d in app.dataframe)
    assert not app.error


def test_choices_stand_in_the_address(planted):
    names = ["person 000", "person 001"]
    app = _run(labels_of=names)
    found = wb.rater_agreement(planted, annotators=names)
    assert app.code[0].value == found.settings["verdict"]
    assert app.multiselect(key="labels_of").value == names


def test_a_refusal_is_told(planted):
    app = _run(labels_of=["person 000"])
    assert len(app.error) == 1
    assert any("No pair has two ratings" in code.value for code in app.code)


def test_every_view_asks_what_its_verb_takes():
    from parts.structure.views import VIEWS

    for view in VIEWS:
        taken = inspect.signature(getattr(wb, view.verb)).parameters
        assert {*view.takes, *dict(view.given)} <= set(taken)


@pytest.mark.parametrize(("view", "verb"), [("Mixed logit", "mixed"), ("Context", "context")])
def test_other_views_have_the_numbers_of_their_verbs(planted, view, verb):
    app = _run(people_view=view, factors="first")
    found = getattr(wb, verb)(planted, factors=["first"])
    assert found.summary() in [code.value for code in app.code]
    frame = next(iter(found.tables().values()))
    shown = [d.value for d in app.dataframe if len(d.value) == len(frame)]
    assert any(one.reset_index(drop=True).equals(frame.reset_index(drop=True)) for one in shown)


def test_reliability_is_asked_for_in_words(planted):
    app = _run(people_view="Reliability")
    assert [one.value for one in app.info] == ["Nothing is computed until you say so."]
    assert not app.code
    app.checkbox(key="reliability").check().run()
    found = wb.reliability(planted, truth="exists")
    assert found.summary() in [code.value for code in app.code]


def test_a_view_that_lacks_factors_says_so(monkeypatch, tmp_path):
    pairs = pd.DataFrame({"model_a": ["x", "y"], "model_b": ["y", "z"]})
    rows = [{"pair": k, "annotator": who, "preference": 1.0} for who in "ab" for k in (0, 1)]
    data = wb.PreferenceData.from_tables(pairs, pd.DataFrame(rows))
    monkeypatch.setenv("WORKBENCH_DATA", str(wb.save(data, tmp_path / "bare")))
    app = _run(people_view="Mixed logit")
    assert any(one.value.startswith("This needs factors") for one in app.info)
