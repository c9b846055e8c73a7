"""A whole run over data in parts: what is mapped over them, and what is made of a sample."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pandas.api.types import is_numeric_dtype

from workbench.compare.contrast import contrast
from workbench.data.dataset import PreferenceData
from workbench.data.parts.loading import load_parts
from workbench.data.parts.part import PartRef
from workbench.data.parts.parted import MANIFEST, PartedData, is_parted, open_parts
from workbench.decompose.checks.check import check_fit
from workbench.decompose.decomposition import decompose
from workbench.engine import Engine
from workbench.errors import ConfigError
from workbench.factors import CORE, score_factors
from workbench.factors.columns import numeric_pairs
from workbench.ratings.bradley_terry import rate
from workbench.report.further import further
from workbench.report.job import MainJob
from workbench.report.main_job import default_reference, ensure_factors, others_than
from workbench.results import Result
from workbench.whole_run.config import WholeConfig
from workbench.whole_run.tables import specs_of

SAMPLE = 100_000
"""Pairs, about, that what needs rows is made of; all where there are no more."""


@dataclass(frozen=True, eq=False)
class Parted:
    """Data in parts of a whole run, opened when they are wanted.

    Attributes
    ----------
    open : callable
        Returns them.
    """

    open: Callable[[], PartedData]

    @cached_property
    def data(self) -> PartedData:
        """The parts."""
        return self.open()

    @cached_property
    def some(self) -> PreferenceData:
        """Whole clusters of them, about :data:`SAMPLE` pairs."""
        return self.data.sample(SAMPLE)

    @property
    def said(self) -> str | None:
        """What is of a sample only; None where the sample is all."""
        if len(self.some) >= len(self.data):
            return None
        return (
            f"The data lie in {len(self.data.facts)} parts and hold {len(self.data):,} pairs. "
            "Weights, held-out scores, differences, ratings and the data card are of all of them; "
            "checks of the fit, other further results, findings about the data and the pairs shown "
            f"are of a sample of {len(self.some):,} pairs: all pairs of clusters that were chosen "
            "by a hash of their names."
        )


def wants_parts(config: WholeConfig) -> bool:
    """Tell whether a run reads its data into parts, or finds them in parts.

    Raises
    ------
    ConfigError
        A number of parts for data that are in parts.

    Examples
    --------
    >>> wants_parts(WholeConfig()), wants_parts(WholeConfig(parts=4))
    (False, True)
    """
    there = is_parted(Path(config.source))
    if there and config.parts is not None:
        raise ConfigError(
            "The data are in parts already.",
            where="run configuration",
            found=f"parts = {config.parts}, and a source of {_many(config.source)} parts",
            expected="parts for a source that is not divided yet",
            fix="Leave parts out.",
        )
    return there or config.parts is not None


def scores_in_parts(config: WholeConfig, data: PartedData) -> bool:
    """Tell whether factors are computed part by part: of texts, they are there, or none can be."""
    return bool(config.families or data.factor_names or data.has_text or is_bare(data))


def is_bare(data: PartedData) -> bool:
    """Tell whether data can have no factors: no text, and no numeric columns of both sides."""
    kinds = {name: kind for one in data.facts for name, kind in one.pair_columns.items()}
    kinds |= {
        name: kind
        for one in data.facts
        for name, kind in one.pair_columns.items()
        if is_numeric_dtype(kind)
    }
    return not (data.factor_names or data.has_text or numeric_pairs(kinds))


def joins(config: WholeConfig) -> bool:
    """Tell whether something is chosen or added that makes one set of the parts.

    Examples
    --------
    >>> joins(WholeConfig(parts=4)), joins(WholeConfig(parts=4, criteria=("helpful",)))
    (False, True)
    """
    return any((config.judge, config.rubric, config.criteria, config.scenarios, config.rule))


def read_parts(config: WholeConfig, folder: Path, engine: Engine) -> PartedData:
    """Read the source of a run into a folder of parts, or link parts that are there.

    Parameters
    ----------
    config : WholeConfig
    folder : Path
        Taken up where the same call left it unfinished.
    engine : Engine
    """
    if is_parted(Path(config.source)):
        return linked(open_parts(config.source), folder)
    return load_parts(config.source, folder, parts=config.parts, engine=engine, **config.reading())


def linked(data: PartedData, folder: Path) -> PartedData:
    """Return the same parts in another folder: their files are shared, not copied.

    What is written beside one of them (factors) is not beside the other. Files are copied where
    the disk cannot share them.

    Parameters
    ----------
    data : PartedData
    folder : Path
    """
    for one in data.facts:
        shutil.copytree(
            data.folder / one.name, folder / one.name, copy_function=_link, dirs_exist_ok=True
        )
    found = replace(data, folder=folder)
    found.save()
    return found


def scored(data: PartedData, families: tuple[str, ...], engine: Engine) -> PartedData:
    """Return parts with families of text factors; with the core where they have none."""
    specs = specs_of(families)
    if not specs and (data.factor_names or is_bare(data)):
        return data
    return score_factors(data, specs or list(CORE), engine=engine)


def compared(
    parted: Parted, config: WholeConfig, options: dict[str, Any], engine: Engine
) -> tuple[list[Result], str]:
    """Return the results of the main job and their summary: of all pairs, but what needs rows.

    Parameters
    ----------
    parted : Parted
    config : WholeConfig
    options : dict
        Of the main job.
    engine : Engine

    Notes
    -----
    Of a sample are checks of the fit and what ``further`` names, ratings excepted. Battles without
    factors are rated.
    """
    data = parted.data
    if not data.factor_names and _models(data):
        rated = rate(data, annotator=config.annotators or None, level=config.level, engine=engine)
        return [rated], rated.summary()
    reference = options.pop("reference") or default_reference(data)
    names, more = options.pop("annotators"), options.pop("further")
    others = others_than(data, reference, names)
    of_sample = _of_sample(parted, reference, others, options)
    checks = [
        check_fit(fit, folds=config.folds, seed=config.seed)
        for fit in (of_sample.people, of_sample.judges)
        if fit is not None
    ]
    people = decompose(data, annotator=reference, engine=engine, **options)
    job = MainJob(of_sample.data, people)
    if others:
        judges = decompose(data, annotator=others, engine=engine, **options)
        job = replace(job, judges=judges, gap=contrast(judges, people, engine=engine))
    added = (_added(name, of_sample, data, engine) for name in dict.fromkeys(more))
    job = replace(job, further=(*checks, *added))
    return job.results, _told(job, parted)


def _of_sample(
    parted: Parted, reference: str, others: list[str], options: dict[str, Any]
) -> MainJob:
    """Return the fits to the sample, which what needs rows goes by."""
    some = ensure_factors(parted.some.decided())
    job = MainJob(some, decompose(some, annotator=reference, **options))
    there = set(some.annotators["annotator"])
    met = [name for name in others if name in there]
    return replace(job, judges=decompose(some, annotator=met, **options)) if met else job


def _added(name: str, job: MainJob, data: PartedData, engine: Engine) -> Result:
    """Return a further result: ratings of all pairs, any other of the sample."""
    if name != "ratings":
        return further(job, [name])[0]
    level, seed = job.people.settings["level"], job.seed
    return rate(data, annotator=job.reference, level=level, seed=seed, engine=engine)


def _models(data: PartedData) -> bool:
    """Tell whether any pair names a model."""
    return any(PartRef(ref.folder).open().pairs["model_a"].notna().any() for ref in data.refs)


def _told(job: MainJob, parted: Parted) -> str:
    lines = job.summary().splitlines()
    lines[0] = repr(parted.data)
    return "\n".join([*lines, *([] if parted.said is None else ["", parted.said])])


def _link(source: str, place: str) -> None:
    Path(place).unlink(missing_ok=True)
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)


def _many(source: str) -> int:
    return len(open_parts(source).facts)


def clear(root: Path, kind: str, besides: str) -> None:
    """Remove the folders of a kind that other settings made: they can be made again.

    Parameters
    ----------
    root : Path
        Of the run.
    kind, besides : str
        What their names begin with, and the one that stays.
    """
    for folder in root.glob(f"{kind}-*"):
        if folder.name != besides:
            # first what says that it is whole
            (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder)
