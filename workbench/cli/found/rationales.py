"""Stated reasons beside the factors that the regression finds."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal

from workbench.cli.annotate import ASKED, AnnotateRun, DryRun, Retry
from workbench.cli.command import command
from workbench.cli.flags import FLAGS
from workbench.cli.options import FORMAT, SOURCE, fit_flags, option
from workbench.errors import ConfigError

if TYPE_CHECKING:
    import typer

_OWN = (
    option("reasons", str | None, None, "Column of the reasons; reason, else what judges wrote.",
           "--column"),
    option("lexicon", str | None, None, "TOML file of phrases by factor: more, less, about."),
    option("exchange", Literal["auto", "within", "across"] | None, None,
           "Between which pairs reasons are exchanged: of one prompt, or of others."),
    option("told", bool, False, "Count a factor only where the reason says which has more of it."),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    who = fit_flags("annotators", "factors", "scenarios")
    asked = tuple(one for one in ASKED if one.name not in ("orders", "repeats"))
    command(app, SOURCE, FORMAT, *who, *_OWN, *asked, run_type=AnnotateRun)(rationales)


def rationales(run: AnnotateRun, dry_run: DryRun = False, retry_failed: Retry = False) -> None:
    """Say whether stated reasons name the factors that the labels follow.

    Reasons are read by lists of phrases; with --model a model reads them, and --out is the folder
    of that run, taken up where it stopped.
    """
    config = run.config.updated("command line", reasons=run.config.reasons or "reason")
    if config.model is not None:
        asking = AnnotateRun(config, run.as_json, run.out, run.quiet, run.beside, file=run.file)
        asking.ask(dry_run, retry_failed)
        return
    for flag, given in (("--dry-run", dry_run), ("--retry-failed", retry_failed)):
        if given:
            raise ConfigError(
                "Phrases ask nobody: nothing is estimated, and nothing asked again.",
                found=flag,
                expected="the command without it, or a model to ask",
                fix=f"Leave out {flag}, or give --model NAME.",
            )
    from workbench.annotate.tasks import reasons_read
    from workbench.report.build import report

    data = run.load()
    with run.progress("Reading reasons"):
        found = reasons_read(data, config, lambda key, value: value)
    run.show_result(found)
    if run.out is not None:
        page = report(found, data=data, title=found.heading, command=_command(run))
        page.save(run.out / "report.html")


def _command(run: AnnotateRun) -> str:
    """Return the command that makes the result again."""
    config, words = run.config, ["workbench", "rationales", run.config.source]
    for key, flag in (
        ("format", "--format"), ("annotators", FLAGS["annotators"]), ("factors", "--factors"),
        ("scenarios", FLAGS["scenarios"]), ("reasons", "--column"), ("lexicon", "--lexicon"),
    ):  # fmt: skip
        value = getattr(config, key)
        if value:
            words += [flag, value if isinstance(value, str) else ",".join(value)]
    words += [] if config.exchange == "auto" else ["--exchange", config.exchange]
    words += ["--told"] if config.told else []
    words += ["--seed", str(config.seed)] if config.seed else []
    return shlex.join([*words, "--out", "" if run.out is None else run.out.name])
