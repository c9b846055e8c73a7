"""Strength, relevance and accuracy against hand counts, exact tests and brute force."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, false_discovery_control

from tests.principles.voted import swapped, voted
from workbench.errors import DesignError
from workbench.principles.measure.kernel import Counts, sign_p_values
from workbench.principles.measure.measure import measure
from workbench.principles.vote.votes import Vote

RNG = np.random.default_rng(5)


def random_codes(n: int, k: int, rng: np.random.Generator = RNG) -> np.ndarray:
    return rng.choice(np.array([1, -1, 2, 3, 4, 5], np.int8), size=(n, k))


def test_hand_counts() -> None:
    codes = np.array([[1], [1], [-1], [-1], [4], [2], [3], [5], [6], [1]], np.int8)
    y = np.array([1.0, 1, 0, 1, 1, 0, 0, 1, 1, 0.5])
    data, votes = voted(codes, y)
    result = measure(data, votes, "ann", replicates=50)
    row = result.to_frame().iloc[0]
    # the tie is no preference, and the pair that was not asked is none of the 8
    assert row["n"] == 8
    assert (row["for"], row["against"], row["both"], row["neither"]) == (3, 1, 1, 1)
    assert (row["not_applicable"], row["invalid"], row["not_asked"]) == (1, 1, 1)
    assert row["relevance"] == pytest.approx(4 / 8)
    assert row["accuracy"] == pytest.approx(3 / 4)
    assert row["kappa"] == pytest.approx(0.5)
    assert row["estimate"] == pytest.approx(2 / 8)
    assert row["agreement"] == pytest.approx(3 / 8)
    assert result.exclusions.to_dict("records") == [{"reason": "tie", "n": 1}]
    assert "8" in result.summary()
    assert "bootstrap" in result.summary()


def test_strength_is_kappa_times_relevance_and_q_are_benjamini_hochberg() -> None:
    data, votes = voted(random_codes(300, 7), RNG.integers(0, 2, 300).astype(float))
    table = measure(data, votes, "ann", replicates=50).to_frame()
    np.testing.assert_allclose(table["estimate"], table["kappa"] * table["relevance"], atol=1e-12)
    np.testing.assert_allclose(table["q_value"], false_discovery_control(table["p_value"]))


def test_p_values_are_exact_binomial_where_clusters_are_pairs() -> None:
    data, votes = voted(random_codes(60, 12), RNG.integers(0, 2, 60).astype(float))
    for row in measure(data, votes, "ann", replicates=50).to_frame().itertuples():
        wins = int(row.agreement * row.n + 0.5)
        both = int(row.relevance * row.n + 0.5)
        assert row.p_value == pytest.approx(binomtest(wins, both, 0.5).pvalue)


def test_p_values_of_clusters_are_those_of_all_sign_changes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        agree, disagree = rng.integers(0, 4, (2, 9, 1)).astype(float)
        counts = Counts(agree, disagree, agree + disagree)
        net = (agree - disagree)[:, 0]
        sums = np.array([signs @ net for signs in np.array([*product((-1, 1), repeat=9)])])
        share = np.mean(np.abs(sums) >= abs(net.sum()))
        assert sign_p_values(counts)[0] == pytest.approx(share)


def test_tiny_p_values_of_clusters_are_bounds_not_rounding() -> None:
    counts = Counts(np.full((400, 1), 3.0), np.zeros((400, 1)), np.full((400, 1), 3.0))
    # all of 400 clusters agree: exactly 2 / 2^400
    assert 2.0**-399 <= sign_p_values(counts)[0] < 1e-80


def test_never_taking_a_side_is_undefined_not_a_half() -> None:
    data, votes = voted(np.full((20, 1), 4, np.int8), np.ones(20))
    row = measure(data, votes, "ann", replicates=50).to_frame().iloc[0]
    assert np.isnan(row["accuracy"])
    assert np.isnan(row["p_value"])
    assert row["relevance"] == 0
    assert row["estimate"] == 0
    assert "never takes a side" in row["reason"]


def test_a_principle_that_is_always_right_still_has_an_interval() -> None:
    data, votes = voted(np.ones((5, 1), np.int8), np.ones(5))
    row = measure(data, votes, "ann").to_frame().iloc[0]
    assert row["estimate"] == 1
    assert row["conf_low"] < 0.8
    assert row["accuracy_low"] < 0.9
    assert row["p_value"] == pytest.approx(2 / 32)


def test_exchanging_a_and_b_and_the_order_of_rows_change_nothing() -> None:
    rng = np.random.default_rng(2)
    clusters = rng.integers(0, 40, 200)
    data, votes = voted(random_codes(200, 5, rng), rng.choice([0.0, 0.5, 1], 200), clusters)
    first = measure(data, votes, "ann", replicates=100).to_frame()
    other = measure(*swapped(data, votes, rng.random(200) < 0.5), "ann", replicates=100).to_frame()
    order = rng.permutation(votes.pair_ids)
    shuffled = measure(data, votes.take(pair_ids=order), "ann", replicates=100).to_frame()
    assert first.equals(other)
    assert first.equals(shuffled)


def test_held_out_pairs_only() -> None:
    data, votes = voted(random_codes(50, 3), RNG.integers(0, 2, 50).astype(float))
    ids = data.pairs["pair_id"][:20]
    result = measure(data, votes, "ann", pair_ids=ids, replicates=50)
    again = measure(data.filter(pair_ids=ids), votes, "ann", replicates=50)
    assert result.to_frame().equals(again.to_frame())
    assert "held-out" in result.summary()
    assert "in sample" in again.summary()


def test_several_labels_of_a_pair_count_as_their_majority() -> None:
    codes = np.array([[1], [1], [1]], np.int8)
    people = {"x": np.array([1.0, 1, 0]), "y": np.array([1.0, 0, 0]), "z": np.array([0.0, 0.5, 0])}
    data, votes = voted(codes, people)
    result = measure(data, votes, "human", replicates=50)
    row = result.to_frame().iloc[0]
    assert (row["for"], row["against"]) == (1, 1)
    assert result.exclusions["reason"].tolist() == ["tie"]


def test_nothing_to_measure_is_refused_with_the_count() -> None:
    data, votes = voted(np.ones((4, 1), np.int8), np.full(4, 0.5))
    with pytest.raises(DesignError, match="4 pairs: tie"):
        measure(data, votes, "ann")
    with pytest.raises(DesignError, match="no principles"):
        measure(data, votes.take(principles=[]), "ann")
    with pytest.raises(DesignError, match="level"):
        measure(data, votes, "ann", level=95)


@pytest.mark.parametrize(
    ("name", "always_b", "longer"), [("aligned_vqvtb", 73.3, 60), ("orthogonal_adcbg", 56.7, 30)]
)
def test_trivial_rules_on_the_published_synthetic_pairs(
    shared_data: Path, name: str, always_b: float, longer: float
) -> None:
    folder = shared_data / "icai_synthetic/data/processed/synthetic"
    table = pd.read_csv(folder / f"synthetic_data_{name}.csv")
    a, b = table["text_a"].str.len(), table["text_b"].str.len()
    codes = np.column_stack([np.full(len(table), -1), np.where(a > b, 1, -1)])
    data, votes = voted(codes, (table["preferred_text"] == "text_a").to_numpy(float))
    found = 100 * measure(data, votes, "ann", replicates=50).to_frame()["agreement"]
    assert found.tolist() == pytest.approx([always_b, longer], abs=0.05)


def test_many_invalid_votes_are_warned_of() -> None:
    codes = np.full((60, 1), Vote.A, np.int8)
    codes[:5] = Vote.INVALID
    data, votes = voted(codes, RNG.integers(0, 2, 60).astype(float))
    assert "invalid" in " ".join(measure(data, votes, "ann", replicates=50).warnings)


def test_one_cluster_has_no_interval_and_says_so() -> None:
    data, votes = voted(np.ones((6, 1), np.int8), np.ones(6), np.zeros(6, int))
    row = measure(data, votes, "ann", replicates=50).to_frame().iloc[0]
    assert row["estimate"] == 1
    assert np.isnan(row["conf_low"])
    assert "one cluster" in row["reason"]
    # a single cluster could as well have had the other sign
    assert row["p_value"] == pytest.approx(1)


def test_intervals_cover_the_strength_when_clusters_matter() -> None:
    rng = np.random.default_rng(3)
    hits = runs = 0
    for _ in range(30):
        # pairs of one cluster share the chance that the principle is right
        chance = rng.beta(3, 2, 80)
        clusters = np.repeat(np.arange(80), 4)
        y = (rng.random((320, 8)) < chance[clusters][:, None]).astype(float)
        codes = np.where(y > 0.5, 1, -1).astype(np.int8)
        data, votes = voted(codes, np.ones(320), clusters)
        table = measure(data, votes, "ann", replicates=200).to_frame()
        hits += int(((table["conf_low"] <= 0.2) & (table["conf_high"] >= 0.2)).sum())
        runs += len(table)
    # columns of a run share their clusters' chances: about 30 runs are independent
    assert 0.88 <= hits / runs <= 0.99


@pytest.mark.parametrize("size", [1, 4])
def test_shuffled_labels_find_nothing(size: int) -> None:
    rng = np.random.default_rng(4)
    n, k, runs = 240, 10, 400
    base = rng.choice(np.array([1.0, 0, -1]), (n, 3)) @ rng.normal(size=(3, k))
    codes = np.sign(base + rng.normal(size=(n, k))).astype(np.int8)
    clusters = np.arange(n) // size
    found = 0
    p_all = []
    for _ in range(runs):
        # labels of a cluster are alike, and say nothing on the votes
        sign = rng.choice([1.0, -1.0], n // size)[clusters]
        counts = Counts.of(codes, sign, clusters, n // size)
        p = sign_p_values(counts)
        p_all.append(p[0])
        found += bool((false_discovery_control(p) < 0.05).any())
    assert found / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    # exact tests of whole numbers are a little below their level, never above
    rejected = np.mean(np.array(p_all) <= 0.05)
    assert 0.015 <= rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_ten_thousand_pairs_by_forty_principles_take_under_two_seconds() -> None:
    data, votes = voted(random_codes(10_000, 40), RNG.integers(0, 2, 10_000).astype(float))
    taken = []
    for _ in range(3):
        # of the processor: other tests run beside this one
        start = time.process_time()
        measure(data, votes, "ann", replicates=1000)
        taken.append(time.process_time() - start)
    assert min(taken) < 2
