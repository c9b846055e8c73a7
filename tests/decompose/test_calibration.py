"""Planted weights: coverage of intervals and type-I error over 200 simulated data sets."""

from __future__ import annotations

import numpy as np
import pytest

import workbench as wb
from tests.planted import planted

RUNS = 200


@pytest.fixture(scope="module")
def simulated():
    """Estimates of 200 data sets: 8 weights, half of them 0, clustered pairs, a slot bias."""
    truth = np.array([0.5, -0.4, 0.25, -0.15, 0.0, 0.0, 0.0, 0.0])
    low, high, p = [], [], []
    for run in range(RUNS):
        data = planted(
            {"judge": truth.tolist()}, n=1200, clusters=400, position=0.3, seed=run, correlation=0.3
        )
        table = wb.decompose(data, folds=0).to_frame()
        low.append(table["conf_low"])
        high.append(table["conf_high"])
        p.append(table["p_value"])
    return np.append(truth, 0.3), np.array(low), np.array(high), np.array(p)


def test_intervals_cover_the_planted_weights(simulated):
    truth, low, high, _ = simulated
    assert ((low <= truth) & (truth <= high)).mean() >= 0.93


def test_null_factors_are_rejected_at_the_nominal_rate(simulated):
    truth, _, _, p = simulated
    assert 0.04 <= (p[:, truth == 0] < 0.05).mean() <= 0.06


def test_weights_are_not_biased(simulated):
    truth, low, high, _ = simulated
    estimates = (low + high) / 2
    error = estimates.std(axis=0) / np.sqrt(RUNS)
    # maximum likelihood is biased by O(1 / n): 1 % of a weight at n = 1,200
    assert (np.abs(estimates.mean(axis=0) - truth) < 4 * error + 0.02 * np.abs(truth)).all()
