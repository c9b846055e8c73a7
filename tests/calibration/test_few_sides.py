"""Few labels: fixed sides, weights, soft verdicts, and judges' rates beside those of people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import t

import workbench as wb
from tests.calibration.few_planted import planted, row
from workbench.audit.judges.verdicts.by_verdict import verdict_strata
from workbench.calibration.few import fits
from workbench.calibration.few.fits import SEPARATED, UNFINISHED, fit_alone
from workbench.calibration.few.inputs import Beside
from workbench.calibration.few.judged import fit_judged
from workbench.calibration.few.rates import rates
from workbench.calibration.few.sample import unlike
from workbench.calibration.few.tuned import Setting, tuned


def two_models(sides: str) -> wb.PreferenceData:
    """Return simulated pairs of two models: ``m`` always A, or A on every other pair."""
    rng = np.random.default_rng(0)
    N, n = 400, 100
    won = (rng.random(N) < 0.6) * 1.0
    judged = np.where(rng.random(N) < 0.8, won, 1 - won)
    turned = (np.arange(N) % 2 == 1) & (sides == "turned")
    pairs = pd.DataFrame({
        "pair_id": [f"{k:04d}" for k in range(N)], "cluster": [f"{k:04d}" for k in range(N)],
        "model_a": np.where(turned, "l", "m"), "model_b": np.where(turned, "m", "l"),
    })  # fmt: skip
    labels = pd.DataFrame({
        "pair": np.r_[np.arange(n), np.arange(N)],
        "annotator": ["human"] * n + ["judge"] * N, "kind": ["human"] * n + ["llm"] * N,
        "preference": np.r_[np.where(turned, 1 - won, won)[:n],
                            np.where(turned, 1 - judged, judged)],
    })  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def test_models_that_are_always_on_one_side_have_their_ratings():
    fixed, turned = (wb.few_labels(two_models(sides)).to_frame() for sides in ("fixed", "turned"))
    ratings = fixed[fixed["what"].eq("rating")]
    assert ratings[["estimate", "people"]].notna().all(axis=None)
    pd.testing.assert_frame_equal(fixed, turned, atol=1e-7, rtol=1e-6)


def test_a_factor_that_never_varies_still_has_no_weight():
    data = planted(0, N=300)
    same = data.with_factors(data.factors.assign(words=1.0), pd.DataFrame(index=data.factors.index),
                             {})  # fmt: skip
    one = row(wb.few_labels(same, ["good"]), "good", "weight", "words")
    assert np.isnan(one["estimate"])
    assert "constant" in one["reason"]


@pytest.mark.parametrize("seed", range(5))
def test_a_judge_s_rate_is_held_against_the_people_s_with_the_error_of_both(seed):
    """The paired interval of a mean difference, by hand: all pairs labelled, nothing shared."""
    N = 150
    rng = np.random.default_rng(seed)
    said, scores = (rng.random((2, N)) < 0.5) * 1.0
    judged = scores[:, None]
    beside = Beside(["j"], judged, verdict_strata(judged), said, np.ones(N), np.arange(N),
                    np.arange(N))  # fmt: skip
    one = rates(beside, None, 0.95)[1].iloc[0]
    assert one["bias"] == pytest.approx(one["judge"] - one["people"], abs=1e-9)
    half = 1.96 * np.std(scores - said, ddof=1) / np.sqrt(N)
    assert one["bias_high"] - one["bias"] == pytest.approx(half, rel=0.1)
    assert one["bias"] - one["bias_low"] == pytest.approx(half, rel=0.1)


def test_bias_is_found_where_it_is_and_turns_with_the_sides():
    data = planted(11, n=300, judges={"poor": 0.1})
    one = row(wb.few_labels(data), "poor", "win rate", "k")
    assert one["bias_low"] < one["bias"] < one["bias_high"]
    back = row(wb.few_labels(planted(11, n=300, judges={"poor": 0.1}, turned=True)),
               "poor", "win rate", "k")  # fmt: skip
    assert back["bias"] == pytest.approx(one["bias"])


def test_corrected_rates_weigh_labels_as_few_labels_do():
    data = planted(3, n=200, N=600, judges={"good": 0.8})
    human = data.labels["annotator"].eq("human")
    weight = np.where(human & (data.pair_rows % 2 == 0), 4.0, 1.0)
    weighed = replace(data, labels=data.labels.assign(weight=weight))
    table = wb.few_labels(weighed, factors=["words"]).to_frame()
    few = table[table["what"].eq("win rate")].set_index("term")
    corrected = wb.correct_rates(weighed, "good").to_frame().set_index("term")
    for name in ("estimate", "conf_low", "conf_high", "people"):
        np.testing.assert_allclose(corrected[name], few.loc[corrected.index, name], atol=1e-9)
    plain = wb.correct_rates(data, "good").to_frame().set_index("term")
    assert (corrected["people"] - plain["people"]).abs().max() > 0.001


def test_soft_verdicts_agree_by_the_side_they_lean_to():
    data = planted(4, n=200, N=200, judges={"good": 0.8})
    judge = data.labels["annotator"].eq("good")
    soft = data.labels["preference"].where(~judge, 0.5 + 0.3 * (data.labels["preference"] - 0.5))
    one = row(wb.few_labels(replace(data, labels=data.labels.assign(preference=soft))),
              "good", "agreement", "agreement")  # fmt: skip
    hard = row(wb.few_labels(data), "good", "agreement", "agreement")
    assert one["estimate"] == pytest.approx(hard["estimate"])
    board = wb.judge_board(data, ["good"], replicates=50).estimates.set_index("term").loc["good"]
    assert one["estimate"] == pytest.approx(board["estimate"])


def test_labels_alone_stand_where_a_correction_rests_on_few_pairs():
    data = planted(1, n=60, N=400, judges={"good": 0.9})
    human = data.labels["annotator"].eq("human").to_numpy()
    rows, said = data.pair_rows[human], data.labels["preference"].to_numpy()[human]
    first = np.argsort(rows)[:2]
    words = data.factors["words"].to_numpy().copy()
    words[rows[first]] = np.where(said[first] == 1, 12.0, -12.0)
    far = data.with_factors(data.factors.assign(words=words),
                            pd.DataFrame(index=data.factors.index), {})  # fmt: skip
    one = row(wb.few_labels(far, factors=["words"]), "good", "weight", "words")
    assert one["estimate"] == one["people"]
    assert (one["power"], one["effective_labels"]) == (0.0, 60.0)
    assert one["conf_low"] == pytest.approx(one["people_low"])


def test_weights_of_labels_are_one_over_the_chance_in_the_test_of_the_sample_too():
    rng = np.random.default_rng(0)
    size = rng.exponential(size=2000)
    chance = np.clip(size / 10, 0.02, 1)
    drawn = rng.random(2000) < chance
    at = np.arange(2000)
    plain, weighed = (unlike({"size": size}, np.where(drawn, weight, 0.0), at, 0.95).iloc[0]
                      for weight in (1.0, 1 / chance))  # fmt: skip
    assert plain["p_value"] < 1e-6
    assert weighed["p_value"] > 0.05
    # labels of one weight: mean of the labelled minus mean of the others
    gap = size[drawn].mean() - size[~drawn].mean()
    assert plain["estimate"] == pytest.approx(gap / size.std())


def test_what_is_left_out_is_told_of_every_judge_and_model():
    data = planted(2, n=40, N=120, judges={"good": 0.9})
    at = np.arange(120)
    first, second = data.pairs["model_a"], data.pairs["model_b"]
    pairs = data.pairs.assign(model_a=first.mask(at < 7), model_b=second.where(at < 110, first))
    human = set(data.labels.loc[data.labels["annotator"].eq("human"), "pair_id"])
    others = [name for name in data.pairs["pair_id"] if name not in human]
    quiet = data.labels["annotator"].eq("good") & data.labels["pair_id"].isin(others[20:25])
    found = wb.few_labels(replace(data, pairs=pairs, labels=data.labels[~quiet]))
    told = found.exclusions.set_index(["group", "reason"])["n"].to_dict()
    assert told == {
        ("all", "pair without a label and without a verdict"): 5,
        ("all", "a model without a name: no part in ratings"): 7,
        ("all", "one model twice: no part in win rates and ratings"): 10,
    }


def test_labels_are_worth_no_more_where_all_pairs_have_one():
    data = planted(3, n=200, N=200)
    table = wb.few_labels(data, factors=["words"]).to_frame()
    rates_of = table[table["what"].isin(["win rate", "agreement"])]
    assert (rates_of["effective_labels"] <= rates_of["n"] + 1e-9).all()


def test_separation_is_named_only_where_it_is(monkeypatch):
    X, said = np.array([[1.0], [-1.0]] * 6), np.array([1.0, 0.0] * 6)
    given = X, said, np.ones(12), np.arange(12), ["words"]
    assert fit_alone(*given).reasons == {0: SEPARATED}
    whole = fits.fit_logit
    monkeypatch.setattr(fits, "fit_logit", lambda *given, **options: replace(
        whole(*given, **options), converged=np.array([False])))  # fmt: skip
    said[0] = 0.0
    assert fit_alone(*given).reasons == {0: UNFINISHED}


def ruled(seed: int, follow: bool) -> Setting:
    """Return a judge that a rare factor decides wherever it differs, and 150 labels of 1,500."""
    rng = np.random.default_rng(seed)
    n = 1500
    x = rng.normal(size=n)
    rare = np.where(rng.random(n) < 0.06, rng.choice([-1.0, 1.0], n), 0.0)
    luck, other = rng.random(n), rng.random(n)
    people = np.where(follow & (rare != 0), rare > 0, luck < expit(0.8 * x + 0.5 * rare))
    judge = np.where(rng.random(n) < 0.75, luck, other) < expit(x)
    judge = np.where(rare != 0, rare > 0, judge).astype(float)
    weight = np.zeros(n)
    weight[rng.choice(n, 150, replace=False)] = 1.0
    said = np.where(weight > 0, people, np.nan)
    X = np.column_stack([x, rare])
    return Setting(X, ["x", "rare"], judge[:, None], said, weight, np.arange(n), np.eye(2))


@pytest.mark.parametrize("follow", [True, False])
def test_a_factor_that_decides_a_judge_takes_no_other_weight_with_it(follow):
    held, worth = [], []
    for seed in range(25):
        (found,) = tuned(ruled(seed, follow))
        for part, truth in ((found["weights"], 0.8), (found["contrasts"], 0.2)):
            width = t.ppf(0.975, part["df"][0]) * part["error"][0]
            held.append(abs(part["estimate"][0] - truth) <= width)
        worth.append(found["weights"]["effective_labels"][0])
    assert np.mean(held) >= 0.88
    assert np.median(worth) > 180
    assert np.isnan(found["contrasts"]["estimate"][1])
    assert "decides the verdicts wherever it differs" in found["contrasts"]["reason"][1]
    # people who contradict the judge have a weight all the same
    assert np.isnan(found["weights"]["estimate"][1]) == follow


def test_a_model_that_a_judge_always_prefers_leaves_the_others_their_sides():
    # all on side A: what the first leaves is the same on every pair
    rng = np.random.default_rng(0)
    first = np.repeat([1.0, 0.0], 40)
    X = np.column_stack([first, 1 - first])
    f = np.where(first > 0, 1.0, (rng.random(80) < 0.6) * 1.0)
    found = fit_judged(X, f[:, None], f, np.ones(80), ["a", "b"], np.array([[False, True]]),
                       constant=True)  # fmt: skip
    assert np.isnan(found.own[0, 0])
    share = f[40:].mean()
    assert found.own[0, 1] == pytest.approx(np.log(share / (1 - share)), abs=1e-6)
    assert found.reasons[0].keys() == {0}
