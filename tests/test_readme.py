"""What the README and the pages of docs/ show works."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))
ROLE = re.compile(r"\{(?:eval-rst|toctree|func|class|mod|data)\}")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, text_of(page), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Commands of a page, in one line each."""
    shown = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    typed = "".join(blocks(page, "console")).splitlines()
    return [*shown, *(line[2:] for line in typed if line.startswith("$ "))]


COMMANDS = sorted({line for page in (README, *DOCS) for line in commands(page)})
VERBS = [line for line in COMMANDS if line.startswith("workbench ")]


def test_the_screen_of_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    (screen,) = blocks(README, "python")
    exec(screen, names)  # noqa: S102 - our own text
    assert isinstance(names["gap"], wb.Contrast)
    assert (tmp_path / "audit.html").is_file()


def test_the_snippets_of_the_pages_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    names: dict[str, object] = {}
    for page in ("python", "asking_models", "methods/calibration/card"):
        for snippet in blocks(ROOT / "docs" / f"{page}.md", "python"):
            exec(snippet, names)  # noqa: S102 - our own text
    assert isinstance(names["draws"], wb.Bootstrap)
    assert isinstance(names["scored"], wb.RubricScores)
    rows = "".join(f"q{n},a;{n},b,A,{n},2\n" for n in range(5))
    head = "prompt,response_a,response_b,winner,sharpness_a,sharpness_b\n"
    (tmp_path / "own.csv").write_text(head + rows, encoding="utf-8")
    names["data"] = wb.load(tmp_path / "own.csv")
    (own,) = blocks(ROOT / "docs" / "factors.md", "python")
    exec(own, names)  # noqa: S102 - our own text
    assert {"sharpness", "semicolons"} <= set(names["data"].factors.columns)


def test_the_whole_run_shown_is_one(tmp_path: Path) -> None:
    shown, of_parts = blocks(ROOT / "docs" / "whole_run.md", "toml")
    (tmp_path / "run.toml").write_text(shown, encoding="utf-8")
    told = CliRunner().invoke(app, ["run", str(tmp_path / "run.toml"), "--dry-run"])
    assert told.exit_code == 0, told.output
    for stage in ("judge-offline-long", "principles-offline-long", "audit-verdicts", "report"):
        assert stage in told.stdout
    source = tmp_path / "votes.jsonl"
    rows = [
        {"prompt": f"q{n % 9}", "response_a": "a b", "response_b": "c", "winner": "A"}
        for n in range(40)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert "votes.jsonl" in of_parts
    (tmp_path / "parts.toml").write_text(
        of_parts.replace("votes.jsonl", str(source)), encoding="utf-8"
    )
    told = CliRunner().invoke(app, ["run", str(tmp_path / "parts.toml"), "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "report" in told.stdout


def test_the_engines_shown_are_engines() -> None:
    names: dict[str, Any] = {}
    (shown,) = blocks(ROOT / "docs" / "scale.md", "python")
    exec(shown, names)  # noqa: S102 - our own text
    assert list(names["squares"]) == [0, 1, 4, 9, 16]
    assert names["cluster"].workers == 64


def test_every_snippet_is_run_by_a_test() -> None:
    # those of the training are run in tests/curate, those of the tutorial, of agents and of
    # media in tests/docs, those of discover and apart in tests/discover and tests/calibration
    shown = {page.stem for page in DOCS if blocks(page, "python")}
    assert shown == {"python", "asking_models", "card", "factors", "scale", "training", "tutorial",
                     "agents", "discover", "media", "apart"}  # fmt: skip


@pytest.fixture(scope="module")
def help_of():
    known: dict[tuple[str, ...], str] = {}

    def ask(verbs: tuple[str, ...]) -> str:
        if verbs not in known:
            asked = CliRunner().invoke(app, [*verbs, "--help"], env={"COLUMNS": "200"})
            assert asked.exit_code == 0, verbs
            known[verbs] = asked.stdout
        return known[verbs]

    return ask


@pytest.mark.parametrize("line", VERBS)
def test_commands_have_the_options_shown(line: str, help_of) -> None:
    verb, *rest = shlex.split(line.partition(" | ")[0], comments=True)[1:]
    help_text = help_of((verb, rest[0]) if verb == "principles" else (verb,))
    for flag in (word for word in rest if word.startswith("--")):
        assert flag in help_text


def test_commands_in_running_text_are_verbs(help_of) -> None:
    for page in (README, *DOCS):
        words = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
        for line in re.findall(r"`workbench ([a-z][^`]*)`", words.replace("\n", " ")):
            verb, *rest = line.split()
            help_text = help_of((verb,))
            for flag in (word for word in rest if word.startswith("--") and word != "--help"):
                assert verb == "principles" or flag in help_text, (page.name, line)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("make ")])
def test_targets_exist(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{shlex.split(line, comments=True)[1]}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("page", [README, *DOCS], ids=lambda page: page.stem)
def test_files_that_are_linked_exist(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)) if "://" not in link]
    assert links or page != README
    files = [link.partition("#")[0] for link in links]
    assert [file for file in files if file and not (page.parent / file).exists()] == []


def test_the_readme_is_short_and_plain_markdown() -> None:
    assert len(text_of(README).splitlines()) <= 150
    assert not ROLE.search(text_of(README))
    assert text_of(README).count("docs/pictures/") == 3
