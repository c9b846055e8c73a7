"""What separates groups, and whose constitution fits whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.principles.voted import swapped, voted
from workbench.errors import DesignError
from workbench.principles.measure.cross_application import cross_apply
from workbench.principles.measure.groups import contrast_groups


def people(n: int = 600, seed: int = 0, shared: bool = True) -> tuple[Any, ...]:
    """x follows principle 0, y principle 1, both follow 2; they label the same pairs."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(np.array([1, -1, 4], np.int8), (n, 4))
    side = np.where(np.abs(codes) == 1, codes, 0)

    def label(w: list[float]) -> np.ndarray:
        chance = 1 / (1 + np.exp(-(side @ np.array(w))))
        return np.asarray(rng.random(n) < chance, dtype=np.float64)

    given = {"x": label([2, 0, 1, 0]), "y": label([0, 2, 1, 0])}
    if not shared:
        given["x"][: n // 2] = np.nan
        given["y"][n // 2 :] = np.nan
    return voted(codes, given, rng.integers(0, n // 2, n))


@pytest.mark.parametrize("shared", [True, False])
def test_planted_differences_are_found(shared: bool) -> None:
    found = contrast_groups(*people(shared=shared), replicates=200)
    table = found.to_frame().set_index("term")
    assert (table["q_value"] < 0.05).tolist() == [True, True, False, False]
    assert table["estimate"].iloc[0] > 0 > table["estimate"].iloc[1]
    assert (table["n_shared"] == (600 if shared else 0)).all()
    wide = found.separation
    assert (wide["q_value"] < 0.05).tolist() == [True, True, False, False]
    assert wide["highest"].tolist()[:2] == ["x", "y"]
    # of two groups the joint test is the test of the difference
    np.testing.assert_allclose(wide["p_value"], table["p_value"], rtol=1e-8)


def test_difference_and_error_against_a_paired_hand_calculation() -> None:
    rng = np.random.default_rng(1)
    n = 300
    codes = rng.choice(np.array([1, -1], np.int8), (n, 1))
    x = rng.integers(0, 2, n).astype(float)
    y = np.where(rng.random(n) < 0.8, x, 1 - x)
    data, votes = voted(codes, {"x": x, "y": y})
    row = contrast_groups(data, votes, replicates=2000).to_frame().iloc[0]
    gap = codes[:, 0] * (2 * x - 1) - codes[:, 0] * (2 * y - 1)
    assert row["estimate"] == pytest.approx(gap.mean())
    # pairs that both labelled: the error is that of the paired differences
    assert row["std_error"] == pytest.approx(gap.std(ddof=1) / np.sqrt(n))
    width = row["conf_high"] - row["conf_low"]
    assert width == pytest.approx(2 * 1.96 * row["std_error"], rel=0.1)


def test_shared_pairs_only() -> None:
    data, votes = people(200)
    labels = data.labels.copy()
    labels.loc[labels.index[:50], "preference"] = np.nan
    data = replace(data, labels=labels)
    own = contrast_groups(data, votes, replicates=50).to_frame()
    both = contrast_groups(data, votes, pairs="shared", replicates=50).to_frame()
    assert own["n"][0] == 350
    assert both["n"][0] == 300
    kept = data.filter(pair_ids=set(labels["pair_id"][50:200]))
    again = contrast_groups(kept, votes, replicates=50).to_frame()
    np.testing.assert_allclose(both["estimate"], again["estimate"])


def test_shuffled_groups_differ_no_more_than_the_level() -> None:
    rng = np.random.default_rng(2)
    n, runs, found = 120, 25, 0
    p = []
    for _ in range(runs):
        codes = rng.choice(np.array([1, -1, 4], np.int8), (n, 5))
        y = np.where(rng.random(n) < 0.8, np.where(codes[:, 0] == 1, 1.0, 0.0), 0.5)
        flip = rng.random((2, n)) < 0.2
        given = {"x": np.where(flip[0], 1 - y, y), "y": np.where(flip[1], 1 - y, y)}
        table = contrast_groups(*voted(codes, given, np.arange(n) // 2), replicates=20).to_frame()
        p += table["p_value"].tolist()
        found += bool((table["q_value"] < 0.05).any())
    assert found / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(p))


def test_exchanging_a_and_b_changes_nothing() -> None:
    data, votes = people(150)
    flip = np.random.default_rng(3).random(150) < 0.5
    first = contrast_groups(data, votes, replicates=50).to_frame()
    other = contrast_groups(*swapped(data, votes, flip), replicates=50).to_frame()
    pd.testing.assert_frame_equal(first, other)


def test_own_constitutions_fit_better() -> None:
    data, votes = people()
    zero, one = votes.principles[:2]
    result = cross_apply(data, votes, {"x": [zero], "y": [one]})
    table = result.to_frame().set_index(["constitution", "group"])
    matrix = result.matrix()
    assert matrix.loc["x", "x"] > matrix.loc["y", "x"] + 0.1
    assert matrix.loc["y", "y"] > matrix.loc["x", "y"] + 0.1
    crossed = table.loc[("y", "x")]
    assert crossed["own_gain_low"] > 0
    assert crossed["q_value"] < 0.001
    assert crossed["own_gain"] == pytest.approx(matrix.loc["x", "x"] - matrix.loc["y", "x"])
    assert np.isnan(table.loc[("x", "x"), "p_value"])
    assert "own is better" in result.summary()


def test_groups_that_are_none_are_refused() -> None:
    data, votes = people(40)
    with pytest.raises(DesignError, match="'z'"):
        contrast_groups(data, votes, groups=["x", "z"])
    with pytest.raises(DesignError, match="at least two"):
        contrast_groups(data, votes, by="kind")
    with pytest.raises(DesignError, match="nobody"):
        contrast_groups(data, votes, by="nobody")
    with pytest.raises(DesignError, match="without principles"):
        cross_apply(data, votes, {"x": [], "y": []})
