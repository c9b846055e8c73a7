"""Factors of the user's own: columns and functions, with and without text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DesignError
from workbench.factors import Coding, FactorSpec, column_factors, from_columns, from_function


def build(pairs: dict, preference=None) -> wb.PreferenceData:
    table = pd.DataFrame(pairs)
    y = np.resize([1.0, 0.0], len(table)) if preference is None else preference
    labels = pd.DataFrame({"pair": np.arange(len(table)), "annotator": "eye", "preference": y})
    return wb.PreferenceData.from_tables(table, labels)


def test_column_pairs_and_difference_columns_by_hand():
    data = build({"glow_a": [1, 4], "glow_b": [4, 0], "gain": [-1.0, 1.0], "note": ["u", "v"]})
    assert column_factors(data) == ["glow"]
    scored = from_columns(data, ["glow", "gain"], coding=Coding("difference", standardise=False))
    assert scored.factors["glow"].tolist() == [-3, 4]
    assert scored.factors["gain"].tolist() == [-1, 1]
    assert scored.factor_values["glow_a"].tolist() == [1, 4]
    assert "gain_a" not in scored.factor_values
    for name in ("glow", "gain"):
        spec = FactorSpec.from_dict(dict(scored.factor_specs[name]))
        assert (spec.name, spec.family, spec.source) == (name, "user", "column")
    assert from_columns(data, "gain").factor_names == ["gain"]


def test_all_column_pairs_when_no_name_is_given():
    data = build({"x_a": [1.0, 2.0], "x_b": [2.0, 1.0], "y_a": [True, False], "y_b": [False, True]})
    assert from_columns(data).factor_names == ["x", "y"]


def test_missing_values_are_kept_missing_and_counted_by_the_fit():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    y = (a - b + rng.logistic(size=200) > 0).astype(float)
    a[:7] = np.nan
    data = from_columns(build({"x_a": a, "x_b": b}, y))
    assert data.factors["x"].isna().sum() == 7
    fit = wb.decompose(data)
    assert fit.to_frame()["n"].max() == 193


@pytest.mark.parametrize("n", [400])
def test_data_without_text_decompose_from_their_columns_alone(n):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, n, 2))
    y = (2 * (a - b)[:, 0] + rng.logistic(size=n) > 0).astype(float)
    columns = {"sharp_a": a[:, 0], "sharp_b": b[:, 0], "bright_a": a[:, 1], "bright_b": b[:, 1]}
    fit = wb.decompose(from_columns(build(columns, y))).to_frame().set_index("term")
    assert fit.loc["sharp", "conf_low"] > 1
    assert fit.loc["bright", "conf_low"] < 0 < fit.loc["bright", "conf_high"]


@pytest.mark.parametrize(
    ("columns", "name", "said"),
    [
        ({"t": ["3", "loud"]}, "t", "1 are no numbers, as 'loud'"),
        ({"x_a": [1.0, np.inf], "x_b": [0.0, 0.0]}, "x", "row 2"),
        ({"x": [np.nan, np.nan], "z": [1, 2]}, "x", "2 missing of 2"),
        ({"x": [1.0, 2.0]}, "y", "no such column"),
        ({"day": pd.to_datetime(["2020-01-01", "2020-01-02"])}, "day", "datetime64"),
        ({"t": ["u", "v"]}, None, "no numeric column"),
    ],
)
def test_what_cannot_be_a_factor_says_why(columns, name, said):
    with pytest.raises(DesignError, match=said):
        from_columns(build(columns), name)


TEXT = {
    "prompt": ["say a", "say b"],
    "response_a": ["a; b; c", "b"],
    "response_b": ["", "b; b"],
}


def test_a_function_of_the_response_and_of_the_prompt():
    data = build(TEXT)
    plain = Coding("difference", standardise=False)
    scored = from_function(data, "semicolons", lambda text: text.count(";"), coding=plain)
    assert scored.factors["semicolons"].tolist() == [2, -1]
    scored = from_function(
        scored, "last", lambda prompt, text: prompt[-1] in text, coding=plain, with_prompt=True
    )
    assert scored.factors["last"].tolist() == [1, 0]
    assert scored.factor_names == ["semicolons", "last"]
    assert scored.factor_specs["last"]["source"] == "function"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda text: 1 / len(text), "ZeroDivisionError"),
        (lambda text: text[0], "IndexError|ValueError"),
        (lambda text: None, "TypeError"),
        (lambda text: float("inf"), "it returned inf"),
    ],
)
def test_an_error_of_the_function_names_the_pair(function, said):
    data = build(TEXT)
    with pytest.raises(DesignError, match=said) as caught:
        from_function(data, "odd", function)
    assert caught.value.where in {f"pair {pair}" for pair in data.pairs["pair_id"]}


def test_a_function_may_leave_values_out_but_needs_text():
    scored = from_function(build(TEXT), "ends", lambda text: len(text) or float("nan"))
    assert scored.factors["ends"].isna().tolist() == [True, False]
    with pytest.raises(DesignError, match="no text"):
        from_function(build({"x_a": [1.0], "x_b": [2.0]}), "size", len)
