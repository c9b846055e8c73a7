"""The card of a judge."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("factors", "scenarios", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *flags)(judge_card)


def judge_card(
    run: Run, judge: Annotated[str, typer.Option(help="Judge whose card it is.")]
) -> None:
    """Say what was measured of a judge beside people, and what was not; --out writes card files.

    Measured here are agreement, position, length and style, weights beside those of people, and
    calibration. card.json holds to a published schema; card.md is for people.
    """
    import workbench as wb
    from workbench.report.main_job import default_reference

    data = run.scored()
    reference = run.config.reference or default_reference(data)
    found = wb.measure_judge(data, judge, reference, **run.fit_options("factors", "level"))
    run.show(found.summary(), found.card.to_dict())
    if run.out is not None:
        found.card.write(run.out)
        run.note(f"Written to {run.out}")
