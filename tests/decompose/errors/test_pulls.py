"""Cluster-robust errors: against R's clubSandwich, dense formulas, refits and simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import workbench as wb
from tests.planted import planted
from workbench.decompose.errors import pulls as module
from workbench.decompose.errors import sums
from workbench.decompose.errors.pulls import pulls
from workbench.decompose.errors.sandwich import Sandwich, joint_test
from workbench.decompose.errors.tidy import p_values

SIZES = [40, 20, 13, 10, 8, 6, 5, 4, 4, 3, 3, 3, 2, 2, 2]


GOLDEN_ERRORS = [0.1625735503695, 0.1128567211958, 0.0772223233078]
GOLDEN_DEGREES = [3.71518258795, 6.47793733513, 6.07133306705]
GOLDEN_JOINT = [
    ([1, 1, 1], 0.929177209056, 3.37467608524, 0.515136769809),
    ([1, 1, 0], 0.811711339493, 4.05227496526, 0.50528320641),
]


def unequal() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a design, outcomes and clusters of unequal size, without random numbers."""
    cluster = np.repeat(np.arange(15), SIZES)
    i = np.arange(len(cluster))
    x = np.column_stack(
        [np.sin(1.7 * i) + np.cos(2.3 * cluster), np.cos(0.9 * i) + np.sin(cluster),
         np.sin(0.37 * i * i)]
    )  # fmt: skip
    y = (np.sin(5.1 * i) + 0.4 * x[:, 0] - 0.3 * x[:, 1] > 0).astype(float)
    return x, y, cluster


def logit(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients, residuals, working weights and the inverse Hessian of a logit fit."""
    beta = sm.GLM(y, x, family=sm.families.Binomial()).fit(tol=1e-14).params
    p = 1 / (1 + np.exp(-x @ beta))
    w = p * (1 - p)
    return beta, y - p, w, np.linalg.inv((x * w[:, None]).T @ x)


def test_equals_club_sandwich_on_a_linear_fit():
    # R 4.2.2, clubSandwich 0.5.8, on lm(y ~ 0 + a + b + c): coef_test(vcov = "CR2",
    # test = "Satterthwaite") and Wald_test(constrain_zero(...), test = "HTZ")
    x, y, cluster = unequal()
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    found = pulls(x, np.ones(len(y)), y - x @ beta, cluster, np.linalg.inv(x.T @ x))
    errors = np.sqrt(np.diag(found.covariance))
    np.testing.assert_allclose(errors, GOLDEN_ERRORS, rtol=1e-9)
    np.testing.assert_allclose(found.degrees, GOLDEN_DEGREES, rtol=1e-9)
    for terms, statistic, residual, p in GOLDEN_JOINT:
        chosen = np.array(terms, dtype=bool)
        part = found.covariance[np.ix_(chosen, chosen)]
        test = joint_test(beta[chosen], part, found.joint_degrees(chosen))
        assert test["statistic"] == pytest.approx(statistic, rel=1e-7)
        assert test["df_residual"] == pytest.approx(residual, rel=1e-7)
        assert test["p_value"] == pytest.approx(p, rel=1e-6)


def dense(x, w, residual, cluster, bread, contrast):
    """Return the CR2 covariance and eta by n x n matrices, straight from the definitions."""
    z = x * np.sqrt(w)[:, None]
    hat = z @ bread @ z.T
    q = len(contrast)
    values, vectors = np.linalg.eigh(contrast @ bread @ contrast.T)
    whiten = vectors / np.sqrt(values) @ vectors.T
    scores, parts = [], []
    for g in np.unique(cluster):
        own = cluster == g
        values, vectors = np.linalg.eigh(np.eye(own.sum()) - hat[np.ix_(own, own)])
        adjust = vectors / np.sqrt(values) @ vectors.T
        scores.append(contrast @ bread @ z[own].T @ adjust @ (residual / np.sqrt(w))[own])
        left = (np.eye(len(x)) - hat)[:, own]
        parts.append(left @ adjust @ z[own] @ bread @ contrast.T @ whiten)
    spread = 0.0
    for one in parts:
        for two in parts:
            both = one.T @ two
            spread += np.trace(both) ** 2 + np.trace(both @ both)
    return np.stack(scores).T @ np.stack(scores), q * (q + 1) / spread


@pytest.mark.parametrize("contrast", [np.eye(3), np.eye(3)[:1], np.eye(3)[1:]])
def test_logit_errors_equal_the_dense_definitions(contrast):
    x, y, cluster = unequal()
    _, residual, w, bread = logit(x, y)
    found = pulls(x, w, residual, cluster, bread)
    covariance, degrees = dense(x, w, residual, cluster, bread, contrast)
    terms = contrast.sum(axis=0) > 0
    np.testing.assert_allclose(found.covariance[np.ix_(terms, terms)], covariance, rtol=1e-9)
    assert found.joint_degrees(terms) == pytest.approx(degrees, rel=1e-9)
    if terms.sum() == 1:
        assert found.degrees[terms][0] == pytest.approx(degrees, rel=1e-9)


@pytest.mark.parametrize("singles", [True, False])
def test_many_clusters_give_the_same_errors_and_no_more_degrees(monkeypatch, singles):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(3000, 4))
    cluster = np.arange(3000) if singles else np.sort(rng.integers(0, 900, 3000))
    y = (rng.random(3000) < 1 / (1 + np.exp(-x @ [0.5, 0.0, 0.2, -0.4]))).astype(float)
    _, residual, w, bread = logit(x, y)
    held = pulls(x, w, residual, cluster, bread)
    monkeypatch.setattr(module, "_EXACT", 0)
    light = pulls(x, w, residual, cluster, bread)
    assert light.root is None
    np.testing.assert_allclose(light.covariance, held.covariance, rtol=2e-6)
    np.testing.assert_allclose(light.own, held.own, rtol=1e-9)
    np.testing.assert_allclose(light.effective, held.effective, rtol=1e-9)
    assert (light.degrees <= held.degrees * (1 + 1e-9)).all()
    assert (light.degrees > 0.9 * held.degrees).all()
    every = np.ones(4, dtype=bool)
    assert light.joint_degrees(every) <= held.joint_degrees(every)


@pytest.mark.parametrize("exact", [True, False])
def test_sums_over_blocks_are_those_of_all_pulls(monkeypatch, exact):
    x, y, cluster = unequal()
    _, residual, w, bread = logit(x, y)
    whole = pulls(x, w, residual, cluster, bread, exact=exact)
    monkeypatch.setattr(sums, "BLOCK", 30)
    found = sums.sums_of((x, w, residual, cluster), bread, exact=exact)
    assert found.n_clusters == whole.n_clusters
    for name in ("covariance", "degrees", "effective"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-12)
    for term in range(3):
        told, wanted = found.heaviest(term, str), whole.heaviest(term, str)
        assert [name for name, _ in told] == [name for name, _ in wanted]
        np.testing.assert_allclose([own for _, own in told], [own for _, own in wanted])


def test_errors_lie_between_cr1_and_exact_leave_one_cluster_out_refits():
    data = planted({"ann": [0.6, -0.3, 0.1]}, n=400, clusters=40, seed=5)
    fit = wb.decompose(data, folds=0)
    table = fit.to_frame()[:3]
    x, y = data.factors[["f0", "f1", "f2"]].to_numpy(), data.labels["preference"].to_numpy()
    codes = pd.factorize(data.pairs["cluster"])[0]
    family = sm.families.Binomial()
    full = sm.GLM(y, x, family=family).fit(cov_type="cluster", cov_kwds={"groups": codes})
    refits = [sm.GLM(y[codes != g], x[codes != g], family=family).fit().params for g in range(40)]
    jackknife = np.sqrt(39 / 40 * ((np.stack(refits) - full.params) ** 2).sum(axis=0))
    plain = full.bse * np.sqrt(39 / 40)  # without CR1's own small-sample factor
    assert (table["std_error"] > plain).all()
    assert (table["std_error"] < jackknife).all()
    assert (jackknife / plain > 1.03).all()


def test_joined_errors_are_those_of_one_stacked_fit():
    x, y, cluster = unequal()
    _, residual, w, bread = logit(x, y)
    other = np.roll(y, 7)
    _, residual_2, w_2, bread_2 = logit(x, other)
    one, two = (
        Sandwich({("cluster",): part})
        for part in (
            pulls(x, w, residual, cluster, bread),
            pulls(x, w_2, residual_2, cluster, bread_2),
        )
    )
    joint = one.minus(two, 1.5)
    # the stacked design is block-diagonal; a difference is a contrast of its 6 weights
    stacked = np.zeros((2 * len(x), 6))
    stacked[: len(x), :3], stacked[len(x) :, 3:] = x, x
    order = np.argsort(np.tile(cluster, 2), kind="stable")
    big = np.zeros((6, 6))
    big[:3, :3], big[3:, 3:] = bread, bread_2
    contrast = np.hstack([np.eye(3), -1.5 * np.eye(3)])
    covariance, degrees = dense(
        stacked[order], np.r_[w, w_2][order], np.r_[residual, residual_2][order],
        np.tile(cluster, 2)[order], big, contrast,
    )  # fmt: skip
    np.testing.assert_allclose(joint.covariance, covariance, rtol=1e-9)
    assert joint.joint_degrees(np.ones(3, dtype=bool)) == pytest.approx(degrees, rel=1e-9)


def test_two_dimensions_add_up_as_cameron_gelbach_and_miller_say():
    rng = np.random.default_rng(2)
    names = [f"p{k:02d}" for k in range(12)]
    data = planted({name: [0.4, -0.2] for name in names}, n=60, seed=2)
    kept = data.labels[rng.random(len(data.labels)) < 0.4].reset_index(drop=True)
    data = replace(data, labels=kept)

    def covariance(cluster):
        fit = wb.decompose(data, annotator="human", cluster=cluster, folds=0)
        return fit.fits["human"].covariance[:2, :2]

    crossed = data.labels["annotator"] + data.labels["pair_id"].astype("str")
    both = wb.decompose(
        replace(data, labels=data.labels.assign(crossed=crossed)),
        annotator="human", cluster="crossed", folds=0,
    ).fits["human"].covariance[:2, :2]  # fmt: skip
    expected = covariance("cluster") + covariance("annotator") - both
    np.testing.assert_allclose(covariance(["cluster", "annotator"]), expected, rtol=1e-9)
    # ten people and more are clustered without being asked for
    np.testing.assert_allclose(covariance(None), expected, rtol=1e-9)
    table = wb.decompose(data, annotator="human", folds=0).to_frame()
    assert table["over"][0] == "clusters of prompts and annotators"
    assert (table["df"][:2] < 12).all()


def test_three_dimensions_never_narrow_an_interval_below_that_of_one():
    people = {f"p{k:02d}": [0.6, -0.3, 0.2] for k in range(12)}
    for seed in range(8):
        data = planted(people, n=120, seed=seed)
        session = np.random.default_rng(seed).integers(0, 30, len(data.labels)).astype(str)
        data = replace(data, labels=data.labels.assign(pool="people", session=session))
        names = ["prompt", "annotator", "session"]
        errors = {
            tuple(by): wb.decompose(data, by="pool", cluster=by, folds=0).to_frame()["std_error"][
                :3
            ]
            for by in ([names[0]], [names[1]], [names[2]], names)
        }
        joint = errors.pop(tuple(names))
        assert (joint >= np.max(list(errors.values()), axis=0) * (1 - 1e-9)).all()


def test_a_dimension_of_one_cluster_is_left_out_and_said_and_clusters_are_counted_by_name():
    people = {f"p{k:02d}": [0.6, -0.3, 0.2] for k in range(12)}
    data = planted(people, n=120)
    data = replace(data, labels=data.labels.assign(pool="people", team="only"))
    fit = wb.decompose(data, by="pool", cluster=["team", "annotator"], folds=0)
    assert "all labels are of one team: errors are by annotator only" in fit.summary()
    assert "clusters = 12 by annotator" in fit.summary()
    table = fit.to_frame()
    assert set(table["n_clusters"]) == {12}
    assert set(table["over"]) == {"annotators, for one team"}


def test_a_pool_of_few_people_says_that_the_claim_is_on_them():
    data = planted({"ann": [0.4, 0.1], "bob": [0.4, 0.1], "cy": [0.4, 0.1]}, n=200)
    fit = wb.decompose(data, annotator="human", folds=0)
    assert fit.to_frame()["over"][0] == "clusters of prompts, for these 3 annotators"
    assert "3 annotators are pooled, too few to generalise over" in fit.warnings[0]


def test_what_rests_on_too_few_clusters_is_undefined_and_names_them():
    data = planted({"ann": [0.6, 0.1]}, n=600, clusters=60, seed=1)
    codes = data.pairs["cluster"]
    rng = np.random.default_rng(0)
    rare = np.where(codes.isin(["c1", "c2"]), rng.normal(size=600), 0.0)
    frame = pd.DataFrame({"rare": rare})
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), {})
    fit = wb.decompose(data, folds=0)
    row = fit.to_frame().set_index("term").loc["rare"]
    assert np.isnan(row[["estimate", "std_error", "p_value", "ame", "per_sd"]].astype(float)).all()
    assert "c1" in row["reason"]
    assert "c2" in row["reason"]
    assert "degrees of freedom, fewer than 4" in row["reason"]
    # it stays in the model, as a control of the others
    assert np.isfinite(fit.fits["ann"].coef[2])
    others = fit.to_frame().set_index("term").loc[["f0", "f1"]]
    assert np.isfinite(others["p_value"]).all()


def test_level_with_few_and_unequal_clusters():
    # null weights, a random slope of each cluster; 12 equal and 40 Zipf-sized clusters
    rejected = {"equal": [], "zipf": []}
    for run in range(8):
        for name, sizes in (("equal", np.full(12, 20)), ("zipf", _zipf(40, 20))):
            rng = np.random.default_rng(run)
            cluster = np.repeat(np.arange(len(sizes)), sizes)
            x = (rng.normal(size=(len(cluster), 3)) + rng.normal(size=(len(sizes), 3))[cluster]) / 2
            found = []
            for _ in range(40):
                eta = 0.5 * rng.normal(size=len(sizes))[cluster]
                y = (rng.random(len(cluster)) < 1 / (1 + np.exp(-eta))).astype(float)
                beta, residual, w, bread = logit(x, y)
                part = pulls(x, w, residual, cluster, bread)
                found.append(_p(beta, part) < 0.05)
            rejected[name].append(np.mean(found))
    for name, shares in rejected.items():
        centre, error = np.mean(shares), np.std(shares, ddof=1) / np.sqrt(len(shares))
        assert abs(centre - 0.05) < max(0.02, 2.5 * error), name


def _p(beta, part):
    return p_values(beta, np.sqrt(np.diag(part.covariance)), part.degrees)


def _zipf(groups: int, mean: int) -> np.ndarray:
    share = 1 / np.arange(1, groups + 1)
    return np.maximum(1, (groups * mean * share / share.sum()).astype(int))


def test_clusters_by_name_and_by_column_are_those_of_the_data():
    data = planted({"ann": [0.4, -0.2]}, n=300, clusters=60)
    session = pd.Series(np.arange(len(data.labels)) // 10).astype("str")
    session[:5] = None
    data = replace(data, labels=data.labels.assign(session=session))
    fit = wb.decompose(data, cluster=["session"], folds=0)
    x, y = data.factors[["f0", "f1"]].to_numpy()[data.pair_rows], data.labels["preference"]
    _, residual, w, bread = logit(x, y.to_numpy())
    # labels that name no session are clusters of their own
    codes = session.fillna(pd.Series(np.arange(300)).map("alone {}".format))
    order = np.argsort(pd.factorize(codes)[0], kind="stable")
    expected = pulls(x[order], w[order], residual[order], pd.factorize(codes)[0][order], bread)
    np.testing.assert_allclose(fit.fits["ann"].covariance[:2, :2], expected.covariance, rtol=1e-6)
    with pytest.raises(wb.WorkbenchError, match="clustered"):
        wb.decompose(data, cluster="sesion", folds=0)
    same = wb.decompose(data, cluster="prompt", folds=0), wb.decompose(data, folds=0)
    np.testing.assert_allclose(
        same[0].fits["ann"].covariance[:2, :2], same[1].fits["ann"].covariance[:2, :2], rtol=1e-9
    )
