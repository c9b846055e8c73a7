"""How people's weights are spread."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags

_People = Annotated[str, typer.Option(help="Column that names the person.")]
_Items = Annotated[
    str | None, typer.Option(help="model: weigh which model answered, in place of factors.")
]
_Draws = Annotated[Literal["sobol", "halton"], typer.Option(help="Kind of the random draws.")]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    what = fit_flags("annotators", "factors", "scenarios", "ties", "level")
    command(app, SOURCE, FORMAT, *what)(mixed)


def mixed(
    run: Run, people: _People = "annotator", items: _Items = None, draws: _Draws = "sobol"
) -> None:
    """Say how far people's weights lie apart, by simulated maximum likelihood."""
    import workbench as wb

    data = run.load() if items else run.scored()
    with run.progress("Fitting the spread of people's weights"):
        found = wb.mixed(
            data, annotators=run.config.annotators or None, by=people, items=items, draws=draws,
            **run.fit_options("factors", "ties", "level"),
        )  # fmt: skip
    given = {"--people": (people, "annotator"), "--items": (items, None),
             "--draws": (draws, "sobol")}  # fmt: skip
    own = [word for flag, (value, unsaid) in given.items()
           if value is not None and value != unsaid for word in (flag, value)]  # fmt: skip
    run.tell(found, data, "mixed", own)
