"""Files made to fill a memory: what refusing each costs in a process of its own.

Wanted: refused in under 2 seconds and 300 MB; and a few honest files beside them, which load.
Seconds are of the processor, which other work on the machine does not stretch.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/'
    b'2006/main"><sheetData>'
)
ROW = b'{"prompt": "2+2?", "response_a": "' + b"4" * 1000 + b'", "response_b": "5", "label": "a"}\n'


def lines_gz(path: Path) -> None:
    """Write 3 GB of JSON lines that are all the same, in 2.9 MB."""
    with gzip.open(path, "wb", 6) as file:
        for _ in range(3_000):
            file.write(ROW * 930)


def one_line_gz(path: Path) -> None:
    """Write one JSON line of 3 GB, in 2.9 MB."""
    with gzip.open(path, "wb", 6) as file:
        file.write(b'{"prompt": "')
        for _ in range(3_000):
            file.write(b"a" * 1_000_000)
        file.write(b'"}\n')


def parquet_by_dictionary(path: Path) -> None:
    """Write 4 GB of text: two values of 1,000 characters, 4 million times."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = pa.array(["x" * 1000, "y" * 1000])
    codes = pa.concat_arrays([pa.array([0, 1], pa.int32())] * 100_000)
    column = pa.DictionaryArray.from_arrays(codes, values)
    schema = pa.schema([("response_a", column.type), ("response_b", column.type)])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(pa.table([column, column], schema))


def parquet_by_pages(path: Path) -> None:
    """Write 4 GB of text in pages that a compressor folds up."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"response_a": ["x" * 1000] * 100_000})
    with pq.ParquetWriter(path, table.schema, compression="zstd", use_dictionary=False) as writer:
        for _ in range(40):
            writer.write_table(table)


def votes(column: Any) -> Any:
    """Return pairs whose first response is a column's."""
    import pyarrow as pa

    n = len(column)
    rest = {"response_b": ["z"] * n, "label": ["a"] * n}
    return pa.table({"prompt": [f"q{i}" for i in range(n)], "response_a": column, **rest})


def repeated(size: int, rows: int, inside: str = "") -> Any:
    """Return one text as often as there are rows, by codes; inside a list or an object."""
    import pyarrow as pa

    codes = pa.array([0] * rows, pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * size]))
    if inside == "list":
        return pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), column)
    return pa.StructArray.from_arrays([column], ["content"]) if inside else column


def to_parquet(column: Callable[[], Any], **options: Any) -> Callable[[Path], None]:
    """Return what writes votes as Parquet."""

    def write(path: Path) -> None:
        import pyarrow.parquet as pq

        pq.write_table(votes(column()), path, compression="zstd", **options)

    return write


def to_arrow(column: Callable[[], Any]) -> Callable[[Path], None]:
    """Return what writes votes as an Arrow file."""

    def write(path: Path) -> None:
        import pyarrow as pa

        table = votes(column())
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_file(path, table.schema, options=options) as writer:
            writer.write_table(table)

    return write


def saved(path: Path) -> None:
    """Write a folder as `datasets` saves one: 4 GB by codes."""
    import pyarrow as pa

    path.mkdir()
    table = votes(repeated(1 << 20, 4_000))
    with pa.ipc.new_stream(path / "data.arrow", table.schema) as writer:
        writer.write_table(table)
    (path / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (path / "dataset_info.json").write_text('{"features": {}}')


def plain_texts() -> Any:
    """Return 1.5 GB of the same text, which a writer's own dictionary takes in part."""
    import pyarrow as pa

    return pa.array(["x" * (1 << 20)] * 1_500)


def one_text() -> Any:
    """Return a single text of 400 MB."""
    import pyarrow as pa

    return pa.array(["x" * (400 << 20)])


def parquet_of_zeros(path: Path) -> None:
    """Write 100 columns of a million zeros."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    zeros = pa.array([0.0] * 1_000_000)
    pq.write_table(pa.table({f"x{i}": zeros for i in range(100)}), path, compression="zstd")


def arrow_by_buffers(path: Path) -> None:
    """Write 4 GB of text in packed buffers of an Arrow file."""
    import pyarrow as pa

    table = pa.table({"response_a": ["x" * 1000] * 100_000})
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 19))
    with pa.ipc.new_file(path, table.schema, options=options) as writer:
        for _ in range(40):
            writer.write_table(table)


def wide_csv(path: Path) -> None:
    """Write a table of 20,000 columns."""
    names = ",".join(f"column{i}" for i in range(20_000))
    row = ",".join("1" * 20_000)
    path.write_text("\n".join([names, *[row] * 100]))


def wide_json(path: Path) -> None:
    """Write JSON lines whose records have 20,000 fields."""
    row = json.dumps({f"column{i}": "1" for i in range(20_000)})
    path.write_text("\n".join([row] * 20))


def wide_parquet(path: Path) -> None:
    """Write a Parquet file of 20,000 columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({f"column{i}": [1] for i in range(20_000)}), path)


def zip_bomb(path: Path) -> None:
    """Write 3 GB of a CSV in a zip."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("votes.csv", "w", force_zip64=True) as file,
    ):
        file.write(b"prompt,response_a,response_b,label\n")
        for _ in range(3_000):
            file.write(b"q,x,y,a\n" * 125_000)


def sheet(path: Path, rows: Callable[[], list[bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        names = b'<sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets>'
        main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        links = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = b"http://schemas.openxmlformats.org/package/2006/relationships"
        archive.writestr(
            "xl/workbook.xml",
            b'<workbook xmlns="' + main + b'" xmlns:r="' + links + b'">' + names + b"</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            b'<Relationships xmlns="' + package + b'"><Relationship Id="rId1" Type="' + links
            + b'/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )  # fmt: skip
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as file:
            file.write(SHEET)
            for block in rows():
                file.write(block)
            file.write(b"</sheetData></worksheet>")


def xlsx_bomb(path: Path) -> None:
    """Write a sheet of 2 GB of blanks."""
    sheet(path, lambda: [b" " * 1_000_000] * 2_000)


def xlsx_far(path: Path) -> None:
    """Write two cells in the opposite corners of a sheet."""
    cell = b'<row r="%d"><c r="%s%d"><v>1</v></c></row>'
    sheet(path, lambda: [cell % (1, b"A", 1), cell % (1_048_576, b"BXX", 1_048_576)])


def long_line(path: Path) -> None:
    """Write a JSON line of 1 GB."""
    with path.open("wb") as file:
        file.write(b'{"prompt": "')
        for _ in range(1_000):
            file.write(b"a" * 1_000_000)
        file.write(b'"}\n')


def long_list(path: Path) -> None:
    """Write a JSON line of 1 GB whose values are all small."""
    with path.open("wb") as file:
        file.write(b'{"prompt": [')
        for _ in range(1_000):
            file.write(b'"aaaaaaa",' * 100_000)
        file.write(b'"a"]}\n')


def long_cell(path: Path) -> None:
    """Write a CSV with a cell of 1 GB."""
    with path.open("wb") as file:
        file.write(b"prompt,response_a,response_b,label\nq,")
        for _ in range(1_000):
            file.write(b"a" * 1_000_000)
        file.write(b",b,a\n")


def many_fields(path: Path) -> None:
    """Write 20,000 JSON lines, each with a field of its own."""
    path.write_text("".join(f'{{"field{i}": "x"}}\n' for i in range(20_000)))


def json_lines(*records: dict[str, Any]) -> Callable[[Path], None]:
    """Return what writes records as JSON lines, or those of a `.json` file as a list."""

    def write(path: Path) -> None:
        lines = "\n".join(map(json.dumps, records)) + "\n"
        path.write_text(json.dumps(records) if path.suffix == ".json" else lines)

    return write


def deep_line(path: Path) -> None:
    """Write a JSON line of 4 million lists inside each other."""
    path.write_bytes((b'{"prompt": ' + b"[" * 4_000_000 + b"]" * 4_000_000 + b"}\n") * 2)


def deep_objects(path: Path) -> None:
    """Write a JSON document of 100,000 objects inside each other."""
    path.write_bytes(b"[" + b'{"prompt":' * 100_000 + b"1" + b"}" * 100_000 + b"]")


VOTE = {"prompt": "2+2?", "response_a": "4", "response_b": "5", "label": "a"}
FIELDS = {f"c{i}": "v" for i in range(20_000)}
OTHERS = [{**VOTE, "meta": {f"c{i}": "v"}} for i in range(20_000)]

BOMBS: dict[str, Callable[[Path], None]] = {
    "1MiBx4000.parquet": to_parquet(lambda: repeated(1 << 20, 4_000)),
    "24MiBx150.parquet": to_parquet(lambda: repeated(24 << 20, 150)),
    "1MiBx1500.parquet": to_parquet(lambda: repeated(1 << 20, 1_500)),
    "in-list.parquet": to_parquet(lambda: repeated(1 << 20, 4_000, "list")),
    "in-object.parquet": to_parquet(lambda: repeated(1 << 20, 4_000, "object")),
    "plain.parquet": to_parquet(plain_texts),
    "delta.parquet": to_parquet(
        plain_texts, use_dictionary=["prompt"], column_encoding={"response_a": "DELTA_BYTE_ARRAY"}
    ),
    "cell.parquet": to_parquet(one_text),
    "zeros.parquet": parquet_of_zeros,
    "codes.arrow": to_arrow(lambda: repeated(1 << 20, 4_000)),
    "in-list.arrow": to_arrow(lambda: repeated(1 << 20, 4_000, "list")),
    "saved-folder": saved,
    "one.jsonl": json_lines({**VOTE, **FIELDS}),
    "nested.jsonl": json_lines({**VOTE, "meta": FIELDS}),
    "one.json": json_lines({**VOTE, **FIELDS}),
    "nested.json": json_lines({**VOTE, "meta": FIELDS}),
    "others.jsonl": json_lines(*OTHERS),
    "others.json": json_lines(*OTHERS),
    "lines.jsonl.gz": lines_gz,
    "line.jsonl.gz": one_line_gz,
    "dictionary.parquet": parquet_by_dictionary,
    "pages.parquet": parquet_by_pages,
    "buffers.arrow": arrow_by_buffers,
    "wide.csv": wide_csv,
    "wide.jsonl": wide_json,
    "wide.parquet": wide_parquet,
    "bomb.zip": zip_bomb,
    "bomb.xlsx": xlsx_bomb,
    "far.xlsx": xlsx_far,
    "line.jsonl": long_line,
    "list.jsonl": long_list,
    "cell.csv": long_cell,
    "fields.jsonl": many_fields,
    "deep.jsonl": deep_line,
    "deep.json": deep_objects,
}

HONEST: dict[str, Callable[[Path], None]] = {
    "prompt.parquet": to_parquet(lambda: repeated(20_000, 4_000)),
    "prompt.arrow": to_arrow(lambda: repeated(20_000, 4_000)),
    "1900.jsonl": json_lines({**VOTE, **dict(list(FIELDS.items())[:1_900])}),
}
"""Files that must load: a prompt of 20 kB in 4,000 rows, and nearly as many fields as may be."""


def worker(path: str) -> None:
    """Load once and print what came of it; runs in a process of its own."""
    import workbench as wb

    started = time.process_time()
    try:
        wb.load(path)
        said = "LOADED"
    except wb.DataError as error:
        said = f"{error.what} Found: {error.found}"
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"said": said, "seconds": seconds, "peak": peak}))


def measure(name: str) -> bool:
    """Make a file, load it, print what came of it; tell whether it is as it should be."""
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        # a process counts the memory of the one that it was split off from: each has its own
        python = [sys.executable, "-m", "bench.bounds"]
        subprocess.run([*python, "--make", str(path)], check=True, cwd=root)
        files = path.rglob("*") if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in files) / 1e6
        command = [*python, "--worker", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode:
        print(f"{name:20} {size:8.3f} MB  ended with {done.returncode}")
        return False
    found = json.loads(done.stdout)
    seconds, peak, said = found["seconds"], found["peak"], found["said"]
    print(f"{name:20} {size:8.3f} MB  {seconds:5.2f} s  peak {peak:4.0f} MB  {said}")
    if name in HONEST:
        return bool(said == "LOADED")
    return bool(seconds <= 2 and peak <= 300 and said != "LOADED")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", metavar="FILE")
    parser.add_argument("--make", metavar="FILE", type=Path)
    parser.add_argument("names", nargs="*", help="Only these files.")
    options = parser.parse_args()
    if options.worker:
        worker(options.worker)
    elif options.make:
        {**BOMBS, **HONEST}[options.make.name](options.make)
    else:
        return int(not min(list(map(measure, options.names or [*BOMBS, *HONEST]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
