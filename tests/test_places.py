"""Files by their place: paths and URLs are read and written alike, whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.engine import Local
from workbench.errors import ConfigError, DataError, PartError, UnwrittenError
from workbench.places import exists, is_url, listed, open_place, put

memory = pytest.importorskip("fsspec").filesystem("memory")


@pytest.fixture(params=["path", "file", "memory"])
def folder(request, tmp_path):
    """Return an empty folder: a path, the same as a URL, or one of an object store."""
    if request.param == "memory":
        yield f"memory:///{tmp_path.name}"
        memory.store.clear()
    else:
        yield str(tmp_path) if request.param == "path" else tmp_path.as_uri()


def read(place: str) -> bytes:
    with open_place(place) as file:
        return file.read()


def test_what_is_put_is_there_and_is_read(folder):
    place = f"{folder}/a.txt"
    assert not exists(place)
    put(place, b"one")
    put(place, b"two")
    assert exists(place)
    assert read(place) == b"two"
    assert listed(folder) == [place], "no draft stays"


def test_a_file_is_put_too(folder, tmp_path):
    (tmp_path / "made").write_bytes(b"x" * 10**6)
    put(f"{folder}/b.bin", tmp_path / "made")
    assert read(f"{folder}/b.bin") == b"x" * 10**6


def test_files_are_listed_in_order(folder):
    for name in ("b.csv", "a.csv", "c.txt"):
        put(f"{folder}/{name}", b"")
    assert listed(f"{folder}/*.csv") == [f"{folder}/a.csv", f"{folder}/b.csv"]
    assert listed(folder) == [f"{folder}/{name}" for name in ("a.csv", "b.csv", "c.txt")]
    assert listed(f"{folder}/c.txt") == [f"{folder}/c.txt"]
    assert listed(f"{folder}/d.txt") == []


def test_a_reader_of_parquet_fetches_the_columns_that_it_reads(folder, tmp_path):
    table = pa.table({"a": range(1000), "text": ["long " * 50] * 1000})
    pq.write_table(table, tmp_path / "made.parquet", compression="none")
    put(f"{folder}/t.parquet", tmp_path / "made.parquet")
    with open_place(f"{folder}/t.parquet") as file:
        assert pq.read_table(file, columns=["a"]) == table.select(["a"])


def test_what_is_not_there_is_refused_with_its_place(folder):
    with pytest.raises(DataError, match="no such file") as caught:
        read(f"{folder}/nothing.csv")
    assert caught.value.where == f"{folder}/nothing.csv"


def test_a_broken_connection_is_tried_again(monkeypatch):
    tries = []

    def broken(path, mode):
        tries.append(path)
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(type(memory), "open", lambda self, path, mode: broken(path, mode))
    with pytest.raises(PartError, match="reset by peer"):
        next(Local().map(read, ["memory://x/a.csv"]))
    assert len(tries) == 3


def test_a_missing_file_is_not_tried_again(monkeypatch):
    asked = []
    monkeypatch.setattr(
        type(memory),
        "open",
        lambda self, path, mode: (
            asked.append(path) or (_ for _ in ()).throw(FileNotFoundError(path))
        ),
    )
    with pytest.raises(DataError):
        next(Local().map(read, ["memory://x/a.csv"]))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("s3://bucket/a.csv", ("s3://", "pip install s3fs")),
        ("gs://bucket/a.csv", ("gs://", "pip install gcsfs")),
        ("az://bucket/a.csv", ("az://", "pip install adlfs")),
        ("nowhere://bucket/a.csv", ("not known", "hf://")),
    ],
)
def test_a_kind_that_cannot_be_read_says_what_is_missing(place, words, monkeypatch):
    for name in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError) as caught:
        exists(place)
    assert [word for word in words if word not in str(caught.value)] == []


def test_without_fsspec_paths_are_read_and_urls_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    put(tmp_path / "a.txt", b"one")
    assert read(str(tmp_path / "a.txt")) == b"one"
    with pytest.raises(ConfigError, match=r"preference-workbench\[cluster\]"):
        exists("memory://a")


def test_no_password_is_told():
    with pytest.raises(ConfigError) as caught:
        exists("nowhere://me:secret@host/a.csv")
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="drive letters")
def test_which_places_are_urls():
    assert [is_url(one) for one in ("a/b", "C:/a", "hub:owner/name", "hf://datasets/a/b")] == [
        False, False, False, True,
    ]  # fmt: skip
    assert not is_url(Path("s3:/bucket"))


def test_a_folder_that_is_gone_is_told(tmp_path):
    with pytest.raises(UnwrittenError):
        put(tmp_path / "no" / "a.txt", b"")
