"""What the main job can be asked for about judges beside people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.results import Result

if TYPE_CHECKING:
    from workbench.report.job import MainJob


def _plan_labels(job: MainJob) -> Result:
    from workbench.calibration.plan.plan import plan_labels

    used = job.people.settings
    return plan_labels(
        job.data, reference=job.people.groups[0], factors=used["factors"],
        cluster=used["cluster"], level=used["level"],
    )  # fmt: skip


def _instrument(job: MainJob) -> Result:
    from workbench.calibration.instrument.functioning import MOST_GROUPS
    from workbench.calibration.instrument.instrument import instrument

    settings = job.people.settings
    scenarios = int(job.data.pairs["scenario"].nunique())
    return instrument(
        job.data,
        None if job.judges is None else job.judges.groups,
        job.people.groups[0],
        by="scenario" if 2 <= scenarios <= MOST_GROUPS else None,
        level=settings["level"],
        folds=settings["folds"] or 5,
        seed=int(job.people.provenance.seed or 0),
    )


def _panel(job: MainJob) -> Result:
    from workbench.calibration.panel.panel import panel

    used = job.people.settings
    return panel(
        job.data, None if job.judges is None else list(job.judges.groups), job.people.groups[0],
        folds=max(int(used["folds"]), 2), level=used["level"],
        seed=int(job.people.provenance.seed or 0),
    )  # fmt: skip


BESIDE: dict[str, Callable[[MainJob], Result]] = {
    "plan-labels": _plan_labels,
    "instrument": _instrument,
    "panel": _panel,
}
"""How each further result about judges beside people is made, by its name in a report."""
