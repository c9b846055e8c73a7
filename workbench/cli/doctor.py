"""The command that says what data support."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
    from workbench.data.store import saved_in, verify

    saved = None if run.beside else saved_in(Path(run.config.source))
    if saved is not None:
        # opening reads no text of a saved set: whether they are whole is looked at here
        verify(saved)
        run.note("Every file of the saved data set is as it was saved.")
    found = wb.doctor(run.load())
    # what was lost in reading stands under every result
    run.show(replace(found, lost="").summary(), found.to_dict())
    if run.out is not None:
        from workbench.json_values import to_json
        from workbench.whole_file import write_text

        run.out.mkdir(parents=True, exist_ok=True)
        write_text(run.out / "doctor.json", to_json(found.to_dict()))
        run.note(f"Written to {run.out}")
