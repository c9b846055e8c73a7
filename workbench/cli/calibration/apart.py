"""How much of a choice is a response's being right, and how much its length."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    flags = fit_flags("annotators", "scenarios", "ties", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *flags)(apart)


def apart(
    run: Run,
    correct: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The right response has more in its column of COLUMN_a and COLUMN_b, such as "
            "tests passed; in place of --reference, who says which is right.",
        ),
    ] = None,
    length: Annotated[
        str,
        typer.Option(help="words, another text factor, or the columns LENGTH_a and LENGTH_b."),
    ] = "words",
    style: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Further factors of the fit, such as bold. Commas separate; may be repeated.",
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Judge beside whom the others are put; people if not given.")
    ] = None,
    equal: Annotated[
        float, typer.Option(min=0, help="Part by which two responses are about as long.")
    ] = 0.1,
) -> None:
    """Say how much of a choice is being right, how much length, and what outweighs the other."""
    import workbench as wb

    data = run.load()
    named = split_names(style or []) or ()
    with run.progress("Setting length and correctness apart"):
        found = wb.apart(
            data, reference=run.config.reference, correct=correct, length=length, style=named,
            annotators=run.config.annotators or None, against=against, equal=equal,
            ties=run.config.ties, level=run.config.level,
        )  # fmt: skip
    flags = [] if correct is None else ["--correct", correct]
    flags += [] if length == "words" else ["--length", length]
    flags += ["--style", ",".join(named)] if named else []
    flags += [] if against is None else ["--against", against]
    flags += [] if equal == 0.1 else ["--equal", str(equal)]
    run.tell(found, data, "apart", flags)
