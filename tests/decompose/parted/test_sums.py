"""Sums over parts say what all values at once say."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.parted_data import divided
from tests.planted import planted
from workbench.clustered import auc_and_error, mean_and_error
from workbench.data.split import MANY, folds
from workbench.decompose.parted.score_sums import AreaTable, MeanSums

RNG = np.random.default_rng(0)


def cut(n: int, k: int) -> list[slice]:
    edges = np.linspace(0, n, k + 1).astype(int)
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_means_of_parts_add_up_without_loss(shift: float) -> None:
    values, weight = RNG.normal(size=3000) + shift, RNG.random(3000)
    cluster = np.arange(3000) // 3
    found = MeanSums()
    for at in cut(3000, 10):
        found = found + MeanSums.of(values[at], weight[at], cluster[at])
    np.testing.assert_allclose(
        found.mean_and_error, mean_and_error(values, weight, cluster), rtol=1e-9
    )


def test_a_mean_that_does_not_vary_has_no_error() -> None:
    parts = [MeanSums.of(np.full(30, 0.1), np.ones(30), np.arange(30)) for _ in range(7)]
    assert sum(parts, MeanSums()).mean_and_error[1] < 1e-15


@pytest.mark.parametrize(("bins", "apart"), [(None, 1e-12), (2**17, 1e-7)])
def test_areas_of_parts_add_up(bins: int | None, apart: float) -> None:
    n = 40_000
    cluster = np.arange(n) // 2
    p = np.round(RNG.beta(2, 2, n), 6)
    positive = RNG.random(n) < p
    table = AreaTable.of(p[:0], positive[:0], bins)
    for at in cut(n, 8):
        table = table + AreaTable.of(p[at], positive[at], bins)
    pull = table.placements(p, positive, bins)
    area, error = auc_and_error(p, positive, cluster)
    assert abs(table.area - area) < apart
    g = n // 2
    own = np.sqrt(g / (g - 1) * (np.bincount(cluster, pull) ** 2).sum())
    assert abs(own - error) < apart


def test_many_clusters_are_spread_evenly_over_folds_by_their_names_alone() -> None:
    names = np.array([f"prompt {k}" for k in range(MANY + 1)])
    found = folds(names, 5, seed=3)
    sizes = np.bincount(found)
    # five standard deviations of a fair draw
    assert np.abs(sizes - len(names) / 5).max() < 5 * np.sqrt(len(names) * 0.16)
    order = RNG.permutation(len(names))
    np.testing.assert_array_equal(folds(names[order], 5, seed=3), found[order])
    assert (folds(names, 5, seed=4) != found).mean() > 0.7


def test_a_direction_of_several_terms_is_found_by_the_rows_that_bind(tmp_path: Path) -> None:
    # separated by a sum that no single term shows, among more rows than a part brings at first
    data = planted({"judge": [0.0, 0.0, 0.0]}, n=3000, clusters=1000, seed=9)
    x = data.factors[["f0", "f1", "f2"]].to_numpy()
    y = (x @ [1.0, -2.0, 0.5] > 0).astype(float)
    data.labels["preference"] = y
    for n in (1, 4):
        found = wb.decompose(divided(data, tmp_path / f"set-{n}", n), folds=0)
        wanted = wb.decompose(data, folds=0)
        assert found.fits["judge"].reasons == wanted.fits["judge"].reasons
        pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame())
        assert found.to_frame()["estimate"].isna().all()
