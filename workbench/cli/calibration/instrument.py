"""Judges as instruments."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags
from workbench.errors import ConfigError

_MANY = "Commas separate; may be repeated."
_Judges = Annotated[
    list[str] | None,
    typer.Option("--judges", help=f"The judges; all but people and gold if not given. {_MANY}"),
]
_Strength = Annotated[
    Literal["votes", "models", "factors"] | None,
    typer.Option("--strength", help="What people's strength is taken from."),
]
_Grades = Annotated[
    str | None,
    typer.Option(
        "--grades", metavar="COLUMN", help="Column of grades, or its stem before _a and _b."
    ),
]
_By = Annotated[
    str | None,
    typer.Option("--by", metavar="COLUMN", help="Column of the pairs: judges in each group."),
]
_Family = Annotated[
    list[str] | None,
    typer.Option("--family", metavar="NAME=MODEL,...", help="Models of a family; may be repeated."),
]
_Versions = Annotated[
    str | None,
    typer.Option("--versions", metavar="OLD,NEW", help="Two versions of a judge to compare."),
]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    shared = fit_flags("factors", "scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *shared)(instrument)


def instrument(
    run: Run,
    judges: _Judges = None,
    grades: _Grades = None,
    strength: _Strength = None,
    by: _By = None,
    family: _Family = None,
    versions: _Versions = None,
) -> None:
    """Measure judges as instruments: sharpness, ties, order, families, groups, versions."""
    import workbench as wb

    scored = strength == "factors" or bool(run.config.factors)
    data = run.scored() if scored else run.load()
    options = run.fit_options("factors", "folds", "level")
    with run.progress("Measuring judges"):
        found = wb.instrument(
            data, split_names(judges or []), run.config.reference or "human", grades=grades,
            strength=strength, by=by, families=_families(family),
            versions=split_names([versions]) if versions else None, **options,
        )  # fmt: skip
    own = ["--judges", ",".join(found.settings["judges"])] if judges else []
    own += ["--grades", grades] if grades else []
    own += ["--strength", strength] if strength else []
    own += ["--by", by] if by else []
    own += [word for one in family or [] for word in ("--family", one)]
    own += ["--versions", versions] if versions else []
    run.tell(found, data, "instrument", own)


def _families(given: list[str] | None) -> dict[str, list[str]] | None:
    if not given:
        return None
    found = {}
    for one in given:
        name, mark, models = one.partition("=")
        members = [part.strip() for part in models.split(",") if part.strip()]
        if not (mark and name.strip() and members):
            raise ConfigError(
                "A family cannot be read.",
                where="--family",
                found=one,
                expected="NAME=MODEL,MODEL",
                fix="Write for example --family gpt=gpt-4,gpt-3.5-turbo.",
            )
        found[name.strip()] = members
    return found
