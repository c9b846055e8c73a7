"""Clusters of votes, and shared against unique effects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from tests.principles.voted import swapped, voted
from workbench.principles.measure.redundancy import redundancy, vote_correlation


def family(n: int = 800, seed: int = 0) -> tuple[Any, ...]:
    """Principle 1 mostly opposes 0, 2 is another, 3 is noise."""
    rng = np.random.default_rng(seed)
    long, kind, noise = rng.choice([1, -1], (3, n))
    short = np.where(rng.random(n) < 0.95, -long, long)
    y = (rng.random(n) < 1 / (1 + np.exp(-(1.2 * long + 0.6 * kind)))).astype(float)
    codes = np.stack([long, short, kind, noise], axis=1).astype(np.int8)
    return *voted(codes, y, rng.integers(0, 200, n)), y


def test_opposites_are_one_cluster_and_the_strongest_stands_for_it() -> None:
    data, votes, _ = family()
    found = redundancy(data, votes, "ann", folds=0)
    table = found.to_frame()
    assert table["cluster"].tolist() == [1, 1, 2, 3]
    assert found.minimal == ["Principle 00", "Principle 02", "Principle 03"]
    assert table["r"][1] < -0.8
    assert table["r_low"][1] < table["r"][1] < table["r_high"][1]
    assert "3 clusters" in found.summary()


def test_unique_and_shared_effects_are_drops_in_deviance() -> None:
    data, votes, y = family()
    table = redundancy(data, votes, "ann", folds=0).to_frame()
    x = votes.codes[:, :, 0].astype(float)

    def deviance(columns: list[int]) -> float:
        return float(sm.GLM(y, x[:, columns], sm.families.Binomial()).fit().deviance)

    whole, null = deviance([0, 1, 2, 3]), 2 * len(y) * np.log(2)
    for k in range(4):
        rest = [j for j in range(4) if j != k]
        assert table["unique"][k] == pytest.approx(deviance(rest) - whole, abs=1e-6)
        assert table["deviance"][k] == pytest.approx(null - deviance([k]), abs=1e-6)
    # what "short" explains, "long" explains too
    assert table["shared"][1] > 0.9 * table["deviance"][1]
    assert table["shared"][2] < 0.2 * table["deviance"][2]


def test_held_out_gain_knows_who_is_missed() -> None:
    data, votes, _ = family()
    table = redundancy(data, votes, "ann", folds=4).to_frame()
    assert table["log_loss_gain_low"][0] > 0
    assert table["log_loss_gain_low"][2] > 0
    assert table["log_loss_gain"][3] < 0.005


def test_exact_copies_share_everything() -> None:
    rng = np.random.default_rng(2)
    one, two = rng.choice([1, -1], (2, 100))
    y = (rng.random(100) < 0.5 + 0.3 * one).astype(float)
    data, votes = voted(np.stack([one, -one, two, 0 * one + 4], axis=1).astype(np.int8), y)
    found = redundancy(data, votes, "ann", folds=0)
    table = found.to_frame()
    assert table["unique"][:2].tolist() == [0, 0]
    assert np.isfinite(table["estimate"][[0, 2]]).all()
    assert "Principle 00" in table["reason"][1]
    assert "never takes a side" in table["reason"][3]
    assert found.plot().data


def test_the_correlation_does_not_know_a_from_b() -> None:
    rng = np.random.default_rng(3)
    x = rng.choice([1.0, 0, -1], (50, 4))
    flip = rng.choice([1.0, -1], 50)[:, None]
    np.testing.assert_allclose(vote_correlation(x), vote_correlation(x * flip))
    data, votes, _ = family(200)
    first = redundancy(data, votes, "ann").to_frame()
    other = redundancy(*swapped(data, votes, rng.random(200) < 0.5), "ann").to_frame()
    numbers = first.select_dtypes("number").columns
    np.testing.assert_allclose(first[numbers], other[numbers], atol=1e-7)
