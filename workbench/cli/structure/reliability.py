"""Who labels wrongly, where a truth exists."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags
from workbench.errors import DesignError

_Truth = Annotated[
    str | None, typer.Option(help="exists: one answer of each pair is right, whoever is asked.")
]
_People = Annotated[str, typer.Option(help="Column that names the worker.")]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "scenarios", "level"))(reliability)


def reliability(run: Run, truth: _Truth = None, people: _People = "annotator") -> None:
    """Say how often each worker is right, where one answer of each pair is true."""
    import workbench as wb

    try:
        data = run.scored()
    except DesignError:
        # answers can be weighed without factors; the result says that taste was not checked
        data = run.load()
    with run.progress("Weighing workers"):
        found = wb.reliability(
            data, truth=truth, annotators=run.config.annotators or None, by=people,
            **run.fit_options("level"),
        )  # fmt: skip
    own = ["--truth", str(truth)]
    own += ["--people", people] if people != "annotator" else []
    run.tell(found, data, "reliability", own)
