"""Raw and adjusted weights against statsmodels and planted truths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

import workbench as wb
from tests.principles.voted import swapped, voted
from workbench.principles.measure.adjusted import adjusted, principle_factors
from workbench.principles.vote.votes import Vote

RNG = np.random.default_rng(8)


def textual(n: int = 400, seed: int = 8) -> tuple[Any, ...]:
    """People like longer answers; principle 0 votes for them, 1 for something else."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(20, 400, (2, n))
    ratio = np.log((a + 1) / (b + 1))
    other = rng.choice([1, -1], n)
    y = (rng.random(n) < 1 / (1 + np.exp(-(1.5 * ratio + 0.8 * other)))).astype(float)
    long = np.where(rng.random(n) < 0.9, np.where(ratio > 0, 1, -1), rng.choice([1, -1], n))
    codes = np.stack([long, other], axis=1).astype(np.int8)
    codes[:7, 1] = Vote.INVALID
    clusters = rng.integers(0, 120, n)
    texts = {"prompt": [f"p{k}" for k in range(n)], "response_a": ["x" * k for k in a]}
    texts["response_b"] = ["x" * k for k in b]
    return *voted(codes, y, clusters, **texts), ratio, y, clusters, codes


def test_weights_and_errors_are_those_of_statsmodels() -> None:
    data, votes, ratio, y, clusters, codes = textual()
    table = adjusted(data, votes, "ann").to_frame()
    for k in (0, 1):
        known = codes[:, k] != Vote.INVALID
        v = codes[known, k].astype(float)
        for columns, name in (([v], "raw"), ([v, ratio[known]], "estimate")):
            fit = sm.GLM(y[known], np.column_stack(columns), sm.families.Binomial())
            found = fit.fit(cov_type="cluster", cov_kwds={"groups": clusters[known]})
            assert table[name][k] == pytest.approx(found.params[0], abs=1e-7)
            if name == "estimate":
                assert table["std_error"][k] == pytest.approx(found.bse[0], rel=1e-6)
        assert table["n"][k] == known.sum()


def test_a_principle_that_only_says_long_loses_its_effect() -> None:
    data, votes, *_ = textual(1500)
    result = adjusted(data, votes, "ann")
    table = result.to_frame()
    assert table["flagged"].tolist() == [True, False]
    assert table["conf_low"][0] < 0.3
    assert table["conf_low"][1] > 0.5
    used = result.controls.set_index("control")["used"]
    assert used["log length ratio"]
    assert not used["position"]
    assert not used["headers"]
    reasons = result.controls.set_index("control")["reason"]
    assert "unknown" in reasons["position"]
    assert "lost" in result.summary()


def test_exchanging_a_and_b_changes_nothing_without_text() -> None:
    codes = RNG.choice(np.array([1, -1, 4], np.int8), (200, 3))
    data, votes = voted(codes, RNG.integers(0, 2, 200).astype(float))
    first = adjusted(data, votes, "ann")
    other = adjusted(*swapped(data, votes, RNG.random(200) < 0.5), "ann")
    columns = ["estimate", "std_error", "raw"]
    np.testing.assert_allclose(
        first.to_frame()[columns].astype(float), other.to_frame()[columns].astype(float), atol=1e-8
    )
    assert not first.controls["used"].any()


def test_separation_and_silence_are_reasons_not_numbers() -> None:
    codes = np.column_stack([np.ones(60), np.full(60, 4), RNG.choice([1, -1], 60)]).astype(np.int8)
    data, votes = voted(codes, np.ones(60))
    table = adjusted(data, votes, "ann").to_frame()
    assert table["estimate"][:2].isna().all()
    assert "separation" in table["reason"][0]
    assert "never takes a side" in table["reason"][1]
    assert not table["flagged"].any()


def test_principles_can_be_decomposed_jointly() -> None:
    rng = np.random.default_rng(1)
    codes = rng.choice(np.array([1, -1, 4], np.int8), (2000, 2))
    eta = np.where(np.abs(codes) == 1, codes, 0) @ np.array([1.0, -0.5])
    y = (rng.random(2000) < 1 / (1 + np.exp(-eta))).astype(float)
    codes[0, 0] = Vote.INVALID
    data, votes = voted(codes, y)
    fit = wb.decompose(principle_factors(data, votes), annotator="ann", folds=0)
    np.testing.assert_allclose(fit.weights().values[0], [1.0, -0.5], atol=0.2)
    assert fit.exclusions["n"].tolist() == [1]
