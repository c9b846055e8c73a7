"""Results in a notebook: a table, a picture, how to read it; small, and text that is only text."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import workbench as wb
from workbench.errors import ConfigError
from workbench.plots.forest import forest
from workbench.plots.heatmap import heatmap
from workbench.plots.notebook.view import view
from workbench.report.main_job import main_job

LARGEST = 50_000
HOSTILE = "<script>alert(1)</script> $x$ `y`"


@pytest.fixture(scope="module")
def results() -> list:
    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    more = ["posterior", "fit", "similarity", "scenarios", "concordance", "ratings", "strength"]
    return main_job(data, folds=2, further=more).results


def picture_in(html: str) -> ElementTree.Element:
    [text] = re.findall(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"', html)
    return ElementTree.fromstring(base64.b64decode(text).decode())  # noqa: S314  # our own


def test_every_result_of_the_sample_shows_table_picture_and_how_to_read(results) -> None:
    for result in results:
        html = result._repr_html_()
        assert len(html.encode()) <= LARGEST, type(result).__name__
        assert html.startswith(f"<h4>{result.heading or type(result).__name__}</h4>")
        assert picture_in(html).get("role") == "img"
        assert not result.about or "How to read it." in html
        assert "<script" not in html
        assert "<table>" in html


def test_the_clear_rows_come_first_with_their_intervals(results) -> None:
    gap = next(result for result in results if isinstance(result, wb.Contrast))
    html, table = gap._repr_html_(), gap.to_frame()
    rows = re.findall(r"<tr><td.*?</tr>", html)
    cells = [re.sub(r"<[^>]*>", "|", row).strip("|").split("||") for row in rows]
    clear = set(table.loc[table["q_value"] < 0.05, "term"])
    assert cells[0][1] in clear
    for group, term, number, *_ in cells:
        own = table[(table["group"] == group) & (table["term"] == term)].iloc[0]
        if np.isfinite(own["estimate"]):
            ends = f"[{own['conf_low']:+.3f}, {own['conf_high']:+.3f}]"
            assert number == f"{own['estimate']:+.3f} {ends}"
    assert f"{len(rows)} of {len(table)} rows" in html


def _large(terms: int, groups: int) -> pd.DataFrame:
    rows = [(f"term {k} " + "w" * 200, f"group {j} " + "w" * 200)
            for k in range(terms) for j in range(groups)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["term", "group"])
    table["estimate"] = np.random.default_rng(0).normal(size=len(table))
    return table.assign(
        conf_low=table["estimate"] - 0.1, conf_high=table["estimate"] + 0.1, q_value=0.001, n=9
    )


@pytest.mark.parametrize(("terms", "groups"), [(400, 1), (60, 20), (3, 200)])
def test_large_results_stay_small(terms: int, groups: int) -> None:
    table = _large(terms, groups)
    html = view("Large", "About it.", table, lambda: forest(table), "summary")
    assert len(html.encode()) <= LARGEST
    assert "12 of" in html


def test_a_large_matrix_stays_small() -> None:
    values = pd.DataFrame(np.eye(60), list(map(str, range(60))), list(map(str, range(60))))
    html = view("Matrix", "", pd.DataFrame(), lambda: heatmap(values), "x" * 10_000)
    assert len(html.encode()) <= LARGEST


def test_hostile_names_are_text_and_an_undefined_row_says_why() -> None:
    table = pd.DataFrame(
        {"term": [HOSTILE], "group": [HOSTILE], "estimate": [np.nan], "conf_low": [np.nan],
         "conf_high": [np.nan], "n": [3], "reason": [HOSTILE]}
    )  # fmt: skip
    html = view(HOSTILE, HOSTILE, table, lambda: forest(table), HOSTILE)
    assert "<script" not in html
    assert "undefined: &lt;script&gt;" in html
    assert view("h", "", table, lambda: go.Figure(go.Pie(values=[1])), "").count("<img") == 0


def test_a_picture_is_live_and_static_at_once(results, tmp_path: Path) -> None:
    shown = wb.picture(results[0])
    bundle = shown._repr_mimebundle_()
    again = go.Figure(bundle["application/vnd.plotly.v1+json"])
    assert len(again.data) == len(results[0].plot().data)
    assert "template" not in bundle["application/vnd.plotly.v1+json"]["layout"]
    json.dumps(bundle)
    root = ElementTree.fromstring(bundle["image/svg+xml"])  # noqa: S314  # our own
    assert root.get("aria-label") == bundle["text/plain"] == shown.alt
    path = shown.save(tmp_path / "weights.svg")
    assert path.read_text("utf-8") == shown.svg == bundle["image/svg+xml"]
    with pytest.raises(ConfigError, match=r"ends in \.svg"):
        shown.save(tmp_path / "weights.png")
