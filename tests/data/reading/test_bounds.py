"""Files are opened within bounds, each with a message and a flag that sets it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.config import RunConfig
from workbench.data.reading.bounds import arrow, streams
from workbench.data.reading.bounds.json_text import JsonText
from workbench.data.reading.bounds.limits import bounded, limits

ROW = {"prompt": "2+2?", "response_a": "4", "response_b": "5", "label": "a"}
LINE = json.dumps(ROW).encode() + b"\n"
LINES = b"".join(LINE.replace(b"2+2", b"%d+2" % n) for n in range(50))
CSV = b"prompt,response_a,response_b,label\n2+2?,4,5,a\n"


def _written(path, content):
    path.write_bytes(content)
    return path


def _refused(path, what, **given):
    with pytest.raises(wb.DataError) as caught:
        wb.load(path, limits=given or None)
    assert what in str(caught.value)
    return caught.value


@pytest.fixture
def low_floor(monkeypatch):
    """The ratio counts from a megabyte on, not from 64: the files of these tests stay small."""
    monkeypatch.setattr(streams, "FLOOR", 1 << 20)


@pytest.mark.usefixtures("low_floor")
@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("content", [LINE * 30_000, b"[" + LINE[:-1] + b" " * 3_000_000 + b"]"])
def test_a_small_file_that_unpacks_to_a_huge_one(tmp_path, pack, content):
    path = _written(tmp_path / "votes.json.packed", pack(content))
    _refused(path, "limit ratio", ratio=100)
    assert len(wb.load(path, limits={"ratio": 1e6}).labels) in (1, 30_000)


def test_a_file_that_fits_into_any_memory_may_swell(tmp_path):
    path = _written(tmp_path / "votes.jsonl.xz", lzma.compress(LINE * 30_000))
    assert path.stat().st_size < len(LINE) * 30_000 / 200
    assert len(wb.load(path).labels) == 30_000


def test_unpacked_bytes(tmp_path):
    path = _written(tmp_path / "votes.jsonl.gz", gzip.compress(LINES))
    error = _refused(path, "--limit unpacked=2KiB", unpacked="1KiB")
    assert error.expected == "at most 1KiB (limit unpacked)"
    assert len(wb.load(path, limits={"unpacked": len(LINES)}).labels) == 50


def _by_dictionary(path, n, column="response_a"):
    codes = pa.array([0, 1] * (n // 2), pa.int32())
    texts = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 1000, "y" * 1000]))
    table = pa.table({column: texts, "prompt": pa.array(["q"] * n), "response_b": ["z"] * n})
    pq.write_table(table.append_column("label", pa.array(["a"] * n)), path, compression="zstd")
    return path


def test_parquet_whose_dictionary_writes_out_to_a_huge_table(tmp_path):
    path = _by_dictionary(tmp_path / "votes.parquet", 600_000)
    assert path.stat().st_size < 1_000_000
    _refused(path, "limit ratio")


def test_parquet_whose_pages_unpack_to_a_huge_table(tmp_path):
    path = tmp_path / "votes.parquet"
    table = pa.table({"response_a": ["x" * 20_000] * 7_000})
    with pq.ParquetWriter(path, table.schema, compression="zstd", use_dictionary=False) as writer:
        for _ in range(4):
            writer.write_table(table)
    _refused(path, "limit ratio")


def test_parquet_inside_lists_and_inside_gzip(tmp_path):
    codes = pa.array([0] * 600_000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 1_000]))
    lists = pa.ListArray.from_arrays(pa.array(range(600_001), pa.int32()), texts)
    pq.write_table(pa.table({"x": lists}), tmp_path / "inner.parquet", compression="zstd")
    content = (tmp_path / "inner.parquet").read_bytes()
    _refused(tmp_path / "inner.parquet", "limit ratio")
    _refused(_written(tmp_path / "packed.gz", gzip.compress(content)), "limit ratio")


@pytest.mark.parametrize("opened", [pa.ipc.new_stream, pa.ipc.new_file])
def test_arrow_whose_buffers_unpack_to_a_huge_table(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(arrow, "FLOOR", 1 << 20)
    table = pa.table({**{name: ["same " * 20] * 30_000 for name in ROW}, "label": ["a"] * 30_000})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with opened(tmp_path / "votes.arrow", table.schema, options=options) as writer:
        writer.write_table(table)
    _refused(tmp_path / "votes.arrow", "limit ratio", ratio=10)
    assert len(wb.load(tmp_path / "votes.arrow").labels) == 30_000


def test_arrow_whose_dictionary_writes_out_to_a_huge_table(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "FLOOR", 1 << 20)
    codes = pa.array([0] * 9_000, pa.int8())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 9_000]))
    feather.write_feather(pa.table({"response_a": column}), tmp_path / "votes.feather")
    _refused(tmp_path / "votes.feather", "limit ratio")


def test_repeated_texts_of_an_honest_size_are_read(tmp_path):
    data = wb.load(_by_dictionary(tmp_path / "votes.parquet", 2_000))
    assert len(data.labels) == 2_000


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_rows_and_columns(tmp_path, suffix):
    frame = pd.DataFrame([ROW] * 12).assign(prompt=[f"{n}+2?" for n in range(12)])
    path = tmp_path / f"votes.{suffix}"
    if suffix == "xlsx":
        path = _sheet(path, frame)
    else:
        {"csv": frame.to_csv, "parquet": frame.to_parquet}.get(
            suffix, lambda p, **_: frame.to_json(p, orient="records", lines=True)
        )(path, index=False)
    _refused(path, "limit rows", rows=11)
    _refused(path, "limit columns", columns=3)
    assert len(wb.load(path, limits={"rows": 12, "columns": 4}).labels) == 12


def _cell(column, row, value):
    return f'<c r="{column}{row}" t="inlineStr"><is><t>{value}</t></is></c>'


def _sheet(path, frame, extra=""):
    rows = [list(frame.columns), *frame.astype(str).to_numpy().tolist()]
    body = "".join(
        f'<row r="{n}">{"".join(_cell("ABCD"[i], n, v) for i, v in enumerate(row))}</row>'
        for n, row in enumerate(rows, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="rId1" '
            f'Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets>'
            '<sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="rId1" '
            f'Type="{links}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}"><sheetData>{body}{extra}</sheetData></worksheet>',
        )
    return path


def test_two_cells_in_the_corners_of_a_sheet(tmp_path):
    far = f'<row r="1048576">{_cell("ABC", 1048576, "x")}</row>'
    path = _sheet(tmp_path / "votes.xlsx", pd.DataFrame([ROW]), far)
    _refused(path, "lie too far apart")
    wide = f'<row r="3">{_cell("XFD", 3, "x")}</row>'
    _refused(_sheet(tmp_path / "wide.xlsx", pd.DataFrame([ROW]), wide), "limit columns")


@pytest.mark.usefixtures("low_floor")
def test_a_workbook_and_a_zip_that_unpack_to_huge_ones(tmp_path):
    frame = pd.DataFrame([ROW])
    _refused(_sheet(tmp_path / "votes.xlsx", frame, " " * 3_000_000), "limit ratio")
    with zipfile.ZipFile(tmp_path / "votes.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("votes.jsonl", LINE * 40_000)
    _refused(tmp_path / "votes.zip", "limit ratio")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wide.csv", ",".join(f"c{n}" for n in range(20_000)).encode() + b"\n"),
        ("wide.jsonl", json.dumps({f"c{n}": "1" for n in range(20_000)}).encode() + b"\n" + LINE),
        ("ever-other.jsonl", b"".join(b'{"c%d": "x"}\n' % n for n in range(20_000))),
    ],
)
def test_tables_of_20_000_columns(tmp_path, name, content):
    _refused(_written(tmp_path / name, content), "columns")


def test_a_document_whose_fields_number_its_rows_is_no_wide_table(tmp_path):
    rows = {str(n): {**ROW, "prompt": f"{n}+2?"} for n in range(3_000)}
    path = _written(tmp_path / "votes.json", json.dumps(rows).encode())
    assert len(wb.load(path).labels) == 3_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("votes.jsonl", LINE + LINE.replace(b"2+2?", b"2" * 5_000_000) + LINE),
        ("votes.json", b"[" + LINE.replace(b"2+2?", b"2 \\n" * 1_500_000) + b"]"),
        ("votes.csv", CSV + b"q," + b"4" * 18_000_000 + b",5,a\n"),
        ("votes.jsonl.gz", gzip.compress(LINE + LINE.replace(b"2+2?", b"2" * 5_000_000), 1)),
    ],
)
def test_a_value_that_is_too_large(tmp_path, name, content):
    path = _written(tmp_path / name, content)
    _refused(path, "limit cell", cell="4MiB")
    assert len(wb.load(path).labels) in (1, 2, 3)


def test_a_line_that_is_too_long_though_its_values_are_small(tmp_path):
    line = b'{"prompt": [' + b'"a",' * 300_000 + b'"a"]}\n'
    _refused(_written(tmp_path / "votes.jsonl", line), "limit record", record="1MiB")


@pytest.mark.parametrize("opened", [b"[", b'{"x": '])
def test_json_that_is_nested_too_deep_for_any_parser(tmp_path, opened):
    closed = {b"[": b"]"}.get(opened, b"}")
    deep = b'{"prompt": ' + opened * 60_000 + b"1" + closed * 60_000 + b"}"
    _refused(_written(tmp_path / "all.jsonl", deep + b"\n" + deep + b"\n"), "nested too deep")
    _refused(_written(tmp_path / "all.json", b"[" + deep + b"]"), "nested too deep")
    _refused(_written(tmp_path / "one.json", deep), "nested too deep")
    # among good lines a deep one is counted as no record
    report = wb.load(_written(tmp_path / "some.jsonl", LINES + deep + b"\n")).load_report
    assert (report.n_labels, report.n_left_out) == (50, 1)
    levels = b'{"prompt": ' + opened * 300 + b"1" + closed * 300 + b"}\n"
    _refused(_written(tmp_path / "levels.jsonl", levels * 2), "nested too deep")


def test_brackets_inside_texts_are_no_nesting(tmp_path):
    odd = LINE.replace(b'"4"', b'"' + b"[" * 30_000 + b'"')
    assert len(wb.load(_written(tmp_path / "votes.jsonl", LINES + odd)).labels) == 51


def test_many_short_lists_in_a_line_are_no_nesting():
    look = JsonText("x", lines=True)
    look.add(b'{"x": [' + b"[1, 2], " * 20_000 + b"1]}\n")
    assert not look.deep


@pytest.mark.parametrize("content", [LINES, CSV, gzip.compress(LINES)])
def test_time(tmp_path, content):
    path = _written(tmp_path / "votes", content)
    _refused(path, "limit seconds", seconds=1e-9)


def test_limits_by_flag_by_file_and_not_by_link(tmp_path):
    path = _written(tmp_path / "votes.jsonl", LINES)
    run = CliRunner().invoke(app, ["load", str(path), "--limit", "rows=3"])
    assert run.exit_code == 1
    assert "--limit rows=6" in run.output
    flags = ["--limit", "rows=50", "--limit", "columns=4"]
    assert CliRunner().invoke(app, ["load", str(path), *flags]).exit_code == 0
    explained = CliRunner().invoke(app, ["load", str(path), "--explain", "--limit", "rows=3"])
    assert "limit rows" in explained.output
    config = RunConfig.from_toml('limit = ["rows=3"]')
    assert config.reading()["limits"] == {"rows": "3"}
    with pytest.raises(wb.ConfigError, match="link"):
        RunConfig.from_query("limit=rows=3")


@pytest.mark.parametrize("given", [{"row": 3}, {"rows": 0}, {"rows": "many"}, {"rows": "-3"}])
def test_limits_that_are_none(given):
    with pytest.raises(wb.ConfigError, match=r"limit"), bounded(given):
        pass


def test_limits_hold_inside_others():
    with bounded({"rows": "2K"}), bounded(None):
        assert limits().rows == 2048
    assert limits().rows == 50_000_000
