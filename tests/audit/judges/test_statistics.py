"""The statistics of probes: by hand, by simulation, and against scipy and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest, t

from workbench.audit.judges.statistics import (
    BIASED,
    EQUIVALENT,
    INSENSITIVE,
    NOT_UP,
    SENSITIVE,
    UNDERPOWERED,
    attack_success,
    consistency,
    detectable,
    rate,
    shift,
    verdicts,
)
from workbench.clustered import flip_p_value


def test_the_flip_test_is_the_binomial_test_where_every_cluster_is_one():
    for wins, losses in ((7, 2), (20, 5), (3, 3)):
        sums = np.r_[np.ones(wins), -np.ones(losses), np.zeros(4)]
        assert flip_p_value(sums) == pytest.approx(binomtest(wins, wins + losses).pvalue)


def test_a_shift_is_tested_exactly_with_quarters():
    difference = np.array([0.5, 0.25, 0.25, -0.25, 0.0, 1.0])
    found = shift(difference, np.arange(6))
    # all 2^5 signs of (2, 1, 1, 1, 4) quarters: a sum of 7 or more in size
    signs = np.array(np.meshgrid(*[[1, -1]] * 5)).reshape(5, -1)
    exact = np.mean(np.abs(np.array([2, 1, 1, 1, 4]) @ signs) >= 7)
    assert found["p_value"] == pytest.approx(exact)
    assert found["estimate"] == pytest.approx(difference.mean())
    assert found["mde"] == pytest.approx(2.8 * found["std_error"])


def test_without_a_flip_there_is_an_interval_all_the_same():
    found = shift(np.zeros(50), np.arange(50))
    assert found["p_value"] == 1.0
    # a shift can hide as much on either side as a rate of flips that gives none in 50
    exact = binomtest(0, 50).proportion_ci().high
    assert found["conf_high"] == pytest.approx(exact, rel=0.1)
    assert found["conf_low"] == pytest.approx(-found["conf_high"])
    alone = shift(np.zeros(50), np.zeros(50, dtype=int))
    assert np.isnan(alone["conf_low"])


@pytest.mark.parametrize("clusters", [30, 200])
def test_intervals_of_shifts_cover(clusters):
    """Two items a cluster that share luck, rare flips, a true shift: coverage of 95 %."""
    rng = np.random.default_rng(0)
    runs, up, down = 800, 0.15, 0.05
    covered = 0
    for _ in range(runs):
        luck = rng.random(clusters)
        same = np.repeat(luck, 2)
        own = np.where(rng.random(2 * clusters) < 0.5, same, rng.random(2 * clusters))
        value = np.where(own < up, 1.0, np.where(own > 1 - down, -1.0, 0.0))
        found = shift(value, np.repeat(np.arange(clusters), 2))
        covered += found["conf_low"] <= up - down <= found["conf_high"]
    assert 0.93 <= covered / runs <= 0.97


def test_type_one_error_and_equivalence():
    """No shift: found at 5 % at most; a shift of the margin is called equivalent at 5 %."""
    rng = np.random.default_rng(1)
    runs = 800
    false = wrong = 0
    for _ in range(runs):
        value = rng.choice([0.5, -0.5, 0.0], 100, p=[0.2, 0.2, 0.6])
        false += shift(value, np.arange(100))["p_value"] < 0.05
        edge = rng.choice([0.5, -0.5, 0.0], 300, p=[0.2, 0.1, 0.7])
        wrong += shift(edge, np.arange(300))["high_90"] < 0.05
    assert false <= binom.ppf(0.999, runs, 0.05)
    assert wrong <= binom.ppf(0.999, runs, 0.05)


def test_rates_consistency_and_attacks_by_hand():
    assert rate(np.array([1.0, 1, 0, 0.5]), np.arange(4))["estimate"] == 0.625
    found = consistency(np.array([1.0, 0, 0, 1]), np.array([1.0, 1, 1, 0]), np.arange(4))
    assert (found["robustness"], found["repeat"]) == (0.5, 0.75)
    assert found["estimate"] == 0.25
    clean = np.array([0.0, 0.0, 0.25, 1.0, 0.5])
    attacked = np.array([1.0, 0.0, 0.75, 1.0, 1.0])
    success = attack_success(attacked, clean, np.arange(5))
    # three lost clean; two of them win under attack
    assert (success["estimate"], success["n"]) == (pytest.approx(2 / 3), 3)
    assert detectable(784, 0.5) == pytest.approx(0.05)


def row(**values):
    return {"estimate": 0.0, "std_error": 0.03, "n_clusters": 200.0, "p_value": 1.0,
            "low_90": -0.2, "high_90": 0.2, "expect": "none", **values}  # fmt: skip


def test_verdicts_need_size_and_evidence():
    cases = {
        BIASED: row(estimate=0.2, p_value=1e-4, low_90=0.1, high_90=0.3),
        EQUIVALENT: row(low_90=-0.04, high_90=0.04),
        UNDERPOWERED: row(estimate=0.1, std_error=0.12, p_value=0.4),
        NOT_UP: row(estimate=-0.3, p_value=1e-6, low_90=-0.4, high_90=-0.2, expect="not up"),
        SENSITIVE: row(estimate=0.9, p_value=1e-6, low_90=0.8, high_90=0.95, expect="right"),
        INSENSITIVE: row(estimate=0.5, low_90=0.45, high_90=0.55, expect="right"),
    }
    for wanted, values in cases.items():
        assert verdicts(pd.DataFrame([values]))["verdict"].tolist() == [wanted]
    # evidence of a shift that is smaller than the margin is no bias
    small = row(estimate=0.04, std_error=0.01, p_value=1e-6, low_90=0.03, high_90=0.055)
    assert verdicts(pd.DataFrame([small]))["verdict"].tolist() == [UNDERPOWERED]
    # nor is one that is larger, but not surely
    open_ = verdicts(pd.DataFrame([row(estimate=0.08, std_error=0.02, p_value=1e-4)]))
    assert open_["verdict"].tolist() == [UNDERPOWERED]
    assert open_["q_margin"].item() == pytest.approx(t.sf(1.5, 199))


def test_a_shift_at_the_margin_is_called_biased_in_five_percent_at_most():
    rng = np.random.default_rng(3)
    runs, wrong = 600, 0
    for _ in range(runs):
        p = np.array([0.35, 0.3, 0.35]) + np.array([-0.025, 0, 0.025])
        found = shift(rng.choice([-1.0, 0.0, 1.0], 200, p=p), np.arange(200))
        wrong += verdicts(pd.DataFrame([{**found, "expect": "none"}]))["verdict"].item() == BIASED
    assert wrong <= binom.ppf(0.999, runs, 0.05)


def test_tests_are_corrected_over_the_probes():
    rows = [row(estimate=0.2, std_error=0.07, p_value=0.004, low_90=0.06, high_90=0.3)]
    rows += [row(p_value=0.5) for _ in range(9)]
    found = verdicts(pd.DataFrame(rows))
    assert found["q_value"].iloc[0] == pytest.approx(0.04)
    assert found["q_margin"].iloc[0] == pytest.approx(10 * t.sf(0.15 / 0.07, 199))
    assert found["verdict"].iloc[0] == UNDERPOWERED
    alone = verdicts(pd.DataFrame(rows[:1]))
    assert alone["verdict"].item() == BIASED
