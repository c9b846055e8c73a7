"""A figure on a page: a click leads to pairs once, and its numbers can be taken along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st

from workbench.plots.forest import forest

PAGES = Path(__file__).resolve().parents[2] / "pages"
NAME = "<b>x</b> **y** $z$"


@pytest.fixture
def drawn(monkeypatch) -> dict[str, Any]:
    """What the page gave to Streamlit, and what is selected."""
    monkeypatch.syspath_prepend(str(PAGES))
    seen: dict[str, Any] = {"points": [], "keys": [], "files": {}}

    def chart(plot: Any, **given: Any) -> dict[str, Any]:
        seen["keys"].append(given["key"])
        seen["given"] = given
        return {"selection": {"points": seen["points"]}}

    def offered(label: str, made: Any, **given: Any) -> None:
        seen["files"][given["file_name"]] = made

    monkeypatch.setattr(st, "plotly_chart", chart)
    monkeypatch.setattr(st, "download_button", offered)
    monkeypatch.setattr(st, "session_state", {})
    return seen


def _forest():
    row = {"group": NAME, "term": "words", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    return forest(pd.DataFrame([row]))


def test_a_click_gives_the_raw_names_and_does_not_fire_again(drawn):
    from parts.charts.figure import figure

    led: list[dict[str, str]] = []
    drawn["points"] = [{"customdata": list(_forest().data[0].customdata[0])}]
    figure(_forest(), "alt", "weights", select=led.append)
    assert led == [{"group": NAME, "term": "words"}]
    # on the way back it is another widget, on which nothing is selected
    drawn["points"] = []
    figure(_forest(), "alt", "weights", select=led.append)
    assert len(led) == 1
    assert len(set(drawn["keys"])) == 2
    assert drawn["given"]["selection_mode"] == "points"


def test_a_mark_without_names_and_a_figure_without_select_lead_nowhere(drawn):
    from parts.charts.figure import figure

    led: list[dict[str, str]] = []
    drawn["points"] = [{"x": 1.0}]
    figure(_forest(), "alt", "weights", select=led.append)
    figure(_forest(), "alt", "other")
    assert led == []
    assert "on_select" not in drawn["given"]


def test_table_json_and_picture_carry_the_name_of_the_figure(drawn):
    from parts.charts.figure import figure

    figure(_forest(), "alt", "gap-Differences of taste/1", how="How.")
    name = "gap-differences-of-taste-1"
    assert set(drawn["files"]) == {f"{name}-figure.csv", f"{name}-figure.json"}
    assert drawn["given"]["config"]["toImageButtonOptions"]["filename"] == name
    assert "words" in drawn["files"][f"{name}-figure.csv"]()
    assert drawn["files"][f"{name}-figure.json"]().startswith("{")
