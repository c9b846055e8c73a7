"""Corrected win rates: intervals that stay in range and hold a planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.audit.judges.verdicts.corrected import corrected


@pytest.mark.parametrize(
    ("labelled", "pairs", "accuracy", "truth"),
    [(50, 500, 0.9, 0.9), (20, 100, 0.9, 0.95), (100, 500, 0.9, 0.97), (50, 1000, 0.95, 0.98)],
)
def test_high_rates_are_held_as_often_as_the_interval_says(labelled, pairs, accuracy, truth):
    held, runs = 0, 400
    for run in range(runs):
        rng = np.random.default_rng(run)
        y = (rng.random(pairs) < truth).astype(float)
        f = np.where(rng.random(pairs) < accuracy, y, 1 - y)
        y[labelled:] = np.nan
        found = corrected(f, y, np.arange(pairs))
        held += found["conf_low"] <= truth <= found["conf_high"]
    # three errors of 400 runs about 93 to 97 %
    assert 0.93 - 0.038 < held / runs < 0.97 + 0.026


_SAID = st.sampled_from([0.0, 0.5, 1.0])
_ROW = st.tuples(_SAID, st.one_of(_SAID, st.just(np.nan)), st.integers(0, 3))


@given(st.lists(_ROW, min_size=1, max_size=12))
def test_every_rate_lies_in_its_interval_and_every_nan_has_a_reason(rows):
    f, y = (np.array([row[k] for row in rows]) for k in (0, 1))
    found = corrected(f, y, np.array([row[2] for row in rows]))
    if np.isnan(found["estimate"]):
        assert found["reason"]
        return
    assert 0 <= found["conf_low"] <= found["estimate"] <= found["conf_high"] <= 1
    assert found["conf_low"] < found["conf_high"]
