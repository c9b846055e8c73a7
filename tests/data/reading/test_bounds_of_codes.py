"""Texts that a file stores once and codes name many times: refused before any is written out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.data.reading.bounds import arrow, parquet
from workbench.data.reading.bounds.pages import pages
from workbench.data.reading.bounds.parquet import check_parquet
from workbench.data.reading.bounds.written_out import written_out
from workbench.data.reading.stored_types import decoded

MIB = 1 << 20
LOAD = """
import json, re, sys, time
from pathlib import Path
import workbench as wb
wb.load
start = time.process_time()
try:
    wb.load(sys.argv[1])
    said = "loaded"
except wb.DataError as error:
    said = str(error)
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([said, time.process_time() - start, peak * 1024 / 1e6]))
"""


def _coded(size, rows):
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * size]))


def _ends(rows):
    return pa.array(range(rows + 1), pa.int32())


SHAPES = {
    "top": lambda column: column,
    "list": lambda column: pa.ListArray.from_arrays(_ends(len(column)), column),
    "object": lambda column: pa.StructArray.from_arrays([column], ["content"]),
    "chat": lambda column: pa.ListArray.from_arrays(
        _ends(len(column)),
        pa.StructArray.from_arrays([column, pa.array(["user"] * len(column))], ["content", "role"]),
    ),
}
ARROW_SHAPES = SHAPES | {
    "map": lambda column: pa.MapArray.from_arrays(
        _ends(len(column)), pa.array(["k"] * len(column)), column
    ),
    "fixed": lambda column: pa.FixedSizeListArray.from_arrays(column, 1),
    "runs": lambda column: pa.RunEndEncodedArray.from_arrays(
        pa.array([len(column)], pa.int32()), column.dictionary
    ),
    "views": lambda column: pa.ListViewArray.from_arrays(
        pa.array([0] * len(column), pa.int32()),
        pa.array([1] * len(column), pa.int32()),
        column.dictionary,
    ),
}


def _table(column):
    n = len(column)
    prompts = pa.array([f"q{i}" for i in range(n)])
    return pa.table(
        {"prompt": prompts, "response_a": column, "response_b": ["z"] * n, "label": ["a"] * n}
    )


def _refused(path):
    with pytest.raises(wb.DataError) as caught:
        wb.load(path)
    assert "--limit ratio=" in caught.value.fix
    return int(caught.value.found.split(" ")[0].replace(",", ""))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak there")
@pytest.mark.parametrize(("size", "rows"), [(MIB, 4_000), (24 * MIB, 150), (MIB, 1_500)])
def test_a_parquet_of_a_kilobyte_is_refused_fast_and_in_little_memory(tmp_path, size, rows):
    path = tmp_path / "votes.parquet"
    pq.write_table(_table(_coded(size, rows)), path, compression="zstd")
    assert path.stat().st_size < 12_000
    # a fresh interpreter; getrusage would count the memory of the one that it was split off from
    command = [sys.executable, "-c", LOAD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said, seconds, peak = json.loads(done.stdout)
    assert "--limit ratio=" in said
    assert seconds < 2
    assert peak < 300


@pytest.mark.parametrize("shape", SHAPES)
def test_parquet_with_a_dictionary_inside(tmp_path, shape):
    path = tmp_path / "votes.parquet"
    pq.write_table(_table(SHAPES[shape](_coded(MIB, 4_000))), path, compression="zstd")
    assert _refused(path) == pytest.approx(4_000 * MIB, rel=1e-3)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.binary(), pa.string_view(), pa.json_()], ids=str
)
def test_parquet_of_every_kind_of_text(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(parquet, "FLOOR", 16 * MIB)
    texts = pa.array(['"' + "x" * 100_000 + '"'] * 200, getattr(kind, "storage_type", kind))
    column = texts.cast(kind) if isinstance(kind, pa.BaseExtensionType) else texts
    pq.write_table(_table(column), tmp_path / "votes.parquet", compression="zstd")
    assert _refused(tmp_path / "votes.parquet") == pytest.approx(20_000_400, rel=1e-3)


@pytest.mark.parametrize("shape", ARROW_SHAPES)
def test_arrow_with_a_dictionary_runs_or_views_inside(tmp_path, shape):
    path = tmp_path / "votes.arrow"
    table = _table(ARROW_SHAPES[shape](_coded(MIB, 1_000)))
    with pa.ipc.new_file(
        path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as writer:
        writer.write_table(table)
    assert _refused(path) == pytest.approx(1_000 * MIB, rel=1e-3)


def test_a_saved_data_set_with_a_dictionary(tmp_path):
    table = _table(_coded(MIB, 1_000))
    with pa.ipc.new_stream(tmp_path / "data.arrow", table.schema) as writer:
        writer.write_table(table)
    state = {"_data_files": [{"filename": "data.arrow"}]}
    (tmp_path / "state.json").write_text(json.dumps(state))
    (tmp_path / "dataset_info.json").write_text('{"features": {}}')
    _refused(tmp_path)


def test_a_packed_dictionary_of_an_arrow_file_counts_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "FLOOR", 16 * MIB)
    words = pa.array([f"{n}" + "x" * MIB for n in range(20)])
    column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), words)
    table = _table(column)
    with pa.ipc.new_file(
        tmp_path / "votes.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as writer:
        writer.write_table(table)
    assert _refused(tmp_path / "votes.arrow") == pytest.approx(20 * MIB, rel=1e-3)


def test_texts_that_repeat_the_beginning_of_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "FLOOR", 16 * MIB)
    table = _table(pa.array(["x" * MIB] * 40))
    pq.write_table(
        table,
        tmp_path / "votes.parquet",
        compression="zstd",
        use_dictionary=False,
        column_encoding={"response_a": "DELTA_BYTE_ARRAY"},
    )
    _refused(tmp_path / "votes.parquet")


def test_numbers_and_values_of_one_width_that_few_codes_tell(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "FLOOR", 16 * MIB)
    zeros = pa.array([0.0] * 100_000)
    pq.write_table(pa.table({f"x{i}": zeros for i in range(70)}), tmp_path / "many.parquet")
    assert _refused(tmp_path / "many.parquet") == 56_000_000
    wide = pa.array([b"x" * MIB] * 20, pa.binary(MIB))
    pq.write_table(pa.table({"x": wide}), tmp_path / "wide.parquet", compression="zstd")
    assert _refused(tmp_path / "wide.parquet") == pytest.approx(20 * MIB, rel=1e-3)


def test_a_single_value_of_parquet_that_is_too_large(tmp_path):
    pq.write_table(pa.table({"x": ["x" * (40 * MIB)]}), tmp_path / "x.parquet", compression="zstd")
    with pytest.raises(wb.DataError, match="column x") as caught:
        check_parquet(tmp_path / "x.parquet", "x.parquet", 1 << 30)
    assert "--limit cell=" in caught.value.fix


@pytest.mark.parametrize("shape", ["top", "chat"])
def test_a_long_prompt_that_every_row_repeats_is_read(tmp_path, shape):
    column = _coded(20_000, 4_000)
    table = _table(pa.array(["a"] * 4_000)).set_column(0, "prompt", SHAPES[shape](column))
    pq.write_table(table, tmp_path / "votes.parquet", compression="zstd")
    data = wb.load(tmp_path / "votes.parquet")
    assert len(data.labels) == 4_000
    assert data.pairs["prompt"].str.len().iloc[0] >= 20_000


def test_codes_are_counted_only_where_the_longest_text_would_be_too_much(tmp_path):
    # one long text among short ones: 2 GB if every code stood for it, 20 MB as they stand
    codes = pa.array([0] + [1] * 19_999, pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 100_000, "y" * 1_000]))
    pq.write_table(_table(column), tmp_path / "votes.parquet", compression="zstd")
    size = (tmp_path / "votes.parquet").stat().st_size
    assert size * 200 < 20_000 * 100_000
    assert len(wb.load(tmp_path / "votes.parquet").labels) == 20_000


def test_texts_after_the_end_of_a_dictionary_are_counted_once(tmp_path):
    # the dictionary of one column is full after a megabyte: later texts stand as they are
    texts = pa.array([f"{n:07}" * 1_000 for n in range(2_000)])
    pq.write_table(pa.table({"x": texts}), tmp_path / "x.parquet", compression="none")
    path = tmp_path / "x.parquet"
    check_parquet(path, path.name, path.stat().st_size)


def test_pages_add_up_to_what_the_footer_says(tmp_path):
    for version in ("1.0", "2.0"):
        table = pa.table({"x": [f"{n % 700:05}" * 400 for n in range(3_000)], "y": range(3_000)})
        pq.write_table(
            table, tmp_path / "x.parquet", data_page_version=version, write_statistics=False
        )
        content = memoryview((tmp_path / "x.parquet").read_bytes())
        chunk = pq.ParquetFile(tmp_path / "x.parquet").metadata.row_group(0).column(0)
        start = chunk.dictionary_page_offset
        found = list(pages(content, start, start + chunk.total_compressed_size, 3_000))
        assert sum(page.values for page in found if page.kind != 2) == 3_000
        # headers lie in the column too, some tens of bytes each
        inside = chunk.total_uncompressed_size - sum(page.size for page in found)
        assert 0 < inside < 100 * len(found)


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x15\x04\x00", b"\x5c" * 60])
def test_headers_that_are_none(content):
    with pytest.raises(pa.ArrowInvalid, match="header"):
        list(pages(memoryview(content + b"\x00"), 0, 50, 1))


def test_what_values_take_when_each_has_its_own_memory():
    column = _coded(100, 7)
    assert {name: written_out(shape(column)) for name, shape in ARROW_SHAPES.items()} == {
        **dict.fromkeys(ARROW_SHAPES, 700),
        # beside "user" or the key
        "chat": 7 * 104,
        "map": 7 * 101,
    }
    assert written_out(column.slice(2, 3)) == 300
    assert written_out(SHAPES["list"](column).slice(2, 3)) == 300
    views = pa.array(["x" * 100, None, "y"], pa.string_view())
    assert written_out(views) == 101
    odd = pa.DictionaryArray.from_arrays(pa.array([3], pa.int8()), pa.array(["x"]), safe=False)
    with pytest.raises(pa.ArrowInvalid, match="no value"):
        written_out(odd)


def test_texts_of_more_than_2_gib_may_come_out_of_a_dictionary():
    # text with places of 32 bits ends at 2 GiB
    table, _ = decoded(pa.table({"x": _coded(3, 2)}))
    assert table.column("x").type == pa.large_string()
    assert table.column("x").to_pylist() == ["xxx", "xxx"]


def test_by_the_command(tmp_path):
    path = tmp_path / "votes.parquet"
    pq.write_table(_table(_coded(MIB, 1_500)), path, compression="zstd")
    run = CliRunner().invoke(app, ["load", str(path)])
    assert run.exit_code == 1
    assert "--limit ratio=400" in run.output
