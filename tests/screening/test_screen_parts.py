"""Screening of data in parts: all of few pairs, a stated sample of many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.parted_data import divided
from tests.planted import planted
from workbench.errors import DataError
from workbench.screening.screening import Screening

OPTIONS = {"control": ["f5"], "resamples": 10}


def same(found: Screening, wanted: Screening) -> None:
    for name, theirs in wanted.tables().items():
        mine = found.tables()[name]
        pd.testing.assert_frame_equal(mine, theirs, rtol=1e-8, atol=1e-9, obj=name)


@pytest.mark.parametrize("n", [1, 5])
def test_few_pairs_are_screened_whole_as_in_memory(tmp_path: Path, n: int) -> None:
    data = planted({"judge": [0.8, -0.6, 0, 0, 0, 0.3]}, n=900, clusters=300, seed=1)
    found, wanted = (
        wb.screen(divided(data, tmp_path / "set", n), **OPTIONS),
        wb.screen(data, **OPTIONS),
    )
    same(found, wanted)
    assert found.settings == wanted.settings
    assert found.warnings == wanted.warnings
    assert found.selected[:2] == ["f0", "f1"]


def test_many_are_sampled_by_whole_clusters_whatever_the_parts_and_it_is_said(
    tmp_path: Path,
) -> None:
    data = planted({"judge": [0.8, -0.6, 0, 0, 0, 0.3]}, n=2400, clusters=800, seed=2)
    one, five = (
        wb.screen(divided(data, tmp_path / f"{n}", n), sample=900, **OPTIONS) for n in (1, 5)
    )
    same(one, five)
    told = five.settings["sampled"]
    assert told["of"] == 2400
    # 900 wanted: clusters of three pairs are in it or not
    assert abs(told["pairs"] - 900) < 5 * np.sqrt(3 * 900 * (1 - 900 / 2400))
    assert f"a sample of {told['pairs']:,} of 2,400 pairs" in five.summary()
    sample = divided(data, tmp_path / "3", 3).sample(900)
    same(five, wb.screen(sample, **OPTIONS))
    kept = set(sample.pairs["cluster"])
    assert len(sample) == data.pairs["cluster"].isin(kept).sum()
    with pytest.raises(DataError, match="at least one pair"):
        wb.screen(divided(data, tmp_path / "0", 2), sample=0)
