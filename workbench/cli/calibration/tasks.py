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


def tools(run: Run, to: list[str] | None) -> list[str]:
    """Return the tools that were named, before anything is computed; none where none was.

    Raises
    ------
    ConfigError
        An unknown tool, or no place for the tasks.
    """
    from workbench.calibration.tasks.write import known_tools

    names = list(split_names(to or []) or ())
    if names and run.out is None:
        raise ConfigError(
            "The tasks have no place to go.",
            found="--to without --out",
            expected="a folder to write to",
            fix="Give --out FOLDER.",
        )
    return known_tools(names) if names else []


def write(run: Run, data: PreferenceData, pair_ids: Sequence[str], tools: list[str]) -> None:
    """Write chosen pairs for these tools, beside the result."""
    if not tools or run.out is None:
        return
    import workbench as wb

    if not pair_ids:
        run.note("Tasks: none, as no pair is left for people.")
        return
    for path in wb.write_tasks(data, pair_ids, run.out / "tasks", tools, seed=run.config.seed):
        run.note(f"Tasks: {path}")
