"""The published analysis runs again and gives its recorded numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.analyses.running import assert_close, load_run, recorded

FOLDER = "01_real_preferences"


@pytest.fixture(scope="module")
def run():
    return load_run(FOLDER)


def test_the_recorded_numbers_come_again(run, shared_data):
    job = run.analyse(shared_data / "vicuna80")
    assert_close(run.record(job), recorded(FOLDER), within=2e-4)


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
