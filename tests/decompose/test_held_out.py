"""Held-out scores: coverage, ranges, the same rows, fair baselines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import workbench as wb
from tests.fold_scores import coverage
from tests.planted import planted
from workbench.decompose.scores import shared_training
from workbench.decompose.scores.baselines import rule_predictions
from workbench.decompose.scores.intervals import difference_interval, share_interval
from workbench.decompose.scores.labels import Labels
from workbench.decompose.scores.shared_training import Trained, added_variance, right_slopes

SCORES = ("accuracy", "auc", "log_loss", "brier")


def labels_of(y: np.ndarray, folds: int = 5) -> Labels:
    n = len(y)
    return Labels(np.arange(n), y, np.ones(n), np.arange(n), np.arange(n) % folds)


def test_intervals_of_pure_noise_know_that_folds_share_training_data() -> None:
    found = coverage(60, [0.0, 0.0, 0.0], sets=8)
    # 320 groups: twice the simulation's own error is 2.4 points
    for name in ("accuracy", "auc", "gain"):
        assert 0.93 - 0.024 <= found[name].mean() <= 0.97 + 0.024, name
    for name in ("log_loss", "brier"):
        assert found[name].mean() >= 0.93 - 0.024, name
    assert found["claims"].mean() <= 0.035 + 0.02
    # what they are there for: the binomial interval covers 82 to 87 %
    assert found["naive"].mean() < 0.91


def test_intervals_cover_where_there_is_a_signal() -> None:
    found = coverage(100, [0.8, 0.4, 0.0], sets=8, first=50)
    for name in ("accuracy", "whole", "auc", "log_loss", "brier", "gain"):
        assert 0.93 - 0.024 <= found[name].mean() <= 0.97 + 0.024, name


def test_clusters_of_several_labels_are_covered_too() -> None:
    found = coverage(200, [0.0, 0.0, 0.0], sets=6, per=5, first=80)
    assert 0.93 - 0.028 <= found["accuracy"].mean() <= 0.97 + 0.028
    assert found["claims"].mean() <= 0.035 + 0.024


def test_added_variance_is_two_over_pi_of_the_usual_one_for_a_side_of_chance() -> None:
    # one column of ones and fair coins: the side is that of a sum, which every label can turn;
    # P(training sides of i and j both follow the other's label) gives 2 / pi (see the module)
    ratios = []
    for seed in range(200):
        y = np.random.default_rng(seed).integers(0, 2, 400).astype(float)
        labels = labels_of(y)
        learned = rule_predictions(np.ones(400), labels)[1]
        bread = np.array([[1 / (400 * 0.25)]])
        one = Trained.of(labels, lambda some: np.ones((some.sum(), 1)), learned, bread, 5)
        ratios.append(added_variance([one], [right_slopes(one, 400.0)]) / (0.25 / 400))
    # and the held-out accuracy of that side does vary so much more than a mean of coins
    assert np.mean(ratios) == pytest.approx(2 / np.pi, rel=0.15)


def test_a_sure_rule_has_next_to_nothing_added() -> None:
    y = np.random.default_rng(0).random(400) < 0.9
    labels = labels_of(y.astype(float))
    learned = rule_predictions(np.ones(400), labels)[1]
    bread = np.array([[1 / (400 * 0.09)]])
    one = Trained.of(labels, lambda some: np.ones((some.sum(), 1)), learned, bread, 5)
    assert added_variance([one], [right_slopes(one, 400.0)]) < 1e-6 * 0.09 / 400


def test_the_added_variance_of_some_clusters_is_near_that_of_all(monkeypatch) -> None:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(4000, 3)), rng.integers(0, 2, 4000).astype(float)
    p = 1 / (1 + np.exp(-X @ np.array([0.02, -0.02, 0.01])))
    bread = np.linalg.inv(0.25 * X.T @ X)
    values = []
    for most in (10_000, 1_000):
        monkeypatch.setattr(shared_training, "_LABELS", most)
        one = Trained.of(labels_of(y), X.__getitem__, p, bread, 5)
        values.append(added_variance([one], [right_slopes(one, 4000.0)]))
    assert values[1] == pytest.approx(values[0], rel=0.25)


def test_share_interval_is_wilsons_for_independent_labels() -> None:
    error = np.sqrt(0.3 * 0.7 / 40)
    oracle = stats.binomtest(12, 40).proportion_ci(method="wilson")
    found = share_interval(0.3, error, 40, stats.norm.ppf(0.975))
    np.testing.assert_allclose(found, [oracle.low, oracle.high], rtol=1e-12)
    assert difference_interval(1.0, 0.0, 40, 1.96)[1] == 1.0
    assert difference_interval(1.0, 0.0, 40, 1.96)[0] < 1.0


@pytest.mark.parametrize("weights", [[0.0, 0.0], [4.0, 2.0]])
@pytest.mark.parametrize("n", [12, 25, 60])
def test_scores_stay_in_their_range_within_an_interval_with_a_width(weights, n) -> None:
    data = planted({f"a{i}": weights for i in range(6)}, n=n, position=0.5, seed=n)
    table = wb.decompose(data).held_out
    for name in SCORES:
        own = table[table[name].notna() & table[f"{name}_low"].notna()]
        low, value, high = own[f"{name}_low"], own[name], own[f"{name}_high"]
        assert (low >= 0).all()
        assert ((low <= value) & (value <= high) & (low < high)).all()
        assert name == "log_loss" or (high <= 1).all()
    gained = table.dropna(subset="gain")
    assert gained["gain_low"].between(-1, gained["gain"]).all()
    assert gained["gain_high"].between(gained["gain"], 1).all()
    assert (gained["gain_low"] < gained["gain_high"]).all()


def test_all_predictors_are_scored_on_the_labels_that_the_fit_could_predict() -> None:
    data = planted({"people": [0.5, -0.2]}, n=40)
    # without the first prompt, two labels are left to train two weights
    prompts = np.where(np.arange(40) < 38, "large", data.pairs["cluster"])
    data = replace(data, pairs=data.pairs.assign(cluster=prompts))
    table = wb.decompose(data, folds=3).held_out.set_index("predictor")
    scored = table[table["accuracy"].notna()]
    assert scored.index.tolist() == ["factors", "majority"]
    assert (scored["n"] == 2).all()
    assert (scored["reason"] == "38 labels left out: a training fold could not be fitted").all()
    paired = scored.drop(index="factors")
    gain = table.loc["factors", "accuracy"] - paired["accuracy"]
    np.testing.assert_allclose(paired["gain"], gain, atol=1e-12)


def test_a_majority_that_training_folds_do_not_show_is_a_coin() -> None:
    even = labels_of(np.tile([0.0, 1.0], 20))
    predicted, learned, _ = rule_predictions(np.ones(40), even)
    assert (predicted == 0.5).all()
    # left-out labels turn the count against themselves
    assert ((learned > 0.5) == (even.y > 0.5)).mean() <= 0.5
    clear = labels_of(np.r_[np.ones(30), np.zeros(10)])
    predicted, learned, _ = rule_predictions(np.ones(40), clear)
    np.testing.assert_array_equal(predicted, learned)
    assert predicted.mean() == pytest.approx(0.75, abs=0.03)


def test_scores_of_a_posterior_stay_in_their_range_too() -> None:
    data = planted({f"a{i}": [5.0, 0.0] for i in range(3)}, n=20)
    table = wb.dissect(data, draws=200, scale=1.0).held_out
    assert (table["accuracy_low"] >= 0).all()
    assert (table["accuracy_high"] <= 1).all()
    assert (table["log_loss_low"] > 0).all()
    assert (table["accuracy_low"] < table["accuracy_high"]).all()
