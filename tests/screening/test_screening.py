"""Screening: a planted sparse truth, no truth at all, held-out honesty, data that break it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import sparse

import workbench as wb
from tests.planted import planted
from workbench.errors import DesignError
from workbench.results import TIDY
from workbench.screening.kernel import Labels, fit_each
from workbench.screening.screening import screen

SPARSE = [0.6, -0.5, 0.4] + [0.0] * 37


def _table(found):
    return found.to_frame().set_index("term")


def test_small_models_equal_statsmodels_with_and_without_controls():
    rng = np.random.default_rng(0)
    X, controls = rng.normal(size=(400, 3)), rng.normal(size=(400, 2))
    cluster = np.sort(rng.integers(0, 90, 400))
    y = rng.choice([0.0, 0.5, 1.0], 400, p=[0.4, 0.1, 0.5])
    labels = Labels(np.ones(400), y, np.unique(cluster, return_inverse=True)[1])
    for extra in (controls[:, :0], controls):
        mine = fit_each(X, extra, labels)
        for k in range(3):
            design = np.column_stack([X[:, k], extra])
            model = sm.GLM(y, design, family=sm.families.Binomial())
            oracle = model.fit(
                cov_type="cluster",
                cov_kwds={"groups": cluster, "use_correction": False},
                tol=1e-12,
            )
            g = len(np.unique(cluster))
            assert mine.estimate[k] == pytest.approx(oracle.params[0], rel=1e-7)
            error = oracle.bse[0] * np.sqrt(g / (g - 1))
            assert mine.std_error[k] == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("controls", [0, 1, 2, 4])
def test_sparse_factors_equal_those_in_full(controls):
    rng = np.random.default_rng(controls)
    n, P = 900, 12
    X = (rng.random((n, P)) < 0.05) * rng.choice([-1.0, 1.0, 3.0], size=(n, P))
    extra = rng.normal(size=(n, controls))
    y = (rng.random(n) < 1 / (1 + np.exp(-X[:, 0] - extra.sum(axis=1)))) * 1.0
    X[:, 1] = X[:, 1] * 0.0
    X[:, 2] = np.where(X[:, 2] != 0, 2 * y - 1, 0.0)  # separates
    if controls:
        X[:, 3] = 2.0 * extra[:, 0]
        # what moves the weight of a control by much
        X[:, 4] = np.where(rng.random(n) < 0.4, extra[:, 0] + 0.2 * rng.normal(size=n), 0.0)
    labels = Labels(rng.choice([1.0, 2.0], n), y, np.sort(rng.integers(0, 200, n)))
    labels = replace(labels, votes=labels.weight * y)
    full = fit_each(X, extra, labels, keep_influence=True)
    few = fit_each(sparse.csc_array(X), extra, labels, keep_influence=True)
    np.testing.assert_allclose(few.estimate, full.estimate, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(few.std_error, full.std_error, rtol=1e-6)
    np.testing.assert_allclose(few.influence, full.influence, atol=1e-7)
    assert np.array_equal(few.varies, full.varies)
    assert np.isnan(few.estimate[[1, 2]]).all()


def test_columns_that_pandas_holds_sparse_give_the_same_screening():
    data = planted({"people": SPARSE}, n=600, clusters=200)
    names = data.factor_names
    rare = data.factors[names].where(data.factors[names].abs() > 1.8, 0.0)
    held = rare.astype(pd.SparseDtype("float64", 0.0))
    one, other = (
        screen(
            replace(data, factors=data.factors.assign(**{k: t[k] for k in names})), control=["f5"]
        )
        for t in (rare, held)
    )
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())


@pytest.mark.parametrize("method", ["univariate", "l1"])
def test_a_planted_sparse_truth_is_found(method):
    data = planted({"people": SPARSE}, n=3000, clusters=1000)
    found = screen(data, control=None, method=method, resamples=8)
    assert {"f0", "f1", "f2"} <= set(found.selected)
    table = _table(found)
    assert (table.loc[["f0", "f1", "f2"], "stability"] == 1).all()
    assert (table.loc[["f0", "f1", "f2"], "q_value"] < 0.01).all()
    assert np.sign(table.loc[["f0", "f1", "f2"], "estimate"]).tolist() == [1, -1, 1]
    others = table.drop(index=["f0", "f1", "f2"])
    assert (others["q_value"] < 0.05).sum() <= 1
    assert others["stability"].mean() < 0.4
    joint = found.joint.set_index("model").loc["selected and controls"]
    assert joint["auc_low"] > 0.6


@pytest.mark.slow
def test_false_discoveries_are_as_rare_as_promised():
    wrong, null = [], []
    for seed in range(30):
        data = planted({"people": SPARSE[:20]}, n=600, clusters=300, seed=seed)
        table = _table(screen(data, control=None, resamples=0, seed=seed))
        called = table.index[table["q_value"] <= 0.05]
        wrong.append(np.mean([t not in ("f0", "f1", "f2") for t in called]) if len(called) else 0)
        labels = data.labels.assign(
            preference=np.random.default_rng(seed).integers(0, 2, 600).astype(float)
        )
        table = _table(screen(replace(data, labels=labels), control=None, resamples=0, seed=seed))
        null.append((table["q_value"] <= 0.05).any())
    assert np.mean(wrong) <= 0.07
    assert np.mean(null) <= 0.12


@pytest.mark.slow
def test_held_out_weights_are_not_inflated_by_the_selection():
    train, held_out = [], []
    for seed in range(30):
        data = planted({"people": [0.15] * 30}, n=600, seed=seed)
        table = _table(screen(data, control=None, resamples=0, seed=seed))
        strongest = table.iloc[:3]
        train.append(strongest["train_estimate"].mean())
        held_out.append(strongest["estimate"].mean())
    # alone, a factor's weight is below 0.15: the others are noise beside it
    large = planted({"people": [0.15] * 30}, n=20_000)
    truth = screen(large, control=None, resamples=0).to_frame()["estimate"].mean()
    assert abs(np.mean(held_out) - truth) < 3 * np.std(held_out) / np.sqrt(len(held_out))
    assert np.mean(train) > 1.5 * truth


@pytest.mark.parametrize("method", ["univariate", "l1"])
def test_a_factor_that_only_follows_length_is_gone_when_adjusted(method):
    data = planted({"people": [0.8]}, n=3000, seed=2)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"words": data.factors["f0"]})
    frame["echo"] = frame["words"] + 0.5 * rng.normal(size=3000)
    for k in range(8):
        frame[f"noise{k}"] = rng.normal(size=3000)
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), {})
    names = [c for c in frame if c != "words"]
    found = screen(data, factors=names, method=method, resamples=4)
    row = _table(found).loc["echo"]
    assert row["conf_low"] > 0.3
    assert row["adjusted_conf_low"] < 0 < row["adjusted_conf_high"]
    assert not row["selected"]
    assert "words" not in found.to_frame()["term"].tolist()
    joint = found.joint.set_index("model")["auc"]
    assert joint["controls"] == pytest.approx(joint["selected and controls"], abs=0.02)


def test_halves_share_no_cluster_and_counts_add_up():
    data = planted({"people": SPARSE[:6]}, n=500, clusters=50)
    found = screen(data, control=None, train_share=0.6, resamples=3)
    table = found.to_frame()
    assert set(TIDY) < set(table.columns)
    assert (table["n"] + found.settings["n_train"] == 500).all()
    assert abs(found.settings["n_train"] - 300) < 30
    assert table["n_clusters"].iloc[0] < 50
    assert any("held-out clusters" in text for text in found.warnings)
    assert table["q_value"].notna().tolist() == table["selected"].tolist()
    assert f"n = {table['n'].iloc[0]}" in found.summary()
    assert found.plot().layout
    assert set(found.to_dict()["tables"]) == {"estimates", "joint", "exclusions"}


def test_position_joins_the_controls_and_ties_count_half():
    data = planted({"people": [0.5, 0.0]}, n=800, position=0.7)
    tied = data.labels["preference"].where(np.arange(800) % 9 > 0, 0.5)
    found = screen(
        replace(data, labels=data.labels.assign(preference=tied)), control=None, resamples=0
    )
    assert found.settings["control"] == ["position"]
    assert "f0" in found.selected
    assert found.joint["n"].iloc[0] < found.to_frame()["n"].iloc[0]


def test_row_order_and_exchanged_sides_change_nothing():
    data = planted({"people": SPARSE[:8]}, n=600, clusters=200)
    rng = np.random.default_rng(0)
    rows, labels = rng.permutation(600), rng.permutation(600)
    mixed = replace(
        data,
        pairs=data.pairs.iloc[rows].reset_index(drop=True),
        factors=data.factors.iloc[rows].reset_index(drop=True),
        factor_values=data.factor_values.iloc[rows].reset_index(drop=True),
        labels=data.labels.iloc[labels].reset_index(drop=True),
    )
    factors = data.factors.copy()
    factors[data.factor_names] *= -1
    turned = data.labels.assign(preference=1 - data.labels["preference"])
    swapped = replace(data, factors=factors, labels=turned)
    columns = ["estimate", "std_error", "train_z", "stability"]
    one, two, three = (screen(d, control=None).to_frame() for d in (data, mixed, swapped))
    np.testing.assert_allclose(one[columns], two[columns], atol=1e-8)
    np.testing.assert_allclose(one[columns], three[columns], atol=1e-8)


def test_factors_without_a_weight_have_a_reason_and_the_rest_comes_out():
    data = planted({"people": [0.8, 0.0]}, n=400)
    sure = np.where(data.labels["preference"] > 0.5, 1.0, -1.0)
    frame = pd.DataFrame({"zero": np.zeros(400), "sure": sure, "copy": data.factors["f1"]})
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), {})
    table = _table(screen(data, control=["f1"], resamples=2))
    assert "0 on every" in table.loc["zero", "reason"]
    assert "separation" in table.loc["sure", "reason"]
    assert "controls" in table.loc["copy", "reason"] or "own" in table.loc["copy", "reason"]
    assert table.loc[["zero", "sure"], "estimate"].isna().all()
    assert table.loc["f0", "conf_low"] > 0


def test_one_sided_labels_and_no_discovery_are_said():
    data = planted({"people": [0.0, 0.0]}, n=300)
    found = screen(data, control=None, resamples=0)
    assert found.selected == []
    assert any("no factor was selected" in text for text in found.warnings)
    assert found.joint["reason"].tolist() == ["no factor was selected", "there are no controls"]
    one = replace(data, labels=data.labels.assign(preference=1.0))
    assert screen(one, control=None, method="l1", resamples=2).joint["auc"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"control": ("words",)}, "words"),
        ({"factors": ["f9"], "control": None}, "f9"),
        ({"factors": ["f0"], "control": ["f0"]}, "No factor to screen"),
        ({"method": "forest"}, "method"),
        ({"train_share": 1.0}, "train_share"),
        ({"level": 0.0}, "level"),
        ({"resamples": -1}, "resamples"),
    ],
)
def test_bad_options_say_what_is_expected(options, message):
    with pytest.raises(DesignError, match=message):
        screen(planted({"people": [0.5, 0.1]}, n=200), **options)


def test_an_annotator_can_be_chosen():
    data = planted({"judge": [0.9, 0.0], "people": [0.0, 0.9]}, n=1000)
    one = screen(data, annotator="judge", control=None, resamples=0)
    assert one.selected == ["f0"]
    assert wb.decompose(data, annotator="judge", folds=0).groups == ["judge"]


def test_the_joint_model_is_scored_label_by_label_where_people_disagree():
    # pairs on which all five agree are the easy ones: scoring only them would flatter the model
    one, five = ({f"p{k}": [0.5, -0.4, 0.0] for k in range(n)} for n in (1, 5))
    alone = screen(planted(one, n=4000), control=None, resamples=2).joint.iloc[0]
    pooled = screen(planted(five, n=4000), annotator="human", control=None, resamples=2)
    joint = pooled.joint.iloc[0]
    assert joint["n"] == pooled.to_frame()["n"].iloc[0]
    assert joint["auc"] == pytest.approx(alone["auc"], abs=0.03)
