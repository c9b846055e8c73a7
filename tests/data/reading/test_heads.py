"""The first records of a file are read as the file is, and take no more than they are."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.data.reading.heads import head_of

ROWS = [
    {"prompt": f"q {k}, it is", "response_a": f'says "{k}"\nand more', "response_b": f"no, {k}",
     "winner": ("model_a", "model_b", "tie")[k % 3]}
    for k in range(60)
]  # fmt: skip


def _write(path: Path) -> Path:
    frame, kind = pd.DataFrame(ROWS), path.name.partition(".")[2]
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind.startswith(("csv", "tsv")):
        text = frame.to_csv(index=False, sep="\t" if kind == "tsv" else ",")
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    elif kind == "json":
        path.write_text(json.dumps(ROWS, indent=1), encoding="utf-8")
    else:
        text = "\n".join(map(json.dumps, ROWS))
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    return path


@pytest.mark.parametrize(
    "name", ["v.csv", "v.tsv", "v.csv.gz", "v.json", "v.jsonl", "v.jsonl.gz", "v.parquet"]
)
def test_the_head_of_a_file_holds_its_first_rows_whole(name, tmp_path):
    path = _write(tmp_path / name)
    (tmp_path / "head").mkdir()
    head = head_of(path, tmp_path / "head", 20)
    assert head.name == name
    few, every = wb.load(head), wb.load(path)
    # a cell of two lines may lie at the cut of a table
    n = len(few)
    assert (n == 20) if "csv" not in name and "tsv" not in name else (9 <= n <= 20)
    assert few.load_report.n_left_out == 0
    assert few.pairs["pair_id"].isin(every.pairs["pair_id"]).all()
    assert few.pairs["response_a"].str.contains("\nand more").all()


def test_what_has_no_head_says_so(tmp_path):
    (tmp_path / "head").mkdir()
    with zipfile.ZipFile(tmp_path / "v.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    (tmp_path / "document.json").write_text(json.dumps({"a": ROWS}, indent=1), encoding="utf-8")
    (tmp_path / "line.json").write_text(json.dumps({"a": ROWS}), encoding="utf-8")
    (tmp_path / "utf16.csv").write_text("prompt,label\nq,a\n", encoding="utf-16")
    (tmp_path / "open.csv").write_text('prompt,label\nq,"a\nb\nc\n', encoding="utf-8")
    (tmp_path / "broken.json").write_text('[{"a": ', encoding="utf-8")
    for path in sorted(tmp_path.glob("*.*")):
        assert head_of(path, tmp_path / "head", 5) is None, path.name
