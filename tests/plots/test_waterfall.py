"""Waterfall: bars that start where the last one ended, and end at the prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import DataError
from workbench.plots.waterfall import waterfall


def _frame(shares, **more):
    shares = np.asarray(shares, dtype=float)
    return pd.DataFrame(
        {
            "term": [f"f{k}" for k in range(len(shares))],
            "estimate": shares,
            "conf_low": shares - 0.1,
            "conf_high": shares + 0.1,
            **more,
        }
    )


def test_bars_follow_each_other_by_size_to_the_prediction():
    figure = waterfall(_frame([0.05, -0.2, 0.1]), start=0.5, percent=True)
    bar = figure.data[0]
    np.testing.assert_allclose(bar.x, [-0.2, 0.1, 0.05, -0.05])
    np.testing.assert_allclose(bar.base, [0.5, 0.3, 0.4, 0.5])
    assert list(figure.layout.yaxis.ticktext) == ["f1", "f2", "f0", "prediction"]
    assert bar.text[-1] == "45.0 %"
    assert bar.text[0] == "-20.0 points"
    assert figure.layout.xaxis.tickformat == ".1~%"


def test_hover_text_gives_interval_value_weight_and_n():
    frame = _frame([0.4], value=2.0, weight=0.2, n=1234, method="w x, logit scale")
    text = waterfall(frame, start=0.0).data[0].hovertext[0]
    for part in ("+0.400 [+0.300, +0.500]", "+2", "+0.200", "n = 1,234", "w x, logit scale"):
        assert part in text


def test_small_shares_are_folded_and_named_in_the_hover():
    shares = 0.1 / np.arange(1, 31)
    figure = waterfall(_frame(shares), start=0.0)
    bar, names = figure.data[0], list(figure.layout.yaxis.ticktext)
    assert names[-2:] == ["19 other factors", "prediction"]
    assert len(names) == 13
    assert bar.x[-2] == pytest.approx(shares[11:].sum())
    assert bar.base[-1] + bar.x[-1] == pytest.approx(shares.sum())
    assert "f20: " in bar.hovertext[-2]


def test_zero_shares_are_left_out_and_undefined_ones_noted():
    frame = _frame([0.2, 0.0, np.nan])
    figure = waterfall(frame, start=0.0)
    assert list(figure.layout.yaxis.ticktext) == ["f0", "prediction"]
    assert "f2" in figure.layout.annotations[0].text
    assert len(waterfall(_frame([0.0]), start=0.5, percent=True).data[0].x) == 1


def test_names_are_escaped():
    frame = _frame([0.2, np.nan]).assign(term=["<a href='x'>$y$", "<b>"])
    figure = waterfall(frame, start=0.0)
    assert "<a" not in figure.layout.yaxis.ticktext[0]
    assert "$" not in figure.layout.yaxis.ticktext[0]
    assert "<a" not in figure.data[0].hovertext[0]
    assert "<b>" not in figure.layout.annotations[0].text


def test_a_missing_column_or_two_pairs_are_named():
    with pytest.raises(DataError, match="conf_low"):
        waterfall(_frame([0.1]).drop(columns="conf_low"), start=0.0)
    with pytest.raises(DataError, match="stands twice"):
        waterfall(pd.concat([_frame([0.1])] * 2), start=0.0)
