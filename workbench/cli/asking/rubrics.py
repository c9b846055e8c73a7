"""The rubrics that are built in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workbench.cli.command import SHARED, Run, command

_NAMED = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Show its factors; every rubric if not given."),
]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, shared=[p for p in SHARED if p.name in ("json", "debug")])(rubrics)


def rubrics(run: Run, name: _NAMED = None) -> None:
    """List the rubrics that --rubric takes by name, or the factors of one, with their source."""
    from workbench.factors.rubric.definition import find_rubric, rubric_table

    if name is None:
        rows: list[dict[Any, Any]] = rubric_table().to_dict("records")
        text = "\n\n".join(
            f"{one['name']}: {one['n_factors']} factors, {one['scale']}\n  {one['about']}"
            for one in rows
        )
        run.show(text, {"rubrics": rows})
        return
    rubric = find_rubric(name)
    lines = [f"{rubric.name}{f', version {rubric.version}' * bool(rubric.version)}", rubric.about]
    lines += [f"Source: {rubric.source}"] * bool(rubric.source)
    lines += [f"  {one.name} ({one.minimum} to {one.maximum}, sees the {one.sees}): {one.meaning}"
              for one in rubric.factors]  # fmt: skip
    run.show("\n".join(lines), rubric.to_dict())
