"""Tests of added terms equal those of other software and of dense algebra, and hold their level."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import f as fisher
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from workbench.decompose.checks.fitted import Fitted, at_predictor, first_rows
from workbench.decompose.checks.joint import joint_test
from workbench.decompose.checks.score import added_terms
from workbench.decompose.checks.terms import bins, certainty_bins, curved, interactions, link
from workbench.decompose.kernel import Cells
from workbench.decompose.logit import fit_logit


def fit_of(X: np.ndarray, y: np.ndarray, cluster: np.ndarray) -> Fitted:
    """Return a fit to sorted clusters with what the tests need."""
    K = X.shape[1]
    cells = Cells(np.ones((len(y), 1)), y[:, None].astype(float))
    active = np.ones((1, K), dtype=bool)
    coef = fit_logit(X, cells, active=active, n_labels=np.array([len(y)])).coef[0]
    return at_predictor(
        X @ coef, np.ones(len(y)), y.astype(float), first_rows(cluster), X=X, n=len(y),
        terms=[f"f{k}" for k in range(K)], row=np.arange(len(y)),
    )  # fmt: skip


def simulated(
    rng: np.random.Generator, n: int, cluster: np.ndarray, K: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Return differences that clusters share in part, and labels of a true model."""
    X = rng.normal(size=(n, K)) + rng.normal(size=(cluster.max() + 1, K))[cluster]
    eta = X[:, :2] @ [0.7, -0.5]
    return X, (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)


def test_the_score_statistic_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    cluster = np.arange(500)
    X, y = simulated(rng, 500, cluster)
    base = fit_of(X, y, cluster)
    Z = np.column_stack([X[:, 0] * np.abs(X[:, 1]), np.sign(X[:, 2])])
    found = added_terms(base, Z)
    null = sm.GLM(y, X, family=sm.families.Binomial()).fit()
    for k in range(2):
        score = null.score_test(exog_extra=Z[:, [k]])[0]
        assert 2 * len(y) * found.gain[k] == pytest.approx(np.ravel(score)[0], rel=1e-6)


def test_the_step_and_its_error_are_near_those_of_a_refit_with_the_term() -> None:
    rng = np.random.default_rng(1)
    cluster = np.sort(rng.integers(0, 800, 4000))
    cluster = np.unique(cluster, return_inverse=True)[1]
    X, y = simulated(rng, 4000, cluster)
    Z = X[:, [0]] * np.abs(X[:, [1]])
    found = added_terms(fit_of(X, y, cluster), Z)
    full = sm.Logit(y, np.column_stack([X, Z])).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": cluster}
    )
    assert found.estimate[0] == pytest.approx(full.params[-1], abs=0.1 * full.bse[-1])
    assert found.error[0] == pytest.approx(full.bse[-1], rel=0.03)


def test_with_equal_clusters_it_is_the_t_test_of_cluster_means() -> None:
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(12), 5)
    y = rng.integers(0, 2, 60).astype(float)
    base = at_predictor(
        np.zeros(60), np.ones(60), y, first_rows(cluster), terms=[], X=np.empty((60, 0)),
        row=np.arange(60), n=60,
    )  # fmt: skip
    found = added_terms(base, np.ones((60, 1)))
    t = found.estimate[0] / found.error[0]
    means = (y - 0.5).reshape(12, 5).mean(axis=1)
    assert found.df[0] == pytest.approx(11)
    assert t == pytest.approx(ttest_1samp(means, 0).statistic)


def test_with_equal_clusters_the_joint_test_is_that_of_hotelling() -> None:
    rng = np.random.default_rng(3)
    G, q = 15, 3
    cluster = np.repeat(np.arange(G), 6)
    Z = np.tile(rng.normal(size=(6, q)), (G, 1))
    y = rng.integers(0, 2, 6 * G).astype(float)
    base = at_predictor(
        np.zeros(6 * G), np.ones(6 * G), y, first_rows(cluster), terms=[],
        X=np.empty((6 * G, 0)), row=np.arange(6 * G), n=6 * G,
    )  # fmt: skip
    found = joint_test(base, Z)
    sums = (Z * (y - 0.5)[:, None]).reshape(G, 6, q).sum(axis=1)
    mean, spread = sums.mean(axis=0), np.cov(sums.T)
    statistic = (G - q) / (q * (G - 1)) * G * mean @ np.linalg.solve(spread, mean)
    assert found.df == pytest.approx(G - q)
    assert found.statistic == pytest.approx(statistic)
    assert found.p_value == pytest.approx(fisher.sf(statistic, q, G - q))


def test_degrees_of_freedom_are_those_of_dense_algebra() -> None:
    rng = np.random.default_rng(4)
    cluster = np.sort(rng.choice(9, 150, p=np.arange(1, 10) / 45))
    X, y = simulated(rng, 150, cluster)
    base = fit_of(X, y, cluster)
    z = X[:, 0] * np.abs(X[:, 1])
    found = added_terms(base, z[:, None])
    W = np.diag(base.information)
    rest = z - X @ np.linalg.solve(X.T @ W @ X, X.T @ W @ z)
    both = np.column_stack([X, rest])
    # residuals after the step, as a matrix times the true ones
    after = np.eye(150) - W @ both @ np.linalg.inv(both.T @ W @ both) @ both.T
    sums = (cluster[None] == np.arange(9)[:, None]) * rest
    omega = sums @ after @ W @ after.T @ sums.T
    share = np.diag(sums @ W @ sums.T)
    scale = np.sqrt(share / np.diag(omega))
    omega = omega * np.outer(scale, scale)
    assert found.df[0] == pytest.approx(np.trace(omega) ** 2 / (omega**2).sum(), rel=1e-8)
    scores = scale * (sums @ (base.residual - W @ rest * found.estimate[0]))
    assert found.error[0] == pytest.approx(np.sqrt((scores**2).sum()) / share.sum(), rel=1e-8)


@pytest.mark.parametrize(("clusters", "n", "runs"), [(120, 120, 300), (20, 120, 300)])
def test_every_test_holds_its_level_under_a_true_model(clusters: int, n: int, runs: int) -> None:
    rng = np.random.default_rng(5)
    rejected = []
    for _ in range(runs):
        cluster = np.repeat(np.arange(clusters), n // clusters)
        X, y = simulated(rng, n, cluster)
        base = fit_of(X, y, cluster)
        Z = np.column_stack([link(base)[1], curved(base)[1][:, :4],
                             next(interactions(base, [0, 1, 2]))[1]])  # fmt: skip
        found = added_terms(base, Z)
        p = 2 * student.sf(np.abs(found.estimate / found.error), found.df)
        rejected.append([*(p < 0.05), joint_test(base, bins(base)).p_value < 0.05])
    share = np.mean(rejected, axis=0)
    # 5 % and four Monte-Carlo errors of 300 runs
    assert np.all(np.abs(share - 0.05) < 0.05), share


def test_exchanging_the_sides_of_any_pairs_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    cluster = np.repeat(np.arange(50), 4)
    X, y = simulated(rng, 200, cluster)
    side = rng.choice([1.0, -1.0], 200)
    swapped = fit_of(X * side[:, None], np.where(side > 0, y, 1 - y), cluster)
    base = fit_of(X, y, cluster)
    for columns in (link, curved):
        one, two = added_terms(base, columns(base)[1]), added_terms(swapped, columns(swapped)[1])
        np.testing.assert_allclose(one.estimate, two.estimate, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(one.error, two.error, rtol=1e-6)
    first, second = joint_test(base, bins(base)), joint_test(swapped, bins(swapped))
    assert first.p_value == pytest.approx(second.p_value, rel=1e-6)


def test_a_column_that_the_terms_tell_or_that_few_clusters_hold_is_not_told() -> None:
    rng = np.random.default_rng(7)
    cluster = np.repeat(np.arange(40), 5)
    X, y = simulated(rng, 200, cluster)
    X[:, 2] = np.sign(X[:, 2])
    rare = np.where(cluster < 3, rng.normal(size=200), 0.0)
    found = added_terms(fit_of(X, y, cluster), np.column_stack([2 * X[:, 2], rare]))
    assert found.told.tolist() == [False, True]
    assert found.df[1] < 4


def test_bins_are_by_certainty_and_not_by_side() -> None:
    eta = np.random.default_rng(8).normal(size=100)
    assert certainty_bins(eta).tolist() == certainty_bins(-eta).tolist()
    assert np.bincount(certainty_bins(eta)).tolist() == [20] * 5
