"""Length-controlled win rates: planted truth, invariances, coverage, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, logit

from workbench.data.dataset import PreferenceData
from workbench.errors import DataError, DesignError
from workbench.ratings.baseline_rows import baseline_rows
from workbench.ratings.difficulty import joint_difficulty, read_difficulty
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


def many(models: int, n: int, seed: int) -> tuple[PreferenceData, pd.Series]:
    """Models on the same instructions, of known difficulty, which their lengths follow."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0.0, 1.5, n)
    parts = []
    for k in range(models):
        gap = np.round(rng.normal(0.0, 150.0, n) + 60.0 * hard)
        p = expit(-1.2 * np.tanh(gap / gap.std(ddof=1)) + hard - 1.0 + 0.3 * k)
        frame = pd.DataFrame({"prompt": [f"question {i}" for i in range(n)]})
        frame["base"], frame["own"] = 900, (900 - gap).clip(1).astype(int)
        parts.append(as_data(frame.assign(win=(rng.random(n) < p) * 1.0), model=f"m{k:02d}"))
    data = PreferenceData.from_tables(
        pd.concat([p.pairs for p in parts]), pd.concat([p.labels for p in parts])
    )
    return data, pd.Series(hard, index=frame["prompt"])


def test_joint_difficulty_finds_the_planted_one_and_does_what_knowing_it_would() -> None:
    data, hard = many(12, 300, 1)
    rows = baseline_rows(data, "base", "judge").table
    found = joint_difficulty(rows)
    names = rows.drop_duplicates("prompt_id").set_index("prompt_id")["prompt"]
    assert np.corrcoef(found, hard[names[found.index]])[0, 1] > 0.8
    known = length_control(data, baseline="base", difficulty=hard.to_dict(), replicates=20)
    gaps = {}
    for name in ("joint", "none"):
        other = length_control(data, baseline="base", difficulty=name, replicates=20)
        gap = other.to_frame()["estimate"] - known.to_frame()["estimate"]
        gaps[name] = gap.abs().mean()
    assert gaps["joint"] < 0.6 * gaps["none"]


def test_joint_difficulty_is_the_penalised_maximum() -> None:
    data, _ = many(3, 15, 2)
    rows = baseline_rows(data, "base", "judge").table
    found = joint_difficulty(rows)
    model, prompt = pd.factorize(rows["model"])[0], pd.factorize(rows["prompt_id"], sort=True)[0]
    scale = rows.groupby("model")["gap"].transform(lambda gap: gap.std(ddof=1))
    z, win = np.tanh(rows["gap"] / scale).to_numpy(), rows["win"].to_numpy()

    def minimum(variance: float) -> tuple[np.ndarray, np.ndarray]:
        def loss(at: np.ndarray) -> float:
            slope, level, d = at[:3], at[3:6], at[6:]
            eta = slope[model] * z + level[model] + d[prompt]
            ridge = 0.005 * (slope @ slope + level @ level) + d @ d / (2 * variance)
            return float((np.logaddexp(0, eta) - win * eta).sum() + ridge)

        best = minimize(loss, np.zeros(21), method="BFGS", options={"gtol": 1e-7}).x
        X = np.zeros((len(rows), 21))
        X[np.arange(len(rows)), model], X[np.arange(len(rows)), 3 + model] = z, 1.0
        X[np.arange(len(rows)), 6 + prompt] = 1.0
        p = expit(X @ best)
        bend = X.T @ (X * (p * (1 - p))[:, None])
        bend += np.diag(np.r_[np.full(6, 0.01), np.full(15, 1 / variance)])
        return best[6:], np.diag(np.linalg.inv(bend))[6:]

    variance = 1.0
    for _ in range(60):
        d, uncertain = minimum(variance)
        variance = float(np.mean(d**2 + uncertain))
    np.testing.assert_allclose(found, d, atol=1e-3)


def test_difficulty_is_that_of_the_file_or_of_a_joint_fit_and_said() -> None:
    frame = planted(80, -1.0, 0.3, 13)
    one = as_data(frame)
    alone = length_control(one, baseline="base", replicates=20)
    assert "left out: none is given, and one model cannot tell it" in alone.summary()
    assert np.isnan(alone.to_frame()["w_x"].iloc[0])
    given = dict(zip(frame["prompt"], frame["difficulty"], strict=True))
    by_text = length_control(one, baseline="base", difficulty=given, replicates=20)
    pairs = one.pairs.assign(instruction_difficulty=frame["difficulty"])
    column = PreferenceData.from_tables(pairs, one.labels)
    of_file = length_control(column, baseline="base", replicates=20)
    pd.testing.assert_frame_equal(numbers(by_text), numbers(of_file))
    assert "of the file's column instruction_difficulty" in of_file.to_frame()["method"].iloc[0]
    asked = length_control(column, baseline="base", difficulty="none", replicates=20)
    pd.testing.assert_frame_equal(numbers(asked), numbers(alone))
    assert "left out, as asked" in asked.settings["difficulty"]
    several, _ = many(3, 40, 3)
    by_default = length_control(several, baseline="base", replicates=20)
    assert by_default.settings["difficulty"] == "by a joint fit of 3 models"
    assert np.isfinite(by_default.to_frame()["w_x"]).all()
    with pytest.raises(DesignError, match="joint"):
        length_control(one, baseline="base", difficulty="hard")  # type: ignore[arg-type]


def test_the_baselines_own_runs_of_the_file_are_used_and_have_their_difficulty() -> None:
    frame = planted(60, -1.0, 0.0, 14)
    given = dict(zip(frame["prompt"], frame["difficulty"], strict=True))
    runs = [as_data(planted(60, -3.0, 0.0, 15 + k), model=f"base_{name}")
            for k, name in enumerate(("verbose", "concise"))]  # fmt: skip
    parts = [as_data(frame), *runs]
    together = PreferenceData.from_tables(
        pd.concat([p.pairs for p in parts]), pd.concat([p.labels for p in parts])
    )
    apart = PreferenceData.from_tables(
        pd.concat([p.pairs for p in runs]), pd.concat([p.labels for p in runs])
    )
    options = {"baseline": "base", "difficulty": given, "replicates": 20}
    found = length_control(together, **options)
    flagged = length_control(parts[0], gamed=apart, **options)
    one = found.to_frame().set_index("term").loc["mine"]
    np.testing.assert_allclose(one["estimate"], flagged.to_frame()["estimate"].iloc[0])
    assert found.settings["gamed"] == ["base_concise", "base_verbose"]
    assert "gamed runs: base_concise, base_verbose" in found.summary()
    assert "gamed runs: left out" in length_control(parts[0], **options).summary()

    def loss(w: np.ndarray) -> float:
        total = 0.005 * w @ w
        for k, part in enumerate(parts):
            rows = baseline_rows(part, "base", "judge").table
            z = np.tanh(rows["gap"] / rows["gap"].std(ddof=1)).to_numpy()
            eta = w[0] * z + w[1] * rows["prompt"].map(given).to_numpy() + w[2] * (k == 0)
            fit = np.logaddexp(0, eta) - rows["win"].to_numpy() * eta
            total += (0.1 if k else 1.0) * fit.sum()
        return float(total)

    oracle = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(one[["w_l", "w_x", "w_m"]].to_numpy(float), oracle, atol=1e-5)


def test_identical_responses_are_draws_whatever_the_judge_said() -> None:
    frame = planted(40, -1.0, 0.3, 16)
    frame.loc[:3, "own"] = frame.loc[:3, "base"]
    data = as_data(frame)
    pairs = data.pairs.assign(response_b=data.pairs["response_b"].str.replace("y", "x"))
    labels = data.labels.assign(preference=data.labels["preference"])
    first = data.pairs["pair_id"].iloc[:4].tolist()
    at = [labels.index[labels["pair_id"] == name][0] for name in first]
    labels.loc[at, "preference"] = [0.0, 1.0, np.nan, 0.5]
    asked = PreferenceData.from_tables(pairs, labels)
    labels.loc[at, "preference"] = 0.5
    drawn = PreferenceData.from_tables(pairs, labels)
    found = length_control(asked, baseline="base", replicates=20)
    pd.testing.assert_frame_equal(
        numbers(found), numbers(length_control(drawn, baseline="base", replicates=20))
    )
    assert (found.settings["identical"], found.settings["overruled"]) == (4, 3)
    assert "read as draws: 4 pairs, 3 of them against the judge" in found.summary()


def test_the_baseline_against_itself_has_one_half_by_definition() -> None:
    frame = planted(30, -1.0, 0.3, 17)
    both = [as_data(frame), as_data(frame.assign(own=frame["base"]), model="base")]
    data = PreferenceData.from_tables(
        pd.concat([p.pairs for p in both]), pd.concat([p.labels for p in both])
    )
    table = length_control(data, baseline="base", replicates=20).to_frame().set_index("term")
    assert table.loc["base", "estimate"] == 50
    assert table.loc["base", ["std_error", "conf_low", "w_l"]].isna().all()
    assert "by definition" in table.loc["base", "reason"]
    assert np.isfinite(table.loc["mine", "conf_low"])


def test_difficulty_is_read_by_text_and_not_by_row(tmp_path: Path) -> None:
    named = tmp_path / "named.csv"
    named.write_text("question,hardness\none,-1.5\ntwo,0.5\n")
    assert read_difficulty(named) == {"one": -1.5, "two": 0.5}
    (tmp_path / "object.json").write_text('{"one": 1, "two": -2.5}')
    assert read_difficulty(tmp_path / "object.json") == {"one": 1.0, "two": -2.5}
    numbered = tmp_path / "numbered.csv"
    numbered.write_text("instruction_index,difficulty\n0,-1.5\n1,0.5\n")
    with pytest.raises(DataError, match="text"):
        read_difficulty(numbered)
