"""Embeddings that the user brings: by pair and side, each once, or refused by name."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import workbench as wb
from workbench.embedding import StoredEmbedding, embed_pairs
from workbench.errors import ConfigError, DataError, DesignError


@pytest.fixture
def data():
    return wb.load("sample")


def written(path, data, rows=None, **columns):
    ids = [*data.pairs["pair_id"]] * 2
    side = ["a"] * len(data) + ["b"] * len(data)
    vectors = np.random.default_rng(0).normal(size=(len(ids), 3)).astype(np.float32)
    table = pa.table({"pair_id": ids, "side": side, "embedding": vectors.tolist()} | columns)
    pq.write_table(table if rows is None else table.take(rows), path)
    return vectors


def test_a_file_in_any_order_gives_both_sides(data, tmp_path):
    n = len(data)
    order = np.random.default_rng(1).permutation(2 * n)
    vectors = written(tmp_path / "v.parquet", data, order)
    found = embed_pairs(data, str(tmp_path / "v.parquet"))
    assert found.pair_ids.tolist() == data.pairs["pair_id"].tolist()
    assert np.array_equal(found.differences(), vectors[:n] - vectors[n:])
    assert found.left_out == {}
    plain = StoredEmbedding.of_arrays("v", data.pairs["pair_id"], vectors[:n], vectors[n:])
    assert embed_pairs(data, plain).embedding["digest"] == found.embedding["digest"]


def test_numbers_may_stand_in_columns_of_their_own(data, tmp_path):
    vectors = written(tmp_path / "v.parquet", data)
    table = pq.read_table(tmp_path / "v.parquet").drop_columns(["embedding"])
    for k in range(3):
        table = table.append_column(f"x{k}", pa.array(vectors[:, k]))
    pq.write_table(table, tmp_path / "w.parquet")
    one, two = (embed_pairs(data, str(tmp_path / name)) for name in ("v.parquet", "w.parquet"))
    assert np.array_equal(one.differences(), two.differences())


def test_pairs_that_it_lacks_are_counted(data, tmp_path):
    n = len(data)
    written(tmp_path / "v.parquet", data, [k for k in range(2 * n) if k % n >= 5])
    found = embed_pairs(data, str(tmp_path / "v.parquet"))
    assert (len(found), found.left_out) == (n - 5, {"no stored embedding": 5})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop_columns(["side"]), "no column side"),
        (lambda t: t.slice(1), "without one of their sides"),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "with one twice"),
        (lambda t: t.set_column(1, "side", pa.array(["c"] * len(t))), "neither a nor b"),
        (lambda t: t.set_column(2, "embedding", pa.array([[1.0, np.nan]] * len(t))), "NaN"),
        (lambda t: t.set_column(2, "embedding", pa.array([[1.0]] + [[1.0, 2.0]] * (len(t) - 1))),
         "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_such_table_is_refused(data, tmp_path, change, said):
    written(tmp_path / "v.parquet", data)
    pq.write_table(change(pq.read_table(tmp_path / "v.parquet")), tmp_path / "w.parquet")
    with pytest.raises(DataError, match=said):
        StoredEmbedding.read(tmp_path / "w.parquet")


def test_other_pairs_and_other_names_are_refused(data, tmp_path):
    other = StoredEmbedding.of_arrays("v", ["x"], np.ones((1, 2)), np.ones((1, 2)))
    with pytest.raises(DesignError, match="of other pairs"):
        embed_pairs(data, other)
    with pytest.raises(DataError, match="belong to pairs"):
        other(["a text"])
    with pytest.raises(ConfigError, match="no such embedding"):
        embed_pairs(data, str(tmp_path / "nowhere"))
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(DataError, match="cannot be used"):
        embed_pairs(data, str(tmp_path / "text.parquet"))
