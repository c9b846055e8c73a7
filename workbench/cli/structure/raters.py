"""How far many raters agree."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "scenarios", "level"))(rater_agreement)


def rater_agreement(
    run: Run,
    people: Annotated[
        str, typer.Option(metavar="COLUMN", help="Column that names the raters.")
    ] = "annotator",
    measures: Annotated[
        list[str] | None,
        typer.Option(
            help="Of agreement, alpha nominal, alpha ordinal, alpha interval, fleiss, ac1, icc. "
            "Commas separate; may be repeated."
        ),
    ] = None,
) -> None:
    """Say how far raters agree beyond chance, and which rater stands apart."""
    import workbench as wb

    data = run.load()
    with run.progress("Comparing raters"):
        found = wb.rater_agreement(
            data, annotators=run.config.annotators or None, by=people,
            measures=split_names(measures or []), **run.fit_options("level"),
        )  # fmt: skip
    flags = ["--people", people] if people != "annotator" else []
    flags += ["--measures", ",".join(found.settings["measures"])] if measures else []
    run.tell(found, data, "rater-agreement", flags)
