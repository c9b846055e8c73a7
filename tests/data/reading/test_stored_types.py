"""Parquet and Arrow: codes that the schema explains are read by it."""

from __future__ import annotations

import json
from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import workbench as wb
from workbench.data.reading.containers import open_container
from workbench.data.reading.stored_types import decoded

TEXT = {"dtype": "string", "_type": "Value"}
SIDES = {"names": ["a", "b"], "_type": "ClassLabel"}
COLUMNS = {
    "prompt": ["q1", "q2", "q3"],
    "response_a": ["x1", "x2", "x3"],
    "response_b": ["y1", "y2", "y3"],
}


def _featured(table, features):
    info = json.dumps({"info": {"features": {**dict.fromkeys(COLUMNS, TEXT), **features}}})
    return table.replace_schema_metadata({"huggingface": info})


def _parquet(tmp_path, table):
    path = tmp_path / "votes.parquet"
    pq.write_table(table, path)
    return path


def _arrow_stream(tmp_path, table):
    path = tmp_path / "votes.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return path


def _feather(tmp_path, table):
    path = tmp_path / "votes.feather"
    feather.write_feather(table, path)
    return path


WRITERS = pytest.mark.parametrize("write", [_parquet, _arrow_stream, _feather])


@WRITERS
@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"], ["tie", "a", "b"]])
def test_labels_of_classes_are_decoded_by_their_names(tmp_path, write, names):
    codes = [names.index("a"), names.index("b"), names.index("a")]
    table = pa.table({**COLUMNS, "label": codes, "judge": [1, 0, 1]})
    features = {"label": {"names": names, "_type": "ClassLabel"},
                "judge": {"names": ["ann", "bob"], "_type": "ClassLabel"}}  # fmt: skip
    data = wb.load(write(tmp_path, _featured(table, features)))
    assert data.labels["preference"].tolist() == [1.0, 0.0, 1.0]
    assert data.labels["annotator"].tolist() == ["bob", "ann", "bob"]
    assert any("class codes are read by their names" in n for n in data.load_report.notes)


def test_a_class_without_a_code_or_a_name(tmp_path):
    table = pa.table({"label": pa.array([0, -1, None, 7, 1], pa.int8())})
    found, _ = decoded(_featured(table, {"label": SIDES}))
    assert found.column("label").to_pylist() == ["a", None, None, "7", "b"]


@WRITERS
def test_classes_inside_lists_and_structs(tmp_path, write):
    table = pa.table(
        {
            **COLUMNS,
            "votes": [[0, 1], [1], None],
            "people": [[{"who": 1, "said": [0]}], [], [{"who": 0, "said": None}]],
            "old": [{"vote": [0, 1]}, {"vote": []}, {"vote": [1]}],
            "label": ["a", "b", "a"],
        }
    )
    features = {
        "votes": {"feature": SIDES, "_type": "List"},
        "people": [{"who": {"names": ["ann", "bob"], "_type": "ClassLabel"},
                    "said": {"feature": SIDES, "_type": "Sequence"}}],
        "old": {"feature": {"vote": SIDES}, "_type": "Sequence"},
    }  # fmt: skip
    found = open_container(write(tmp_path, _featured(table, features))).table
    assert found.column("votes").to_pylist() == [["a", "b"], ["b"], None]
    assert found.column("people").to_pylist() == [
        [{"who": "bob", "said": ["a"]}], [], [{"who": "ann", "said": None}],
    ]  # fmt: skip
    assert found.column("old").to_pylist()[0] == {"vote": ["a", "b"]}


def _json_chats():
    """One message's content is a list of parts: the field is JSON in all messages."""

    def chats(contents):
        n = len(contents)
        messages = pa.StructArray.from_arrays(
            [pa.array(["assistant"] * n), pa.array(map(json.dumps, contents), pa.json_())],
            names=["role", "content"],
        )
        return pa.ListArray.from_arrays(pa.array(range(n + 1), pa.int32()), messages)

    parts = [{"type": "text", "text": 'a "word"'}]
    return pa.table(
        {
            "prompt": ["q1", "q2"],
            "chosen": chats(["one\n- two", parts]),
            "rejected": chats(["no", "never"]),
        }
    )


@WRITERS
@pytest.mark.parametrize("flat", [True, False])
def test_json_fields_are_decoded_inside_structs_too(tmp_path, write, flat):
    table = _json_chats()
    if flat:
        texts = pa.array([json.dumps("one\n- two"), json.dumps('a "word"')], pa.json_())
        table = pa.table({"prompt": ["q1", "q2"], "chosen": texts, "rejected": ["no", "never"]})
    pairs = wb.load(write(tmp_path, table)).pairs
    texts = {*pairs["response_a"], *pairs["response_b"]}
    assert texts == {"one\n- two", 'a "word"', "no", "never"}


def test_json_is_decoded_where_another_program_wrote_the_file(tmp_path):
    path = tmp_path / "votes.parquet"
    # only Parquet's own types, as DuckDB writes them
    table = pa.table({**COLUMNS, "label": pa.array(['"a"', '"b"', "0.25"], pa.json_())})
    pq.write_table(table, path, store_schema=False)
    assert wb.load(path).labels["preference"].tolist() == [1.0, 0.0, 0.25]


@pytest.mark.parametrize("ordered", [True, False])
def test_dictionaries_are_their_values(tmp_path, ordered):
    frame = pd.DataFrame(COLUMNS).assign(label=["b", "a", "b"], judge=["ann", "bob", None])
    kind = pd.CategoricalDtype(["b", "a"], ordered=ordered)
    frame = frame.astype({"label": kind, "judge": "category", "response_a": "category"})
    path = tmp_path / "votes.parquet"
    frame.to_parquet(path)
    for data in (wb.load(path), wb.load(frame)):
        assert data.labels["preference"].tolist() == [0.0, 1.0, 0.0]
        assert data.pairs["response_a"].tolist() == COLUMNS["response_a"]


@WRITERS
def test_answers_that_became_times_are_read_and_told(tmp_path, write):
    days = [datetime(1989, 11, 9), datetime(1990, 10, 3), None]
    hours = [datetime(1989, 11, 9, 23, 30), datetime(1990, 10, 3), None]
    table = pa.table({"prompt": COLUMNS["prompt"], "response_a": days, "response_b": hours,
                      "label": ["a", "b", "a"], "when": [date(2026, 1, n) for n in (1, 2, 3)],
                      "log": [[{"at": day}] for day in days]})  # fmt: skip
    found = open_container(write(tmp_path, table))
    assert found.table.column("response_a").to_pylist() == ["1989-11-09", "1990-10-03", None]
    assert found.table.column("response_b").to_pylist()[0].startswith("1989-11-09 23:30:00")
    assert found.table.column("when").to_pylist()[0] == "2026-01-01"
    assert found.table.column("log").to_pylist()[0] == [{"at": "1989-11-09"}]
    assert any("response_a: stored as times" in note for note in found.notes)
    assert len(wb.load(tmp_path / found.name).labels) >= 2


def test_maps_bytes_and_fields_of_nothing(tmp_path):
    table = pa.table(
        {
            **COLUMNS,
            "label": pa.array([b"a", b"b", b"a"]),
            "image": pa.array([b"\xff\xfe", None, b"x"]),
            "votes": pa.array([[("ann", 1)], [("bob", 0)], None], pa.map_(pa.string(), pa.int8())),
            "meta": pa.array([{"n": None, "k": 1}, {"n": None, "k": 2}, None]),
            "nothing": pa.nulls(3),
        }
    )
    path = _parquet(tmp_path, table)
    found = open_container(path).table
    assert found.column("votes").to_pylist() == [
        {"ann": 1, "bob": None}, {"ann": None, "bob": 0}, None,
    ]  # fmt: skip
    assert found.column("image").to_pylist()[0] == b"\xff\xfe"
    data = wb.load(path)
    assert data.labels["preference"].tolist() == [1.0, 0.0, 1.0]
    assert data.pairs["meta.k"].tolist()[:2] == [1, 2]


def test_metadata_that_is_no_json_changes_nothing(tmp_path):
    table = pa.table({**COLUMNS, "label": ["a", "b", "a"]})
    for written in ("{", '{"info": []}', '{"info": {"features": {"label": 3}}}'):
        path = _parquet(tmp_path, table.replace_schema_metadata({"huggingface": written}))
        assert wb.load(path).labels["preference"].tolist() == [1.0, 0.0, 1.0]


def test_large_nested_columns_are_decoded_piece_by_piece(tmp_path):
    n = 45_000
    codes = np.arange(n) % 2
    table = pa.table({"votes": [[int(code)] for code in codes]})
    found, _ = decoded(table, {"votes": {"feature": SIDES, "_type": "List"}})
    assert found.column("votes").to_pylist() == [["ab"[code]] for code in codes]


def _saved(folder, rows, **state):
    folder.mkdir(parents=True)
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    path = str(folder / "data-00000-of-00001.arrow")
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    features = {**dict.fromkeys(COLUMNS, TEXT), "label": SIDES}
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    files = [{"filename": "data-00000-of-00001.arrow"}]
    (folder / "state.json").write_text(json.dumps({"_data_files": files, **state}))


def _rows(first, n):
    return [
        {"prompt": f"q{i}", "response_a": f"x{i}", "response_b": f"y{i}", "label": i % 2}
        for i in range(first, first + n)
    ]


def test_a_saved_folder(tmp_path):
    _saved(tmp_path / "saved", _rows(0, 3))
    data = wb.load(tmp_path / "saved")
    assert data.labels["preference"].tolist() == [1.0, 0.0, 1.0]
    alone = wb.load(tmp_path / "saved" / "data-00000-of-00001.arrow")
    assert alone.digest == data.digest


def test_a_saved_folder_of_splits(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    _saved(tmp_path / "saved" / "train", _rows(0, 3))
    _saved(tmp_path / "saved" / "test", _rows(3, 2))
    data = wb.load(tmp_path / "saved")
    assert sorted(data.pairs["prompt"]) == ["q0", "q1", "q2", "q3", "q4"]
    assert "joined from 2 files" in data.load_report.notes


def test_a_saved_folder_that_lacks_a_file_or_chooses_rows(tmp_path):
    _saved(tmp_path / "indexed", _rows(0, 2), _indices_data_files=[{"filename": "i.arrow"}])
    with pytest.raises(wb.DataError, match="file of indices") as caught:
        wb.load(tmp_path / "indexed")
    assert "flatten_indices" in caught.value.fix
    _saved(tmp_path / "short", _rows(0, 2))
    (tmp_path / "short" / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(wb.DataError, match="not whole"):
        wb.load(tmp_path / "short")


def test_a_stream_without_its_end(tmp_path):
    table = pa.table({**COLUMNS, "label": ["a", "b", "a"]})
    path = _arrow_stream(tmp_path, table)
    path.write_bytes(path.read_bytes()[:-8])
    assert any("no end mark" in note for note in open_container(path).notes)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(wb.DataError, match="damaged or cut off"):
        wb.load(path)


def test_as_datasets_itself_saves(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {name: datasets.Value("string") for name in COLUMNS}
        | {"label": datasets.ClassLabel(names=["b", "a"])}
    )
    made = datasets.Dataset.from_dict({**COLUMNS, "label": [1, 0, 0]}, features=features)
    made.save_to_disk(tmp_path / "saved")
    made.to_parquet(tmp_path / "votes.parquet")
    datasets.DatasetDict({"train": made}).save_to_disk(tmp_path / "splits")
    for name in ("saved", "votes.parquet", "splits"):
        assert wb.load(tmp_path / name).labels["preference"].tolist() == [1.0, 0.0, 0.0]
