"""Length-controlled win rates: planted truth, invariances, coverage, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, logit

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.ratings.length_control import length_control
from workbench.ratings.length_control_fit import (
    RIDGE,
    Rows,
    fit_as_published,
    length_controlled_fits,
    predict_from_weights,
    rate_influence,
    rate_interval,
)

USE = np.array([True, False, True])


def planted(n: int, w_l: float, w_m: float, seed: int, *, hard: bool = True) -> pd.DataFrame:
    """Lengths whose gap is far from centred, and drawn verdicts of a known judge."""
    rng = np.random.default_rng(seed)
    base, own = rng.integers(100, 400, n), rng.integers(50, 900, n)
    gap = (base - own).astype(float)
    difficulty = rng.normal(size=n) if hard else np.zeros(n)
    p = expit(w_l * np.tanh(gap / gap.std(ddof=1)) + difficulty + w_m)
    win = (rng.random(n) < p).astype(float)
    columns = {"base": base, "own": own, "difficulty": difficulty, "win": win}
    return pd.DataFrame(columns).assign(prompt=[f"question {i}" for i in range(n)])


def as_data(frame: pd.DataFrame, *, model: str = "mine", text: bool = True) -> PreferenceData:
    pairs = pd.DataFrame(
        {
            "prompt": frame["prompt"],
            "model_a": "base",
            "model_b": model,
            "pair_id": model + frame["prompt"],
        }
    )
    if text:
        pairs["response_a"] = ["x" * k for k in frame["base"]]
        pairs["response_b"] = ["y" * k for k in frame["own"]]
    labels = pd.DataFrame({"pair": range(len(frame)), "annotator": "judge"})
    labels["preference"] = 1.0 - frame["win"].to_numpy()
    return PreferenceData.from_tables(pairs, labels)


def numbers(result: object) -> pd.DataFrame:
    frame = result.to_frame()  # type: ignore[attr-defined]
    return frame.select_dtypes("number")


def test_planted_length_effect_is_taken_out() -> None:
    frame = planted(6000, -1.5, -0.4, 1)
    given = dict(zip(frame["prompt"], frame["difficulty"], strict=True))
    row = length_control(as_data(frame), baseline="base", difficulty=given).to_frame().iloc[0]
    truth = 100 * expit(frame["difficulty"] - 0.4).mean()
    assert abs(row["estimate"] - truth) < 3 * row["std_error"] < 4
    assert abs(row["w_l"] + 1.5) < 0.15
    assert abs(row["win_rate"] - truth) > 8
    assert row["prediction_error"] < row["std_error"]


def test_a_judge_of_length_alone_gives_one_half() -> None:
    frame = planted(3000, -2.0, 0.0, 2, hard=False)
    row = length_control(as_data(frame), baseline="base").to_frame().iloc[0]
    assert row["conf_low"] < 50 < row["conf_high"]
    assert abs(row["estimate"] - 50) < 4
    assert row["win_rate"] > 60


def test_fit_is_the_penalised_maximum_likelihood() -> None:
    frame = planted(300, -1.0, 0.3, 3)
    gap = (frame["base"] - frame["own"]).to_numpy(float)
    win, hard = frame["win"].to_numpy(), frame["difficulty"].to_numpy()
    rows = Rows(gap, hard, win, np.arange(300))
    X = np.column_stack([np.tanh(gap / gap.std(ddof=1)), hard, np.ones(300)])

    def loss(w: np.ndarray) -> float:
        eta = X @ w
        return float((np.logaddexp(0, eta) - win * eta).sum() + 0.5 * RIDGE * w @ w)

    found, rate = length_controlled_fits(rows, [], np.ones((1, 300)), use=np.ones(3, dtype=bool))
    np.testing.assert_allclose(found[0], minimize(loss, np.zeros(3)).x, atol=1e-4)
    assert rate[0] == pytest.approx(100 * predict_from_weights(found[0], hard).mean())
    lasso = fit_as_published(rows, [], use=np.ones(3, dtype=bool))
    np.testing.assert_allclose(found[0], lasso, atol=0.15)


def test_counts_equal_repeated_rows() -> None:
    frame = planted(40, -1.0, 0.3, 4)
    gap, win = (frame["base"] - frame["own"]).to_numpy(float), frame["win"].to_numpy()
    counts = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40)).astype(float)
    at = np.repeat(np.arange(40), counts.astype(int))
    weighted = Rows(gap, np.zeros(40), win, np.arange(40))
    repeated = Rows(gap[at], np.zeros(40), win[at], np.arange(40))
    one = length_controlled_fits(weighted, [], counts[None], use=USE)
    two = length_controlled_fits(repeated, [], np.ones((1, 40)), use=USE)
    np.testing.assert_allclose(one[0], two[0], atol=1e-8)


def test_influence_is_the_derivative_of_the_refitted_rate() -> None:
    frame, n, step = planted(60, -1.0, 0.3, 3), 45, 1e-4
    rng = np.random.default_rng(0)
    cluster = np.r_[np.arange(n), rng.integers(0, n, 60 - n)]
    gap = (frame["base"] - frame["own"]).to_numpy(float)
    own = Rows(gap, frame["difficulty"].to_numpy(), frame["win"].to_numpy(), cluster)
    gamed = Rows(gap[:20], np.zeros(20), 1.0 - own.win[:20], cluster[20:40])
    use, ones = np.ones(3, dtype=bool), np.ones((n, n))
    counts = np.vstack([np.ones(n), ones + step * np.eye(n), ones - step * np.eye(n)])
    weights, rates = length_controlled_fits(own, [gamed], counts, use=use)
    influence, leverage = rate_influence(own, [gamed], weights[0], n, use=use)
    slopes = (rates[1 : n + 1] - rates[n + 1 :]) / (2 * step)
    np.testing.assert_allclose(influence, slopes, atol=1e-7)
    # as many as there are weights, less what the ridge holds
    assert leverage.sum() == pytest.approx(3.0, abs=0.02)


def test_an_interval_is_that_of_the_delta_method() -> None:
    # a share of 30 of 50 wins by itself: influence of its mean, without leverage
    win = np.r_[np.ones(30), np.zeros(20)]
    low, high = rate_interval(60.0, 100 * (win - 0.6) / 50, np.zeros(50), 0.95)
    error = np.sqrt(0.6 * 0.4 / 49) / (0.6 * 0.4)
    ends = logit(0.6) + np.array([-1, 1]) * stats.t.ppf(0.975, 49) * error
    np.testing.assert_allclose([low, high], 100 * expit(ends), rtol=1e-12)


@pytest.mark.parametrize(("n", "w_m"), [(60, 0.4), (100, 0.0), (100, 2.0)])
def test_intervals_cover_the_truth(n: int, w_m: float) -> None:
    sets, hits, truth = 400, 0, 100 * expit(w_m)
    for k in range(sets):
        frame = planted(n, -1.2, w_m, 1000 + k, hard=False)
        gap = (frame["base"] - frame["own"]).to_numpy(float)
        rows = Rows(gap, np.zeros(n), frame["win"].to_numpy(), np.arange(n))
        weights, rates = length_controlled_fits(rows, [], np.ones((1, n)), use=USE)
        influence = rate_influence(rows, [], weights[0], n, use=USE)
        low, high = rate_interval(float(rates[0]), *influence, 0.95)
        assert 0 < low < rates[0] < high < 100
        hits += int(low <= truth <= high)
    # 93 to 97 percent, and twice the simulation's own error of 1.1 points
    assert 0.93 - 0.022 <= hits / sets <= 0.97 + 0.022


def test_side_and_row_order_change_nothing() -> None:
    data = as_data(planted(120, -1.0, 0.3, 5))
    pairs, labels = data.pairs, data.labels
    swapped = pairs.rename(
        columns={
            "response_a": "response_b",
            "response_b": "response_a",
            "model_a": "model_b",
            "model_b": "model_a",
        }
    )
    turned = PreferenceData.from_tables(
        swapped.iloc[::-1], labels.assign(preference=1 - labels["preference"]).iloc[::-1]
    )
    first = length_control(data, baseline="base", replicates=50)
    again = length_control(turned, baseline="base", replicates=50)
    pd.testing.assert_frame_equal(numbers(first), numbers(again), rtol=1e-9)


def test_both_orders_count_alike() -> None:
    data = as_data(planted(60, -1.0, 0.3, 6))
    one = data.labels.assign(order_shown="ab", preference=1.0)
    more = data.labels.assign(order_shown="ab", preference=1.0, replicate=1)
    other = data.labels.assign(order_shown="ba", preference=0.0, replicate=2)
    both = PreferenceData.from_tables(data.pairs, pd.concat([one, more, other]))
    row = length_control(both, baseline="base").to_frame().iloc[0]
    assert row["win_rate"] == 50
    assert row["n"] == 60


def test_gamed_rows_pull_the_length_weight() -> None:
    data = as_data(planted(60, 0.0, 0.0, 7, hard=False))
    strong = as_data(planted(800, -3.0, 0.0, 8, hard=False), model="base_verbose")
    free = length_control(data, baseline="base").to_frame()["w_l"].iloc[0]
    pulled = length_control(data, baseline="base", gamed=strong)
    assert pulled.to_frame()["w_l"].iloc[0] < free - 0.5
    assert pulled.settings["gamed"] == ["base_verbose"]


def test_undefined_models_have_reasons_and_the_rest_come_out() -> None:
    frame = planted(80, -1.0, 0.3, 9)
    parts = [
        as_data(frame, model="good"),
        as_data(frame.assign(base=10, own=10), model="level"),
        as_data(frame.assign(win=1.0), model="winner"),
        as_data(frame.head(4), model="few"),
        as_data(frame, model="no text", text=False),
    ]
    data = PreferenceData.from_tables(
        pd.concat([p.pairs for p in parts]), pd.concat([p.labels for p in parts])
    )
    result = length_control(data)
    table = result.to_frame().set_index("term")
    assert np.isfinite(table.loc["good", ["estimate", "conf_low", "conf_high"]].astype(float)).all()
    assert np.isnan(table.loc["level", "w_l"])
    assert "length gap is the same" in table.loc["level", "reason"]
    assert table.loc["level", "estimate"] == pytest.approx(table.loc["level", "win_rate"], abs=0.1)
    for name, words in {"winner": "one class", "few": "fewer", "no text": "no length"}.items():
        assert np.isnan(table.loc[name, "estimate"])
        assert words in table.loc[name, "reason"]
        assert np.isfinite(table.loc[name, "win_rate"])
    assert "good" in result.summary()
    assert "too small" in result.summary()
    assert result.plot().data


def test_length_columns_stand_in_for_text() -> None:
    frame = planted(80, -1.0, 0.3, 10)
    bare = as_data(frame, text=False)
    pairs = bare.pairs.assign(length_a=frame["base"], length_b=frame["own"])
    found = length_control(PreferenceData.from_tables(pairs, bare.labels), baseline="base")
    pd.testing.assert_frame_equal(
        numbers(found), numbers(length_control(as_data(frame), baseline="base"))
    )


def test_far_moves_are_warned_of() -> None:
    frame = planted(2000, -3.0, -1.0, 11, hard=False)
    warned = length_control(as_data(frame), baseline="base").to_frame()["warning"].iloc[0]
    assert "far" in warned


def test_unclear_baseline_or_judge_is_an_error() -> None:
    data = as_data(planted(20, -1.0, 0.3, 12))
    with pytest.raises(DesignError, match="baseline"):
        length_control(data)
    with pytest.raises(DesignError, match="no verdict"):
        length_control(data, baseline="nobody")
    with pytest.raises(DesignError, match="no verdict"):
        length_control(data, baseline="base", annotator="nobody")
    with pytest.raises(DesignError, match="interval"):
        length_control(data, baseline="base", replicates=1)
    two = pd.concat([data.labels, data.labels.assign(annotator="other")])
    with pytest.raises(DesignError, match="one judge"):
        length_control(PreferenceData.from_tables(data.pairs, two), baseline="base")
