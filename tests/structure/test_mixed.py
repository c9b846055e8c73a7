"""Random coefficients: published numbers, planted spreads, exact derivatives, invariances."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import workbench as wb
from workbench.structure.mixed.choices import fit_choices
from workbench.structure.mixed.draws import normal_draws, radical_inverse
from workbench.structure.mixed.likelihood import Simulated
from workbench.structure.mixed.proposal import adapted
from workbench.structure.mixed.sets import choice_sets
from workbench.structure.planted import planted_people
from workbench.threads import one_thread

COLUMNS = ["pf", "cl", "loc", "wk", "tod", "seas"]
MEANS = [-0.97339, -0.20556, 2.07572, 1.4756, -9.0525, -9.1038]
SPREADS = [0.2199, 0.3783, 1.483, 1.0001, 2.2895, 1.1809]
ERRORS = [0.0354144, 0.0215746, 0.1033524, 0.0773742, 0.3059143, 0.2923802]
"""Of xlogit 0.2.7 with ``num_hess=True``; those it prints otherwise are BFGS's own matrix."""


def _electricity(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = pd.read_csv(folder / "electricity" / "electricity_long.csv")
    X = table[COLUMNS].to_numpy("float64").reshape(-1, 4, 6)
    chosen = table["choice"].to_numpy("float64").reshape(-1, 4)
    return X, chosen, pd.factorize(table["id"].to_numpy()[::4])[0]


def test_the_published_fit_with_its_draws(shared_data: Path) -> None:
    near = ([-1.0, -0.2, 2.0, 1.5, -9.0, -9.0], [0.2, 0.4, 1.5, 1.0, 2.2, 1.2])
    found = fit_choices(*_electricity(shared_data), names=COLUMNS, draws="halton", n_draws=100,
                        start=near)  # fmt: skip
    assert found.converged
    assert found.log_likelihood == pytest.approx(-3952.49, abs=5e-3)
    np.testing.assert_allclose(found.estimates["mu"], MEANS, atol=1e-3)
    np.testing.assert_allclose(found.estimates["sd"], SPREADS, atol=1e-3)
    np.testing.assert_allclose(found.estimates["hessian_error"], ERRORS, rtol=1e-3)


def _some(J: int = 3, people: int = 12, each: int = 6, K: int = 2) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(J)
    who = np.repeat(np.arange(people), each)
    X = rng.normal(size=(len(who), J, K))
    u = np.einsum("njk,nk->nj", X, (0.5 + rng.normal(size=(people, K)))[who])
    says = np.eye(J)[(u + rng.gumbel(size=u.shape)).argmax(axis=1)]
    says[0] = 1 / J
    return X, says, who


@pytest.mark.parametrize("J", [2, 4])
def test_derivatives_are_those_of_the_value(J: int) -> None:
    X, says, who = _some(J)
    offered = np.ones(says.shape, dtype=bool)
    if J > 2:
        offered[5] = says[5] > 0
        offered[5, np.argmin(says[5])] = True
    one = Simulated(choice_sets(X, says, who, offered), normal_draws("sobol", 12, 2, 64, 0),
                    np.array([0, 0]))  # fmt: skip
    theta, step = np.array([0.4, -0.3, 0.7]), 1e-5
    value, scores, hessian = one.derivatives(theta)
    assert value == pytest.approx(one.value(theta), abs=1e-10)
    for k in range(3):
        up, down = theta + step * np.eye(3)[k], theta - step * np.eye(3)[k]
        slope = (one.value(up) - one.value(down)) / (2 * step)
        assert scores.sum(axis=0)[k] == pytest.approx(slope, abs=1e-6)
        curve = (one.scores(up)[1] - one.scores(down)[1]).sum(axis=0) / (2 * step)
        np.testing.assert_allclose(hessian[k], curve, atol=1e-5)


def test_the_likelihood_is_the_integral() -> None:
    x, y = np.array([1.0, -0.5, 2.0]), np.array([1.0, 0.5, 0.0])
    X = np.stack([x, 0 * x], axis=1)[:, :, None]
    sets = choice_sets(X, np.c_[y, 1 - y], np.zeros(3, dtype=int))
    mu, sd = 0.3, 0.9

    def density(z: float) -> float:
        p = 1 / (1 + np.exp(-x * (mu + sd * z)))
        return float(np.prod(p**y * (1 - p) ** (1 - y)) * norm.pdf(z))

    exact = np.log(quad(density, -9, 9)[0])
    one = Simulated(sets, normal_draws("sobol", 1, 1, 2048, 0), np.zeros(1, dtype=int))
    assert one.value(np.array([mu, sd])) == pytest.approx(exact, abs=1e-3)


def test_adapted_draws_give_the_integral_too_and_more_exactly() -> None:
    X, says, who = _some(2, people=3, each=40, K=1)
    sets, zero, theta = choice_sets(X, says, who), np.zeros(1, dtype=int), np.array([0.6, 1.1])
    near = adapted(sets, zero, theta, 1024, 0)
    grid = np.linspace(-7, 7, 4001)
    fine = np.tile(grid[None, :, None], (3, 1, 1))
    weight = np.tile(norm.logpdf(grid) + np.log(grid[1] - grid[0]) + np.log(len(grid)), (3, 1))
    for other in (theta, theta + np.array([0.05, -0.05])):
        exact = Simulated(sets, fine, zero, weight).value(other)
        assert near.value(other) == pytest.approx(exact, abs=0.02)


def test_the_likelihood_of_the_model_moves_no_more_with_the_draws(shared_data: Path) -> None:
    X, chosen, who = _electricity(shared_data)
    theta = np.array([-1.011, -0.233, 2.36, 1.677, -9.736, -9.889, 0.21, 0.4, 1.85, 1.25, 2.4, 1.7])
    sets = choice_sets(X, chosen, who)
    likelihoods = [
        adapted(sets, np.arange(6), theta, draws, 0).value(theta) for draws in (512, 1024)
    ]
    assert abs(likelihoods[1] - likelihoods[0]) < 0.5
    # a hundred draws cannot reach it: the published -3952.49 is of the draws
    plain = Simulated(sets, normal_draws("halton", 361, 6, 100, 0), np.arange(6)).value(theta)
    assert plain < likelihoods[1] - 50


def test_two_alternatives_of_several_are_pairs() -> None:
    X, says, who = _some(2)
    beside = np.concatenate([X, np.full((len(X), 1, 2), 7.0)], axis=1)
    offered = np.ones((len(X), 3), dtype=bool)
    offered[:, 2] = False
    pair = fit_choices(X, says, who, n_draws=128)
    same = fit_choices(beside, np.c_[says, 0 * says[:, 0]], who, offered=offered, n_draws=128)
    assert same.log_likelihood == pytest.approx(pair.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(same.estimates["mu"], pair.estimates["mu"], atol=1e-6)


def test_halton_points_are_those_of_the_books() -> None:
    assert radical_inverse(8, 3, 1) * 9 == pytest.approx([3, 6, 1, 4, 7, 2, 5, 8])
    z = normal_draws("halton", 2, 2, 5, 0)
    np.testing.assert_allclose(norm.cdf(z[1, :, 1]), radical_inverse(5, 3, 105))


def test_a_planted_spread_is_within_its_interval() -> None:
    data, truth = planted_people(people=50, labels=24, tastes=[(1.0, -0.2)], tau=0.8, seed=5)
    found = wb.mixed(data)
    rows = found.to_frame().set_index("term")
    seen = truth[["first", "second"]].std()
    assert (rows["tau_low"] < np.minimum(seen, 0.8)).all()
    assert (rows["tau_high"] > np.maximum(seen, 0.8)).all()
    assert (rows["tau_q_value"] < 0.01).all()
    share = (truth["second"] > 0).mean()
    assert rows.loc["second", "share_low"] < share < rows.loc["second", "share_high"]
    assert found.settings["settled"]
    assert abs(found.draws["change"].iloc[-1]) < 0.1
    assert {one.rule_id for one in found.findings()} >= {"people-opposed"}


@pytest.fixture(scope="module")
def alike() -> wb.PreferenceData:
    return planted_people(people=20, labels=12, tastes=[(1.0, -0.5)], seed=2)[0]


def test_people_who_are_alike_have_0_within_and_no_point(alike: wb.PreferenceData) -> None:
    rows = wb.mixed(alike).to_frame()
    assert (rows["tau_low"] == 0).all()
    assert (rows["tau_high"] > 0.05).all()
    assert (rows["tau_p_value"] > 0.01).all()
    assert (rows["share_low"] == 0).all()
    assert (rows["share_high"] >= rows["share_opposite"]).all()


def test_nothing_depends_on_sides_or_order(alike: wb.PreferenceData) -> None:
    first = wb.mixed(alike).to_frame()
    mixed_up = wb.PreferenceData(
        alike.pairs, alike.labels.sample(frac=1.0, random_state=0), alike.factors,
        alike.factor_values, alike.factor_specs,
    )  # fmt: skip
    pd.testing.assert_frame_equal(wb.mixed(mixed_up).to_frame(), first)
    names = alike.factor_names
    turned = alike.with_factors(-alike.factors[names], pd.DataFrame(index=alike.factors.index),
                                alike.factor_specs)  # fmt: skip
    labels = turned.labels.assign(preference=1 - turned.labels["preference"])
    other = wb.mixed(
        wb.PreferenceData(turned.pairs, labels, turned.factors, turned.factor_values,
                          turned.factor_specs)
    ).to_frame()  # fmt: skip
    np.testing.assert_allclose(other["estimate"], first["estimate"], atol=1e-6)
    np.testing.assert_allclose(other["tau_high"], first["tau_high"], rtol=1e-3)


def test_items_share_one_spread_and_sum_to_0() -> None:
    rng = np.random.default_rng(0)
    names = np.array(["x", "y", "z"])
    left = rng.integers(3, size=90)
    right = (left + rng.integers(1, 3, size=90)) % 3
    pairs = pd.DataFrame({"model_a": names[left], "model_b": names[right],
                          "cluster": [f"p{k}" for k in range(90)]})  # fmt: skip
    own = np.array([0.8, 0.0, -0.8]) + 0.5 * rng.normal(size=(15, 3))
    labels = pd.DataFrame(
        [{"pair": k, "annotator": f"w{w:02d}", "kind": "human",
          "preference": float(own[w, left[k]] - own[w, right[k]] + rng.logistic() > 0)}
         for w in range(15) for k in rng.choice(90, 20, replace=False)]
    )  # fmt: skip
    rows = wb.mixed(wb.PreferenceData.from_tables(pairs, labels), items="model").to_frame()
    assert rows["term"].tolist() == ["x", "y", "z"]
    assert rows["estimate"].sum() == pytest.approx(0, abs=1e-9)
    assert rows["tau"].nunique() == 1 or np.ptp(rows["tau"]) < 1e-9


def test_ties_are_half_a_vote_of_each_side(alike: wb.PreferenceData) -> None:
    some = np.arange(len(alike.labels)) % 3 == 0
    tied = alike.labels.assign(preference=alike.labels["preference"].mask(some, 0.5))
    halves = [alike.labels[some].assign(preference=side, weight=0.5) for side in (0.0, 1.0)]
    split = pd.concat([alike.labels[~some], *halves], ignore_index=True)
    first, second = (wb.mixed(replace(alike, labels=labels)).to_frame() for labels in (tied, split))
    for name in ("estimate", "tau", "conf_low", "conf_high"):
        np.testing.assert_allclose(first[name], second[name], atol=1e-6)


def test_what_cannot_be_told_is_refused_or_undefined(alike: wb.PreferenceData) -> None:
    one = planted_people(people=30, labels=1, pairs=30, tastes=[(1.0, 0.0)])[0]
    with pytest.raises(wb.DesignError, match="how people's weights differ"):
        wb.mixed(one)
    both = alike.factors.assign(again=alike.factors["first"] * 2)[["first", "again"]]
    specs = {name: {"coding": {"transform": "difference"}} for name in both[["again"]]}
    with pytest.raises(wb.DesignError, match="told apart"):
        wb.mixed(alike.with_factors(both[["again"]], pd.DataFrame(index=both.index), specs))
    flat = alike.factors.assign(never=0.0)[["first", "never"]]
    specs = {name: {"coding": {"transform": "difference"}} for name in flat[["never"]]}
    more = alike.with_factors(flat[["never"]], pd.DataFrame(index=flat.index), specs)
    rows = wb.mixed(more, factors=["first", "never"]).to_frame()
    assert rows["reason"].iloc[1] == "the factor never differs in these labels"
    assert rows.loc[1, ["estimate", "tau", "share_opposite"]].isna().all()
    said = alike.factors["first"].gt(0).astype(float)
    labels = alike.labels.assign(preference=said.to_numpy()[alike.pair_rows])
    apart = wb.PreferenceData(alike.pairs, labels, alike.factors, alike.factor_values,
                              alike.factor_specs)  # fmt: skip
    rows = wb.mixed(apart, factors=["first"]).to_frame()
    assert rows["estimate"].isna().all()
    assert rows["reason"].notna().all()
    with pytest.raises(wb.DesignError, match="no choices that can be fitted"), one_thread():
        fit_choices(np.zeros((2, 1, 1)), np.ones((2, 1)), np.zeros(2, dtype=int))
