"""How far many raters agree."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.flags import flags_of
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
    from workbench.report.build import report

    data = run.load()
    with run.progress("Comparing raters"):
        found = wb.rater_agreement(
            data, annotators=run.config.annotators or None, by=people,
            measures=split_names(measures or []), **run.fit_options("level"),
        )  # fmt: skip
    run.show_result(found)
    if run.out is not None:
        flags = ["--people", people] if people != "annotator" else []
        flags += ["--measures", ",".join(found.settings["measures"])] if measures else []
        words = ["workbench", "rater-agreement", run.config.source, *flags]
        told = shlex.join([*words, *flags_of(run.config), "--out", run.out.name])
        report(found, data=data, title=found.heading, command=told).save(run.out / "report.html")
