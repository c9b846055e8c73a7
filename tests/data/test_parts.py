"""A part of the data: the same rows as by hand, and no second copy of what it keeps whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    found = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    named = np.where(np.arange(len(found.labels)) % 3 == 0, "style", "overall")
    return replace(found, labels=found.labels.assign(criterion=named))


def address(table: pd.DataFrame) -> int:
    """Where the last column lies in memory."""
    column = table.iloc[:, -1]
    if column.dtype == "float64":
        return column.to_numpy().__array_interface__["data"][0]
    return column.array.__arrow_array__().chunk(0).buffers()[-1].address


def test_labels_of_a_criterion_share_the_tables_of_the_pairs(data):
    part = data.filter(criteria=["overall"])
    for name in ("pairs", "factors", "factor_values"):
        mine, theirs = getattr(part, name), getattr(data, name)
        pd.testing.assert_frame_equal(mine, theirs)
        assert address(mine) == address(theirs)
    expected = data.labels[data.labels["criterion"] == "overall"].reset_index(drop=True)
    pd.testing.assert_frame_equal(part.labels, expected)
    fresh = pd.Index(part.pairs["pair_id"]).get_indexer(part.labels["pair_id"])
    np.testing.assert_array_equal(part.pair_rows, fresh)


def test_a_part_of_the_pairs_has_rows_of_its_own(data):
    ids = data.pairs["pair_id"].iloc[5:50]
    part = data.filter(pair_ids=ids, criteria=["style"])
    pd.testing.assert_frame_equal(part.pairs, data.pairs.iloc[5:50].reset_index(drop=True))
    assert part.factors["pair_id"].tolist() == ids.tolist()
    of = part.pairs["pair_id"].to_numpy()[part.pair_rows]
    assert of.tolist() == part.labels["pair_id"].tolist()
    assert set(part.labels["criterion"]) == {"style"}


@pytest.mark.parametrize("hashed", [True, False])
def test_the_digest_of_a_part_is_that_of_its_rows(data, hashed):
    whole = replace(data)
    if hashed:
        assert whole.digest
    part = whole.filter(criteria=["style"])
    alone = replace(part, pairs=part.pairs.copy(), labels=part.labels.copy())
    assert part.digest == alone.digest != data.digest


def test_what_is_written_into_a_part_stays_out_of_the_whole(data):
    part = data.filter(criteria=["overall", "style"])
    assert part.digest == data.digest
    before = data.pairs.copy()
    part.pairs["scenario"] = "written"
    pd.testing.assert_frame_equal(data.pairs, before)


def test_a_part_knows_the_rows_of_its_labels(data):
    some = data.pairs["pair_id"].iloc[::3]
    part = data.filter(pair_ids=some, kinds=["llm"])
    fresh = pd.Index(part.pairs["pair_id"]).get_indexer(part.labels["pair_id"])
    np.testing.assert_array_equal(part.pair_rows, fresh)
    assert (fresh >= 0).all()
