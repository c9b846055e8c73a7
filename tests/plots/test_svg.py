"""Static pictures: all that our figures hold, no script, and text that is only text."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import workbench.plots
from workbench.errors import DataError
from workbench.plots.concordance import tau_against_weight
from workbench.plots.curve import curve
from workbench.plots.forest import forest
from workbench.plots.heatmap import heatmap
from workbench.plots.held_out import held_out_dots
from workbench.plots.panels import panels
from workbench.plots.ratings import rating_dots
from workbench.plots.reliability import reliability
from workbench.plots.scale import against_reference
from workbench.plots.svg.draw import to_svg
from workbench.plots.svg.signs import sign
from workbench.plots.svg.text import colour, xml
from workbench.plots.theme import SYMBOLS, style
from workbench.plots.waterfall import waterfall

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> & \"q\" 'a' $x$ \x07"

_ROWS = pd.DataFrame(
    {
        "term": [HOSTILE, "words", "flat"],
        "group": ["a", "b", "a"],
        "estimate": [1.0, -2.0, np.nan],
        "conf_low": [0.5, -2.5, np.nan],
        "conf_high": [2.0, -1.0, np.nan],
        "q_value": [0.01, 0.2, np.nan],
        "n": [10, 20, 30],
        "method": "m",
        "reason": [None, None, HOSTILE],
    }
)
_MATRIX = pd.DataFrame([[1.0, -0.4], [-0.4, 1.0]], ["a", HOSTILE], ["a", HOSTILE])


def read(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314  # our own text


def _concordance() -> go.Figure:
    row = dict.fromkeys(
        ("estimate", "conf_low", "conf_high", "per_sd", "per_sd_low", "per_sd_high"), 0.1
    )
    rows = [{"group": "g", "term": HOSTILE, "confounded": flag, **row} for flag in (True, False)]
    return tau_against_weight(pd.DataFrame(rows))


def _held_out() -> go.Figure:
    about = {"group": ["ann", "ann"], "predictor": ["factors", "length"], "n": [9, 9]}
    scores = {"accuracy": [0.7, np.nan], "accuracy_low": [0.6, np.nan], "accuracy_high": 0.8}
    return held_out_dots(pd.DataFrame({**about, **scores, "reason": [None, "no votes"]}))


def _scale() -> go.Figure:
    row = {"group": "j", "term": HOSTILE, "group_estimate": 1.0, "reference_estimate": 0.5}
    rows = [{**row, "ratio": 2.0, "verdict": verdict} for verdict in ("differs", "cannot tell")]
    return against_reference(pd.DataFrame(rows), "human")


def _waterfall() -> go.Figure:
    rows = {"term": ["x", HOSTILE, "z"], "estimate": [0.2, -0.1, np.nan]}
    ends = {"conf_low": 0.0, "conf_high": 0.3}
    return waterfall(pd.DataFrame({**rows, **ends}), start=0.5, percent=True)


def _panels() -> go.Figure:
    rows = [
        _ROWS.assign(scenario=scenario, term=["words", HOSTILE, "flat"])
        for scenario in ("code", HOSTILE)
    ]
    return panels(pd.concat(rows), ["words", HOSTILE], row="scenario", x_title="weight")


_POINTS = pd.DataFrame(
    {"predicted": [0.6, 0.8], "estimate": [0.6, np.nan], "conf_low": 0.5, "conf_high": 0.9}
)
DRAWN: dict[str, Callable[[], go.Figure]] = {
    "forest": lambda: forest(_ROWS, title=HOSTILE),
    "heatmap": lambda: heatmap(
        _MATRIX, tree=(list(_MATRIX), np.array([[0.0, 1.0, 0.5, 2.0]])), title="r"
    ),
    "curve": lambda: curve(
        _POINTS, x="predicted", x_title="x", y_title="y", reference=0.5, title=HOSTILE
    ),
    "reliability": lambda: reliability(_POINTS.assign(group=["a", HOSTILE])),
    "rating_dots": lambda: rating_dots(
        {"r": pd.DataFrame([{"term": "m", "elo": 1000.0, "elo_low": 990.0, "elo_high": 1010.0}])}
    ),
    "tau_against_weight": _concordance,
    "held_out_dots": _held_out,
    "against_reference": _scale,
    "waterfall": _waterfall,
    "panels": _panels,
}


def makers() -> set[str]:
    """Names of the public functions of the room that make a figure of a table."""
    found = set()
    for _, name, _ in pkgutil.iter_modules(workbench.plots.__path__, "workbench.plots."):
        module = importlib.import_module(name)
        for label, function in inspect.getmembers(module, inspect.isfunction):
            signature = inspect.signature(function)
            takes = [p.name for p in signature.parameters.values()]
            own = function.__module__ == name and not label.startswith("_")
            if own and signature.return_annotation == "go.Figure" and takes[0] != "figure":
                found.add(label)
    return found


def test_every_function_that_makes_a_figure_is_drawn_below() -> None:
    assert makers() == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_xml_without_script_link_or_handler(name: str) -> None:
    text = to_svg(DRAWN[name](), HOSTILE)
    root = read(text)
    known = {"svg", "g", "path", "rect", "text", "title"}
    for element in root.iter():
        assert element.tag.removeprefix(NAMESPACE) in known
        assert not [a for a in element.attrib if a.startswith("on") or "href" in a]
    assert root.get("role") == "img"
    assert root.get("aria-label") == HOSTILE.replace("\x07", "\ufffd")
    assert root[0].tag == f"{NAMESPACE}title"
    assert "<script" not in text
    assert "nan" not in " ".join(e.get("d", "") for e in root.iter())


def test_marks_tell_their_numbers_and_names_stand_as_they_are() -> None:
    root = read(to_svg(forest(_ROWS), "Forest"))
    told = [e.text for e in root.iter(f"{NAMESPACE}title")][1:]
    assert len(told) == 2
    assert any("-2.000 [-2.500, -1.000]" in t for t in told)
    clean = HOSTILE.replace("\x07", "\ufffd")
    below = " ".join(e.text for e in root.iter(f"{NAMESPACE}text"))
    assert f"No number for flat (a): {clean}" in below
    shown = [e.text for e in root.iter(f"{NAMESPACE}text")]
    assert "words" in shown
    # a name is cut at 40 characters, as in the live figure
    assert any(t.startswith("<script>alert(1)</script> & ") for t in shown)


def test_points_and_intervals_stand_where_the_axis_says() -> None:
    rows = pd.DataFrame(
        {"term": ["x"], "estimate": [1.0], "conf_low": [0.0], "conf_high": [4.0], "n": [5]}
    )
    figure = forest(rows).update_xaxes(range=[-1, 4])
    root = read(to_svg(figure, "One", width=1000))
    area = root.find(f"{NAMESPACE}svg")
    width = float(area.get("width"))
    paths = [e.get("d") for e in area.iter(f"{NAMESPACE}path")]
    [bar] = [p for p in paths if re.match(r"M[\d.]+ [\d.]+H[\d.]+M", p)]
    start, end = (float(v) for v in re.match(r"M([\d.]+) [\d.]+H([\d.]+)", bar).groups())
    assert start == pytest.approx(width * 1 / 5, abs=0.06)
    assert end == pytest.approx(width, abs=0.06)
    [point] = [e for e in area.iter(f"{NAMESPACE}path") if len(e)]
    place = float(re.match(r"M([\d.]+) ", point.get("d"))[1])
    assert place == pytest.approx(width * 2 / 5, abs=0.06)


def test_ticks_are_round_and_labels_are_all_within_the_picture() -> None:
    long = _ROWS.assign(term=["w" * 39, "m" * 38, "short"])
    root = read(to_svg(forest(long), "Forest"))
    shown = {e.text: e for e in root.iter(f"{NAMESPACE}text")}
    assert {"−2", "0", "2"} <= set(shown) or {"−2.0", "0.0", "2.0"} <= set(shown)
    from workbench.plots.svg.text import width_of

    for text, element in shown.items():
        if element.get("text-anchor") == "end":
            assert float(element.get("x")) - width_of(text, 12) >= 0


def test_panels_stand_beside_each_other_with_their_own_names_and_ticks() -> None:
    root = read(to_svg(_panels(), "Panels"))
    shown = [(e.text, float(e.get("x"))) for e in root.iter(f"{NAMESPACE}text")]
    (left,) = [x for text, x in shown if text == "words"]
    (right,) = [x for text, x in shown if text.startswith("<script>") and x > left]
    assert right - left > 300
    assert sum(text == "code" for text, _ in shown) == 1
    titles = [x for text, x in shown if text == "weight"]
    assert titles == [left, right]


def test_a_waterfall_has_its_bars_end_to_end() -> None:
    root = read(to_svg(_waterfall(), "Shares"))
    area = root.find(f"{NAMESPACE}svg")
    bars = [e for e in area.iter(f"{NAMESPACE}rect") if len(e)]
    first, second, last = ((float(e.get("x")), float(e.get("width"))) for e in bars)
    assert first[0] + first[1] == pytest.approx(second[0] + second[1], abs=0.2)
    assert first[1] == pytest.approx(2 * second[1], abs=0.3)
    assert last[1] == pytest.approx(second[1], abs=0.2)
    assert "+20.0 points" in [e.text for e in root.iter(f"{NAMESPACE}text")]


def test_marks_that_are_there_to_be_clicked_are_not_drawn() -> None:
    text = to_svg(DRAWN["heatmap"](), "Similarity")
    area = read(text).find(f"{NAMESPACE}svg")
    assert len(list(area.iter(f"{NAMESPACE}rect"))) == 4
    assert not [e for e in area.iter(f"{NAMESPACE}path") if len(e) and e.get("fill") != "none"]


def test_a_large_heatmap_stays_small() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, (120, 120))
    names = [f"judge {k}" for k in range(120)]
    text = to_svg(heatmap(pd.DataFrame((values + values.T) / 2, names, names)), "Similarity")
    assert len(text) < 500_000


def test_a_picture_alone_brings_its_ground_and_one_in_a_page_takes_the_pages_ink() -> None:
    figure = forest(_ROWS)
    assert "prefers-color-scheme:dark" in to_svg(figure, "x", alone=True)
    inline = to_svg(figure, "x")
    assert "<style" not in inline
    assert 'fill="currentColor"' in inline
    # nothing that every picture of a page would have to have its own name for
    assert " id=" not in inline


def test_the_same_figure_has_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from tests.plots.test_svg import DRAWN, to_svg;"
        "text = ''.join(to_svg(make(), 'x') for make in DRAWN.values());"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("symbol", [*SYMBOLS, "x-thin-open"])
def test_every_sign_of_the_theme_is_known_open_and_filled(symbol: str) -> None:
    path, filled = sign(symbol, 9)
    opened, not_filled = sign(f"{symbol.removesuffix('-open')}-open", 9)
    assert path.startswith("m")
    assert path == opened
    assert filled == (not symbol.endswith("-open"))
    assert not not_filled


@pytest.mark.parametrize(
    "figure",
    [
        go.Figure(go.Pie(values=[1])),
        go.Figure(go.Scatter(x=[1, 2], y=[1, 2], fill="tozeroy")),
        go.Figure(go.Scatter(x=["a", "b"], y=[1, 2])),
        go.Figure(go.Scatter(x=[1, 2], y=[1, 2], marker={"symbol": "hourglass"})),
        go.Figure(go.Scatter(x=[1], y=[1]), {"xaxis": {"type": "log"}}),
        go.Figure(go.Scatter(x=[1], y=[1])).add_shape(type="circle", x0=0, x1=1, y0=0, y1=1),
        go.Figure(go.Scatter(x=[1], y=[1])).add_annotation(text="here", x=1, y=1),
        go.Figure(go.Scatter(x=[1], y=[1], error_y={"type": "percent", "value": 10})),
    ],
)
def test_what_it_cannot_draw_it_refuses(figure: go.Figure) -> None:
    with pytest.raises(DataError, match="static picture"):
        to_svg(figure, "x")


@pytest.mark.parametrize("bad", ['red" onload="x', "url(#a)", "var(--x)", None])
def test_a_colour_is_a_colour(bad: object) -> None:
    with pytest.raises(DataError, match="colour"):
        colour(bad)


def test_text_holds_nothing_that_xml_cannot() -> None:
    text = xml("a\x00\x1b\ud800\uffff<&\"'")
    assert read(f"<t a='{text}'>{text}</t>").text == "a\ufffd\ufffd\ufffd\ufffd<&\"'"


def test_an_empty_figure_is_an_empty_frame() -> None:
    text = to_svg(style(go.Figure(), height=200, title=None), "Nothing")
    assert read(text).get("height") == "200"
