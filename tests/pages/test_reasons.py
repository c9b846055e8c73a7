"""The page Reasons and values as a session sees it: the numbers of its verbs, or what they need."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.factors.listed import read_lists
from workbench.structure.values.planted import planted_dilemmas

PAGES = Path(__file__).resolve().parents[2] / "pages"


def _run(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGES / "stated" / "reasons.py"), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _has_the_numbers(app: AppTest, frame: pd.DataFrame) -> None:
    """See that a table is shown with all of its rows and columns, in whatever order."""
    keys = [name for name in ("theory", "group", "term") if name in frame]
    wanted = frame.sort_values(keys).reset_index(drop=True)
    shown = [d.value for d in app.dataframe if set(d.value.columns) == set(frame.columns)]
    (found,) = [one for one in shown if len(one) == len(frame)]
    found = found.sort_values(keys).reset_index(drop=True)[list(frame.columns)]
    # a table on its way to a page has one kind of missing text
    for name in wanted.select_dtypes(exclude="number").columns:
        assert found[name].fillna("").tolist() == wanted[name].fillna("").tolist(), name
    numbers = wanted.select_dtypes("number").columns
    assert len(numbers)
    pd.testing.assert_frame_equal(found[numbers], wanted[numbers], check_dtype=False)


@pytest.fixture
def reasoned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> wb.PreferenceData:
    """Two judges of the sample: one says what is longer, the other praises tables."""
    data = wb.load("sample").filter(annotators=["sim-judge-plain", "sim-judge-length"])
    data = wb.score_factors(data, [s for s in wb.factors.CORE if s.name in ("words", "tables")])
    said = data.labels["annotator"].map(
        {"sim-judge-length": "<b>It</b> is more detailed.", "sim-judge-plain": "It has a table."}
    )
    data = replace(data, labels=data.labels.assign(rationale=said))
    place = wb.save(data, tmp_path / "reasoned")
    monkeypatch.setenv("WORKBENCH_DATA", str(place))
    return wb.load(place)


@pytest.fixture
def dilemmas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> wb.PreferenceData:
    data, _ = planted_dilemmas(
        120, judges={"x": {"care": 2.0}, "y": {"fame": 1.0}}, rare=["thrift"]
    )
    more = {}
    for side, held in zip("ab", read_lists(data, "values").sides, strict=True):
        names = [sorted(one) for one in held]
        kinds = [["own" if name in ("fame", "pride") else "other" for name in one] for one in names]
        more |= {f"values_{side}": [json.dumps(one) for one in names],
                 f"theory_moral_{side}": [json.dumps(one) for one in kinds]}  # fmt: skip
    place = wb.save(replace(data, pairs=data.pairs.assign(**more)), tmp_path / "dilemmas")
    monkeypatch.setenv("WORKBENCH_DATA", str(place))
    return wb.load(place)


def test_every_view_asks_what_its_verb_takes():
    from parts.reasons.views import STATED

    for view in STATED:
        taken = inspect.signature(getattr(wb, view.verb)).parameters
        assert {*view.takes, *(name for name, _ in view.named)} <= set(taken), view.verb


def test_reasons_are_read_when_asked_with_the_verb_s_numbers(reasoned):
    app = _run()
    assert [one.value for one in app.info] == ["Nothing is computed until you say so."]
    assert not app.dataframe
    app.checkbox(key="rationales").check().run()
    assert not app.exception, app.exception
    assert not app.error
    found = wb.rationales(reasoned, "rationale")
    assert found.summary() in [code.value for code in app.code]
    for name in ("lifts", "coverage", "naming"):
        _has_the_numbers(app, getattr(found, name))
    # what is said first is of each judge, and nothing of what stands below it
    first = app.code[0].value.splitlines()
    assert len(first) == 1 + len(found.coverage)
    assert all(line in found.summary() for line in first)


def test_choices_stand_in_the_address(reasoned):
    app = _run(rationales="true", whose=["sim-judge-length"], told="true", factors=["words"])
    found = wb.rationales(
        reasoned, "rationale", annotators=["sim-judge-length"], factors=["words"], told=True
    )
    assert found.summary() in [code.value for code in app.code]


def test_values_have_the_verb_s_numbers_with_theories_and_what_is_rare(dilemmas):
    app = _run(stated="Values", values="true")
    assert not app.error
    found = wb.values(dilemmas)
    assert found.summary() in [code.value for code in app.code]
    for frame in (found.estimates, found.theories, found.rare, found.contrast):
        assert len(frame)
        _has_the_numbers(app, frame)
    assert "thrift" in set(found.rare["term"])


def test_what_is_not_there_is_said_in_one_line(dilemmas):
    app = _run(rationales="true")
    assert [one.value.startswith("This needs a column of reasons") for one in app.info] == [True]
    assert not app.error
    assert not app.checkbox


def test_a_refusal_is_told(reasoned, monkeypatch, tmp_path):
    few = reasoned.labels["pair_id"].isin(reasoned.pairs["pair_id"].iloc[:5])
    kept = reasoned.labels.assign(rationale=reasoned.labels["rationale"].where(few))
    place = wb.save(replace(reasoned, labels=kept), tmp_path / "few")
    monkeypatch.setenv("WORKBENCH_DATA", str(place))
    app = _run(rationales="true")
    assert len(app.error) == 1
    assert any("There are too few reasons" in code.value for code in app.code)
