"""Hub data sets from a folder laid out like the hub's cache; nothing is downloaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.data.reading.hub import fetch

pytest.importorskip("huggingface_hub")

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cached data set with two configurations, sharded and plain files."""
    snapshot = tmp_path / "datasets--lab--votes" / "snapshots" / COMMIT
    refs = tmp_path / "datasets--lab--votes" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(COMMIT)

    def put(name: str, tag: str, rows: int) -> None:
        path = snapshot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame(
            {
                "prompt": [f"{tag} {i}" for i in range(rows)],
                "chosen": ["good"] * rows,
                "rejected": ["bad"] * rows,
            }
        )
        if name.endswith(".parquet"):
            table.to_parquet(path)
        else:
            path.write_text(table.to_json(orient="records", lines=True))

    put("data/train-00000-of-00002.parquet", "a", 3)
    put("data/train-00001-of-00002.parquet", "b", 4)
    put("data/test-00000-of-00001.parquet", "c", 2)
    put("extra/train.jsonl", "d", 5)
    (snapshot / "README.md").write_text("card")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_a_split_in_shards_is_joined(cache):
    data = wb.load("hub:lab/votes/data:train")
    assert len(data.pairs) == 7
    report = data.load_report
    assert report.rows_read == report.rows_kept == 7
    assert report.source == "hub:lab/votes/data:train"
    assert "2 files" in report.notes[-1]


def test_configuration_and_split_are_kept_apart(cache):
    assert len(wb.load("hub:lab/votes:test").pairs) == 2
    assert [path.name for path in fetch("hub:lab/votes/extra")] == ["train.jsonl"]
    assert len(wb.load("hub:lab/votes/extra:train").pairs) == 5


def test_what_is_not_there_lists_what_is(cache):
    with pytest.raises(wb.DataError, match="no file of this configuration") as caught:
        fetch("hub:lab/votes:validation")
    assert "extra/train.jsonl" in caught.value.found
    with pytest.raises(wb.DataError, match="cannot be had"):
        fetch("hub:lab/nothing")
    with pytest.raises(wb.DataError, match="incomplete"):
        fetch("hub:votes")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(wb.ConfigError) as caught:
        fetch("hub:lab/votes")
    assert 'pip install "preference-workbench[hub]"' in caught.value.fix


def test_codes_are_decided_for_all_shards(cache):
    """A shard of 1s alone says nothing of what 1 means; the 2s are in the other."""
    snapshot = cache / "datasets--lab--votes" / "snapshots" / COMMIT / "coded"
    snapshot.mkdir()
    for n, code in enumerate((1, 2)):
        pd.DataFrame(
            {
                "prompt": [f"q{n}{i}" for i in range(3)],
                "response_a": ["x"] * 3,
                "response_b": ["y"] * 3,
                "label": [code] * 3,
            }
        ).to_parquet(snapshot / f"train-0000{n}-of-00002.parquet")
    with pytest.raises(wb.DataError):
        wb.load("hub:lab/votes/coded:train")
    data = wb.load("hub:lab/votes/coded:train", verdicts={"1": "a", "2": "b"})
    assert sorted(data.labels["preference"]) == [0.0] * 3 + [1.0] * 3
