"""The card of a judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags
from workbench.errors import DesignError, WorkbenchError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
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
    from workbench.report.main_job import default_reference

    data = run.scored()
    reference = run.config.reference or default_reference(data)
    options = run.fit_options("factors", "level")
    level, seed = options["level"], options["seed"]
    # the card's judge beside the reference: those of other judges say nothing of it
    asked: dict[str, Callable[[], Result]] = {
        "agreement": lambda: wb.judge_board(data, [judge], reference, level=level, seed=seed),
        "contrast": lambda: _gap(data, judge, reference, options),
        "calibration": lambda: wb.calibrate_verdicts(data, judge, reference, **options),
    }
    results: list[Result] = []
    failed: dict[str, str] = {}
    for section, measure in asked.items():
        try:
            results.append(measure())
        except WorkbenchError as error:
            failed[section] = error.what
    card = wb.judge_card(*results, judge=judge, data=data, failed=failed)
    run.show(card.summary(), card.to_dict())
    if run.out is not None:
        card.write(run.out)
        run.note(f"Written to {run.out}")


def _gap(data: PreferenceData, judge: str, reference: str, options: dict[str, Any]) -> Result:
    """Return where the judge's weights differ from the reference's."""
    import workbench as wb
    from workbench.audit.judges.verdicts.preferences import reference_mask

    own = data.labels["annotator"].eq(judge).to_numpy(bool)
    if (own & reference_mask(data, reference)).any():
        raise DesignError(
            "The judge is of the reference itself.",
            found=f"{judge}, reference {reference}",
            expected="a judge beside the reference",
            fix="Name another judge, or another reference with --reference.",
        )
    fits = [wb.decompose(data, annotator=who, folds=0, **options) for who in (judge, reference)]
    return wb.contrast(*fits)
