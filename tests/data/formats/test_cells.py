"""Lists in cells of text, however a writer put them there."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.formats.printed import nested

# printed text of Python has no other breaks than \n, which repr escapes
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | TEXT
NESTED = st.recursive(
    PLAIN, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT, x, max_size=3), max_leaves=8
)


@given(st.lists(NESTED, min_size=1, max_size=3))
def test_json_and_python_print_the_same_list(value):
    assert nested(json.dumps(value)) == value
    assert nested(repr(value)) == value


@pytest.mark.parametrize(
    "texts",
    [["Hi", "there"], ["It's", 'a "quote"'], ["two\nlines", "x"], ["'a' 'b'"], [""], ["a", None]],
)
def test_what_numpy_prints_without_commas(texts):
    assert nested(str(np.array(texts, dtype=object))) == texts


def test_messages_as_pandas_writes_them_from_parquet(tmp_path):
    parts = np.array([{"type": "text", "text": "Hi 'you' there"}], dtype=object)
    chat = np.array([{"role": "user", "content": parts}, {"role": "assistant"}], dtype=object)
    path = tmp_path / "chats.csv"
    pd.DataFrame({"chat": [chat]}).to_csv(path, index=False)
    want = [{"role": "user", "content": [{"type": "text", "text": "Hi 'you' there"}]},
            {"role": "assistant"}]  # fmt: skip
    assert nested(pd.read_csv(path)["chat"][0]) == want


@pytest.mark.parametrize(
    "value",
    ["plain", "[broken", "[a gas]?", "{x}", "(1)(2)", "[1] [2]", "['a'] ['b']", "[1 ... 9]",
     "[x for x in y]", None, 3, [1],
     "[__import__('os')]", "[f(1)]", "[" * 5000],
)  # fmt: skip
def test_what_is_no_list_stays_as_it_is(value):
    assert nested(value) == value


def test_an_array():
    assert nested(np.array(["a", "b"])) == ["a", "b"]
