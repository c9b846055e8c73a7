"""The verb: planted weights, invariances, ties, groups, and data that cannot be fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

import workbench as wb
from tests.planted import planted
from workbench.data.split import folds
from workbench.decompose import estimate
from workbench.results import TIDY

WEIGHTS = {"judge": [0.8, 0.0, -0.5], "people": [0.4, 0.3, 0.0]}


def _with(data, **columns):
    frame = pd.DataFrame(columns)
    return data.with_factors(frame, pd.DataFrame(index=frame.index), {})


def _swapped(data):
    """A and B exchanged everywhere."""
    pairs = data.pairs.rename(columns={"model_a": "model_b", "model_b": "model_a"})
    labels = data.labels.assign(
        preference=1 - data.labels["preference"],
        order_shown=data.labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
    )
    factors = data.factors.copy()
    factors[data.factor_names] *= -1
    return replace(data, pairs=pairs, labels=labels, factors=factors)


def test_frame_has_the_tidy_columns_and_a_method_for_every_number():
    table = wb.decompose(planted(WEIGHTS), folds=0).to_frame()
    assert set(TIDY) < set(table.columns)
    assert (table["n"] == 1000).all()
    assert table["method"].str.contains("cluster-robust").all()


def test_marginal_effects_equal_statsmodels():
    data = planted({"people": [0.5, -0.4]}, n=1500)
    row = wb.decompose(data, covariance="classical", folds=0).to_frame().iloc[:2]
    X = data.factors[["f0", "f1"]].to_numpy()
    oracle = sm.Logit(data.labels["preference"].to_numpy(), X).fit(disp=0, tol=1e-14)
    margins = oracle.get_margeff(at="overall")
    np.testing.assert_allclose(row["ame"], margins.margeff, rtol=1e-7)
    np.testing.assert_allclose(row["ame_std_error"], margins.margeff_se, rtol=1e-6)
    np.testing.assert_allclose(row["probability"], 1 / (1 + np.exp(-oracle.params)), rtol=1e-8)


def test_swapping_a_and_b_changes_nothing():
    # differences, verdicts and slots all flip, so every weight stays, position included
    data = planted(WEIGHTS, position=0.3, clusters=300)
    one = wb.decompose(data, folds=0).to_frame()
    two = wb.decompose(_swapped(data), folds=0).to_frame()
    columns = ["estimate", "std_error", "p_value", "ame"]
    np.testing.assert_allclose(one[columns], two[columns], rtol=1e-7, atol=1e-12)


def test_swapping_only_the_responses_flips_every_sign():
    data = planted(WEIGHTS, position=0.3, clusters=300)
    flipped = replace(data, labels=data.labels.assign(preference=1 - data.labels["preference"]))
    one = wb.decompose(data, folds=0).to_frame()
    two = wb.decompose(flipped, folds=0).to_frame()
    np.testing.assert_allclose(one["estimate"], -two["estimate"], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(one["std_error"], two["std_error"], rtol=1e-7)


def test_row_order_and_names_change_nothing():
    data = planted(WEIGHTS, position=0.3, clusters=300)
    rng = np.random.default_rng(0)
    rows, labels = rng.permutation(len(data.pairs)), rng.permutation(len(data.labels))
    mixed = replace(
        data,
        pairs=data.pairs.iloc[rows].reset_index(drop=True),
        factors=data.factors.iloc[rows].reset_index(drop=True),
        factor_values=data.factor_values.iloc[rows].reset_index(drop=True),
        labels=data.labels.iloc[labels].reset_index(drop=True),
    )
    renamed = replace(
        mixed, labels=mixed.labels.replace({"annotator": {"judge": "a-judge", "people": "folk"}})
    )
    one, two = wb.decompose(data), wb.decompose(renamed)
    columns = ["estimate", "std_error", "q_value"]
    np.testing.assert_allclose(one.to_frame()[columns], two.to_frame()[columns], rtol=1e-8)
    scores = ["accuracy", "auc", "log_loss", "brier", "accuracy_low"]
    np.testing.assert_allclose(one.held_out[scores], two.held_out[scores], rtol=1e-8)


def test_groups_are_fitted_as_if_alone():
    data = planted({f"judge{j}": [0.1 * j, 0.2, -0.3] for j in range(8)}, position=0.2)
    together = wb.decompose(data, folds=0)
    for name in ("judge0", "judge7"):
        alone = wb.decompose(data, annotator=name, folds=0).to_frame()
        both = together[name].to_frame()
        np.testing.assert_allclose(both["estimate"], alone["estimate"], rtol=1e-8)
        np.testing.assert_allclose(both["std_error"], alone["std_error"], rtol=1e-7)


def test_sparse_annotators_are_fitted_on_their_own_rows():
    data = planted({"people": [0.5, -0.2]}, n=2000)
    rng = np.random.default_rng(0)
    labels = data.labels.assign(annotator=[f"p{i}" for i in rng.integers(0, 10, 2000)])
    fits = wb.decompose(replace(data, labels=labels), folds=0)
    mine = labels["annotator"] == "p3"
    X = data.factors.loc[mine, ["f0", "f1"]].to_numpy()
    oracle = sm.Logit(labels.loc[mine, "preference"].to_numpy(), X).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(fits["p3"].to_frame()["estimate"][:2], oracle.params, atol=1e-8)
    assert fits.fits["p3"].n == mine.sum()


def test_by_kind_scenario_and_combinations():
    data = planted({"judge": [0.5], "ann": [0.2], "bob": [0.2]}, n=400)
    scenario = np.where(np.arange(400) % 2, "code", "chat")
    data = replace(data, pairs=data.pairs.assign(scenario=pd.Series(scenario, dtype="str")))
    assert wb.decompose(data, by="kind", folds=0).groups == ["human", "llm"]
    assert wb.decompose(data, by="scenario", folds=0).groups == ["chat", "code"]
    both = wb.decompose(data, by=["kind", "scenario"], folds=0)
    assert both.groups == ["human | chat", "human | code", "llm | chat", "llm | code"]
    pooled = wb.decompose(data, annotator="human", folds=0)
    assert pooled.groups == ["human"]
    assert pooled.fits["human"].n == 800
    assert pooled.fits["human"].n_clusters == 400
    assert wb.decompose(data, by=[], folds=0).groups == ["all"]


def test_several_people_on_a_pair_are_clustered_and_near_statsmodels():
    data = planted({"ann": [0.5, 0.1], "bob": [0.5, 0.1], "cy": [0.5, 0.1]}, n=300, clusters=100)
    for covariance in ("cluster", "HC1"):
        fit = wb.decompose(data, by="kind", covariance=covariance, folds=0).to_frame()
        X = data.factors[["f0", "f1"]].to_numpy()[data.pair_rows]
        codes = pd.factorize(data.pairs["cluster"])[0][data.pair_rows]
        model = sm.GLM(data.labels["preference"].to_numpy(), X, family=sm.families.Binomial())
        extra = {"groups": codes} if covariance == "cluster" else None
        oracle = model.fit(cov_type=covariance, cov_kwds=extra, tol=1e-14)
        np.testing.assert_allclose(fit["estimate"][:2], oracle.params, atol=1e-8)
        # statsmodels leaves out HC1's own factor n / (n - k) on a GLM; we keep to the definition
        factor = np.sqrt(900 / 898) if covariance == "HC1" else 1.0
        # its clustered errors are CR1, without leverage (tests/decompose/test_robust.py has CR2)
        near = 0.02 if covariance == "cluster" else 1e-8
        np.testing.assert_allclose(fit["std_error"][:2], oracle.bse * factor, rtol=near)


def test_vote_shares_with_weights_equal_single_votes_under_cluster_errors():
    rng = np.random.default_rng(0)
    n, votes = 300, 10
    x = rng.normal(size=n)
    for_a = rng.binomial(votes, 1 / (1 + np.exp(-x)))
    pairs = pd.DataFrame({"item": np.arange(n)})
    shares = pd.DataFrame(
        {"pair": range(n), "annotator": "c", "preference": for_a / votes, "weight": float(votes)}
    )
    single = pd.DataFrame(
        {
            "pair": np.repeat(range(n), votes),
            "annotator": "c",
            "preference": (np.tile(range(votes), n) < np.repeat(for_a, votes)).astype(float),
        }
    )
    fits = [
        wb.decompose(_with(wb.PreferenceData.from_tables(pairs, labels), x=x), folds=0).to_frame()
        for labels in (shares, single)
    ]
    np.testing.assert_allclose(fits[0]["estimate"][0], fits[1]["estimate"][0], atol=1e-10)
    # only the small-sample factor differs: it counts label rows
    ratio = fits[0]["std_error"][0] / fits[1]["std_error"][0]
    assert ratio == pytest.approx(np.sqrt((299 / 299) / (2999 / 2999)), abs=1e-9)


def test_ties_half_or_dropped_and_each_left_out_label_is_counted():
    data = planted({"people": [0.5]}, n=200)
    preference = data.labels["preference"].copy()
    preference[:20], preference[20:30], preference[30:35] = 0.5, 0.5, np.nan
    reason = pd.Series([None] * 200, dtype="str")
    reason[:20], reason[20:30], reason[30:35] = "tie", "both_bad", "failed"
    data = replace(data, labels=data.labels.assign(preference=preference, reason=reason))
    half, drop = wb.decompose(data, folds=0), wb.decompose(data, ties="drop", folds=0)
    assert half.fits["people"].n == 195
    assert drop.fits["people"].n == 165
    counts = drop.exclusions.set_index("reason")["n"].to_dict()
    assert counts == {"both_bad": 10, "failed": 5, "tie": 20}
    x, y = data.factors["f0"].to_numpy(), preference.to_numpy()
    kept = ~np.isnan(y)
    oracle = sm.GLM(y[kept], x[kept], family=sm.families.Binomial()).fit(tol=1e-14)
    assert half.to_frame()["estimate"][0] == pytest.approx(oracle.params[0], abs=1e-8)


def test_held_out_scores_equal_scikit_learn_on_the_same_predictions():
    data = planted({"people": [1.0, -0.5]}, n=600, clusters=200)
    fits = wb.decompose(data, folds=3)
    row = fits.held_out.set_index("predictor").loc["factors"]
    X, y = data.factors[["f0", "f1"]].to_numpy(), data.labels["preference"].to_numpy()
    names = sorted(data.pairs["cluster"].unique())
    fold_of = dict(zip(names, folds(names, 3, seed=0), strict=True))
    fold = data.pairs["cluster"].map(fold_of).to_numpy()
    p = np.empty(600)
    for f in range(3):
        model = sm.Logit(y[fold != f], X[fold != f]).fit(disp=0, tol=1e-14)
        p[fold == f] = model.predict(X[fold == f])
    assert row["accuracy"] == pytest.approx(((p > 0.5) == y).mean())
    assert row["auc"] == pytest.approx(roc_auc_score(y, p))
    assert row["log_loss"] == pytest.approx(log_loss(y, p), abs=1e-8)
    assert row["brier"] == pytest.approx(brier_score_loss(y, p), abs=1e-8)
    assert row["n"] == 600
    assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]


def test_a_group_whose_training_folds_are_empty_has_no_held_out_score():
    data = planted({"people": [1.0]}, n=200, clusters=40)
    lonely = data.pairs["cluster"] == data.pairs["cluster"].iloc[0]
    scenario = pd.Series(np.where(lonely, "one prompt", "rest"), dtype="str")
    fits = wb.decompose(replace(data, pairs=data.pairs.assign(scenario=scenario)), by="scenario")
    row = fits.held_out.set_index(["group", "predictor"]).loc[("one prompt", "factors")]
    assert np.isnan(row["accuracy"])
    assert "training fold" in row["reason"] or "no weight" in row["reason"]


def test_a_factor_that_varies_only_in_the_test_fold_does_not_leak():
    data = planted({"people": [0.0]}, n=100)
    names = sorted(data.pairs["cluster"].unique())
    fold = data.pairs["cluster"].map(dict(zip(names, folds(names, 2, seed=0), strict=True)))
    y = data.labels["preference"].to_numpy()
    # right for three of four labels of one fold, 0 in the other: its weight is no use there
    leak = np.where(fold == 0, np.where(np.arange(100) % 4 == 0, -1, 1) * (2 * y - 1), 0.0)
    fits = wb.decompose(_with(data, leak=leak), factors=["leak"], folds=2)
    row = fits.held_out.set_index("predictor").loc["factors"]
    assert row["log_loss"] == pytest.approx(np.log(2), abs=1e-9)


def test_first_position_baseline_sees_a_judge_that_only_looks_at_the_slot():
    data = planted({"judge": [0.0]}, n=2000, position=1.5)
    table = wb.decompose(data).held_out.set_index("predictor")
    assert table.loc["first position", "accuracy"] == pytest.approx(
        1 / (1 + np.exp(-1.5)), abs=0.04
    )
    assert "no response length" in table.loc["longer", "reason"]
    assert abs(table.loc["majority", "accuracy"] - 0.5) < 0.06


def test_the_gain_over_a_baseline_is_a_paired_difference():
    data = planted({"judge": [1.0]}, n=2000, clusters=300, position=0.6)
    table = wb.decompose(data).held_out.set_index("predictor")
    own, rest = table.loc["factors"], table.drop(index="factors").dropna(subset="accuracy")
    # every pair is labelled and no rule abstains here, so the means subtract exactly
    np.testing.assert_allclose(rest["gain"], own["accuracy"] - rest["accuracy"], atol=1e-12)
    assert np.isnan(own["gain"])
    paired = rest.loc["first position", "gain_high"] - rest.loc["first position", "gain_low"]
    slot = rest.loc["first position", "accuracy_high"] - rest.loc["first position", "accuracy_low"]
    # labels that both get right cancel: sharper than two independent intervals
    apart = np.hypot(own["accuracy_high"] - own["accuracy_low"], slot)
    assert 0 < paired < apart


def test_constant_zero_collinear_and_separating_columns_get_a_reason_not_a_weight():
    data = planted({"people": [0.8]}, n=400)
    y = data.labels["preference"].to_numpy()
    f0 = data.factors["f0"].to_numpy()
    data = _with(
        data,
        zero=np.zeros(400),
        constant=np.full(400, 2.5),
        twice=2 * f0,
        leak=np.where(np.arange(400) < 25, 2 * y - 1, 0.0),
    )
    table = wb.decompose(data, folds=0).to_frame().set_index("term")
    assert "0 on every" in table.loc["zero", "reason"]
    assert "constant: 2.5" in table.loc["constant", "reason"]
    assert "linear combination of f0" in table.loc["twice", "reason"]
    assert "separation" in table.loc["leak", "reason"]
    assert "unknown" in table.loc["position", "reason"]
    undefined = table.loc[["zero", "constant", "twice", "leak"]]
    assert undefined[["estimate", "std_error", "p_value", "q_value"]].isna().all().all()
    # the limit of the likelihood: the other weights come from the undecided labels
    oracle = sm.Logit(y[25:], f0[25:]).fit(disp=0, tol=1e-14)
    assert table.loc["f0", "estimate"] == pytest.approx(oracle.params[0], abs=1e-8)


def test_complete_separation_gives_no_weight_at_all():
    data = planted({"people": [0.8, 0.0]}, n=200)
    data = _with(data, leak=2 * data.labels["preference"].to_numpy() - 1)
    table = wb.decompose(data, folds=0).to_frame()
    assert table["estimate"].isna().all()
    assert table["reason"].notna().all()


def test_steep_but_not_separated_labels_keep_their_weight():
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=300), 60.0, -55.0]
    y = (x + 0.8 * rng.logistic(size=302) > 0).astype(float)
    pairs = pd.DataFrame({"item": np.arange(302)})
    labels = pd.DataFrame({"pair": range(302), "annotator": "p", "preference": y})
    fit = wb.decompose(_with(wb.PreferenceData.from_tables(pairs, labels), x=x), folds=0)
    oracle = sm.Logit(y, x).fit(disp=0, tol=1e-14)
    assert fit.to_frame()["estimate"][0] == pytest.approx(oracle.params[0], rel=1e-7)


def test_near_collinear_factors_are_named():
    data = planted({"people": [0.5, 0.1]}, n=500)
    rng = np.random.default_rng(0)
    data = _with(data, copy=data.factors["f0"].to_numpy() + 0.01 * rng.normal(size=500))
    fit = wb.decompose(data, folds=0)
    assert "collinear factors f0, copy" in " ".join(fit.warnings)
    vif = fit.to_frame().set_index("term")["vif"]
    x = data.factors[["f0", "f1", "copy"]].to_numpy()
    residual = sm.OLS(x[:, 0], x[:, 1:]).fit()
    assert vif["f0"] == pytest.approx(1 / (1 - residual.rsquared), rel=1e-6)
    assert vif["f1"] < 1.1


def test_position_is_estimated_when_a_was_always_first():
    data = planted({"judge": [0.5]}, n=800)
    data = replace(data, labels=data.labels.assign(order_shown="ab"))
    y, x = data.labels["preference"].to_numpy(), data.factors["f0"].to_numpy()
    oracle = sm.Logit(y, np.column_stack([x, np.ones(800)])).fit(disp=0, tol=1e-14)
    table = wb.decompose(data, folds=0).to_frame()
    np.testing.assert_allclose(table["estimate"], oracle.params, atol=1e-8)


def test_too_few_labels_and_missing_factor_values():
    data = planted({"people": [0.5, 0.1, 0.2]}, n=60)
    small = replace(data, labels=data.labels.iloc[:3].reset_index(drop=True))
    table = wb.decompose(small, folds=0).to_frame()
    assert table["estimate"].isna().all()
    assert table["reason"].str.contains("too few")[:3].all()
    factors = data.factors.copy()
    factors.loc[:9, "f1"] = np.nan
    fit = wb.decompose(replace(data, factors=factors), folds=0)
    assert fit.fits["people"].n == 50
    assert fit.exclusions.to_dict("records") == [
        {"group": "people", "reason": "missing factor value", "n": 10}
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"factors": ["nope"]}, "no factor 'nope'"),
        ({"by": "nope"}, "Cannot group by 'nope'"),
        ({"annotator": "nope"}, "no annotator 'nope'"),
        ({"covariance": "HC3"}, "covariance is out of range"),
        ({"ties": "keep"}, "treatment of ties"),
        ({"folds": 1}, "folds is out of range"),
        ({"level": 95}, "level is out of range"),
    ],
)
def test_bad_options_say_what_to_do(options, words):
    with pytest.raises(wb.WorkbenchError) as caught:
        wb.decompose(planted({"people": [0.5]}, n=50), **options)
    assert words in str(caught.value)
    assert caught.value.fix
    assert caught.value.found


def test_no_factors_and_no_usable_label():
    pairs = pd.DataFrame({"item": range(3)})
    labels = pd.DataFrame({"pair": range(3), "annotator": "p", "preference": [np.nan] * 3})
    data = wb.PreferenceData.from_tables(pairs, labels)
    with pytest.raises(wb.DesignError, match="no factors"):
        wb.decompose(data)
    with pytest.raises(wb.DesignError, match="3 failed"):
        wb.decompose(_with(data, x=np.arange(3.0)))


def test_results_carry_settings_provenance_and_json():
    fit = wb.decompose(planted(WEIGHTS), folds=2, seed=7)
    record = fit.to_dict()
    assert record["provenance"]["seed"] == 7
    assert len(record["provenance"]["dataset"]) == 32
    assert record["settings"]["codings"]["f0"] == {"transform": "difference"}
    assert {"estimates", "held_out", "diagnostics", "exclusions"} == set(record["tables"])
    assert "clusters = 1,000" in fit.summary()
    assert "&lt;" not in fit._repr_html_() or "<script" not in fit._repr_html_()


def test_rare_factors_that_separate_are_found_by_sign_as_by_the_linear_program(monkeypatch):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(900, 5))
    x[:, 3:] = (rng.random((900, 2)) < 0.02) * rng.choice([-1.0, 1.0], size=(900, 2))
    # a tie where the last factor differs: it separates nothing in the first group
    votes = (rng.random(900) < 1 / (1 + np.exp(-x @ [0.5, -0.3, 0.0, 1.0, 1.0]))) * 1.0
    votes[np.flatnonzero((x[:, 4] != 0) & (np.arange(900) % 9 == 0))[0]] = 0.5
    labels = pd.DataFrame({"pair": np.arange(900), "annotator": "a", "preference": votes})
    pairs = pd.DataFrame({"item": np.arange(900), "scenario": [f"s{k % 9}" for k in range(900)]})
    factors = pd.DataFrame(x, columns=list("abcde"))
    data = wb.PreferenceData.from_tables(pairs, labels)
    data = data.with_factors(factors, pd.DataFrame(index=factors.index), {})
    quick = wb.decompose(data, by="scenario", folds=0).to_frame()
    assert quick["reason"].eq("separation: its weight is infinite").sum() > 5
    nothing = np.zeros(6, dtype=bool), np.zeros(0, dtype=bool)
    monkeypatch.setattr(estimate, "separation_by_sign", lambda *_: nothing)
    slow = wb.decompose(data, by="scenario", folds=0).to_frame()
    pd.testing.assert_frame_equal(quick, slow, rtol=1e-9, atol=1e-12)
