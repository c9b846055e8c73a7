"""Conversations as preferences."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.annotate import ASKED, AnnotateRun, DryRun, Retry
from workbench.cli.command import command
from workbench.cli.options import option
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.feedback.result import Feedback

_OWN = (
    option("chats", str | None, None, "Column of the messages; messages, conversation, ... else.",
           "--column"),
    option("feedback", Literal["rule", "model", "both"] | None, None,
           "Whose signals make pairs; the model's where one is asked.", "--by"),
)  # fmt: skip
_File = Annotated[
    str,
    typer.Argument(
        metavar="CHATS", help="Conversations, one a row: a file, a pattern in quotes, or a folder."
    ),
]
_NOT_ASKED = ("orders", "repeats", "pairs")


class FeedbackRun(AnnotateRun):
    """A run that reads conversations, and may ask a model about their turns."""

    def load(self) -> PreferenceData:
        """Return the turns of the conversations."""
        from workbench.feedback.conversations import Rows, conversations
        from workbench.feedback.turns import turns_of

        rows = Rows(Path(self.config.source).name)
        with self.progress(f"Reading {self.config.source}"):
            return turns_of(conversations(self.config.source, rows, self.config.chats), rows)


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    asked = tuple(one for one in ASKED if one.name not in _NOT_ASKED)
    command(app, *_OWN, *asked, run_type=FeedbackRun)(feedback)


def feedback(
    run: FeedbackRun, file: _File, dry_run: DryRun = False, retry_failed: Retry = False
) -> None:
    """Make pairs of conversations: an answer that a user complains of, and one that satisfies.

    Signals come from rules; with --model a model reads the turns too, and --out is the folder of
    that run, taken up where it stopped. --out gets the pairs, and why others gave none.
    """
    by = run.config.feedback or (None if run.config.model is None else "model")
    config = run.config.updated("command line", source=file, feedback=by)
    run = FeedbackRun(config, run.as_json, run.out, run.quiet, file=run.file)
    if config.model is not None:
        run.ask(dry_run, retry_failed)
        return
    if dry_run or retry_failed:
        raise ConfigError(
            "Rules ask nobody: nothing is estimated, and nothing asked again.",
            found="--dry-run" if dry_run else "--retry-failed",
            expected="the command without it, or a model to ask",
            fix="Leave it out, or give --model NAME.",
        )
    import workbench as wb

    with run.progress(f"Reading {run.config.source}"):
        found = wb.feedback(run.config.source, column=run.config.chats, by=run.config.feedback,
                            seed=run.config.seed)  # fmt: skip
    run.show_result(found)
    if run.out is not None:
        _write(run, found)


def _write(run: FeedbackRun, found: Feedback) -> None:
    import workbench as wb
    from workbench.report.build import report

    folder = run.out
    if folder is None:
        return
    data = found.to_preference_data() if len(found.pairs) else None
    words = ["workbench", "feedback", run.config.source, "--out", folder.name]
    words += ["--column", run.config.chats] if run.config.chats else []
    page = report(found, data=data, title=found.heading, command=shlex.join(words))
    page.save(folder / "report.html")
    if data is not None:
        wb.save(data, folder / "pairs")
        run.note(f"Pairs: {folder / 'pairs'}; workbench decompose {folder / 'pairs'}")
