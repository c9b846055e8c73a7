"""What the main job can be asked for beside its own results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from workbench.audit.judges.verdicts.preferences import reference_mask
from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, decompose
from workbench.errors import DesignError
from workbench.report.beside import BESIDE
from workbench.results import Result

if TYPE_CHECKING:
    from workbench.report.job import MainJob


def everyone(job: MainJob) -> PreferenceData:
    """Return the labels of the reference and of those compared with it.

    A reference that is a kind becomes one annotator of its name, as it is one group of the
    main job.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.report.main_job import main_job
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> names = everyone(main_job(data, factors=["words"], folds=0)).annotators["annotator"]
    >>> "human" in set(names)
    True
    """
    data, reference = job.data, job.reference
    labels = data.labels
    pooled = pd.Series(reference_mask(data, reference), index=labels.index)
    kept = labels[pooled | labels["annotator"].isin(job.judge_names)]
    kept = kept.assign(annotator=kept["annotator"].mask(pooled, reference))
    return replace(data, labels=complete_labels(kept.drop(columns="replicate")))


def _fit(job: MainJob, by: Sequence[str] = ("annotator",)) -> Decomposition:
    wanted = ("factors", "covariance", "cluster", "ties", "level")
    return decompose(everyone(job), by=by, folds=0, **_options(job, *wanted))


def _options(job: MainJob, *names: str) -> dict[str, Any]:
    return {**{name: job.people.settings[name] for name in names}, "seed": job.seed}


def posterior(
    job: MainJob,
    prior: Literal["laplace", "normal"] = "laplace",
    scale: float | Literal["held-out"] = "held-out",
) -> Result:
    """Return the posterior weights of everybody in a main job (:func:`workbench.dissect`)."""
    from workbench.decompose.posterior import dissect

    options = _options(job, "factors", "ties", "level")
    return dissect(everyone(job), by="annotator", prior=prior, scale=scale, **options)


def _bootstrap(job: MainJob) -> Result:
    from workbench.decompose.bootstrap import bootstrap

    return bootstrap(_fit(job), **_options(job, "level"))


def _similarity(job: MainJob) -> Result:
    from workbench.compare.similarity import similarity
    from workbench.decompose.bootstrap import bootstrap

    by = ("annotator", "scenario") if _scenarios(job) > 1 else ("annotator",)
    options = _options(job, "level")
    # one step of each refit: a rare factor that a resample lacks then costs no replicate
    draws = bootstrap(_fit(job, by), method="multiplier", **options)
    return similarity(draws, level=options["level"])


def _scenario_pool(job: MainJob) -> Result:
    from workbench.compare.scenarios import pool_scenarios

    if _scenarios(job) < 2:
        raise DesignError(
            "Scenarios cannot be compared.",
            found=f"{_scenarios(job)} scenarios in the pairs' column scenario",
            expected="at least two",
            fix="Name the column when loading (--map scenario=COLUMN), or leave this result out.",
        )
    return pool_scenarios(everyone(job), **_options(job, "factors", "ties", "level"))


def _fit_check(job: MainJob) -> Result:
    from workbench.decompose.checks.check import check_fit

    return check_fit(_fit(job), folds=job.people.settings["folds"], seed=job.seed)


def _concordance(job: MainJob) -> Result:
    from workbench.compare.concordance import concordance

    fit = _fit(job)
    return concordance(everyone(job), fit=fit, **_options(job, "factors", "level"))


def _strength(job: MainJob) -> Result:
    from workbench.curate.strength import strength

    return strength(job.data, annotators=_reference(job), **_options(job, "level"))


def _raters(job: MainJob) -> Result:
    from workbench.structure.raters.agreement import rater_agreement

    return rater_agreement(job.data, annotators=_reference(job), **_options(job, "level"))


def _mixed(job: MainJob) -> Result:
    from workbench.structure.mixed.mixed import mixed

    options = _options(job, "factors", "ties", "level")
    return mixed(job.data, annotators=_reference(job), **options)


def _context(job: MainJob) -> Result:
    from workbench.structure.context.context import context

    options = _options(job, "factors", "level")
    return context(job.data, annotators=_reference(job), **options)


def _people(job: MainJob) -> Result:
    from workbench.structure.people.people import people

    options = _options(job, "factors", "ties", "level")
    return people(job.data, annotators=_reference(job), **options)


def _values(job: MainJob) -> Result:
    from workbench.structure.values.values import values

    options = _options(job, "ties", "level")
    folds = max(int(job.people.settings["folds"]), 3)
    return values(everyone(job), reference=job.reference, folds=folds, **options)


def _rationales(job: MainJob) -> Result:
    from workbench.explain.rationales.rationales import rationales

    used = job.people.settings
    return rationales(job.data, factors=used["factors"], folds=max(int(used["folds"]), 2),
                      level=used["level"], seed=job.seed)  # fmt: skip


def curation(job: MainJob, rule: Mapping[str, Any]) -> Result:
    """Return what a rule does to the labels of the reference (:func:`workbench.curate`)."""
    from workbench.curate.curation import curate

    return curate(job.data, rule, annotators=_reference(job), seed=job.seed)


def _reference(job: MainJob) -> list[str]:
    """Return the annotators that the reference is, or pools."""
    table, name = job.data.annotators, job.people.groups[0]
    own = table["annotator"].eq(name)
    return list(table.loc[own if own.any() else table["kind"].eq(name), "annotator"])


def _groups(job: MainJob) -> Result:
    from workbench.structure.groups.groups import groups

    options = _options(job, "factors", "ties", "level")
    return groups(job.data, annotators=_reference(job), **options)


def _discover(job: MainJob) -> Result:
    from workbench.discover.discover import discover

    options = _options(job, "level")
    return discover(job.data, _reference(job), k=16, fidelity_pairs=60, **options)


def _ratings(job: MainJob) -> Result:
    from workbench.ratings.bradley_terry import rate

    options = _options(job, "level")
    return rate(job.data, annotator=job.people.groups[0], **options)


def _ceiling(job: MainJob) -> Result:
    from workbench.ceiling.ceiling import ceiling

    options = _options(job, "factors", "ties", "folds", "level")
    folds = max(int(options.pop("folds")), 3)
    return ceiling(job.data, annotator=job.reference, folds=folds, **options)


def _transitivity(job: MainJob) -> Result:
    from workbench.structure.transitivity.transitivity import transitivity

    return transitivity(everyone(job), **_options(job, "level"))


def _scenarios(job: MainJob) -> int:
    return int(job.data.pairs["scenario"].nunique())


FURTHER: dict[str, Callable[[MainJob], Result]] = {
    "posterior": posterior,
    "bootstrap": _bootstrap,
    "fit": _fit_check,
    "similarity": _similarity,
    "scenarios": _scenario_pool,
    "concordance": _concordance,
    "ratings": _ratings,
    "strength": _strength,
    "raters": _raters,
    "mixed": _mixed,
    "groups": _groups,
    "context": _context,
    "discover": _discover,
    "transitivity": _transitivity,
    "people": _people,
    "values": _values,
    "rationales": _rationales,
    "ceiling": _ceiling,
    **BESIDE,
}
"""How each further result is made, by the name that ``--with`` takes."""


def further(job: MainJob, names: Sequence[str]) -> tuple[Result, ...]:
    """Return further results of a main job.

    Parameters
    ----------
    job : MainJob
    names : sequence of str
        Of :data:`FURTHER`.

    Raises
    ------
    DesignError
        An unknown name, or data that do not have what a result needs.

    Examples
    --------
    >>> "strength" in FURTHER
    True
    """
    unknown = [name for name in names if name not in FURTHER]
    if unknown:
        raise DesignError(
            f"There is no further result {unknown[0]!r}.",
            found=", ".join(names),
            expected=", ".join(FURTHER),
            fix="Check the spelling of --with.",
        )
    return tuple(FURTHER[name](job) for name in dict.fromkeys(names))
