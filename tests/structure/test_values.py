"""Values behind choices: planted weights and bundles, shares by hand, invariances, odd data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError, DesignError
from workbench.structure.values.planted import planted_dilemmas
from workbench.structure.values.readings import REVERSED, SAME, UNDEFINED
from workbench.structure.values.theories import read_theories

WEIGHTS = {"care": 2.0, "fame": -1.0}
JUDGES = {"sim-one": WEIGHTS, "sim-two": {"care": 0.3, "duty": 1.5}}
KINDS = pd.DataFrame(
    {"": ["0", "1", "2", "3"], "value": ["Care", "fame", "duty", "ease"],
     "T": ["soft", "hard", "hard", "soft"], "U": ["x", None, "y", "y"]}
)  # fmt: skip


def told(
    lists_a: list[str], lists_b: list[str], chosen: list[float], who: str = "m"
) -> PreferenceData:
    pairs = pd.DataFrame({"prompt": [f"q{i}" for i in range(len(lists_a))],
                          "values_a": lists_a, "values_b": lists_b})  # fmt: skip
    labels = pd.DataFrame({"pair": range(len(chosen)), "annotator": who, "kind": "rule",
                           "preference": chosen})  # fmt: skip
    return PreferenceData.from_tables(pairs, labels)


@pytest.fixture(scope="module")
def bundled() -> wb.Values:
    data, _ = planted_dilemmas(800, judges=JUDGES, bundles=[("care", "fame")], rare=["odd", "own"])
    return wb.values(data, theories=KINDS)


def test_a_value_that_only_comes_with_another_is_named_with_it(bundled: wb.Values) -> None:
    table = bundled.to_frame().set_index(["group", "term"])
    fame = table.loc[("sim-one", "fame")]
    assert fame["estimate"] > 0 > fame["joint"]  # selected, but for its companion
    assert (fame["reading"], fame["companion"]) == (REVERSED, "care")
    assert table.loc[("sim-one", "care"), "reading"] == SAME
    assert "fame is selected" in bundled.summary()
    assert "comes in bundles with care" in bundled.summary()
    assert [one.term for one in bundled.findings() if one.rule_id == "value-reversed"] == [
        "values: fame"
    ]
    luck = table.loc[("sim-one", "luck")]
    assert luck["joint_low"] < 0 < luck["joint_high"]


def test_planted_weights_are_in_their_intervals() -> None:
    inside = []
    for seed in range(6):
        data, truth = planted_dilemmas(500, WEIGHTS, seed=seed)
        rows = wb.values(data, folds=3).to_frame().set_index("term").loc[truth["value"]]
        weight = truth["weight"].to_numpy()
        inside += list((rows["joint_low"] <= weight) & (weight <= rows["joint_high"]))
    assert np.mean(inside) > 0.85  # 36 intervals of 95 %


def test_rare_values_are_counted_pooled_and_not_tested(bundled: wb.Values) -> None:
    rare = bundled.rare[bundled.rare["group"].eq("sim-one")].set_index("term")
    assert set(rare.index) == {"odd", "own"}
    assert rare["reason"].str.contains("rare").all()
    assert rare["n_differ"].eq(2).all()
    rows = bundled.to_frame().set_index(["group", "term"]).loc["sim-one"]
    assert rows.loc[["odd", "own"], ["p_value", "q_value", "joint"]].isna().all(axis=None)
    assert rows.loc["rare values together", "n_differ"] == 4
    assert np.isfinite(rows.loc["rare values together", "joint"])


def test_the_share_is_that_of_a_count_by_hand() -> None:
    data = told(
        ["care; duty", "care", "duty", "ease"] * 5, ["ease", "care; duty", "", "care"] * 5,
        [1, 0, 0.5, 1] * 5,
    )  # fmt: skip
    table = wb.values(data, least=2, folds=3).to_frame().set_index("term")
    # care: of 20 actions 5 selected, (5 and 5: both), 5 neglected
    assert table.loc["care", "estimate"] == pytest.approx(100 * (10 - 10) / 20)
    assert table.loc["care", ["n", "n_both", "n_differ"]].tolist() == [20, 5, 10]
    # duty: 5 selected, 5 selected, 5 ties of half and half
    assert table.loc["duty", "estimate"] == pytest.approx(100 * (12.5 - 2.5) / 15)
    assert table.loc["ease", "estimate"] == pytest.approx(100 * (5 - 5) / 10)


def test_theories_are_sums_that_decompose_as_any_factor_does(bundled: wb.Values) -> None:
    data, _ = planted_dilemmas(800, judges=JUDGES, bundles=[("care", "fame")], rare=["odd", "own"])
    groups = {"hard": ["fame", "duty"], "soft": ["care", "ease"]}
    coded = wb.factors.from_lists(data, "values", groups)
    fit = wb.decompose(coded, folds=0).to_frame().set_index(["group", "term"])["estimate"]
    table = bundled.theories.set_index(["theory", "group", "term"])["joint"]
    for who in JUDGES:
        for kind in groups:
            assert table["T", who, kind] == pytest.approx(fit[who, f"values: {kind}"], abs=1e-9)
    assert set(bundled.contrast["theory"]) == {"T", "U"}
    assert set(bundled.contrast["reference"]) == {"sim-one"}
    parted = bundled.contrast.set_index(["theory", "term"]).loc[("T", "hard")]
    assert parted["estimate"] > 0  # duty for the second, fame against for the first
    assert any("theory U" in note and "have no kind" in note for note in bundled.settings["notes"])


def test_sides_rows_names_and_spelling_change_nothing() -> None:
    data, _ = planted_dilemmas(200, WEIGHTS, bundles=[("care", "fame")])
    pairs, labels = data.pairs, data.labels
    sides = {"values_a": "values_b", "response_a": "response_b"}
    swap = pairs.rename(columns={**sides, **{new: old for old, new in sides.items()}})
    turned = labels.assign(preference=1 - labels["preference"], annotator="another name")
    order = np.random.default_rng(0).permutation(len(swap))
    swap = swap.iloc[order].reset_index(drop=True)
    swap["values_a"] = swap["values_a"].str.upper().str.replace(";", " ;")
    place = {pair: i for i, pair in enumerate(swap["pair_id"])}
    turned = turned.assign(pair=turned["pair_id"].map(place)).drop(columns="pair_id")
    other = PreferenceData.from_tables(swap.drop(columns="pair_id"), turned.iloc[::-1])
    first, second = (wb.values(one).to_frame().set_index("term") for one in (data, other))
    numbers = ["estimate", "conf_low", "joint", "joint_low", "joint_high", "correlation"]
    pd.testing.assert_frame_equal(first[numbers], second[numbers], atol=1e-7)
    assert wb.values(data).to_dict()["tables"] == wb.values(data).to_dict()["tables"]


def test_values_that_always_come_together_have_no_weight_of_their_own() -> None:
    rng = np.random.default_rng(1)
    held = rng.random((60, 2)) < 0.5
    lists = [["twin; other" if one else "third" for one in side] for side in held.T]
    data = told(lists[0], lists[1], list((rng.random(60) < 0.5).astype(float)))
    table = wb.values(data).to_frame().set_index("term")
    assert table.loc[["twin", "other"], "reading"].eq(UNDEFINED).all()
    assert "no choice tells them apart" in table.loc["twin", "joint_reason"]


def test_a_list_that_is_missing_is_left_out_and_counted_and_an_empty_one_holds_nothing() -> None:
    data, _ = planted_dilemmas(120, WEIGHTS)
    pairs = data.pairs.drop(columns="pair_id").assign(
        values_a=["", None, *data.pairs["values_a"][2:]]
    )
    labels = data.labels.assign(pair=np.arange(120)).drop(columns="pair_id")
    found = wb.values(PreferenceData.from_tables(pairs, labels))
    assert found.exclusions["n"].sum() == 1
    assert found.held_out["n"].tolist() == [119]


def test_a_judge_of_few_prompts_takes_nothing_from_the_others() -> None:
    data, _ = planted_dilemmas(200, judges=JUDGES)
    last = data.labels["annotator"].eq("sim-two") & (data.pair_rows >= 4)
    labels = data.labels.assign(pair=data.pair_rows).drop(columns="pair_id")[~last.to_numpy()]
    few = PreferenceData.from_tables(data.pairs.drop(columns="pair_id"), labels)
    found = wb.values(few, theories=KINDS)
    kinds = found.theories.set_index(["theory", "group", "term"])
    assert np.isfinite(kinds.loc[("T", "sim-one", "soft"), "joint"])
    assert "fewer than 4" in kinds.loc[("T", "sim-two", "soft"), "joint_reason"]
    assert found.held_out.set_index("group")["accuracy"].notna().tolist() == [True, False]


def test_people_are_one_judge_and_reference_of_the_others() -> None:
    data, _ = planted_dilemmas(90, judges=dict.fromkeys(("ann", "bob", "sim"), WEIGHTS))
    kind = np.where(data.labels["annotator"].eq("sim"), "llm", "human")
    labels = data.labels.assign(kind=kind, pair=np.tile(np.arange(90), 3)).drop(columns="pair_id")
    mixed = PreferenceData.from_tables(data.pairs.drop(columns="pair_id"), labels)
    found = wb.values(mixed, folds=3, theories=KINDS)
    assert found.settings["judges"] == ["human", "sim"]
    assert found.settings["reference"] == "human"
    assert found.held_out.set_index("group").loc["human", "n_clusters"] == 90
    alone = wb.values(mixed, folds=3, annotators="ann")
    assert alone.settings["judges"] == ["ann"]
    assert alone.settings["reference"] is None


def test_few_prompts_have_shares_and_say_why_they_have_no_weights() -> None:
    found = wb.values(told(["care", "care"], ["ease", "duty"], [1, 1]), least=2)
    table = found.to_frame().set_index("term")
    assert table.loc["care", "estimate"] == 100
    assert table["joint"].isna().all()
    assert "too few" in table.loc["care", "joint_reason"]
    assert "no joint weights" in found.summary()


def test_bad_input_says_what_to_do() -> None:
    data, _ = planted_dilemmas(30, WEIGHTS)
    with pytest.raises(DesignError, match="no lists 'virtues'"):
        wb.values(data, column="virtues")
    with pytest.raises(DesignError, match="no judge 'nobody'"):
        wb.values(data, reference="nobody")
    with pytest.raises(DataError, match="no annotator 'nobody'"):
        wb.values(data, annotators="nobody")
    with pytest.raises(DesignError, match="least"):
        wb.values(data, least=1)
    with pytest.raises(DataError, match="two kinds"):
        read_theories(pd.DataFrame({"value": ["a", "A "], "T": ["x", "y"]}))
    with pytest.raises(DataError, match="no value what kind"):
        wb.values(data, theories=pd.DataFrame({"n": [1, 2]}))
    with pytest.raises(DesignError, match="hold nothing"):
        wb.values(told(["", ""], ["", ""], [1, 0]))


def test_the_public_actions_and_theories_are_read(shared_data: Path) -> None:
    place = shared_data / "daily_dilemmas"
    data = wb.load(place / "dilemmas_with_detail_by_action_test.csv")
    kinds = read_theories(place / "values.csv")
    assert {name: len(set(of.values())) for name, of in kinds.kinds.items()} == {
        "WVS": 4, "MFT": 5, "Virtue": 9, "Emotion": 14, "Maslow": 5,
    }  # fmt: skip
    assert len(set().union(*kinds.kinds.values())) <= 301
    own = wb.values(data, folds=3, least=2)
    given = wb.values(data, folds=3, least=2, theories=place / "values.csv")
    assert own.settings["theories_from"] == "columns of the file"
    # what the file says of its values is what the table says
    for table in (own.theories, given.theories):
        table["theory"] = table["theory"].str.casefold()
    columns = ["theory", "group", "term", "estimate", "n"]
    pd.testing.assert_frame_equal(own.theories[columns], given.theories[columns])
    shares = own.to_frame().set_index(["group", "term"])["estimate"]
    # both models chose to do it in all four: responsibility is on both sides in one
    assert shares["gpt4", "honesty"] == 100
    assert shares["gpt4", "tolerance"] == -100
    assert shares["gpt4", "responsibility"] == 0
