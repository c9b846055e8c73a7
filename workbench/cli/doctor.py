"""The command that says what data support."""

from __future__ import annotations

from dataclasses import replace

import typer

from workbench.cli.command import Run, command
from workbench.cli.flags import ANNOTATOR
from workbench.cli.options import FORMAT, SOURCES


def register(app: typer.Typer) -> None:
    """Add the command ``doctor`` to an application."""
    command(app, SOURCES, FORMAT, ANNOTATOR)(doctor)


def doctor(run: Run) -> None:
    """Say what data support: which verbs, what others need, what they are too small for."""
    import workbench as wb

    found = wb.doctor(run.load())
    # what was lost in reading stands under every result
    run.show(replace(found, lost="").summary(), found.to_dict())
    if run.out is not None:
        from workbench.json_values import to_json
        from workbench.whole_file import write_text

        run.out.mkdir(parents=True, exist_ok=True)
        write_text(run.out / "doctor.json", to_json(found.to_dict()))
        run.note(f"Written to {run.out}")
