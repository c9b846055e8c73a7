"""The command that finds factors nobody named."""

from __future__ import annotations

from pathlib import Path

import typer

from workbench.cli.annotate import ASKED, AnnotateRun, DryRun, Retry
from workbench.cli.command import command
from workbench.cli.options import FORMAT, SOURCE, fit_flags, option

_OFFLINE = "offline:plain"

_HOW = (
    option("directions", int | None, None, "Directions to look for (32).", "--k"),
    option("active", int | None, None, "Directions that make the difference of one pair (4)."),
    option("embedding", str | None, None, "offline, endpoint, a Parquet file of vectors by pair "
           "and side, or the folder of a sentence encoder."),
    option("embedding_model", str | None, None, "Model of embeddings at the endpoint."),
    option("shown", int | None, None, "Pairs from which a direction is named (8)."),
    option("fidelity_pairs", int | None, None, "Pairs on which each name is tested (100)."),
    option("controls", list[str] | None, None, "Factors that stand beside them, such as words."),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command ``discover`` to an application."""
    data = (SOURCE, FORMAT, *fit_flags("annotators", "scenarios"))
    # pairs are asked about in both orders, and each question once
    asked = tuple(one for one in ASKED if one.name not in ("repeats", "orders"))
    command(app, *data, *_HOW, *asked, run_type=AnnotateRun)(discover)


def discover(run: AnnotateRun, dry_run: DryRun = False, retry_failed: Retry = False) -> None:
    """Find properties in which responses differ, name them, and test whether labels follow them.

    --out is the folder of the run, taken up where it stopped; results/data are the pairs that chose
    neither directions nor names, with the factors. Without --model a built-in one counts words.
    """
    config = run.config
    path = config.embedding
    if path is not None and Path(path).exists():
        # the run does not hang on the folder that it was begun in
        path = str(Path(path).resolve())
    config = config.updated(
        "command line",
        directions=config.directions or 32,
        model=config.model or _OFFLINE,
        embedding=path,
    )
    AnnotateRun(config, run.as_json, run.out, run.quiet).ask(dry_run, retry_failed)
