"""Judges as annotators: measures by hand, planted truth, rules and reward models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.llm_server import POSITION, WEIGHTS, serving
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, JudgeError
from workbench.factors import Coding, from_function


def data_of(n: int, seed: int = 0) -> PreferenceData:
    rng = np.random.default_rng(seed)
    texts = [
        ["word " * int(rng.integers(3, 9)) + "?" * int(rng.integers(0, 3)) for _ in "ab"]
        for _ in range(n)
    ]
    pairs = pd.DataFrame(texts, columns=["response_a", "response_b"])
    pairs["prompt"] = [f"prompt {k}" for k in range(n)]
    labels = pd.DataFrame(
        {"pair": range(n), "annotator": "ann", "kind": "human", "preference": 1.0}
    )
    return PreferenceData.from_tables(pairs, labels)


class Recorded:
    """A judge that says what it was given: one verdict for each order."""

    name, kind = "rec", "llm"

    def __init__(self, ab, ba) -> None:
        self.sides = {"ab": ab, "ba": ba}

    def settings(self) -> dict:
        return {"name": self.name}

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        rows = [
            pd.DataFrame({"pair_id": data.pairs["pair_id"], "preference": side,
                          "order_shown": order, "replicate": k})
            for k, (order, side) in enumerate(self.sides.items())
        ]  # fmt: skip
        return pd.concat(rows, ignore_index=True)


def test_measures_by_hand():
    """Six pairs, in terms of A: consistent A, B and tie; first twice; second; one failed."""
    ab = [1.0, 0.0, 0.5, 1.0, 1.0, 0.0, np.nan]
    ba = [1.0, 0.0, 0.5, 0.0, 0.0, 1.0, 1.0]
    found = wb.judge(data_of(7), Recorded(ab, ba)).to_frame().set_index("term")
    estimate = found["estimate"]
    assert estimate["consistency"] == pytest.approx(3 / 6)
    # (2 pairs won by the first place - 1 by the second) / 6
    assert estimate["pull of the first"] == pytest.approx((2 - 1) / 6)
    # of 13 verdicts: for what stood first 1 + 0 + .5 + 1 + 1 + 0, and 0 + 1 + .5 + 1 + 1 + 0 + 0
    assert estimate["first share"] == pytest.approx((3.5 + 3.5) / 13)
    assert estimate["ties"] == pytest.approx(2 / 13)
    assert estimate["no verdict"] == pytest.approx(1 / 14)
    # the person says A everywhere; it leans to A on the first and (one order only) the last
    assert estimate["agreement with people"] == pytest.approx(2 / 3)
    # Shi et al. (2024): SE = sqrt(((rc + pc) / N - PF^2) / N), for pairs that are their own
    # cluster times sqrt(G / (G - 1))
    error = np.sqrt((3 / 6 - (1 / 6) ** 2) / 6) * np.sqrt(6 / 5)
    assert found.loc["pull of the first", "std_error"] == pytest.approx(error)
    n = found["n"]
    assert (n["consistency"], n["first share"], n["no verdict"]) == (6, 13, 14)
    assert (n["pull of the first"], n["ties"], n["agreement with people"]) == (6, 13, 3)
    assert found["conf_low"].notna().all()
    assert found["method"].ne("").all()


def test_what_cannot_be_told_says_why():
    found = wb.judge(data_of(5), wb.RewardJudge(lambda batch: np.arange(len(batch)), "r"))
    frame = found.to_frame().set_index("term")
    assert np.isnan(frame.loc["consistency", "estimate"])
    assert "both orders" in frame.loc["consistency", "reason"]
    assert "undefined" in found.summary()


def test_planted_weights_and_position_are_recovered_from_the_server(tmp_path):
    """The judge behind the server has known weights: intervals of the fit cover them."""
    data = data_of(700, seed=3)
    with (
        serving() as server,
        wb.Journal(tmp_path / "j") as journal,
        wb.Asker(wb.Endpoint(server.url), journal) as asker,
    ):
        found = wb.judge(data, wb.ChatJudge("m", asker, template="alpaca_eval"), level=0.99)
    sign = Coding("sign", standardise=False)
    scored = from_function(found.data, "questions", lambda t: t.count("?"), coding=sign)
    scored = from_function(scored, "longer", len, coding=sign)
    fit = wb.decompose(scored, annotator="m", folds=0, level=0.999).to_frame().set_index("term")
    for term, truth in {**WEIGHTS, "position": POSITION}.items():
        assert fit.loc[term, "conf_low"] < truth < fit.loc[term, "conf_high"], term
        assert fit.loc[term, "std_error"] < 0.15
    pull = found.to_frame().set_index("term").loc["pull of the first"]
    assert pull["conf_low"] > 0


def test_the_planted_judge_has_the_weights_that_it_says():
    data = wb.score_factors(data_of(3000), wb.factors.FAMILIES["length"][:1])
    name = data.factor_names[0]
    judged = wb.judge(data, wb.PlantedJudge({name: 0.7}, position=-0.4, ties=0.1, failures=0.05))
    found = wb.decompose(judged.data, annotator="sim-planted", folds=0, ties="drop", level=0.999)
    fit = found.to_frame().set_index("term")
    for term, truth in ((name, 0.7), ("position", -0.4)):
        assert fit.loc[term, "conf_low"] < truth < fit.loc[term, "conf_high"]
    share = judged.to_frame().set_index("term")["estimate"]
    assert share["no verdict"] == pytest.approx(0.05, abs=0.015)
    assert share["ties"] == pytest.approx(0.1 / 0.95, abs=0.02)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("first", (0.0, 1.0)), ("longer", (1.0, 0.0)), ("tie", (1.0, 0.0))],
)
def test_rules_do_what_they_say(rule, expected):
    found = wb.judge(data_of(60), wb.RuleJudge(rule)).to_frame().set_index("term")["estimate"]
    assert (found["consistency"], found["pull of the first"]) == pytest.approx(expected)


def test_a_random_judge_hangs_on_the_pair_not_on_the_row():
    data = data_of(200)
    rows = wb.RuleJudge("random").verdicts(data)
    part = wb.RuleJudge("random").verdicts(data.filter(pair_ids=data.pairs["pair_id"][50:]))
    key = ["pair_id", "order_shown"]
    both = rows.merge(part, on=key, suffixes=("", "_part"))
    assert len(both) == 300
    assert (both["preference"] == both["preference_part"]).all()
    assert 0.35 < rows["preference"].mean() < 0.65
    other = wb.RuleJudge("random", seed=1).verdicts(data)
    assert (other["preference"] != rows["preference"]).any()


def test_a_reward_model_prefers_the_higher_reward():
    data = data_of(40)
    rewards = dict(zip(data.pairs["response_a"], np.linspace(-1, 1, 40), strict=True))

    def score(batch):
        assert len(batch) <= 7
        return [rewards.get(text, 0.3) for _, text in batch]

    hard = wb.RewardJudge(score, "rm", batch=7).verdicts(data)
    soft = wb.RewardJudge(score, "rm", batch=7, soft=True).verdicts(data)
    difference = np.array(
        [rewards.get(a, 0.3) - rewards.get(b, 0.3)
         for a, b in data.pairs[["response_a", "response_b"]].to_numpy()]
    )  # fmt: skip
    assert hard["preference"].to_numpy() == pytest.approx((np.sign(difference) + 1) / 2)
    assert soft["preference"].to_numpy() == pytest.approx(1 / (1 + np.exp(-difference)))


def test_a_reward_model_that_fails_says_where():
    data = data_of(10)
    for score, said in (
        (lambda batch: [1.0], "shape"),
        (lambda batch: 1 / 0, "ZeroDivisionError"),
        (lambda batch: ["good"] * len(batch), "ValueError"),
    ):
        with pytest.raises(JudgeError, match=said) as error:
            wb.RewardJudge(score, "rm", batch=4).verdicts(data)
        assert "pairs 1 to 4, response A" in str(error.value)
    found = wb.judge(data, wb.RewardJudge(lambda b: [np.nan] * len(b), "rm"))
    assert found.failures[["reason", "count"]].to_numpy().tolist() == [["the reward is NaN", 10]]


def test_a_name_that_is_taken_is_refused():
    data = data_of(5)
    with pytest.raises(DesignError, match="ann"):
        wb.judge(data, wb.RuleJudge("first", name="ann"))
    with pytest.raises(DesignError):
        wb.judge(data, [wb.RuleJudge("first"), wb.RuleJudge("first")])
    with pytest.raises(DesignError, match="no judge"):
        wb.judge(data, [])
    with pytest.raises(DesignError, match="rule"):
        wb.RuleJudge("loudest")


def test_the_result_tells_all_and_is_plain_json():
    found = wb.judge(data_of(30), [wb.RuleJudge("first"), wb.RuleJudge("longer")])
    assert len(found.data.annotators) == 3
    assert set(found.tables()) == {"measures", "verdicts", "failures", "spending"}
    assert found.verdicts["labels"].sum() == 120
    assert found.to_dict()["settings"]["judges"][0]["rule"] == "first"
    assert found.plot().data
    pd.testing.assert_frame_equal(
        found.to_frame(),
        wb.judge(data_of(30), [wb.RuleJudge("first"), wb.RuleJudge("longer")]).to_frame(),
    )
