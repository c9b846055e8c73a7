"""Differences of weights: against stacked regressions, simulation and hand calculations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import workbench as wb
from tests.planted import planted


def test_equals_one_stacked_regression_with_interactions():
    # both annotators' labels in one GLM with factor x annotator terms, clustered by prompt
    data = planted({"judge": [0.8, 0.1], "people": [0.4, 0.3]}, n=800, clusters=200)
    gap = wb.contrast(wb.decompose(data, folds=0), "people").raw.iloc[:2]
    labels = data.labels
    x = data.factors[["f0", "f1"]].to_numpy()[data.pair_rows]
    judge = (labels["annotator"] == "judge").to_numpy()[:, None]
    stacked = np.hstack([x, x * judge])
    codes = pd.factorize(data.pairs["cluster"])[0][data.pair_rows]
    model = sm.GLM(labels["preference"].to_numpy(), stacked, family=sm.families.Binomial())
    oracle = model.fit(cov_type="cluster", cov_kwds={"groups": codes}, tol=1e-14)
    np.testing.assert_allclose(gap["estimate"], oracle.params[2:], atol=1e-8)
    # the stacked fit has CR1 errors, without the leverage of each cluster: near to CR2 here
    np.testing.assert_allclose(gap["std_error"], oracle.bse[2:], rtol=0.02)


def test_shared_pairs_make_the_difference_sharper_than_independence_would():
    data = planted({"judge": [0.6, 0.0]}, n=600, clusters=200)
    flip = np.random.default_rng(0).random(600) < 0.05
    other = data.labels.assign(annotator="people", kind="human")
    other["preference"] = np.where(flip, 1 - other["preference"], other["preference"])
    labels = pd.concat([data.labels, other], ignore_index=True)
    fits = wb.decompose(replace(data, labels=labels), folds=0)
    gap = wb.contrast(fits, "people").raw.iloc[:2]
    table = fits.to_frame().set_index(["group", "term"])["std_error"]
    apart = [np.hypot(table["judge", t], table["people", t]) for t in ("f0", "f1")]
    assert (gap["std_error"].to_numpy() < 0.6 * np.array(apart)).all()


def test_two_decompositions_of_two_data_sets_give_the_same_as_one():
    data = planted({"judge": [0.8, 0.1], "people": [0.4, 0.3]}, n=500, clusters=150)
    one = wb.contrast(wb.decompose(data, folds=0), "people")
    # the people labelled only a part of the pairs, held in another object in another order
    shuffled = data.filter(annotators=["people"])
    order = np.random.default_rng(0).permutation(500)
    shuffled = replace(
        shuffled,
        pairs=shuffled.pairs.iloc[order].reset_index(drop=True),
        factors=shuffled.factors.iloc[order].reset_index(drop=True),
        factor_values=shuffled.factor_values.iloc[order].reset_index(drop=True),
    )
    judge = wb.decompose(data, annotator="judge", folds=0)
    two = wb.contrast(judge, wb.decompose(shuffled, folds=0))
    columns = ["estimate", "std_error", "q_value", "n", "n_shared"]
    np.testing.assert_allclose(one.to_frame()[columns], two.to_frame()[columns], rtol=1e-8)
    numbers = ["n", "agreement", "agreement_low", "kappa", "kappa_high"]
    np.testing.assert_allclose(one.agreement[numbers], two.agreement[numbers])
    np.testing.assert_allclose(one.wald["statistic"], two.wald["statistic"], rtol=1e-8)


def test_wald_test_and_q_values():
    same = planted({"judge": [0.5, -0.3, 0.0], "people": [0.5, -0.3, 0.0]}, n=3000, seed=3)
    apart = planted({"judge": [0.9, -0.3, 0.0], "people": [0.2, -0.3, 0.0]}, n=3000, seed=3)
    for data, differs in ((same, False), (apart, True)):
        gap = wb.contrast(wb.decompose(data, folds=0), "people")
        assert (gap.wald["p_value"][0] < 0.001) == differs
        assert gap.wald["df"][0] == 3
        assert (gap.scale["proportional_p"][0] < 0.001) == differs
        # one of three weights is most of the taste: which of them differs is told by raw ones
        table = gap.raw.set_index("term")
        assert (table.loc["f0", "q_value"] < 0.001) == differs
        assert (table["q_value"].dropna() >= table["p_value"].dropna()).all()


def test_wald_statistic_is_the_squared_z_with_one_factor():
    data = planted({"judge": [0.9], "people": [0.2]}, n=300)
    gap = wb.contrast(wb.decompose(data, folds=0), "people")
    row = gap.raw.iloc[0]
    assert gap.wald["statistic"][0] == pytest.approx((row["estimate"] / row["std_error"]) ** 2)
    assert gap.wald["p_value"][0] == pytest.approx(row["p_value"], rel=1e-9)


def test_type_one_error_and_coverage_of_the_difference():
    # both annotators see the same pairs and share a noise of their own: dependence is real
    rng = np.random.default_rng(5)
    covered, rejected, runs = 0, 0, 300
    for run in range(runs):
        data = planted({"judge": [0.6, 0.2]}, n=300, clusters=80, seed=1000 + run)
        labels = data.labels
        copy = rng.random(300) < 0.5
        x = data.factors[["f0", "f1"]].to_numpy()
        fresh = (rng.random(300) < 1 / (1 + np.exp(-x @ [0.6, 0.2]))).astype(float)
        people = labels.assign(
            annotator="people", preference=np.where(copy, labels["preference"], fresh)
        )
        both = replace(data, labels=pd.concat([labels, people], ignore_index=True))
        row = wb.contrast(wb.decompose(both, folds=0), "people").raw.iloc[0]
        covered += row["conf_low"] <= 0 <= row["conf_high"]
        rejected += row["p_value"] < 0.05
    # binomial noise of 300 runs at 95 %: +- 2.5 points
    assert 0.925 <= covered / runs <= 0.98
    assert covered + rejected == runs


def test_ties_are_counted_apart_from_agreement():
    data = planted({"judge": [0.5], "people": [0.5]}, n=100)
    labels = data.labels.copy()
    labels.loc[:9, "preference"] = 0.5
    gap = wb.contrast(wb.decompose(replace(data, labels=labels), folds=0), "people")
    assert gap.agreement["n"][0] == 90
    assert gap.agreement["n_tied"][0] == 10


def test_undefined_weights_give_undefined_differences_with_both_reasons():
    data = planted({"judge": [0.5, 0.1], "people": [0.5, 0.1]}, n=100)
    frame = pd.DataFrame({"zero": np.zeros(100)})
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), {})
    table = wb.contrast(wb.decompose(data, folds=0), "people").to_frame().set_index("term")
    assert np.isnan(table.loc["zero", "estimate"])
    assert "judge: the difference is 0" in table.loc["zero", "reason"]
    assert "people: the difference is 0" in table.loc["zero", "reason"]


def test_an_annotator_against_a_copy_of_itself_has_no_test():
    data = planted({"judge": [0.5, -0.4, 0.3]}, n=300)
    twin = data.labels.assign(annotator="twin")
    labels = pd.concat([data.labels, twin], ignore_index=True)
    gap = wb.contrast(wb.decompose(replace(data, labels=labels), folds=0), "twin")
    assert (gap.raw["estimate"][:3] == 0).all()
    assert np.isnan(gap.raw["p_value"][:3]).all()
    assert gap.to_frame()["estimate"].isna().all()
    assert "same labels" in gap.scale["reason"][0]
    assert "same labels" in gap.wald["reason"][0]
    assert gap.agreement["agreement"][0] == 1


def test_fits_that_cannot_be_compared_are_refused():
    data = planted({"judge": [0.5, 0.1], "people": [0.5, 0.1]}, n=100)
    fits = wb.decompose(data, folds=0)
    few = wb.decompose(data, factors=["f0"], folds=0)
    with pytest.raises(wb.DesignError, match="different factors"):
        wb.contrast(fits["judge"], few["people"])
    with pytest.raises(wb.DesignError, match="must be one group"):
        wb.contrast(fits, few)
    with pytest.raises(wb.DesignError, match="nothing to compare"):
        wb.contrast(fits["judge"], fits["judge"])
    rescaled = replace(data, factor_specs={"f0": {"coding": {"scale": 2}}})
    with pytest.raises(wb.DesignError, match="different codings"):
        wb.contrast(fits["judge"], wb.decompose(rescaled, folds=0)["people"])


def test_a_judge_whose_labels_are_all_separated_is_undefined_and_raises_nothing():
    data = planted({"judge": [0.5, 0.1, 0.2], "people": [0.5, 0.1, 0.2]}, n=200)
    labels = data.labels.copy()
    own = labels["annotator"].eq("judge")
    sign = (data.factors["f0"].to_numpy()[data.pair_rows] > 0).astype(float)
    labels["preference"] = np.where(own, sign, labels["preference"])
    gap = wb.contrast(wb.decompose(replace(data, labels=labels), folds=0), "people")
    assert gap.to_frame()["estimate"].isna().all()
    assert "separation" in gap.to_frame()["reason"][0]
    assert gap.wald["reason"].notna().all()
    assert gap.scale["reason"].notna().all()
    assert gap.agreement["n"][0] == 200


@pytest.mark.parametrize("covariance", ["HC1", "classical"])
def test_joint_errors_are_over_clusters_whatever_those_of_the_fits(covariance):
    data = planted({"judge": [0.5, 0.1, 0.2], "people": [0.5, 0.1, 0.2]}, n=300, clusters=60)
    plain = wb.contrast(wb.decompose(data, folds=0), "people").raw["std_error"]
    fits = wb.decompose(data, covariance=covariance, folds=0)
    other = wb.contrast(fits, "people")
    assert wb.report([fits, other]).html()
    np.testing.assert_allclose(other.raw["std_error"], plain, rtol=1e-9)


def test_a_judge_of_ties_only_and_labels_of_one_cluster_have_reasons():
    data = planted({"judge": [0.5, 0.1, 0.2], "people": [0.5, 0.1, 0.2]}, n=200)
    labels = data.labels.copy()
    own = labels["annotator"].eq("judge")
    tied = replace(data, labels=labels.assign(preference=labels["preference"].mask(own, 0.5)))
    one = replace(data, pairs=data.pairs.assign(cluster="x"))
    for case in (tied, one):
        fits = wb.decompose(case, folds=0)
        gap = wb.contrast(fits, "people")
        for table in (fits.to_frame(), gap.to_frame(), gap.raw):
            assert (table["p_value"].notna() | table["reason"].notna()).all()
            assert (table["std_error"].dropna() > 0).all()
        assert wb.check_fit(fits, folds=0).summary()
        assert wb.report([fits, gap]).html()
