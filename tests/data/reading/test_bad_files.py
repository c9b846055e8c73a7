"""Broken and odd files: a clear error or a counted row, never a traceback or a silent drop."""

from __future__ import annotations

import gzip
import json
import pickle

import pandas as pd
import pyarrow as pa
import pytest

import workbench as wb

GOOD = [
    {"prompt": f"p{i}", "response_a": f"yes {i}", "response_b": f"no {i}", "label": "a"}
    for i in range(4)
]


def _lines(records) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _error(path, **options) -> wb.DataError:
    with pytest.raises(wb.DataError) as caught:
        wb.load(path, **options)
    error = caught.value
    name = getattr(path, "name", "table")
    assert error.what
    assert error.found, error
    assert error.expected, error
    assert error.fix, error
    assert error.where is None or "/" not in error.where.replace(name + "/", "")
    return error


def _write(tmp_path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_nothing_there_and_a_folder(tmp_path):
    assert "no such file" in str(_error(tmp_path / "none.csv"))
    assert "folder" in str(_error(tmp_path))


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path, content):
    assert "empty" in str(_error(_write(tmp_path, "a.csv", content)))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.csv.gz"])
def test_a_truncated_gzip(tmp_path, name):
    content = _lines(GOOD * 2000) if "json" in name else _csv(GOOD * 2000)
    packed = gzip.compress(content)
    error = _error(_write(tmp_path, name, packed[: len(packed) // 2]))
    assert "damaged or cut off" in error.what
    assert name in str(error.where)


def _csv(records) -> bytes:
    return pd.DataFrame(records).to_csv(index=False).encode()


def test_a_truncated_zstd_and_a_whole_one(tmp_path):
    path = _write(tmp_path, "a.jsonl", _lines(GOOD * 5000))
    packed = path.with_suffix(".jsonl.zst")
    with pa.CompressedOutputStream(str(packed), "zstd") as stream:
        stream.write(path.read_bytes())
    assert wb.load(packed).load_report.rows_read == 20_000
    short = _write(tmp_path, "b.jsonl.zst", packed.read_bytes()[:-40])
    assert "damaged or cut off" in _error(short).what


def test_a_truncated_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame(GOOD).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "damaged or cut off" in _error(path).what


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, name):
    content = {
        "a.csv": _csv(GOOD),
        "a.jsonl": _lines(GOOD),
        "a.json": json.dumps(GOOD).encode(),
    }[name]
    data = wb.load(_write(tmp_path, name, b"\xef\xbb\xbf" + content))
    assert data.load_report.rows_kept == 4
    assert data.pairs["prompt"].tolist() == ["p0", "p1", "p2", "p3"]


def test_utf16_is_named(tmp_path):
    path = _write(tmp_path, "a.csv", _csv(GOOD).decode().encode("utf-16"))
    assert "UTF-16" in str(_error(path))


def test_mixed_encodings_in_a_table_name_row_column_and_byte(tmp_path):
    content = _csv(GOOD).replace(b"no 2", "né 2".encode("latin-1"))
    error = _error(_write(tmp_path, "a.csv", content))
    assert "row 3" in error.where
    assert "response_b" in error.where
    assert "0xe9" in error.found
    head = _write(tmp_path, "b.csv", "é,text_a,text_b,label\n1,2,3,a\n".encode("latin-1"))
    assert "line 1" in _error(head).where
    content = json.dumps(GOOD, indent=1).encode().replace(b"no 2", "né 2".encode("latin-1"))
    error = _error(_write(tmp_path, "c.json", content))
    assert ("line 17" in error.where, "0xe9" in error.found) == (True, True)


def test_mixed_encodings_in_json_lines_are_counted_with_their_line(tmp_path):
    content = _lines(GOOD).replace(b"no 2", "né 2".encode("latin-1"))
    report = wb.load(_write(tmp_path, "a.jsonl", content)).load_report
    assert report.rows_kept == 3
    assert report.left_out["unparseable"].count == 1
    assert report.left_out["unparseable"].examples[0]["row"] == 3
    assert "not UTF-8" in report.left_out["unparseable"].examples[0]["found"]


def test_a_broken_line_among_good_ones_is_counted(tmp_path):
    lines = _lines(GOOD).split(b"\n")
    lines[1] = b'{"prompt": "p1", "respon'
    lines[2] = b"[1, 2]"
    report = wb.load(_write(tmp_path, "a.jsonl", b"\n".join(lines))).load_report
    assert (report.rows_read, report.rows_kept) == (4, 2)
    assert [e["row"] for e in report.left_out["unparseable"].examples] == [2, 3]


def test_ragged_rows_are_counted(tmp_path):
    content = _csv(GOOD).replace(b"p1,yes 1,no 1,a", b"p1,yes 1,no 1,a,surplus,again")
    report = wb.load(_write(tmp_path, "a.csv", content)).load_report
    assert (report.rows_read, report.rows_kept) == (4, 3)
    assert report.left_out["unparseable"].examples[0]["row"] == 2
    assert "6 fields instead of 4" in report.left_out["unparseable"].examples[0]["found"]


def test_an_open_quote_is_refused_or_shown_with_the_lines_that_it_swallows(tmp_path):
    content = _csv(GOOD)
    error = _error(_write(tmp_path, "a.csv", content.replace(b"no 2,a", b'no 2,"a')))
    assert "not closed" in error.what
    assert "row 3, column label" in error.where
    report = wb.load(_write(tmp_path, "b.csv", content.replace(b"no 2", b'"no 2'))).load_report
    assert (report.rows_read, report.rows_kept) == (3, 2)
    assert "over 2 lines" in report.left_out["unparseable"].examples[0]["found"]


def test_a_last_field_with_line_ends_is_no_open_quote(tmp_path):
    content = b'text_a,text_b,label,note\nx,y,a,"two\nlines\n"\n'
    assert wb.load(_write(tmp_path, "a.csv", content)).pairs["note"].tolist() == ["two\nlines\n"]


def test_nan_labels_are_failed_verdicts_of_models_and_no_judgements_of_others(tmp_path):
    frame = pd.DataFrame(GOOD).assign(label=["a", None, float("nan"), "b"])
    data = wb.load(frame, kind="llm")
    assert data.labels["preference"].isna().sum() == 2
    assert data.labels["reason"].dropna().tolist() == ["failed", "failed"]
    report = wb.load(frame).load_report
    assert (report.rows_kept, report.left_out["no judgement"].count) == (2, 2)


def test_unknown_labels_are_counted_with_their_value(tmp_path):
    report = wb.load(pd.DataFrame(GOOD).assign(label=["a", "7", "b", "huh"])).load_report
    assert report.left_out["unknown label"].count == 2
    assert "7" in report.left_out["unknown label"].examples[0]["found"]


@pytest.mark.parametrize("labels", [[1, 2, 2, 1], ["0", "1", "2", "1"], [1.0, -1.0, 0.0, 1.0]])
def test_whole_numbers_outside_0_to_1_need_a_mapping(labels):
    """A 1 beside a 2 may be "the first": taken for P(A) it would keep one side's labels only."""
    frame = pd.DataFrame(GOOD).assign(label=labels)
    error = _error(frame)
    assert "4 unknown label" in error.found
    assert "--verdict 1=a" in error.fix
    assert "verdicts={'1': 'a'" in error.fix
    report = wb.load(pd.concat([frame, frame.assign(label="b")])).load_report
    assert report.left_out["unknown label"].count == 4
    assert any("--verdict 1=a" in note for note in report.notes)


def test_labels_1_and_2_with_their_mapping():
    frame = pd.DataFrame(GOOD).assign(label=[1, 2, 2, None])
    data = wb.load(frame, mapping={"labels": {"1": "a", "2": "b"}}, kind="llm")
    assert data.labels["preference"].tolist()[:3] == [1, 0, 0]
    assert data.labels["reason"].tolist()[3] == "failed"
    assert data.load_report.settings["mapping"]["labels"] == {"1": "a", "2": "b"}


def test_one_number_outside_0_to_1_and_no_number_is_a_probability():
    """Sliders and margins have fractions too: 0.3 beside 7 is no P(A)."""
    frame = pd.DataFrame(GOOD).assign(label=[0.3, 1.0, 7.0, 0.0])
    assert "4 unknown label" in _error(frame).found
    assert "--scale" in _error(frame).fix
    assert wb.load(frame, scale="0..7:a").labels["preference"].tolist() == [0.3 / 7, 1 / 7, 1, 0]


def test_no_usable_row_says_why(tmp_path):
    same = [{**record, "response_a": "", "response_b": " "} for record in GOOD]
    error = _error(_write(tmp_path, "a.jsonl", _lines(same)))
    assert "4 empty" in error.found
    assert "row 1" in error.fix


def test_wrong_columns_list_what_is_there(tmp_path):
    path = _write(tmp_path, "a.csv", b"foo,bar\n1,2\n")
    assert "foo, bar" in _error(path).found
    error = _error(path, mapping={"response_a": "foo", "response_b": "bar", "label": "baz"})
    assert "'baz'" in error.found
    assert "unknown role" in _error(path, mapping={"respons": "foo"}).what
    assert "no format" in _error(path, format="exel").what


def test_labels_that_are_lists_are_no_verdicts(tmp_path):
    path = _write(tmp_path, "a.jsonl", _lines([*GOOD, {**GOOD[0], "label": ["a", {"x": 1}]}]))
    data = wb.load(path)
    assert len(data.labels) == len(GOOD)
    assert data.load_report.left_out["unparseable"].count == 1
    assert any("nested values" in note for note in data.load_report.notes)


@pytest.mark.parametrize("mapping", [{"labels": ["a"]}, {"labels": {"1": "left"}},
                                     {"annotators": ["label"]}, {"label": ["label"]},
                                     {"annotators": {"label": "robot"}}])  # fmt: skip
def test_a_mapping_that_says_nothing_is_refused(mapping):
    _error(pd.DataFrame(GOOD), mapping=mapping)


def test_a_column_name_twice(tmp_path):
    frame = pd.DataFrame(GOOD)
    assert "twice" in _error(pd.concat([frame, frame[["prompt"]]], axis=1)).what
    assert "twice" in _error(_write(tmp_path, "a.csv", b"label,label,x\na,b,c\n")).what
    lines = _lines(GOOD) + b'{"prompt": "q", "label": "a", "label": "b"}\n'
    assert "twice" in _error(_write(tmp_path, "a.jsonl", lines)).what
    table = pa.table([["q"], ["x"], ["y"], ["a"], ["b"]],
                     names=["prompt", "response_a", "response_b", "label", "label"])  # fmt: skip
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert "twice" in _error(path).what


def test_ten_megabyte_cells_load(tmp_path):
    big = "x" * 10_000_000
    records = [{**GOOD[0], "response_a": big}, *GOOD[1:]]
    for name, content in (("a.csv", _csv(records)), ("a.jsonl", _lines(records))):
        data = wb.load(_write(tmp_path, name, content))
        assert data.pairs["response_a"].str.len().max() == 10_000_000
        assert data.load_report.rows_kept == 4


def test_nested_lists_where_text_should_be_are_counted(tmp_path):
    records = [*GOOD, {**GOOD[0], "response_a": ["not", ["a", "text"]]}]
    report = wb.load(_write(tmp_path, "a.jsonl", _lines(records))).load_report
    assert report.rows_kept == 4
    assert report.rows_read == 5
    assert sum(entry.count for entry in report.left_out.values()) == 1


def test_mixed_types_in_a_label_column(tmp_path):
    records = [
        {**record, "label": label} for record, label in zip(GOOD, [1, "b", 0.5, "tie"], strict=True)
    ]
    data = wb.load(_write(tmp_path, "a.jsonl", _lines(records)))
    assert data.labels["preference"].tolist() == [1.0, 0.0, 0.5, 0.5]


def test_a_column_that_comes_late(tmp_path):
    records = [GOOD[0]] * 1 + [{**r, "note": "late"} for r in GOOD[1:]]
    data = wb.load(_write(tmp_path, "a.jsonl", _lines(records)))
    assert data.pairs["note"].notna().sum() == 3


def test_texts_that_look_like_dates_stay_as_written(tmp_path):
    records = [
        {**r, "response_a": "2024-01-01", "response_b": f"2024-02-0{i + 1}"}
        for i, r in enumerate(GOOD)
    ]
    for name, content in (("a.jsonl", _lines(records)), ("a.csv", _csv(records))):
        data = wb.load(_write(tmp_path, name, content))
        assert set(data.pairs["response_a"]) == {"2024-01-01"}


def test_text_like_na_or_numbers_is_text(tmp_path):
    records = [{**GOOD[0], "response_a": "NA", "response_b": "007"}]
    data = wb.load(_write(tmp_path, "a.csv", _csv(records)))
    assert data.pairs[["response_a", "response_b"]].iloc[0].tolist() == ["NA", "007"]


def test_pickles_are_never_read(tmp_path):
    path = _write(tmp_path, "a.pkl", pickle.dumps(GOOD))
    assert "pickle" in _error(path).what


@pytest.mark.parametrize("content", [b'"text"', b"3", b"[1, 2, 3]", b"[]", b'{"a": '])
def test_json_that_is_no_list_of_records(tmp_path, content):
    _error(_write(tmp_path, "a.json", content))


def test_unpaired_trl_is_refused_with_a_hint(tmp_path):
    records = [{"prompt": "p", "completion": "c", "label": True}] * 3
    assert "unpaired" in str(_error(_write(tmp_path, "a.jsonl", _lines(records)))).lower()


def test_read_is_kept_plus_left_out_on_a_messy_file(tmp_path):
    records = [*GOOD, GOOD[0], {**GOOD[1], "label": "huh"}, {**GOOD[2], "response_b": "  "},
               {**GOOD[3], "response_b": "yes 3"}, {**GOOD[3], "label": "b"}]  # fmt: skip
    content = _lines(records) + b"oops\n"
    data = wb.load(_write(tmp_path, "a.jsonl", content))
    report = data.load_report
    counts = {reason: entry.count for reason, entry in report.left_out.items()}
    # the same vote again, one empty and two equal responses are judgements like others
    assert counts == {"unknown label": 1, "unparseable": 1}
    assert report.rows_read == report.rows_kept + sum(counts.values()) == 10
    assert (len(data.pairs), len(data.labels)) == (6, 8)
    assert data.labels["replicate"].tolist() == [0, 0, 0, 0, 1, 0, 0, 1]


def test_a_role_mapped_to_none_is_left_open():
    frame = pd.DataFrame(GOOD).assign(category="x")
    assert wb.load(frame).pairs["scenario"].tolist() == ["x"] * 4
    data = wb.load(frame, mapping={"scenario": None})
    assert data.pairs["scenario"].isna().all()
    # what has no role is kept as metadata
    assert data.pairs["category"].tolist() == ["x"] * 4
