"""The command that says what data support also says whether a saved set is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return wb.save(wb.load("sample"), tmp_path / "set")


def test_a_whole_set_is_told_to_be_whole(folder: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", str(folder)])
    assert (done.exit_code, "as it was saved" in done.stderr) == (0, True)


def test_a_text_that_changed_is_found(folder: Path) -> None:
    file = folder / "pairs.texts.arrow"
    content = file.read_bytes()
    assert content.count(b"the") > 1_000
    file.write_bytes(content.replace(b"the", b"teh", 1))
    assert len(wb.load(folder)) == 2_000
    done = CliRunner().invoke(app, ["doctor", str(folder)])
    assert done.exit_code != 0
    assert "set/pairs.texts.arrow" in done.stderr
