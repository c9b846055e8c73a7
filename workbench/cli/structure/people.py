"""How people differ: taste, reliability or carelessness."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags

_People = Annotated[str, typer.Option("--people", help="Column that names the person.")]
_Items = Annotated[
    Literal["model"] | None,
    typer.Option("--items", help="Which model answered, in place of factors."),
]
_Permutations = Annotated[
    int, typer.Option(min=19, help="How often people are exchanged within prompts.")
]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    who = fit_flags("annotators", "factors", "scenarios", "ties", "folds", "level")
    command(app, SOURCE, FORMAT, *who)(people)


def people(
    run: Run,
    column: _People = "annotator",
    items: _Items = None,
    permutations: _Permutations = 199,
) -> None:
    """Say whether people weigh factors otherwise: taste, reliability or carelessness."""
    import workbench as wb

    data = run.scored() if items is None else run.load()
    options: dict[str, Any] = run.fit_options("factors", "ties", "folds", "level")
    with run.progress("Comparing models of people"):
        found = wb.people(
            data, annotators=run.config.annotators or None, by=column, items=items,
            permutations=permutations, **options,
        )  # fmt: skip
    own = ["--people", column] if column != "annotator" else []
    own += [] if items is None else ["--items", items]
    own += [] if permutations == 199 else ["--permutations", str(permutations)]
    run.tell(found, data, "people", own)
