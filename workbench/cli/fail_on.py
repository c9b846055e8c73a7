"""The exit code of a command whose findings are of a wanted level or rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from workbench.cli.command import BaseRun, split_names
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.finding import Finding
    from workbench.results import Result

FAILED = 3
"""Exit code where --fail-on found something."""


def fail(run: BaseRun[Any], results: Sequence[Result], wanted: list[str] | None) -> None:
    """End a command with code 3 where its results have a wanted finding, and say which.

    Parameters
    ----------
    run : BaseRun
    results : sequence of Result
    wanted : list of str or None
        As ``--fail-on`` got it.

    Raises
    ------
    Exit
        With :data:`FAILED`.
    """
    fail_for(run, [one for result in results for one in result.findings()], wanted)


def fail_for(run: BaseRun[Any], found: list[Finding], wanted: list[str] | None) -> None:
    """End a command with code 3 where one of its findings is wanted, and say which.

    Parameters
    ----------
    run : BaseRun
    found : list of Finding
    wanted : list of str or None
        As ``--fail-on`` got it.

    Raises
    ------
    Exit
        With :data:`FAILED`.
    """
    wrong = failing(found, split_names(wanted or []) or ())
    if wrong:
        for one in wrong:
            run.note(f"{one.level}: {one.rule_id}: {one.message}")
        raise typer.Exit(FAILED)


def failing(found: list[Finding], wanted: tuple[str, ...]) -> list[Finding]:
    """Return the findings whose level or rule is wanted.

    Parameters
    ----------
    found : list of Finding
    wanted : tuple of str
        ``warning``, ``note``, or a rule.

    Raises
    ------
    ConfigError
        Neither a level nor a rule.
    """
    from workbench.overview.rules import ALL_RULES

    unknown = [one for one in wanted if one not in ("warning", "note", *ALL_RULES)]
    if unknown:
        raise ConfigError(
            f"--fail-on knows no {unknown[0]!r}.",
            expected="warning, note, or a rule: " + ", ".join(ALL_RULES),
            fix="Check the spelling.",
        )
    return [one for one in found if one.level in wanted or one.rule_id in wanted]
