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


def test_factors_without_values_of_both_sides_are_opened(tmp_path: Path) -> None:
    data = wb.load("sample")
    ref = parted(data, tmp_path, 2).refs[0]
    scored = type(ref)(ref.folder, "abc", {"words": {}})
    n = len(ref.open())
    # such as differences that the file itself brings
    ref.write("factors", "abc", pd.DataFrame({"words": np.arange(n) / 7}))
    ref.write("values", "abc", pd.DataFrame(index=np.arange(n) + 5))
    found = scored.open()
    assert found.factor_values.columns.tolist() == ["pair_id"]
    assert found.factor_values["pair_id"].tolist() == found.pairs["pair_id"].tolist()
    assert found.factors["words"].tolist() == (np.arange(n) / 7).tolist()
    scored.write("values", "abc", pd.DataFrame(index=np.arange(3)))
    with pytest.raises(DataError, match="3 rows where the part has"):
        scored.open()


@pytest.mark.parametrize("turned", [False, True])
def test_an_annotator_of_two_kinds_is_the_same_in_parts(tmp_path: Path, turned: bool) -> None:
    kinds = ["llm", "unknown", "human", "llm", "llm", "human"]
    rows = pd.DataFrame(
        {
            "prompt": [f"question {k * k} of {k}" for k in range(12)],
            "response_a": [f"yes {k}" for k in range(12)],
            "response_b": "no",
            "label": list("ab" * 6),
            "annotator": ["ann"] * 10 + ["rater"] * 2,
            "kind": [*(kinds * 2)[:10], "unknown", "llm"],
        }
    )
    rows = rows.iloc[::-1] if turned else rows
    rows.to_csv(tmp_path / "votes.csv", index=False)
    whole = wb.load(tmp_path / "votes.csv")
    found = wb.load_parts(tmp_path / "votes.csv", tmp_path / "parts", parts=4)
    assert len(found.facts) > 2
    # of several the first that the data model lists, whatever row comes first
    assert whole.annotators["kind"].tolist() == ["human", "llm"]
    pd.testing.assert_frame_equal(found.annotators, whole.annotators)
    assert found.digest == whole.digest


def test_a_part_whose_factors_are_gone_is_told(tmp_path: Path) -> None:
    found = parted(wb.load("sample"), tmp_path, 2)
    ref = found.refs[0]
    gone = type(ref)(ref.folder, "abc", {"words": {}})
    with pytest.raises(DataError, match="damaged or missing"):
        gone.open()
    gone.write("factors", "abc", pd.DataFrame({"words": np.zeros(3)}))
    with pytest.raises(DataError, match="3 rows where the part has"):
        gone.open()
