"""Partial pooling: planted hierarchies, coverage, a linear limit, and tests of difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.compare.heterogeneity import heterogeneity
from workbench.compare.pooling import pool
from workbench.compare.scenarios import pool_scenarios
from workbench.compare.subsets import Subset, typical
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.errors import DesignError
from workbench.intervals import NO_VARIATION, ONE_CLUSTER


def _draw(seed, sizes, mu, tau):
    rng = np.random.default_rng(seed)
    b = mu + tau * rng.normal(size=(len(sizes), len(mu)))
    subsets = []
    for n, one in zip(sizes, b, strict=True):
        x = rng.normal(size=(n, len(mu)))
        y = (rng.random(n) < 1 / (1 + np.exp(-x @ one))).astype(float)
        subsets.append(Subset(x, np.ones(n), y))
    return b, subsets


def _data(subsets):
    x = np.vstack([s.X for s in subsets])
    scenario = np.repeat([f"s{k:02}" for k in range(len(subsets))], [len(s.X) for s in subsets])
    pairs = pd.DataFrame({"item": np.arange(len(x)), "scenario": scenario})
    votes = np.concatenate([s.votes for s in subsets])
    labels = pd.DataFrame({"pair": np.arange(len(x)), "annotator": "ann", "preference": votes})
    factors = pd.DataFrame(x, columns=[f"f{k}" for k in range(x.shape[1])])
    data = PreferenceData.from_tables(pairs, labels)
    return data.with_factors(factors, pd.DataFrame(index=factors.index), {})


def test_coverage_and_tau_of_planted_hierarchies():
    mu, tau = np.array([0.6, -0.3]), np.array([0.3, 0.4])
    covered, taus = [], []
    for seed in range(20):
        b, subsets = _draw(seed, [60, 250] * 8, mu, tau)
        fit = pool(subsets)
        assert fit.converged
        covered.append(np.abs(fit.mean - b) < 1.96 * fit.error)
        taus.append(fit.tau)
    assert 0.92 <= np.mean(covered) <= 0.975
    np.testing.assert_allclose(np.mean(taus, axis=0), tau, atol=0.08)


@pytest.mark.parametrize("rare", [0.02, 1.0])
def test_tau_is_where_an_em_step_leads_back_to_itself(rare):
    rng = np.random.default_rng(3)
    subsets = []
    for _ in range(12):
        x = rng.normal(size=(30, 3))
        x[:, 2] *= rng.random(30) < rare
        votes = (rng.random(30) < 1 / (1 + np.exp(-x @ rng.normal(0.3, 0.4, 3)))) * 1.0
        subsets.append(Subset(x, np.ones(30), votes))
    fit = pool(subsets, 0.8)
    assert fit.converged
    squares = ((fit.mean - fit.mu) ** 2 + np.diagonal(fit.apart, axis1=1, axis2=2)).sum(axis=0)
    own = typical(subsets)
    np.testing.assert_allclose(
        fit.tau**2, squares / (len(subsets) - 1 + (fit.tau * own / 2.0) ** 2), rtol=1e-6
    )


def _plain_test(subsets, clusters, scale, power):
    """Return T and its values under turned signs, straight from the definitions."""
    x, votes = np.vstack([s.X for s in subsets]), np.concatenate([s.votes for s in subsets])
    subset = np.repeat(np.arange(len(subsets)), [len(s.X) for s in subsets])
    b, pull, K = np.zeros(x.shape[1]), np.diag(1e-2 * scale**2), x.shape[1]
    for _ in range(20):
        p = 1 / (1 + np.exp(-x @ b))
        b = b + np.linalg.solve((x.T * p * (1 - p)) @ x + pull, x.T @ (votes - p) - pull @ b)
    p = 1 / (1 + np.exp(-x @ b))
    H = np.stack([(x.T * (p * (1 - p) * (subset == s))) @ x for s in range(len(subsets))])
    left = np.linalg.inv(np.eye(K) + power * H * (0.5 / scale) ** 2)
    info = power * left @ H

    def T(scores):
        raw = np.einsum("skl,sl->sk", left, scores)
        away = raw - info @ np.linalg.solve(info.sum(axis=0), raw.sum(axis=0))
        return (away**2).sum(axis=0)

    root = np.linalg.cholesky(H.sum(axis=0))
    pieces = []
    for c in range(clusters.max() + 1):
        own = clusters == c
        inner = np.linalg.solve(
            root, np.linalg.solve(root, (x[own].T * (p * (1 - p))[own]) @ x[own]).T
        )
        values, turn = np.linalg.eigh((inner + inner.T) / 2)
        lift = root @ (turn / np.sqrt(1 - np.clip(values, 0, 0.9))) @ turn.T @ np.linalg.inv(root)
        score = x * (own * (votes - p))[:, None]
        pieces.append(
            np.stack([lift @ score[subset == s].sum(axis=0) for s in range(len(subsets))])
        )
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(1999, len(pieces)))
    every = np.einsum("fc,csk->fsk", signs, np.stack(pieces))
    whole = np.stack([x[subset == s].T @ (votes - p)[subset == s] for s in range(len(subsets))])
    return T(whole), np.stack([T(one) for one in every])


def test_the_score_test_is_its_definition():
    # clusters over several scenarios, one with most of the rows of a term
    rng = np.random.default_rng(2)
    _, subsets = _draw(4, [30, 45, 20, 5], np.array([0.6, -0.3, 0.2]), np.array([0.6, 0.0, 0.2]))
    for s in subsets:
        s.X[:, 2] *= rng.random(len(s.X)) < 0.1
    clusters = [rng.integers(25, size=len(s.X)) for s in subsets]
    clusters[0][subsets[0].X[:, 2] != 0] = 3
    found = heterogeneity(subsets, clusters, pool(subsets), 0.7, 0.95, 0)
    code = np.unique(np.concatenate(clusters), return_inverse=True)[1]
    seen, again = _plain_test(subsets, code, typical(subsets), 0.7)
    np.testing.assert_allclose(found.statistic, seen / again.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(found.p_value, (1 + (again >= seen).sum(axis=0)) / 2000, rtol=1e-9)


def test_pooled_beats_unpooled_and_complete_and_small_subsets_shrink_more():
    sizes = [80, 320] * 8
    b, subsets = _draw(1, sizes, np.array([0.6, -0.3, 0.0]), np.array([0.3, 0.3, 0.3]))
    table = pool_scenarios(_data(subsets)).to_frame()
    table = table[table["term"] != "position"]
    error = {
        name: ((table[name].to_numpy() - b.ravel()) ** 2).mean()
        for name in ("estimate", "unpooled_estimate", "complete_estimate")
    }
    assert error["estimate"] < min(error["unpooled_estimate"], error["complete_estimate"])
    small = table["scenario"].isin([f"s{k:02}" for k in range(0, 16, 2)])
    for _, own in table.groupby("term"):
        assert own[small[own.index]]["shrinkage"].min() > own[~small[own.index]]["shrinkage"].max()


def test_large_balanced_subsets_reach_the_linear_gaussian_limit():
    # nearly normal likelihoods: the posterior is the textbook one given mu and tau
    _, subsets = _draw(2, [4000] * 6, np.array([0.4]), np.array([0.3]))
    fit = pool(subsets)
    unpooled = decompose(_data(subsets), by="scenario", covariance="classical", folds=0).to_frame()
    own = unpooled[unpooled["term"] == "f0"]
    y, v = own["estimate"].to_numpy(), own["std_error"].to_numpy() ** 2
    tau2 = fit.tau[0] ** 2
    w = 1 / (v + tau2)
    mu = (w * y).sum() / w.sum()
    share = v / (v + tau2)
    assert fit.mu[0] == pytest.approx(mu, abs=2e-3)
    np.testing.assert_allclose(fit.mean[:, 0], share * mu + (1 - share) * y, atol=2e-3)
    variance = (1 - share) * v + share**2 / w.sum()
    np.testing.assert_allclose(fit.error[:, 0], np.sqrt(variance), rtol=0.01)


def test_heterogeneity_is_cochrans_q_and_differences_name_the_scenario():
    rng = np.random.default_rng(3)
    subsets = []
    for k in range(5):
        x = rng.normal(size=(500, 2))
        eta = x @ [0.5, 1.5 if k == 2 else 0.0]
        subsets.append(Subset(x, np.ones(500), (rng.random(500) < 1 / (1 + np.exp(-eta))) * 1.0))
    found = pool_scenarios(_data(subsets))
    own = decompose(_data(subsets), by="scenario", folds=0).to_frame()
    for term in ("f0", "f1"):
        part = own[own["term"] == term]
        w = 1 / part["std_error"] ** 2
        q = (w * (part["estimate"] - (w * part["estimate"]).sum() / w.sum()) ** 2).sum()
        row = found.tau.set_index("term").loc[term]
        assert row["cochran_q"] == pytest.approx(q, rel=1e-6)
        assert row["cochran_df"] == 4
        # the score test, which needs none of these fits, sees the same
        assert (row["p_value"] < 0.01) == (row["cochran_p"] < 0.01) == (term == "f1")
    best = found.differences.sort_values("q_value").iloc[0]
    assert (best["scenario"], best["term"]) == ("s02", "f1")
    assert len(found.pairwise[found.pairwise["term"] == "f0"]) == 10


def test_a_small_separated_or_constant_subset_still_gets_weights():
    _, subsets = _draw(4, [300, 300, 300], np.array([0.6, -0.3]), np.array([0.2, 0.2]))
    x = np.array([[1.0, 0.0]])
    found = pool_scenarios(_data([*subsets, Subset(x, np.ones(1), np.ones(1))]))
    last = found.to_frame()
    last = last[(last["scenario"] == "s03") & (last["term"] != "position")]
    assert np.isfinite(last["estimate"]).all()
    assert last["unpooled_estimate"].isna().all()
    assert last["reason"].notna().all()
    assert last["shrinkage"].min() > 0.9
    found.plot()
    assert "heterogeneity" in found.summary()
    assert any("fewer than 10 labels a term" in note for note in found.settings["notes"])
    with pytest.raises(DesignError, match="two scenarios"):
        pool_scenarios(_data(subsets[:1]))


def test_clusters_that_lie_in_several_scenarios_are_said_and_not_independent():
    # the same pairs and votes in two scenarios: their weights cannot differ
    _, subsets = _draw(5, [200], np.array([0.6]), np.array([0.2]))
    data = _data(subsets * 2)
    data = replace(data, pairs=data.pairs.assign(cluster=[f"c{k % 200}" for k in range(400)]))
    found = pool_scenarios(data)
    assert any("200 of 200 clusters lie in several" in note for note in found.settings["notes"])
    assert (found.tau["p_value"].dropna() > 0.5).all()
    assert (found.tau["tau"].dropna() == 0).all()
    assert found.settings["likelihood_power"]["ann"] == pytest.approx(0.5, abs=0.15)
    # no error of a difference that cannot be: an interval of no width would claim to know
    np.testing.assert_allclose(found.pairwise["estimate"], 0.0, atol=1e-6)
    assert found.pairwise[["std_error", "conf_low", "p_value"]].isna().all(axis=None)
    assert (found.pairwise["reason"] == NO_VARIATION).all()
    assert found.tau["tau"].isna().all()
    assert found.tau["reason"][0] == "no test: the labels of the scenarios do not differ"


def _people(rng, tau, people=40, each=30, bank=60):
    """People who label some of the same prompts; on a prompt all lean to one side together."""
    x = rng.normal(size=(bank, 3))
    lean = rng.normal(size=bank)
    subsets, clusters = [], []
    for b in np.array([0.6, -0.3, 0.0]) + tau * rng.normal(size=(people, 3)):
        own = rng.choice(bank, each, replace=False)
        p = 1 / (1 + np.exp(-x[own] @ b - lean[own]))
        subsets.append(Subset(x[own], np.ones(each), (rng.random(each) < p) * 1.0))
        clusters.append(own)
    return subsets, clusters


def test_people_who_are_alike_are_seldom_said_to_differ_and_those_who_differ_are():
    rng = np.random.default_rng(1)
    found = {"alike": [], "apart": []}
    for _ in range(12):
        for name, tau in (("alike", 0.0), ("apart", np.array([0.8, 0.0, 0.0]))):
            subsets, clusters = _people(rng, tau)
            found[name].append(heterogeneity(subsets, clusters, pool(subsets), 1.0, 0.95, 0))
    alike = np.array([one.p_value for one in found["alike"]])
    # 36 tests at 5 %: more than 6 have a probability of 0.2 %
    assert (alike < 0.05).sum() <= 6
    apart = np.array([one.p_value for one in found["apart"]])
    assert (apart[:, 0] < 0.05).mean() > 0.9
    # what differs in one term does not spill over into the others
    assert (apart[:, 1:] < 0.05).sum() <= 5
    inside = [(one.tau_low <= one.tau) & (one.tau <= one.tau_high) for one in found["alike"]]
    assert np.all(inside)


def test_taus_interval_covers_the_planted_spread():
    tau = np.array([0.0, 0.4])
    covered = []
    for seed in range(25):
        _, subsets = _draw(seed, [120] * 12, np.array([0.6, -0.3]), tau)
        own = [np.arange(120) + 120 * s for s in range(12)]
        found = heterogeneity(subsets, own, pool(subsets), 1.0, 0.95, seed)
        covered.append((found.tau_low <= tau) & (tau <= found.tau_high))
    # 50 intervals at 95 %: fewer than 43 have a probability of 0.3 %
    assert np.sum(covered) >= 43


def test_scenarios_that_differ_less_than_chance_bound_tau_above_zero():
    # the same labels in other clusters: T is 0, and yet 60 labels each tell no tau of 0
    _, subsets = _draw(8, [60], np.array([0.6, -0.3]), np.zeros(2))
    clusters = [np.arange(60) + 60 * s for s in range(4)]
    found = heterogeneity(subsets * 4, clusters, pool(subsets * 4), 1.0, 0.95, 0)
    assert (found.tau == 0).all()
    # a weight of 60 labels has an error of about 0.27: spreads of that size stay possible
    assert (found.tau_high > 0.2).all()
    for seed in range(12):
        _, subsets = _draw(seed, [60] * 6, np.array([0.6, -0.3]), np.zeros(2))
        own = [np.arange(60) + 60 * s for s in range(6)]
        found = heterogeneity(subsets, own, pool(subsets), 1.0, 0.95, seed)
        assert (found.tau_high > 0.2).all()


def test_an_undefined_term_says_why_as_a_fit_does():
    _, subsets = _draw(6, [50, 50, 50], np.array([0.6, -0.3, 0.0]), np.zeros(3))
    data = _data([Subset(s.X * [1, 1, 0], s.weight, s.votes) for s in subsets])
    found = pool_scenarios(data)
    fit = decompose(data, folds=0).to_frame().set_index("term")["reason"]
    assert fit["position"] == "the shown order is unknown"
    for table in (found.tau, found.estimates):
        reasons = table.set_index("term")["reason"]
        for term in ("f2", "position"):
            assert set(reasons[[term]]) == {fit[term]}
    assert "undefined: the shown order is unknown" in found.summary()
    assert f"undefined: {fit['f2']}" in found.summary()
    assert "nan" not in found.summary()


def test_labels_without_a_known_error_have_no_weight_and_say_so():
    _, subsets = _draw(6, [50, 50, 50], np.array([0.6, -0.3]), np.zeros(2))
    data = _data(subsets)
    one = pool_scenarios(replace(data, pairs=data.pairs.assign(cluster="c")))
    ties = pool_scenarios(_data([Subset(s.X, s.weight, s.votes * 0 + 0.5) for s in subsets]))
    for found in (one, ties):
        for name in ("unpooled", "complete"):
            known = found.estimates[found.estimates["term"] != "position"]
            # as decompose has it: a weight whose error nothing tells is not told
            ends = [f"{name}_{column}" for column in ("estimate", "conf_low", "conf_high")]
            assert known[ends].isna().all(axis=None)
            assert known["reason"].str.contains(f"no {name} weight: ").all()
        assert "nan" not in found.summary()
    mu = one.tau.set_index("term").loc["f0"]
    assert np.isfinite(mu["estimate"])
    assert np.isnan([mu["conf_low"], mu["conf_high"], mu["std_error"]]).all()
    assert mu["reason"].startswith(ONE_CLUSTER)
    one.plot()


def test_names_and_order_of_scenarios_change_no_pooled_weight_and_a_swap_no_tau():
    _, subsets = _draw(6, [50, 20, 90], np.array([0.6, -0.3]), np.array([0.3, 0.3]))
    turned = pool([subsets[k] for k in (2, 0, 1)])
    fit = pool(subsets)
    np.testing.assert_allclose(turned.mean[[1, 2, 0]], fit.mean, atol=1e-3)
    flipped = pool([Subset(-s.X, s.weight, s.weight - s.votes) for s in subsets])
    np.testing.assert_allclose(flipped.tau, fit.tau, rtol=1e-6)


def test_rare_terms_come_to_rest_and_say_what_they_rest_on():
    rng = np.random.default_rng(7)
    subsets, clusters = [], []
    for s in range(30):
        x = np.column_stack([rng.normal(size=40), (rng.random(40) < 0.02) * 1.0, np.zeros(40)])
        x[0, 2] = s < 2
        subsets.append(Subset(x, np.ones(40), (rng.random(40) < 0.5) * 1.0))
        clusters.append(np.arange(40) + 40 * s)
    fit = pool(subsets)
    assert fit.converged
    assert (fit.tau[1:] < 3).all()
    found = heterogeneity(subsets, clusters, fit, 1.0, 0.95, 0)
    assert found.reasons == [None, None, "no test: the term differs in only 2 clusters"]
    assert np.isnan(found.p_value[2])
    assert np.isnan(found.tau_low[2])


@pytest.mark.parametrize("seed", range(12))
def test_degenerate_scenarios_give_finite_numbers_or_a_reason(seed):
    rng = np.random.default_rng(seed)
    subsets = []
    for _ in range(rng.integers(2, 6)):
        n, kind = int(rng.integers(1, 40)), rng.integers(4)
        x = rng.integers(-1, 2, size=(n, 2)).astype(float)
        x[:, 1] = [x[:, 1], x[:, 0], np.zeros(n), 1e6 * x[:, 1]][kind]
        votes = [rng.integers(0, 2, n), np.ones(n), (x[:, 0] > 0), np.full(n, 0.5)][rng.integers(4)]
        subsets.append(Subset(x, np.ones(n), votes.astype(float)))
    found = pool_scenarios(_data(subsets))
    tau = found.tau
    known = tau["tau"].notna()
    assert tau.loc[~known, "reason"].notna().all()
    assert (tau.loc[known, "tau_low"] <= tau.loc[known, "tau"]).all()
    bounded = tau["tau_high"].notna()
    assert (tau.loc[bounded, "tau"] <= tau.loc[bounded, "tau_high"]).all()
    assert tau.loc[known & ~bounded, "reason"].notna().all()
    used = found.estimates[found.estimates["term"].isin(tau.loc[tau["estimate"].notna(), "term"])]
    assert np.isfinite(used[["estimate", "std_error", "shrinkage"]]).all(axis=None)
    found.summary()
