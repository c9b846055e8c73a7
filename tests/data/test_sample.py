"""The generated sample: what its plan says is true of it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import workbench as wb
from workbench.data.sample import (
    PEOPLE,
    PLANTED,
    REWARD,
    generate,
    ledger,
    load,
    plan,
)
from workbench.factors import STYLE


@pytest.fixture(scope="module")
def scored():
    return wb.score_factors(load(), STYLE)


def test_the_same_seed_gives_the_same_data():
    one, two, other = (generate(300, seed)[0] for seed in (5, 5, 6))
    assert one.digest == two.digest
    assert one.digest != other.digest
    pd.testing.assert_frame_equal(one.pairs, two.pairs)


def test_who_and_how_many():
    data = load()
    assert len(data.pairs) == 2000
    assert data.pairs["scenario"].nunique() == 3
    assert data.pairs["scenario"].value_counts().min() > 500
    kinds = data.annotators.set_index("annotator")["kind"]
    assert kinds.value_counts().to_dict() == {"human": 12, "llm": 3, "reward_model": 1}
    assert set(PEOPLE) < set(kinds.index)
    people = data.labels[data.labels["kind"] == "human"]
    assert (people.groupby("pair_id").size() == 3).all()
    assert 1.5 < len(data.pairs) / data.pairs["prompt_id"].nunique() < 6
    assert all(name.startswith("sim-") for name in kinds.index)
    assert set(data.pairs["model_a"]) | set(data.pairs["model_b"]) == {
        f"sim-model-{x}" for x in "abcd"
    }


def test_faults_ties_and_left_out_rows_are_there_and_counted():
    data, truth = load(), plan()
    judged = data.labels[data.labels["kind"] == "llm"]
    share = judged["reason"].value_counts() / len(judged)
    for reason, expected in (
        ("tie", truth.tie_share),
        ("both_bad", truth.both_bad_share),
        ("failed", truth.failed_share),
        ("not_applicable", truth.not_applicable_share),
    ):
        assert share[reason] == pytest.approx(expected, abs=4 * np.sqrt(expected / len(judged)))
    failed = judged[judged["reason"] == "failed"]
    assert failed["preference"].isna().all()
    assert failed["raw"].str.contains("simulated").all()
    report = data.load_report
    assert set(report.left_out) == {"empty", "identical", "duplicate"}
    assert report.rows_read == report.rows_kept + sum(e.count for e in report.left_out.values())
    assert "simulated" in report.source


def test_one_judge_saw_some_pairs_in_both_orders():
    judged = load().labels.query("annotator == 'sim-judge-plain'")
    both = judged.groupby("pair_id")["order_shown"].nunique()
    assert (both == 2).sum() == 300
    assert set(judged["replicate"]) == {0, 1}


def test_texts_are_finished():
    data = load()
    for column in ("prompt", "response_a", "response_b"):
        text = data.pairs[column]
        assert (text.str.len() > 20).all()
        assert not text.str.contains(r"\{\d\}").any()
    assert not re.search(r"gpt|claude|llama|gemini", " ".join(data.pairs["prompt"]).lower())


def test_the_ledger_is_what_the_factors_count(scored):
    for side in ("a", "b"):
        counted = pd.DataFrame([ledger(text) for text in scored.pairs[f"response_{side}"]])
        for name in PLANTED:
            values = scored.factor_values[f"{name}_{side}"]
            np.testing.assert_array_equal(counted[name], values, err_msg=name)


def test_the_scales_of_the_plan_are_those_of_the_coding(scored):
    for name, scale in plan().scales.items():
        assert scored.factor_specs[name]["coding"]["scale"] == pytest.approx(scale, rel=1e-12)
        assert scored.factor_specs[name]["coding"]["transform"] == "relative"


def test_planted_weights_are_recovered_by_statsmodels(scored):
    """Ties dropped, each weight lies within 4 standard errors of the truth."""
    truth = plan()
    x = scored.factors[list(PLANTED)].to_numpy()[scored.pair_rows]
    labels = scored.labels
    group = np.where(labels["kind"] == "human", "human", labels["annotator"])
    decided = labels["preference"].isin([0.0, 1.0]).to_numpy()
    shown = labels["order_shown"].map({"ab": 1.0, "ba": -1.0}).fillna(0.0).to_numpy()
    for name, weights in truth.weights.items():
        rows = decided & (group == name)
        design = x[rows]
        expected = list(weights.values())
        if name in truth.position:
            design = np.column_stack([design, shown[rows]])
            expected.append(truth.position[name])
        fit = sm.Logit(labels["preference"].to_numpy()[rows], design).fit(disp=0)
        assert (np.abs(fit.params - expected) < 4 * fit.bse).all(), name
    assert set(truth.weights) == {"human", *truth.position, REWARD}


def test_intervals_of_the_workbench_cover_the_plan_over_fresh_samples():
    covered, null_rejected, n_null, n = 0, 0, 0, 0
    for seed in range(12):
        data, truth = generate(600, seed=100 + seed)
        data = wb.score_factors(data, [spec for spec in STYLE if spec.name in PLANTED])
        judges = wb.decompose(data, annotator=list(truth.position), ties="drop", folds=0)
        people = wb.decompose(data, annotator="human", ties="drop", folds=0)
        table = pd.concat([judges.to_frame(), people.to_frame()])
        table = table.merge(truth.to_frame(), on=["group", "term"]).dropna(subset=["estimate"])
        inside = (table["conf_low"] <= table["weight"]) & (table["weight"] <= table["conf_high"])
        covered, n = covered + inside.sum(), n + len(table)
        null = table[table["weight"] == 0]
        null_rejected, n_null = null_rejected + (null["p_value"] < 0.05).sum(), n_null + len(null)
    # 372 intervals: three standard errors below 95 %
    assert covered / n > 0.95 - 3 * np.sqrt(0.95 * 0.05 / n)
    assert null_rejected / n_null < 0.05 + 3 * np.sqrt(0.95 * 0.05 / n_null)
