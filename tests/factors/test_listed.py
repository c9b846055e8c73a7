"""Factors of lists: how cells are read, and the indicators of A less B."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.hostile import HOSTILE
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors.listed import list_columns, read_lists


def data(a: list[Any], b: list[Any], column: str = "values") -> PreferenceData:
    pairs = pd.DataFrame({f"{column}_a": a, f"{column}_b": b, "item": range(len(a))})
    labels = pd.DataFrame({"pair": range(len(a)), "annotator": "ann", "preference": 1.0})
    return PreferenceData.from_tables(pairs, labels)


@pytest.mark.parametrize(
    "cell", ["['Care',  'Duty to all']", '["care", "duty to ALL"]', "care; duty to  all",
             "duty to all|Care|care", "care\nduty to all", "care, duty to all"]
)  # fmt: skip
def test_every_way_to_write_a_list_is_the_same_list(cell: str) -> None:
    assert read_lists(data([cell], [""]), "values").names == ["care", "duty to all"]


def test_a_separator_may_be_named_and_commas_stay_where_another_parts() -> None:
    assert read_lists(data(["a, b; c"], [""]), "values").names == ["a, b", "c"]
    found = read_lists(data(["a/b"], ["c"]), "values", separator="/")
    assert found.names == ["a", "b", "c"]


def test_indicators_are_counted_by_hand_and_exchanging_sides_turns_them() -> None:
    a, b = ["x; y", "y", "[]", None], ["z", "x; y", "y", "x"]
    one, other = (wb.factors.from_lists(d, "values").factors for d in (data(a, b), data(b, a)))
    names = ["values: x", "values: y", "values: z"]
    expected = [[1, 1, -1], [-1, 0, 0], [0, -1, 0], [np.nan] * 3]
    assert np.array_equal(one[names].to_numpy(), expected, equal_nan=True)
    assert np.array_equal(other[names].to_numpy(), -np.array(expected), equal_nan=True)
    sums = wb.factors.from_lists(data(a, b), "values", {"both": ["x", "Y"]}).factors
    assert sums["values: both"].tolist()[:3] == [2.0, -1.0, -1.0]


def test_hostile_names_stay_names() -> None:
    texts = [text for text in HOSTILE if text.strip()]
    found = wb.factors.from_lists(
        data([str([text]) for text in texts], [""] * len(texts)), "values"
    )
    assert len(found.factor_names) >= 1


def test_what_is_no_list_is_told() -> None:
    with pytest.raises(DesignError, match="no lists 'traits'") as error:
        wb.factors.from_lists(data(["x"], ["y"]), "traits")
    assert "values" in str(error.value)
    with pytest.raises(DesignError, match="hold nothing"):
        wb.factors.from_lists(data(["", None], [None, "[]"]), "values")
    assert list_columns(data(["x"], ["y"])) == ["values"]


def test_numbers_in_a_list_are_names_and_what_is_missing_is_none() -> None:
    pairs = pd.DataFrame({"values_a": ['[1.5, "care", null]'], "values_b": ["[2, NaN]"]})
    labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    found = read_lists(PreferenceData.from_tables(pairs, labels), "values")
    assert found.names == ["1.5", "2", "care"]
