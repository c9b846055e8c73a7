"""Which pairs go to people, and which to a judge."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workbench.cli.calibration import tasks
from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *flags)(route)


def route(
    run: Run,
    judge: Annotated[str, typer.Option(help="Annotator who stands in for people.")],
    judges: Annotated[
        list[str] | None,
        typer.Option(help="Whose dissent counts; all judges if not given. Commas separate; may be "
                     "repeated."),
    ] = None,
    budgets: Annotated[
        list[str] | None,
        typer.Option(help="Shares of the pairs that people can label, such as 0.1,0.3."),
    ] = None,
    to: Annotated[list[str] | None, tasks.TO] = None,
) -> None:  # fmt: skip
    """Say which pairs people should label, the judge all others, under a budget."""
    import workbench as wb

    tools = tasks.tools(run, to)
    data = run.scored(needed=False)
    options: dict[str, Any] = {} if budgets is None else {"budgets": _numbers(budgets)}
    with run.progress("Routing"):
        found = wb.route(
            data, judge, run.config.reference or "human", judges=split_names(judges or []),
            **options, **run.fit_options("folds", "level"),
        )  # fmt: skip
    words = ["--judge", judge]
    words += ["--judges", ",".join(split_names(judges) or ())] if judges else []
    words += ["--budgets", ",".join(map(str, options["budgets"]))] if options else []
    words += ["--to", ",".join(tools)] if tools else []
    run.tell(found, data, "route", words)
    # those that people get under the largest budget, the most urgent first; none has labels yet
    left = not found.pairs["labelled"].all()
    tasks.write(run, data, found.pair_ids(max(found.settings["budgets"])) if left else [], tools)


def _numbers(texts: list[str]) -> list[float]:
    try:
        return [float(text) for text in split_names(texts) or ()]
    except ValueError:
        raise typer.BadParameter(f"{texts!r} are no numbers", param_hint="--budgets") from None
