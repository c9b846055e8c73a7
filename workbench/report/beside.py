"""What the main job can be asked for about judges beside people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.errors import DesignError
from workbench.results import Result

if TYPE_CHECKING:
    from workbench.report.job import MainJob


def _judges(job: MainJob) -> list[str]:
    """Return the judges: gold, whose weights are compared too, is none unless it is alone."""
    kinds = job.data.annotators.set_index("annotator")["kind"]
    return [one for one in job.judge_names if kinds.get(one) != "objective"] or job.judge_names


def _scenario_ratings(job: MainJob) -> Result:
    from workbench.compare.scenario_ratings.rate import rate_scenarios

    level = job.people.settings["level"]
    return rate_scenarios(job.data, job.reference, level=level, seed=job.seed)


def _calibrate_verdicts(job: MainJob) -> Result:
    from workbench.calibration.soft.calibrate import calibrate_verdicts

    # in a report, the factors are those of its weights
    options = {name: job.people.settings[name] for name in ("factors", "level")}
    return calibrate_verdicts(job.data, _judges(job), job.reference, **options, seed=job.seed)


def _plan_labels(job: MainJob) -> Result:
    from workbench.calibration.plan.plan import plan_labels

    used = job.people.settings
    return plan_labels(
        job.data, reference=job.reference, factors=used["factors"],
        cluster=used["cluster"], level=used["level"],
    )  # fmt: skip


def _scenario(job: MainJob) -> str | None:
    """Return the column of scenarios where they part the pairs into few groups."""
    from workbench.calibration.instrument.functioning import MOST_GROUPS

    return "scenario" if 2 <= job.data.pairs["scenario"].nunique() <= MOST_GROUPS else None


def _instrument(job: MainJob) -> Result:
    from workbench.calibration.instrument.instrument import instrument

    settings = job.people.settings
    return instrument(
        job.data,
        _judges(job) or None,
        job.reference,
        by=_scenario(job),
        level=settings["level"],
        folds=settings["folds"] or 5,
        seed=job.seed,
    )


def _variance_split(job: MainJob) -> Result:
    from workbench.calibration.instrument.variance_split import variance_split

    return variance_split(
        job.data, _judges(job) or None, level=job.people.settings["level"], seed=job.seed,
    )  # fmt: skip


def _panel(job: MainJob) -> Result:
    from workbench.calibration.panel.panel import panel

    used = job.people.settings
    return panel(
        job.data, _judges(job) or None, job.reference,
        folds=max(int(used["folds"]), 2), level=used["level"], seed=job.seed,
    )  # fmt: skip


def _most_beside(job: MainJob, what: str) -> str:
    """Return the judge with most labels beside the reference's."""
    from workbench.audit.judges.verdicts.preferences import most_beside, reference_mask

    judges, data = _judges(job), job.data.decided()
    found = most_beside(data, judges, reference_mask(data, job.reference)) if judges else None
    if found is None:
        raise DesignError(
            "There is no judge.",
            found=f"{', '.join(judges[:12])}: no verdict beside {job.reference}"
            if judges
            else f"only {job.reference}",
            expected="an annotator that is no person, with labels on the same pairs",
            fix=f"Leave {what} out.",
        )
    return found


def _repair(job: MainJob) -> Result:
    from workbench.calibration.repair.repair import repair_judge

    settings, judge = job.people.settings, _most_beside(job, "repair")
    return repair_judge(
        job.data, judge, job.reference, factors=settings["factors"],
        folds=max(int(settings["folds"]), 3), level=settings["level"], seed=job.seed,
    )  # fmt: skip


def _route(job: MainJob) -> Result:
    from workbench.calibration.route.route import route

    settings, judge = job.people.settings, _most_beside(job, "route")
    return route(
        job.data, judge, job.reference, folds=max(int(settings["folds"]), 2),
        level=settings["level"], seed=job.seed,
    )  # fmt: skip


def _compare_annotators(job: MainJob) -> Result:
    from workbench.calibration.paired.annotators import compare_annotators

    options = {"judges": _judges(job), "level": job.people.settings["level"]}
    return compare_annotators(job.data, reference=job.reference, **options)


def _few_labels(job: MainJob) -> Result:
    from workbench.calibration.few.few_labels import few_labels

    wanted = {name: job.people.settings[name] for name in ("factors", "level")}
    return few_labels(job.data, _judges(job) or None, job.reference, **wanted)


def _monitor(job: MainJob) -> Result:
    from workbench.calibration.monitor.monitor import monitor

    level = job.people.settings["level"]
    return monitor(job.data, _judges(job) or None, job.reference, level=level)


def _check_benchmark(job: MainJob) -> Result:
    from workbench.calibration.shortcuts.benchmark import check_benchmark

    used = job.people.settings
    return check_benchmark(
        job.data, job.reference, by=_scenario(job), factors=used["factors"],
        judges=_judges(job) or None, folds=max(int(used["folds"]), 2), level=used["level"],
        seed=job.seed,
    )  # fmt: skip


def _compare_models(job: MainJob) -> Result:
    from workbench.calibration.paired.models import compare_models, most_met

    two, level = most_met(job.data, job.reference), job.people.settings["level"]
    return compare_models(job.data, *two, job.reference, level=level)


def _judge_card(job: MainJob) -> Result:
    from workbench.report.cards.measured import measure_judge

    judge = _most_beside(job, "judge-card")
    options = {name: job.people.settings[name] for name in ("factors", "level")}
    return measure_judge(job.data, judge, job.reference, **options, seed=job.seed)


def _apart(job: MainJob) -> Result:
    from workbench.calibration.apart.apart import apart

    options = {name: job.people.settings[name] for name in ("ties", "level")}
    return apart(job.data, **options)


BESIDE: dict[str, Callable[[MainJob], Result]] = {
    "compare-annotators": _compare_annotators,
    "scenario-ratings": _scenario_ratings,
    "calibrate-verdicts": _calibrate_verdicts,
    "plan-labels": _plan_labels,
    "instrument": _instrument,
    "variance-split": _variance_split,
    "panel": _panel,
    "repair": _repair,
    "route": _route,
    "few-labels": _few_labels,
    "monitor": _monitor,
    "check-benchmark": _check_benchmark,
    "compare-models": _compare_models,
    "judge-card": _judge_card,
    "apart": _apart,
}
"""How each further result about judges beside people is made, by its name in a report."""
