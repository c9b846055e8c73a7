"""Which labels turn with the question, and which weights with the group."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.flags import flags_of
from workbench.cli.options import FORMAT, SOURCE, fit_flags
from workbench.errors import DesignError

_OVERALL = "overall"
"""As in the data model, which is too heavy to be imported here."""


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "factors", "scenarios", "level"))(context)


def context(
    run: Run,
    truth: Annotated[
        str | None, typer.Option(help="Annotator or kind that is right under each criterion.")
    ] = None,
    blind: Annotated[
        str, typer.Option(help="Criterion of the labels that were asked without one.")
    ] = _OVERALL,
    placebo: Annotated[
        list[str] | None,
        typer.Option(help="A criterion that says nothing; may be repeated (placebo: ...)."),
    ] = None,
    negated: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NEGATION=CRITERION",
            help="A criterion that negates another; may be repeated ('not NAME' to NAME).",
        ),
    ] = None,
    opposed: Annotated[
        bool | None,
        typer.Option(
            "--opposed/--not-opposed",
            help="Whether each pair must have two criteria with opposed labels.",
        ),
    ] = None,
    aspect: Annotated[
        list[str] | None, typer.Option(help="Factors that are aspects of the overall label.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Columns by which weights are taken apart; all if not given."),
    ] = None,
) -> None:
    """Say which labels turn with the criterion, and which weights with the group."""
    import workbench as wb
    from workbench.report.build import report

    given: dict[str, Any] = {
        "truth": truth, "blind": blind, "placebo": placebo, "opposed": opposed,
        "negated": None if negated is None else dict(map(_negation, negated)),
        "aspects": split_names(aspect or []) or (), "columns": split_names(column or []),
    }  # fmt: skip
    try:
        data = run.scored()
    except DesignError:
        # criteria can be compared without factors
        data = run.load()
    with run.progress("Comparing contexts"):
        found = wb.context(
            data, annotators=run.config.annotators or None, **given,
            **run.fit_options("factors", "level"),
        )  # fmt: skip
    run.show_result(found)
    if run.out is not None:
        words = ["workbench", "context", run.config.source, *_flags(given), *flags_of(run.config)]
        told = shlex.join([*words, "--out", run.out.name])
        page = report([found, *found.parts()], data=data, title=found.heading, command=told)
        page.save(run.out / "report.html")


def _flags(given: dict[str, Any]) -> list[str]:
    """Return the flags of the command's own options that differ from what they are unsaid."""
    words: list[str] = []
    for name in ("placebo", "aspects", "columns"):
        flag = {"aspects": "--aspect", "columns": "--column"}.get(name, f"--{name}")
        words += [word for value in given[name] or [] for word in (flag, value)]
    for negation, criterion in (given["negated"] or {}).items():
        words += ["--negated", f"{negation}={criterion}"]
    if given["truth"] is not None:
        words += ["--truth", given["truth"]]
    if given["blind"] != _OVERALL:
        words += ["--blind", given["blind"]]
    if given["opposed"] is not None:
        words.append("--opposed" if given["opposed"] else "--not-opposed")
    return words


def _negation(text: str) -> tuple[str, str]:
    name, equals, criterion = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is no NEGATION=CRITERION", param_hint="--negated")
    return name, criterion
