"""Ratings: against published tables, independent libraries, planted truth and invariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

from tests.battles import battles, design_of, ratings_of, simulate
from workbench.data.dataset import PreferenceData
from workbench.ratings.battles import Battles
from workbench.ratings.bradley_terry import rate
from workbench.ratings.errors import collapse
from workbench.ratings.estimate import Held, estimate
from workbench.ratings.kernel import Likelihood, fit

# American League East 1987, wins of the home team and of the visitors: Agresti, Categorical
# Data Analysis (2002), table 10.10
TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
BASEBALL = {
    "Milwaukee": ["4-3", "4-2", "4-3", "6-1", "4-2", "6-0"],
    "Detroit": ["3-3", "4-2", "4-3", "6-0", "6-1", "4-3"],
    "Toronto": ["2-5", "4-3", "2-4", "4-3", "4-2", "6-0"],
    "New York": ["3-3", "5-1", "2-5", "4-3", "4-2", "6-1"],
    "Boston": ["5-1", "2-5", "3-3", "4-2", "5-2", "6-0"],
    "Cleveland": ["2-5", "3-3", "3-4", "4-3", "4-2", "2-4"],
    "Baltimore": ["2-5", "1-5", "1-6", "2-4", "1-6", "3-4"],
}


def baseball() -> PreferenceData:
    a, b, y = [], [], []
    for home, row in BASEBALL.items():
        for away, score in zip([t for t in TEAMS if t != home], row, strict=True):
            won, lost = map(int, score.split("-"))
            a += [home] * (won + lost)
            b += [away] * (won + lost)
            y += [1.0] * won + [0.0] * lost
    return battles(a, b, y, {"at_home": np.ones(len(y))})


def test_baseball_agrees_with_agresti_and_with_its_home_advantage():
    # coefficients as R's BradleyTerry2 prints them for section 10.6 of Agresti (2002)
    plain = ratings_of(rate(baseball(), anchor="Baltimore"))
    published = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]
    np.testing.assert_allclose(plain[TEAMS], published, atol=5e-5)
    found = rate(baseball(), covariates=["at_home"], anchor="Baltimore")
    published = [1.6196, 1.4754, 1.3271, 1.2813, 1.1438, 0.7047, 0.0]
    np.testing.assert_allclose(ratings_of(found)[TEAMS], published, atol=5e-5)
    assert found.covariates["estimate"].iloc[0] == pytest.approx(0.3023, abs=5e-5)
    # Milwaukee, 50 wins in 78 games; the difference of deviances is 5.4106
    row = found.to_frame().set_index("term").loc["Milwaukee"]
    assert (row["n"], row["wins"], row["losses"], row["ties"]) == (78, 50, 28, 0)
    gain = found.with_covariates.log_likelihood - found.without.log_likelihood
    assert 2 * gain == pytest.approx(5.4106, abs=5e-4)


def test_journal_citations_agree_with_stigler_in_ratings_and_model_based_errors():
    wins = {
        ("Biometrika", "Comm Statist"): (730, 33),
        ("Biometrika", "JASA"): (498, 320),
        ("Biometrika", "JRSS-B"): (221, 284),
        ("Comm Statist", "JASA"): (68, 813),
        ("Comm Statist", "JRSS-B"): (17, 276),
        ("JASA", "JRSS-B"): (142, 325),
    }
    rows = [(a, b, y, w) for (a, b), (n, m) in wins.items() for y, w in ((1.0, n), (0.0, m))]
    a, b, y, w = map(list, zip(*rows, strict=True))
    found = rate(battles(a, b, y, weight=np.array(w, float)))
    journals = ["Biometrika", "Comm Statist", "JASA", "JRSS-B"]
    published = [0.7899221, -2.1591504, 0.3103523, 1.0588761]
    np.testing.assert_allclose(ratings_of(found)[journals], published, atol=1e-6)
    rows, votes = collapse(found.used, davidson=False)
    bread = fit(Likelihood(rows, davidson=False, ridge=0.0), votes).bread
    centre = np.eye(4) - 1 / 4
    error = np.sqrt(np.diag(centre @ bread @ centre))
    np.testing.assert_allclose(error, [0.04333047, 0.07257974, 0.04164102, 0.05304699], rtol=1e-5)


@pytest.mark.parametrize("ties", ["half", "drop"])
def test_equals_evalica(ties):
    evalica = pytest.importorskip("evalica")
    data, _, _ = simulate(ties=0.2)
    y = data.labels["preference"].to_numpy()
    kept = np.ones(len(y), bool) if ties == "half" else y != 0.5
    kinds = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    theirs = evalica.bradley_terry(
        data.pairs["model_a"][kept].tolist(),
        data.pairs["model_b"][kept].tolist(),
        [kinds[v] for v in y[kept]],
        tolerance=1e-14,
        limit=10_000,
    )
    logits = np.log(theirs.scores)
    mine = ratings_of(rate(data, ties=ties))
    np.testing.assert_allclose(mine, (logits - logits.mean())[mine.index], atol=1e-8)


@pytest.mark.parametrize("clusters", [None, 150])
def test_covariates_and_cluster_robust_errors_equal_statsmodels(clusters):
    data, _, _ = simulate(K=3, ties=0.1, clusters=clusters)
    found = rate(data, covariates=["x0", "x1", "x2"], anchor="m0")
    X, names = design_of(data, ["x0", "x1", "x2"])
    codes = pd.factorize(data.pairs["cluster"])[0]
    model = sm.GLM(data.labels["preference"].to_numpy(), X, family=sm.families.Binomial())
    oracle = model.fit(cov_type="cluster", cov_kwds={"groups": codes}, tol=1e-14)
    table = found.to_frame().set_index("term").loc[names[1:]]
    weights = found.covariates
    np.testing.assert_allclose(
        np.r_[table["estimate"], weights["estimate"]], oracle.params, atol=1e-8
    )
    np.testing.assert_allclose(
        np.r_[table["std_error"], weights["std_error"]], oracle.bse, rtol=1e-7
    )
    np.testing.assert_allclose(weights["p_value"], oracle.pvalues[-3:], rtol=1e-5, atol=1e-14)
    pair = found.pairwise.set_index("term").loc["m1 - m4"]
    contrast = oracle.t_test(np.eye(8)[0] - np.eye(8)[3])
    assert pair["estimate"] == pytest.approx(contrast.effect[0])
    assert pair["std_error"] == pytest.approx(contrast.sd[0, 0])


def test_weights_and_soft_preferences_equal_a_weighted_fractional_logit():
    rng = np.random.default_rng(3)
    data, _, _ = simulate(n=600, K=1)
    labels = data.labels.assign(
        preference=rng.beta(2, 2, 600), weight=rng.choice([0.5, 1.0, 3.0], 600)
    )
    data = replace(data, labels=labels)
    X, names = design_of(data, ["x0"])
    y, w = labels["preference"].to_numpy(), labels["weight"].to_numpy()
    oracle = sm.GLM(y, X, family=sm.families.Binomial(), var_weights=w).fit(tol=1e-14)
    found = rate(data, covariates=["x0"], anchor="m0")
    assert found.covariates["estimate"].iloc[0] == pytest.approx(oracle.params[-1], abs=1e-8)
    np.testing.assert_allclose(ratings_of(found)[names[1:]], oracle.params[:-1], atol=1e-8)


def _davidson_loss(p, X, y):
    """Davidson's model as a multinomial likelihood, written out by hand."""
    eta, nu = X @ p[:-1], np.exp(p[-1])
    up, down = np.exp(eta / 2), np.exp(-eta / 2)
    total = up + down + nu
    chosen = np.select([y == 1.0, y == 0.0], [up, down], nu)
    return -np.log(chosen / total).sum()


def test_davidson_maximises_the_likelihood_written_by_hand():
    data, _, _ = simulate(n=1500, K=2, ties=0.25)
    found = rate(data, covariates=["x0", "x1"], ties="davidson", anchor="m0")
    X, names = design_of(data, ["x0", "x1"])
    y = data.labels["preference"].to_numpy()
    start = np.zeros(X.shape[1] + 1)
    oracle = minimize(_davidson_loss, start, args=(X, y), method="BFGS", options={"gtol": 1e-7})
    mine = np.r_[ratings_of(found)[names[1:]], found.covariates["estimate"]]
    np.testing.assert_allclose(mine, oracle.x[:-1], atol=1e-5)
    tie = found.tie_parameter.set_index("group")["estimate"]["with covariates"]
    assert tie == pytest.approx(oracle.x[-1], abs=1e-5)
    assert found.with_covariates.log_likelihood == pytest.approx(-oracle.fun, abs=1e-6)
    row = found.pairwise.iloc[0]
    nu, gap = np.exp(tie), row["estimate"]
    total = np.exp(gap / 2) + np.exp(-gap / 2) + nu
    assert row["predicted"] == pytest.approx((np.exp(gap / 2) + nu / 2) / total)


def test_davidson_errors_are_those_of_a_numerical_sandwich():
    data, _, _ = simulate(n=400, ties=0.3, clusters=60)
    found = rate(data, ties="davidson", anchor="m0")
    X, names = design_of(data, [])
    y = data.labels["preference"].to_numpy()
    point = np.r_[ratings_of(found)[names[1:]], found.tie_parameter["estimate"].iloc[0]]
    k, step = len(point), 1e-4
    shifts = np.vstack([np.eye(k), -np.eye(k)]) * step

    def score(p, rows):
        values = [_davidson_loss(p + s, X[rows], y[rows]) for s in shifts]
        return (np.array(values[k:]) - np.array(values[:k])) / (2 * step)

    everything = np.arange(400)
    hessian = np.stack(
        [(score(point - s, everything) - score(point + s, everything)) for s in shifts[:k]]
    ) / (2 * step)
    codes = pd.factorize(data.pairs["cluster"])[0]
    G = codes.max() + 1
    each = np.stack([score(point, np.flatnonzero(codes == g)) for g in range(G)])
    bread = np.linalg.inv(hessian)
    covariance = bread @ each.T @ each @ bread * G / (G - 1) * 399 / (400 - k)
    table = found.to_frame().set_index("term")["std_error"]
    np.testing.assert_allclose(table[names[1:]], np.sqrt(np.diag(covariance))[:-1], rtol=1e-4)


@pytest.mark.parametrize("options", [{}, {"ties": "davidson"}, {"intervals": "bootstrap"}])
def test_swapping_sides_and_shuffling_rows_change_nothing(options):
    data, _, _ = simulate(n=600, K=2, ties=0.1, clusters=80)
    options = {"covariates": ["x0", "x1"], "replicates": 100, **options}
    base = rate(data, **options)
    rng = np.random.default_rng(1)
    flip = rng.random(600) < 0.5
    a, b = data.pairs["model_a"], data.pairs["model_b"]
    pairs = data.pairs.assign(model_a=a.where(~flip, b), model_b=b.where(~flip, a))
    factors = data.factors.copy()
    factors[["x0", "x1"]] *= np.where(flip, -1.0, 1.0)[:, None]
    y = data.labels["preference"]
    order = rng.permutation(600)
    other = replace(
        data,
        pairs=pairs.iloc[order].reset_index(drop=True),
        factors=factors.iloc[order].reset_index(drop=True),
        labels=data.labels.assign(preference=y.where(~flip, 1 - y)).iloc[rng.permutation(600)],
    )
    again = rate(other, **options)
    for name, table in base.tables().items():
        pd.testing.assert_frame_equal(again.tables()[name], table, rtol=1e-7, atol=1e-9)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_draws():
    data, _, _ = simulate(n=300, K=1)
    first, second, other = (
        rate(data, covariates=["x0"], intervals="bootstrap", replicates=100, seed=s)
        for s in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame(), check_exact=True)
    assert (first.to_frame()["conf_low"] != other.to_frame()["conf_low"]).all()


@pytest.mark.parametrize("clusters", [None, 100])
def test_a_bootstrap_replicate_is_a_fit_to_resampled_clusters(clusters):
    # every replicate solves the score equations of some integer resample: refit one by hand
    from workbench.ratings import errors

    data, _, _ = simulate(n=500, K=1, ties=0.2, clusters=clusters)
    used = rate(data, covariates=["x0"]).used
    laid = errors.lay(used, davidson=False)
    model = Likelihood(laid.rows, davidson=False, ridge=0.0)
    full = fit(model, laid.votes)
    resample = errors._Resample(laid, [model])
    counts = resample.draw(3, np.random.default_rng(5))
    draws = errors.refit(model, resample.votes(0, counts), full)
    repeated = np.repeat(np.arange(500), counts[used.cluster, 0].astype(int))
    X, _ = design_of(data, ["x0"])
    y = data.labels["preference"].to_numpy()
    oracle = sm.GLM(y[repeated], X[repeated], family=sm.families.Binomial()).fit(tol=1e-14)
    assert counts.sum(axis=0).tolist() == [used.n_clusters] * 3
    np.testing.assert_allclose(draws[1:6, 0] - draws[0, 0], oracle.params[:5], atol=1e-7)
    assert draws[6, 0] == pytest.approx(oracle.params[5], abs=1e-7)


def test_bootstrap_and_sandwich_agree_on_large_data_and_collapse_loses_nothing():
    data, _, _ = simulate(n=4000, ties=0.1)
    robust = rate(data).to_frame()
    drawn = rate(data, intervals="bootstrap", replicates=2000).to_frame()
    np.testing.assert_allclose(drawn["std_error"], robust["std_error"], rtol=0.06)
    # one battle a row gives what counts by pair of models give
    K = rate(
        battles(
            data.pairs["model_a"],
            data.pairs["model_b"],
            data.labels["preference"],
            {"zero": np.random.default_rng(0).normal(size=4000) * 1e-3},
        ),
        covariates=["zero"],
    )
    np.testing.assert_allclose(
        K.without_covariates["estimate"], robust["estimate"], rtol=0, atol=1e-12
    )


def _clustered(rng: np.random.Generator, theta: np.ndarray, clusters: int) -> Battles:
    """Battles whose clusters share models, covariate and half of their luck."""
    M, n = len(theta), 3 * clusters
    cluster = np.repeat(np.arange(clusters), 3)
    a = rng.integers(0, M, clusters)[cluster]
    b = (a + rng.integers(1, M, clusters)[cluster]) % M
    x = rng.normal(size=clusters)[cluster]
    # a uniform of the cluster is copied half of the time: each battle keeps its odds
    u = np.where(rng.random(n) < 0.5, rng.random(clusters)[cluster], rng.random(n))
    y = (u < 1 / (1 + np.exp(-(theta[a] - theta[b] + 0.4 * x)))).astype(float)
    return Battles(
        models=list("abcd"),
        a=a,
        b=b,
        preference=y,
        weight=np.ones(n),
        X=x[:, None],
        covariates=["x"],
        cluster=cluster,
        n_clusters=clusters,
        exclusions=pd.DataFrame(),
    )


@pytest.mark.parametrize(("intervals", "runs"), [("cluster", 300), ("bootstrap", 100)])
def test_intervals_cover_the_truth_at_their_level(intervals, runs):
    rng = np.random.default_rng(11)
    theta = np.array([0.6, 0.2, -0.2, -0.6])
    hits = []
    for run in range(runs):
        drawn = _clustered(rng, theta, 150)
        settings = {"ties": "half", "ridge": 0.0, "intervals": intervals}
        settings |= {"replicates": 200, "level": 0.95}
        side = estimate(Held(drawn), np.eye(4), settings, run)[0][1]
        found = [side.ratings.columns(), side.weights.columns()]
        low, high = (np.concatenate([f[k] for f in found]) for k in ("conf_low", "conf_high"))
        truth = np.append(theta, 0.4)
        hits.append((low <= truth) & (truth <= high))
    assert 0.93 <= np.mean(hits) <= 0.97


def test_the_change_has_the_error_of_a_paired_bootstrap():
    data, _, _ = simulate(n=3000, K=1, clusters=400)
    robust = rate(data, covariates=["x0"]).counterfactual.set_index("term")
    drawn = rate(data, covariates=["x0"], intervals="bootstrap", replicates=1500)
    other = drawn.counterfactual.set_index("term").loc[robust.index]
    np.testing.assert_allclose(other["std_error"], robust["std_error"], rtol=0.1)


def test_a_ridge_shrinks_the_covariates_only_and_by_its_formula():
    data, _, _ = simulate(n=500, K=1)
    X, names = design_of(data, ["x0"])
    y = data.labels["preference"].to_numpy()

    def loss(p):
        eta = X @ p
        return np.logaddexp(0, eta).sum() - y @ eta + 20 * p[-1] ** 2

    oracle = minimize(loss, np.zeros(X.shape[1]), method="BFGS", options={"gtol": 1e-7}).x
    found = rate(data, covariates=["x0"], ridge=40.0, anchor="m0")
    assert found.covariates["estimate"].iloc[0] == pytest.approx(oracle[-1], abs=1e-6)
    np.testing.assert_allclose(ratings_of(found)[names[1:]], oracle[:-1], atol=1e-6)
    assert "ridge 40" in found.method


def test_mt_bench_people_agree_with_evalica(shared_data):
    import workbench as wb

    evalica = pytest.importorskip("evalica")
    data = wb.load(str(shared_data / "mt_bench_human" / "human.jsonl"))
    found = rate(data)
    y = data.labels["preference"].to_numpy()
    pairs = data.pairs.take(data.pair_rows)
    kinds = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    theirs = evalica.bradley_terry(
        pairs["model_a"].tolist(),
        pairs["model_b"].tolist(),
        [kinds[v] for v in y],
        tolerance=1e-14,
        limit=10_000,
    )
    logits = np.log(theirs.scores)
    mine = ratings_of(found)
    np.testing.assert_allclose(mine, (logits - logits.mean())[mine.index], atol=1e-8)
    assert mine.index[0] == "gpt-4"


def test_style_control_of_real_texts_runs_and_agrees_with_statsmodels(shared_data):
    import workbench as wb

    folder = shared_data / "normalised"
    pairs = pd.read_parquet(folder / "pairs.parquet").query("dataset == 'vicuna80'")
    labels = pd.read_parquet(folder / "labels.parquet").query("dataset == 'vicuna80'")
    kept = pairs.dropna(subset=["response_a", "response_b", "model_a", "model_b"])
    kept = kept.drop_duplicates(["prompt", "response_a", "response_b"])
    place = pd.Series(np.arange(len(kept)), index=kept["pair_id"])
    own = labels[(labels["annotator_kind"] == "human") & labels["pair_id"].isin(place.index)]
    data = PreferenceData.from_tables(
        kept[["prompt", "response_a", "response_b", "model_a", "model_b"]].reset_index(drop=True),
        pd.DataFrame(
            {
                "pair": place[own["pair_id"]].to_numpy(),
                "annotator": "people",
                "preference": own["label"].map({"a": 1.0, "tie": 0.5, "b": 0.0}).to_numpy(),
            }
        ),
    )
    style = ["words", "headers", "bullets", "bold"]
    specs = [spec for spec in wb.factors.STYLE if spec.name in style]
    data = wb.score_factors(data, specs)
    found = rate(data, covariates=style)
    told = found.covariates.dropna(subset="estimate")["term"].tolist()
    assert "words" in told
    used = data.labels.merge(data.pairs[["pair_id", "model_a", "model_b", "cluster"]])
    used = used.merge(data.factors)
    names = found.used.models
    used = used[used["model_a"].isin(names) & used["model_b"].isin(names)]
    used = used[used["model_a"] != used["model_b"]]
    a = pd.Categorical(used["model_a"], names).codes
    b = pd.Categorical(used["model_b"], names).codes
    D = np.eye(len(names))[a] - np.eye(len(names))[b]
    X = np.hstack([D[:, 1:], used[told].to_numpy()])
    model = sm.GLM(used["preference"].to_numpy(), X, family=sm.families.Binomial())
    groups = pd.factorize(used["cluster"])[0]
    oracle = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, tol=1e-12)
    table = found.covariates.set_index("term").loc[told]
    np.testing.assert_allclose(table["estimate"], oracle.params[-len(told) :], atol=1e-6)
    np.testing.assert_allclose(table["std_error"], oracle.bse[-len(told) :], rtol=1e-5)
