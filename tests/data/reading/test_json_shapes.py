"""JSON that holds its table in another shape than a list of records."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import workbench as wb
from workbench.data.reading.containers import open_container

RECORDS = [
    {"prompt": "Name a sea.", "response_a": "Baltic", "response_b": "Aral", "winner": "a"},
    {"prompt": "Name a bay.", "response_a": "Hudson", "response_b": "Fundy", "winner": "tie"},
    {"prompt": "Name a cape.", "response_a": "Horn", "response_b": None, "winner": "b"},
]
FRAME = pd.DataFrame(RECORDS)
ORIENTS = ("split", "columns", "index", "table", "records")


def _write(tmp_path, document, name="votes.json"):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def _read(tmp_path, document):
    table = open_container(_write(tmp_path, document)).table
    return table.select(list(RECORDS[0])).to_pylist()


@pytest.mark.parametrize("orient", ORIENTS)
def test_every_way_in_which_pandas_writes_json(tmp_path, orient):
    assert _read(tmp_path, FRAME.to_json(orient=orient)) == RECORDS


CELLS = [list(record.values()) for record in RECORDS]
VIEWED = [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(RECORDS)]


@pytest.mark.parametrize(
    "document",
    [
        {"_type": "table", "ncols": 4, "nrows": 3, "columns": list(FRAME), "data": CELLS},
        {"columns": list(FRAME), "data": CELLS},
        {name: [record[name] for record in RECORDS] for name in FRAME},
        {"features": [{"name": "x"}], "rows": VIEWED},
    ],
    ids=["wandb", "mlflow", "lists", "viewer"],
)
def test_tables_of_other_tools(tmp_path, document):
    assert _read(tmp_path, document) == RECORDS
    assert _read(tmp_path, json.dumps(document, indent=1)) == RECORDS


@pytest.mark.parametrize(
    "wrap",
    [lambda r: {"data": r}, lambda r: {"v": 3, "results": {"stats": {"n": 3}, "results": r}}],
)
def test_the_only_list_in_a_document_is_read_and_told(tmp_path, wrap):
    path = _write(tmp_path, wrap(RECORDS[:2]))
    data = wb.load(path)
    assert data.labels["preference"].tolist() == [1.0, 0.5]
    assert any("list inside the JSON document" in note for note in data.load_report.notes)
    assert wb.preview(path).mapping["label"] == "winner"
    mapped = wb.load(
        path, mapping={"label": "winner", "response_a": "response_b", "response_b": "response_a"}
    )
    assert mapped.labels["preference"].tolist() == [1.0, 0.5]


def test_two_lists_are_not_guessed_at(tmp_path):
    with pytest.raises(wb.DataError, match="not recognised"):
        wb.load(_write(tmp_path, {"train": RECORDS, "test": RECORDS}))


def test_one_record_of_chats_is_a_record(tmp_path):
    ask = {"role": "user", "content": "Name a lake."}
    chosen = [ask, {"role": "assistant", "content": "Garda"}]
    rejected = [ask, {"role": "assistant", "content": "Etna"}]
    for record in ({"chosen": chosen, "rejected": rejected},
                   {"chosen": chosen[1:], "rejected": rejected[1:], "prompt": [ask]}):  # fmt: skip
        data = wb.load(_write(tmp_path, record, "one.jsonl"))
        assert {data.pairs["response_a"][0], data.pairs["response_b"][0]} == {"Garda", "Etna"}


def test_records_by_their_id_keep_it(tmp_path):
    document = {"81": RECORDS[0], "97": RECORDS[1]}
    table = open_container(_write(tmp_path, document)).table
    assert table.column("index").to_pylist() == ["81", "97"]


def test_objects_over_several_lines_one_after_another(tmp_path):
    text = "\n".join(json.dumps(record, indent=2) for record in RECORDS)
    assert _read(tmp_path, text) == RECORDS


def test_texts_like_dates_stay_as_they_are_at_any_depth(tmp_path):
    chat = [
        {"role": "user", "content": "2024-01-01"},
        {"role": "assistant", "content": "2024-02-02"},
    ]
    rows = [
        {
            "chosen": chat,
            "rejected": [*chat[:1], {"role": "assistant", "content": "2025-03-03"}],
            "meta": {"on": "2020-05-05 10:00:00"},
            "late": late,
        }
        for late in (None, "2021-01-01")
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    table = open_container(path).table.to_pylist()
    assert table == rows


def test_nested_values_of_mixed_types_are_never_pythons_print(tmp_path):
    values = ["plain", 3, ["x", {"y": 1}], {"z": [1]}, None, True]
    rows = [{**RECORDS[0], "prompt": f"q{n}", "note": value} for n, value in enumerate(values)]
    path = tmp_path / "votes.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = open_container(path)
    assert found.table.column("note").to_pylist() == ["plain", "3", None, None, None, "true"]
    assert any(note.startswith("note: nested values") for note in found.notes)


def test_a_text_in_parts_is_that_text(tmp_path):
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    rows = [RECORDS[0], {**RECORDS[1], "response_a": parts}]
    path = tmp_path / "votes.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert open_container(path).table.column("response_a").to_pylist() == ["Baltic", "one\ntwo"]


def test_verdicts_in_a_table_of_columns(tmp_path):
    data = wb.load(pd.DataFrame(RECORDS[:2]))
    ids = data.pairs["pair_id"].tolist()
    path = _write(tmp_path, {"pair_id": ids, "verdict": ["A", "B"]})
    assert wb.add_judge(data, path, name="judge").annotators["n_labels"].tolist() == [2, 2]
