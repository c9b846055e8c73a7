"""Words and phrases as factors: counted by hand, chosen without the labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors.coding import Coding
from workbench.factors.ngrams import ngram_factors


def _data(a, b):
    pairs = pd.DataFrame({"prompt": [f"q{i}" for i in range(len(a))]})
    pairs = pairs.assign(response_a=a, response_b=b)
    labels = pd.DataFrame({"pair": range(len(a)), "annotator": "x", "preference": 1.0})
    return PreferenceData.from_tables(pairs, labels)


def test_phrases_are_counted_on_both_sides():
    data = _data(["Thank you, thank YOU", "no"], ["thank you", "thank you"])
    data = ngram_factors(data, n=(2, 2), min_pairs=1)
    values = data.factor_values
    assert data.factor_names == ["ngram: thank you", "ngram: you thank"]
    assert values["ngram: thank you_a"].tolist() == [2.0, 0.0]
    assert values["ngram: thank you_b"].tolist() == [1.0, 1.0]
    assert data.factors["ngram: thank you"].tolist() == [1.0, -1.0]


def test_words_keep_their_apostrophes_and_the_coding_can_be_chosen():
    data = _data(["I don't, don't", "x"], ["well-known", "x"])
    data = ngram_factors(
        data, n=(1, 1), min_pairs=1, coding=Coding("difference", standardise=False)
    )
    assert data.factors["ngram: don't"].tolist() == [2.0, 0.0]
    assert data.factors["ngram: well-known"].tolist() == [-1.0, 0.0]
    assert "ngram: x" not in data.factor_names


def test_phrases_that_most_pairs_differ_in_come_first_and_labels_do_not_matter():
    data = _data(["red", "red blue", "red", "green green"], ["", "", "", "red"])
    names = ngram_factors(data, n=(1, 1), min_pairs=1, top=2).factor_names
    assert names == ["ngram: red", "ngram: blue"]
    other = replace(data, labels=data.labels.assign(preference=[0.0, 1.0, 0.0, 0.5]))
    assert ngram_factors(other, n=(1, 1), min_pairs=1, top=2).factor_names == names


def test_exchanging_the_sides_flips_every_sign():
    a, b = ["red fox", "blue", "red"], ["blue fox", "red red", "a"]
    one = ngram_factors(_data(a, b), min_pairs=1).factors
    two = ngram_factors(_data(b, a), min_pairs=1).factors
    columns = [c for c in one if c != "pair_id"]
    np.testing.assert_array_equal(one[columns], -two[columns])


def test_missing_responses_have_no_value():
    data = ngram_factors(_data(["red", None, "red"], ["", "red", ""]), min_pairs=1)
    assert np.isnan(data.factors["ngram: red"]).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (_data([None], [None]), {}),
        (_data(["a"], ["b"]), {"n": (2, 1)}),
        (_data(["a"], ["b"]), {"min_pairs": 5}),
        (_data(["!"], ["?"]), {"min_pairs": 1}),
    ],
)
def test_nothing_to_count_is_an_error_with_advice(data, options):
    with pytest.raises(DesignError, match="phrase"):
        ngram_factors(data, **options)
