"""Pairs for a labelling tool, and its answers back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, SOURCE
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData

TO = typer.Option(
    "--to",
    help="Also write the pairs for label-studio, argilla, csv. Commas separate; may be repeated.",
)
"""The flag of every command that chooses pairs."""


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT)(with_answers)


def with_answers(
    run: Run,
    answers: Annotated[
        Path, typer.Option(metavar="FILE", help="What the labelling tool exported.")
    ],
) -> None:
    """Take people's answers to written tasks into the data; --out saves a folder."""
    import workbench as wb

    if run.out is None:
        raise ConfigError(
            "The data with the answers have no place to go.",
            found="no --out",
            expected="a folder to write to",
            fix="Give --out FOLDER; then: workbench decompose FOLDER --annotator human.",
        )
    data = wb.with_answers(run.load(), answers)
    report = data.load_report
    record = {"digest": data.digest, "load_report": report.to_dict() if report else None}
    run.show(f"{data!r}\n{report}", record)
    run.save(data)


def write(run: Run, data: PreferenceData, pair_ids: Sequence[str], to: list[str] | None) -> None:
    """Write chosen pairs for the tools that were named, beside the result."""
    tools = split_names(to or [])
    if not tools:
        return
    import workbench as wb

    if run.out is None:
        raise ConfigError(
            "The tasks have no place to go.",
            found="--to without --out",
            expected="a folder to write to",
            fix="Give --out FOLDER.",
        )
    for path in wb.write_tasks(data, pair_ids, run.out / "tasks", tools, seed=run.config.seed):
        run.note(f"Tasks: {path}")
