"""Battles, and pairs of numbers, without any text: every page opens, and says what it needs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb

PAGES = Path(__file__).resolve().parents[2] / "pages"
ALL = sorted(
    path.relative_to(PAGES).as_posix()
    for path in [*PAGES.glob("*.py"), *PAGES.glob("stated/*.py")]
    if path.name not in ("app.py", "navigation.py")
)
NEED_TEXTS = ("annotate.py", "principles.py", "model_audit.py")
NEED_FACTORS = ("compare.py", "next_labels.py", "report.py")
BATTLES = pd.DataFrame(
    [(*("ab" if k % 2 else "ba"), ("model_a", "model_b", "tie", "model_a")[k % 4], f"p{k % 3}")
     for k in range(60)] + [("a", "c", "model_a", "p0"), ("c", "b", "model_a", "p1")] * 9,
    columns=["model_a", "model_b", "winner", "judge"],
)  # fmt: skip
NUMBERS = pd.DataFrame(
    {"x_a": [k % 7 for k in range(60)], "x_b": [k % 5 for k in range(60)],
     "label": ["ab"[k % 3 % 2] for k in range(60)]}
)  # fmt: skip


@pytest.fixture(params=["battles", "numbers"])
def data(request, monkeypatch, tmp_path) -> str:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    path = tmp_path / f"{request.param}.csv"
    (BATTLES if request.param == "battles" else NUMBERS).to_csv(path, index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(path))
    return request.param


def visit(page: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / page), default_timeout=90).run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("page", ALL)
def test_a_page_opens_and_says_in_one_line_what_it_needs(page, data):
    app = visit(page)
    needed = [one.value for one in app.info if one.value.startswith("This needs")]
    if page in NEED_TEXTS or (page in NEED_FACTORS and data == "battles"):
        (told,) = needed
        assert "\n" not in told
        assert ("Leaderboard" in told) == (data == "battles")
        assert app.button(key="instead-load")
        assert not app.error
    elif page == "calibration.py":
        # everybody who judged is of one kind, and so is the reference
        (told,) = needed
        assert "an annotator who is not of the reference" in told
    elif page == "stated/reasons.py":
        (told,) = needed
        assert "a column of reasons" in told
    else:
        assert not needed
    # numbers have no models to rate; the sample shares no factor with either; one person judged
    # each pair
    refused = {"side_by_side.py", "people.py"} | (
        {"leaderboard.py", "transitivity.py"} if data == "numbers" else set()
    )
    if page not in refused:
        assert not app.error


def test_the_verdicts_of_battles_are_audited(data):
    app = visit("judge_audit.py")
    assert any("Probes change texts" in one.value for one in app.info)
    app.button(key="a-verdicts").click().run()
    assert not app.exception
    assert not app.error
    assert len(app.dataframe) >= 1


def test_battles_that_are_uploaded_have_a_leaderboard_of_the_library_s_numbers(data):
    if data == "numbers":
        return
    app = visit("load.py")
    app.file_uploader[0].set_value([("b.csv", BATTLES.to_csv(index=False).encode(), "")]).run()
    app.button(key="load").click().run()
    assert not app.exception
    assert app.metric[0].value == str(len(BATTLES))
    shown = next(f.value for f in visit("leaderboard.py").dataframe if "elo" in f.value.columns)
    direct = wb.rate(wb.load(BATTLES)).to_frame()
    expected = direct.set_index("term")["elo"].loc[shown["term"]]
    assert shown["elo"].to_numpy() == pytest.approx(expected.to_numpy())
