"""Verdicts of judges calibrated on labels of people."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import BY, FORMAT, REFERENCE, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("factors", "scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, REFERENCE, BY, *flags)(calibrate_verdicts)


def calibrate_verdicts(
    run: Run,
    judge: Annotated[
        list[str] | None,
        typer.Option(help="Judge to calibrate; all when none is named. May be repeated."),
    ] = None,
) -> None:
    """Calibrate verdicts of judges on labels of people, where that gains on prompts held out.

    --out also holds calibrated.csv: pair_id, annotator and P(A preferred), out of fold.
    """
    import workbench as wb
    from workbench.data.on_view.spreadsheet import to_csv
    from workbench.report.main_job import default_reference
    from workbench.whole_file import write_text

    data = run.scored()
    reference = run.config.reference or default_reference(data)
    judges = split_names(judge or []) or None
    by = [name for name in run.config.by if name != "annotator"]
    with run.progress("Calibrating verdicts"):
        found = wb.calibrate_verdicts(
            data, judges, reference, by=by or None,
            **run.fit_options("factors", "folds", "level"),
        )  # fmt: skip
    flags = [word for name in judges or [] for word in ("--judge", name)]
    flags += ["--by", ",".join(by)] if by else []
    run.tell(found, data, "calibrate-verdicts", flags)
    if run.out is not None:
        kept = found.verdicts.rename(columns={"calibrated": "preference"})
        write_text(run.out / "calibrated.csv", to_csv(kept.drop(columns="as_given")))
