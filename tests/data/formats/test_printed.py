"""Lists and objects that a cell of text holds: read as they are, or not at all."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.formats.printed import nested, structure

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
structures = st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4)


@given(structures)
def test_python_and_json_are_read_back(value):
    assert structure(repr(value)) == value
    assert structure(json.dumps(value)) == value


@given(
    st.lists(
        st.text(max_size=9) | st.lists(st.text(max_size=5), min_size=2, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_numpy_arrays_are_read_back(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    assert structure(str(array)) == structure(repr(array)) == items


def test_texts_beside_each_other_are_not_joined():
    assert structure("['a' 'b']") == ["a", "b"]


def test_arrays_inside_objects():
    inner = np.array([{"type": "text", "text": "See"}], dtype=object)
    text = repr([{"role": "user", "content": inner, "score": np.float64(0.5)}])
    assert structure(text) == [
        {"role": "user", "content": [{"type": "text", "text": "See"}], "score": 0.5}
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1. 2.5 nan]", [1.0, 2.5, None]),
        ("('a', 'b')", ["a", "b"]),
        ("[Row(role='user', content='Hi')]", [{"role": "user", "content": "Hi"}]),
        ("{'at': datetime.datetime(2024, 1, 2, 3, 4)}", {"at": "2024-01-02 03:04:00"}),
        (
            "{'image': {'bytes': b'\\x89P', 'path': None}}",
            {"image": {"bytes": b"\x89P", "path": None}},
        ),
        ("[array(['a', 'b'], dtype='<U1')]", [["a", "b"]]),
        ("['\\u00e9\\x41\\n\\\\']", ["éA\n\\"]),
    ],
)
def test_prints(text, value):
    assert structure(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "[1] a footnote",
        "['cut",
        "['a', 'b'",
        "['a'] and more",
        "['a' 'b' ... 'y' 'z']",
        "{'a' 'b'}",
        "{'a': 1,, }",
        "[a]",
        "[open('x')]",
        "__import__('os').system('x')",
        "[__import__('os')]",
        "array()",
        "[" * 100_000,
        "[datetime.datetime(2024, 13, 1)]",
        "(" * 50 + ")" * 50,
    ],
)
def test_what_is_no_whole_print_is_none(text):
    assert structure(text) is None
    assert nested(text) == text


def test_a_long_cell_is_read_in_time():
    started = time.perf_counter()
    for text in ("Row(" + "a=1, " * 200_000, "[" + "'" * 400_001, "[" + " " * 1_000_000 + "?"):
        assert structure(text) is None
    assert time.perf_counter() - started < 5
