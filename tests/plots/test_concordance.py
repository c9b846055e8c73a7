"""Tau against weight: names where they fit, data text as text, undefined points counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import DataError
from workbench.plots.concordance import tau_against_weight


def _frame(n: int, term: str = "factor") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": "g",
            "term": [f"{term} {k}" for k in range(n)],
            **dict.fromkeys(("estimate", "conf_low", "conf_high"), 0.1),
            **dict.fromkeys(("per_sd", "per_sd_low", "per_sd_high"), 0.2),
            "confounded": True,
        }
    )


def _boxes(figure, wide=900.0, tall=440.0):
    """The rectangle of each name on a plot of some size, by the figure alone."""
    (x0, x1), (y0, y1) = figure.layout.xaxis.range, figure.layout.yaxis.range
    for trace in figure.data:
        rows = zip(trace.x, trace.y, trace.text, trace.textposition, strict=True)
        for x, y, text, place in rows:
            if text:
                px, py = (x - x0) / (x1 - x0) * wide, (y - y0) / (y1 - y0) * tall
                half, away = 3.2 * len(text), 8
                px += {"left": -half - away, "right": half + away, "center": 0}[place.split()[1]]
                py += {"top": away + 6, "bottom": -away - 6, "middle": 0}[place.split()[0]]
                yield px - half, py - 6, px + half, py + 6


def _spread(n: int, term: str = "factor") -> pd.DataFrame:
    rng = np.random.default_rng(n)
    frame = _frame(n, term).assign(estimate=rng.normal(size=n), per_sd=rng.normal(size=n))
    for name, middle in (("conf", "estimate"), ("per_sd", "per_sd")):
        frame[f"{name}_low"], frame[f"{name}_high"] = frame[middle] - 0.1, frame[middle] + 0.1
    return frame


def test_few_points_are_all_named_and_many_as_far_as_names_hide_nothing():
    few = tau_against_weight(_spread(8))
    assert sorted(few.data[0].text) == [f"factor {k}" for k in range(8)]
    many = tau_against_weight(_spread(120))
    boxes = list(_boxes(many))
    assert 10 < len(boxes) < 120
    for k, (a0, b0, a1, b1) in enumerate(boxes):
        for c0, d0, c1, d1 in boxes[:k]:
            assert a1 <= c0 or c1 <= a0 or b1 <= d0 or d1 <= b0
    assert all(f"factor {k}" in many.data[0].hovertext[k] for k in range(120))


def test_where_names_do_not_fit_those_that_disagree_have_theirs():
    frame = _frame(2).assign(confounded=[False, True])
    [points] = tau_against_weight(pd.concat([_frame(9).assign(confounded=False), frame])).data
    assert "factor 1" in [text for text in points.text if text][:1] or points.text[-1] == "factor 1"


def test_one_weight_that_diverges_does_not_squash_the_others():
    frame = _spread(10)
    frame.loc[0, ["per_sd", "per_sd_low", "per_sd_high"]] = 30.0, -4000.0, 4060.0
    low, high = tau_against_weight(frame).layout.xaxis.range
    assert -5 < low < high < 5


def test_data_text_is_text_and_undefined_points_are_told_below():
    frame = _frame(3, "<b>$x$").assign(weight_reason="<i>apart")
    frame.loc[1, "per_sd"] = np.nan
    figure = tau_against_weight(frame)
    [points] = figure.data
    assert len(points.x) == 2
    [note] = figure.layout.annotations
    assert note.text == "No number for &lt;b&gt;&#36;x&#36; 1: &lt;i&gt;apart"
    assert "<b>$" not in "".join(points.text)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="confounded"):
        tau_against_weight(_frame(1).drop(columns="confounded"))
