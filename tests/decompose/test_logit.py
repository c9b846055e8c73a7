"""The solver against statsmodels, closed forms and itself on parts of the data."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from workbench.decompose.kernel import Cells, final_pass, gram
from workbench.decompose.logit import fit_logit


def _data(n=3000, K=6, J=9, seed=0, clusters=400):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, K))
    beta = rng.normal(size=(K, J)) * 0.5
    Y = (rng.random((n, J)) < 1 / (1 + np.exp(-X @ beta))).astype(float)
    cluster = np.sort(rng.integers(0, clusters, n))
    return X, Y, cluster


def _fit(X, Y, weight=None, covariance="classical", cluster=None):
    w = np.ones_like(Y) if weight is None else weight
    J = Y.shape[1]
    return fit_logit(
        X,
        Cells(w, w * Y),
        active=np.ones((J, X.shape[1]), bool),
        n_labels=(w > 0).sum(axis=0),
        covariance=covariance,
        clusters=cluster,
    )


def _errors(oracle, covariance):
    # statsmodels leaves out HC1's own factor n / (n - k); we keep to the definition
    n, k = oracle.nobs, len(oracle.params)
    return oracle.bse * (np.sqrt(n / (n - k)) if covariance == "HC1" else 1.0)


def _oracle(X, y, covariance, cluster, weight=None):
    kind = {"classical": "nonrobust"}.get(covariance, covariance)
    extra = {"groups": cluster} if covariance == "cluster" else None
    model = sm.GLM(y, X, family=sm.families.Binomial(), var_weights=weight)
    return model.fit(cov_type=kind, cov_kwds=extra, tol=1e-14, tol_criterion="params")


@pytest.mark.parametrize("covariance", ["classical", "HC1", "cluster"])
@pytest.mark.parametrize("J", [1, 9])
def test_equals_statsmodels(covariance, J):
    X, Y, cluster = _data(J=J)
    fit = _fit(X, Y, covariance=covariance, cluster=cluster)
    for j in range(J):
        oracle = _oracle(X, Y[:, j], covariance, cluster)
        np.testing.assert_allclose(fit.coef[j], oracle.params, rtol=0, atol=1e-8)
        error = np.sqrt(np.diag(fit.covariance[j]))
        np.testing.assert_allclose(error, _errors(oracle, covariance), rtol=1e-8)
        assert fit.log_likelihood[j] == pytest.approx(oracle.llf, rel=1e-10)


@pytest.mark.parametrize("covariance", ["nonrobust", "cluster"])
def test_equals_statsmodels_logit(covariance):
    X, Y, cluster = _data(J=1)
    extra = {"groups": cluster} if covariance == "cluster" else None
    oracle = sm.Logit(Y[:, 0], X).fit(disp=0, tol=1e-14, cov_type=covariance, cov_kwds=extra)
    ours = "classical" if covariance == "nonrobust" else covariance
    fit = _fit(X, Y, covariance=ours, cluster=cluster)
    np.testing.assert_allclose(fit.coef[0], oracle.params, rtol=0, atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance[0])), oracle.bse, rtol=1e-8)


def test_soft_labels_and_weights_equal_statsmodels():
    X, Y, cluster = _data(J=3)
    rng = np.random.default_rng(1)
    soft = np.clip(Y * 0.7 + rng.random(Y.shape) * 0.3, 0, 1)
    weight = rng.integers(1, 6, Y.shape).astype(float)
    fit = _fit(X, soft, weight, "cluster", cluster)
    for j in range(3):
        oracle = _oracle(X, soft[:, j], "cluster", cluster, weight[:, j])
        np.testing.assert_allclose(fit.coef[j], oracle.params, rtol=0, atol=1e-8)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance[j])), oracle.bse, rtol=1e-8)


def test_missing_labels_equal_a_fit_on_the_rows_that_have_them():
    X, Y, cluster = _data(J=8)
    weight = (np.random.default_rng(2).random(Y.shape) < 0.6).astype(float)
    fit = _fit(X, Y, weight, "cluster", cluster)
    for j in range(8):
        rows = weight[:, j] > 0
        alone = _fit(X[rows], Y[rows, j : j + 1], None, "cluster", cluster[rows])
        np.testing.assert_allclose(fit.coef[j], alone.coef[0], atol=1e-10)
        np.testing.assert_allclose(fit.covariance[j], alone.covariance[0], rtol=1e-8, atol=1e-14)


def test_large_data_take_the_subsampled_start_and_still_agree():
    X, Y, cluster = _data(n=30_000, K=4, J=2, clusters=9000)
    fit = _fit(X, Y, covariance="cluster", cluster=cluster)
    oracle = _oracle(X, Y[:, 1], "cluster", cluster)
    np.testing.assert_allclose(fit.coef[1], oracle.params, rtol=0, atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance[1])), oracle.bse, rtol=1e-8)


def test_one_column_has_a_closed_form():
    # 30 of 40 votes for A with x = 1: the weight is ln(30 / 10), its variance 1/30 + 1/10
    X = np.ones((40, 1))
    Y = np.r_[np.ones(30), np.zeros(10)][:, None]
    fit = _fit(X, Y)
    assert fit.coef[0, 0] == pytest.approx(np.log(3), abs=1e-12)
    assert fit.covariance[0, 0, 0] == pytest.approx(1 / 30 + 1 / 10, rel=1e-9)


def test_repeated_labels_in_a_cell_equal_repeated_rows_under_hc1():
    X, Y, _ = _data(n=500, J=1)
    rng = np.random.default_rng(3)
    extra = rng.integers(0, 500, 300)
    X2, y2 = np.vstack([X, X[extra]]), np.r_[Y[:, 0], rng.integers(0, 2, 300)]
    rows = np.r_[np.arange(500), extra]

    def total(values):
        return np.bincount(rows, values, 500)[:, None]

    cells = Cells(total(np.ones(800)), total(y2), (total(np.ones(800)), total(y2), total(y2**2)))
    fit = fit_logit(
        X, cells, active=np.ones((1, 6), bool), n_labels=np.array([800]), covariance="HC1"
    )
    oracle = _oracle(X2, y2, "HC1", None)
    np.testing.assert_allclose(fit.coef[0], oracle.params, atol=1e-8)
    errors = _errors(oracle, "HC1")
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance[0])), errors, rtol=1e-8)


def test_inactive_terms_stay_out():
    X, Y, _ = _data(J=2)
    active = np.ones((2, 6), bool)
    active[1, 2] = False
    w = np.ones_like(Y)
    fit = fit_logit(X, Cells(w, w * Y), active=active, n_labels=np.array([3000, 3000]))
    oracle = _oracle(np.delete(X, 2, axis=1), Y[:, 1], "classical", None)
    np.testing.assert_allclose(np.delete(fit.coef[1], 2), oracle.params, atol=1e-8)
    assert fit.coef[1, 2] == 0
    assert (fit.covariance[1, 2] == 0).all()


def test_chunks_and_blocks_do_not_change_sums():
    X, Y, cluster = _data(n=9001, K=3, J=7, clusters=500)
    w = np.ones_like(Y)
    beta = np.full((3, 7), 0.1)
    starts = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    whole = final_pass(X, Cells(w, Y), beta, starts, robust=True)
    p = 1 / (1 + np.exp(-X @ beta))
    for j in range(7):
        score = X * (Y[:, j] - p[:, j])[:, None]
        sums = np.add.reduceat(score, starts, axis=0)
        np.testing.assert_allclose(whole.meat[j], sums.T @ sums, rtol=1e-10, atol=1e-8)
        v = (p * (1 - p))[:, j]
        np.testing.assert_allclose(whole.hessian[j], X.T @ (X * v[:, None]), rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(gram(X, w)[0], X.T @ X, rtol=1e-12)


def test_same_bits_on_every_run():
    X, Y, cluster = _data(n=20_000, K=5, J=8)
    one, two = (_fit(X, Y, None, "cluster", cluster) for _ in range(2))
    assert one.coef.tobytes() == two.coef.tobytes()
    assert one.covariance.tobytes() == two.covariance.tobytes()


@pytest.mark.parametrize("seed", [42, 65, 72, 80, 81])
def test_labels_that_are_separated_far_out_leave_the_range_of_no_number(seed: int) -> None:
    # more terms than labels a group: warnings of numpy are errors here
    rng = np.random.default_rng(seed)
    K, m, J = 12, 8, 6
    X = rng.normal(size=(m * J, K)) * (rng.random((m * J, K)) < 0.4)
    X *= np.exp(rng.normal(size=(m * J, K)))
    weight, votes = np.zeros((2, m * J, J))
    for j in range(J):
        weight[m * j : m * (j + 1), j] = 2
        votes[m * j : m * (j + 1), j] = rng.integers(0, 3, m)
    active = np.stack([(X[weight[:, j] > 0] != 0).any(axis=0) for j in range(J)])
    fit = fit_logit(X, Cells(weight, votes), active=active, n_labels=weight.sum(axis=0).astype(int))
    # what has no maximum is told by how steep it has become, or by not coming to rest
    assert ((fit.steepest > 15) | ~fit.converged).all()
