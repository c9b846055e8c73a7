"""What a score varies by."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, SOURCE, fit_flags

_MANY = "Commas separate; may be repeated."
_Judges = Annotated[
    list[str] | None,
    typer.Option("--judges", help=f"The judges; all but people and gold if not given. {_MANY}"),
]
_Facets = Annotated[
    list[str] | None,
    typer.Option(
        "--facets", help=f"Of judge, wording, seed, order, item, and columns of labels. {_MANY}"
    ),
]
_Score = Annotated[
    str | None,
    typer.Option(
        "--score", metavar="COLUMN", help="Column of the score, or its stem before _a and _b."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("scenarios", "level"))(variance_split)


def variance_split(
    run: Run, judges: _Judges = None, facets: _Facets = None, score: _Score = None
) -> None:
    """Split a score's variance by judge, wording, seed, order and item; what to average more of."""
    import workbench as wb
    from workbench.calibration.instrument.facets import FACETS

    data = run.load()
    with run.progress("Splitting the variance"):
        found = wb.variance_split(
            data, split_names(judges or []), facets=split_names(facets or []) or FACETS,
            score=score, **run.fit_options("level"),
        )  # fmt: skip
    own = ["--judges", ",".join(found.settings["judges"])] if judges else []
    own += ["--facets", ",".join(split_names(facets) or ())] if facets else []
    own += ["--score", score] if score else []
    run.tell(found, data, "variance-split", own)
