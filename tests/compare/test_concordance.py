"""Concordance: hand counts, brute force, planted confounding, coverage, invariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import binomtest, kendalltau, pearsonr, spearmanr

from tests.planted import planted
from workbench.compare.alignment import align, correlations
from workbench.compare.concordance import (
    Tally,
    bootstrap_taus,
    concordance,
)
from workbench.compare.generation import generation
from workbench.compare.tau_interval import interval, score_interval
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.errors import DesignError


def _data(x, preference, **columns):
    x = np.asarray(x, float).reshape(len(preference), -1)
    pairs = pd.DataFrame({"item": np.arange(len(x)), **columns})
    labels = pd.DataFrame({"pair": np.arange(len(x)), "annotator": "ann", "preference": preference})
    factors = pd.DataFrame(x, columns=[f"f{k}" for k in range(x.shape[1])])
    data = PreferenceData.from_tables(pairs, labels)
    return data.with_factors(factors, pd.DataFrame(index=factors.index), {})


def test_hand_count():
    # C = 3 (one of them soft), D = 1, T = 1, one preference tie: tau = 2 / 5
    data = _data([2.0, -1.0, 0.5, 3.0, 0.0, 1.0], [1.0, 0.0, 0.7, 0.0, 1.0, 0.5])
    row = concordance(data, replicates=50).to_frame().iloc[0]
    assert row["estimate"] == pytest.approx(0.4)
    assert (row["n"], row["n_factor_ties"], row["n_preference_ties"]) == (5, 1, 1)
    assert (row["concordant"], row["discordant"]) == (3, 1)


def test_brute_force_and_swapped_sides_and_row_order():
    data = planted({"a": [0.8, 0.0], "judge": [0.1, 0.5]}, n=150, clusters=40)
    x = data.factors[["f0", "f1"]].round(0)
    data = data.with_factors(x, pd.DataFrame(index=x.index), {})
    table = concordance(data, replicates=60).to_frame()
    labels = data.labels.merge(data.factors, on="pair_id")
    for row in table.itertuples():
        own = labels[labels["annotator"] == row.group]
        sides = zip(own["preference"], own[row.term], strict=True)
        net = [np.sign(p - 0.5) * np.sign(v) for p, v in sides]
        assert row.estimate == pytest.approx(np.mean(net))
    swapped = replace(
        data.with_factors(-x, pd.DataFrame(index=x.index), {}),
        labels=data.labels.assign(preference=1 - data.labels["preference"]),
    )
    shuffled = replace(data, labels=data.labels.sample(frac=1, random_state=1, ignore_index=True))
    columns = ["estimate", "conf_low", "conf_high", "q_value", "n"]
    for other in (swapped, shuffled):
        again = concordance(other, replicates=60).to_frame()
        np.testing.assert_allclose(again[columns], table[columns], rtol=1e-9)


def test_without_ties_it_is_kendalls_tau_of_scores():
    # all pairs of seven items: concordant minus discordant over all pairs
    rng = np.random.default_rng(0)
    score, factor = rng.normal(size=(2, 7))
    i, j = np.triu_indices(7, 1)
    data = _data(factor[i] - factor[j], (score[i] > score[j]).astype(float))
    found = concordance(data, replicates=50).to_frame()["estimate"][0]
    assert found == pytest.approx(kendalltau(score, factor).statistic)


def test_a_confounded_factor_stands_out():
    rng = np.random.default_rng(2)
    facts = rng.normal(size=1500)
    length = facts + 0.7 * rng.normal(size=1500)
    y = (rng.random(1500) < 1 / (1 + np.exp(-1.5 * facts))).astype(float)
    found = concordance(_data(np.column_stack([length, facts]), y), replicates=300).to_frame()
    assert found["conf_low"].min() > 0.2
    assert found["confounded"].tolist() == [True, False]


def test_intervals_cover():
    # clusters of five pairs share their direction; 400 data sets are groups of one tally
    rng = np.random.default_rng(3)
    G, J = 150, 400
    share = rng.beta(3, 2, size=(G, J))
    size = rng.integers(1, 6, size=(G, J)).astype(float)
    net = 2 * rng.binomial(size.astype(int), share) - size
    zero = np.zeros((J, 1))
    tally = Tally(net[:, :, None], size, zero, zero, zero, zero[:, 0], zero[:, 0])
    _, low, high = interval(bootstrap_taus(tally, 400, 0), 0.95)
    covered = ((low < 0.2) & (high > 0.2)).mean()
    assert 0.92 <= covered <= 0.975


def test_alignment_equals_scipy():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 5, 9)).round(0)
    for a, b, found in zip(x, y, correlations(x, y), strict=True):
        want = [kendalltau(a, b).statistic, spearmanr(a, b).statistic, pearsonr(a, b).statistic]
        np.testing.assert_allclose(found, want)
    data = planted({"a": [1, 0.5, 0, -1], "judge": [1, 0.5, 0, -1]}, n=2000)
    same = align(concordance(data, replicates=100), "a", "judge").to_frame()
    assert same["estimate"].iloc[2] > 0.95
    with pytest.raises(DesignError, match="no group 'nobody'"):
        align(concordance(data, replicates=50), "a", "nobody")


def test_undefined_is_a_reason_not_a_zero():
    found = concordance(_data([[0.0, 1.0], [0.0, -2.0]] * 4, [1.0, 0.0] * 4), replicates=50)
    row = found.to_frame().iloc[0]
    assert np.isnan(row["estimate"])
    assert row["reason"] == "the factor never differs"
    assert np.isnan(align(found, "ann", "ann").to_frame()["estimate"]).all()
    found.plot()
    assert "undefined" in found.summary()


def test_generation_against_evaluation():
    # M's responses are longer (f0) than others', yet it rewards f1 only
    data = planted({"M": [0.0, 2.0]}, n=800, seed=5)
    is_a = data.factors["f0"] > 0
    pairs = data.pairs.assign(
        model_a=np.where(is_a, "M", "other"), model_b=np.where(is_a, "other", "M")
    )
    both = generation(replace(data, pairs=pairs), "M", replicates=100)
    table = both.to_frame().set_index("term")
    assert table.loc["f0", "generation"] == 1.0
    assert abs(table.loc["f0", "evaluation"]) < 0.15
    assert table.loc["f1", "evaluation"] > 0.4
    assert (table["q_value"] < 0.01).all()
    scored = pairs.assign(model_a="M", model_b="M", ta=data.factors["f1"], tb=0.0)
    targets = generation(replace(data, pairs=scored), "M", scores=("ta", "tb"), replicates=100)
    assert targets.to_frame().set_index("term").loc["f1", "generation"] == 1.0
    with pytest.raises(DesignError, match="no pairs of 'N'"):
        generation(replace(data, pairs=pairs), "N", annotator="M")
    both.plot()
    assert "generation" in both.summary()


def test_score_interval_is_scipys_wilson_interval_on_the_scale_of_tau():
    # 17 of 20 agree: tau = .7; with very many clusters t is the normal
    tau = np.array([0.7])
    low, high, _ = score_interval(tau, np.sqrt((1 - tau**2) / 20), 10**8, 0.95)
    given = binomtest(17, 20).proportion_ci(0.95, method="wilson")
    assert low[0] == pytest.approx(2 * given.low - 1, abs=1e-6)
    assert high[0] == pytest.approx(2 * given.high - 1, abs=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([0.0, 0.5, 1.0]))
@hypothesis_settings(max_examples=25, deadline=None)
def test_no_tau_leaves_its_range_or_its_interval(seed, n, noise):
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, size=(n, 3)).astype(float)
    right = np.where(rng.random(n) < noise, rng.random(n), (x[:, 0] > 0) * 1.0)
    data = _data(x, np.r_[right[1:], 0.9], cluster=[f"c{k}" for k in rng.integers(4, size=n)])
    both = pd.concat([data.labels, data.labels.assign(annotator="b", preference=0.9)])
    data = PreferenceData.from_tables(data.pairs, both).with_factors(
        data.factors[["f0", "f1", "f2"]], pd.DataFrame(index=data.factors.index), {}
    )
    found = concordance(data, replicates=50)
    for table, bound in ((found.to_frame(), 1.0), (align(found, "ann", "b").to_frame(), 1.0)):
        known = table[table["conf_low"].notna()]
        assert (known["conf_low"] >= -bound).all()
        assert (known["conf_high"] <= bound).all()
        assert known["estimate"].between(known["conf_low"], known["conf_high"]).all()
        assert (known["conf_low"] < known["conf_high"]).all()
        assert table.loc[table["conf_low"].isna(), "reason"].notna().all()
    found.summary()


def test_the_weight_beside_a_tau_is_that_of_the_fit_to_the_last_digit():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    x[:, 2] = 1.0
    y = (rng.random(60) < 1 / (1 + np.exp(-x[:, 0]))) * 1.0
    data = _data(x, y, cluster=[f"c{k}" for k in rng.integers(12, size=60)])
    fit = decompose(data, folds=0)
    table = concordance(data, fit=fit, replicates=50).to_frame().set_index("term")
    joint = fit.to_frame().set_index("term").loc[table.index]
    pairs = {"weight": "estimate", "weight_low": "conf_low", "weight_high": "conf_high"}
    for own, theirs in {**pairs, "per_sd": "per_sd", "per_sd_high": "per_sd_high"}.items():
        np.testing.assert_array_equal(table[own], joint[theirs])
    assert table.loc["f2", "weight_reason"] == joint.loc["f2", "reason"] is not None


def test_a_number_without_an_interval_says_why_in_text():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    y = (rng.random(40) < 1 / (1 + np.exp(-x[:, 0]))) * 1.0
    data = _data(x, y, cluster=["c"] * 40)
    both = pd.concat([data.labels, data.labels.assign(annotator="b")])
    data = PreferenceData.from_tables(data.pairs, both).with_factors(
        data.factors[["f0", "f1", "f2"]], pd.DataFrame(index=data.factors.index), {}
    )
    found = concordance(data, replicates=50)
    fit = decompose(data, folds=0)
    texts = [result.summary() for result in (found, align(found, "ann", "b"), fit)]
    assert not any("nan" in text for text in texts)
    assert all("(no interval: " in text for text in texts[:2])
    assert f"undefined: {fit.to_frame()['reason'][0]}" in texts[2]
    found.plot()
