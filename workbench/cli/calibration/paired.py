"""Two judges, two runs or two models on the same pairs."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags

SLICES = Annotated[
    str | None,
    typer.Option("--by", metavar="COLUMN", help="Column of the pairs that names the slice."),
]
MARGIN = Annotated[
    float, typer.Option(min=0.0001, max=0.9999, help="Differences within it count as none.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    command(app, SOURCE, FORMAT, REFERENCE, *fit_flags("scenarios", "level"))(compare_annotators)
    command(app, SOURCE, FORMAT, *fit_flags("scenarios", "level"))(compare_models)


def compare_annotators(
    run: Run,
    a: Annotated[str | None, typer.Option("--a", metavar="NAME", help="One judge, or run.")] = None,
    b: Annotated[str | None, typer.Option("--b", metavar="NAME", help="The other.")] = None,
    judges: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="All pairs of these; of everybody but people and gold, if nobody is named. "
            "Commas separate; may be repeated.",
        ),
    ] = None,
    by: SLICES = None,
    margin: MARGIN = 0.02,
) -> None:
    """Say which of two judges agrees more with people, on the same pairs, or whether they equal."""
    import workbench as wb
    from workbench.report.main_job import default_reference

    data = run.load()
    reference = run.config.reference or default_reference(data)
    named = split_names(judges or [])
    with run.progress("Comparing judges"):
        found = wb.compare_annotators(
            data, a, b, reference, judges=named, by=by, margin=margin, level=run.config.level
        )
    flags = [word for flag, name in (("--a", a), ("--b", b)) if name for word in (flag, name)]
    flags += ["--judges", ",".join(named)] if named else []
    run.tell(found, data, "compare-annotators", [*flags, *_shared(by, margin)])


def compare_models(
    run: Run,
    a: Annotated[str, typer.Option("--a", metavar="MODEL", help="One model.")],
    b: Annotated[str, typer.Option("--b", metavar="MODEL", help="The other.")],
    judge: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose verdicts count: an annotator or a kind."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="The common opponent; every one if not named."),
    ] = None,
    by: SLICES = None,
    margin: MARGIN = 0.02,
) -> None:
    """Say which of two models does better on the same prompts, or whether they are equal."""
    import workbench as wb
    from workbench.report.main_job import default_reference

    data = run.load()
    annotator = judge or default_reference(data)
    with run.progress("Comparing models"):
        found = wb.compare_models(
            data, a, b, annotator, baseline=baseline, by=by, margin=margin, level=run.config.level
        )
    flags = ["--a", a, "--b", b, *(["--judge", judge] if judge else [])]
    flags += ["--baseline", baseline] if baseline else []
    run.tell(found, data, "compare-models", [*flags, *_shared(by, margin)])


def _shared(by: str | None, margin: float) -> list[str]:
    return [*(["--by", by] if by else []), *(["--margin", f"{margin:g}"] if margin != 0.02 else [])]
