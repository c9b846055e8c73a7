"""Rewards that are there already: by hand, by planted models, and of published judges."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.models.responses import audit_responses
from workbench.audit.models.reward_scores import audit_reward_scores
from workbench.errors import DataError


def pairs(n: int = 400, seed: int = 0, grades: bool = False) -> wb.PreferenceData:
    """A true difference, people who are wrong at times, gold that is right, three rewards."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    said = np.where(rng.random(n) < 0.15, -1, 1) * np.sign(truth)
    table = {"prompt": [f"q{k}" for k in range(n)], "response_a": [f"a{k}" for k in range(n)],
             "response_b": [f"b{k}" for k in range(n)]}  # fmt: skip
    for k, scale in enumerate((1.0, 10.0, 0.1)):
        own = scale * (truth + 0.3 * rng.normal(size=n))
        table |= {f"r{k}_a": own + 5, f"r{k}_b": np.full(n, 5.0)}
    strength = np.ceil(np.minimum(np.abs(truth), 1.99) * 1.5) if grades else None
    labels = [
        pd.DataFrame({"pair": range(n), "annotator": who, "kind": kind,
                      "preference": (sign > 0).astype(float)})
        for who, kind, sign in (("ann", "human", said), ("truth", "objective", np.sign(truth)))
    ]  # fmt: skip
    if strength is not None:
        labels[0] = labels[0].assign(strength=strength)
    return wb.PreferenceData.from_tables(pd.DataFrame(table), pd.concat(labels, ignore_index=True))


def estimates(result: wb.Decomposition) -> pd.Series:
    return result.to_frame().set_index("term")["estimate"]


@pytest.mark.parametrize("gold", ["truth", "objective"])
def test_labels_that_the_ensemble_doubts_are_those_that_gold_turns(gold):
    (found,) = audit_reward_scores(pairs(), ["r0", "r1", "r2"], gold=gold)
    table = found.to_frame().set_index("term")
    # 15 % of the labels are wrong, and the rewards nearly always see it
    assert table.loc["mean margin below 0", "estimate"] == pytest.approx(0.15, abs=0.04)
    assert table.loc["confirmed in decile 1 of the mean margin", "estimate"] == 0.0
    assert table.loc["confirmed in decile 10 of the mean margin", "estimate"] == 1.0
    assert {one.rule_id for one in found.findings()} == {"labels-against-rewards"}
    # a model whose scale is a hundred times another's counts no more than that
    large = table.loc["margin above 0, r1"]
    assert large["estimate"] == pytest.approx(table.loc["margin above 0, r2", "estimate"], abs=0.06)
    one, two = (pairs(), pairs())
    two.pairs[["r2_a", "r2_b"]] *= 1000
    names = ["r0", "r1", "r2"]
    same = audit_reward_scores(two, names)[0].to_frame()["estimate"]
    assert same.to_numpy() == pytest.approx(
        audit_reward_scores(one, names)[0].to_frame()["estimate"]
    )


def test_shares_of_signs_are_those_by_hand():
    table = pd.DataFrame({"prompt": list("pqrs"), "response_a": list("abcd"),
                          "response_b": list("efgh"), "x_a": [2.0, 1.0, 0.0, np.nan],
                          "x_b": [1.0, 1.0, 3.0, 1.0], "y_a": [1.0] * 4, "y_b": 0.0})  # fmt: skip
    labels = pd.DataFrame({"pair": range(4), "annotator": "ann", "preference": [1.0, 1, 0, 1]})
    data = wb.PreferenceData.from_tables(table, labels)
    (found,) = audit_reward_scores(data, ["x", "y"])
    told = estimates(found)
    # right, equal, right (B is chosen); y says A always; the last has no x
    assert told["margin above 0, x"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert told["margin above 0, y"] == pytest.approx(2 / 3)
    assert "left out: 1 pairs, a reward is lacking" in found.summary()
    assert found.to_frame()["n"].eq(3).all()


def test_graded_labels_show_margins_by_strength():
    found = audit_reward_scores(pairs(grades=True), ["r0", "r1"])
    assert [type(one).__name__ for one in found] == [
        "RewardEnsemble", "MarginsByStrength", "MarginsByStrength",
    ]  # fmt: skip
    assert "r1" in found[2].summary()
    slopes = [estimates(one)["slope per unit of strength"] for one in found[1:]]
    assert slopes[0] > 0
    assert slopes[1] == pytest.approx(10 * slopes[0], rel=0.2)
    # one reward is no ensemble, but has strengths
    (alone,) = audit_reward_scores(pairs(grades=True), ["r0"])
    assert estimates(alone)["slope per unit of strength"] == pytest.approx(slopes[0])
    with pytest.raises(DataError, match="no ensemble"):
        audit_reward_scores(pairs(), ["r0"])
    with pytest.raises(DataError, match="no rewards other"):
        audit_reward_scores(pairs(), ["r0", "other"])
    with pytest.raises(DataError, match="no rewards of pairs"):
        audit_reward_scores(pairs())


def test_published_accuracies_of_reward_models_come_out(shared_data):
    """JudgeBench's pairs of GPT-4o: what its own leaderboard says of these five."""
    files = sorted((shared_data / "judgebench" / "outputs").glob("*gpt-4o*reward_model*"))
    data = wb.load([str(one) for one in files])
    (found,) = audit_reward_scores(data)
    told = estimates(found)
    for name, right in (("Skywork/Skywork-Reward-Llama-3.1-8B", 62.29),
                        ("Skywork/Skywork-Reward-Gemma-2-27B", 64.29),
                        ("internlm/internlm2-20b-reward", 63.43),
                        ("internlm/internlm2-7b-reward", 59.43),
                        ("Ray2333/GRM-Gemma-2B-rewardmodel-ft", 59.43)):  # fmt: skip
        # equal rewards are half right here, wrong there
        ties = (data.labels["annotator"].eq(name) & data.labels["preference"].eq(0.5)).sum()
        told_there = 100 * (told[f"margin above 0, {name}"] - ties / 2 / 350)
        assert told_there == pytest.approx(right, abs=0.005), name


def responses(n: int = 120, size: int = 16) -> pd.DataFrame:
    """A proxy that is gamed at its top, one that is honest, and a second head against it."""
    rng = np.random.default_rng(5)
    honest = rng.normal(size=n * size)
    gamed = rng.normal(size=n * size)
    gold = honest + np.where(gamed > 1.4, -3.0, gamed)
    return pd.DataFrame({"question": np.repeat([f"q{k}" for k in range(n)], size), "honest": honest,
                         "gamed": gamed, "people": gold, "against": -honest})  # fmt: skip


def test_over_optimisation_is_found_where_it_was_planted():
    found = audit_responses(responses(), ["honest", "gamed"], prompt="question", gold="people",
                            heads=["honest", "against"])  # fmt: skip
    assert [type(one).__name__ for one in found] == ["BestOfN"] * 3 + ["TradeOff"]
    honest, gamed, both, heads = found
    assert honest.settings["best_n"] == 16
    assert not honest.findings()
    assert gamed.settings["best_n"] < 16
    assert [one.rule_id for one in gamed.findings()] == ["over-optimised"]
    # the expected maximum of 16 standard normals
    assert estimates(honest)["best of 16"] - estimates(honest)["best of 1"] == pytest.approx(
        1.766, abs=0.15
    )
    assert "mean of the rewards" in both.summary()
    assert heads.settings["monotone"]
    assert gamed.figures()


def test_responses_that_cannot_be_used_are_counted():
    table = responses(3, 4)
    table.loc[0, "people"] = np.nan
    table.loc[len(table)] = {**table.iloc[1].to_dict(), "question": "alone"}
    (found,) = audit_responses(table, ["honest"], prompt="question", gold="people")
    assert "left out: 1 responses, a value is lacking" in found.summary()
    assert "left out: 1 responses, fewer than 2 responses to their prompt" in found.summary()
    # the prompt with a gap has three
    assert "best of 4" not in estimates(found)
    (found,) = audit_responses(table, ["honest"], prompt="question", gold="people", at_least=4)
    assert found.to_frame()["n"].iloc[0] == 2
    for wrong, match in (
        ({"gold": "none"}, "no column none"),
        ({"gold": "question"}, "question holds 'q0': no number"),
        ({}, "Nothing is asked"), ({"heads": ["honest"]}, "1 heads"),
        ({"checkpoint": "gamed", "heads": ["honest", "against"]}, "Checkpoints without gold"),
        ({"gold": "people", "at_least": 9}, "No response is left"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=match):
            audit_responses(table, ["honest"], prompt="question", **wrong)


@pytest.mark.parametrize("names", [int, str, "step {:04}".format])
def test_the_proxy_point_is_where_a_planted_training_peaks(names):
    rng = np.random.default_rng(6)
    rows = [
        {"prompt": f"q{k}", "rm": step + rng.normal() * 0.1, "step": names(100 + 10 * step),
         "people": -((step - 6) ** 2) + rng.normal() * 0.1}
        for step in range(12) for k in range(20)
    ]  # fmt: skip
    (found,) = audit_responses(pd.DataFrame(rows), ["rm"], gold="people", checkpoint="step")
    told = estimates(found)
    assert told["rm where people peaks"] == pytest.approx(6.0, abs=0.1)
    assert told["people from there to the last"] == pytest.approx(-25, abs=0.5)
    assert found.settings["at"] == str(names(160))
    assert found.to_frame()["reason"].eq("one training: no interval").all()
    curve = found.tables()["curve"].set_index(["term", "checkpoint"])
    assert curve.loc[("people", str(names(210))), "estimate"] == pytest.approx(-25, abs=0.2)
    assert curve.loc[("people", str(names(210))), "n"] == 20
    assert len(found.figures()["Proxy point"].data) >= 2
    json.dumps(found.to_dict())
    with pytest.raises(DataError, match="too few checkpoints"):
        audit_responses(pd.DataFrame(rows[:60]), ["rm"], gold="people", checkpoint="step")


@pytest.mark.parametrize(("proxy", "gold"), [("rm", "const"), ("const", "rm")])
def test_rewards_that_do_not_vary_have_no_interval_of_width_0(proxy, gold):
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"prompt": np.repeat(np.arange(40), 10), "rm": rng.normal(size=400),
                          "const": 0.1})  # fmt: skip
    [found] = audit_responses(table, [proxy], gold=gold)
    frame = found.to_frame()
    assert not frame["term"].str.contains("minus").any()
    assert not (frame["conf_high"] - frame["conf_low"] < 1e-9).any()
    if gold == "const":
        assert frame["conf_low"].isna().all()
        assert found.summary().count("(no variation: the error is not known)") == len(frame)


def test_a_proxy_point_says_why_it_has_no_interval():
    x = np.repeat(np.arange(9.0), 4)
    table = pd.DataFrame({"prompt": np.tile(np.arange(4), 9), "step": x, "rm": x,
                          "gold": -((x - 5) ** 2)})  # fmt: skip
    [found] = audit_responses(table, ["rm"], gold="gold", checkpoint="step")
    assert "rm where gold peaks: +5.000 (one training: no interval)" in found.summary()
