"""Data in parts say the same of the whole as the whole in memory does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.data.parts.part import write_part
from workbench.data.parts.parted import PartedData, open_parts
from workbench.data.split import folds
from workbench.errors import DataError


def parted(data: PreferenceData, folder: Path, n: int) -> PartedData:
    number = folds(data.pairs["cluster"].to_numpy(), n, seed=0)
    facts = [
        write_part(data.filter(pair_ids=data.pairs["pair_id"][number == k]), folder, f"part-{k}")
        for k in range(n)
    ]
    whole = PartedData(folder, tuple(facts), data.load_report)
    whole.save()
    return open_parts(folder)


@pytest.mark.parametrize("n", [2, 7])
def test_parts_say_of_the_whole_what_it_says_in_memory(tmp_path: Path, n: int) -> None:
    data = wb.load("sample")
    found = parted(data, tmp_path, n)
    assert len(found) == len(data)
    assert found.n_labels == len(data.labels)
    assert found.digest == data.digest
    assert found.whole().digest == data.digest
    assert found.criteria == data.criteria
    pd.testing.assert_frame_equal(found.annotators, data.annotators)
    assert str(found.load_report) == str(data.load_report)


def test_a_sample_takes_whole_clusters_and_the_same_ones_again(tmp_path: Path) -> None:
    data = wb.load("sample")
    found = parted(data, tmp_path, 3)
    some = found.sample(500, seed=1)
    assert 350 < len(some) < 650
    assert some.digest == found.sample(500, seed=1).digest != found.sample(500, seed=2).digest
    own = data.pairs[data.pairs["cluster"].isin(some.pairs["cluster"])]
    assert set(own["pair_id"]) == set(some.pairs["pair_id"])
    assert found.sample(10_000).digest == data.digest
    with pytest.raises(DataError, match="at least one pair"):
        found.sample(0)


def test_a_damaged_manifest_is_told(tmp_path: Path) -> None:
    parted(wb.load("sample"), tmp_path, 2)
    (tmp_path / "parts.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match="no data set in parts that can be read"):
        open_parts(tmp_path)


def test_a_part_whose_factors_are_gone_is_told(tmp_path: Path) -> None:
    found = parted(wb.load("sample"), tmp_path, 2)
    ref = found.refs[0]
    gone = type(ref)(ref.folder, "abc", {"words": {}})
    with pytest.raises(DataError, match="damaged or missing"):
        gone.open()
    gone.write("factors", "abc", pd.DataFrame({"words": np.zeros(3)}))
    with pytest.raises(DataError, match="3 rows where the part has"):
        gone.open()
