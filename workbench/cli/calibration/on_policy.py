"""How many of the responses of a set a model would write itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, SOURCE, fit_flags
from workbench.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "scenarios", "level"))(on_policy)


def on_policy(
    run: Run,
    own: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Names of the model in model_a and model_b. Commas separate; may be repeated.",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(help="Folder that audit-model --out keeps: the last model's scores."),
    ] = None,
    samples: Annotated[
        bool,
        typer.Option(
            "--samples",
            help="The responses that the audit had as --unseen are samples of the model itself.",
        ),
    ] = False,
    within: Annotated[
        float, typer.Option(help="Middle part of the samples that counts as likely.")
    ] = 0.95,
) -> None:
    """Say which share of chosen and rejected responses is the model's own, or likely for it."""
    import workbench as wb

    data = run.load()
    named = split_names(own or []) or ()
    given: dict[str, Any] = {} if scores is None else _kept(scores, samples=samples)
    if samples and scores is None:
        raise ConfigError(
            "There are no samples without the scores of an audit.",
            expected="--samples with --scores FOLDER",
            fix="Audit the model with its own responses: audit-model --unseen FILE --out FOLDER.",
        )
    found = wb.on_policy(
        data, named, **given, annotators=list(run.config.annotators) or None, within=within,
        level=run.config.level,
    )  # fmt: skip
    flags = ["--own", ",".join(named)] if named else []
    flags += [] if scores is None else ["--scores", str(scores)]
    flags += ["--samples"] * samples
    flags += [] if within == 0.95 else ["--within", str(within)]
    run.tell(found, data, "on-policy", flags)


def _kept(folder: Path, *, samples: bool) -> dict[str, pd.DataFrame | None]:
    """Return the last model's scores, and those of what it wrote."""
    from workbench.scoring.training.kept import read_scores

    kept = read_scores(folder)
    table = list(kept.common().values())[-1]
    if not samples:
        return {"scores": table}
    name = list(kept.tables)[-1]
    if name not in kept.unseen:
        raise ConfigError(
            "The audit holds no other responses.",
            where=folder.name,
            expected="an audit with --unseen: responses that the model itself wrote",
            fix="Audit the model again: audit-model --unseen FILE --out FOLDER.",
        )
    return {"scores": table, "samples": kept.unseen[name]}
