"""Codings: hand-calculated values, the published length rule, and exact antisymmetry."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.errors import DesignError
from workbench.factors.coding import Coding, apply

TRANSFORMS = (
    "difference", "relative", "sign", "presence", "clipped", "clipped_log", "dissection_length"
)  # fmt: skip


def coded(a, b, transform, **options):
    return apply(np.array(a, float), np.array(b, float), Coding(transform, **options))


@pytest.mark.parametrize(
    ("transform", "options", "expected"),
    [
        ("difference", {}, [2, -3, 0, 1, 0]),
        ("relative", {}, [2 / 4, -1, 0, 1 / 21, 0]),
        ("sign", {}, [1, -1, 0, 1, 0]),
        ("sign", {"threshold": 1.0}, [1, -1, 0, 0, 0]),
        ("sign", {"threshold": 2.0}, [0, -1, 0, 0, 0]),
        ("sign", {"reverse": True}, [-1, 1, 0, -1, 0]),
        ("presence", {}, [0, -1, 0, 0, 0]),
        ("presence", {"reverse": True}, [0, 1, 0, 0, 0]),
        ("clipped", {"unit": 4.0}, [0.5, -0.75, 0, 0.25, 0]),
        ("clipped", {"unit": 2.0}, [1, -1, 0, 0.5, 0]),
        ("clipped_log", {"unit": 3.0}, [np.log(3) / np.log(4), -1, 0, 0.5, 0]),
        ("clipped_log", {"unit": 2.0}, [1, -1, 0, np.log(2) / np.log(3), 0]),
    ],
)
def test_values_by_hand(transform, options, expected):
    a, b = [3, 0, 7, 11, 0], [1, 3, 7, 10, 0]
    values, fitted = coded(a, b, transform, standardise=False, **options)
    np.testing.assert_allclose(values, expected)
    assert fitted.scale == 1


def test_standardising_divides_by_the_root_mean_square_and_centres_nothing():
    values, fitted = coded([3, 4, 0], [0, 0, 0], "difference")
    assert fitted.scale == pytest.approx(np.sqrt(25 / 3))
    np.testing.assert_allclose(values, np.array([3, 4, 0]) / np.sqrt(25 / 3))


def test_a_constant_zero_column_stays_zero_with_scale_one():
    values, fitted = coded([2, 5], [2, 5], "difference")
    assert values.tolist() == [0, 0]
    assert fitted.scale == 1


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_missing_side_gives_a_missing_difference_and_does_not_enter_the_scale(transform):
    values, fitted = coded([20, np.nan, 30, np.nan], [0, 1, np.nan, np.nan], transform)
    assert np.isnan(values).tolist() == [False, True, True, True]
    assert values[0] == 1
    assert fitted.scale == coded([20], [0], transform)[1].scale


@pytest.mark.parametrize("unit", [0.0, -1.0, float("nan")])
def test_a_unit_must_be_above_zero(unit):
    with pytest.raises(DesignError, match="unit"):
        Coding("clipped", unit=unit)


def length_rule(a: int, b: int) -> int:
    """Return the published rule, written out: ternary, the longer side wins if much longer."""
    short, long = min(a, b), max(a, b)
    enough = {0: 1, 1: 3, 2: 5, 3: 7, 4: 8, 5: 10, 6: 11, 7: 13, 8: 14, 9: 16, 10: 17, 11: 19}
    if short in enough:
        differs = long >= enough[short]
    else:
        gap = long - short
        differs = (
            (10 * short <= 7 * long and gap >= 10)
            or (10 * short <= 8 * long and gap >= 20)
            or (10 * short <= 9 * long and gap >= 40)
        )
    return (a > b) - (a < b) if differs else 0


def test_length_rule_of_preference_dissection_on_every_pair_of_lengths():
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(260), np.arange(460)))
    values, _ = apply(a, b, Coding("dissection_length", standardise=False))
    expected = [length_rule(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    np.testing.assert_array_equal(values, expected)


COUNTS = arrays(float, 6, elements=st.integers(0, 400).map(float) | st.just(np.nan))
ANY = arrays(float, 6, elements=st.floats(-1e100, 1e100) | st.just(np.nan))


@given(st.sampled_from(TRANSFORMS), COUNTS, COUNTS, st.booleans(), st.booleans())
def test_exchanging_the_sides_flips_the_sign_exactly(transform, a, b, standardise, reverse):
    coding = Coding(transform, standardise, threshold=3.0, reverse=reverse, unit=5.0)
    forth, fitted = apply(a, b, coding)
    back, fitted_back = apply(b, a, coding)
    np.testing.assert_array_equal(forth, -back)
    assert fitted == fitted_back


@given(st.sampled_from(("difference", "sign")), ANY, ANY)
def test_antisymmetry_of_real_values(transform, a, b):
    forth, fitted = apply(a, b, Coding(transform))
    np.testing.assert_array_equal(forth, -apply(b, a, Coding(transform))[0])
    known = forth[~np.isnan(forth)]
    assert not len(known) or np.mean(known**2) == pytest.approx(1) or not known.any()
    assert fitted.scale is not None


@pytest.mark.parametrize("transform", ["relative", "dissection_length"])
def test_negative_values_are_refused_where_the_coding_needs_counts(transform):
    with pytest.raises(DesignError, match="side B, row 2"):
        coded([1, 2], [1, -2], transform)


def test_an_unknown_transform_names_the_known_ones():
    with pytest.raises(DesignError, match="difference, relative"):
        Coding("ratio")


def test_record_is_plain_json_and_comes_back():
    _, fitted = coded([3, 1], [1, 1], "sign", threshold=0.5)
    record = json.loads(json.dumps(fitted.to_dict()))
    assert Coding.from_dict(record) == fitted
