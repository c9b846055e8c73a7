"""People who differ in taste, in sharpness, in care, or not at all; and what cannot be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.structure.labels import person_labels
from workbench.structure.people.careless import careless
from workbench.structure.people.detectable import detectable_tau
from workbench.structure.people.ladder import BOTH, CARELESS, CLASSES, RELIABILITY, TASTE
from workbench.structure.people.null import permutation_test, permuted
from workbench.structure.people.sharpness import sharpness
from workbench.structure.people.verdict import none_found
from workbench.structure.planted import planted_people

QUICK = {"folds": 2, "permutations": 19}


@pytest.fixture(scope="module")
def tasteful():
    data, truth = planted_people(people=40, labels=40, tau=0.8, seed=2)
    return data, truth, wb.people(data, permutations=39, folds=3)


def test_planted_taste_is_found_and_measured(tasteful):
    _, truth, found = tasteful
    assert found.settings["best"] == TASTE
    assert found.verdict.startswith("people differ in taste")
    terms = found.terms
    assert ((terms["tau_low"] <= 0.8) & (terms["tau_high"] >= 0.8)).all()
    assert (terms["tau_low"] > 0).all()
    assert (terms["tau_high"] - terms["tau"] > 0.8 * (terms["tau"] - terms["tau_low"])).all()
    wide = found.estimates.pivot(index="annotator", columns="term", values="estimate")
    true = truth.set_index("annotator").loc[wide.index, wide.columns]
    assert np.corrcoef(wide.to_numpy().ravel(), true.to_numpy().ravel())[0, 1] > 0.85
    inside = (found.estimates["conf_low"] <= true.to_numpy().ravel()) & (
        true.to_numpy().ravel() <= found.estimates["conf_high"]
    )
    assert 0.85 < inside.mean() <= 1


def test_share_of_opposite_sign_is_that_of_the_planted_people(tasteful):
    _, truth, found = tasteful
    terms = found.terms.set_index("term")
    for term, mu in (("first", 1.0), ("second", -0.5)):
        row = terms.loc[term]
        other = (truth[term] * mu < 0).mean()
        assert row["share_opposite_low"] < other < row["share_opposite_high"]


def test_a_table_has_its_columns_and_its_n(tasteful):
    data, _, found = tasteful
    assert list(found.to_frame())[1:9] == list(wb.results.TIDY)
    assert (found.estimates["n"] == 40).all()
    assert (found.estimates["n_pairs"] == 40).all()
    assert found.ladder["term"].tolist()[1:] == [RELIABILITY, CARELESS, TASTE, BOTH, CLASSES]
    assert found.ladder["parameters"].tolist()[:4] == [3, 4, 6, 6]
    assert (found.ladder["n"] == len(data.labels)).all()
    assert found.new_people["labels_known"].tolist() == [0, 2, 5, 10, 20]
    last = found.new_people.iloc[-1]
    assert last["gain"] > 2 * last["gain_error"]
    assert set(found.to_dict()["tables"]) == set(found.tables())
    assert all(figure.data for figure in found.figures().values())
    assert "verdict: people differ in taste" in found.summary()
    assert [one.rule_id for one in found.findings()] == ["people-differ"]


def test_planted_reliability_is_no_taste():
    data, truth = planted_people(people=60, labels=40, sharpness=1.2, seed=4)
    found = wb.people(data, **QUICK)
    assert found.settings["best"] == RELIABILITY
    own = found.persons.set_index("annotator")["sharpness"]
    true = truth.set_index("annotator").loc[own.index, "sharpness"]
    assert np.corrcoef(np.log(own), np.log(true))[0, 1] > 0.7
    inside = (found.persons["sharpness_low"] <= true.to_numpy()) & (
        true.to_numpy() <= found.persons["sharpness_high"]
    )
    assert inside.mean() > 0.8


def test_planted_classes_are_no_spread_of_tastes():
    tastes = [(2.0, -1.0), (-2.0, 1.0)]
    data, _ = planted_people(people=40, labels=40, tastes=tastes, seed=3)
    found = wb.people(data, **QUICK)
    assert found.settings["best"] == CLASSES
    assert found.verdict.startswith("people fall into classes of taste")
    row = found.ladder.set_index("term").loc[CLASSES]
    assert (row["rung"], row["parameters"]) == (5, 2 * 2 + 1)


def test_people_who_always_say_a_are_called_careless():
    data, truth = planted_people(people=40, labels=40, careless=0.25, seed=6)
    found = wb.people(data, **QUICK)
    assert found.settings["best"] == CARELESS
    persons = found.persons.set_index("annotator")
    spams = truth.set_index("annotator").loc[persons.index, "careless"]
    assert (persons.loc[spams, "habit"] == "always A").all()
    assert (persons.loc[spams, "careless"] > 0.7).all()
    called = persons["verdict"] == CARELESS
    assert called[spams].mean() > 0.7
    assert not called[~spams].any()
    warned = {one.rule_id: one for one in found.findings()}
    assert warned["careless-people"].level == "warning"


def test_people_who_are_alike_get_the_sentence():
    data, _ = planted_people(people=30, labels=30, seed=8)
    found = wb.people(data, **QUICK)
    assert found.settings["best"] is None
    assert found.verdict.startswith(
        "no difference between people was found that predicts new labels (detectable: tau of about"
    )
    assert set(found.persons["verdict"]) == {"no difference seen"}
    assert (found.terms["tau_low"] == 0).all()
    assert (found.terms["tau_high"] > 0).all()
    assert not found.findings()


def test_without_power_nothing_is_detectable():
    assert "none, however large" in none_found(float("nan"))


def test_the_order_of_rows_the_sides_and_the_names_of_people_change_nothing():
    data, _ = planted_people(people=12, labels=20, tau=1.0, seed=3)
    first = wb.people(data, **QUICK)
    turned = data.labels.sample(frac=1.0, random_state=1).reset_index(drop=True)
    again = wb.people(replace(data, labels=turned), **QUICK)
    pd.testing.assert_frame_equal(first.estimates, again.estimates)
    pd.testing.assert_frame_equal(first.ladder, again.ladder)
    pd.testing.assert_frame_equal(first.new_people, again.new_people)
    labels = data.labels.assign(preference=1.0 - data.labels["preference"])
    names = data.factor_names
    factors = data.factors.assign(**{name: -data.factors[name] for name in names})
    swapped = wb.people(replace(data, labels=labels, factors=factors), **QUICK)
    pd.testing.assert_frame_equal(
        first.terms.select_dtypes("number"), swapped.terms.select_dtypes("number"), rtol=1e-5
    )
    named = data.labels.assign(annotator="z " + data.labels["annotator"])
    renamed = wb.people(replace(data, labels=named), **QUICK)
    pd.testing.assert_frame_equal(
        first.terms.drop(columns="method"), renamed.terms.drop(columns="method")
    )


def test_items_are_weighed_without_a_reference():
    strengths = {"x": 0.3, "y": 0.0, "z": -0.3}
    names, rng = list(strengths), np.random.default_rng(0)
    pairs = pd.DataFrame(
        {"model_a": ["x", "x", "y"], "model_b": ["y", "z", "z"], "cluster": ["1", "2", "3"]}
    )
    rows = []
    for person in range(60):
        own = {name: strengths[name] + rng.normal(0, 1.5) for name in names}
        for k, (a, b) in enumerate(zip(pairs["model_a"], pairs["model_b"], strict=True)):
            p = 1 / (1 + np.exp(own[b] - own[a]))
            rows += [(k, f"p{person}", "human", float(rng.random() < p), r) for r in range(4)]
    columns = ["pair", "annotator", "kind", "preference", "replicate"]
    data = wb.PreferenceData.from_tables(pairs, pd.DataFrame(rows, columns=columns))
    # of 95 % intervals one in twenty misses: this one may not
    found = wb.people(data, items="model", level=0.999, **QUICK)
    assert found.settings["best"] == TASTE
    assert found.terms["term"].tolist() == names
    assert found.terms["estimate"].sum() == pytest.approx(0.0, abs=1e-9)
    assert np.ptp(found.terms["tau"]) < 1e-9
    # the spread of a strength about the mean of all three is a part of the planted one
    low, high = (found.terms[f"tau_{end}"].iloc[0] for end in ("low", "high"))
    assert low < 1.5 * np.sqrt(2 / 3) < high
    assert "over people" in found.ladder["method"].iloc[0]


def test_people_are_exchanged_within_prompts_only():
    labels = person_labels(planted_people(people=9, labels=20)[0])
    other = permuted(labels, np.random.default_rng(1))
    assert (other != labels.person).any()
    for prompt in np.unique(labels.prompt):
        mine = labels.prompt == prompt
        assert sorted(other[mine]) == sorted(labels.person[mine])


def test_without_overlap_people_are_not_told_from_prompts():
    data, _ = planted_people(people=10, labels=20, tau=1.5, seed=1)
    own = data.labels.drop_duplicates("pair_id").reset_index(drop=True)
    found = wb.people(replace(data, labels=own), **QUICK)
    assert found.settings["prompts_of_several_people"] == 0
    assert found.settings["best"] is None
    assert found.ladder["p_value"].isna().all()
    assert found.ladder["reason"].iloc[3].startswith("no test: no prompt has labels of two people")
    assert found.terms["reason"].str.startswith("no test").all()


def test_people_without_a_common_prompt_are_told():
    one, _ = planted_people(people=6, labels=12, pairs=24, seed=1)
    half = set(one.pairs["pair_id"].head(12))
    first = one.labels["annotator"] < "person 003"
    at = one.labels["pair_id"].isin(half)
    kept = one.labels[first == at].reset_index(drop=True)
    found = wb.people(replace(one, labels=kept), **QUICK)
    assert found.settings["groups_without_a_common_prompt"] == 2
    assert any("2 groups without a common prompt" in note for note in found.settings["notes"])


def test_what_cannot_be_told_is_refused_by_name():
    data, _ = planted_people(people=10, labels=10)
    single = data.labels.drop_duplicates("annotator").reset_index(drop=True)
    with pytest.raises(wb.DesignError, match="so few labels each") as error:
        wb.people(replace(data, labels=single))
    assert "1.00 labels a person" in str(error.value)
    tied = replace(data, labels=data.labels.assign(preference=0.5))
    with pytest.raises(wb.DesignError, match="Every label is a tie"):
        wb.people(tied)
    with pytest.raises(wb.DesignError, match="permutations"):
        wb.people(data, permutations=0)


def test_few_labels_are_warned_of_and_people_with_four_are_never_shown_alone():
    data, _ = planted_people(people=20, labels=8, pairs=16, seed=5)
    few = data.labels["annotator"].isin(["person 000", "person 001"])
    rank = data.labels.groupby("annotator").cumcount()
    kept = data.labels[~few | (rank < 4)].reset_index(drop=True)
    found = wb.people(replace(data, labels=kept), **QUICK)
    assert found.settings["n_people_with_few_labels"] == 2
    for table in (found.estimates, found.persons):
        assert not table["annotator"].isin(["person 000", "person 001"]).any()
    assert "few-labels-a-person" in [one.rule_id for one in found.findings()]


def test_the_permutation_test_holds_its_level():
    hits = []
    for seed in range(20):
        labels = person_labels(planted_people(people=20, labels=15, pairs=40, seed=seed)[0])
        found = permutation_test(labels, labels.folds(2, 0), 19, seed)
        hits += [p <= 0.1 for p in found.p_value.values()]
    assert np.mean(hits) < 0.25


def test_load_says_how_far_people_share_prompts():
    table = pd.DataFrame(
        {"prompt": ["p", "p", "q"], "text_a": "x", "text_b": ["y", "y", "z"],
         "label": ["a", "b", "a"], "annotator": ["one", "two", "one"]}
    )  # fmt: skip
    notes = wb.load(table, kind="human").load_report.notes
    assert any(
        note == "2 people, 1.5 labels each; 50% of 2 prompts have labels of two or more people"
        for note in notes
    )


def test_a_term_that_differs_in_one_prompt_only_ends_nothing():
    data, _ = planted_people(people=12, labels=20)
    alone = np.zeros(len(data.pairs))
    alone[data.pair_rows[0]] = 1.0
    frame = pd.DataFrame({"alone": alone, "never": 0.0})
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    found = wb.people(data.with_factors(frame, pd.DataFrame(index=frame.index), specs), **QUICK)
    assert found.ladder["estimate"].notna().all()
    terms = found.terms.set_index("term")
    assert np.isnan(terms.loc["never", "estimate"])
    assert terms.loc["never", "reason"]
    assert terms.loc[["first", "second", "third"], "estimate"].notna().all()


def test_sharpness_is_not_told_for_certain_from_few_labels():
    """Omega is 0 where the likelihood of few people is largest; that is no knowledge of it."""
    inside, widths = [], []
    for seed in range(5):
        data, truth = planted_people(people=20, labels=15, pairs=80, sharpness=0.4, seed=seed)
        labels = person_labels(data)
        _, low, high = sharpness(labels).told(labels, 0.95)
        true = truth.set_index("annotator")["sharpness"].to_numpy()
        inside += list((low <= true) & (true <= high))
        widths += list(high - low)
    assert min(widths) > 0.3
    assert np.mean(inside) > 0.88


def test_the_units_of_a_factor_do_not_decide_how_well_a_model_tells_labels():
    data, _ = planted_people(people=16, labels=25, tau=0.8, seed=2)
    labels = person_labels(data)
    other = replace(labels, X=labels.X * np.array([1000.0, 1.0, 0.001]))
    for fit in (sharpness, careless):
        one, two = fit(labels).predict(labels), fit(other).predict(other)
        np.testing.assert_allclose(one, two, atol=2e-4)


def test_without_a_common_prompt_nothing_is_said_to_be_detectable():
    data, _ = planted_people(people=8, labels=20, pairs=200, seed=1)
    one = data.labels.groupby("pair_id", sort=False).head(1)
    found = wb.people(replace(data, labels=one.reset_index(drop=True)), folds=2, permutations=19)
    assert found.verdict.startswith("whether people differ cannot be told: no prompt has labels")
    assert found.settings["detectable"] is None


def test_labels_that_name_nobody_are_nobody_s():
    data, _ = planted_people(people=6, labels=20, seed=1)
    labels = data.labels.assign(rater=data.labels["annotator"].where(data.labels.index % 5 > 0))
    found = person_labels(replace(data, labels=labels), by="rater")
    assert len(found.people) == 6
    assert found.exclusions.to_dict("records") == [
        {"annotator": "", "reason": "no person is named", "n": 24}
    ]
    told = wb.reliability(replace(data, labels=labels), by="rater", truth="exists")
    assert told.exclusions["n"].sum() == 24


def test_factors_that_are_combinations_of_others_are_refused():
    data, _ = planted_people(people=6, labels=20, seed=1)
    with pytest.raises(wb.DesignError, match="named twice"):
        wb.people(data, factors=["first", "first"])
    total = pd.DataFrame({"sum": data.factors["first"] + data.factors["second"]})
    specs = {"sum": {"coding": {"transform": "difference"}}}
    more = data.with_factors(total, pd.DataFrame(index=total.index), specs)
    with pytest.raises(wb.DesignError, match="first, second, sum"):
        wb.groups(more)


def test_every_n_counts_labels_whatever_they_weigh():
    data, _ = planted_people(people=8, labels=20, seed=1)
    half = replace(data, labels=data.labels.assign(weight=0.4))
    found = wb.people(half, folds=2, permutations=19)
    assert set(found.ladder["n"]) == set(found.terms["n"]) == {160}
    assert found.estimates.groupby("term")["n"].sum().eq(160).all()
    assert set(found.new_people["n"]) <= set(wb.people(data, **QUICK).new_people["n"])


def test_fewer_prompts_than_folds_are_refused_with_advice_that_can_be_followed():
    data, _ = planted_people(people=6, labels=4, pairs=4, seed=1)
    with pytest.raises(wb.DesignError, match=r"Ask for 2 to 4 folds"):
        wb.people(data, folds=5, permutations=19)


def test_labels_of_huge_weight_and_columns_that_are_none():
    data, _ = planted_people(people=6, labels=20, seed=1)
    heavy = replace(data, labels=data.labels.assign(weight=1e6))
    assert np.isfinite(detectable_tau(person_labels(heavy), 2))
    with pytest.raises(wb.DesignError, match="names people"):
        wb.people(data, by=["annotator"])
    with pytest.raises(wb.DesignError, match="seed"):
        wb.people(data, seed=True)
