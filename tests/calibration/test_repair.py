"""A judge that loves length is mended; one that is good, or has few labels beside it, is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.calibration.mending import JUDGE, lover
from workbench.audit.judges.verdicts.elsewhere import FITTED
from workbench.calibration.paired.differences import TOO_FEW, detectable
from workbench.calibration.repair.beside_people import win_rates
from workbench.calibration.repair.candidates import candidates, gains, scores, sides
from workbench.calibration.repair.judged import judged_pairs
from workbench.data.columns import complete_labels
from workbench.data.identity import exchanged
from workbench.decompose.penalised.ridge import GRID, held_out_fit
from workbench.errors import ConfigError, DataError, DesignError
from workbench.finding import Finding
from workbench.flips import counted
from workbench.overview.rules import ALL_RULES


@pytest.fixture(scope="module")
def mended() -> wb.Repair:
    return wb.repair_judge(lover(models=True), JUDGE)


def row(found: wb.Repair, term: str, against: str = "judge") -> pd.Series:
    table = found.gains
    return table[table["term"].eq(term) & table["against"].eq(against)].iloc[0]


def relabelled(data: wb.PreferenceData, labels: pd.DataFrame) -> wb.PreferenceData:
    return replace(data, labels=complete_labels(labels))


def test_a_love_of_length_is_taken_out_and_agreement_rises(mended: wb.Repair) -> None:
    assert mended.accepted == ["corrected judge"]
    gain = row(mended, "corrected judge")
    assert gain["conf_low"] > 0.01
    assert gain["after"] - gain["before"] == pytest.approx(gain["estimate"])
    # the judge sees quality, which no factor measures
    assert row(mended, "corrected judge", "factors alone")["conf_low"] > 0.08
    assert row(mended, "corrected judge", "recalibrated judge")["conf_low"] > 0
    table = mended.weights.set_index(["group", "term"])
    before, after = table.loc[("before", "words")], table.loc[("after", "words")]
    assert before["q_value"] < 1e-3
    assert before["raw_low"] > 0.7
    assert table.loc[("before", "bold"), "raw_q"] > 0.5
    assert after["conf_low"] < 0 < after["conf_high"]
    assert after["raw_low"] < 0 < after["raw_high"]
    assert abs(after["per_sd"]) < 0.2
    formula = mended.correction.query("group == 'corrected judge'").set_index("term")["weight"]
    assert formula["verdict"] > 0.5
    assert formula["words"] < -0.3


def test_what_was_mended_what_it_cost_and_what_remains_is_said(mended: wb.Repair) -> None:
    told = mended.summary()
    for part in ("(simulated)", "accepted: corrected judge", "words: +1.2",
                 "after: 0 of 2 differ", "no call beyond", "method: share of pairs"):  # fmt: skip
        assert part in told
    rules = {one.rule_id for one in mended.findings()}
    assert rules == {"judge-mended"}
    assert rules <= set(ALL_RULES)
    assert set(mended.tables()) == {"gains", "scores", "correction", "weights", "win_rates",
                                    "ratings", "cost"}  # fmt: skip
    assert len(mended.figures()) == 3


def test_win_rates_come_nearer_to_people_s(mended: wb.Repair) -> None:
    table = mended.win_rates
    assert set(table["group"]) == {"people", "judge", "corrected judge"}
    assert table["conf_low"].ge(0).all()
    assert table["conf_high"].le(1).all()
    assert set(mended.ratings["group"]) == {"people", "judge", "corrected judge"}
    people = table[table["group"] == "people"].set_index("term")["estimate"]
    corrected = table[table["group"] == "corrected judge"].set_index("term")
    judge = table[table["group"] == "judge"].set_index("term")
    assert np.allclose(corrected["estimate"] - people, corrected["gap"])
    assert judge.loc["sim-long", "gap_low"] > 0.05
    assert abs(corrected.loc["sim-long", "gap"]) < 0.03
    rated = mended.ratings.set_index(["group", "term"])["estimate"]
    far = {who: rated[who, "sim-long"] - rated[who, "sim-short"] for who in set(table["group"])}
    assert far["judge"] - far["people"] > 5 * abs(far["corrected judge"] - far["people"])


def test_a_good_judge_stays_as_it_is() -> None:
    found = wb.repair_judge(lover(length=0.0), JUDGE)
    assert found.accepted == []
    assert found.mended is None
    gain = row(found, "corrected judge")
    assert gain["reason"].startswith("not accepted: held out it does not rise for sure")
    assert "four times in five" in gain["reason"]
    assert 0 < gain["detectable"] < 0.1
    assert {one.rule_id for one in found.findings()} == {"repair-refused"}
    assert "nothing accepted: the judge stays as it is" in found.summary()


def test_few_labels_are_too_few_and_say_what_they_could_have_found() -> None:
    data = lover(n=25, prompts=25)
    found = wb.repair_judge(data, JUDGE)
    assert found.accepted == []
    assert row(found, "corrected judge")["detectable"] > 0.1


def test_a_judge_that_is_people_is_left_alone() -> None:
    data = lover(n=200)
    labels = data.labels
    own = labels["annotator"].eq("ann")
    twin = labels[own].assign(annotator="twin", kind="llm")
    found = wb.repair_judge(relabelled(data, pd.concat([labels[own], twin])), "twin")
    assert found.accepted == []
    gain = row(found, "corrected judge")
    assert gain["estimate"] == 0
    assert gain["conf_high"] > 0
    assert "wherever they decide" in gain["reason"]


@pytest.mark.parametrize("verdict", [0.5, 1.0])
def test_a_judge_that_always_says_the_same_brings_nothing(verdict: float) -> None:
    data = lover(n=300)
    labels = data.labels
    own = labels["annotator"].eq(JUDGE)
    labels = labels.assign(preference=labels["preference"].where(~own, verdict))
    found = wb.repair_judge(relabelled(data, labels), JUDGE, factors=["words"])
    assert found.accepted == []
    assert any("takes no side" in note for note in found.notes) == (verdict == 0.5)
    before = row(found, "corrected judge")["before"]
    assert before == 0.5 if verdict == 0.5 else 0.4 < before < 0.6


def test_a_pull_of_the_first_place_is_mended_without_a_factor() -> None:
    rng = np.random.default_rng(3)
    data = lover(length=0.0, both=False, sharp=1.0, n=900)
    # one order a pair, and a judge that leans to what stood first
    labels = data.labels.copy()
    own = labels["annotator"].eq(JUDGE).to_numpy()
    first = rng.random(own.sum()) < 0.5
    order = np.where(first, "ab", "ba")
    pulled = rng.random(own.sum()) < 0.4
    said = labels.loc[own, "preference"].to_numpy()
    labels.loc[own, "preference"] = np.where(pulled, first.astype(float), said)
    labels.loc[own, "order_shown"] = order
    found = wb.repair_judge(relabelled(data, labels), JUDGE, factors=["bold"])
    formula = found.correction.query("group == 'recalibrated judge'").set_index("term")["weight"]
    assert formula["position"] < -0.1
    brier = found.scores.query("measure == 'brier'").set_index("term")["estimate"]
    assert brier["recalibrated judge"] < brier["judge"]


def turned(data: wb.PreferenceData) -> wb.PreferenceData:
    """Return the data with A and B exchanged."""
    every = np.ones(len(data), dtype=bool)
    labels = exchanged(data.labels, every[data.pair_rows])
    pairs = exchanged(data.pairs, every)
    factors = data.factors.assign(words=-data.factors["words"], bold=-data.factors["bold"])
    return replace(data, pairs=pairs, labels=labels, factors=factors)


def test_sides_rows_and_names_change_nothing(mended: wb.Repair) -> None:
    data = lover(models=True)
    columns = ["estimate", "conf_low", "conf_high", "before", "after"]
    other = wb.repair_judge(turned(data), JUDGE)
    assert np.allclose(other.gains[columns], mended.gains[columns])
    assert np.allclose(other.correction["weight"], mended.correction["weight"])
    rates = ["estimate", "conf_low", "conf_high", "gap"]
    assert np.allclose(other.win_rates[rates], mended.win_rates[rates], equal_nan=True)
    rng = np.random.default_rng(1)
    rows = rng.permutation(len(data))
    shuffled = replace(
        data, pairs=data.pairs.iloc[rows].reset_index(drop=True),
        factors=data.factors.iloc[rows].reset_index(drop=True),
        factor_values=data.factor_values.iloc[rows].reset_index(drop=True),
        labels=data.labels.sample(frac=1, random_state=0).reset_index(drop=True),
    )  # fmt: skip
    again = wb.repair_judge(shuffled, JUDGE)
    assert again.gains[columns].equals(mended.gains[columns])
    assert again.correction.equals(mended.correction)


def test_what_is_left_out_is_counted() -> None:
    data = lover(n=300)
    factors = data.factors.copy()
    factors.loc[:9, "words"] = np.nan
    labels = data.labels.copy()
    ids = data.pairs["pair_id"]
    mine = labels["annotator"].eq(JUDGE) & labels["pair_id"].isin(ids[10:15])
    labels.loc[mine, "preference"], labels.loc[mine, "reason"] = np.nan, "failed"
    labels = labels[~(labels["annotator"].eq("ann") & labels["pair_id"].isin(ids[20:40]))]
    found = wb.repair_judge(replace(relabelled(data, labels), factors=factors), JUDGE)
    assert found.exclusions.set_index("reason")["n"].to_dict() == {
        "no label of people": 20, "no verdict of the judge": 5, "a factor has no value": 10,
    }  # fmt: skip
    assert found.settings["n_pairs"] == 265
    assert any("10 labels of sim-judge without a verdict" in note for note in found.notes)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"judge": "nobody"}, DesignError, "no judge 'nobody'"),
        ({"people": "nobody"}, DesignError, "Nobody is there"),
        ({"people": JUDGE}, DesignError, "one of the people"),
        ({"factors": ["wordz"]}, DesignError, "no factor 'wordz'"),
        ({"factors": ["words", "words"]}, DesignError, "named twice"),
        ({"folds": 2}, DesignError, "folds"),
        ({"level": 1.0}, DesignError, "level"),
        ({"constitution": "nobody"}, DesignError, "no annotator 'nobody'"),
        ({"constitution": "ann"}, DesignError, "is the judge, or one of the people"),
        ({"constitution": JUDGE}, DesignError, "is the judge, or one of the people"),
    ],
)
def test_what_cannot_be_done_is_refused(
    options: dict[str, object], error: type[Exception], said: str
) -> None:
    given = {"judge": JUDGE, **options}
    with pytest.raises(error, match=said):
        wb.repair_judge(lover(n=60), **given)


def test_a_judge_whose_labels_weigh_nothing_is_not_unknown() -> None:
    data = lover(n=60)
    weight = data.labels["weight"].mask(data.labels["annotator"].eq(JUDGE), 0.0)
    with pytest.raises(DesignError, match="count for nothing"):
        wb.repair_judge(relabelled(data, data.labels.assign(weight=weight)), JUDGE)


def test_one_prompt_is_refused_with_the_reason() -> None:
    data = lover(n=40, prompts=1)
    with pytest.raises(DesignError, match="too few prompts for 5 folds"):
        wb.repair_judge(data, JUDGE)
    labels = data.labels.assign(criterion=np.where(data.labels.index % 2, "x", "y"))
    two = relabelled(data, labels)
    with pytest.raises(DataError, match="several questions"):
        wb.repair_judge(two, JUDGE)


def test_people_who_only_tie_tell_nothing() -> None:
    data = lover(n=40)
    labels = data.labels
    own = labels["annotator"].eq("ann")
    tied = relabelled(data, labels.assign(preference=labels["preference"].where(~own, 0.5)))
    with pytest.raises(DesignError, match="People take no side"):
        wb.repair_judge(tied, JUDGE)


def test_folds_that_test_each_other_s_labels_are_no_independent_rows() -> None:
    """Where nothing can be learnt, each product of two folds' chances counts twice."""
    rng = np.random.default_rng(0)
    sums = rng.normal(size=(20_000, 5, 8))
    elsewhere = sums.sum(axis=1, keepdims=True) - sums
    worth = np.einsum("dfk,dfk->d", elsewhere, sums)
    alone = (elsewhere**2).sum(axis=(1, 2))
    assert worth.var() / alone.mean() == pytest.approx(FITTED, abs=0.1)
    pairs = judged_pairs(lover(n=300, models=True), JUDGE, "human", None, 5, 0)
    fitted = candidates(pairs)
    alone_of = {name: replace(one, fit=None) for name, one in fitted.items()}
    wide, narrow = (gains(pairs, found, 0.95) for found in (fitted, alone_of))
    mine = wide["term"].eq("corrected judge")
    ratio = (wide["std_error"] / narrow["std_error"])[mine].to_numpy()
    assert ratio == pytest.approx(FITTED**0.5)
    assert (wide["detectable"] > narrow["detectable"]).all()
    assert (
        wide["after_high"] - wide["after_low"] > narrow["after_high"] - narrow["after_low"]
    ).all()
    for told in (scores, win_rates):
        fits, rows = (told(pairs, found, 0.95) for found in (fitted, alone_of))
        named = "term" if told is scores else "group"
        ratio = (fits["std_error"] / rows["std_error"])[fits[named].eq("corrected judge")]
        assert ratio.to_numpy() == pytest.approx(FITTED**0.5)
        judge = fits[named].eq("judge")
        pd.testing.assert_frame_equal(fits[judge], rows[judge])


def test_a_prompt_whose_verdicts_are_there_is_compared_by_the_same_rule() -> None:
    data = lover()
    other = lover(length=0.0)
    mine = other.labels[other.labels["annotator"].eq(JUDGE)].assign(annotator="sim-told")
    both = relabelled(data, pd.concat([data.labels, mine]))
    found = wb.repair_judge(both, JUDGE, constitution="sim-told")
    assert found.accepted == ["corrected judge", "repaired prompt"]
    assert row(found, "repaired prompt")["q_value"] < 0.05
    assert set(found.weights["group"]) == {"before", "after", "after, by prompt"}
    assert "prompt-mended" in {one.rule_id for one in found.findings()}
    assert any("held out only if" in note for note in found.notes)
    # a verdict of weight 0 is none
    unheard = both.labels["annotator"].eq("sim-told") & both.labels["pair_id"].isin(
        both.pairs["pair_id"][50:]
    )
    light = relabelled(both, both.labels.assign(weight=both.labels["weight"].mask(unheard, 0.0)))
    few = wb.repair_judge(light, JUDGE, constitution="sim-told", factors=["words"])
    assert row(few, "repaired prompt")["n"] <= 50


def test_a_prompt_that_shares_no_pair_has_no_gain_and_says_why() -> None:
    data = lover(n=150)
    other = data.labels[data.labels["annotator"].eq(JUDGE)].head(1).assign(annotator="sim-told")
    theirs = data.labels["annotator"].eq("ann") & data.labels["pair_id"].eq(
        other["pair_id"].iloc[0]
    )
    both = relabelled(data, pd.concat([data.labels[~theirs], other]))
    found = wb.repair_judge(both, JUDGE, constitution="sim-told")
    line = next(one for one in found.summary().splitlines() if "repaired prompt against" in one)
    assert line == "  repaired prompt against judge: undefined: no value, n = 0"


def test_a_penalised_fit_is_that_of_a_formula_solved_by_hand() -> None:
    # one column, y = 1 for three of four: the slope where the penalised score is 0
    X, y = np.ones((40, 1)), np.tile([1.0, 1, 1, 0], 10)
    found = held_out_fit(X, y, np.repeat(np.arange(5), 8), 1)
    b = found.weights[0]
    assert 30 - 40 / (1 + np.exp(-b)) - b == pytest.approx(0, abs=1e-6)


def test_weights_are_scikit_learn_s_at_the_same_penalty() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(5)
    X = rng.normal(size=(500, 4)) * [1, 2, 0.5, 3]
    y = (rng.random(500) < 1 / (1 + np.exp(-X @ [0.5, -0.4, 1.0, 0.0]))).astype(float)
    found = held_out_fit(X, y, np.repeat(np.arange(5), 100), 0)
    assert found.penalty in GRID
    size = np.sqrt((X**2).mean(axis=0))
    peer = linear.LogisticRegression(
        C=1 / (500 * found.penalty), fit_intercept=False, tol=1e-10, max_iter=10_000
    ).fit(X / size, y)
    assert np.allclose(peer.coef_[0] / size, found.weights, atol=1e-5)


def test_a_fold_is_told_by_other_folds_alone() -> None:
    rng = np.random.default_rng(2)
    X, fold = rng.normal(size=(250, 3)), np.repeat(np.arange(5), 50)
    y = (rng.random(250) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    first = held_out_fit(X, y, fold, 1)
    other = y.copy()
    other[:50] = 1 - other[:50]
    again = held_out_fit(X, other, fold, 1)
    assert np.allclose(first.log_odds[:50], again.log_odds[:50], atol=1e-6)
    assert not np.allclose(first.log_odds[50:], again.log_odds[50:], atol=1e-2)


def test_verdicts_that_separate_people_s_labels_have_a_finite_weight() -> None:
    X = np.array([1.0, -1.0] * 30)[:, None]
    found = held_out_fit(X, (X[:, 0] > 0).astype(float), np.repeat(np.arange(3), 20), 1)
    assert 1 < found.weights[0] < 20


def test_small_numbers_by_hand() -> None:
    assert sides(np.array([1e-15, -2.0]), np.array([0.0, 0.25])).tolist() == [0.5, 0.75]
    for prompts in (np.zeros(5, dtype=int), np.arange(3)):
        # one prompt; three of them, on which even three changes could be chance (p = 1 / 4)
        flips, _ = counted(np.zeros(len(prompts)), prompts)
        assert np.isnan(detectable(flips, 0.95)[0])
    # Connor's, psi = delta, without a change seen: sqrt(100 d) = t_.975 + t_.8 sqrt(1 - d)
    flips, _ = counted(np.zeros(100), np.arange(100))
    assert detectable(flips, 0.95)[0] == pytest.approx(0.0782, abs=0.0001)


def test_what_no_gain_could_show_is_said() -> None:
    found = wb.repair_judge(lover(n=9, prompts=3), JUDGE, folds=3)
    gain = row(found, "corrected judge")
    assert np.isnan(gain["detectable"])
    assert TOO_FEW in gain["reason"]
    assert "nan" not in found.summary()


def test_without_factors_only_the_verdicts_are_corrected() -> None:
    data = lover(n=90, length=0.0)
    bare = replace(
        data, factors=data.factors[["pair_id"]], factor_values=data.factor_values[["pair_id"]],
        factor_specs={},
    )  # fmt: skip
    found = wb.repair_judge(bare, JUDGE)
    assert "factors alone" not in set(found.gains["term"])
    assert "takes the judge's side wherever" in row(found, "corrected judge")["reason"]
    assert any("only the verdicts themselves" in note for note in found.notes)
    assert not len(found.weights)


def test_a_judge_that_was_read_the_wrong_way_round_is_told() -> None:
    data = lover(n=150, length=0.0)
    own = data.labels["annotator"].eq(JUDGE)
    said = data.labels["preference"]
    wrong = relabelled(data, data.labels.assign(preference=said.where(~own, 1 - said)))
    found = wb.repair_judge(wrong, JUDGE, factors=["words"])
    assert any("turns its verdict round" in note for note in found.notes)
    formula = found.correction.query("group == 'recalibrated judge'").set_index("term")["weight"]
    assert formula["verdict"] < 0


def test_gpt_4_on_llmbar_is_as_published_and_mended_by_length(shared_data: Path) -> None:
    data = wb.load(shared_data / "llmbar").filter(annotators=["gold", "GPT-4/Vanilla"])
    data = wb.score_factors(data, wb.factors.FAMILIES["length"][1])
    found = wb.repair_judge(data, "GPT-4/Vanilla", "gold")
    gain = row(found, "corrected judge")
    # correct_False and correct_True of the five published statistics.json
    assert gain["before"] == pytest.approx((347 + 361) / (2 * 419))
    assert found.accepted == ["corrected judge"]
    formula = found.correction.query("group == 'corrected judge'").set_index("term")["weight"]
    assert formula["words"] < 0 < formula["verdict"]
    assert "held-out agreement with gold labels" in found.summary()
    assert "people" not in found.summary()
    assert not any("people" in one.message for one in found.findings())


def test_gpt_4_on_mt_bench_without_texts_keeps_its_sides(shared_data: Path) -> None:
    found = wb.repair_judge(wb.load(shared_data / "mt_bench_human"), "gpt4_pair")
    assert found.accepted == []
    assert found.settings["n_clusters"] == 80
    brier = found.scores.query("measure == 'brier'").set_index("term")["estimate"]
    assert brier["recalibrated judge"] < brier["judge"]
    gaps = found.win_rates.dropna(subset=["gap"]).set_index(["group", "term"])["gap"]
    assert gaps["judge", "gpt-4"] > 0.1


def test_verdicts_without_weight_say_nothing() -> None:
    data = lover(n=120, prompts=60)
    mine = data.labels["annotator"].eq(JUDGE) & data.labels["pair_id"].isin(
        data.pairs["pair_id"][:30]
    )
    weightless = data.labels.assign(weight=data.labels["weight"].mask(mine, 0.0))
    found = wb.repair_judge(replace(data, labels=weightless), JUDGE)
    gone = wb.repair_judge(replace(data, labels=data.labels[~mine].reset_index(drop=True)), JUDGE)
    pd.testing.assert_frame_equal(found.gains, gone.gains)
    assert "60 labels of sim-judge without weight left out" in found.notes


def test_a_prompt_whose_replies_were_all_kept_needs_no_label(mended: wb.Repair) -> None:
    spent = {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": 0.0}
    kept = pd.DataFrame([{"term": "repaired prompt", "pairs_labelled": 0, **spent}])
    assert "repaired prompt: 0 calls" in replace(mended, cost=kept).summary()


def test_findings_are_findings(mended: wb.Repair) -> None:
    assert all(isinstance(one, Finding) for one in mended.findings())
    with pytest.raises(ConfigError, match="cannot be read"):
        wb.MendedJudge.load("nowhere.json")
