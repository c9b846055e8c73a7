"""Files made to fill a memory: what refusing each costs in a process of its own.

Wanted: refused in under 2 seconds and 300 MB.
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


def deep_line(path: Path) -> None:
    """Write a JSON line of 4 million lists inside each other."""
    path.write_bytes((b'{"prompt": ' + b"[" * 4_000_000 + b"]" * 4_000_000 + b"}\n") * 2)


def deep_objects(path: Path) -> None:
    """Write a JSON document of 100,000 objects inside each other."""
    path.write_bytes(b"[" + b'{"prompt":' * 100_000 + b"1" + b"}" * 100_000 + b"]")


BOMBS: dict[str, Callable[[Path], None]] = {
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


def worker(path: str) -> None:
    """Load once and print what came of it; runs in a process of its own."""
    import workbench as wb

    started = time.perf_counter()
    try:
        wb.load(path)
        said = "LOADED"
    except wb.DataError as error:
        said = f"{error.what} Found: {error.found}"
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"said": said, "seconds": seconds, "peak": peak}))


def measure(name: str) -> bool:
    """Make a file, load it, print what came of it; tell whether it was refused in bounds."""
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        # a process counts the memory of the one that it was split off from: each has its own
        python = [sys.executable, "-m", "bench.bounds"]
        subprocess.run([*python, "--make", str(path)], check=True, cwd=root)
        size = path.stat().st_size / 1e6
        command = [*python, "--worker", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode:
        print(f"{name:20} {size:8.1f} MB  ended with {done.returncode}")
        return False
    found = json.loads(done.stdout)
    seconds, peak, said = found["seconds"], found["peak"], found["said"]
    print(f"{name:20} {size:8.1f} MB  {seconds:5.2f} s  peak {peak:4.0f} MB  {said}")
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
        BOMBS[options.make.name](options.make)
    else:
        return int(not min(list(map(measure, options.names or BOMBS))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
