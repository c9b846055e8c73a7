"""Clusters of labels by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.alike.clusters import cluster_codes, labels_without


@pytest.fixture
def data() -> wb.PreferenceData:
    pairs = pd.DataFrame(
        {
            "prompt": ["Why?", "why", "Who?", None],
            "response_a": list("abcd"),
            "response_b": "x",
            "cluster": ["u1", "u2", "u2", "u3"],
            "session": [1.0, 1.0, np.nan, 2.0],
        }
    )
    labels = pd.DataFrame(
        {
            "pair": [0, 1, 2, 3, 3],
            "annotator": ["ann", "bob", "ann", "bob", "ann"],
            "preference": 1.0,
            "page": ["p", None, None, "q", "p"],
        }
    )
    return wb.PreferenceData.from_tables(pairs, labels)


def same(codes: np.ndarray, groups: list[set[int]]) -> bool:
    return sorted(map(sorted, groups)) == sorted(
        np.flatnonzero(codes == code).tolist() for code in np.unique(codes)
    )


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("prompt", [{0, 1}, {2}, {3, 4}]),
        ("cluster", [{0}, {1, 2}, {3, 4}]),
        ("annotator", [{0, 2, 4}, {1, 3}]),
        ("session", [{0, 1}, {2}, {3, 4}]),
        ("page", [{0, 4}, {1}, {2}, {3}]),
        ("pair_id", [{0}, {1}, {2}, {3, 4}]),
    ],
)
def test_labels_fall_into_clusters_by_name(data, name, groups):
    codes, names = cluster_codes(data, name)
    assert codes.dtype == np.int64
    assert same(codes, groups)
    assert len(names) == len(groups)
    assert set(codes) == set(range(len(names)))
    assert labels_without(data, name) == names.isna().sum()


def test_names_say_what_the_column_says(data):
    codes, names = cluster_codes(data, "session")
    assert names[codes].tolist()[:2] == ["1", "1"]
    assert pd.isna(names[codes[2]])
    assert labels_without(data, "session") == 1
    assert labels_without(data, "page") == 2


def test_an_unknown_name_is_refused_with_those_that_there_are(data):
    with pytest.raises(wb.DataError, match="by which labels could be clustered") as caught:
        cluster_codes(data, "visitor")
    for known in ("prompt", "cluster", "annotator", "session", "page"):
        assert known in caught.value.found


def test_without_clusters_of_the_file_prompts_are_the_default():
    data = wb.load("sample")
    one, two = (cluster_codes(data, name)[0] for name in ("prompt", "cluster"))
    assert (np.unique(one, return_inverse=True)[1] == np.unique(two, return_inverse=True)[1]).all()
