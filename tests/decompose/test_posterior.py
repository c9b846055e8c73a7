"""The posterior: exact integrals, NUTS, coverage, invariances, and data that say little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import expit

import workbench as wb
from tests.planted import planted
from workbench.data.dataset import PreferenceData
from workbench.decompose.posterior import dissect
from workbench.decompose.sampling.expectation import laplace_moments, moments
from workbench.decompose.sampling.mixing import effective_sizes
from workbench.decompose.sampling.sampler import Part, Prior, conditional, sample
from workbench.errors import DesignError
from workbench.results import TIDY

WEIGHTS = {"judge": [0.8, 0.0, -0.5], "people": [0.4, 0.3, 0.0]}


def _prior(name, scale, K):
    zero = np.zeros(K)
    if name == "laplace":
        return Prior(np.full(K, 1 / scale), zero)
    return Prior(zero, np.full(K, scale**-2.0))


def _exact(X, weight, votes, prior, width=8.0):
    """The oracle in two dimensions: mean and standard deviation by summing over a grid."""
    axis = np.linspace(-width, width, 641)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    log = -(np.abs(grid) @ prior.rate) - 0.5 * grid**2 @ prior.precision
    for x, w, v in zip(X, weight, votes, strict=True):
        eta = grid @ x
        log += v * eta - w * np.logaddexp(0, eta)
    p = np.exp(log - log.max())
    p /= p.sum()
    mean = p @ grid
    return mean, np.sqrt(p @ (grid - mean) ** 2)


@pytest.mark.parametrize("name", ["laplace", "normal"])
@pytest.mark.parametrize("case", ["usual", "one class", "weighted and soft", "collinear"])
def test_moments_equal_those_of_the_exact_posterior(name, case):
    rng = np.random.default_rng(3)
    X = rng.choice([-1.0, 0.0, 1.0], size=(25, 2))
    weight, y = np.ones(25), (rng.random(25) < expit(X @ [0.9, -0.3])).astype(float)
    if case == "one class":
        y = (X.sum(axis=1) > 0).astype(float)
    elif case == "weighted and soft":
        weight, y = rng.uniform(0.2, 2, 25), rng.random(25)
    elif case == "collinear":
        X[:, 1] = X[:, 0]
        X[0, 1] += 1
    prior = _prior(name, 0.7, 2)
    part = Part(X, weight[:, None], (weight * y)[:, None], ["g"])
    found = sample([part], prior, draws=8000, seed=1)
    mean, sd = _exact(X, weight, weight * y, prior)
    error = sd / np.sqrt(found.ess[0])
    assert np.all(np.abs(found.values[0].mean(axis=0) - mean) < 4 * error)
    np.testing.assert_allclose(found.values[0].std(axis=0), sd, rtol=0.08)
    assert found.rhat.max() < 1.02


def test_factors_that_can_hardly_be_told_apart_get_more_moves_and_the_exact_posterior():
    rng = np.random.default_rng(12)
    X = rng.normal(size=(300, 1)) + 0.02 * rng.normal(size=(300, 2))
    votes = (rng.random((300, 1)) < expit(X[:, :1])).astype(float)
    prior = _prior("normal", 0.7, 2)
    found = sample([Part(X, np.ones_like(votes), votes, ["g"])], prior, draws=4000, seed=1)
    mean, sd = _exact(X, np.ones(300), votes[:, 0], prior, width=5.0)
    assert found.effort[0] > 1
    assert np.all(np.abs(found.values[0].mean(axis=0) - mean) < 4 * sd / np.sqrt(found.ess[0]))
    np.testing.assert_allclose(found.values[0].std(axis=0), sd, rtol=0.15)


def test_groups_are_annotators_within_scenarios_unless_asked_otherwise():
    data = planted(WEIGHTS, n=200)
    scenario = np.where(np.arange(200) < 80, "Code", "Advice")
    data = replace(data, pairs=data.pairs.assign(scenario=scenario))
    result = dissect(data, folds=0, draws=200)
    assert result.weights().keys.columns.tolist() == ["annotator", "scenario"]
    assert result.to_frame().groupby("group")["n"].first().sum() == 400
    assert "judge | Code" in result.groups


def test_means_equal_those_of_numpyro_nuts():
    numpyro = pytest.importorskip("numpyro", reason="numpyro is the oracle of this test")
    import jax
    import numpyro.distributions as dist
    from numpyro.infer import MCMC, NUTS

    rng = np.random.default_rng(4)
    n, K = 150, 6
    X = rng.choice([-1.0, 0.0, 1.0], size=(n, K))
    y = (rng.random(n) < expit(X @ rng.laplace(0, 0.3, K))).astype(float)

    def model():
        b = numpyro.sample("b", dist.Laplace(np.zeros(K), 0.1))
        numpyro.sample("y", dist.Bernoulli(logits=X @ b), obs=y)

    chains = MCMC(
        NUTS(model),
        num_warmup=300,
        num_samples=1000,
        num_chains=4,
        chain_method="vectorized",
        progress_bar=False,
    )
    chains.run(jax.random.PRNGKey(0))
    nuts = np.asarray(chains.get_samples(group_by_chain=True)["b"], dtype=float)
    part = Part(X, np.ones((n, 1)), y[:, None], ["g"])
    ours = sample([part], _prior("laplace", 0.1, K), draws=8000, seed=0).values
    ours = ours.reshape(20, -1, K)
    size = numpyro.diagnostics.effective_sample_size
    centre = nuts.mean(axis=(0, 1))
    for one, two in ((ours, nuts), ((ours - centre) ** 2, (nuts - centre) ** 2)):
        error = np.sqrt(one.var(axis=(0, 1)) / size(one) + two.var(axis=(0, 1)) / size(two))
        z = (one.mean(axis=(0, 1)) - two.mean(axis=(0, 1))) / error
        assert np.abs(z).max() < 4
        assert np.sqrt((z**2).mean()) < 1.8


@pytest.mark.parametrize("name", ["laplace", "normal"])
def test_intervals_cover_weights_that_come_from_the_prior(name):
    rng = np.random.default_rng(5)
    n, J, K, scale = 80, 60, 5, 0.5
    parts, truth = [], []
    for block in range(5):
        X = rng.choice([-1.0, 0.0, 1.0], size=(n, K))
        b = getattr(rng, name)(0.0, scale, size=(J, K))
        votes = (rng.random((n, J)) < expit(X @ b.T)).astype(float)
        parts.append(Part(X, np.ones((n, J)), votes, [f"{block}.{j}" for j in range(J)]))
        truth.append(b)
    found = sample(parts, _prior(name, scale, K), draws=600, seed=0)
    low, high = np.quantile(found.values, [0.025, 0.975], axis=1)
    b = np.concatenate(truth)
    assert 0.93 < ((low < b) & (b < high)).mean() < 0.97


@pytest.mark.parametrize(
    ("q", "h", "r"),
    [(3, 50, 10), (-200, 50, 10), (4, 2, 0), (5, 100, 1e3), (50, 100, 2e4), (0.5, 1e-20, 100)],
)
def test_one_weight_given_the_others_has_its_density(q, h, r):
    u = (np.arange(400_000) + 0.5) / 400_000
    drawn = conditional(np.full_like(u, q), np.full_like(u, h), r, u)
    reach = 40 / (r - abs(q)) if r > abs(q) else 10 / np.sqrt(h) + abs(q / h)
    x = np.linspace(-reach, reach, 400_001)
    log = q * x - h * x * x / 2 - r * np.abs(x)
    p = np.exp(log - log.max())
    cdf = np.cumsum(p) / p.sum()
    for share in (0.01, 0.2, 0.5, 0.9, 0.999):
        exact = x[np.searchsorted(cdf, share)]
        assert np.quantile(drawn, share) == pytest.approx(exact, abs=2e-4 * reach)


def test_effective_sizes_equal_numpyros():
    diagnostics = pytest.importorskip("numpyro.diagnostics", reason="numpyro is the oracle")
    rng = np.random.default_rng(6)
    x = rng.normal(size=(200, 8, 3))
    for t in range(1, 200):
        x[t] += np.array([0.0, 0.5, 0.8]) * x[t - 1]
    ess, rhat = effective_sizes(x)
    swapped = x.transpose(1, 0, 2)
    # numpyro does not split chains for the effective size
    np.testing.assert_allclose(ess, diagnostics.effective_sample_size(swapped), rtol=0.15)
    np.testing.assert_allclose(rhat, diagnostics.split_gelman_rubin(swapped), rtol=1e-3)


def test_a_wide_prior_gives_the_maximum_likelihood_fit():
    data = planted(WEIGHTS, n=4000, position=0.3)
    posterior = dissect(data, by="annotator", prior="normal", scale=10.0, folds=0).to_frame()
    fit = wb.decompose(data, covariance="classical", folds=0).to_frame()
    assert posterior["term"].tolist() == fit["term"].tolist()
    gap = (posterior["estimate"] - fit["estimate"]) / fit["std_error"]
    assert gap.abs().max() < 0.15
    np.testing.assert_allclose(posterior["std_error"], fit["std_error"], rtol=0.08)


def test_a_tight_prior_keeps_every_weight_at_0():
    data = planted(WEIGHTS, n=300)
    tight = dissect(data, by="annotator", scale=1e-4, folds=0).to_frame().dropna(subset="estimate")
    assert tight["estimate"].abs().max() < 1e-3
    assert tight["conf_high"].max() < 1e-3


def test_to_frame_weights_and_texts_agree():
    result = dissect(planted(WEIGHTS, n=500), by="annotator", folds=2)
    table, weights = result.to_frame(), result.weights()
    assert set(TIDY) <= set(table)
    assert table["p_value"].isna().all()
    factors = table[table["term"] != "position"]
    np.testing.assert_array_equal(weights.values.ravel(), factors["estimate"])
    assert weights.draws.shape == (2000, 2, 3)
    np.testing.assert_allclose(
        np.quantile(weights.draws, 0.025, axis=0).ravel(), factors["conf_low"]
    )
    np.testing.assert_allclose(factors["probability_low"], expit(factors["conf_low"]))
    truth = np.array([WEIGHTS[g] for g in weights.keys["annotator"]])
    assert np.sign(weights.values[truth != 0]).tolist() == np.sign(truth[truth != 0]).tolist()
    unknown = table[table["term"] == "position"]
    assert unknown["estimate"].isna().all()
    assert (unknown["reason"].str.contains("order")).all()
    assert "n = 500" in result.summary()
    assert "95% interval" in result.summary()
    assert len(result.plot().data) > 0
    assert set(result.tables()) >= {"held_out", "scales"}
    assert (result.held_out["accuracy"] > 0.55).all()
    assert (result.held_out["log_loss"] < np.log(2)).all()


def _rebuilt(data, swap=False, order=None):
    """The same data from their tables, with A and B swapped or the rows in another order."""
    sign = -1.0 if swap else 1.0
    pairs = data.pairs.drop(columns=["pair_id"]).reset_index(drop=True)
    order = np.arange(len(pairs)) if order is None else order
    labels = data.labels.copy()
    at = pd.Index(data.pairs["pair_id"]).get_indexer(labels["pair_id"])
    labels["pair"] = np.argsort(order)[at]
    if swap:
        labels["preference"] = 1 - labels["preference"]
        labels["order_shown"] = labels["order_shown"].map({"ab": "ba", "ba": "ab"})
    pairs = pairs[["item", "cluster"]].iloc[order].reset_index(drop=True)
    columns = ["pair", "annotator", "preference", "order_shown", "kind"]
    built = PreferenceData.from_tables(pairs, labels[columns].reset_index(drop=True))
    factors = sign * data.factors[data.factor_names].iloc[order].reset_index(drop=True)
    return built.with_factors(factors, pd.DataFrame(index=factors.index), {})


@pytest.mark.parametrize("change", ["swap", "order"])
def test_swapping_the_sides_or_the_rows_changes_nothing(change):
    data = planted(WEIGHTS, n=200, position=0.4)
    order = np.random.default_rng(0).permutation(200) if change == "order" else None
    other = _rebuilt(data, swap=change == "swap", order=order)
    one, two = (dissect(d, by="annotator", folds=0).to_frame() for d in (data, other))
    np.testing.assert_allclose(one["estimate"], two["estimate"], atol=1e-6)
    np.testing.assert_allclose(one["conf_low"], two["conf_low"], atol=1e-6)


def test_the_same_seed_gives_the_same_draws_and_groups_do_not_matter_to_each_other():
    data = planted(WEIGHTS, n=200)
    both = dissect(data, by="annotator", folds=0)
    np.testing.assert_array_equal(both.draws, dissect(data, by="annotator", folds=0).draws)
    # the scale that is chosen is one for all groups, so this holds of a scale that is given
    both = dissect(data, by="annotator", scale=0.1, folds=0)
    alone = dissect(data, annotator="people", by="annotator", scale=0.1, folds=0).weights()
    shared = both.weights().select(annotator="people")
    np.testing.assert_allclose(alone.draws, shared.draws, atol=1e-9)
    other = dissect(data, by="annotator", scale=0.1, folds=0, seed=1)
    assert not np.array_equal(other.draws, both.draws)


@pytest.mark.parametrize(
    ("size", "likely"), [(0.02, (0.01, 0.03)), (0.1, (0.03, 0.1, 0.3)), (1.0, (0.3, 1.0, 3.0))]
)
def test_by_default_the_scale_is_the_one_of_least_held_out_loss(size, likely):
    weights = np.random.default_rng(3).laplace(0.0, size, size=20)
    data = planted({"judge": weights.tolist()}, n=800)
    result = dissect(data, by="annotator", folds=0)
    table = result.scales
    assert result.settings["scale_used"] == table.loc[table["log_loss"].idxmin(), "scale"]
    assert table.loc[table["chosen"], "scale"].tolist() == [result.settings["scale_used"]]
    assert result.settings["scale_used"] in likely
    assert f"scale {result.settings['scale_used']:g} (least held-out" in result.settings["method"]
    assert "held-out log-loss by prior scale: 0.01:" in result.summary()
    same = dissect(data, by="annotator", folds=0, scale="held-out")
    np.testing.assert_array_equal(same.draws, result.draws)


def test_a_scale_that_is_given_is_used_and_nothing_is_compared():
    result = dissect(planted(WEIGHTS, n=100), by="annotator", folds=0, scale=0.3)
    assert result.settings["scale_used"] == 0.3
    assert result.scales.empty
    assert "least" not in result.settings["method"]


def test_the_paper_is_repeated_under_its_own_scale():
    data = planted(WEIGHTS, n=100)
    found = dissect(data, by="annotator", legacy=True, folds=1)
    assert found.settings["scale_used"] == 0.1
    assert found.scales.empty
    named = dissect(data, by="annotator", legacy=True, folds=1, scale=0.1)
    np.testing.assert_array_equal(found.draws, named.draws)
    with pytest.raises(DesignError, match="legacy"):
        dissect(data, by="annotator", legacy=True, scale="held-out")


@pytest.mark.parametrize("name", ["laplace", "normal"])
def test_moments_are_those_of_exact_draws(name):
    rng = np.random.default_rng(4)
    n, K = 150, 8
    X = rng.choice([-1.0, 0.0, 1.0], size=(n, K))
    X[:, 1] = np.where(rng.random(n) < 0.7, X[:, 0], X[:, 1])  # correlated factors
    X[:, 7] = 0.0  # known by its prior alone
    b = rng.laplace(0.0, 0.5, size=(2, K))
    votes = (rng.random((n, 2)) < expit(X @ b.T)).astype(float)
    part = Part(X, np.ones((n, 2)), votes, ["one", "other"])
    priors = [_prior(name, scale, K) for scale in (0.03, 0.3, 1.0)]
    mean, covariance = moments(part, priors)
    for k, prior in enumerate(priors):
        exact = sample([part], prior, draws=20_000, seed=1)
        spread = exact.values.std(axis=1)
        gap = np.abs(mean[k] - exact.values.mean(axis=1)) / spread
        assert gap.max() < 0.12
        own = np.sqrt(np.diagonal(covariance[k], axis1=1, axis2=2))
        np.testing.assert_allclose(own, spread, rtol=0.1)


@pytest.mark.parametrize(("q", "h", "r"), [(0.3, 1.0, 2.0), (-5.0, 0.5, 1.0), (40.0, 2.0, 3.0)])
def test_moments_of_one_weight_equal_quadrature(q, h, r):
    at = max(abs(q) - r, 0.0) / h * np.sign(q)

    def density(b):
        return np.exp(q * (b - at) - h * (b**2 - at**2) / 2 - r * (abs(b) - abs(at)))

    powers = [quad(lambda b, k=k: b**k * density(b), -60, 60, points=[0, at], limit=500)[0]
              for k in range(3)]  # fmt: skip
    mean, variance = laplace_moments(np.array(q), np.array(h), np.array(r))
    assert mean == pytest.approx(powers[1] / powers[0], rel=1e-6)
    assert variance == pytest.approx(powers[2] / powers[0] - (powers[1] / powers[0]) ** 2, rel=1e-5)


def test_scales_are_compared_as_exact_draws_would_compare_them():
    data = planted({"a": [1.0, -0.5, 0.3], "b": [0.1, 0.0, 0.2]}, n=300)
    found = dissect(data, by="annotator", folds=0).scales.set_index("scale")["log_loss"]
    for scale in (0.03, 0.3, 3.0):
        drawn = dissect(data, by="annotator", scale=scale).held_out
        exact = np.average(drawn["log_loss"], weights=drawn["n"])
        assert found[scale] == pytest.approx(exact, abs=0.002)


def test_one_cluster_cannot_choose_a_scale():
    data = planted(WEIGHTS, n=30)
    together = replace(data, pairs=data.pairs.assign(cluster="one"))
    with pytest.raises(DesignError, match="cannot be chosen"):
        dissect(together, by="annotator", folds=0)
    assert dissect(together, by="annotator", scale=0.1, folds=0).draws.shape[1] == 2


def test_legacy_is_the_paper_with_one_fold_and_shrinks_with_ten():
    data = planted(WEIGHTS, n=400, position=0.4)
    whole = dissect(data, by="annotator", legacy=True, folds=1, draws=4000)
    assert "position" not in whole.terms
    assert whole.held_out.empty
    design = whole.design
    for j in range(2):
        rows, cells = design.compact(j)
        part = Part(design.X[rows, :3], cells.weight, cells.votes, ["again"])
        again = sample([part], _prior("laplace", 0.1, 3), draws=4000, seed=9)
        gap = again.values[0].mean(axis=0) - whole.weights().values[j]
        assert np.all(np.abs(gap) < 5 * again.values[0].std(axis=0) * np.sqrt(2 / 2000))
    ten = dissect(data, by="annotator", legacy=True).weights()
    w = whole.weights().values.ravel()
    assert np.corrcoef(w, ten.values.ravel())[0, 1] > 0.995
    assert 0.85 < np.abs(ten.values).sum() / np.abs(w).sum() < 1.0


def _odd_data():
    """Annotators of few labels, one side only, ties and missing values; a constant factor."""
    rng = np.random.default_rng(8)
    x = np.column_stack([rng.choice([-1.0, 0, 1], size=(60, 3)), np.zeros(60)])
    x[0, 0] = np.nan
    votes = (x[:, 1] > 0).astype(float)
    tables = {
        "few": votes[:3],
        "one side": np.ones(60),
        "tied": np.where(np.arange(60) < 20, 0.5, votes),
        "usual": votes,
    }
    labels = pd.concat(
        [
            pd.DataFrame({"pair": np.arange(len(y)), "annotator": name, "preference": y})
            for name, y in tables.items()
        ],
        ignore_index=True,
    )
    data = PreferenceData.from_tables(pd.DataFrame({"item": np.arange(60)}), labels)
    factors = pd.DataFrame(x, columns=["f0", "f1", "f2", "never"])
    return data.with_factors(factors, pd.DataFrame(index=factors.index), {})


def test_data_that_say_little_are_fitted_under_the_prior_and_said():
    result = dissect(_odd_data(), by="annotator", scale=0.1, folds=2, draws=4000)
    table = result.to_frame().set_index(["group", "term"])
    said = result.diagnostics.set_index("group")["warnings"]
    assert "fewer labels (2) than terms (4)" in said["few"]
    assert "prefers the same side" in said["one side"]
    assert "prefers" not in said["usual"]
    missing = result.exclusions.set_index("group")
    assert (missing["reason"] == "missing factor value").all()
    assert missing["n"].sum() == 4
    never = table.xs("never", level="term")
    assert never["reason"].str.contains("prior").all()
    # a Laplace prior of scale b has standard deviation b sqrt(2) and 97.5 % point b log 20
    np.testing.assert_allclose(never["std_error"], 0.1 * np.sqrt(2), rtol=0.12)
    np.testing.assert_allclose(never["conf_high"], 0.1 * np.log(20), rtol=0.15)
    assert np.isfinite(table.drop("position", level="term")["estimate"]).all()
    assert result.held_out["log_loss"].notna().all()


def test_ties_count_half_or_are_left_out():
    data = _odd_data()
    half, drop = (
        dissect(data, by="annotator", folds=0, ties=t).to_frame() for t in ("half", "drop")
    )
    n = [frame.set_index("group").loc["tied", "n"].iloc[0] for frame in (half, drop)]
    assert n == [59, 40]


@pytest.mark.parametrize(
    "options",
    [
        {"prior": "cauchy"},
        {"scale": 0},
        {"scale": "best"},
        {"folds": 1},
        {"draws": 10},
        {"level": 1.0},
        {"legacy": True, "folds": 3},
        {"legacy": True, "scale": 0.2},
        {"factors": ["nothing"]},
        {"by": "colour"},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(DesignError):
        dissect(planted(WEIGHTS, n=50), **options)
