"""Attribution of predictions: shares, intervals, the worst pairs and disagreements."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.data.dataset import PreferenceData
from workbench.decompose.weights import Weights
from workbench.errors import DesignError
from workbench.explain.attribution import attribute
from workbench.explain.hard_pairs import disagreements, most_wrong
from workbench.explain.shapley import probability_shares
from workbench.results import TIDY

WEIGHTS = {"judge": [1.0, -0.5, 0.3], "person": [0.2, 0.8, -0.6]}


@pytest.fixture(scope="module")
def data():
    return planted(WEIGHTS, n=600, clusters=200, position=0.4)


@pytest.fixture(scope="module")
def fit(data):
    return wb.decompose(data, folds=4)


def _expit(x):
    return 1 / (1 + np.exp(-np.asarray(x, dtype=float)))


def test_logit_shares_are_weight_times_difference(data, fit):
    found = attribute(fit, group="judge", scale="logit")
    frame = found.to_frame()
    assert [c for c in frame if c in TIDY] == list(TIDY)
    coef = fit.fits["judge"].coef
    x = data.factors.set_index("pair_id").loc[found.pairs["pair_id"]].to_numpy()
    np.testing.assert_allclose(found.shares[:, :3], x * coef[:3], rtol=1e-12)
    np.testing.assert_allclose(np.abs(found.shares[:, 3]), abs(coef[3]), rtol=1e-12)
    error = np.sqrt(np.diag(fit.fits["judge"].covariance))
    np.testing.assert_allclose(
        frame["std_error"], frame["value"].abs() * error[frame["term"].map(fit.terms.index)]
    )
    assert (frame["n"] == 600).all()
    assert "delta method" in frame["method"].iloc[0]


@pytest.mark.parametrize("scale", ["logit", "probability"])
def test_shares_add_up_to_the_prediction(fit, scale):
    found = attribute(fit, group="person", scale=scale)
    goal = found.pairs["logit"] if scale == "logit" else found.pairs["prediction"] - 0.5
    np.testing.assert_allclose(found.shares.sum(axis=1), goal, atol=1e-10)
    np.testing.assert_allclose(found.pairs["prediction"], _expit(found.pairs["logit"]))
    inside = (found.pairs["prediction_low"] < found.pairs["prediction"]) & (
        found.pairs["prediction"] < found.pairs["prediction_high"]
    )
    assert inside.all()


def test_labels_of_the_group_stand_beside(data, fit):
    found = attribute(fit, group="judge").pairs.set_index("pair_id")
    own = data.labels[data.labels["annotator"] == "judge"].set_index("pair_id")
    pd.testing.assert_series_equal(
        found["label"], own["preference"].loc[found.index], check_names=False
    )
    assert (found["order_shown"] == own["order_shown"].loc[found.index]).all()
    assert (found["n_labels"] == 1).all()


def test_swapping_the_sides_changes_every_sign(data, fit):
    flipped = data.with_factors(
        -data.factors.drop(columns="pair_id"), pd.DataFrame(index=data.factors.index), {}
    )
    labels = data.labels.assign(
        preference=1 - data.labels["preference"],
        order_shown=data.labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
    )
    flipped = PreferenceData(data.pairs, labels, flipped.factors, flipped.factor_values)
    other = attribute(wb.decompose(flipped, folds=0), group="judge")
    found = attribute(fit, group="judge")
    np.testing.assert_allclose(other.shares, -found.shares, atol=1e-7)
    np.testing.assert_allclose(other.pairs["prediction"], 1 - found.pairs["prediction"], atol=1e-7)


def test_the_order_of_rows_changes_nothing(data, fit):
    rng = np.random.default_rng(0)
    at = rng.permutation(len(data.pairs))
    shuffled = PreferenceData(
        data.pairs.iloc[at].reset_index(drop=True),
        data.labels.sample(frac=1, random_state=1).reset_index(drop=True),
        data.factors.iloc[at].reset_index(drop=True),
        data.factor_values.iloc[at].reset_index(drop=True),
    )
    other = attribute(wb.decompose(shuffled, folds=0), group="judge")
    found = attribute(fit, group="judge")
    assert found.pairs["pair_id"].tolist() == other.pairs["pair_id"].tolist()
    np.testing.assert_allclose(found.shares, other.shares, atol=1e-8)


def test_asked_pairs_come_in_the_order_asked(data, fit):
    asked = data.pairs["pair_id"].iloc[[5, 2, 9]].tolist()
    found = attribute(fit, group="judge", pairs=asked)
    assert found.pairs["pair_id"].tolist() == asked
    whole = attribute(fit, group="judge")
    at = [whole.pairs["pair_id"].tolist().index(pair) for pair in asked]
    np.testing.assert_allclose(found.shares, whole.shares[at], atol=1e-12)


def _partly(data):
    """The person labelled only the first 400 pairs; pair 500 has a missing factor value."""
    first = set(data.pairs["pair_id"].iloc[:400])
    keep = data.labels["annotator"].eq("judge") | data.labels["pair_id"].isin(first)
    factors = data.factors.copy()
    factors.loc[500, "f1"] = np.nan
    labels = data.labels[keep].reset_index(drop=True)
    return PreferenceData(data.pairs, labels, factors, data.factor_values)


def test_a_pair_the_group_did_not_label_is_predicted_without_order(data):
    part = _partly(data)
    fit = wb.decompose(part, folds=0)
    unseen, lost = part.pairs["pair_id"].iloc[450], part.pairs["pair_id"].iloc[500]
    found = attribute(fit, group="person", pairs=[unseen, lost])
    row = found.pairs.iloc[0]
    x = part.factors.loc[450, ["f0", "f1", "f2"]].to_numpy(float)
    assert row["logit"] == pytest.approx(x @ fit.fits["person"].coef[:3])
    assert pd.isna(row["label"])
    assert row["n_labels"] == 0
    assert pd.isna(row["order_shown"])
    assert found.values[0, 3] == 0
    # and one that no fit can use says why
    assert np.isnan(found.shares[1, :3]).all()
    assert "factor value is missing" in found.pairs["reason"].iloc[1]
    assert found.to_frame()["reason"].notna().sum() > 0
    assert "factor value is missing" in found.summary()


def test_intervals_on_the_probability_scale_agree_with_draws(data, fit):
    """Delta method against the shares of normal draws of the weights."""
    asked = data.pairs["pair_id"].iloc[:8].tolist()
    found = attribute(fit, group="judge", pairs=asked)
    frame = found.to_frame()
    group = fit.fits["judge"]
    rng = np.random.default_rng(4)
    draws = rng.multivariate_normal(group.coef, group.covariance, 4000)
    for i in range(8):
        shares = probability_shares(draws * found.values[i])
        own = frame[frame["pair_id"] == asked[i]]
        np.testing.assert_allclose(own["std_error"], shares.std(axis=0), rtol=0.12, atol=1e-4)


def test_draws_of_the_fit_are_used_where_it_has_them(data, fit):
    rng = np.random.default_rng(5)
    values = fit.weights().values
    draws = values + rng.normal(size=(500, *values.shape)) * 0.1
    weights = Weights(
        fit.terms[:-1], fit.weights().keys, values, draws, fit.weights().n, "a posterior"
    )
    posterior = SimpleNamespace(
        design=fit.design, settings={}, provenance=fit.provenance, weights=lambda: weights
    )
    asked = data.pairs["pair_id"].iloc[:2].tolist()
    for scale in ("logit", "probability"):
        found = attribute(posterior, group="judge", pairs=asked, scale=scale)
        frame = found.to_frame()
        assert "percentiles of the draws" in found.method
        assert "a posterior" in found.method
        assert set(frame["term"]) == {"f0", "f1", "f2"}
        assert (
            (frame["conf_low"] < frame["estimate"]) & (frame["estimate"] < frame["conf_high"])
        ).all()
    logit = attribute(posterior, group="judge", pairs=asked, scale="logit")
    expected = np.quantile(draws[:, 0, :] * logit.values[0], [0.025, 0.975], axis=0)
    own = logit.to_frame().iloc[:3]
    assert logit.values.shape == (2, 3)
    np.testing.assert_allclose(own[["conf_low", "conf_high"]].T, expected, atol=1e-12)
    # too many pairs for draw by draw: their covariance
    many = attribute(posterior, group="judge")
    assert "delta method" in many.method


def test_a_posterior_is_attributed_with_its_draws_and_the_shown_order(data):
    from workbench.decompose.posterior import dissect

    posterior = dissect(data.filter(annotators=["judge"]), scale=1.0, folds=0)
    asked = data.pairs["pair_id"].iloc[:3].tolist()
    found = attribute(posterior, pairs=asked, scale="logit")
    frame = found.to_frame()
    assert set(frame["term"]) == {"f0", "f1", "f2", "position"}
    assert "percentiles of the draws" in found.method
    mean = posterior.draws[:, 0].mean(axis=0)
    np.testing.assert_allclose(found.shares, found.values * mean)
    assert most_wrong(posterior, n=3)["method"].str.startswith("in-sample").all()


def test_weights_without_errors_say_so(fit):
    bare = SimpleNamespace(
        design=fit.design, settings={}, provenance=fit.provenance, weights=fit.weights
    )
    found = attribute(bare, group="judge", scale="logit")
    assert "no interval" in found.method
    assert found.to_frame()["conf_low"].isna().all()


def test_an_undefined_weight_takes_no_part():
    data = planted({"judge": [1.0, -0.5]}, n=300)
    factors = data.factors.drop(columns="pair_id").assign(twice=lambda t: 2 * t["f0"])
    data = data.with_factors(factors, pd.DataFrame(index=factors.index), {})
    fit = wb.decompose(data, folds=0)
    gone = np.isnan(fit.fits["judge"].coef[:-1])
    assert gone.any()
    found = attribute(fit)
    assert np.isnan(found.shares[:, :-1][:, gone]).all()
    known = np.nansum(found.shares, axis=1)
    np.testing.assert_allclose(known, found.pairs["prediction"] - 0.5, atol=1e-10)
    frame = found.to_frame()
    assert frame.loc[frame["estimate"].isna(), "reason"].notna().all()
    assert "undefined" in found.summary()


def test_a_fit_without_any_weight_gives_no_prediction_and_says_so():
    fit = wb.decompose(planted({"judge": [1.0, -0.5]}, n=2), folds=0)
    found = attribute(fit)
    assert found.pairs["prediction"].isna().all()
    assert found.pairs["reason"].eq("no weight could be estimated").all()
    assert found.to_frame()["reason"].notna().all()
    assert most_wrong(fit).empty
    assert "undefined" in found.summary()
    assert found.plot(found.pairs["pair_id"][0]).data


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"group": "nobody"}, "There is no group 'nobody'"),
        ({}, "Name one group"),
        ({"group": "judge", "scale": "odds"}, "Unknown scale"),
        ({"group": "judge", "pairs": ["x"]}, "has no pair 'x'"),
        ({"group": "judge", "pairs": []}, "No pair was asked for"),
    ],
)
def test_bad_requests_say_what_to_do(fit, options, words):
    with pytest.raises(DesignError, match=words) as caught:
        attribute(fit, **options)
    assert caught.value.fix


def test_importance_is_the_mean_absolute_share(fit):
    found = attribute(fit, group="judge", scale="logit")
    table = found.importance.set_index("term")
    assert table.loc["f0", "estimate"] == pytest.approx(np.abs(found.shares[:, 0]).mean())
    assert (table["n"] == 600).all()
    assert found.tables().keys() == {"shares", "pairs", "importance"}


def test_a_plot_of_one_pair_and_of_many(data, fit):
    pair = data.pairs["pair_id"].iloc[3]
    found = attribute(fit, group="judge")
    one = found.plot(pair)
    assert one.data[0].type == "bar"
    end = one.data[0].base[-1] + one.data[0].x[-1]
    assert end == pytest.approx(found.pairs.set_index("pair_id").loc[pair, "prediction"])
    assert len(found.plot().data[0].x) == 4
    with pytest.raises(DesignError, match="not attributed"):
        found.plot("x")


def test_most_wrong_is_ranked_by_held_out_loss(data, fit):
    worst = most_wrong(fit, "judge", n=600)
    y, p = worst["label"], worst["prediction"]
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    np.testing.assert_allclose(worst["log_loss"], loss)
    assert worst["log_loss"].is_monotonic_decreasing
    # the held-out predictions are those that the fit's own scores are made of
    score = fit.held_out.query("group == 'judge' and predictor == 'factors'").iloc[0]
    assert worst["log_loss"].mean() == pytest.approx(score["log_loss"])
    assert worst["method"].iloc[0].startswith("held-out prediction, 4 folds")
    assert (worst["n"] == 600).all()


def test_the_blamed_factors_push_to_the_wrong_side(fit):
    worst = most_wrong(fit, "judge", n=10)
    wrong = np.sign(worst["fitted"] - worst["label"])
    assert (worst["share_1"] * wrong > 0).all()
    ordered = worst["share_1"].abs() >= worst["share_2"].fillna(0).abs()
    assert ordered.all()
    shares = attribute(fit, group="judge", pairs=worst["pair_id"].tolist())
    for i, row in worst.iterrows():
        at = fit.terms.index(row["factor_1"])
        assert row["share_1"] == pytest.approx(shares.shares[i, at])


def test_without_folds_the_worst_pairs_are_in_sample_and_named_so(data):
    worst = most_wrong(wb.decompose(data, folds=0), "judge", n=5)
    assert worst["method"].iloc[0].startswith("in-sample")
    np.testing.assert_allclose(worst["prediction"], worst["fitted"])


def test_disagreements_are_explained_by_what_the_annotators_weigh_differently(fit):
    apart = disagreements(fit, "judge", "person", n=40)
    assert len(apart) == 40
    assert ((apart["label_a"] - apart["label_b"]).abs() == 1).all()
    side = np.sign(apart["label_a"] - apart["label_b"])
    explained = side * (apart["logit_a"] - apart["logit_b"])
    assert explained.is_monotonic_decreasing
    assert (side * (apart["share_a_1"] - apart["share_b_1"]) > 0).all()
    # planted: they differ most on f1
    assert apart["factor_1"].mode().tolist() == ["f1"]
    swapped = disagreements(fit, "person", "judge", n=40)
    assert swapped["pair_id"].tolist() == apart["pair_id"].tolist()
    assert swapped["factor_1"].tolist() == apart["factor_1"].tolist()


def test_disagreements_of_two_fits(data, fit):
    alone = {name: wb.decompose(data, annotator=name, folds=0) for name in WEIGHTS}
    apart = disagreements(alone["judge"], "judge", "person", against=alone["person"], n=15)
    same = disagreements(fit, "judge", "person", n=15)
    assert apart["pair_id"].tolist() == same["pair_id"].tolist()
    other = wb.decompose(data, annotator="person", factors=["f0"], folds=0)
    with pytest.raises(DesignError, match="different factors"):
        disagreements(fit, "judge", "person", against=other)


def test_rankings_can_be_limited_to_some_pairs(data, fit):
    some = set(data.pairs["pair_id"].iloc[:100])
    worst = most_wrong(fit, "judge", n=600, among=some)
    whole = most_wrong(fit, "judge", n=600)
    kept = whole[whole["pair_id"].isin(some)].reset_index(drop=True)
    pd.testing.assert_frame_equal(worst, kept)
    assert set(disagreements(fit, "judge", "person", n=600, among=some)["pair_id"]) <= some
    assert most_wrong(fit, "judge", among=[]).empty


def test_nobody_disagrees_with_a_copy(data):
    judge = data.filter(annotators=["judge"])
    copy = judge.labels.assign(annotator="copy")
    both = PreferenceData(
        judge.pairs,
        pd.concat([judge.labels, copy], ignore_index=True),
        judge.factors,
        judge.factor_values,
    )
    apart = disagreements(wb.decompose(both, folds=0), "judge", "copy")
    assert apart.empty
    assert "factor_1" in apart
    with pytest.raises(DesignError, match="out of range"):
        most_wrong(wb.decompose(both, folds=0), "judge", n=0)


def test_ties_and_repeated_labels_are_means(data):
    labels = data.labels[data.labels["annotator"] == "judge"]
    again = labels.iloc[:50].assign(replicate=1, preference=0.5, reason="tie")
    both = PreferenceData(
        data.pairs,
        pd.concat([labels, again], ignore_index=True),
        data.factors,
        data.factor_values,
    )
    found = attribute(wb.decompose(both, folds=0)).pairs.set_index("pair_id")
    row = found.loc[labels["pair_id"].iloc[0]]
    assert row["label"] == (labels["preference"].iloc[0] + 0.5) / 2
    assert row["n_labels"] == 2
