"""Few labels beside judges: planted truth, peers' formula, edges of the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import t as t_distribution

import workbench as wb
from tests.calibration.few_planted import TRUTH, planted, row
from workbench.audit.judges.verdicts.by_verdict import by_verdict, verdict_strata
from workbench.calibration.few.sample import unlike
from workbench.calibration.few.tuned import Setting, tuned
from workbench.errors import DataError, DesignError

NUMBERS = ("estimate", "conf_low", "conf_high", "people", "power", "effective_labels")


@pytest.fixture(scope="module")
def found() -> wb.FewLabels:
    return wb.few_labels(planted(0), by="scenario")


def test_every_kind_of_number_stands_beside_the_labels_alone(found):
    table = found.to_frame()
    kinds = ["agreement", "win rate", "rating", "weight", "contrast"]
    assert table["what"].unique().tolist() == kinds
    assert table["slice"].unique().tolist() == ["all", "scenario = code", "scenario = prose"]
    whole = table[table["slice"].eq("all")]
    assert whole[["estimate", "conf_low", "conf_high", "people"]].notna().all(axis=None)
    assert (table["reason"].notna() == table["estimate"].isna()).all()
    defined = table[table["estimate"].notna()]
    assert (defined["conf_low"] < defined["conf_high"]).all()
    assert defined["power"].between(0, 1).all()
    assert (whole["n"] <= whole["n_pairs"]).all()
    assert "drawn at random" in found.summary()
    assert "nan" not in found.summary()
    assert len(found.figures()) == 5
    assert found.to_dict()["settings"]["n_labelled"] == 100


def test_a_good_judge_is_worth_labels_and_a_poor_one_costs_none(found):
    table = found.to_frame()
    whole = table[table["slice"].eq("all") & ~table["what"].eq("agreement")]
    gain = (whole["effective_labels"] / whole["n"]).groupby(whole["group"])
    assert gain.median()["good"] > 1.5
    assert gain.min()["poor"] > 0.9


def test_without_any_model_or_factor_there_are_rates_alone():
    data = planted(1)
    bare = wb.PreferenceData.from_tables(
        data.pairs[["pair_id", "cluster"]], data.labels.assign(pair=data.pair_rows)[
            ["pair", "annotator", "kind", "preference"]]
    )  # fmt: skip
    found = wb.few_labels(bare)
    assert found.to_frame()[["what", "term"]].drop_duplicates().to_numpy().tolist() == [
        ["agreement", "agreement"], ["win rate", "A preferred"]]  # fmt: skip


@pytest.mark.parametrize(
    ("truth", "accuracy"), [(0.02, 0.6), (0.02, 0.95), (0.5, 0.8), (0.98, 0.9)]
)
def test_rates_are_held_near_the_ends_too(truth, accuracy):
    held, runs, n, N = 0, 250, 100, 1000
    for run in range(runs):
        rng = np.random.default_rng(run)
        y = (rng.random(N) < truth) * 1.0
        f = np.where(rng.random(N) < accuracy, y, 1 - y)
        y[n:] = np.nan
        one = by_verdict(verdict_strata(f[:, None]), y, np.ones(N), np.arange(N), 0.95)
        held += bool(one["conf_low"][0] <= truth <= one["conf_high"][0])
    # three errors of 250 runs; near the ends whole labels cover more, as labels alone do
    assert held / runs > 0.93 - 0.04


def test_weights_are_held_as_often_as_they_say_and_narrower():
    K, N, n, runs = 3, 1500, 150, 80
    beta = np.array(TRUTH)
    held, width, alone = np.zeros(K), np.zeros(K), np.zeros(K)
    for run in range(runs):
        rng = np.random.default_rng(run)
        X = rng.normal(size=(N, K))
        y = (rng.random(N) < 1 / (1 + np.exp(-X @ beta))) * 1.0
        f = np.where(rng.random(N) < 0.85, y, (X[:, 0] > 0) * 1.0)
        weight = (np.arange(N) < n) * 1.0
        setting = Setting(X, list("abc"), f[:, None], np.where(weight > 0, y, np.nan), weight,
                          np.arange(N), np.eye(K))  # fmt: skip
        one = tuned(setting)[0]["weights"]
        half = t_distribution.ppf(0.975, one["df"]) * one["error"]
        held += np.abs(one["estimate"] - beta) <= half
        width += half
        alone += t_distribution.ppf(0.975, one["people_df"]) * one["people_error"]
    assert (held / runs).mean() > 0.93
    assert (held / runs).min() > 0.95 - 3 * np.sqrt(0.05 * 0.95 / runs)
    assert (width / alone < 0.75).all()


def test_full_power_is_the_minimum_that_the_paper_defines():
    """PPI++, equation 1, minimised by a general optimiser."""
    rng = np.random.default_rng(3)
    N, n = 400, 80
    X = rng.normal(size=(N, 2))
    y = (rng.random(N) < 1 / (1 + np.exp(-X @ [1.0, -0.5]))) * 1.0
    f = np.where(rng.random(N) < 0.8, y, 1 - y)

    def loss(b, rows, said):
        eta = X[rows] @ b
        return float(np.mean(np.logaddexp(0, eta) - said[rows] * eta))

    every, some = np.arange(N), np.arange(n)
    best = minimize(lambda b: loss(b, every, f) + loss(b, some, y) - loss(b, some, f), np.zeros(2),
                    tol=1e-12).x  # fmt: skip
    from workbench.calibration.few.judged import fit_judged

    weight = (np.arange(N) < n) * 1.0
    both = fit_judged(
        X, f[:, None], np.where(weight > 0, y, np.nan), weight, ["a", "b"], np.ones((1, 2), bool)
    ).both[0]
    np.testing.assert_allclose(both, best, atol=1e-5)


def test_a_hard_judge_with_full_power_is_post_stratification_by_hand():
    f = np.repeat([1.0, 0.0], [60, 40])
    y = np.full(100, np.nan)
    y[:10], y[60:90] = [1] * 8 + [0] * 2, [1] * 3 + [0] * 27
    one = by_verdict(verdict_strata(f[:, None]), y, np.ones(100), np.arange(100), 0.95)
    people, stratified = 11 / 40, 0.6 * 0.8 + 0.4 * 0.1
    power = one["power"][0]
    assert 0.5 < power <= 1
    assert one["estimate"][0] == pytest.approx(people + power * (stratified - people))


def test_labels_of_every_pair_are_what_is_told():
    data = planted(4, n=600, N=600)
    found = wb.few_labels(data)
    table = found.to_frame()
    np.testing.assert_allclose(table["estimate"], table["people"], atol=1e-6)
    assert found.sample.empty
    own = wb.decompose(data, annotator="human", folds=0).to_frame().set_index("term")
    weights = table[table["what"].eq("weight") & table["group"].eq("good")].set_index("term")
    np.testing.assert_allclose(weights["people"], own.loc[weights.index, "estimate"], atol=1e-6)
    np.testing.assert_allclose(weights["people_low"], own.loc[weights.index, "conf_low"], atol=1e-6)


def test_sides_names_and_the_order_of_rows_change_nothing():
    first = wb.few_labels(planted(5)).to_frame()
    turned = wb.few_labels(planted(5, turned=True)).to_frame()
    pd.testing.assert_frame_equal(first, turned, atol=1e-7, rtol=1e-6)
    data = planted(5)
    back = wb.PreferenceData.from_tables(
        data.pairs.iloc[::-1].reset_index(drop=True),
        data.labels.iloc[::-1].assign(pair=len(data.pairs) - 1 - data.pair_rows[::-1])
        .drop(columns=["pair_id"]).reset_index(drop=True),
    )  # fmt: skip
    back = back.with_factors(
        data.factors.set_index(data.pairs["pair_id"]).loc[back.pairs["pair_id"]].reset_index(drop=True),
        pd.DataFrame(index=range(len(back.pairs))), {},
    )  # fmt: skip
    pd.testing.assert_frame_equal(first, wb.few_labels(back).to_frame(), atol=1e-7, rtol=1e-6)


def test_a_doubled_judge_has_the_same_numbers_and_one_that_is_alone_too():
    data = planted(6, judges={"good": 0.9})
    again = data.labels[data.labels["annotator"].eq("good")].assign(annotator="twin")
    both = replace(data, labels=pd.concat([data.labels, again], ignore_index=True))
    table = wb.few_labels(both).to_frame()
    one, two = (table[table["group"].eq(name)].reset_index(drop=True) for name in ("good", "twin"))
    np.testing.assert_allclose(one[list(NUMBERS)], two[list(NUMBERS)], atol=1e-9)
    alone = wb.few_labels(both, ["good"]).to_frame()
    np.testing.assert_allclose(one[list(NUMBERS)], alone[list(NUMBERS)], atol=1e-7)


def test_weights_of_labels_undo_a_choice():
    rng = np.random.default_rng(0)
    N = 20_000
    hard = rng.random(N) < 0.5
    y = (rng.random(N) < np.where(hard, 0.3, 0.8)) * 1.0
    chance = np.where(hard, 0.2, 0.05)
    weight = np.where(rng.random(N) < chance, 1 / chance, 0.0)
    said = np.where(weight > 0, y, np.nan)
    f = np.where(rng.random(N) < 0.7, y, 1 - y)
    one = by_verdict(verdict_strata(f[:, None]), said, weight, np.arange(N), 0.95)
    plain = by_verdict(verdict_strata(f[:, None]), said, (weight > 0) * 1.0, np.arange(N), 0.95)
    assert one["conf_low"][0] < 0.55 < one["conf_high"][0]
    assert plain["conf_high"][0] < 0.55


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_few_labels_tell_little_and_say_why(n):
    table = wb.few_labels(planted(7, n=n, N=200)).to_frame()
    assert (table["reason"].notna() == table["estimate"].isna()).all()
    rates = table[table["what"].isin(["agreement", "win rate"]) & table["estimate"].notna()]
    assert (rates["conf_low"] >= 0).all()
    assert (rates["conf_high"] <= 1).all()
    assert (rates["conf_high"] - rates["conf_low"] > 0.01).all()


def test_labels_and_verdicts_that_never_vary():
    data = planted(8, n=60, N=300)
    human = data.labels["annotator"].eq("human")
    same = data.labels.assign(preference=data.labels["preference"].mask(human, 1.0))
    one = row(wb.few_labels(replace(data, labels=same)), "good", "agreement", "agreement")
    assert one["conf_low"] < one["estimate"] < one["conf_high"]
    constant = data.labels.assign(preference=data.labels["preference"].mask(~human, 1.0))
    table = wb.few_labels(replace(data, labels=constant)).to_frame()
    lone = table[table["what"].eq("win rate")]
    assert lone["estimate"].notna().all()
    tied = data.labels.assign(preference=0.5)
    table = wb.few_labels(replace(data, labels=tied)).to_frame()
    assert (table["reason"].notna() == table["estimate"].isna()).all()
    defined = table[table["estimate"].notna()]
    assert (defined["conf_low"] < defined["conf_high"]).all()


def test_one_prompt_has_no_error():
    data = planted(9, n=40, N=120)
    table = wb.few_labels(replace(data, pairs=data.pairs.assign(cluster="c"))).to_frame()
    assert table["estimate"].isna().all()
    assert table["reason"].notna().all()


def test_a_judge_that_never_saw_a_labelled_pair_says_so():
    data = planted(10, n=40, N=300)
    human = data.labels["annotator"].eq("human")
    seen = data.labels["pair_id"].isin(data.labels["pair_id"][human])
    lacking = data.labels[~(data.labels["annotator"].eq("good") & seen)].reset_index(drop=True)
    found = wb.few_labels(replace(data, labels=lacking))
    table = found.to_frame()
    assert table[table["group"].eq("good")]["estimate"].isna().all()
    assert table[table["group"].eq("good")]["reason"].notna().all()
    assert found.exclusions["n"].tolist() == [40]
    assert table[table["group"].eq("poor") & table["slice"].eq("all")]["estimate"].notna().all()


def test_pairs_that_were_chosen_are_found_out():
    rng = np.random.default_rng(0)
    size = np.abs(rng.normal(size=1000))
    chosen = rng.permutation(1000) < 200
    longest = np.argsort(np.argsort(-size)) < 200
    at_random, by_size = (
        unlike({"size": size}, known, np.arange(1000), 0.95) for known in (chosen, longest)
    )
    assert at_random["p_value"][0] > 0.01
    assert by_size["q_value"][0] < 1e-6
    p = []
    for run in range(300):
        order = np.random.default_rng(run).permutation(1000) < 60
        p.append(unlike({"size": size}, order, np.arange(1000), 0.95)["p_value"][0])
    assert np.mean(np.array(p) < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_findings_name_a_biased_judge_and_chosen_pairs():
    data = planted(11, n=300, judges={"poor": 0.1})
    words = data.factors["words"].abs()
    human = data.labels["annotator"].eq("human").to_numpy()
    far = words.to_numpy()[data.pair_rows] > 0.7
    found = wb.few_labels(replace(data, labels=data.labels[~human | far].reset_index(drop=True)))
    rules = [one.rule_id for one in found.findings()]
    assert "labelled-pairs-differ" in rules
    assert "judge-misses-people" in rules


def test_what_cannot_be_is_an_error_that_says_what_to_do():
    data = planted(12, n=20, N=60)
    with pytest.raises(DesignError, match="is the reference itself"):
        wb.few_labels(data, ["human"])
    with pytest.raises(DesignError, match="no labels to hold"):
        wb.few_labels(data, reference="nobody")
    nothing = data.labels["weight"].mask(data.labels["kind"].eq("human"), 0.0)
    with pytest.raises(DesignError, match="no label of human that has a verdict and a weight"):
        wb.few_labels(replace(data, labels=data.labels.assign(weight=nothing)))
    with pytest.raises(DesignError, match="slice by"):
        wb.few_labels(data, by="colour")
    with pytest.raises(DesignError, match="no factor"):
        wb.few_labels(data, factors=["colour"])
    with pytest.raises(DataError):
        wb.few_labels(data, ["nobody"])
    with pytest.raises(DesignError, match="level"):
        wb.few_labels(data, level=1.0)
    people = replace(data, labels=data.labels[data.labels["annotator"].eq("human")])
    with pytest.raises(DesignError, match="There is no judge"):
        wb.few_labels(people)


def test_a_judge_that_seldom_errs_always_the_same_way_is_not_taken_for_certain():
    K, N, n, runs = 3, 2500, 60, 60
    beta, held, told = np.array(TRUTH), [], np.eye(3)
    for run in range(runs):
        rng = np.random.default_rng(run)
        X = rng.normal(size=(N, K))
        y = (rng.random(N) < 1 / (1 + np.exp(-X @ beta))) * 1.0
        # 2 % of pairs, those with many words more that people do not prefer
        f = np.where((X[:, 0] > 1) & (y == 0) & (rng.random(N) < 0.6), 1.0, y)
        weight = (np.arange(N) < n) * 1.0
        setting = Setting(X, list("abc"), f[:, None], np.where(weight > 0, y, np.nan), weight,
                          np.arange(N), told)  # fmt: skip
        one = tuned(setting)[0]["weights"]
        half = t_distribution.ppf(0.975, one["df"]) * one["error"]
        held.append(np.abs(one["estimate"] - beta)[0] <= half[0])
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / runs)


def test_slices_are_of_any_column_and_what_is_in_none_is_told():
    data = planted(13, n=40, N=200)
    when = pd.Series(pd.date_range("2026-01-01", periods=2).repeat(100))
    dated = replace(data, pairs=data.pairs.assign(day=when.where(np.arange(200) >= 30)))
    found = wb.few_labels(dated, factors=["words"], by="day")
    sizes = found.to_frame().groupby("slice")["n_pairs"].max()
    assert sizes.tolist() == [200, 70, 100]
    assert found.exclusions["reason"].tolist() == ["no value of day: in no slice"]
    assert found.exclusions["n"].tolist() == [30]
    with pytest.raises(DesignError, match="too many slices"):
        wb.few_labels(data, by="cluster")


def test_judges_that_are_like_people_seldom_seem_to_miss_them():
    alarms = 0
    for run in range(16):
        data = planted(100 + run, n=150, N=600, judges={"a": 0.0, "b": 0.0})
        lean = data.factors[["words", "bold", "lists"]].to_numpy() @ np.array(TRUTH)
        chance = 1 / (1 + np.exp(-lean[data.pair_rows]))
        drawn = (np.random.default_rng(run).random(len(chance)) < chance) * 1.0
        alike = replace(data, labels=data.labels.assign(preference=drawn))
        found = wb.few_labels(alike, factors=["words"])
        alarms += any(one.rule_id == "judge-misses-people" for one in found.findings())
    # without a correction for three models and two judges it is five
    assert alarms <= 2


def test_labels_that_do_not_count_are_told():
    data = wb.load("sample")
    people = data.labels["kind"].eq("human")
    one = data.labels.loc[people, "pair_id"].iloc[0]
    weight = data.labels["weight"].mask(people & data.labels["pair_id"].eq(one), 0.0)
    found = wb.few_labels(replace(data, labels=data.labels.assign(weight=weight)), ["sim-reward"])
    row = found.exclusions.set_index("group").loc["human"]
    assert (row["n"], row["reason"]) == (1, "labelled without a verdict, or without weight")
