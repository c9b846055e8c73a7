"""Preference between categories: planted strengths, the null, scikit-learn's F1, odd tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DataError, DesignError
from workbench.structure.categories.planted import planted_answers
from workbench.structure.categories.proficiency import macro_pull
from workbench.structure.categories.strengths import spread_difference, strengths

EIGHT = [f"strategy {k}" for k in range(8)]
NONE = dict.fromkeys(EIGHT, 0.0)
PLANTED = dict(zip(EIGHT, [1.2, 0.6, 0, 0, 0, 0, -0.6, -1.2], strict=True))
QUICK = {"replicates": 200}


def measures(found: wb.Categories, who: str = "sim-judge") -> pd.DataFrame:
    table = found.to_frame()
    return table[table["group"].eq(who)].set_index("term")


def test_two_categories_are_the_log_of_a_ratio() -> None:
    counts = np.array([[30.0, 12.0], [4.0, 20.0]])
    theta = strengths(counts, 1e-9, equal=False)
    assert theta[0] - theta[1] == pytest.approx(np.log(12 / 4), abs=1e-6)
    # the first is right 34 times, the second 32 times
    theta = strengths(counts, 1e-9, equal=True)
    assert theta[0] - theta[1] == pytest.approx(np.log((12 / 32) / (4 / 34)), abs=1e-6)
    # a ridge of its own: 12 - 16 p = 2 r d / 2 with d the distance, solved by hand
    distance = np.diff(strengths(counts, 2.0, equal=False)[::-1])[0]
    assert 12 - 16 / (1 + np.exp(-distance)) == pytest.approx(2.0 * distance / 2, abs=1e-6)


def test_strengths_are_those_of_a_logistic_fit_of_confusions() -> None:
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(0)
    w = rng.integers(1, 30, size=(4, 4)).astype(float)
    rows, votes = [], []
    for i in range(4):
        for j in range(i):
            x = np.zeros(4)
            x[i], x[j] = 1, -1
            rows.append(x[:3])
            votes.append([w[i, j], w[j, i]])
    fit = sm.GLM(np.array(votes), np.array(rows), family=sm.families.Binomial()).fit()
    theta = strengths(w, 1e-9, equal=False)
    assert np.allclose(theta[:3] - theta[3], fit.params, atol=1e-5)


def test_a_planted_preference_is_recovered() -> None:
    found = wb.categories(planted_answers(PLANTED, conversations=250), **QUICK)
    row = measures(found).loc["preference bias"]
    truth = float(np.std(list(PLANTED.values())))
    assert row["conf_low"] < truth < row["conf_high"]
    assert row["estimate"] == pytest.approx(truth, abs=0.12)
    own = found.strengths.set_index("term")
    inside = [own.loc[n, "conf_low"] <= t <= own.loc[n, "conf_high"] for n, t in PLANTED.items()]
    assert sum(inside) >= 7
    assert own["estimate"].idxmax() == EIGHT[0]
    assert [one.rule_id for one in found.findings()] == ["prefers-categories"]
    assert EIGHT[0] in found.findings()[0].message


@pytest.mark.parametrize("habit", [0.0, 0.3])
def test_who_prefers_none_has_a_spread_of_about_nothing(habit: float) -> None:
    holds = []
    for seed in range(8):
        answers = planted_answers(NONE, conversations=60, habit=habit, seed=seed)
        row = measures(wb.categories(answers, **QUICK)).loc["preference bias"]
        assert row["estimate"] < row["uncorrected"]
        holds.append(row["conf_low"] == 0)
    assert sum(holds) >= 7  # of 8 at 97.5 %


def test_base_rates_make_a_preference_only_as_counted() -> None:
    shares = [0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05]
    found = measures(wb.categories(planted_answers(NONE, shares=shares), **QUICK))
    assert found.loc["preference bias", "conf_low"] == 0
    assert found.loc["preference bias, as counted", "conf_low"] > 0.3


def test_macro_f1_is_scikit_learn_s() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    given, right = rng.integers(0, 5, 200), rng.integers(0, 4, 200)
    value, pull = macro_pull(given, right, 6)
    assert value == pytest.approx(metrics.f1_score(right, given, average="macro", zero_division=0))
    assert pull.sum() == pytest.approx(0, abs=1e-9)
    table = pd.DataFrame({"given": given.astype(str), "right": right.astype(str)})
    found = wb.categories(table, **QUICK)
    each = found.proficiency.set_index(["category", "term"])["estimate"]
    scores = metrics.precision_recall_fscore_support(right, given, labels=range(4), zero_division=0)
    for measure, of in zip(("precision", "recall", "F1"), scores, strict=False):
        assert np.allclose([each[str(k), measure] for k in range(4)], of)


def test_annotators_are_put_side_by_side_on_the_same_conversations() -> None:
    even = {"annotator": "sim-a", "draw": 1, "wrong": 0.3, "conversations": 300}
    one = planted_answers(PLANTED, annotator="sim-b", conversations=300)
    both = [one, planted_answers(NONE, **even)]
    found = wb.categories(pd.concat(both), replicates=400)
    assert found.settings["reference"] == "sim-a"
    gap = found.contrast.set_index(["term", "category"])
    bias = found.contrast[found.contrast["term"].eq("preference bias")].iloc[0]
    assert bias["conf_low"] > 0
    assert bias["q_value"] < 0.05
    assert gap.loc[("strength", EIGHT[0]), "conf_low"] > 0
    worse = found.contrast[found.contrast["term"].eq("macro F1")].iloc[0]
    assert worse["conf_high"] < 0
    same = wb.categories(pd.concat(both), reference="sim-b", replicates=400).contrast
    other = same[same["term"].eq("preference bias")].iloc[0]
    assert other["estimate"] == pytest.approx(-bias["estimate"])
    assert "sim-b less sim-a" in found.summary()


def test_a_difference_of_spreads_is_the_formula_s_away_from_nothing() -> None:
    one, two = np.linspace(1.0, 2.0, 2001), np.linspace(0.4, 0.6, 2001)
    found = spread_difference((1.5, one), (0.5, two), 0.9)
    # ends of 1.05 and 1.95, of 0.41 and 0.59
    assert found["conf_low"] == pytest.approx(1 - np.hypot(0.45, 0.09), abs=1e-3)
    assert found["conf_high"] == pytest.approx(1 + np.hypot(0.45, 0.09), abs=1e-3)
    back = spread_difference((0.5, two), (1.5, one), 0.9)
    assert back["conf_low"] == pytest.approx(-found["conf_high"])
    assert back["p_value"] == pytest.approx(found["p_value"])
    same = spread_difference((0.5, two), (0.5, two), 0.9)
    assert same["p_value"] == pytest.approx(1, abs=1e-6)


def test_rows_and_names_change_nothing() -> None:
    answers = planted_answers(PLANTED, conversations=40)
    first = wb.categories(answers, **QUICK)
    shuffled = answers.sample(frac=1, random_state=1)
    assert first.to_dict()["tables"] == wb.categories(shuffled, **QUICK).to_dict()["tables"]
    coded = answers.replace({name: float(k) for k, name in enumerate(EIGHT)})
    mixed = coded.assign(given=coded["given"].astype(int))
    assert wb.categories(mixed, **QUICK).settings["categories"] == [str(k) for k in range(8)]
    renamed = answers.assign(given="[" + answers["given"].str.upper() + " ]")
    again = wb.categories(renamed, **QUICK).strengths
    assert np.allclose(first.strengths["estimate"], again["estimate"])


def test_what_cannot_be_told_says_why() -> None:
    right = pd.DataFrame({"given": ["x", "y"] * 20, "right": ["x", "y"] * 20})
    found = measures(wb.categories(right, **QUICK), "unnamed")
    assert "no category was given where another" in found.loc["preference bias", "reason"]
    assert found.loc["macro F1", "estimate"] == 1
    one = planted_answers(PLANTED, conversations=1, turns=60)
    alone = wb.categories(one, **QUICK)
    assert "one cluster" in measures(alone).loc["preference bias", "reason"]
    assert "undefined" in alone.summary()
    few = pd.DataFrame({"given": [*"abcdefgh"] * 3, "right": [*"bbcdefgh"] * 3})
    assert "too few errors" in measures(wb.categories(few, **QUICK), "unnamed").iloc[1]["reason"]
    always = planted_answers(PLANTED, conversations=30).assign(given=EIGHT[2])
    assert "for the ridge to say" in wb.categories(always, **QUICK).summary()
    apart = pd.DataFrame({"given": ["a", "b", "c", "d"] * 9, "right": ["b", "a", "d", "c"] * 9})
    assert "only the ridge speaks" in wb.categories(apart, **QUICK).summary()
    never = pd.DataFrame({"given": ["z", "b", "a"] * 9, "right": ["a", "a", "b"] * 9})
    told = wb.categories(never, **QUICK)
    assert "never right here: z" in told.summary()
    assert np.isnan(told.strengths.set_index("term").loc["z", "estimate"])


def test_rows_that_say_nothing_are_counted() -> None:
    answers = planted_answers(PLANTED, conversations=20)
    answers.loc[0, "given"] = None
    answers.loc[1, "right"] = " "
    answers.loc[2, "annotator"] = None
    found = wb.categories(answers, **QUICK)
    assert found.exclusions["n"].tolist() == [1, 1]
    assert found.settings["annotators"] == ["sim-judge", "unnamed"]
    assert found.settings["n_answers"] == 158


def test_one_answer_to_everything_leaves_its_strength_to_the_ridge() -> None:
    right = planted_answers(NONE, conversations=50)
    always = right.assign(given=right["right"].iloc[0])
    row = wb.categories(always, **QUICK).to_frame().set_index("term").loc["preference bias"]
    assert row["conf_low"] > 0.5
    # no count tells how strong: resamples alone, of which none gives another, said so to 3 %
    assert row["conf_high"] - row["conf_low"] > 0.15 * row["estimate"]


def test_a_difference_that_is_not_known_has_no_error() -> None:
    right = planted_answers(NONE, conversations=50)
    both = pd.concat([right, right.assign(annotator="oracle", given=right["right"])])
    gaps = wb.categories(both, **QUICK).contrast
    assert gaps.loc[gaps["estimate"].isna(), "std_error"].isna().all()


def test_bad_tables_say_what_to_do() -> None:
    answers = planted_answers(NONE, conversations=3)
    with pytest.raises(DataError, match="no column 'right'"):
        wb.categories(answers.drop(columns="right"))
    with pytest.raises(DataError, match="no column 'gold'"):
        wb.categories(answers, columns={"right": "gold"})
    with pytest.raises(DataError, match="no role 'truth'"):
        wb.categories(answers, columns={"truth": "right"})
    with pytest.raises(DataError, match="two right"):
        wb.categories(answers.assign(item="one", conversation="one"))
    with pytest.raises(DataError, match="no annotator 'nobody'"):
        wb.categories(answers, annotators="nobody")
    with pytest.raises(DesignError, match="no annotator 'nobody'"):
        wb.categories(answers, reference="nobody")
    with pytest.raises(DesignError, match="set against each other"):
        wb.categories(answers.assign(given="x", right="x"))
    with pytest.raises(DesignError, match="No answer"):
        wb.categories(answers.assign(given=None))
    with pytest.raises(DesignError, match="ridge"):
        wb.categories(answers, ridge=0)


def test_the_eight_public_strategies_are_told_by_their_names(shared_data: Path) -> None:
    names = json.loads((shared_data / "esconv" / "strategy.json").read_text(encoding="utf-8"))
    assert len(names) == 8
    theta = dict(zip(names, np.linspace(1, -1, 8), strict=True))
    found = wb.categories(planted_answers(theta, conversations=200), **QUICK)
    assert "Reflection of feelings" in found.settings["categories"]
    assert found.strengths.set_index("term")["estimate"].idxmax() == "Question"
