"""A slice keeps the pairs that meet its conditions, their labels, and its words in a link."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from workbench.data.dataset import PreferenceData
from workbench.data.on_view.slices import Slice
from workbench.errors import DataError


@pytest.fixture
def data():
    pairs = pd.DataFrame(
        {
            "prompt": ["one", "two", "three", "four"],
            "response_a": ["x tea", "y", "z", "w"],
            "response_b": ["x2", "y2", "z2", "Tea w2"],
            "model_a": ["m", "n", None, "m"],
            "model_b": ["n", "o", "m", "o"],
            "scenario": ["s", "s", "t", "t"],
            "timestamp": ["2024-01-31T23:59:59Z", "2024-02-01T00:00:00Z", None, "2024-02-03"],
        }
    )
    labels = pd.DataFrame(
        {
            "pair": [0, 0, 1, 1, 2, 3, 3],
            "annotator": ["ann", "bob", "ann", "bob", "ann", "bob", "bob"],
            "criterion": ["help", "help", "help", "help", "help", "safe", "help"],
            "preference": [1.0, 0.0, 1.0, 1.0, 0.5, 0.0, float("nan")],
        }
    )
    data = PreferenceData.from_tables(pairs, labels)
    factors = pd.DataFrame({"words": [1.0, -1.0, float("nan"), 0.5]})
    values = pd.DataFrame({"words_a": [2.0] * 4, "words_b": [1.0] * 4})
    return data.with_factors(factors, values, {"words": {}})


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Slice(), [0, 1, 2, 3]),
        (Slice(text="tea"), [0, 3]),
        (Slice(models=("m",)), [0, 2, 3]),
        (Slice(models=("n", "o")), [0, 1, 3]),
        (Slice(scenarios=("t",), models=("o",)), [3]),
        (Slice(criteria=("safe",)), [3]),
        (Slice(criteria=("help",)), [0, 1, 2]),
        (Slice(annotators=("bob",), criteria=("help",)), [0, 1]),
        (Slice(agreement="disagree"), [0]),
        (Slice(factors=(("words", None, None),)), [0, 1, 3]),
        (Slice(factors=(("words", 0.5, None),)), [0, 3]),
        (Slice(factors=(("words", -1.0, 0.5),)), [1, 3]),
        (Slice(dates=("2024-02-01", None)), [1, 3]),
        (Slice(dates=(None, "2024-01-31")), [0]),
        (Slice(dates=("2024-01-31", "2024-02-01")), [0, 1]),
        (Slice(scenarios=("s",), within=Slice(agreement="disagree")), [0]),
        (Slice(scenarios=("t",), within=Slice(scenarios=("s",))), []),
    ],
)
def test_every_condition_holds(data, chosen, expected):
    assert chosen.rows(data).tolist() == expected
    part = chosen.apply(data)
    assert part.pairs["pair_id"].tolist() == data.pairs["pair_id"].iloc[expected].tolist()
    assert len(part.factors) == len(part.factor_values) == len(expected)
    assert set(part.labels["pair_id"]) <= set(part.pairs["pair_id"])


def test_a_pair_keeps_all_labels_but_those_of_other_criteria(data):
    part = Slice(annotators=("ann",)).apply(data)
    assert sorted(part.labels["annotator"]) == ["ann", "ann", "ann", "bob", "bob"]
    assert Slice(criteria=("safe",)).apply(data).labels["criterion"].tolist() == ["safe"]
    nested = Slice(annotators=("bob",), within=Slice(criteria=("safe",)))
    assert nested.apply(data).labels["criterion"].tolist() == ["safe"]


def test_the_digest_of_a_part_is_that_of_its_content(data):
    part = Slice(scenarios=("s",)).apply(data)
    again = Slice(models=("n",)).apply(data)
    assert part.digest == again.digest != data.digest


def test_a_factor_that_only_the_measured_data_have(data):
    more = data.with_factors(
        pd.DataFrame({"bold": [0.0, 2.0, 0.0, 0.0]}), pd.DataFrame(index=range(4)), {"bold": {}}
    )
    chosen = Slice(factors=(("bold", 1.0, None),))
    with pytest.raises(DataError, match="no factor 'bold'"):
        chosen.apply(data)
    part = chosen.apply(data, measured=more)
    assert part.pairs["pair_id"].tolist() == [data.pairs["pair_id"][1]]
    assert part.factor_names == ["words"]


@pytest.mark.parametrize(
    "chosen",
    [
        Slice(annotators=("dan",)),
        Slice(criteria=("x",)),
        Slice(scenarios=("x",)),
        Slice(models=("x",)),
        Slice(factors=(("x", 0.0, 1.0),)),
        Slice(dates=("yesterday", None)),
        Slice(within=Slice(scenarios=("x",))),
    ],
)
def test_what_the_data_do_not_have_is_refused(data, chosen):
    with pytest.raises(DataError) as caught:
        chosen.apply(data)
    assert caught.value.fix


def test_dates_of_data_without_any_are_refused(data):
    pairs = data.pairs.drop(columns="timestamp")
    bare = PreferenceData(pairs, data.labels, data.factors, data.factor_values)
    with pytest.raises(DataError, match="no dates"):
        Slice(dates=("2024-01-01", None)).rows(bare)


def test_a_definition_comes_back_from_a_link():
    chosen = Slice(
        "hard & long", "tea", ("ann",), ("help",), ("s", "t"), ("m",), "agree",
        ("2024-01-01", None), (("words", 0.5, None), ("x", None, 2.0)), Slice(text="y"),
    )  # fmt: skip
    assert Slice.of_json(chosen.to_json()) == chosen
    assert Slice.of_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen
    assert Slice().to_json() == "{}"
    assert Slice().whole
    assert not chosen.whole
    assert chosen.by_verdicts
    assert Slice(within=chosen).by_verdicts
    assert not Slice(text="y").by_verdicts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"pairs":[]}',
        '{"text":1}',
        '{"name":null}',
        '{"scenarios":"s"}',
        '{"scenarios":[1]}',
        '{"agreement":"maybe"}',
        '{"agreement":[]}',
        '{"dates":["2024-01-01"]}',
        '{"dates":[1,2]}',
        '{"factors":[["x",1]]}',
        '{"factors":[["x",true,null]]}',
        '{"factors":[["x",NaN,null]]}',
        '{"factors":[["x",1e999,null]]}',
        f'{{"factors":[["x",1{"0" * 400},null]]}}',
        '{"within":1}',
        '{"within":' * 9 + "{}" + "}" * 9,
        "[" * 7_000,
        " " * 8_001,
    ],
)
def test_a_definition_of_another_form_is_refused(text):
    with pytest.raises(DataError, match="definition of a slice") as caught:
        Slice.of_json(text)
    assert len(str(caught.value)) < 1_000


def test_conditions_in_words():
    chosen = Slice(
        models=("m", "n"), dates=("2024-01-01", "2024-02-01"), annotators=("ann", "bob"),
        factors=(("words", None, 2.0),), within=Slice(text="tea"),
    )  # fmt: skip
    assert chosen.line() == (
        "labelled by ann and bob; model m or n; dated from 2024-01-01 to 2024-02-01; "
        "words A minus B at most 2.0; text 'tea'"
    )
