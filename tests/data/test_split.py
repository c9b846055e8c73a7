"""Splits and folds that keep a prompt on one side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.data.split import folds


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([f"c{i}" for i in range(30)]), min_size=20, max_size=120),
    st.integers(2, 4),
    st.integers(0, 5),
)
def test_a_cluster_lies_in_one_fold_and_order_does_not_matter(clusters, k, seed):
    if len(set(clusters)) < k:
        with pytest.raises(wb.DataError, match="Too few clusters"):
            folds(clusters, k, seed)
        return
    fold = folds(clusters, k, seed)
    assert set(fold) == set(range(k))
    where = {}
    for cluster, f in zip(clusters, fold, strict=True):
        assert where.setdefault(cluster, f) == f
    order = np.random.default_rng(seed).permutation(len(clusters))
    mixed = folds([clusters[i] for i in order], k, seed)
    np.testing.assert_array_equal(mixed, fold[order])
    largest = max(clusters.count(c) for c in set(clusters))
    sizes = np.bincount(fold)
    # each cluster went to the smallest fold, so no fold leads by more than one cluster
    assert sizes.max() - sizes.min() <= largest


def test_the_seed_changes_the_folds():
    names = [f"c{i}" for i in range(100)]
    assert (folds(names, 5, 0) != folds(names, 5, 1)).any()


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_split_meets_its_share_and_shares_no_prompt(share):
    data = wb.load("sample")
    train, test = wb.split(data, share, seed=3)
    assert len(train) + len(test) == len(data)
    assert len(train.labels) + len(test.labels) == len(data.labels)
    assert not set(train.pairs["cluster"]) & set(test.pairs["cluster"])
    assert len(test) / len(data) == pytest.approx(share, abs=0.01)
    again = wb.split(data, share, seed=3)[1]
    assert again.digest == test.digest


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 2.0, 0.9999])
def test_a_share_that_leaves_a_side_empty_is_refused(share):
    with pytest.raises(wb.DataError, match="cannot be split"):
        wb.split(wb.load("sample"), share)
