"""A column as numbers: the same of a part of the data as if the part were read anew."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.columns import as_text
from workbench.data.digests import row_hashes
from workbench.data.rows import coded


def _plain(column):
    names = sorted(set(column.dropna()))
    return [names.index(value) if isinstance(value, str) else -1 for value in column], names


def test_values_are_numbered_in_order_and_missing_ones_are_not():
    column = pd.Series(["b", None, "a", "é", "", "b"], dtype="str")
    found = coded(column)
    assert (found.codes.tolist(), found.names.tolist()) == _plain(column)
    numbers = coded(as_text(pd.Series([7.0, np.nan, 10.0])))
    assert numbers.names.tolist() == ["10", "7"]
    assert numbers.codes.tolist() == [1, -1, 0]


def test_a_part_is_numbered_as_if_it_stood_alone():
    rng = np.random.default_rng(0)
    values = np.array([None, *"abcdefgh"], dtype=object)
    for _ in range(20):
        column = pd.Series(values[rng.integers(0, 9, 30)], dtype="str")
        keep = rng.random(30) < rng.random()
        part = coded(column).take(keep)
        assert (part.codes.tolist(), part.names.tolist()) == _plain(column[keep])


@pytest.mark.parametrize("odd", [[], ["F" * 32], ["0" * 31 + "g"], ["0" * 15 + "1" + "f" * 16] * 2])
def test_digests_lie_in_the_order_of_their_text(odd):
    rng = np.random.default_rng(1)
    names = [bytes(rng.integers(0, 256, 16, dtype=np.uint8)).hex() for _ in range(500)]
    twins = ["0" * 16 + name[16:] for name in names[:3]] if odd else []
    column = pd.Series([*names, *odd, *twins, *names[:9]], dtype="str")
    for part in (column, column[7:]):
        found = coded(part)
        assert (found.codes.tolist(), found.names.tolist()) == _plain(part)


def test_many_values_take_wider_numbers():
    column = pd.Series(range(40_000)).astype("str")
    found = coded(column)
    assert (found.names.take(found.codes) == pd.Index(column)).all()


@pytest.mark.parametrize(
    "chosen", [{"kinds": ["human"]}, {"annotators": ["sim-judge-length"]}, {"scenarios": ["code"]}]
)
def test_parts_of_the_data_carry_what_is_known_of_the_whole(chosen):
    data = wb.load("sample")
    data = wb.score_factors(data, wb.factors.FAMILIES["length"])
    if "scenarios" in chosen:
        chosen = {"scenarios": [data.pairs["scenario"].iloc[0]]}
    for table, column in (("labels", "annotator"), ("labels", "kind"), ("pairs", "cluster")):
        data.coded(table, column)
    part = data.filter(**chosen)
    fresh = replace(part)
    for table, column in (("labels", "annotator"), ("labels", "kind"), ("pairs", "cluster")):
        carried, anew = part.coded(table, column), fresh.coded(table, column)
        assert carried.codes.tolist() == anew.codes.tolist()
        assert carried.names.tolist() == anew.names.tolist()
    assert part.annotators.equals(fresh.annotators)
    one, other = (wb.decompose(d, factors=["words"], folds=0).to_frame() for d in (part, fresh))
    pd.testing.assert_frame_equal(one, other)


def test_ids_that_are_no_digests_are_hashed_as_texts_and_digests_by_their_number():
    ids = ["p1", "f" * 32, "g" * 32, None, "0123456789abcdef" * 2, "é" * 16]
    table = pd.DataFrame({"cluster": pd.Series(ids, dtype="str")})
    whole = row_hashes(table)
    for row in range(len(ids)):
        assert (row_hashes(table.iloc[[row]]) == whole[row]).all()


def test_numbers_of_many_rows_are_hashed_as_those_of_one():
    values = np.random.default_rng(0).normal(size=40_000)
    values[::7], values[::11] = np.nan, -0.0
    table = pd.DataFrame({"x": values, "y": np.arange(40_000)})
    whole = row_hashes(table)
    rows = [0, 7, 11, 16_383, 16_384, 39_999]
    assert all((row_hashes(table.iloc[[row]]) == whole[row]).all() for row in rows)
    assert (row_hashes(table.assign(x=table["x"] + 0.0)) == whole).all()
