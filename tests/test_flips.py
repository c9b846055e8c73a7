"""Score intervals of paired flips: Tango's closed form, and equivalence at the margin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, t

from workbench.audit.judges.statistics import shift
from workbench.flips import paired_difference, score_interval


def tango(up: int, down: int, n: int, delta: float) -> float:
    """Return the score statistic of Tango (1998), equations 5 to 7."""
    first = 2 * n
    second = -up - down + (2 * n - up + down) * delta
    third = -down * delta * (1 - delta)
    share = (np.sqrt(max(second**2 - 4 * first * third, 0.0)) - second) / (2 * first)
    return (up - down - n * delta) / np.sqrt(n * (2 * share + delta * (1 - delta)))


@pytest.mark.parametrize(("up", "down", "n"), [(5, 0, 100), (12, 4, 80), (9, 9, 50), (40, 3, 60)])
def test_the_ends_are_those_of_tangos_test(up, down, n):
    values = np.repeat([1.0, -1.0, 0.0], [up, down, n - up - down])
    low, high = score_interval(values, np.arange(n))
    for end, sign in ((low, 1), (high, -1)):
        assert tango(up, down, n, end) == pytest.approx(sign * t.ppf(0.975, n - 1), rel=1e-4)


@pytest.mark.parametrize(
    ("n", "chance", "step"),
    [(50, 0.05, 1.0), (100, 0.05, 1.0), (200, 0.05, 1.0), (400, 0.05, 1.0), (200, 0.1, 0.5)],
)
def test_a_shift_of_the_margin_by_flips_one_way_is_seldom_called_equivalent(n, chance, step):
    """No simulation: every number of flips, with its binomial chance."""
    level = 0.0
    for flips in range(int(n * chance) + 1):
        values = np.repeat([step, 0.0], [flips, n - flips])
        if score_interval(values, np.arange(n), 0.9)[1] < 0.05:
            level += binom.pmf(flips, n, chance)
    assert level <= 0.055


_VALUES = st.one_of(st.sampled_from([-1.0, 0, 0.5, 1]), st.floats(-1, 1))
_ROWS = st.lists(st.tuples(_VALUES, st.integers(0, 4)), min_size=1, max_size=12)


@given(_ROWS, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_every_shift_lies_in_its_interval(rows, level):
    difference = np.array([row[0] for row in rows])
    cluster = np.array([row[1] for row in rows])
    found = shift(difference, cluster, level)
    if len(np.unique(cluster)) < 2:
        assert np.isnan(found["conf_low"])
        assert found["reason"]
        return
    for low, high in (("conf_low", "conf_high"), ("low_90", "high_90")):
        assert -1 <= found[low] <= found["estimate"] + 1e-9
        assert found["estimate"] - 1e-9 <= found[high] <= 1
        assert found[low] < found[high]


def test_turning_the_arms_turns_the_interval():
    rng = np.random.default_rng(0)
    values = rng.choice([-1.0, -0.25, 0, 0.5, 1], 60)
    cluster = np.repeat(np.arange(20), 3)
    low, high = score_interval(values, cluster)
    assert score_interval(-values, cluster) == pytest.approx((-high, -low), abs=1e-6)


@given(st.lists(st.tuples(_VALUES, st.integers(0, 4)), max_size=12))
def test_every_paired_difference_lies_in_its_interval_and_every_nan_has_a_reason(rows):
    values = np.array([row[0] for row in rows])
    cluster = np.array([row[1] for row in rows], dtype=int)
    found = paired_difference(values, cluster)
    if np.isnan(found["conf_low"]):
        assert found["reason"]
        return
    assert -1 <= found["conf_low"] <= found["estimate"] <= found["conf_high"] <= 1
    assert found["conf_low"] < found["conf_high"]
    assert 0 <= found["p_value"] <= 1


def test_the_test_of_no_difference_is_mcnemars():
    """At no difference Tango's statistic is McNemar's: (b - c) / sqrt(b + c)."""
    values = np.repeat([1.0, -1.0, 0.0], [14, 5, 81])
    found = paired_difference(values, np.arange(100))
    assert found["p_value"] == pytest.approx(2 * t.sf(9 / np.sqrt(19), 99))
