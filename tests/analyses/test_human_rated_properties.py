"""The analysis of human-rated properties runs again and gives its recorded numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.analyses.running import assert_close, load_run, recorded

FOLDER = "03_human_rated_properties"


@pytest.fixture(scope="module")
def run():
    return load_run(FOLDER)


def test_the_recorded_numbers_come_again(run, shared_data):
    found = run.record(run.analyse(shared_data / "hf_not_gold"))
    assert_close(found, recorded(FOLDER), within=2e-3)


def test_verdicts_equal_an_independent_reading_of_the_files(run, shared_data):
    table = run.sittings(shared_data / "hf_not_gold")
    theirs = pd.read_parquet(shared_data / "normalised" / "labels.parquet")
    theirs = theirs[theirs["dataset"] == "hf_not_gold"]
    assert len(table) == theirs["annotator"].nunique()
    sign = theirs["label"].map({"a": 1, "b": -1, "tie": 0})
    other = theirs.assign(sign=sign).groupby(["pair_id", "dimension"])["sign"].sum().unstack()
    names = table[run.PAIR].astype("str").agg("|".join, axis=1)
    columns = ["overall", *run.PROPERTIES]
    mine = np.sign(table[columns]).groupby(names).sum()
    np.testing.assert_array_equal(mine.loc[other.index].to_numpy(), other[columns].to_numpy())
