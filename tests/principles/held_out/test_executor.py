"""Arithmetic on votes: weights, held-out scores, agreement with a judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.principles.voted import swapped, voted
from workbench.errors import DesignError
from workbench.principles.held_out.execution import execute
from workbench.principles.held_out.executor import fit_executor, hits, ridge_logit


def planted(n: int = 900, seed: int = 0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    codes = rng.choice(np.array([1, -1, 4], np.int8), (n, 3))
    eta = np.where(np.abs(codes) == 1, codes, 0) @ np.array([2.0, 0.8, 0.0])
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    judge = np.where(rng.random(n) < 0.8, y, 1 - y)
    return voted(codes, {"ann": y, "judge": judge}, rng.integers(0, n // 3, n))


def test_ridge_fit_is_the_optimum() -> None:
    rng = np.random.default_rng(1)
    x, sign = rng.choice([1.0, 0, -1], (40, 3)), rng.choice([1.0, -1], 40)

    def loss(w: np.ndarray) -> float:
        return float(np.logaddexp(0, -sign * (x @ w)).sum() + w @ w)

    best = minimize(loss, np.zeros(3), tol=1e-12)
    np.testing.assert_allclose(ridge_logit(x, sign, 2.0), best.x, atol=1e-5)


@pytest.mark.parametrize("method", ["weighted", "logistic"])
def test_planted_weights_are_found_and_predict(method: str) -> None:
    data, votes = planted()
    found = fit_executor(data, votes, "ann", method=method)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.weights, [2.0, 0.8, 0.0], atol=0.45)
    table = execute(data, votes, "ann", method=method).to_frame()  # type: ignore[arg-type]
    scores = table.set_index("term")
    assert scores["conf_low"]["accuracy"] > 0.65
    assert scores["conf_high"]["log_loss"] < 0.6
    assert scores["p_value"]["accuracy"] < 1e-6
    assert (table["n"] == len(data)).all()


def test_majority_weighs_all_alike_and_undecided_counts_half() -> None:
    codes = np.array([[1, 1], [1, -1], [-1, -1], [4, 4]] * 5, np.int8)
    data, votes = voted(codes, np.array([1.0, 1, 0, 0] * 5))
    ids = data.pairs["pair_id"]
    result = execute(data, votes, "ann", method="majority", train=ids[:8], test=ids[8:])
    scores = result.to_frame().set_index("term")["estimate"]
    # of each four two are right, two are undecided
    assert scores["accuracy"] == pytest.approx(0.75)
    assert scores["decided"] == pytest.approx(0.5)
    weights = result.weights["weight"]
    assert weights[0] == weights[1] > 0
    assert "n = 12" in result.summary()


def test_agreement_with_a_judge_is_counted_where_both_decide() -> None:
    data, votes = planted()
    result = execute(data, votes, "ann", judge="judge")
    row = result.to_frame().set_index("term").loc["agreement with judge"]
    p = result.predictions.set_index("pair_id")["probability"]
    judge = data.labels[data.labels["annotator"] == "judge"].set_index("pair_id")["preference"]
    decided = p[(p - 0.5).abs() > 1e-9]
    agree = ((decided > 0.5) == (judge[decided.index] > 0.5)).mean()
    assert row["estimate"] == pytest.approx(agree)
    assert row["n"] == len(decided)


def test_folds_do_not_leak_and_noise_is_no_better_than_chance() -> None:
    rng = np.random.default_rng(4)
    codes = rng.choice(np.array([1, -1], np.int8), (60, 30))
    data, votes = voted(codes, rng.integers(0, 2, 60).astype(float))
    table = execute(data, votes, "ann", method="logistic").to_frame().set_index("term")
    assert table["conf_low"]["accuracy"] < 0.5 < table["conf_high"]["accuracy"]


def test_exchanging_a_and_b_changes_no_score() -> None:
    data, votes = planted(150)
    first = execute(data, votes, "ann", method="logistic").to_frame()
    flip = np.random.default_rng(5).random(150) < 0.5
    other = execute(*swapped(data, votes, flip), "ann", method="logistic").to_frame()
    np.testing.assert_allclose(first["estimate"], other["estimate"], atol=1e-9)


def test_training_and_test_pairs_may_not_meet() -> None:
    data, votes = planted(60)
    ids = data.pairs["pair_id"]
    with pytest.raises(DesignError, match="both"):
        execute(data, votes, "ann", train=ids[:40], test=ids[30:])
    with pytest.raises(DesignError, match="belong together"):
        execute(data, votes, "ann", test=ids[30:])
    with pytest.raises(DesignError, match="lack a principle"):
        fit_executor(data, votes, "ann").predict(votes.take(principles=[0]))


def test_a_half_is_no_decision() -> None:
    p = np.array([0.9, 0.9, 0.5])
    assert hits(p, np.array([1.0, -1, 1])).tolist() == [1, 0, 0.5]
