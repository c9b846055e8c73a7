"""What few labels of people and many verdicts of judges tell together."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, REFERENCE, *fit_flags("factors", "scenarios", "level"))(few_labels)


def few_labels(
    run: Run,
    judge: Annotated[
        list[str] | None,
        typer.Option(help="Only these judges, not all but people and gold. Commas "
                     "separate; may be repeated."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the pairs to slice by.")
    ] = None,
) -> None:  # fmt: skip
    """Say what people would say of all pairs, from a judge's verdicts and few labels."""
    import workbench as wb
    from workbench.report.main_job import default_reference

    data = run.scored(needed=False)
    reference = run.config.reference or default_reference(data)
    names = split_names(judge or [])
    with run.progress("Putting labels and verdicts together"):
        found = wb.few_labels(
            data, names or None, reference,
            factors=list(run.config.factors) or None, by=by, **run.fit_options("level"),
        )  # fmt: skip
    flags = ["--judge", ",".join(names)] if names else []
    flags += ["--by", by] if by else []
    run.tell(found, data, "few-labels", flags)
