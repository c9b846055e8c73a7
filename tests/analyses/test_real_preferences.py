"""The published analysis runs again and gives its recorded numbers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "analyses" / "01_real_preferences"


@pytest.fixture(scope="module")
def run():
    spec = importlib.util.spec_from_file_location("real_preferences", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _close(found, expected, path=""):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for key in expected:
            _close(found[key], expected[key], f"{path}/{key}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=2e-4), path
    else:
        assert found == expected, path


def test_the_recorded_numbers_come_again(run, shared_data):
    job = run.analyse(shared_data / "vicuna80")
    _close(run.record(job), json.loads((FOLDER / "expected.json").read_text("utf-8")))


def test_verdicts_equal_an_independent_reading_of_the_files(run, shared_data):
    data = run.read(shared_data / "vicuna80")
    theirs = pd.read_parquet(shared_data / "normalised" / "labels.parquet")
    theirs = theirs[
        (theirs["dataset"] == "vicuna80") & theirs["annotator"].isin(run.JUDGES.values())
    ]
    parts = theirs["pair_id"].str.split("|", expand=True)
    theirs = theirs.assign(question=parts[0].astype(int), a=parts[1], b=parts[2])
    names = {"gpt-3.5": "gpt35", "gpt-4": "gpt4"}
    theirs = theirs.replace({"a": names, "b": names})
    theirs = theirs[theirs["a"].isin(run.MODELS) & theirs["b"].isin(run.MODELS)]
    value = theirs["label"].map({"a": 1.0, "b": 0.0, "tie": 0.5})
    ours = data.labels[data.labels["kind"] == "llm"]
    pairs = data.pairs.set_index("pair_id")
    ours = ours.assign(
        a=pairs["model_a"].reindex(ours["pair_id"]).to_numpy(),
        b=pairs["model_b"].reindex(ours["pair_id"]).to_numpy(),
    )
    keys = ["annotator", "a", "b", "order_shown"]
    mine = ours.groupby(keys)["preference"].agg(["size", "sum"])
    other = theirs.assign(preference=value).groupby(keys)["preference"].agg(["size", "sum"])
    # 5 judges x 10 pairs of models x 2 orders
    assert len(mine) == 100
    pd.testing.assert_frame_equal(mine, other.loc[mine.index], check_dtype=False)
