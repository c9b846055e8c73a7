"""A whole run over data in parts: what is mapped over them, and what is made of a sample."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.data.dataset import PreferenceData
from workbench.data.parts.loading import load_parts
from workbench.data.parts.parted import MANIFEST, PartedData, is_parted, open_parts
from workbench.decompose.checks.check import check_fit
from workbench.decompose.decomposition import decompose
from workbench.engine import Engine
from workbench.errors import ConfigError
from workbench.factors import CORE, score_factors
from workbench.report.job import MainJob
from workbench.report.main_job import default_reference, main_job, others_than
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
            "Weights and held-out scores are of all of them; differences, checks, further results "
            f"and the pairs and numbers shown of the data are of a sample of {len(self.some):,} "
            "pairs: all pairs of clusters that were chosen by a hash of their names."
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
    """Tell whether factors are computed part by part: of texts, or they are there."""
    return bool(config.families or data.factor_names or data.has_text)


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
    if not specs and data.factor_names:
        return data
    return score_factors(data, specs or list(CORE), engine=engine)


def compared(
    parted: Parted, config: WholeConfig, options: dict[str, Any], engine: Engine
) -> tuple[list[Result], str]:
    """Return the results of the main job and their summary: fits of all, the rest of a sample.

    Parameters
    ----------
    parted : Parted
    config : WholeConfig
    options : dict
        Of the main job.
    engine : Engine
    """
    data, some = parted.data, parted.some
    reference = options.pop("reference") or default_reference(data)
    job = main_job(some, reference, **options)
    checks = [
        check_fit(fit, folds=config.folds, seed=config.seed)
        for fit in (job.people, job.judges)
        if fit is not None
    ]
    names, _ = options.pop("annotators"), options.pop("further")
    others = others_than(data, reference, names)
    job = replace(
        job,
        people=decompose(data, annotator=reference, engine=engine, **options),
        judges=decompose(data, annotator=others, engine=engine, **options) if others else None,
        further=(*checks, *job.further),
    )
    return job.results, _told(job, parted)


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
