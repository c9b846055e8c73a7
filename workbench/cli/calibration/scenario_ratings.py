"""Ratings of models by scenario."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, numbers_by_name, split_names
from workbench.cli.options import FORMAT, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "scenarios", "level"))(rate_scenarios)


def rate_scenarios(
    run: Run,
    column: Annotated[
        str, typer.Option("--column", metavar="COLUMN", help="Column that names the scenario.")
    ] = "scenario",
    covariates: Annotated[
        list[str] | None,
        typer.Option(help="Factors held constant. Commas separate; may be repeated."),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WEIGHT",
            help="Of the scenarios in the composite: share, equal, or NAME=NUMBER for each one.",
        ),
    ] = None,
) -> None:
    """Rate the models in each scenario, with partial pooling, and over all of them."""
    import workbench as wb
    from workbench.audit.judges.verdicts.preferences import reference_mask
    from workbench.report.main_job import default_reference

    names = split_names(covariates or []) or ()
    given = _weights(weight or ["share"])
    data = run.scored() if names else run.load()
    people = default_reference(data)
    # where models alone have judged they rate
    theirs = people if reference_mask(data, people).any() else None
    with run.progress("Rating models by scenario"):
        found = wb.rate_scenarios(
            data, run.config.annotators or theirs, by=column, covariates=names,
            weights=given, **run.fit_options("level"),
        )  # fmt: skip
    flags = ["--column", column] if column != "scenario" else []
    flags += ["--covariates", ",".join(names)] if names else []
    flags += [word for text in weight or [] for word in ("--weight", text)]
    run.tell(found, data, "rate-scenarios", flags)


def _weights(texts: list[str]) -> str | dict[str, float]:
    """Return weights by scenario, or how they are made."""
    if texts in (["share"], ["equal"]):
        return texts[0]
    return numbers_by_name("--weight", texts)
