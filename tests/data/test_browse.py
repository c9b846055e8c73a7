"""Finding pairs by text, annotators, scenario and agreement."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.data.browse import find_pairs
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

NAN = float("nan")


@pytest.fixture
def data():
    pairs = pd.DataFrame(
        {
            "prompt": ["Write (a) poem", "two", "three", "four", "five"],
            "response_a": ["one", "Straße 1.5", "x", "x", "y"],
            "response_b": ["two", "b", "POEM", "x2", None],
            "scenario": ["s", "s", "t", None, "t"],
        }
    )
    verdicts = {
        "ann": [1.0, 1.0, 0.5, 1.0, NAN],
        "bob": [1.0, 0.0, 0.5, 0.5, 1.0],
        "cat": [0.9, None, None, None, None],
    }
    rows = [
        {"pair": k, "annotator": who, "preference": value}
        for who, values in verdicts.items()
        for k, value in enumerate(values)
        if value is not None
    ]
    return PreferenceData.from_tables(pairs, pd.DataFrame(rows))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"text": "poem"}, [0, 2]),
        ({"text": "(a)"}, [0]),
        ({"text": "1.5"}, [1]),
        ({"text": "."}, [1]),
        ({"text": "nowhere"}, []),
        ({"scenarios": ["t"]}, [2, 4]),
        ({"annotators": ["ann"]}, [0, 1, 2, 3]),
        ({"annotators": ["ann", "cat"]}, [0]),
        ({"agreement": "agree"}, [0, 2]),
        ({"agreement": "disagree"}, [1]),
        ({"agreement": "agree", "annotators": ["bob"]}, []),
        ({"agreement": "agree", "annotators": ["ann", "bob"], "scenarios": ["s"]}, [0]),
        ({"agreement": "disagree", "text": "straße"}, [1]),
    ],
)
def test_conditions(data, options, expected):
    assert find_pairs(data, **options).tolist() == expected


@pytest.mark.parametrize(
    "options", [{"annotators": ["dan"]}, {"scenarios": ["u"]}, {"agreement": "maybe"}]
)
def test_unknown_names_are_refused(data, options):
    with pytest.raises(DataError, match="There is no") as caught:
        find_pairs(data, **options)
    assert caught.value.fix


def test_data_without_text_can_be_browsed():
    pairs = pd.DataFrame({"x_a": [1.0, 2.0]})
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "a", "preference": [1.0, 0.0]})
    data = PreferenceData.from_tables(pairs, labels)
    assert find_pairs(data).tolist() == [0, 1]
    assert find_pairs(data, text="1").tolist() == []


def test_verdicts_on_different_criteria_are_not_compared():
    pairs = pd.DataFrame({"prompt": ["p", "q", "r"], "response_a": "x", "response_b": "y"})
    labels = pd.DataFrame(
        {
            "pair": [0, 0, 1, 1, 1, 2, 2, 2, 2],
            "annotator": ["ann", "ann", "ann", "bob", "ann", "ann", "bob", "ann", "bob"],
            "criterion": ["help", "safety", "help", "help", "safety", *["help"] * 2,
                          *["safety"] * 2],
            "preference": [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0],
        }
    )  # fmt: skip
    data = PreferenceData.from_tables(pairs, labels)
    assert find_pairs(data, agreement="disagree").tolist() == [2]
    assert find_pairs(data, agreement="agree").tolist() == [1]
