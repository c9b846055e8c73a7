"""Flags of the commands that work on parts: they win over the table of a file of options."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from workbench.cli.command import Run, command
from workbench.cli.options import SOURCE, Address, EngineName, Workers, told_engine
from workbench.engine import Local, Ray

APP = typer.Typer()


@APP.callback()
def several() -> None:
    """Have commands by name."""


@command(APP, SOURCE)
def count(
    run: Run, engine: EngineName = None, address: Address = None, workers: Workers = None
) -> None:
    """Count with an engine."""
    typer.echo(repr(told_engine(run.file, engine, address, workers)))


def told(*words: str) -> str:
    done = CliRunner().invoke(APP, ["count", *words])
    return done.output.strip() if done.exit_code == 0 else f"{done.exit_code} {done.output}"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "run.toml"
    path.write_text('source = "sample"\n[engine]\nname = "ray"\naddress = "auto"\nworkers = 3\n')
    return str(path)


def test_the_engine_of_flags_and_of_a_file(file: str) -> None:
    assert told("sample") == repr(Local(1))
    assert told("sample", "--workers", "4") == repr(Local(4))
    assert told("sample", "--engine", "ray", "--address", "h:1", "--workers", "2") == repr(
        Ray("h:1", 2)
    )
    assert told("--config", file) == repr(Ray("auto", 3))
    assert told("--config", file, "--workers", "9") == repr(Ray("auto", 9))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "spark"), "spark"),
        (("--address", "h:1"), "Only a cluster has an address"),
        (("--workers", "0"), "workers"),
    ],
)
def test_a_flag_that_cannot_be_used(words: tuple[str, ...], said: str) -> None:
    answer = told("sample", *words)
    assert answer[0] in "12"
    assert said in answer
