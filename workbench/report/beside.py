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


BESIDE: dict[str, Callable[[MainJob], Result]] = {
    "plan-labels": _plan_labels,
}
"""How each further result about judges beside people is made, by its name in a report."""
