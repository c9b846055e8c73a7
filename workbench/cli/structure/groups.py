"""One public or several."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    what = fit_flags("annotators", "factors", "scenarios", "ties", "folds", "level")
    command(app, SOURCE, FORMAT, *what)(groups)


def groups(
    run: Run,
    people: Annotated[
        str, typer.Option(help="Column of labels or pairs that names the person.")
    ] = "annotator",
    items: Annotated[
        Literal["model"] | None, typer.Option(help="Weigh which model answered, not factors.")
    ] = None,
    max_groups: Annotated[int, typer.Option(min=1, help="Most groups that are tried.")] = 5,
    membership: Annotated[
        Literal["classes", "mixed"],
        typer.Option(help="One group a person, not known; or shares of prototypes."),
    ] = "classes",
    simulations: Annotated[
        int, typer.Option(min=0, help="Simulated data sets of a likelihood ratio; 0: none.")
    ] = 99,
) -> None:
    """Say whether people are one public or several, what each rewards, and who is near which."""
    import workbench as wb

    data = run.load() if items else run.scored()
    with run.progress("Fitting groups"):
        found = wb.groups(
            data, annotators=run.config.annotators or None, by=people, items=items,
            max_groups=max_groups, membership=membership, simulations=simulations,
            **run.fit_options("factors", "ties", "folds", "level"),
        )  # fmt: skip
    words = ["--people", people]
    words += ["--items", items] if items else []
    words += ["--max-groups", str(max_groups), "--membership", membership]
    words += ["--simulations", str(simulations)]
    run.tell(found, data, "groups", words)
