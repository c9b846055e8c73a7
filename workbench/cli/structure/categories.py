"""Which categories annotators prefer where they err."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import REFERENCE, fit_flags
from workbench.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, *fit_flags("annotators", "level"), REFERENCE)(categories)


def categories(
    run: Run,
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="One row an answer: columns given and right, and where there are any annotator, "
            "conversation and item.",
        ),
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=NAME", help="The table's own name of one of these columns."),
    ] = None,
    ridge: Annotated[float, typer.Option(help="Penalty of the strengths.")] = 0.25,
    replicates: Annotated[
        int, typer.Option(min=200, help="How often conversations are resampled.")
    ] = 1000,
) -> None:
    """Say which categories annotators give where others are right, and how far they err."""
    import workbench as wb

    named = dict(_role(text) for text in column or [])
    with run.progress("Resampling conversations"):
        found = wb.categories(
            table, columns=named, annotators=run.config.annotators or None,
            reference=run.config.reference, ridge=ridge, replicates=replicates,
            **run.fit_options("level"),
        )  # fmt: skip
    flags = [word for text in column or [] for word in ("--column", text)]
    flags += [] if ridge == 0.25 else ["--ridge", str(ridge)]
    flags += [] if replicates == 1000 else ["--replicates", str(replicates)]
    own = Run(run.config.updated(source=str(table)), run.as_json, run.out, run.quiet)
    own.tell(found, None, "categories", flags)


def _role(text: str) -> tuple[str, str]:
    role, _, name = text.partition("=")
    if not role or not name:
        raise ConfigError(
            "The value of --column cannot be read.",
            found=text,
            expected="ROLE=NAME",
            fix="Write --column given=NAME, with the table's own name of the column.",
        )
    return role, name
