"""Outputs are there whole or not at all, and a killed process leaves no draft for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb
from workbench.errors import UnwrittenError
from workbench.whole_file import write_text, written

ROOT = Path(__file__).parents[1]

KILLED_WRITING = """
import os, signal, sys
from pathlib import Path
from workbench.whole_file import written
with written(Path(sys.argv[1])) as draft:
    draft.write_text("half of")
    os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED_SAVING = """
import os, signal, sys
import workbench as wb
from workbench.data.saved import mapped
data = wb.load(sys.argv[1])
write = mapped.write
def killed(table, folder, name, *more):
    write(table, folder, name, *more)
    if name == "labels":
        os.kill(os.getpid(), signal.SIGKILL)
mapped.write = killed
wb.save(data, sys.argv[1])
"""


def killed(code: str, path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=environment)
    assert done.returncode == -9


def test_a_killed_writer_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "all of it")
    killed(KILLED_WRITING, path)
    assert path.read_text() == "all of it"
    assert len(list(tmp_path.iterdir())) == 2
    write_text(path, "other")
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "other"


def test_a_killed_save_leaves_the_data_as_they_were(tmp_path):
    data, folder = wb.load("sample"), tmp_path / "data"
    few = data.filter(pair_ids=data.pairs["pair_id"].iloc[:20])
    wb.save(few, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    killed(KILLED_SAVING, folder)
    assert wb.load(folder).digest == few.digest
    assert len(list(tmp_path.iterdir())) == 2
    wb.save(few, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_draft_of_a_process_that_lives_is_left_alone(tmp_path):
    other = tmp_path / f".a.txt.{os.getppid()}"
    other.write_text("under way")
    write_text(tmp_path / "a.txt", "mine")
    assert other.exists()


def test_a_folder_that_is_gone_is_told_with_its_path(tmp_path):
    path = tmp_path / "gone" / "a.txt"
    with pytest.raises(UnwrittenError, match="No such file or directory") as told:
        write_text(path, "x")
    assert str(path) in str(told.value)


def test_an_error_while_writing_leaves_no_draft(tmp_path):
    with pytest.raises(TypeError), written(tmp_path / "a.txt") as draft:
        draft.write_text(b"no text")
    assert list(tmp_path.iterdir()) == []
