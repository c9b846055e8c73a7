"""The command that audits rewards which are there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.fail_on import fail
from workbench.cli.flags import flags_of
from workbench.cli.options import FORMAT, SOURCE, fit_flags
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.results import Result

_TABLE = ("--level", "--limit", "--seed")
"""Flags that a table of responses takes beside the command's own."""


def register(app: typer.Typer) -> None:
    """Add the command ``audit-rewards`` to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "scenarios", "level"))(audit_rewards)


def audit_rewards(
    run: Run,
    rewards: Annotated[
        list[str] | None,
        typer.Option(help="Reward models, or columns of rewards. Commas separate."),
    ] = None,
    gold: Annotated[
        str | None, typer.Option(help="What is better known: an annotator or kind; a column.")
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(help="DATA has one response a row, and its prompt in this column."),
    ] = None,
    heads: Annotated[
        str | None, typer.Option(help="Of responses: two columns that trade off, by comma.")
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Of responses: column of the training's steps.")
    ] = None,
    at_least: Annotated[
        int | None, typer.Option(min=2, help="Of responses: fewest of a prompt that is used (2).")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with code 3 where a finding is of this level or rule."),
    ] = None,
) -> None:
    """Audit rewards: ensembles and strength, best of n, heads, and where following them fails.

    Pairs tell of ensembles of reward models and margins by strength. Responses (--prompt
    COLUMN: a table of one response a row) tell of best of n against --gold, of --heads, and
    with --checkpoint of the proxy point. --out is a folder for report.html and the numbers.
    """
    names = split_names(rewards or []) or ()
    data: PreferenceData | None = None
    if prompt is None:
        responses_only = {"--heads": heads, "--checkpoint": checkpoint, "--at-least": at_least}
        given = [flag for flag, value in responses_only.items() if value is not None]
        if given:
            raise ConfigError(
                f"{', '.join(given)} is of responses, one a row.",
                expected="the column of their prompts beside it",
                fix="Name it: --prompt COLUMN.",
            )
        from workbench.audit.models.reward_scores import audit_reward_scores

        data = run.load()
        with run.progress("Auditing rewards"):
            results = audit_reward_scores(
                data, names or None, gold=gold, annotators=list(run.config.annotators) or None,
                level=run.config.level,
            )  # fmt: skip
    else:
        results = _of_responses(run, names, prompt, gold, heads, checkpoint, at_least or 2)
    _show(run, results, data, fail_on)


def _of_responses(
    run: Run, rewards: tuple[str, ...], prompt: str, gold: str | None, heads: str | None,
    checkpoint: str | None, at_least: int,
) -> list[Result]:  # fmt: skip
    from workbench.audit.models.responses import audit_responses
    from workbench.data.reading.containers import open_source

    source = run.config.source
    given = [flag for flag in flags_of(run.config) if flag.startswith("--") and flag not in _TABLE]
    if given:
        raise ConfigError(
            f"{', '.join(given)} is of pairs.",
            found="a table of responses (--prompt)",
            expected=f"of what says how data are read, only {', '.join(_TABLE)}",
            fix="Leave it out, or choose the rows of the table beforehand.",
        )
    with run.progress(f"Reading {source}"):
        found = open_source(source)
    lost = [f"{len(found.bad):,} lines are no record"] if found.bad else []
    run.told.extend([*found.notes, *lost])
    table = found.table.to_pandas()
    return audit_responses(
        table, rewards, prompt=prompt, gold=gold, heads=split_names([heads or ""]) or (),
        checkpoint=checkpoint, at_least=at_least, level=run.config.level,
    )  # fmt: skip


def _show(
    run: Run, results: list[Result], data: PreferenceData | None, fail_on: list[str] | None
) -> None:
    from workbench.report.build import report

    text = "\n\n".join(result.summary() for result in results)
    run.show(text, {"results": [result.to_dict() for result in results]})
    if run.out is not None:
        run.out.mkdir(parents=True, exist_ok=True)
        command = "workbench audit-rewards DATA"
        page = report(results, data=data, title="Audit of rewards", command=command)
        page.save(run.out / "report.html")
        run.note(f"Written to {run.out}")
    fail(run, results, fail_on)
