"""Which values choices hold to."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("annotators", "scenarios", "ties", "folds", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *flags)(values)


def values(
    run: Run,
    column: Annotated[
        str, typer.Option(help="The lists stand in the columns COLUMN_a and COLUMN_b.")
    ] = "values",
    theories: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Table of what kind each value is: a column value, and one for each theory.",
        ),
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help="What parts the names of a cell that is no list.")
    ] = None,
    least: Annotated[
        int, typer.Option(min=2, help="Decisions that a value must tell apart for a weight.")
    ] = 10,
) -> None:
    """Say which values choices hold to: as they come in bundles, and each at given others."""
    import workbench as wb

    data = run.load()
    with run.progress("Weighing values"):
        found = wb.values(
            data, column=column, theories=theories, annotators=run.config.annotators or None,
            reference=run.config.reference, separator=separator, least=least,
            **run.fit_options("ties", "folds", "level"),
        )  # fmt: skip
    flags = [] if column == "values" else ["--column", column]
    flags += [] if theories is None else ["--theories", theories]
    flags += [] if separator is None else ["--separator", separator]
    flags += [] if least == 10 else ["--least", str(least)]
    run.tell(found, data, "values", flags)
