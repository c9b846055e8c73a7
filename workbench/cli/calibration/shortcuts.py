"""What solves a benchmark without reading it."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    shared = fit_flags("factors", "scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *shared)(check_benchmark)


def check_benchmark(
    run: Run,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COLUMN", help="Column of the pairs that names the subset."),
    ] = None,
    judges: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Whom rules are compared with; everybody but people and gold, if nobody is named. "
            "Commas separate; may be repeated.",
        ),
    ] = None,
) -> None:
    """Say what solves a benchmark without reading: length, style, order, model name, together."""
    import workbench as wb
    from workbench.report.main_job import default_reference

    data = run.load()
    reference = run.config.reference or default_reference(data)
    named = split_names(judges or [])
    with run.progress("Solving it without reading"):
        found = wb.check_benchmark(
            data, reference, by=by, judges=named, **run.fit_options("factors", "folds", "level")
        )
    flags = ["--by", by] if by else []
    flags += ["--judges", ",".join(named)] if named else []
    run.tell(found, data, "check-benchmark", flags)
