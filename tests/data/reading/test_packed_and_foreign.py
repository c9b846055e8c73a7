"""Compressed files and zips are read within bounds; other programs' files are named."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.orc as orc
import pytest

import workbench as wb

FRAME = pd.DataFrame(
    {
        "prompt": [f"q{n}" for n in range(4)],
        "response_a": [f"yes {n}" for n in range(4)],
        "response_b": [f"no {n}" for n in range(4)],
        "label": ["a", "b", "tie", "a"],
    }
)
CSV = FRAME.to_csv(index=False).encode()
LINES = FRAME.to_json(orient="records", lines=True).encode()


def _parquet() -> bytes:
    sink = io.BytesIO()
    FRAME.to_parquet(sink)
    return sink.getvalue()


def _zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _preferences(data):
    by_prompt = data.labels.merge(data.pairs[["pair_id", "prompt"]], on="pair_id")
    return by_prompt.sort_values("prompt")["preference"].tolist()


PACKERS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("content", [CSV, LINES, FRAME.to_json().encode(), _parquet()])
def test_packed_files_are_read(tmp_path, suffix, content):
    path = tmp_path / f"votes.{suffix}"
    path.write_bytes(PACKERS[suffix](content))
    assert _preferences(wb.load(path)) == [1.0, 0.0, 0.5, 1.0]


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("content", [CSV * 999, LINES * 999])
def test_packed_files_that_are_cut_off(tmp_path, suffix, content):
    path = tmp_path / f"votes.{suffix}"
    packed = PACKERS[suffix](content)
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(wb.DataError, match="damaged or cut off"):
        wb.load(path)


@pytest.mark.parametrize("name", ["votes.csv", "deep/er/votes.jsonl", "votes.csv.gz", "v.parquet"])
def test_a_zip_of_one_file(tmp_path, name):
    content = {"csv": CSV, "jsonl": LINES, "gz": gzip.compress(CSV), "parquet": _parquet()}
    path = _zip(tmp_path / "votes.zip", {name: content[name.rsplit(".")[-1]], "README.md": b"hi"})
    data = wb.load(path)
    assert _preferences(data) == [1.0, 0.0, 0.5, 1.0]
    assert data.load_report.source == f"votes.zip/{name}"
    assert wb.preview(path).format == "tabular"


def test_a_zip_of_several_files_is_one_set(tmp_path):
    lines = LINES.splitlines(keepends=True)
    members = {"a/part.jsonl": b"".join(lines[:3]), "b/part.jsonl": lines[3] + b"broken\n",
               "__MACOSX/a/._part.jsonl": b"\0", ".DS_Store": b"\0", "notes.txt": b"x"}  # fmt: skip
    data = wb.load(_zip(tmp_path / "votes.zip", members))
    assert _preferences(data) == [1.0, 0.0, 0.5, 1.0]
    example = data.load_report.left_out["unparseable"].examples[0]
    assert (example["row"], example["file"]) == (2, "votes.zip/b/part.jsonl")


def test_a_zip_writes_nowhere_else(tmp_path):
    path = _zip(tmp_path / "votes.zip", {"../../escaped.csv": CSV})
    assert len(wb.load(path).labels) == 4
    assert not list(tmp_path.parent.glob("escaped.csv"))


def test_a_zip_that_unpacks_to_too_much(tmp_path):
    path = _zip(tmp_path / "votes.zip", {"a.csv": CSV, "b.csv": CSV})
    with pytest.raises(wb.DataError, match="unpacks to more"):
        wb.load(path, limits={"unpacked": len(CSV) + 1})


@pytest.mark.parametrize(
    ("members", "what"),
    [({"picture.png": b"x"}, "no data file"), ({"word/document.xml": b"x"}, "a document"),
     ({"x.npy": b"x"}, "NumPy arrays"), ({"m/data.pkl": b"x"}, "model's weights")],
)  # fmt: skip
def test_zips_that_hold_something_else(tmp_path, members, what):
    with pytest.raises(wb.DataError, match=what):
        wb.load(_zip(tmp_path / "votes.zip", members))


def test_a_zip_inside_a_zip_is_named(tmp_path):
    inner = _zip(tmp_path / "inner.zip", {"a.csv": CSV})
    path = _zip(tmp_path / "votes.zip", {"inner.csv": inner.read_bytes()})
    with pytest.raises(wb.DataError, match="zip inside a zip"):
        wb.load(path)


def test_a_damaged_zip(tmp_path):
    path = _zip(tmp_path / "votes.zip", {"a.csv": CSV})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(wb.DataError, match="damaged"):
        wb.load(path)


def _sqlite(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table votes (label)")
    connection.close()


def _orc(path):
    orc.write_table(pa.Table.from_pandas(FRAME), path)


FOREIGN = {
    "votes.sav": (b"$FL2@(#) SPSS DATA FILE\0\0", "SPSS"),
    "votes.dta": (b"<stata_dta><header>", "Stata"),
    "old.dta": (b"\x72\x02\x01\x00" + b"\0" * 30, "Stata"),
    "votes.sas7bdat": (b"\0" * 12 + b"\xc2\xea\x81\x60\xb3\x14", "SAS"),
    "votes.xpt": (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!", "SAS"),
    "votes.db": (_sqlite, "SQLite"),
    "votes.orc": (_orc, "ORC"),
    "votes.avro": (b"Obj\x01\x04\x14avro.codec", "Avro"),
    "votes.RData": (gzip.compress(b"RDX3\nX\n\0\0"), "R data"),
    "votes.rds": (lzma.compress(b"X\n\0\0\0\x03"), "R data"),
    "votes.h5": (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
    "votes.pdf": (b"%PDF-1.7\n\xe2\xe3", "PDF"),
    "votes.png": (b"\x89PNG\r\n\x1a\n\0", "image"),
    "votes.webp": (b"RIFF\0\0\0\0WEBPVP8 ", "image"),
    "votes.tar": (b"votes.csv" + b"\0" * 248 + b"ustar", "tar archive"),
    "votes.7z": (b"7z\xbc\xaf\x27\x1c", "archive"),
    "votes.duckdb": (b"\0" * 8 + b"DUCK", "DuckDB"),
    "votes.parquet": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "votes.csv": (b"\n<!DOCTYPE html>\n<html><title>Sign in, please</title>", "web page"),
    "votes.xml": (b'<?xml version="1.0"?><votes/>', "XML"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_read_is_named_with_the_way_out(tmp_path, name):
    content, what = FOREIGN[name]
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    with pytest.raises(wb.DataError, match=what) as caught:
        wb.load(path)
    assert caught.value.where == name
    assert len(caught.value.fix) > 20
    assert "binary" not in caught.value.what


def test_arrays_and_other_bytes(tmp_path):
    np.save(tmp_path / "votes.npy", np.arange(3))
    with pytest.raises(wb.DataError, match="NumPy"):
        wb.load(tmp_path / "votes.npy")
    (tmp_path / "votes.bin").write_bytes(bytes(range(256)))
    with pytest.raises(wb.DataError, match="binary file"):
        wb.load(tmp_path / "votes.bin")


def test_a_table_whose_first_name_starts_like_another_file(tmp_path):
    for name in ("ORCID", "Obj", "II*", "RDX"):
        path = tmp_path / f"{name[:2]}.csv"
        path.write_text(f"{name},prompt,text_a,text_b,label\n1,q,x,y,a\n")
        assert len(wb.load(path).labels) == 1


def test_a_json_member_of_a_zip_keeps_its_shape(tmp_path):
    document = {"columns": list(FRAME), "data": FRAME.to_numpy().tolist()}
    path = _zip(tmp_path / "run.zip", {"votes.table.json": json.dumps(document)})
    assert _preferences(wb.load(path)) == [1.0, 0.0, 0.5, 1.0]
