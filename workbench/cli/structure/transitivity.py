"""May items be ranked at all."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags

_ONE_CONTEXT = "all"


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("annotators", "scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, *flags)(transitivity)


def transitivity(
    run: Run,
    items: Annotated[
        str, typer.Option(help="The items stand in the columns ITEMS_a and ITEMS_b.")
    ] = "model",
    context: Annotated[
        str,
        typer.Option(
            help="Column within which an annotator's triads are looked for; prompt, or all: "
            "everything is one context, and people are resampled and held out."
        ),
    ] = "prompt",
    simulations: Annotated[int, typer.Option(min=99, help="Draws of every null.")] = 999,
) -> None:
    """Say whether items may be ranked: cycles, beside what noise makes."""
    import workbench as wb

    data = run.load()
    with run.progress("Looking for cycles"):
        found = wb.transitivity(
            data,
            annotator=run.config.annotators or None,
            items=items,
            context=None if context == _ONE_CONTEXT else context,
            simulations=simulations,
            **run.fit_options("folds", "level"),
        )
    own = ["--items", items, "--context", context, "--simulations", str(simulations)]
    run.tell(found, data, "transitivity", own)
