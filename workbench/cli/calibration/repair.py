"""A judge that is mended by labels of people."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags
from workbench.errors import DesignError

_JUDGE = Annotated[str, typer.Option(help="Annotator to mend.")]
_PEOPLE = Annotated[str, typer.Option(help="Annotator or kind to mend it by.")]
_PROMPT = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Annotator: the judge asked with principles in its prompt."),
]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("factors", "scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, *flags)(repair_judge)


def repair_judge(
    run: Run, judge: _JUDGE, people: _PEOPLE = "human", constitution: _PROMPT = None
) -> None:
    """Correct a judge by people's labels, and keep that only where it helps held out.

    --out also gets mended_judge.json where the corrected judge is accepted.
    """
    import workbench as wb

    try:
        data = run.scored()
    except DesignError:
        # verdicts can be corrected without factors; the result says that there were none
        data = run.load()
    with run.progress("Mending the judge"):
        found = wb.repair_judge(
            data, judge, people, constitution=constitution,
            **run.fit_options("factors", "folds", "level"),
        )  # fmt: skip
    own = ["--judge", judge] + (["--people", people] if people != "human" else [])
    own += ["--constitution", constitution] if constitution else []
    run.tell(found, data, "repair-judge", own)
    for path in found.save(run.out) if run.out is not None else []:
        run.note(f"Accepted, and saved as a judge: {path}")
