"""A slice is shared by all pages and by links, and that of an upload stays in its session."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.data.on_view.slices import Slice
from workbench.report.main_job import ensure_factors, main_job

PAGES = Path(__file__).resolve().parents[2] / "pages"
CODING = Slice("code", scenarios=("coding",))


@pytest.fixture(scope="module")
def sample():
    return ensure_factors(wb.load("sample"))


def _run(page: str = "examples.py", uploads=(), **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / page), default_timeout=90)
    for data in uploads:
        app.session_state["uploads"] = {data.digest: data}
        app.query_params["data"] = data.digest
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _says(app: AppTest, part: str) -> bool:
    return any(part in text.value for text in app.text)


def test_filters_become_a_slice_that_is_on_view(sample):
    app = _run(within="coding", agreement="disagree")
    app.text_input(key="slice-name").set_value("apart & code").run()
    app.button(key="save-slice").click().run()
    assert not app.exception
    chosen = Slice("apart & code", scenarios=("coding",), agreement="disagree")
    part = chosen.apply(sample)
    assert _says(app, f"Slice apart & code: {len(part):,} of 2,000 pairs ({chosen.line()})")
    assert _says(app, f"{len(part):,} pairs, {len(part.labels):,} labels")
    assert _says(app, "Verdicts chose these pairs")
    assert Slice.of_json(app.query_params["slice"]) == chosen
    assert app.query_params["data"] == sample.digest
    # the filters are in the slice now
    assert app.multiselect(key="within").value == []
    assert app.selectbox(key="agreement").value == "any"
    assert not _says(app, "Filtered")


def test_a_slice_within_a_slice_holds_both():
    app = _run(slice=CODING.to_json(), search="python")
    app.text_input(key="slice-name").set_value("python").run()
    app.button(key="save-slice").click().run()
    found = Slice.of_json(app.query_params["slice"])
    assert found == Slice("python", text="python", within=Slice(scenarios=("coding",)))
    assert _says(app, "text 'python'; scenario coding")
    assert app.selectbox(key="slice-choice").options == ["all pairs", "code", "python"]
    app.selectbox(key="slice-choice").select("code").run()
    assert Slice.of_json(app.query_params["slice"]) == CODING
    app.selectbox(key="slice-choice").select("all pairs").run()
    assert "slice" not in app.query_params
    assert _says(app, "2,000 pairs, 14,300 labels")
    app.selectbox(key="slice-choice").select("python").run()
    app.button(key="delete-slice").click().run()
    assert app.selectbox(key="slice-choice").options == ["all pairs", "code"]
    assert "slice" not in app.query_params


def test_a_link_shows_the_slice_on_another_page(sample):
    app = _run("compare.py", slice=CODING.to_json())
    part = CODING.apply(sample)
    assert _says(app, f"Slice code: {len(part):,} of 2,000 pairs (scenario coding)")
    assert app.selectbox(key="slice-choice").value == "code"
    shown = next(d.value for d in app.dataframe if "vif" in d.value.columns)
    people = main_job(part, folds=0).people.to_frame()
    own = shown[shown["group"] == "human"]
    assert own["estimate"].tolist() == pytest.approx(people["estimate"].tolist(), nan_ok=True)


def test_a_factor_of_a_family_can_cut_a_slice():
    absent = Slice("long", factors=(("characters", 0.0, None),))
    app = _run(slice=absent.to_json())
    assert _says(app, "characters A minus B at least 0.0")
    assert not _says(app, ": 0 of 2,000 pairs")


@pytest.mark.parametrize(
    ("definition", "part"),
    [
        ("{", "cannot be read"),
        (Slice(scenarios=("cooking",)).to_json(), "no scenario 'cooking'"),
        (Slice(text="no such words at all").to_json(), "0 of 2,000 pairs"),
    ],
)
def test_a_slice_of_nothing_says_so_and_can_be_left(definition, part):
    app = _run("compare.py", slice=definition)
    told = [one.value for kind in (app.code, app.text) for one in kind]
    assert any(part in one for one in told)
    assert any("nothing of this slice" in one.value for one in app.info)
    assert not app.dataframe
    app.button(key="leave-slice").click().run()
    assert not app.exception
    assert "slice" not in app.query_params
    assert app.dataframe


def test_other_data_are_opened_without_the_slice(sample):
    other = sample.filter(scenarios=["advice"])
    app = _run(slice=CODING.to_json())
    app.session_state["uploads"] = {other.digest: other}
    app.session_state["data"] = other.digest
    app.query_params["data"] = other.digest
    app.run()
    assert not app.exception
    assert not any("nothing of this slice" in one.value for one in app.info)
    assert "slice" not in app.query_params
    assert _says(app, f"{len(other):,} pairs")


def test_a_slice_of_an_upload_stays_in_its_session(sample, monkeypatch):
    from parts import places, state

    made = []
    monkeypatch.setattr(state, "_job", lambda *key: made.append(key) or main_job(key[2], folds=0))
    app = _run(uploads=[sample.filter(scenarios=["coding", "advice"])], slice=CODING.to_json())
    assert not made
    part = CODING.apply(sample)
    assert app.session_state["own-slices"] == {part.digest}
    served = _run(slice=CODING.to_json())
    assert served.exception or made
    assert "own-slices" not in served.session_state
    assert places.is_own is state.is_own


def test_the_link_holds_the_view_and_no_token(token):
    app = _run(slice=CODING.to_json(), within="coding", token=token)
    assert not app.sidebar.code
    app.session_state["copy-link"] = True
    app.run()
    (line,) = [block.value for block in app.sidebar.code]
    assert "within=coding" in line
    assert "slice=%7B%22name%22" in line
    assert token not in line


def test_names_of_a_link_are_text():
    name = "![x](http://127.0.0.1:9/x.png) :red[y] <b>"
    app = _run(slice=json.dumps({"name": name, "scenarios": ["coding"]}))
    assert _says(app, name)
    marked_up = [app.markdown, app.caption, app.title, app.warning, app.error, app.info]
    assert not any("127.0.0.1" in str(e.value) for kind in marked_up for e in kind)
