"""The command that does everything that a ``run.toml`` says, in one run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.annotate import DryRun, Retry, interruptible, telling
from workbench.cli.command import SHARED, Run, command
from workbench.cli.fail_on import fail_for

_SHARED = tuple(one for one in SHARED if one.name not in ("config", "seed"))


def register(app: typer.Typer) -> None:
    """Add the command ``run`` to an application."""
    command(app, shared=_SHARED)(run_)


def run_(
    run: Run,
    settings: Annotated[
        Path,
        typer.Argument(metavar="RUN.TOML", help="What to do, with a table for each stage."),
    ] = Path("run.toml"),
    dry_run: DryRun = False,
    retry_failed: Retry = False,
    prices: Annotated[
        str | None, typer.Option(help="TOML file: a table a model, prompt and completion.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Stop before all stages together cost more.")
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option(help="Stop before all stages together make more calls.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Stop before all stages together use more tokens.")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with code 3 where a finding is of this level or rule."),
    ] = None,
) -> None:
    """Load, score, ask, compare, audit and report as RUN.TOML says, in one run.

    --out is the run's folder (runs/ and the file's name): what is in it and still holds is
    not done again, so that a run that was ended is taken up by the same command.
    """
    import workbench as wb

    with interruptible(), telling(run.quiet) as tell:
        done = wb.run(
            settings, run.out, dry_run=dry_run, retry_failed=retry_failed, tell=tell,
            prices=prices, max_cost=max_cost, max_calls=max_calls, max_tokens=max_tokens,
            progress=run.progress if tell is None else _nothing,
        )  # fmt: skip
    run.show(done.summary(), done.to_dict())
    fail_for(run, list(done.findings), fail_on)


def _nothing(what: str) -> AbstractContextManager[None]:
    """Show nothing: a terminal has room for one display that moves."""
    return nullcontext()
