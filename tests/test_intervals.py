"""Intervals of shares: closed forms, ranges, clusters, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from workbench.clustered import resample, share
from workbench.intervals import correlation_ends, effective_size, mid_p, positive_mean


@pytest.mark.parametrize(("hits", "n"), [(0, 12), (1, 12), (7, 12), (12, 12), (95, 100)])
def test_ends_leave_half_of_the_point_in_each_tail(hits, n):
    low, high = mid_p(hits / n, n)
    if hits:
        above = binom.sf(hits, n, low) + binom.pmf(hits, n, low) / 2
        assert above == pytest.approx(0.025, abs=1e-9)
    if hits < n:
        below = binom.cdf(hits - 1, n, high) + binom.pmf(hits, n, high) / 2
        assert below == pytest.approx(0.025, abs=1e-9)


def test_independent_rows_are_worth_themselves_and_copies_are_worth_one():
    rng = np.random.default_rng(0)
    values = (rng.random(40) < 0.7).astype(float)
    alone = share(values, np.arange(40))
    ends = (alone["conf_low"], alone["conf_high"])
    assert ends == pytest.approx(mid_p(values.mean(), 40), abs=1e-9)
    copied = share(np.repeat(values, 5), np.repeat(np.arange(40), 5))
    assert copied["std_error"] == pytest.approx(alone["std_error"])
    # a little wider than the 40 alone: their dependence is estimated, not known
    assert copied["conf_low"] < alone["conf_low"] < alone["conf_high"] < copied["conf_high"]
    assert copied["conf_high"] - copied["conf_low"] < 1.06 * (ends[1] - ends[0])


def test_error_is_that_of_leaving_out_each_cluster():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(8), [30, 9, 5, 3, 2, 2, 1, 1])
    values, weight = rng.random(53), rng.uniform(0.5, 2, 53)
    out = np.array(
        [np.average(values[cluster != g], weights=weight[cluster != g]) for g in range(8)]
    )
    mean = np.average(values, weights=weight)
    expected = np.sqrt(7 / 8 * ((out - mean) ** 2).sum())
    assert share(values, cluster, weight=weight)["std_error"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("clusters", "rows", "truth", "alike"),
    [(100, 1, 0.95, 0.0), (10, 10, 0.7, 0.3), (20, 5, 0.7, 0.3), (40, 5, 0.9, 0.3)],
)
def test_shares_hold_the_truth_as_often_as_they_say(clusters, rows, truth, alike):
    held, runs = 0, 1200
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(clusters), rows)
    for _ in range(runs):
        chance = np.full(clusters, truth)
        if alike:
            size = 1 / alike - 1
            chance = rng.beta(truth * size, (1 - truth) * size, clusters)
        values = (rng.random((clusters, rows)) < chance[:, None]).astype(float).ravel()
        found = share(values, cluster)
        held += found["conf_low"] <= truth <= found["conf_high"]
    # three errors of 1,200 runs about 93 to 97 %
    assert 0.93 - 0.022 < held / runs < 0.97 + 0.015


_SHARES = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))
_ROWS = st.tuples(_SHARES, st.integers(0, 4), st.sampled_from([0.0, 1e-3, 1.0, 50.0]))


@given(st.lists(_ROWS, max_size=15), st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.9999]))
def test_every_share_lies_in_its_interval_and_every_nan_has_a_reason(rows, level):
    values, weight = (np.array([row[k] for row in rows], dtype=float) for k in (0, 2))
    cluster = np.array([row[1] for row in rows], dtype=int)
    found = share(values, cluster, level, weight)
    if np.isnan(found["conf_low"]):
        assert found["reason"]
        assert len(np.unique(cluster[weight > 0])) < 2
        return
    assert found["reason"] is None
    assert 0 <= found["conf_low"] <= found["estimate"] <= found["conf_high"] <= 1
    assert found["conf_low"] < found["conf_high"]


@given(st.integers(0, 30), st.integers(2, 30), st.floats(0.05, 0.999))
def test_failures_mirror_successes(hits, n, level):
    values = np.repeat([1.0, 0.0], [min(hits, n), n - min(hits, n)])
    one, other = share(values, np.arange(n), level), share(1 - values, np.arange(n), level)
    assert one["conf_low"] == pytest.approx(1 - other["conf_high"], abs=1e-9)


def test_where_nothing_varies_clusters_count_and_not_rows():
    few = effective_size(1.0, np.zeros(100), np.ones(100), np.repeat(np.arange(4), 25), 0.95)
    assert few.size == pytest.approx(4.0)
    tied = share(np.full(100, 0.5), np.arange(100))
    assert 0.45 < tied["conf_low"] < 0.5 < tied["conf_high"] < 0.55


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 4)), min_size=1, max_size=12))
def test_losses_have_intervals_above_nothing(rows):
    values, cluster = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = positive_mean(values, cluster, 0.95)
    if np.isnan(found["conf_low"]):
        assert found["reason"]
        return
    assert 0 <= found["conf_low"] <= found["estimate"] <= found["conf_high"]


@given(st.floats(-0.999, 0.999), st.floats(1e-3, 2), st.integers(2, 100))
def test_correlations_stay_in_range(rho, error, clusters):
    low, high, p = correlation_ends(rho, error, clusters, 0.95)
    assert -1 <= low <= rho + 1e-9
    assert rho - 1e-9 <= high <= 1
    assert 0 <= p <= 1


def test_many_clusters_are_drawn_in_blocks_of_the_same_variance():
    # the sum of G rows drawn with replacement has the variance sum (x - mean)^2
    rng = np.random.default_rng(3)
    sums = np.column_stack([rng.exponential(size=30_011), rng.random(30_011) < 0.01])
    drawn = resample(sums, 2_000, seed=0)
    centred = sums - sums.mean(axis=0)
    # within 3.5 standard errors of a variance of 2,000 draws
    np.testing.assert_allclose(drawn.var(axis=0), (centred**2).sum(axis=0), rtol=0.11)
    np.testing.assert_allclose(drawn.mean(axis=0), sums.sum(axis=0), rtol=0.005)
    one, other = np.corrcoef(drawn.T)[0, 1], np.corrcoef(sums.T)[0, 1]
    assert one == pytest.approx(other, abs=0.08)


def test_few_clusters_are_drawn_one_by_one():
    sums = np.arange(20_000.0)[:, None]
    drawn = resample(sums, 1, seed=5)
    picked = np.random.default_rng(5).integers(0, 20_000, size=20_000)
    assert drawn[0, 0] == picked.sum()
