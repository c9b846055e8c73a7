"""Agreement and kappa: known values, ranges, and how often the intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from workbench.agreement import agreement_and_kappa, agreement_text
from workbench.clustered import share


def test_agreement_and_kappa_equal_scikit_learn_and_a_hand_calculation():
    rng = np.random.default_rng(0)
    a = rng.random(200) < 0.6
    b = np.where(rng.random(200) < 0.7, a, ~a)
    agreement, kappa = agreement_and_kappa(a, b, np.arange(200))
    same = (a == b).mean()
    assert agreement["estimate"] == pytest.approx(same)
    assert kappa["estimate"] == pytest.approx(cohen_kappa_score(a, b))
    # independent pairs: the error of a share, with the factor G / (G - 1)
    assert agreement["std_error"] == pytest.approx(np.sqrt(same * (1 - same) / 199))
    boots = []
    for _ in range(2000):
        rows = rng.integers(0, 200, 200)
        boots.append(cohen_kappa_score(a[rows], b[rows]))
    assert kappa["std_error"] == pytest.approx(np.std(boots), rel=0.08)


def test_with_even_marginals_kappa_is_agreement_on_another_scale():
    a = np.tile([True, False], 20)
    b = a.copy()
    b[:4] = ~b[:4]
    agreement, kappa = agreement_and_kappa(a, b, np.arange(40))
    for end in ("estimate", "conf_low", "conf_high"):
        assert kappa[end] == pytest.approx(2 * agreement[end] - 1, abs=1e-9)


@pytest.mark.parametrize(("n", "truth"), [(30, 0.9), (100, 0.95)])
def test_agreement_and_kappa_hold_the_truth_as_often_as_they_say(n, truth):
    held, runs = np.zeros(2), 1500
    for run in range(runs):
        rng = np.random.default_rng(run)
        a = rng.random(n) < 0.5
        b = np.where(rng.random(n) < truth, a, ~a)
        found = agreement_and_kappa(a, b, np.arange(n))
        for k, value in enumerate((truth, 2 * truth - 1)):
            held[k] += found[k]["conf_low"] <= value <= found[k]["conf_high"]
    # three errors of 1,500 runs about 93 to 97 %
    assert ((held / runs > 0.93 - 0.02) & (held / runs < 0.97 + 0.013)).all()


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), max_size=12),
    st.sampled_from([0.5, 0.9, 0.95, 0.999]),
)
def test_both_stay_in_range_hold_their_estimate_and_say_why_they_do_not(rows, level):
    a, b = (np.array([row[k] for row in rows], dtype=bool) for k in (0, 1))
    cluster = np.array([row[2] for row in rows], dtype=int)
    agreement, kappa = agreement_and_kappa(a, b, cluster, level)
    expected = share((a == b).astype(float), cluster, level)
    # of no pair at all the reason is another one
    expected |= {} if rows else {"reason": agreement["reason"]}
    assert agreement == pytest.approx(expected, nan_ok=True)
    for found, least in ((agreement, 0.0), (kappa, -1.0)):
        if np.isnan(found["conf_low"]) or np.isnan(found["estimate"]):
            assert found["reason"]
            continue
        assert found["reason"] is None
        assert least <= found["conf_low"] <= found["estimate"] <= found["conf_high"] <= 1
        assert found["conf_low"] < found["conf_high"]


def test_verdicts_that_are_all_the_same_have_no_kappa_and_a_reason():
    same = np.ones(10, dtype=bool)
    agreement, kappa = agreement_and_kappa(same, same, np.arange(10))
    assert agreement["estimate"] == 1.0
    assert 0 < agreement["conf_low"] < 1
    assert np.isnan(kappa["estimate"])
    assert "chance agrees too" in kappa["reason"]


def test_without_a_common_pair_the_reason_is_told_in_table_and_text():
    nothing = np.zeros(0, dtype=bool)
    for found in agreement_and_kappa(nothing, nothing, np.zeros(0, dtype=int)):
        assert np.isnan(found["estimate"])
        assert found["n"] == 0
        assert found["reason"].startswith("no pair was judged by both")
    row = {"n": 0, "agreement": np.nan, "kappa": np.nan, "reason": found["reason"]}
    assert agreement_text(row) == f"agreement undefined: {found['reason']}"


@pytest.mark.parametrize(("b", "value"), [(True, 1.0), (False, 0.0)])
def test_a_single_pair_has_the_exact_interval_of_one_trial(b, value):
    agreement, kappa = agreement_and_kappa(np.array([True]), np.array([b]), np.array([4]))
    # mid-P of one trial: half of p is 2.5 %
    ends = (0.05, 1.0) if value else (0.0, 0.95)
    assert agreement["estimate"] == value
    assert (agreement["conf_low"], agreement["conf_high"]) == pytest.approx(ends, abs=1e-9)
    assert agreement["reason"] is None
    assert kappa["reason"]
    row = {"n": 1, "kappa": kappa["estimate"], "reason": kappa["reason"]}
    row |= {f"kappa_{end}": kappa[f"conf_{end}"] for end in ("low", "high")}
    row |= {f"agreement_{end}": agreement[f"conf_{end}"] for end in ("low", "high")}
    text = agreement_text({**row, "agreement": value})
    assert text.startswith(f"agreement {value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}], kappa")
    assert kappa["reason"] in text
    assert text.endswith("n = 1 pair")
    assert "nan" not in text
