"""A contrast of fits over parts is that of the fits in memory."""

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
from workbench.agreement import agreement_and_kappa, agreement_of_counts
from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError


def same(found: Contrast, wanted: Contrast) -> None:
    """Every number to 1e-9 of its error or of itself, and every word."""
    for name, theirs in wanted.tables().items():
        pd.testing.assert_frame_equal(
            found.tables()[name], theirs, rtol=1e-7, atol=1e-9, obj=name, check_dtype=False
        )
    for name in ("estimate", "std_error"):
        mine, theirs = (table.raw[name].to_numpy() for table in (found, wanted))
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-10)
    assert found.settings == wanted.settings
    assert found.summary() == wanted.summary()


def compare(data: PreferenceData, folder: Path, n: int, **options: Any) -> Contrast:
    parts = divided(data, folder, n)
    reference = options.pop("reference")
    fits = [wb.decompose(each, folds=0, **options) for each in (parts, data)]
    found = wb.contrast(fits[0], reference, engine=Shuffled())
    same(found, wb.contrast(fits[1], reference))
    assert not (folder / "work").exists()
    return found


@pytest.mark.parametrize("n", [1, 5])
def test_judges_beside_people_of_one_fit(tmp_path: Path, n: int) -> None:
    # fourteen people who pool: clustered by annotator too, who lie in all parts
    compare(many_sided(600), tmp_path / "set", n, by="kind", reference="human")


def test_a_ratio_that_most_terms_share_and_one_of_opposite_taste(tmp_path: Path) -> None:
    weights = {"judge-a": [1.2, -0.6, 0.9, 1.5, 0.4], "judge-b": [-0.8, 0.5, -0.6, 0.4, -0.3],
               "people": [0.8, -0.4, 0.6, -0.3, 0.3]}  # fmt: skip
    data = planted(weights, n=1500, clusters=400, position=0.2, seed=2)
    found = compare(data, tmp_path / "set", 3, reference="people")
    assert found.scale["opposite"].tolist() == [False, True]
    assert (found.estimates["verdict"] == "differs").any()
    assert found.agreement["n"].min() > 1000


def test_two_fits_to_the_same_parts(tmp_path: Path) -> None:
    data = many_sided(500, people=3)
    rng = np.random.default_rng(1)
    session = pd.Series(rng.integers(0, 30, len(data.labels)).astype(str))
    session[rng.random(len(session)) < 0.05] = None
    data = replace(data, labels=data.labels.assign(session=session))
    parts = divided(data, tmp_path / "set", 4)
    for options in ({}, {"covariance": "HC1"}, {"cluster": ["cluster", "session"]}):
        found, wanted = (
            wb.contrast(
                wb.decompose(each, annotator="judge", folds=0, **options),
                wb.decompose(each, annotator="human", folds=0, **options),
            )
            for each in (parts, data)
        )
        same(found, wanted)


def test_many_clusters_have_bounded_degrees_as_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    one = rng.normal(size=27)
    weights = {"judge": (1.5 * one).tolist(), "people": one.tolist()}
    data = planted(weights, n=6000, clusters=5800, seed=3)
    found = compare(data, tmp_path / "set", 3, reference="people")
    assert found.scale["n_shared"].iloc[0] * 27**3 > 7e7


def test_same_labels_no_pair_in_common_and_parts_without_a_group(tmp_path: Path) -> None:
    data = planted({"judge": [1.0, 0.5, -0.4]}, n=500, clusters=150, seed=5)
    twin = data.labels.assign(annotator="twin")
    number = pd.factorize(data.pairs["cluster"])[0][data.pair_rows] % 4
    late = data.labels[number == 2].assign(annotator="late")
    early = data.labels[number != 2].assign(annotator="early")
    labels = pd.concat([data.labels, twin, late, early], ignore_index=True)
    data = replace(data, labels=labels)
    found = compare(data, tmp_path / "set", 4, reference="judge")
    assert found.agreement.set_index("group").loc["twin", "agreement"] == 1.0
    apart = compare(data, tmp_path / "two", 4, annotator=["early", "late"], reference="late")
    assert apart.agreement["n"].tolist() == [0]
    assert apart.raw["ame_pairs"].tolist() == [0] * 4


def test_fits_of_other_parts_and_of_memory_are_refused(tmp_path: Path) -> None:
    data = many_sided(200, people=2)
    one, two = (
        wb.decompose(divided(data, tmp_path / name, 2), by="kind", folds=0) for name in "ab"
    )
    with pytest.raises(DesignError, match=r"(?s)other parts.*data\.sample.*data\.whole"):
        wb.contrast(one["llm"], two["human"])
    held = wb.decompose(data, by="kind", folds=0)
    for pair in ((one["llm"], held["human"]), (held["llm"], one["human"])):
        with pytest.raises(DesignError, match=r"(?s)lie in parts.*data\.sample"):
            wb.contrast(*pair)


@pytest.mark.parametrize("n", [0, 1, 2, 400])
def test_agreement_of_counts_is_that_of_rows(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.random(n) < 0.6, rng.random(n) < 0.5
    for cluster in (rng.integers(0, max(n // 3, 1), n), np.zeros(n, dtype=np.int64)):
        table = np.zeros((max(n, 1), 4))
        np.add.at(table, (cluster, 2 * ~a + ~b), 1.0)
        kinds, times = np.unique(table[table.any(axis=1)], axis=0, return_counts=True)
        found = agreement_of_counts(kinds, times.astype(float))
        for mine, theirs in zip(found, agreement_and_kappa(a, b, cluster), strict=True):
            assert mine["reason"] == theirs["reason"]
            for name in ("estimate", "std_error", "conf_low", "conf_high", "n", "n_clusters"):
                assert mine[name] == pytest.approx(theirs[name], rel=1e-9, abs=1e-12, nan_ok=True)
