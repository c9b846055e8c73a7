"""The first page: findings with one click to their pairs, and no traceback on odd data."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests.pages.browsing import dashboard
from workbench.report.main_job import main_job

PAGES = Path(__file__).resolve().parents[2] / "pages"
HOSTILE = "![x](http://127.0.0.1:9/x.png) :red[y] $z$ <b>"


def _run(page: str = "navigation.py", **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / page), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _served(monkeypatch, tmp_path, table: pd.DataFrame) -> AppTest:
    table.to_csv(tmp_path / "votes.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "votes.csv"))
    return _run("overview.py")


def _said(app: AppTest) -> str:
    return "\n".join(text.value for text in app.text)


def test_the_first_page_shows_findings_of_the_library_each_with_a_link_to_its_pairs():
    app = _run()
    assert [title.value for title in app.title] == ["Overview"]
    assert any("simulated" in warning.value for warning in app.warning)
    found = wb.overview(main_job(wb.score_factors(wb.load("sample"), wb.factors.CORE)))
    said = _said(app)
    assert found.line in said
    assert all(point.message in said for point in found.points)
    links = [link.proto for link in app.get("page_link") if link.proto.page == "examples"]
    assert len(links) == len(found.points)
    for link, point in zip(links, found.points, strict=True):
        query = parse_qs(link.query_string)
        # whom a page shows at first is not named
        named = {k: [v] for k, v in point.where.items() if (k, v) != ("group", "human")}
        assert {name: query[name] for name in point.where if name in query} == named
        assert query["order"] == ["behind a number"]
        assert link.label == "Show the pairs"
    for row in found.verdicts.to_dict("records"):
        assert row["judge"] in said
        assert f"{100 * row['agreement']:.0f}%" in said
    # the figures come below their findings, and tables only when they are asked for
    assert len(app.get("plotly_chart")) == 1 + len(found.points)
    assert not app.dataframe


def test_choices_of_the_link_are_those_of_the_findings():
    app = _run(factors="words", annotators="sim-judge-format")
    query = parse_qs(app.get("page_link")[0].proto.query_string)
    assert query["factors"] == ["words"]
    assert query["annotators"] == ["sim-judge-format"]
    assert "sim-judge-length" not in _said(app)


def test_names_of_a_file_are_text(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    rows = {f"{HOSTILE}_a": x, f"{HOSTILE}_b": 0.0}
    people = pd.DataFrame({**rows, "label": np.where(x + rng.logistic(size=400) > 0, "a", "b")})
    judge = people.assign(label=np.where(rng.random(400) < 0.5, "a", "b"))
    both = pd.concat([people.assign(annotator="p", kind="human"),
                      judge.assign(annotator=HOSTILE, kind="llm")])  # fmt: skip
    app = _served(monkeypatch, tmp_path, both)
    assert HOSTILE in _said(app)
    labels = [*app.markdown, *app.caption, *app.warning, *app.error, *app.info, *app.button]
    assert not any("127.0.0.1" in str(one.value) + str(one) for one in labels)
    assert not any("127.0.0.1" in link.proto.label for link in app.get("page_link"))


def _pairs(n: int, **columns) -> pd.DataFrame:
    return pd.DataFrame({"prompt": [f"q {k}" for k in range(n)],
                         "response_a": [f"yes {'very ' * (k % 5)}" for k in range(n)],
                         "response_b": [f"no {'not ' * (k % 3)}" for k in range(n)],
                         "label": ["a", "b"] * (n // 2), **columns})  # fmt: skip


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (_pairs(4, annotator="ann", kind="human"), "is preferred cannot be told"),
        (_pairs(40, annotator="ann", kind="human"), "No factor is surely rewarded"),
        (_pairs(40, annotator="gpt", kind="llm"), "LLM judge"),
        (pd.DataFrame({"model_a": ["m", "n"] * 20, "model_b": ["n", "o"] * 20,
                       "winner": ["model_a", "model_b"] * 20}), "cannot be told"),
        (pd.DataFrame({"x_a": [1.0, 2.0], "x_b": [0.0, 3.0], "label": ["n/a", "failed"]}),
         "No label can be fitted"),
    ],
    ids=["four labels", "one annotator", "no reference", "battles", "nothing usable"],
)  # fmt: skip
def test_odd_data_say_what_can_be_told(monkeypatch, tmp_path, table, told):
    app = _served(monkeypatch, tmp_path, table)
    assert told in _said(app)


def test_the_server_makes_the_overview_before_a_visitor_comes(monkeypatch):
    from parts.overview import made, warm

    made._made.clear()
    calls = []
    original = wb.overview
    monkeypatch.setattr(wb, "overview", lambda *a: calls.append(a) or original(*a))
    warm._run()
    assert len(calls) == 1
    _run("overview.py")
    # the first visitor finds it, with the choices that the widgets show at first
    assert len(calls) == 1


@pytest.mark.browser
def test_one_click_leads_from_the_start_to_the_pairs_behind_the_first_finding(browser, tmp_path):
    found = wb.overview(main_job(wb.score_factors(wb.load("sample"), wb.factors.CORE)))
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    clicks = 0
    with dashboard(tmp_path) as link:
        page.goto(link, wait_until="domcontentloaded")
        first = page.get_by_role("link", name="Show the pairs").first
        first.wait_for(timeout=120_000)
        page.locator(".js-plotly-plot .point").first.wait_for(timeout=120_000)
        page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
        # all of it on the first screen: what was found, who is how good, and the chart
        for seen in (first, page.get_by_text(found.points[0].message),
                     page.get_by_test_id("stMain").get_by_text("sim-reward", exact=True).first,
                     page.locator(".js-plotly-plot").first):  # fmt: skip
            box = seen.bounding_box()
            assert 0 <= box["y"] < box["y"] + box["height"] <= 900
        first.click()
        clicks += 1
        page.get_by_role("heading", level=1, name="Examples").wait_for(timeout=60_000)
        page.get_by_text("Prompt", exact=True).first.wait_for(timeout=60_000)
        query = parse_qs(page.url.partition("?")[2])
        assert query["group"] == [found.points[0].group]
        assert query["term"] == [found.points[0].term]
        assert clicks == 1
        # a link to the box's first option, after a visit that chose another one
        at = next(k for k, point in enumerate(found.points) if point.group == "human")
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview").click()
        page.get_by_role("link", name="Show the pairs").nth(at).click()
        page.get_by_role("heading", level=1, name="Examples").wait_for(timeout=60_000)
        page.wait_for_url(f"**term={found.points[at].term}**", timeout=60_000)
        page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
        assert page.get_by_label("Prediction of").input_value() == "human"
        assert "against=" not in page.url
