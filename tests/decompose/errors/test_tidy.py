"""Quantiles, tests and false discovery rates, against scipy.stats."""

import numpy as np
import pytest
from scipy import stats

from workbench.clustered import t_row
from workbench.decompose.errors.sandwich import joint_test
from workbench.decompose.errors.tidy import p_values, q_values, t_interval


@pytest.mark.parametrize("df", [0.7, 3.0, 28.4, 1e6, np.inf])
def test_intervals_and_p_values_are_those_of_t(df):
    estimate, error = np.array([-0.3, 0.0, 12.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.0])
    low, high = t_interval(estimate, error, 0.9, df)
    half = stats.t.ppf(0.95, df) * error
    assert np.allclose(low, estimate - half, rtol=1e-13)
    assert np.allclose(high, estimate + half, rtol=1e-13)
    wanted = 2 * stats.t.sf(np.abs(estimate[:3] / error[:3]), df)
    found = p_values(estimate, error, np.full(4, df))
    assert np.allclose(found[:3], wanted, rtol=1e-12, atol=0)
    assert np.isnan(found[3])


def test_false_discovery_rates_are_those_of_scipy():
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 100):
        p = np.round(rng.random(n) ** 3, 2)
        p[0] = 0.0
        found = q_values(np.r_[p, np.nan])
        assert np.allclose(found[:-1], stats.false_discovery_control(p), rtol=1e-14, atol=0)
        assert np.isnan(found[-1])
    assert np.isnan(q_values(np.full(3, np.nan))).all()
    assert len(q_values(np.empty(0))) == 0


def test_joint_and_clustered_tests_are_those_of_f_and_t():
    found = joint_test(np.array([1.0, -2.0]), np.diag([0.5, 2.0]), 9.0)
    assert np.isclose(found["p_value"], stats.f.sf(found["statistic"], 2, 8.0), rtol=1e-13)
    assert joint_test(np.zeros(2), np.eye(2), 9.0)["p_value"] == 1.0
    row = t_row(0.3, 0.1, 50, np.arange(50), 0.95)
    assert np.isclose(row["p_value"], 2 * stats.t.sf(3.0, 49), rtol=1e-12)
    assert np.isclose(row["conf_high"], 0.3 + 0.1 * stats.t.ppf(0.975, 49), rtol=1e-14)
