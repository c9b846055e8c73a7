"""Which pairs to have labelled next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from workbench.cli.calibration import tasks
from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags
from workbench.errors import ConfigError

_N = 200


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    command(app, SOURCE, FORMAT, REFERENCE, *fit_flags("factors", "scenarios"))(choose_pairs)


def choose_pairs(
    run: Run,
    n: Annotated[int, typer.Option("-n", "--number", help="Pairs to choose.")] = _N,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Factors or models whose errors are to fall, not all of them. "
                     "Commas separate; may be repeated."),
    ] = None,
    design: Annotated[
        Literal["factors", "ratings"], typer.Option(help="What is weighed: ratings of models.")
    ] = "factors",
    random_share: Annotated[float, typer.Option(help="Share drawn at random.")] = 0.25,
    batch: Annotated[int, typer.Option(help="Pairs after which to read labels in.")] = 25,
    to: Annotated[list[str] | None, tasks.TO] = None,
    after: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Choose nothing: hold what these earlier choices (the "
                     "last one last) promised against DATA, which has the labels."),
    ] = None,
) -> None:  # fmt: skip
    """Choose the pairs whose labels would tell most of weights, or of ratings."""
    import workbench as wb

    tools = tasks.tools(run, to)
    if after:
        _refuse_with_after({"-n": n != _N, "--target": target, "--to": to, "--batch": batch != 25,
                            "--random-share": random_share != 0.25})  # fmt: skip
    data = run.load() if design == "ratings" else run.scored()
    if after:
        from workbench.calibration.choose.kept import read_choice

        with run.progress("Checking promises"):
            checked = wb.check_choice(data, [read_choice(folder) for folder in after])
        words = [word for folder in after for word in ("--after", str(folder))]
        run.tell(checked, data, "choose-pairs", words)
        return
    with run.progress("Choosing pairs"):
        found = wb.choose_pairs(
            data, n, reference=run.config.reference or "human",
            factors=list(run.config.factors) or None, target=split_names(target or []),
            design=design, random_share=random_share, batch=batch, seed=run.config.seed,
        )  # fmt: skip
    words = ["-n", str(n)]
    words += [] if not target else ["--target", ",".join(found.settings["target"])]
    words += ["--design", design] if design == "ratings" else []
    words += ["--random-share", f"{random_share:g}"] if random_share != 0.25 else []
    words += ["--batch", str(batch)] if batch != 25 else []
    words += ["--to", ",".join(tools)] if tools else []
    run.tell(found, data, "choose-pairs", words)
    tasks.write(run, data, found.pair_ids, tools)


def _refuse_with_after(given: dict[str, Any]) -> None:
    """Refuse what would choose pairs where none are chosen."""
    lost = [flag for flag, value in given.items() if value]
    if lost:
        raise ConfigError(
            "No pairs are chosen where earlier choices are checked.",
            found=f"--after with {', '.join(lost)}",
            expected="one or the other",
            fix="Leave one of them out.",
        )
