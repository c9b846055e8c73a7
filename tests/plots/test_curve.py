"""Curves show each group's estimates with their intervals, and no markup of the data."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.errors import DataError
from workbench.plots.curve import curve

TABLE = pd.DataFrame(
    {
        "group": ["<b>x</b>", "<b>x</b>", "y"],
        "dose": [1, 2, 1],
        "estimate": [0.5, 0.75, 0.25],
        "conf_low": [0.25, 0.5, float("nan")],
        "conf_high": [1.0, 0.875, float("nan")],
        "n": [10, 20, 30],
    }
)


def test_estimates_and_intervals_are_the_tables():
    figure = curve(TABLE, x="dose", x_title="dose", y_title="flip rate", reference=0.0)
    first, second = figure.data
    assert (list(first.x), list(first.y)) == ([1, 2], [0.5, 0.75])
    assert list(first.error_y.array) == [0.5, 0.125]
    assert list(first.error_y.arrayminus) == [0.25, 0.25]
    assert list(second.error_y.array) == [0.0]
    assert "n = 20" in first.hovertext[1]
    assert len(figure.layout.shapes) == 1


def test_names_are_escaped():
    figure = curve(TABLE, x="dose", x_title="dose", y_title="y")
    assert figure.data[0].name == "&lt;b&gt;x&lt;/b&gt;"
    assert "<b>" not in figure.data[0].hovertext[0]


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="missing"):
        curve(TABLE.drop(columns="estimate"), x="dose", x_title="", y_title="")
