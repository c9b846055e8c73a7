"""Lists and objects that a table holds as text."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.formats.nested import fields, items, unpacked

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXT)
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=12,
).filter(lambda value: isinstance(value, list | dict))


@given(NESTED)
def test_json_and_printed_python_give_the_value_back(value):
    assert unpacked(json.dumps(value)) == value
    assert unpacked(str(value)) == value


@given(st.lists(st.dictionaries(TEXT.filter(bool), LEAVES, min_size=1, max_size=3), min_size=1))
def test_numpy_prints_objects_without_commas(value):
    printed = str(np.array(value, dtype=object)) if len(value) < 900 else "[]"
    assert unpacked(printed) == value or len(value) >= 900


@given(st.lists(TEXT, min_size=2, max_size=6))
def test_texts_side_by_side_are_not_joined(value):
    assert unpacked(str(np.array(value, dtype=object))) == value


def test_wrappers_of_numbers_and_times():
    printed = str([{"n": np.float64(1.5), "t": datetime(2024, 5, 1, 3, 4), "u": [("a", 1)]}])
    assert unpacked(printed) == [{"n": 1.5, "t": "2024-05-01 03:04:00", "u": [["a", 1]]}]
    assert unpacked(str([{"t": pd.Timestamp("2024-01-02")}])) == [{"t": "2024-01-02 00:00:00"}]


@pytest.mark.parametrize(
    "text",
    ["[see above] and below", "{", "[1, 2, ...]", "['a' ... 'b']", "[os.system('x')]", "plain",
     "[1, 2)", "[datetime.datetime(2024, 99, 1)]", "[" * 3000],
)  # fmt: skip
def test_what_is_no_nested_value_stays_a_text(text):
    assert unpacked(text) == text
    assert items(text) == []
    assert fields(text) == {}
