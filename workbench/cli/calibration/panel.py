"""Several judges as one annotator, beside people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.command import Run, command, numbers_by_name, split_names
from workbench.cli.options import FORMAT, REFERENCE, SOURCE, fit_flags

if TYPE_CHECKING:
    from workbench.calibration.panel.result import Panel
    from workbench.data.dataset import PreferenceData

_How = Annotated[
    list[str] | None,
    typer.Option(help="Of majority, weighted, dawid-skene. Commas separate; may be repeated."),
]
_Truth = Annotated[
    str | None, typer.Option(help="exists: one answer of each pair is right, whoever is asked.")
]
_Cost = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=NUMBER", help="What a pair costs by a judge; calls if not given."),
]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    options = fit_flags("annotators", "scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, REFERENCE, *options)(panel)


def panel(run: Run, how: _How = None, truth: _Truth = None, cost: _Cost = None) -> None:
    """Combine judges; --out saves the data with the panels as further annotators."""
    import workbench as wb

    data = run.load()
    with run.progress("Combining judges"):
        found = wb.panel(
            data, run.config.annotators or None, run.config.reference or "human",
            how=split_names(how or []), truth=truth,
            costs=numbers_by_name("--cost", cost or []) or None,
            **run.fit_options("folds", "level"),
        )  # fmt: skip
    own = ["--how", ",".join(found.settings["how"])] if how else []
    own += ["--truth", truth] if truth else []
    own += [word for one in cost or [] for word in ("--cost", one)]
    run.tell(found, data, "panel", own)
    if run.out is not None:
        wb.save(with_panels(data, found), run.out / "data")


def with_panels(data: PreferenceData, found: Panel) -> PreferenceData:
    """Return the data with every panel as a further annotator."""
    for how in found.settings["how"]:
        data = found.add_to(data, how)
    return data
