"""The card of a judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.results import Result


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("factors", "scenarios", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *flags)(judge_card)


def judge_card(
    run: Run, judge: Annotated[str, typer.Option(help="Judge whose card it is.")]
) -> None:
    """Say what was measured of a judge beside people, and what was not; --out writes card files.

    Measured here are agreement, position, length and style, weights beside those of people, and
    calibration. card.json holds to a published schema; card.md is for people.
    """
    import workbench as wb

    data = run.scored()
    reference = run.config.reference or "human"
    options = run.fit_options("factors", "level")
    level, seed = options["level"], options["seed"]
    # the card's judge beside the reference: those of other judges say nothing of it
    asked: dict[str, Callable[[], Result | None]] = {
        "agreement": lambda: wb.judge_board(data, [judge], reference, level=level, seed=seed),
        "contrast": lambda: run.main_job(data).gap,
        "calibration": lambda: wb.calibrate_verdicts(data, judge, reference, **options),
    }
    results, failed = [], {}
    for section, measure in asked.items():
        try:
            found = measure()
        except WorkbenchError as error:
            failed[section] = error.what
        else:
            results += [] if found is None else [found]
    card = wb.judge_card(*results, judge=judge, data=data, failed=failed)
    run.show(card.summary(), card.to_dict())
    if run.out is not None:
        card.write(run.out)
        run.note(f"Written to {run.out}")
