"""Whether replies follow what people have said to prefer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.annotate import ASKED, AnnotateRun, DryRun, Retry
from workbench.cli.command import command
from workbench.cli.options import option
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData

_OWN = (
    option("turns", list[str] | None, None, "Exchanges between preference and question, as 0,5."),
    option("grader", str | None, None, "Model that grades, at the same endpoint; else the model."),
)


class FollowedRun(AnnotateRun):
    """A run whose items are stated preferences and questions."""

    def load(self) -> PreferenceData:
        """Return the items of the file."""
        from workbench.audit.followed.items import read_items

        return self.reads(read_items(self.config.source))


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    asked = tuple(one for one in ASKED if one.name not in ("orders", "repeats"))
    command(app, *_OWN, *asked, run_type=AnnotateRun)(followed)


def followed(
    run: AnnotateRun,
    table: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Graded replies, choices or selected instructions; with --model a file or folder "
            "of preference and question, such as PrefEval's.",
        ),
    ],
    choices: Annotated[
        bool, typer.Option("--choices", help="Let the model choose among options, shuffled.")
    ] = False,
    dry_run: DryRun = False,
    retry_failed: Retry = False,
) -> None:
    """Say whether replies follow stated preferences, and how much stating them brings.

    With --model a model replies with and without the preference, and one grades; --out is the
    folder of that run, taken up where it stopped.
    """
    config = run.config.updated("command line", source=str(table))
    if config.model is not None:
        kind = "choices" if choices else "replies"
        config = config.updated("command line", followed=kind)
        FollowedRun(config, run.as_json, run.out, run.quiet).ask(dry_run, retry_failed)
        return
    given = {"--dry-run": dry_run, "--retry-failed": retry_failed, "--choices": choices,
             "--grader": config.grader, "--turns": config.turns != ("0",)}  # fmt: skip
    asking = [flag for flag, one in given.items() if one]
    if asking:
        raise ConfigError(
            "A table of graded replies asks nobody.",
            found=", ".join(asking),
            expected="the command without it, or a model to ask",
            fix=f"Leave out {asking[0]}, or give --model NAME.",
        )
    import workbench as wb
    from workbench.report.build import report

    found = wb.followed(table, seed=config.seed)
    run.show_result(found)
    if run.out is not None:
        told = f"workbench followed {table.name} --out {run.out.name}"
        page = report(found, title=found.heading, command=told)
        page.save(run.out / "report.html")
