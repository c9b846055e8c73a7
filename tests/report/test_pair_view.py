"""Tables of one pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.data.dataset import PreferenceData
from workbench.errors import DataError
from workbench.report.pair_view import factor_values, labels_of, media_of, titles_of


@pytest.fixture
def data():
    pairs = pd.DataFrame(
        {
            "prompt": ["p", "q"],
            "response_a": ["one two", "x"],
            "response_b": ["## one", None],
            "model_a": ["m", None],
        }
    )
    labels = pd.DataFrame(
        {
            "pair": [0, 0, 1],
            "annotator": ["zoe", "ann", "ann"],
            "preference": [0.5, float("nan"), 1.0],
            "reason": ["both_bad", "failed", None],
        }
    )
    data = PreferenceData.from_tables(pairs, labels)
    factors = pd.DataFrame({"length": [1.0, 2.0], "whole": [np.nan, 3.0]})
    values = pd.DataFrame({"length_a": [4.0, 5.0], "length_b": [3.0, 3.0]})
    return data.with_factors(factors, values, {"length": {}, "whole": {}})


def test_media_are_named_a_line_each(data):
    pair = pd.Series({"media": "https://example.org/a b.png\n c.png\n\n", "media_a": np.nan})
    assert media_of(pair, "media") == ["https://example.org/a b.png", "c.png"]
    assert media_of(pair, "media_a") == media_of(data.pairs.iloc[0], "media_b") == []


def test_titles_name_model_and_words(data):
    assert titles_of(data.pairs.iloc[0]) == ("Response A, m, 2 words", "Response B, 1 words")
    assert titles_of(data.pairs.iloc[1]) == ("Response A, 1 words", "Response B, no text")


def test_every_label_is_listed_failed_ones_too(data):
    own = labels_of(data, data.pairs["pair_id"][0])
    assert own["annotator"].tolist() == ["ann", "zoe"]
    assert own["reason"].tolist() == ["failed", "both_bad"]
    assert "strength" not in own


def test_criteria_stand_beside_labels_where_there_are_several(data):
    assert "criterion" not in labels_of(data, data.pairs["pair_id"][0])
    more = data.labels.assign(criterion="safety", preference=1.0, reason=None)
    labels = pd.concat([data.labels, more], ignore_index=True)
    both = PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    own = labels_of(both, data.pairs["pair_id"][0])
    assert own["criterion"].tolist() == ["overall", "safety"] * 2
    assert own["annotator"].tolist() == ["ann", "ann", "zoe", "zoe"]


def test_factor_values_of_both_sides(data):
    table = factor_values(data, data.pairs["pair_id"][1]).set_index("factor")
    assert table.loc["length"].tolist() == [5.0, 3.0, 2.0]
    assert table.loc["whole"].isna().tolist() == [True, True, False]


def test_an_unknown_pair_is_refused(data):
    with pytest.raises(DataError, match="no such pair"):
        labels_of(data, "x")
    with pytest.raises(DataError, match="no such pair"):
        factor_values(data, "x")
