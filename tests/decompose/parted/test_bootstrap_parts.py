"""The multiplier bootstrap of a fit over parts has the draws of the fit in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.decompose.parted.test_decompose_parts import many_sided
from tests.parted_data import divided
from tests.planted import planted
from tests.shuffled_engine import Shuffled
from workbench.data.split import name_words
from workbench.decompose.resample.by_name import counts_of, signs_of

OPTIONS: dict[str, Any] = {"method": "multiplier", "replicates": 150, "seed": 3}


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("options", [{}, {"by": ["kind"], "covariance": "HC1"}])
def test_draws_are_those_in_memory(tmp_path: Path, n: int, options: dict[str, Any]) -> None:
    data = many_sided(400, people=3)
    parts = divided(data, tmp_path / "set", n)
    found = wb.bootstrap(wb.decompose(parts, folds=0, **options), engine=Shuffled(), **OPTIONS)
    wanted = wb.bootstrap(wb.decompose(data, folds=0, **options), **OPTIONS)
    np.testing.assert_allclose(found.draws, wanted.draws, rtol=1e-9, atol=1e-10)
    pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame(), rtol=1e-8, atol=1e-9)
    assert found.failures.equals(wanted.failures)
    assert found.warnings == wanted.warnings
    assert not (tmp_path / "set" / "work").exists()
    gap = found.interval_of(lambda w: w[0, 0] - w[-1, 1])
    pd.testing.assert_frame_equal(
        gap, wanted.interval_of(lambda w: w[0, 0] - w[-1, 1]), rtol=1e-8, atol=1e-9
    )


def test_one_group_separated_labels_and_groups_without_draws(tmp_path: Path) -> None:
    data = planted({"judge": [1.0, 0.0]}, n=600, clusters=200, seed=5)
    y = data.labels["preference"].to_numpy()
    sure = np.where(np.random.default_rng(6).random(600) < 0.3, 2 * y - 1, 0.0)
    data = replace(data, factors=data.factors.assign(sure=sure))
    first = data.labels[data.labels["pair_id"].isin(data.pairs["pair_id"][:1])]
    lone = first.assign(annotator="lone")
    data = replace(data, labels=pd.concat([data.labels, lone], ignore_index=True))
    parts = divided(data, tmp_path / "set", 4)
    one, two = (wb.decompose(each, folds=0) for each in (parts, data))
    found, wanted = (wb.bootstrap(fit, **OPTIONS) for fit in (one, two))
    np.testing.assert_allclose(found.draws, wanted.draws, rtol=1e-7, atol=1e-8)
    assert found.failures.equals(wanted.failures)
    alone = wb.bootstrap(one["judge"], **OPTIONS)
    np.testing.assert_array_equal(alone.draws[:, 0], found.draws[:, 0])


def test_a_clusters_signs_hang_on_nobody_else() -> None:
    data = many_sided(300, people=2)
    fit = wb.decompose(data, folds=0)
    order = np.random.default_rng(0).permutation(len(data.labels))
    moved = replace(data, labels=data.labels.iloc[order].reset_index(drop=True))
    draws = [wb.bootstrap(wb.decompose(each, folds=0), **OPTIONS).draws for each in (data, moved)]
    np.testing.assert_allclose(*draws, rtol=1e-9, atol=1e-12)
    other = wb.bootstrap(fit, **{**OPTIONS, "seed": 4}).draws
    assert np.abs(other - draws[0]).max() > 0.01


def test_draws_by_name_look_independent() -> None:
    words = name_words([f"cluster {k}" for k in range(4000)], 0)
    signs = 2.0 * signs_of(words, 0, 200, 7) - 1
    counts = counts_of(words, 0, 200, 7).astype(float)
    for values, mean in ((signs, 0.0), (counts, 1.0)):
        assert abs(values.mean() - mean) < 5 / np.sqrt(values.size)
        assert abs(values.var() - 1) < 0.01
        for axis in (values, values.T):
            # correlations of 200 x 200 pairs of columns, each with an error of 1 / sqrt(rows)
            r = np.corrcoef(axis[:200])
            off = r[~np.eye(200, dtype=bool)] * np.sqrt(axis.shape[1])
            assert np.abs(off).max() < 6
            assert abs(off.std() - 1) < 0.05
    np.testing.assert_array_equal(signs[:, 64:130], 2.0 * signs_of(words, 64, 130, 7) - 1)
    np.testing.assert_array_equal(counts[:, 6:31], counts_of(words, 6, 31, 7))
    assert (signs_of(words, 0, 200, 8) != signs_of(words, 0, 200, 7)).mean() == pytest.approx(
        0.5, abs=0.01
    )
