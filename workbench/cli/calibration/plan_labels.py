"""How many labels of people are needed."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags

_OF_FACTORS = ("weight", "contrast", "people", "groups")


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    what = fit_flags("factors", "scenarios", "cluster", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *what)(plan_labels)


def plan_labels(
    run: Run,
    for_: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            help="Of weight, contrast, rate, agreement, rank, repeats, people, groups; all but "
            "groups if not given. Commas separate; may be repeated.",
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Whose verdicts take part; who judged most if not given.")
    ] = None,
    effect: Annotated[
        float, typer.Option(help="Smallest weight or difference to find, log-odds per SD.")
    ] = 0.2,
    width: Annotated[float, typer.Option(help="Half-width of the interval of a share.")] = 0.05,
    spread: Annotated[
        float, typer.Option(help="Smallest SD of people's weights to find, in logits.")
    ] = 0.5,
    power: Annotated[float, typer.Option(help="Power of every test.")] = 0.8,
) -> None:
    """Say how many labels of people are needed, and what those that are there can find."""
    import workbench as wb

    goals = split_names(for_ or [])
    factors = goals is None or any(goal in _OF_FACTORS for goal in goals)
    data = run.scored() if factors else run.load()
    reference = run.config.reference or "human"
    with run.progress("Planning labels"):
        found = wb.plan_labels(
            data, for_=goals, judge=judge, reference=reference, effect=effect, width=width,
            spread=spread, power=power, **run.fit_options("factors", "cluster", "level"),
        )  # fmt: skip
    flags = ["--for", ",".join(goals)] if goals else []
    flags += ["--judge", judge] if judge else []
    numbers = {"effect": effect, "width": width, "spread": spread, "power": power}
    flags += [word for name, value in numbers.items() for word in (f"--{name}", f"{value:g}")]
    run.tell(found, data, "plan-labels", flags)
