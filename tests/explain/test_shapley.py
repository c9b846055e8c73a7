"""Shapley values of a logistic prediction against the definition and its axioms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import DesignError
from workbench.explain.shapley import ERROR_BOUND, probability_shares, share_slopes


def _by_definition(z):
    """The weighted mean of marginal contributions over all subsets."""
    m = len(z)
    subsets = np.array(list(itertools.product([0, 1], repeat=m)), dtype=bool)
    v = 1 / (1 + np.exp(-(subsets @ z)))
    bit = 1 << np.arange(m)[::-1]
    code, size = subsets @ bit, subsets.sum(axis=1)
    weight = np.array([math.factorial(s) * math.factorial(m - s - 1) for s in range(m)])
    shares = np.zeros(m)
    for k in range(m):
        without = ~subsets[:, k]
        gain = v[code[without] + bit[k]] - v[code[without]]
        shares[k] = (weight[size[without]] / math.factorial(m)) @ gain
    return shares


def _by_orders(z, count, rng):
    """Mean and standard error of marginal contributions over random orders."""
    order = rng.permuted(np.tile(np.arange(len(z)), (count, 1)), axis=1)
    reached = 1 / (1 + np.exp(-np.cumsum(z[order], axis=1)))
    gain = np.diff(reached, axis=1, prepend=0.5)
    by_player = np.empty_like(gain)
    np.put_along_axis(by_player, order, gain, axis=1)
    return by_player.mean(axis=0), by_player.std(axis=0, ddof=1) / np.sqrt(count)


@pytest.mark.parametrize("players", [1, 2, 3, 4, 5, 9, 12])
@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
def test_the_integral_equals_the_sum_over_subsets(players, scale):
    z = np.random.default_rng(players).normal(size=(3, players)) * scale
    expected = np.stack([_by_definition(row) for row in z])
    np.testing.assert_allclose(probability_shares(z), expected, rtol=0, atol=ERROR_BOUND)


def test_many_players_agree_with_random_orders():
    rng = np.random.default_rng(1)
    z = rng.normal(size=40) * 0.6
    mean, error = _by_orders(z, 20_000, rng)
    assert np.abs((probability_shares(z[None])[0] - mean) / error).max() < 4.5


def _by_nodes(z):
    """The same shares by other sums: Owen's integral over t, and the sum over S by its transform.

    With t in [0, 1], each other player joins with probability t; the distribution of what they
    add up to is taken apart by a long trapezoid sum.
    """
    t, share = np.polynomial.legendre.leggauss(len(z) // 2 * 2 + 2)
    t, share = (t + 1) / 2, share / 2
    omega = np.arange(1, 175) * 0.05
    weight = 0.05 / np.sinh(np.pi * omega)
    join = 1 - t[:, None] + t[:, None] * np.exp(1j * np.multiply.outer(z, omega))[:, None, :]
    every, shares = np.prod(join, axis=0), []
    for k in range(len(z)):
        gain = every / join[k] * (np.exp(1j * omega * z[k]) - 1)
        shares.append(share @ (gain.imag @ weight) + z[k] * 0.05 / (2 * np.pi))
    return np.array(shares)


@pytest.mark.parametrize("players", [6, 31, 32, 90])
@pytest.mark.parametrize("reach", [1.9, 2.7, 3.9, 5.6, 7.9, 11.2, 15.9, 22.0])
def test_every_layout_of_the_sums_keeps_the_bound(players, reach):
    rng = np.random.default_rng(players)
    z = rng.normal(size=(2, players)) * rng.exponential(size=players)
    z[0] = np.abs(z[0])
    z *= reach / np.maximum(np.maximum(z, 0).sum(axis=1), np.maximum(-z, 0).sum(axis=1))[:, None]
    expected = np.stack([_by_nodes(row) for row in z])
    np.testing.assert_allclose(probability_shares(z), expected, rtol=0, atol=ERROR_BOUND)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.just(0.0), st.floats(-30, 30).filter(lambda v: abs(v) > 1e-6)),
        min_size=1,
        max_size=25,
    )
)
def test_axioms(values):
    z = np.array(values)
    shares = probability_shares(z[None])[0]
    eta = z.sum()
    # efficiency: the shares sum to the prediction minus that without any factor
    assert shares.sum() == pytest.approx(1 / (1 + np.exp(-eta)) - 0.5, abs=1e-10)
    assert (shares[z == 0] == 0).all()
    # swapping the sides changes signs only; equal contributions get equal shares
    np.testing.assert_allclose(probability_shares(-z[None])[0], -shares, atol=1e-12)
    np.testing.assert_allclose(probability_shares(z[None, ::-1])[0][::-1], shares, atol=1e-12)
    # v is monotone in each factor, so a share has the sign of its contribution
    assert (shares * np.sign(z) >= -1e-11).all()


def test_two_equal_halves_share_equally():
    both = probability_shares(np.array([[1.5, 1.5]]))[0]
    assert both == pytest.approx([(1 / (1 + np.exp(-3.0)) - 0.5) / 2] * 2, abs=1e-11)


def test_rows_do_not_depend_on_their_neighbours():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(300, 17)) * np.where(rng.random((300, 17)) < 0.4, 0.0, 1.0)
    z *= 10.0 ** rng.integers(-2, 2, (300, 1))
    together = probability_shares(z)
    order = rng.permutation(300)
    assert np.array_equal(probability_shares(z[order]), together[order])
    assert np.array_equal(probability_shares(z[7:8]), together[7:8])


def test_more_factors_than_quadrature_could_underflow_on():
    z = np.full((1, 400), 0.01)
    expected = (1 / (1 + np.exp(-4.0)) - 0.5) / 400
    np.testing.assert_allclose(probability_shares(z)[0], expected, atol=1e-11)


def test_no_rows_and_no_contribution():
    assert probability_shares(np.empty((0, 3))).shape == (0, 3)
    assert probability_shares(np.zeros((2, 3))).tolist() == [[0.0] * 3] * 2
    assert probability_shares(np.empty((2, 0))).shape == (2, 0)
    assert share_slopes(np.empty((2, 0))).shape == (2, 0, 0)
    assert share_slopes(np.empty((0, 3))).shape == (0, 3, 3)


def test_beyond_reach_is_undefined_and_bad_input_is_named():
    shares = probability_shares(np.array([[5000.0, 1.0], [1.0, 1.0]]))
    assert np.isnan(shares[0]).all()
    assert np.isfinite(shares[1]).all()
    assert np.isnan(share_slopes(np.array([[5000.0, 1.0]]))).all()
    with pytest.raises(DesignError, match="not a number") as caught:
        probability_shares(np.array([[1.0, 1.0], [np.nan, 1.0]]))
    assert "row 2" in str(caught.value)


def test_slopes_equal_finite_differences():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(6, 7)) * np.array([0.2, 0.2, 1, 1, 4, 4])[:, None]
    z[0, 2] = 0.0
    slopes = share_slopes(z)
    for k in range(7):
        step = np.zeros(7)
        step[k] = 1e-4
        numeric = (probability_shares(z + step) - probability_shares(z - step)) / 2e-4
        if k == 2:
            numeric[0] = slopes[0, :, k]  # a contribution of 0 is no player until it moves
        np.testing.assert_allclose(slopes[:, :, k], numeric, atol=1e-7)
