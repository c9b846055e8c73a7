"""Exports: spreadsheets run nothing, numbers stay exact."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.on_view.spreadsheet import guard, to_csv

RISKY = ("=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1")


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", RISKY)
def test_no_text_cell_starts_a_formula(text: str) -> None:
    header, row = cells(to_csv(pd.DataFrame({text: [text]})))
    assert header == ["'" + text]
    assert row == ["'" + text]


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_text_comes_back_as_written_and_begins_no_row(texts: list[str]) -> None:
    rows = cells(to_csv(pd.DataFrame({"text": texts})))[1:]
    assert rows == [[guard(text)] for text in texts]


@given(st.text())
def test_a_guard_only_ever_adds_one_apostrophe(text: str) -> None:
    assert guard(text) in (text, "'" + text)
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_come_back_exactly_and_unmarked(values: list[float]) -> None:
    text = to_csv(pd.DataFrame({"value": np.array(values, dtype="float64")}))
    assert [float(row[0]) for row in cells(text)[1:]] == values


def test_numbers_in_a_column_of_mixed_values_stay_numbers() -> None:
    text = to_csv(pd.DataFrame({"value": pd.Series([-1.5, "-x", None], dtype="object")}))
    assert cells(text)[1:3] == [["-1.5"], ["'-x"]]


def test_the_table_is_left_as_it_was() -> None:
    frame = pd.DataFrame({"=a": ["=1"]})
    to_csv(frame)
    assert frame.columns.tolist() == ["=a"]
    assert frame.iloc[0, 0] == "=1"


def test_columns_of_one_name_keep_their_cells() -> None:
    table = pd.DataFrame([["=a", "b", "c"]], columns=["x", "x", "=y"])
    assert cells(to_csv(table)) == [["x", "x", "'=y"], ["'=a", "b", "c"]]
    same = pd.DataFrame([["1a", "2b"]], columns=["=y", "'=y"])
    assert cells(to_csv(same)) == [["'=y", "'=y"], ["1a", "2b"]]
