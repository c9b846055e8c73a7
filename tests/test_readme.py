"""What the README shows works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.data.formats.registry import FORMATS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines()]


def test_the_screen_of_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(blocks("python")[0], names)  # noqa: S102 - our own text
    assert isinstance(names["gap"], wb.Contrast)
    exec(blocks("python")[1], names)  # noqa: S102 - our own text
    assert isinstance(names["draws"], wb.Bootstrap)
    (tmp_path / "runs").mkdir()
    exec(blocks("python")[2], names)  # noqa: S102 - our own text
    assert isinstance(names["scored"], wb.RubricScores)
    assert (tmp_path / "audit.html").is_file()


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("workbench ")])
def test_commands_have_the_options_shown(line: str) -> None:
    verb, *rest = shlex.split(line)[1:]
    verbs = [verb, rest[0]] if verb == "principles" else [verb]
    help_text = CliRunner().invoke(app, [*verbs, "--help"], env={"COLUMNS": "200"}).stdout
    for flag in (word for word in rest if word.startswith("--")):
        assert flag in help_text


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("make ")])
def test_targets_exist(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{shlex.split(line, comments=True)[1]}:", makefile, flags=re.MULTILINE)


def test_files_that_are_linked_exist() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_format_of_the_table_exists() -> None:
    shown = re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE)
    assert shown
    assert [name for name in shown if name not in FORMATS] == []
