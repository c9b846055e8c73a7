"""What a rule keeps, turns, weighs and orders, and the price that it tells."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import workbench as wb
from tests.voted import pairs_of, turned, voted, with_factors
from workbench.curate import curation
from workbench.curate.balance import balance, odd_features
from workbench.curate.effect import AFTER, BEFORE, GAP
from workbench.curate.order import kept_for_test, stages
from workbench.errors import ConfigError, DataError


def crowd(
    n: int = 2000, seed: int = 0, votes: int = 5, texts: bool = True, noise: float = 1.0
) -> wb.PreferenceData:
    """Crowds that like `words` and `warmth`, some pairs more divided than others."""
    rng = np.random.default_rng(seed)
    words, warmth = rng.normal(size=n), rng.normal(size=n)
    chance = expit(0.9 * words + 0.7 * warmth + noise * rng.normal(size=n))
    factors = {"words": words, "warmth": warmth}
    return voted(chance, votes, factors, seed=seed + 1, clusters=n // 2, texts=texts)


def scores(made: wb.Curation) -> pd.DataFrame:
    return made.held_out.set_index(["term", "group"])


def test_rows_add_up_and_name_the_reason() -> None:
    data = crowd(votes=4)
    made = wb.curate(data, {"min_agreement": 0.8, "min_strength": 0.5})
    rows = made.rows.set_index("reason")["n"]
    share = data.labels["preference"].to_numpy()
    agreement = np.maximum(share, 1 - share)
    assert rows.sum() == len(data)
    assert rows["tie"] == (share == 0.5).sum()
    assert rows["agreement below 0.8"] == ((agreement < 0.8) & (share != 0.5)).sum()
    assert rows["kept"] == len(made.data) == len(made.data.labels)
    chosen = made.data.labels["preference"].isin([0.0, 1.0])
    assert chosen.all()


def test_what_became_of_each_pair_adds_up_to_the_rows_and_to_the_data() -> None:
    data = crowd(votes=4)
    made = wb.curate(data, {"min_agreement": 0.7, "soft": True, "weight": "confidence"})
    fates = made.pairs
    assert fates["pair_id"].tolist() == data.pairs["pair_id"].tolist()
    assert fates["reason"].value_counts().to_dict() == made.rows.set_index("reason")["n"].to_dict()
    stays = fates["reason"] == "kept"
    assert fates.loc[stays, "pair_id"].tolist() == made.data.pairs["pair_id"].tolist()
    np.testing.assert_array_equal(fates.loc[stays, "weight"], made.data.labels["weight"])
    np.testing.assert_array_equal(fates.loc[stays, "p"], made.data.pairs["p"])
    assert (fates.loc[~stays, "weight"] == 0).all()
    share = data.labels["preference"].to_numpy()
    assert (fates["chosen"].eq("a") == (share > 0.5)).all()
    assert (fates["chosen"].isna() == (share == 0.5)).all()
    np.testing.assert_allclose(fates["agreement"], np.maximum(share, 1 - share))
    assert not fates["flipped"].any()


def test_without_a_rule_every_majority_stays() -> None:
    data = crowd()
    made = wb.curate(data)
    sides = data.labels.set_index("pair_id")["preference"]
    told = made.data.labels.set_index("pair_id")["preference"]
    assert len(told) == len(data)
    assert (told == (sides > 0.5).astype(float).reindex(told.index)).all()
    gaps = made.held_out[made.held_out["group"] == GAP]
    assert (gaps["estimate"] == 0).all()


def test_p_and_margin_are_of_the_chosen_side() -> None:
    data = crowd()
    made = wb.curate(data, {"soft": True, "margin": "logit", "weight": "confidence"})
    p = wb.strength(data).pairs.set_index("pair_id")["p_soft"].reindex(made.data.pairs["pair_id"])
    towards = np.maximum(p, 1 - p).to_numpy()
    labels = made.data.labels
    np.testing.assert_allclose(made.data.pairs["p"], towards)
    np.testing.assert_allclose(labels["strength"], np.log(towards / (1 - towards)))
    weight = 2 * towards - 1
    np.testing.assert_allclose(labels["weight"], weight / weight.mean())


def test_strong_pairs_only_cost_calibration_and_soft_labels_do_not() -> None:
    data = crowd(4000, seed=3, votes=9, noise=0.5)
    strong = scores(wb.curate(data, {"min_agreement": 0.9}))
    soft = scores(wb.curate(data, {"soft": True}))
    assert strong.loc[("ECE", GAP), "conf_low"] > 0.02
    assert strong.loc[("log-loss", GAP), "conf_low"] > 0
    assert soft.loc[("ECE", GAP), "conf_high"] < -0.01
    assert soft.loc[("log-loss", GAP), "conf_high"] < 0
    # both before are the same fit
    assert strong.loc[("ECE", BEFORE), "estimate"] == soft.loc[("ECE", BEFORE), "estimate"]


@pytest.mark.parametrize("by", ["drop", "weigh"])
def test_balanced_factors_predict_no_longer_on_other_prompts(by: str) -> None:
    data = crowd(3000, seed=5)
    made = wb.curate(data, {"balance": ["words"], "balance_by": by})
    rows = made.balance.set_index(["term", "group"])
    for term in ("held-out accuracy of words", "chosen has more words"):
        assert rows.loc[(term, BEFORE), "conf_low"] > 0.6
        after = rows.loc[(term, AFTER)]
        assert after["conf_low"] < 0.5 < after["conf_high"]
        assert abs(after["estimate"] - 0.5) < 0.03
    weight = made.weights.set_index(["term", "group"])["estimate"]
    assert weight["words", BEFORE] > 0.8
    assert weight["warmth", AFTER] > 0.8 * weight["warmth", BEFORE]
    # what is left carries no trace of words, whichever way one looks
    left = made.data
    side = 2 * left.labels["preference"].to_numpy() - 1
    x, w = left.factors["words"].to_numpy(), left.labels["weight"].to_numpy()
    for part in (x, np.sign(x), np.sign(x) * (np.abs(x) > 1)):
        assert abs(w @ (side * part)) / w.sum() < 0.03


def test_balance_keeps_the_most_pairs_that_it_can() -> None:
    # one factor of two values: of 70 against 30, 30 and 30 stay
    x = np.tile([1.0] * 7 + [-1.0] * 3, 200)[:, None]
    n = len(x)
    lots = np.random.default_rng(0).random(n)
    made = balance(x, np.ones(n), np.ones(n), lots, max_loss=0.5, weigh=False)
    kept = made.weights(x, np.ones(n), np.ones(n), lots)
    assert kept[x[:, 0] > 0].sum() == kept[x[:, 0] < 0].sum() == 600


def test_a_limit_on_the_loss_is_kept_and_told() -> None:
    made = wb.curate(crowd(3000, seed=5), {"balance": ["words"], "max_loss": 0.1})
    assert 0.09 < made.rows.set_index("reason").loc["balance of words", "share"] <= 0.1
    assert "in part" in made.settings["notes"]["balance"]
    row = made.balance.set_index(["term", "group"]).loc[("chosen has more words", AFTER)]
    assert row["conf_low"] > 0.5


def test_groups_are_balanced_each() -> None:
    data = crowd(3000, seed=7)
    half = np.where(np.arange(3000) % 2, "one", "other")
    data = replace(data, pairs=data.pairs.assign(scenario=half))
    made = wb.curate(data, {"balance": ["words"], "by": "scenario"})
    left = made.data
    up = (2 * left.labels["preference"] - 1) * left.factors["words"] > 0
    shares = up.groupby(left.pairs["scenario"]).mean()
    assert ((shares - 0.5).abs() < 0.03).all()
    assert "one: " in made.settings["notes"]["balance"]


def test_several_factors_are_balanced_at_once() -> None:
    X = np.random.default_rng(0).normal(size=(4000, 3))
    side = np.where(np.random.default_rng(1).random(4000) < expit(X @ [1.0, -0.8, 0.5]), 1.0, -1.0)
    lots = np.random.default_rng(2).random(4000)
    made = balance(odd_features(X), side, np.ones(4000), lots, max_loss=0.9, weigh=False)
    kept = made.weights(odd_features(X), side, np.ones(4000), lots)
    shares = [(kept * (side * x > 0)).sum() / kept.sum() for x in X.T]
    np.testing.assert_allclose(shares, 0.5, atol=0.03)


def test_the_lowest_scores_stay() -> None:
    data = crowd(texts=False)
    ches = pd.DataFrame({"pair_id": data.pairs["pair_id"], "ln_ches": np.arange(len(data)) * 1.0})
    made = wb.curate(data, {"keep_lowest": ["ln_ches", 0.25]}, scores=ches.sample(frac=1))
    assert set(made.data.pairs["pair_id"]) == set(ches["pair_id"].head(len(data) // 4))
    with pytest.raises(DataError, match="no numbers 'ln_ches'"):
        wb.curate(data, {"keep_lowest": ["ln_ches", 0.25]})


def flipped_world(repeated: bool) -> tuple[wb.PreferenceData, np.ndarray]:
    """Single labels of which 15 % are turned, and as many pairs of three voters each."""
    rng = np.random.default_rng(13)
    n = 1600
    x = rng.normal(size=(2 * n, 2)) * 3
    truth = x @ np.array([2.0, -2.0]) > 0
    wrong = rng.random(n) < 0.15
    rows = [pd.DataFrame({"pair": np.arange(n), "annotator": "ann", "kind": "human",
                          "preference": (truth[:n] ^ wrong).astype(float)})]  # fmt: skip
    for person in ("bob", "cay", "dan") if repeated else ():
        y = truth[n:] ^ (rng.random(n) < 0.15)
        rows.append(pd.DataFrame({"pair": np.arange(n, 2 * n), "annotator": person,
                                  "kind": "human", "preference": y.astype(float)}))  # fmt: skip
    size = 2 * n if repeated else n
    factors = {"f": x[:size, 0], "g": x[:size, 1]}
    return with_factors(pairs_of(size), pd.concat(rows), factors), truth[:size]


def test_flips_are_made_where_repeated_labels_confirm_them() -> None:
    data, truth = flipped_world(True)
    made = wb.curate(data, {"flip": 0.05, "soft": True})
    before = wb.curate(data).data.labels["preference"].to_numpy() > 0.5
    after = made.data.labels["preference"].to_numpy() > 0.5
    turned_ = before != after
    assert turned_.sum() == made.settings["notes"]["flipped"] > 40
    assert made.pairs["flipped"].sum() == turned_.sum()
    assert (after == truth)[turned_].mean() > 0.9
    # a majority of three is never turned
    assert not turned_[1600:].any()
    assert (made.data.pairs["p"][turned_] > 0.5).all()
    assert "flipped" not in wb.curate(data).settings["notes"]


def test_flips_without_repeated_labels_are_refused() -> None:
    with pytest.raises(DataError, match="do not confirm"):
        wb.curate(flipped_world(False)[0], {"flip": 0.05})


def test_suspects_are_left_out() -> None:
    data, truth = flipped_world(False)
    made = wb.curate(data, {"drop_suspects": 0.1})
    wrong = pd.Series((data.labels["preference"] > 0.5) != truth).to_numpy()
    kept = data.pairs["pair_id"].isin(made.data.pairs["pair_id"]).to_numpy()
    assert (~kept).sum() == 160
    assert wrong[~kept].mean() > 0.9


def test_stages_are_ranks_inside_a_prompt() -> None:
    prompts = np.array(["q"] * 3 + ["r"] * 3 + ["s", "t", "u"], dtype=object)
    gap = np.array([0.9, 0.1, 0.5, 0.2, 0.3, 0.1, 0.7, 0.2, 0.4])
    found = stages(gap, prompts, np.zeros(9), 3)
    assert found.tolist() == [1, 3, 2, 2, 1, 3, 1, 3, 2]


def test_the_test_part_has_repeats_only_whole_prompts_and_all_degrees_of_agreement() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    cluster = rng.integers(0, 1500, n)
    repeated = rng.random(1500)[cluster] < 0.6
    agreement = rng.uniform(0.5, 1, n)
    test = kept_for_test(agreement, repeated, cluster, rng.random(n), 0.2)
    assert repeated[test].all()
    assert not set(cluster[test]) & set(cluster[~test])
    assert abs(test.mean() - 0.2) < 0.005
    assert abs(agreement[test].mean() - agreement[repeated].mean()) < 0.01
    with pytest.raises(DataError, match="Too few"):
        kept_for_test(agreement, repeated, cluster, rng.random(n), 0.7)


def test_exchanging_sides_keeps_the_same_responses() -> None:
    data = crowd(1000)
    rule = {"balance": ["words"], "soft": True, "stages": 3}
    one, other = wb.curate(data, rule).data, wb.curate(turned(data), rule).data
    assert one.pairs["pair_id"].tolist() == other.pairs["pair_id"].tolist()
    assert (one.labels["preference"] == 1 - other.labels["preference"]).all()
    pd.testing.assert_series_equal(one.pairs["stage"], other.pairs["stage"])


def test_the_order_of_rows_changes_nothing() -> None:
    data = crowd(1000)
    order = np.random.default_rng(1).permutation(len(data))
    moved = replace(
        data,
        **{name: getattr(data, name).iloc[order].reset_index(drop=True)
           for name in ("pairs", "factors", "factor_values")},
    )  # fmt: skip
    rule = {"balance": ["words"], "stages": 3, "test_share": 0.2}
    assert wb.curate(data, rule).data.digest == wb.curate(moved, rule).data.digest


def test_grades_become_margins() -> None:
    labels = pd.DataFrame({"pair": [0, 0, 1], "annotator": ["a", "b", "a"], "kind": "human",
                           "preference": [1.0, 1.0, 0.0], "strength": [3.0, 1.0, 2.0]})  # fmt: skip
    made = wb.curate(with_factors(pairs_of(2), labels, None), {"margin": "grade"})
    assert made.data.labels["strength"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"agreement": 0.8}, "unknown part"),
        ({"min_agreement": 1.5}, "min_agreement is out of range"),
        ({"margin": "grade", "flip": 0.1}, "margin is out of range"),
        ({"stages": 1}, "stages is out of range"),
        ({"stages": 2.5}, "stages is out of range"),
        ({"stages": True}, "stages is out of range"),
        ({"min_votes": "2"}, "min_votes is out of range"),
        ({"min_agreement": "high"}, "min_agreement is out of range"),
        ({"max_loss": None}, "max_loss is out of range"),
        ({"balance": 3}, "balance is out of range"),
        ({"balance": ["words", 3]}, "balance is out of range"),
        ({"keep_lowest": "ab"}, "keep_lowest is out of range"),
        ({"keep_lowest": 0.5}, "keep_lowest is out of range"),
        ({"keep_lowest": ["score", None]}, "keep_lowest is out of range"),
        ({"soft": "no"}, "soft is out of range"),
        ({"by": 3}, "by is out of range"),
        ({"goals": ["score"]}, "goals is out of range"),
        (["min_agreement"], "not made of named parts"),
    ],
)
def test_rules_that_cannot_be_are_refused(rule: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        wb.curate(wb.load("sample"), rule)


def test_what_a_rule_needs_is_named() -> None:
    data = crowd(200)
    with pytest.raises(DataError, match="no factor 'length'"):
        wb.curate(data, {"balance": ["length"]})
    with pytest.raises(DataError, match="No pair is left"):
        wb.curate(data, {"min_votes": 6})
    with pytest.raises(DataError, match="no column 'topic'"):
        wb.curate(data, {"balance": ["words"], "by": "topic"})


def test_the_result_is_whole() -> None:
    made = wb.curate(crowd(600), {"balance": ["words"], "min_agreement": 0.7})
    assert set(made.tables()) == {"held_out", "balance", "weights", "rows"}
    assert len(made.figures()) == 4  # balance, scores, their differences, weights
    assert "balance of words" in made.summary()
    assert made.to_dict()["settings"]["rule"] == {"min_agreement": 0.7, "balance": ["words"]}
    bare = wb.curate(crowd(600), {"min_agreement": 0.7}).data
    assert wb.curate(replace(bare, factors=bare.pairs[["pair_id"]], factor_specs={})).plot().data


def test_reward_augmented_rows_are_really_swapped(tmp_path) -> None:
    """The published script swaps nothing, and writes the goal twice on one side."""
    rows = [
        {"prompt": [{"role": "user", "content": "Q"}], "score_chosen": high, "score_rejected": low,
         "chosen": [{"role": "assistant", "content": f"GOOD {high}"}],
         "rejected": [{"role": "assistant", "content": f"BAD {low}"}]}
        for high, low in ((8.0, 2.0), (5.0, 5.0), (3.0, 4.5))
    ]  # fmt: skip
    source = tmp_path / "scored.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = wb.curate(wb.load(source), {"goals": "score"})
    reasons = made.rows.set_index("reason")["n"].to_dict()
    assert reasons == {
        "kept": 1, "equal scores": 1, "the chosen response has the lower score": 1
    }  # fmt: skip
    path = made.write(tmp_path / "out")[0]
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    told = [[row["prompt"][0]["content"], row["chosen"][0]["content"],
             row["rejected"][0]["content"]] for row in written]  # fmt: skip
    assert told == [
        ["score 8\n\nQ", "GOOD 8.0", "BAD 2.0"], ["score 2\n\nQ", "BAD 2.0", "GOOD 8.0"]
    ]  # fmt: skip
    assert set(wb.load(path).pairs["pair_id"]) == set(made.data.pairs["pair_id"])
    with pytest.raises(DataError, match="no scores stars_a and stars_b"):
        wb.curate(wb.load(source), {"goals": "stars"})


def test_few_prompts_are_curated_without_a_word_on_the_effect() -> None:
    made = wb.curate(crowd(4, votes=9), {"margin": "logit"})
    assert made.held_out.empty
    assert "its effect is not known" in made.summary()
    with pytest.raises(DataError, match="Suspects need"):
        wb.curate(crowd(4, votes=9), {"drop_suspects": 0.5})
    assert wb.strength(crowd(4, votes=9)).suspects.empty


def test_flips_that_repeated_labels_contradict_are_refused() -> None:
    rng = np.random.default_rng(17)
    x, taste = rng.normal(size=800), rng.random(800) < 0.5
    one = pd.DataFrame({"pair": np.arange(800), "preference": taste.astype(float)})
    rows = [one.assign(annotator=person, kind="human") for person in ("ann", "bob")]
    data = with_factors(pairs_of(800), pd.concat(rows), {"f": x})
    # the factor says nothing, and everybody agrees: no suspect is outvoted
    with pytest.raises(DataError, match="of them are outvoted by others"):
        wb.curate(data, {"flip": 0.2})


@pytest.mark.parametrize(
    "rule",
    [{"soft": True, "source": "model"}, {"drop_suspects": 0.2}],
    ids=["soft by the factors", "without suspects"],
)
def test_labels_of_pure_chance_are_told_by_no_rule(rule: dict) -> None:
    """What a rule learns from the other folds must not carry labels into their own test."""
    told = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        factors = {f"f{k}": rng.normal(size=300) for k in range(8)}
        data = voted(np.full(300, 0.5), 1, factors, seed=seed + 100, texts=True)
        told.append(scores(wb.curate(data, rule)).loc[("accuracy", AFTER), "estimate"])
    # six times 300 coins: a standard error of .012; the labels' own part would make .55 and more
    assert abs(np.mean(told) - 0.5) < 0.036


def test_the_price_of_a_rule_that_a_part_of_the_data_refuses_is_not_told() -> None:
    """Less confirms a flip in four fifths of the data: the rule stands, its price is not known."""
    data, _ = flipped_world(True)
    made = wb.curate(data, {"flip": 0.05})
    assert len(made.held_out)

    def refuses(*_: object) -> None:
        raise DataError("Nothing is confirmed.", found="x", expected="y", fix="z")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curation, "scores_after", refuses)
        other = wb.curate(data, {"flip": 0.05})
    assert other.held_out.empty
    assert len(other.weights)
    assert "effect: not known: in a part of the data, Nothing is confirmed." in other.summary()
    assert other.data.digest == made.data.digest


def test_where_nothing_changed_no_difference_has_an_interval_of_width_0() -> None:
    rng = np.random.default_rng(41)
    x = rng.normal(size=300)
    data = voted(expit(x), 1, {"x": x}, seed=42, texts=True)
    held_out = wb.curate(data).held_out
    gap = held_out[held_out["group"] == GAP]
    assert (gap["estimate"].abs() < 1e-12).all()
    assert gap[["conf_low", "conf_high"]].isna().all(axis=None)
    assert set(gap["reason"]) == {"no variation: the error is not known"}
