"""The command that does everything that a ``run.toml`` says, in one run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.annotate import ASKED, DryRun, Retry, interruptible, telling
from workbench.cli.command import SHARED, BaseRun, command
from workbench.cli.fail_on import fail_for
from workbench.cli.flags import READING
from workbench.cli.options import FIT, FORMAT, FURTHER, REFERENCE, option

if TYPE_CHECKING:
    from workbench.whole_run.config import WholeConfig

_FILE = option("config", Path, Path("run.toml"), "").replace(
    annotation=Annotated[
        Path,
        typer.Argument(metavar="RUN.TOML", help="What to do; flags win over it."),
    ]
)
_SHARED = tuple(one for one in SHARED if one.name != "config")
_OF_A_STAGE = ("pairs", "repeats", "orders")
"""Flags of one question, where a run asks several."""


class WholeRunCommand(BaseRun["WholeConfig"]):
    """A run of everything."""

    file_hint = "RUN.TOML"

    @staticmethod
    def config_type() -> type[WholeConfig]:
        """Return the type of the configuration."""
        from workbench.whole_run.config import WholeConfig

        return WholeConfig


def register(app: typer.Typer) -> None:
    """Add the command ``run`` to an application."""
    asked = tuple(one for one in ASKED if one.name not in _OF_A_STAGE)
    flags = (_FILE, FORMAT, REFERENCE, *FIT, FURTHER, *asked, *READING)
    command(app, *flags, run_type=WholeRunCommand, shared=_SHARED)(run_)


def run_(
    run: WholeRunCommand,
    dry_run: DryRun = False,
    retry_failed: Retry = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with code 3 where a finding is of this level or rule."),
    ] = None,
) -> None:
    """Load, score, ask, compare, audit and report as a run.toml says, in one run.

    --out is the run's folder (runs/ and the file's name): what is in it and still holds is
    not done again, so that a run that was ended is taken up by the same command. Limits are
    over all stages; flags of a model go to the table endpoint, which other tables overrule.
    """
    import workbench as wb

    name = "run" if run.file is None else run.file.stem
    with interruptible(), telling(run.quiet) as tell:
        done = wb.run(
            run.config, run.out or Path("runs") / name, dry_run=dry_run,
            retry_failed=retry_failed, tell=tell,
            progress=run.progress if tell is None else _nothing,
        )  # fmt: skip
    run.show(done.summary(), done.to_dict())
    fail_for(run, list(done.findings), fail_on)


def _nothing(what: str) -> AbstractContextManager[None]:
    """Show nothing: a terminal has room for one display that moves."""
    return nullcontext()
