"""Rows of texts that stood further up already, against a search by hand."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.alike.equal import first_alike

TEXTS = st.lists(st.sampled_from([None, "", "a", "b", "aXa", "aYa", "é", "x" * 99]), max_size=12)


@settings(deadline=None, max_examples=40)
@given(TEXTS, st.integers(0, 3))
def test_the_first_of_equal_rows_is_found(texts, shift):
    other = texts[shift:] + texts[:shift]
    columns = [pd.Series(one, dtype="str") for one in (texts, other)]
    rows = list(zip(texts, other, strict=True))
    assert first_alike(columns).tolist() == [rows.index(row) for row in rows]


def test_texts_that_differ_where_nobody_looks_are_told_apart():
    long = ["a" * 5000, "a" * 4000 + "b" + "a" * 999, "a" * 5000]
    pieces = pd.concat([pd.Series(long, dtype="str"), pd.Series(long, dtype="str")])
    assert first_alike([pieces.reset_index(drop=True)]).tolist() == [0, 1, 0, 0, 1, 0]
