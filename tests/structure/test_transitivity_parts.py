"""The pieces of transitivity against oracles: Hodge, stochastic transitivity, fits, pools."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.structure.rounds import battles_of, shares_of
from workbench.decompose.kernel import logistic
from workbench.structure.transitivity.comparisons import comparisons
from workbench.structure.transitivity.cyclic_model import _Cyclic, minimised
from workbench.structure.transitivity.hodge import Hodge, triangles
from workbench.structure.transitivity.own_strengths import own_strengths
from workbench.structure.transitivity.pools import pools
from workbench.structure.transitivity.stochastic import _ratio, stochastic_transitivity


def _graph(M: int, share: float, seed: int) -> Hodge:
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(M, 1)
    kept = (rng.random(len(i)) < share) | (j == i + 1)
    return Hodge(i[kept], j[kept], rng.uniform(1, 50, kept.sum()), M)


@pytest.mark.parametrize(("M", "share"), [(6, 1.0), (12, 0.35), (20, 0.15)])
def test_the_parts_equal_least_squares(M, share):
    hodge = _graph(M, share, M)
    rng = np.random.default_rng(1)
    Y = rng.normal(size=len(hodge.first))
    root = np.sqrt(hodge.weight)
    D = hodge.incidence.toarray()
    r = np.linalg.lstsq(root[:, None] * D, root * Y, rcond=None)[0]
    np.testing.assert_allclose(hodge.potentials(Y), r - r.mean(), atol=1e-8)
    norm = (hodge.weight * Y**2).sum()
    residual = Y - D @ r
    np.testing.assert_allclose(hodge.cyclic(Y), (hodge.weight * residual**2).sum() / norm)
    T = hodge.triangles
    C = np.zeros((len(T), len(Y)))
    for k, (ij, jk, ik) in enumerate(T):
        C[k, [ij, jk, ik]] = 1, 1, -1
    z = np.linalg.lstsq((C / root).T, root * residual, rcond=None)[0]
    left = root * residual - (C / root).T @ z
    curl, harmonic = hodge.split(Y)
    assert harmonic == pytest.approx((left**2).sum() / norm, abs=1e-8)
    assert curl + harmonic == pytest.approx(float(hodge.cyclic(Y)), abs=1e-12)
    many = np.stack([Y, 2 * Y], axis=1)
    np.testing.assert_allclose(hodge.cyclic(many), float(hodge.cyclic(Y)))


def test_every_triangle_is_found_once():
    hodge = _graph(9, 0.6, 3)
    met = set(zip(hodge.first.tolist(), hodge.second.tolist(), strict=True))
    wanted = {c for c in combinations(range(9), 3) if set(combinations(c, 2)) <= met}
    found = [(hodge.first[ij], hodge.second[ij], hodge.second[jk])
             for ij, jk, _ in hodge.triangles]  # fmt: skip
    assert sorted(found) == sorted(wanted)
    none = np.zeros(0, dtype=np.int64)
    assert triangles(none, none, none, 3).shape == (0, 3)


@pytest.mark.parametrize("kind", ["WST", "MST", "SST"])
def test_the_constrained_ratio_equals_a_search(kind):
    rng = np.random.default_rng(7)
    n = np.array([20.0, 30.0, 15.0])
    for share in rng.uniform(0.05, 0.95, (3, 3)):
        found, held = _ratio(kind, share[:, None], n[:, None])
        grid = np.linspace(0.01, 0.99, 99)
        p = np.stack(np.meshgrid(grid, grid, grid, indexing="ij")).reshape(3, -1)
        allowed = np.zeros(p.shape[1], dtype=bool)
        of = {(0, 1): p[0], (1, 2): p[1], (0, 2): p[2],
              (1, 0): 1 - p[0], (2, 1): 1 - p[1], (2, 0): 1 - p[2]}  # fmt: skip
        for i, j, k in permutations(range(3)):
            ij, jk, ik = of[i, j], of[j, k], of[i, k]
            order = np.minimum(np.minimum(ij, jk), ik) >= 0.5 - 1e-9
            least = {"WST": 0.0, "MST": np.minimum(ij, jk), "SST": np.maximum(ij, jk)}[kind]
            allowed |= order & (ik >= least - 1e-9)
        told = n[:, None] * (share[:, None] * np.log(p) + (1 - share[:, None]) * np.log(1 - p))
        best = (n * (share * np.log(share) + (1 - share) * np.log(1 - share))).sum()
        searched = 2 * (best - told.sum(axis=0)[allowed].max())
        assert searched - 0.1 < found[0] <= searched + 1e-9  # a grid stays behind
        assert ((held >= 0) & (held <= 1)).all()


def test_a_triple_that_goes_round_is_rejected_and_a_ranking_is_not():
    eta = np.array([1.5, 1.5, -1.5])
    i, j = np.array([0, 1, 0]), np.array([1, 2, 2])
    around = comparisons(shares_of(i, j, eta, 60), None, "prompt").edges
    counts, triples = stochastic_transitivity(around, 199, 0)
    assert counts["n_rejected"].tolist() == [1, 1, 1]
    assert (triples["q_value"] < 0.05).all()
    ranked = comparisons(battles_of(60, np.linspace(-1, 1, 5)), None, "prompt").edges
    counts, _ = stochastic_transitivity(ranked, 199, 0)
    assert counts["n_triples"].tolist() == [10, 10, 10]
    assert counts["n_rejected"].tolist() == [0, 0, 0]
    few = comparisons(battles_of(9, np.linspace(-1, 1, 5)), None, "prompt").edges
    assert stochastic_transitivity(few, 199, 0)[0]["reason"].notna().all()


def test_the_cyclic_model_reaches_what_scipy_reaches():
    rng = np.random.default_rng(2)
    i, j = np.triu_indices(5, 1)
    n = np.full((1, len(i)), 40.0)
    s = rng.binomial(40, rng.uniform(0.1, 0.9, len(i)))[None].astype(float)
    model = _Cyclic(i, j, 5, 0)
    r = model.plain(n, s)
    starts = model.starts(r[:, i] - r[:, j], n, s)
    found = model.fit(n, s, r, starts, np.array([1.0]))

    def loss(x):
        r, u, v = np.split(x, 3)
        eta = r[i] - r[j] + u[i] * v[j] - v[i] * u[j]
        ridge = 0.005 * (r @ r) + 0.5 * (u @ u + v @ v)
        return (n[0] * np.logaddexp(0, eta) - s[0] * eta).sum() + ridge

    best = min(minimize(loss, rng.normal(size=15), tol=1e-10).fun for _ in range(4))
    assert loss(found[0]) == pytest.approx(best, abs=1e-4)


def test_a_steep_function_comes_to_rest_beside_a_flat_one():
    scale = np.array([[1e4, 1.0], [1.0, 1e-2]])

    def bowl(x):
        return (scale * (x - 1) ** 2).sum(axis=1), 2 * scale * (x - 1)

    np.testing.assert_allclose(minimised(bowl, np.zeros((2, 2))), 1.0, atol=0.1)


def test_the_spread_of_people_is_recovered_from_few_decisions_each():
    rng = np.random.default_rng(5)
    i, j = np.triu_indices(6, 1)
    b = np.linspace(-0.7, 0.7, 6) + rng.normal(size=(250, 6))
    unit, first, second = np.repeat(np.arange(250), 15), np.tile(i, 250), np.tile(j, 250)
    won = rng.random(len(unit)) < logistic(b[unit, first] - b[unit, second])
    found = own_strengths(unit, first, second, won, 6)
    assert found.tau == pytest.approx(1.0, abs=0.12)
    np.testing.assert_allclose(found.mu, np.linspace(-0.7, 0.7, 6), atol=0.25)
    assert "too many" in own_strengths(np.arange(10**6), *(np.zeros(10**6, int),) * 2, won, 9)


def test_a_crowd_is_one_pool_and_disjoint_people_are_two():
    rng = np.random.default_rng(0)
    crowd = rng.multinomial(40, np.full(60, 1 / 60), size=15).astype(float)
    assert pools(crowd).max() == 0
    sparse = rng.multinomial(5, np.full(300, 1 / 300), size=15).astype(float)
    assert pools(sparse).max() == 0
    apart = np.zeros((8, 6))
    apart[:5, :3], apart[5:, 3:] = 12, 10
    assert pools(apart).tolist() == [0] * 5 + [1] * 3
