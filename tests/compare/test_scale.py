"""Sharpness apart from taste: planted ratios, levels, power, and the edges of what can be told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import answering, planted
from workbench.data.dataset import PreferenceData
from workbench.intervals import ONE_CLUSTER
from workbench.overview.findings import find

SAME = [0.8, 0.5, 0.4, -0.3, 0.3]


def gap_of(weights: dict[str, list[float]], n: int = 1500, seed: int = 0, **options) -> wb.Contrast:
    return wb.contrast(wb.decompose(planted(weights, n=n, seed=seed), folds=0), "ann", **options)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_a_planted_ratio_is_recovered_and_no_taste_differs(ratio):
    gap = gap_of({"ann": SAME, "judge": [ratio * w for w in SAME]}, n=4000)
    row = gap.scale.iloc[0]
    assert row["ratio_low"] < ratio < row["ratio_high"]
    assert row["ratio_high"] - row["ratio_low"] < 0.4 * ratio
    assert (row["p_value"] < 0.001) == (ratio != 1.0)
    assert row["proportional_p"] > 0.01
    assert set(gap.to_frame()["verdict"][:5]) <= {"cannot tell", "equivalent"}


def test_the_tests_of_taste_hold_their_level_where_one_side_is_sharper_or_ties():
    # the raw test rejects in most runs
    hits, raw, joint, runs = 0, 0, 0, 50
    for run in range(runs):
        data = planted({"ann": SAME, "judge": [2 * w for w in SAME]}, n=900, seed=run)
        if run % 2:
            labels = data.labels.copy()
            tied = labels["annotator"].eq("judge") & (
                np.random.default_rng(run).random(len(labels)) < 0.3
            )
            data = replace(data, labels=labels.assign(
                preference=labels["preference"].mask(tied, 0.5)))  # fmt: skip
        gap = wb.contrast(wb.decompose(data, folds=0), "ann")
        hits += (gap.to_frame()["q_value"] < 0.05).any()
        raw += (gap.raw["q_value"] < 0.05).any()
        joint += gap.scale["proportional_p"][0] < 0.05
    # binomial noise of 50 runs at 5 %: 8 are 3.6 standard errors away
    assert hits <= 7
    assert joint <= 7
    assert raw > 25


def test_a_real_difference_is_found_and_alone_where_the_judge_is_sharper_too():
    judge = [2 * w for w in SAME]
    judge[3] += 1.2
    gap = gap_of({"ann": SAME, "judge": judge}, n=3000, seed=2)
    table = gap.to_frame().set_index("term")
    assert table.index[table["verdict"] == "differs"].tolist() == ["f3"]
    assert not table.loc["f3", "anchor"]
    row = gap.scale.iloc[0]
    assert row["ratio_low"] < 2 < row["ratio_high"]
    assert row["q_value"] < 0.001
    # the planted weight of the judge is 0.6, in proportion it would be -0.6
    assert table.loc["f3", "conf_low"] < 1.2 < table.loc["f3", "conf_high"]


def test_equivalent_needs_enough_labels_and_the_margin_says_what_counts():
    weights = {"ann": SAME, "judge": SAME}
    small, large = gap_of(weights, n=300), gap_of(weights, n=40_000)
    assert "equivalent" not in set(small.to_frame()["verdict"])
    assert set(large.to_frame()["verdict"][:5]) == {"equivalent"}
    wide = gap_of(weights, n=300, margin=5.0).to_frame()
    assert set(wide["verdict"][:5]) == {"equivalent"}
    detectable = small.to_frame()["detectable"][:5], large.to_frame()["detectable"][:5]
    # 133 times the labels: the detectable difference falls by about their root, 11.5
    assert (detectable[0] / detectable[1]).between(9, 20).all()
    with pytest.raises(wb.DesignError, match="margin"):
        gap_of(weights, n=300, margin=0.0)


def test_the_detectable_difference_is_found_with_power_eighty():
    found, wanted, runs = 0, 0.0, 24
    for run in range(runs):
        base = gap_of({"ann": SAME, "judge": SAME}, n=400, seed=run)
        wanted = float(base.to_frame()["detectable"][4])
        judge = [*SAME[:4], SAME[4] + wanted]
        p = gap_of({"ann": SAME, "judge": judge}, n=400, seed=run).to_frame()["p_value"][4]
        found += p < 0.05
    # 80 % of 24 are 19; 13 are 3 standard errors away
    assert 13 <= found <= 24


def told_opposite(gap: wb.Contrast) -> bool:
    """Whether the table, the summary and the findings all say so, and none of them no sharpness."""
    text = gap.summary()
    assert "0.00 times" not in text
    assert "too weak" not in text
    assert "nan" not in text
    said = [
        "opposite taste" in str(gap.scale["reason"][0]),
        "opposite taste" in text,
        "opposite-taste" in {one.rule_id for one in find([gap])},
    ]
    assert len({*said, bool(gap.scale["opposite"][0])}) == 1
    return said[0]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_opposite_weights_are_told_with_the_sharpness_of_the_weights_turned_round(ratio):
    gap = gap_of({"ann": SAME, "judge": [-ratio * w for w in SAME]}, n=3000, seed=1)
    assert told_opposite(gap)
    row, table = gap.scale.iloc[0], gap.to_frame()[:5]
    assert 0 < row["ratio_low"] < ratio < row["ratio_high"]
    assert row["proportional_p"] < 1e-6
    assert (table["verdict"] == "differs").all()
    # planted: -ratio w - ratio w
    planted_gap = -2 * ratio * np.array(SAME)
    assert table["conf_low"].lt(planted_gap).all()
    assert table["conf_high"].gt(planted_gap).all()
    assert len(gap.figures()) == 2


def test_a_factor_that_an_opposite_judge_likes_as_well_does_not_differ():
    judge = [-w for w in SAME]
    judge[1] = SAME[1]
    gap = gap_of({"ann": SAME, "judge": judge}, n=4000, seed=1)
    assert told_opposite(gap)
    table = gap.to_frame()[:5].set_index("term")
    assert table.index[table["verdict"] != "differs"].tolist() == ["f1"]
    assert gap.scale["apart"][0] == "f1"


def judged(change) -> PreferenceData:
    return answering(planted({"ann": SAME, "judge": SAME}, n=800), "judge", change)


@pytest.mark.parametrize("covariance", ["cluster", "HC1", "classical"])
def test_exactly_opposite_labels_are_the_opposite_taste_at_the_same_sharpness(covariance):
    fits = wb.decompose(judged(lambda y: 1 - y), covariance=covariance, folds=0)
    gap = wb.contrast(fits, "ann")
    assert told_opposite(gap)
    row, table = gap.scale.iloc[0], gap.to_frame()[:5]
    assert row["ratio"] == pytest.approx(1.0)
    assert np.isnan([row["ratio_low"], row["ratio_high"], row["p_value"]]).all()
    # twice the weight, with twice its error
    clustered = wb.decompose(judged(lambda y: 1 - y), folds=0)["judge"]
    own = clustered.to_frame()[:5]
    np.testing.assert_allclose(table["estimate"], 2 * own["estimate"], rtol=1e-7)
    np.testing.assert_allclose(table["std_error"], 2 * own["std_error"], rtol=1e-7)
    np.testing.assert_allclose(gap.raw["std_error"][:5], 2 * own["std_error"], rtol=1e-7)


def test_the_same_labels_have_no_error_and_no_test():
    for data in (judged(lambda y: y), planted({"ann": SAME, "judge": SAME}, n=800)):
        fits = wb.decompose(data, folds=0)
        gap = wb.contrast(fits, "ann")
        same = data.labels.groupby("pair_id")["preference"].nunique().eq(1).all()
        assert ("both gave the same labels" in gap.summary()) == same
        assert np.isnan(gap.scale["proportional_p"][0]) == np.isnan(gap.wald["p_value"][0]) == same
        assert "nan" not in gap.summary()
        assert not told_opposite(gap)


def test_a_judge_that_answers_by_chance_or_has_an_unrelated_taste_is_not_opposite():
    unrelated = [0.5, -0.8, 0.3, 0.4, 0.0]
    for judge in ([0.0] * 5, unrelated):
        for seed in range(4):
            gap = gap_of({"ann": SAME, "judge": judge}, n=1000, seed=seed)
            assert not gap.scale["opposite"][0]
            assert "opposite-taste" not in {one.rule_id for one in find([gap])}


@pytest.mark.parametrize("seed", range(6))
def test_a_judge_that_turns_half_of_the_factors_round_is_found_whatever_the_ratio(seed):
    gap = gap_of({"ann": [0.8] * 4, "judge": [0.8, 0.8, -0.8, -0.8]}, seed=seed)
    row = gap.scale.iloc[0]
    assert row["proportional_p"] < 1e-6
    found = {one.rule_id for one in find([gap])}
    assert found & {"no-common-taste", "differs-from-reference"}
    assert "weak" not in gap.summary()
    if not np.isfinite(row["ratio"]):
        assert row["reason"] == "no ratio fits: what the two reward is unrelated"
        assert found == {"no-common-taste"}


def test_a_judge_by_chance_follows_hardly_anything_and_is_equivalent_in_nothing():
    gap = gap_of({"ann": [0.8] * 4, "judge": [0.0] * 4}, n=4000)
    assert gap.scale["ratio_low"][0] == 0
    assert "they may share no taste" in gap.summary()
    assert set(gap.to_frame()["verdict"][:4]) == {"cannot tell"}
    (one,) = find([gap])
    assert one.message == "judge follows hardly anything of what ann weighs"


def test_the_finding_of_an_opposite_taste_names_the_weights_that_do_not_point_away():
    gap = gap_of({"ann": [0.8] * 4, "judge": [0.8, -0.8, -0.8, -0.8]}, n=2000)
    assert gap.scale["reason"][0].startswith("opposite taste: most of its weights")
    opposite = next(one for one in find([gap]) if one.rule_id == "opposite-taste")
    assert "3 of its weights, not those of f0, point the other way" in opposite.message


def test_one_factor_of_the_other_sign_is_the_opposite_taste_of_unknown_sharpness():
    gap = gap_of({"ann": [0.8], "judge": [-0.8]})
    assert told_opposite(gap)
    assert np.isnan(gap.scale["ratio"][0])
    assert "one factor alone" in gap.scale["reason"][0]


def test_where_no_factor_has_a_weight_that_is_said_and_why():
    data = planted({"ann": SAME, "judge": SAME}, n=60)
    one = replace(data, pairs=data.pairs.assign(cluster="x"))
    for covariance in ("cluster", "HC1"):
        gap = wb.contrast(wb.decompose(one, covariance=covariance, folds=0), "ann")
        for table in (gap.scale, gap.wald):
            assert table["reason"][0] == (
                f"no factor has a weight in both fits (judge: {ONE_CLUSTER}; ann: {ONE_CLUSTER})"
            )
        assert gap.to_frame()["reason"].str.contains(ONE_CLUSTER, regex=False)[:5].all()
        for text in ("one factor alone", "same labels", "nan"):
            assert text not in gap.summary()


@pytest.mark.parametrize("size", [1e-8, 1e8])
def test_units_of_the_factors_change_nothing(size):
    data = planted({"ann": SAME, "judge": [2 * w for w in SAME]}, n=1000)
    factors = data.factors.assign(f0=data.factors["f0"] * size, f3=data.factors["f3"] / size)
    other = PreferenceData(data.pairs, data.labels, factors, data.factor_values, data.factor_specs)
    one, two = (wb.contrast(wb.decompose(d, folds=0), "ann") for d in (data, other))
    for table in ("scale", "wald"):
        a, b = getattr(one, table), getattr(two, table)
        for column in a.select_dtypes("number"):
            np.testing.assert_allclose(a[column], b[column], rtol=1e-5, err_msg=column)
    for column in ("per_sd", "per_sd_low", "p_value", "detectable"):
        np.testing.assert_allclose(one.to_frame()[column], two.to_frame()[column], rtol=1e-5)


def test_what_cannot_be_told_is_undefined_with_a_reason_and_the_raw_differences_stay():
    one = gap_of({"ann": [0.5], "judge": [1.0]})
    assert "one factor alone" in one.scale["reason"][0]
    weak = gap_of({"ann": [0.0, 0.0, 0.0], "judge": [1.0, 0.5, 0.2]})
    assert "too weak" in weak.scale["reason"][0]
    for gap in (one, weak):
        assert gap.to_frame()["estimate"].isna().all()
        assert gap.to_frame()["reason"].notna().all()
        assert set(gap.to_frame()["verdict"]) == {"undefined"}
        assert np.isfinite(gap.raw["estimate"][0])
        assert gap.raw["p_value"][0] < 1e-3
        assert "sharpness: undefined" in gap.summary()
        json.dumps(gap.to_dict(), allow_nan=False)
        assert len(gap.figures()) == 2


def test_marginal_effects_are_those_of_the_shared_pairs():
    data = planted({"ann": SAME, "judge": SAME}, n=800)
    # the judge labelled the second half only
    half = data.pairs["pair_id"].iloc[400:]
    kept = data.labels["annotator"].eq("ann") | data.labels["pair_id"].isin(half)
    data = replace(data, labels=data.labels[kept].reset_index(drop=True))
    fits = wb.decompose(data, folds=0)
    raw = wb.contrast(fits, "ann").raw
    x = data.factors[[f"f{k}" for k in range(5)]].to_numpy()[400:]
    for group, column in (("judge", "group_ame"), ("ann", "reference_ame")):
        beta = fits.fits[group].coef[:5]
        p = 1 / (1 + np.exp(-x @ beta))
        np.testing.assert_allclose(raw[column][:5], (p * (1 - p)).mean() * beta, rtol=1e-10)
    assert (raw["ame_pairs"] == 400).all()
    np.testing.assert_allclose(raw["ame"], raw["group_ame"] - raw["reference_ame"])
    assert (raw["ame_low"][:5] < raw["ame"][:5]).all()


def test_swapping_the_two_inverts_the_ratio_and_exchanging_responses_changes_nothing():
    data = planted({"ann": SAME, "judge": [1.5 * w for w in SAME]}, n=2000)
    one = wb.contrast(wb.decompose(data, folds=0), "ann").scale.iloc[0]
    other = wb.contrast(wb.decompose(data, folds=0), "judge").scale.iloc[0]
    assert one["ratio"] == pytest.approx(1 / other["ratio"], rel=1e-6)
    assert one["statistic"] == pytest.approx(other["statistic"], rel=0.02)
    flipped = wb.PreferenceData(
        data.pairs, data.labels.assign(preference=1 - data.labels["preference"]),
        data.factors.assign(**{f"f{k}": -data.factors[f"f{k}"] for k in range(5)}),
        data.factor_values, data.factor_specs,
    )  # fmt: skip
    again = wb.contrast(wb.decompose(flipped, folds=0), "ann")
    assert again.scale["ratio"][0] == pytest.approx(one["ratio"], rel=1e-9)


def test_ties_treated_otherwise_on_both_sides_are_refused():
    data = planted({"ann": SAME, "judge": SAME}, n=300)
    half = wb.decompose(data, annotator="judge", folds=0)
    dropped = wb.decompose(data, annotator="ann", ties="drop", folds=0)
    with pytest.raises(wb.DesignError, match="different ties"):
        wb.contrast(half, dropped)


def test_a_pool_of_people_is_clustered_by_person_in_the_contrast_too():
    rng = np.random.default_rng(0)
    people = {f"p{k:02d}": list(np.array(SAME) + rng.normal(0, 0.6, 5)) for k in range(12)}
    data = planted({**people, "judge": SAME}, n=400)
    judge = wb.decompose(data, annotator="judge", folds=0)
    pooled = wb.decompose(data, annotator="human", folds=0)
    prompts = wb.decompose(data, annotator="human", cluster="cluster", folds=0)
    wide, narrow = (wb.contrast(judge, fit).raw for fit in (pooled, prompts))
    assert (wide["df"][:5] < 13).all()
    assert wide["std_error"][:5].mean() > 1.1 * narrow["std_error"][:5].mean()


def test_the_figure_draws_a_line_for_each_ratio():
    gap = gap_of({"ann": SAME, "judge": SAME, "judge<b>": [2 * w for w in SAME]})
    figure = gap.figures()["Sharpness and taste"]
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert len(lines) == 3
    slopes = {round(float(t.y[1] / t.x[1]), 3) for t in lines}
    assert slopes == {1.0, *(round(r, 3) for r in gap.scale["ratio"])}
    assert not any("<b>" in str(t.name) for t in figure.data)
    assert isinstance(gap.raw, pd.DataFrame)
