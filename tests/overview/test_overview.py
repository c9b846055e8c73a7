"""The overview: planted effects come first, nothing found says what could have been."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import answering, planted
from workbench.data.dataset import PreferenceData
from workbench.finding import Finding
from workbench.overview.points import MOST, of_one
from workbench.overview.state import line_of
from workbench.overview.verdicts import WORDS, in_words
from workbench.report.main_job import main_job
from workbench.results import TIDY

PEOPLE = [0.9, -0.8, 0.7, 0.5]


def told(weights: dict[str, list[float]], n: int = 2000, **options) -> wb.Overview:
    return wb.overview(main_job(planted(weights, n=n, **options), folds=0))


@pytest.fixture(scope="module")
def found() -> wb.Overview:
    odd = [1.8, -1.6, 1.4, -0.6]
    alike = [1.5 * w for w in PEOPLE]
    return told({"person": PEOPLE, "judge-odd": odd, "judge-alike": alike}, position=0.0)


def test_the_planted_difference_comes_first_with_its_interval_and_its_pairs(found):
    first = found.points[0]
    assert first.rule_id == "differs-from-reference"
    assert first.where == {"group": "judge-odd", "term": "f3", "against": "human"}
    # weights 2 x the people's but f3, where -0.6 stands for 1.0
    assert first.conf_low < -1.6 < first.conf_high
    assert first.interval == (first.conf_low, first.conf_high)
    assert f"{first.estimate:+.2f} log-odds per SD" in first.message
    assert "judge-odd punishes f3, which people reward" in first.message
    assert "q < 0.05" in first.how_sure
    assert f"n = {first.n:,} labels" in first.how_sure
    pairs = found.pairs(first, n=30)
    assert (pairs["speaks"] == "for").all()
    # the judge leaves the factor where people go with it
    assert (np.sign(pairs["value"]) * (pairs["other_label"] - pairs["label"]) == 1).all()


def test_what_the_reference_rewards_most_is_said_and_no_more_than_six_findings(found):
    reward = next(one for one in found.points if one.rule_id == "rewarded")
    assert reward.where == {"group": "human", "term": "f0"}
    assert reward.message.startswith("People reward f0: +0.")
    assert len(found.points) <= MOST
    many = {"person": PEOPLE} | {
        f"judge-{k}": [w * (-1 if j == k % 4 else 1) for j, w in enumerate(PEOPLE)]
        for k in range(8)
    }
    more = told(many, n=1200)
    assert len(more.points) == MOST
    assert more.points[-1].rule_id == "rewarded"
    # one point a judge, the others counted
    assert len({one.group for one in more.points[:-1]}) == MOST - 1
    assert any("more warning" in line for line in more.also)


def test_differences_come_by_size_and_opposite_taste_before_them():
    odd = [PEOPLE[0] + 0.8, *PEOPLE[1:]]
    odder = [*PEOPLE[:3], PEOPLE[3] + 1.6]
    turned = [-w for w in PEOPLE]
    shown = told({"person": PEOPLE, "judge-a": odd, "judge-b": odder, "judge-c": turned}, n=2500)
    rules = [(one.rule_id, one.group) for one in shown.points[:3]]
    assert rules == [
        ("opposite-taste", "judge-c"),
        ("differs-from-reference", "judge-b"),
        ("differs-from-reference", "judge-a"),
    ]
    assert shown.points[0].against == "human"
    assert "opposite taste of people" in shown.points[0].message
    words = shown.verdicts.set_index("judge")["verdict"]
    assert words.to_dict() == {"judge-a": "differs", "judge-b": "differs", "judge-c": "opposite"}


def test_position_biases_are_one_finding():
    data = planted(
        {"person": PEOPLE, "judge-a": PEOPLE, "judge-b": PEOPLE}, n=1500, position=0.5, seed=1
    )
    shown = wb.overview(main_job(data, folds=0))
    slots = [one for one in shown.points if one.rule_id == "position-bias"]
    assert len(slots) == 1
    assert slots[0].term == "position"
    assert "the one shown first wins 6" in slots[0].message
    assert "so are" in slots[0].message
    row = shown.verdicts.iloc[0]
    assert row["verdict"] == "biased"
    assert row["first_preferred"] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=0.04)
    assert row["first_preferred_low"] < row["first_preferred"] < row["first_preferred_high"]


def test_verdict_rows_are_the_numbers_of_the_contrast(found):
    table = found.verdicts.set_index("judge")
    assert list(table.index) == ["judge-alike", "judge-odd"]
    gap = found.job.gap
    scale = gap.scale.set_index("group")
    both = gap.agreement.set_index("group")
    for judge in table.index:
        assert table.loc[judge, "sharpness"] == scale.loc[judge, "ratio"]
        assert table.loc[judge, "agreement_low"] == both.loc[judge, "agreement_low"]
        assert table.loc[judge, "n_pairs"] == both.loc[judge, "n"]
        counts = table.loc[judge, ["differ", "equivalent", "cannot_tell", "undefined"]]
        assert counts.sum() == 4
    assert table.loc["judge-odd", "same_taste"] == "no"
    assert table.loc["judge-alike", "differ"] == 0
    assert table["sharpness_low"].loc["judge-alike"] < 1.5 < table["sharpness_high"].max()


def test_enough_labels_tell_that_a_judge_is_alike():
    weights = {"person": [0.4, -0.3], "judge": [0.4, -0.3]}
    shown = told(weights, n=12_000)
    assert shown.verdicts[["verdict", "same_taste"]].iloc[0].tolist() == ["alike", "yes"]


def test_nothing_found_says_what_would_have_been(found):
    shown = told({"person": PEOPLE, "judge-alike": PEOPLE}, n=900)
    least = shown.job.gap.estimates.query("term != 'position'")["detectable"]
    assert "No factor surely weighs otherwise for judge-alike than for people" in shown.empty
    assert f"{least.median():.2f} log-odds per SD" in shown.empty
    assert f"{least.max():.2f} on" in shown.empty
    assert found.empty is None


def test_a_planted_difference_of_the_detectable_size_is_mostly_found():
    """Four times in five, as the empty state says."""
    size = told({"person": PEOPLE, "judge": PEOPLE}, n=900).job.gap.estimates
    size = float(size.loc[size["term"].eq("f3"), "detectable"].iloc[0])
    hits = 0
    for seed in range(6):
        odd = [*PEOPLE[:3], PEOPLE[3] + size]
        row = told({"person": PEOPLE, "judge": odd}, n=900, seed=seed).job.gap.estimates
        hits += float(row.loc[row["term"].eq("f3"), "p_value"].iloc[0]) < 0.05
    assert hits >= 3


def test_one_annotator_is_told_by_what_is_rewarded():
    shown = told({"person": PEOPLE}, n=1500)
    assert shown.verdicts.empty
    sizes = [abs(one.estimate) for one in shown.points]
    assert {one.term for one in shown.points} == {"f0", "f1", "f2"}
    assert sizes == sorted(sizes, reverse=True)
    assert shown.empty is None
    none = told({"person": [0.0, 0.0]}, n=300)
    assert "No factor is surely rewarded or punished by people" in none.empty
    assert "log-odds per SD" in none.empty


def test_few_labels_say_why_nothing_can_be_told():
    data = planted({"person": PEOPLE, "judge": PEOPLE}, n=6)
    shown = wb.overview(main_job(data, folds=0))
    assert shown.points == () or all(one.level == "note" for one in shown.points)
    assert "can be told" in shown.empty
    assert shown.plot() is not None
    assert shown.verdicts["verdict"].tolist() == ["unclear"]
    alone = told({"person": PEOPLE}, n=5)
    assert "cannot tell the weight" in alone.empty


def test_the_same_labels_and_the_mirrored_ones_are_no_traceback():
    data = planted({"person": PEOPLE, "judge": PEOPLE}, n=800)
    for change in (lambda y: y, lambda y: 1 - y):
        shown = wb.overview(main_job(answering(data, "judge", change), folds=0))
        assert json.dumps(shown.to_dict(), allow_nan=False)
        assert shown.summary()
        for point in shown.points:
            shown.figure(point)
            shown.pairs(point)


def test_lost_verdicts_are_a_finding_and_undefined_weights_no_headline():
    data = planted({"person": PEOPLE, "judge": PEOPLE}, n=600)
    labels = data.labels.copy()
    own = np.flatnonzero(labels["annotator"].eq("judge"))[:120]
    labels.loc[own, ["preference", "reason"]] = [np.nan, "failed"]
    lost = replace(data, labels=labels)
    flat = lost.factors.drop(columns="pair_id").assign(**{f"flat{k}": 0.0 for k in range(20)})
    lost = lost.with_factors(flat, pd.DataFrame(index=flat.index), {})
    shown = wb.overview(main_job(lost, folds=0))
    assert "120 of 600 verdicts of judge could not be read" in shown.points[0].message
    assert not any(one.rule_id == "undefined-weight" for one in shown.points)
    assert any("flat19" in line for line in shown.also)


def battles(kinds: dict[str, str]) -> PreferenceData:
    rng = np.random.default_rng(0)
    rows = [
        {"model_a": a, "model_b": b, "winner": "model_a" if rng.random() < 0.9 else "model_b",
         "judge": who, "kind": kind, "question_id": k}
        for k in range(40) for a, b in (("m1", "m2"), ("m1", "m3"), ("m2", "m3"))
        for who, kind in kinds.items()
    ]  # fmt: skip
    return wb.load(pd.DataFrame(rows))


def test_battles_without_text_are_told_by_ratings_and_agreement():
    data = battles({"ann": "human", "gpt": "llm"})
    shown = wb.overview(data)
    assert "without text" in shown.line
    assert "cannot be told" in shown.empty
    assert any("prefer m1 to every other model" in one.message for one in shown.points)
    assert all(one.where == {} for one in shown.points)
    assert shown.plot().data
    assert json.dumps(shown.to_dict(), allow_nan=False)
    # one annotator alone, and no models, are states as well
    alone = wb.overview(data.filter(annotators=["gpt"]))
    assert alone.verdicts.empty
    assert alone.plot() is not None


def test_data_without_a_fit_are_not_said_to_have_no_factors():
    data = planted({"people": [1.0], "judge": [0.5]}, n=60)
    assert "no fit was given; overview(main_job(data))" in wb.overview(data).empty
    battles = replace(data, factors=data.factors[["pair_id"]])
    assert "neither texts nor factors" in wb.overview(battles).empty


def test_an_overview_is_a_result_whose_html_is_escaped(found):
    table = found.to_frame()
    assert [name for name in table if name in TIDY] == list(TIDY)
    assert len(table) == len(found.points)
    assert json.dumps(found.to_dict(), allow_nan=False)
    hostile = {"<b>x</b>": PEOPLE, "judge <script>": [*PEOPLE[:3], -0.9]}
    page = told(hostile, n=900)._repr_html_()
    assert "<script>" not in page
    assert "judge &lt;script&gt;" in page
    assert set(found.verdicts["verdict"]) <= set(WORDS)
    assert "what to do" in found.summary()


def test_the_line_counts_who_labelled():
    data = planted({"person": PEOPLE, "judge-1": PEOPLE, "judge-2": PEOPLE}, n=50)
    said = line_of(data)
    assert "50 pairs" in said
    assert "2 LLM judges (100 labels) and 1 person (50 labels)" in said


def test_agreement_that_rests_on_one_prompt_has_no_interval_and_says_so():
    rows = [
        {"model_a": "m1", "model_b": "m2", "winner": "model_a", "judge": who, "kind": kind,
         "question_id": 1, "turn": k}
        for k in range(8) for who, kind in (("ann", "human"), ("gpt", "llm"))
    ]  # fmt: skip
    data = wb.load(pd.DataFrame(rows))
    data = replace(data, pairs=data.pairs.assign(cluster="one"))
    said = wb.overview(data).summary()
    assert "(no interval)" in said
    assert "nan" not in said


def test_a_judge_of_whom_nothing_is_told_has_undefined_factors_and_no_share_of_none():
    data = planted({"person": PEOPLE, "judge": PEOPLE}, n=120)
    flat = answering(data, "judge", lambda y: 0 * y + 0.5)
    shown = wb.overview(main_job(flat, folds=0))
    assert "0 cannot be told, 4 are undefined" in shown.summary()
    assert in_words(shown.verdicts)["Differs in"].tolist() == ["–"]


def test_labels_without_the_value_of_a_factor_are_told():
    data = planted({"person": PEOPLE, "judge": PEOPLE}, n=400)
    factors = data.factors.copy()
    factors.loc[:149, "f0"] = np.nan
    shown = wb.overview(main_job(replace(data, factors=factors), folds=0))
    for who in ("people", "judge"):
        said = f"150 labels of {who} count for no weight, for want of a factor's value; 250 do."
        assert said in shown.also
    data = wb.load("sample")
    pairs = data.pairs.copy()
    pairs.loc[pairs.index[:500], ["response_a", "response_b"]] = None
    assert "2,000 pairs, 1,500 of them with text, to" in line_of(replace(data, pairs=pairs))


def test_a_number_that_rounds_to_nought_has_no_sign():
    data = planted({"person": PEOPLE}, n=50)
    one = Finding(
        "no-better-than-baseline", "note", "No better", -0.001, -0.2, -0.004, "0", 9, "help"
    )
    assert ": 0.00 [-0.20, 0.00], n = 9" in of_one(data, one).message


def test_a_pull_of_the_place_says_by_which_method():
    found = wb.overview(main_job(wb.score_factors(wb.load("sample"), wb.factors.CORE), folds=0))
    point = next(one for one in found.points if one.rule_id == "position-bias")
    table = found.job.judges.to_frame()
    row = table[table["group"].eq(point.group) & table["term"].eq("position")].iloc[0]
    assert f"95% interval, {row['method']}; n = {row['n']:,} labels" in point.how_sure
