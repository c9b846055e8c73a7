"""The decomposition of data in parts: passes over the parts, and sums of what each one says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.data.columns import check_nobody_vanishes
from workbench.data.parts.parted import PartedData, named
from workbench.decompose.design import Design
from workbench.decompose.errors.clustered import clustered, varied
from workbench.decompose.errors.sandwich import Errors
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array
from workbench.decompose.parted.again import Source, removed
from workbench.decompose.parted.fit import added, fit_parts
from workbench.decompose.parted.folds import FoldSumsAt
from workbench.decompose.parted.held_out import held_out_of_parts
from workbench.decompose.parted.layout import Layout, answered
from workbench.decompose.parted.moments import Directions
from workbench.decompose.parted.pull_sums import GroupErrors, errors_at, told_errors
from workbench.decompose.parted.selection import Selecting, select_annotators
from workbench.decompose.parted.wanted import Fitted, Wanted, no_scores
from workbench.decompose.parted.whole import Whole, joined
from workbench.engine import Engine

WORK = "work"
"""Folder, in that of the data, of what an unfinished verb has done."""


def decompose_parts(data: PartedData, wanted: Wanted, engine: Engine) -> Fitted:
    """Fit data in parts: the same weights and errors as in memory.

    The designs of the parts are laid out in a folder beside the data, so that a run that was
    killed goes on from them; they are removed at the end.

    Parameters
    ----------
    data : PartedData
    wanted : Wanted
    engine : Engine
    """
    chosen, by = select_annotators(Selecting(data), wanted.annotator, wanted.by)
    factors = None if wanted.factors is None else tuple(wanted.factors)
    settings = {
        "data": data.digest,
        "selection": chosen.selection.__dict__,
        "by": by,
        "factors": factors,
        "ties": wanted.ties,
        "cluster": wanted.cluster,
        "seed": wanted.seed,
    }
    # workers of a cluster run in another folder
    folder = data.folder.absolute() / WORK / f"decompose-{named(settings)}"
    layout = Layout(
        str(folder),
        chosen.selection,
        tuple(by),
        factors,
        wanted.ties,
        tuple(wanted.cluster),
        wanted.seed,
        len(data.facts) > 1,
    )
    facts = list(engine.map(layout, data.refs))
    if chosen.selection.criteria is not None:
        check_nobody_vanishes(data.annotators["annotator"], answered(facts))
    names = [ref.name for ref in data.refs]
    whole = joined(folder, names, facts, by, wanted.cluster, wanted.folds, wanted.seed)
    fits, directions = fit_parts(whole, wanted.covariance, engine)
    fits = with_errors(whole, fits, directions, wanted.covariance == "cluster", engine)
    scores = no_scores()
    if wanted.folds:
        sums = added(engine.map(FoldSumsAt(_coefficients(fits), wanted.folds), whole.pieces))
        folds, level = wanted.folds, wanted.level
        scores = held_out_of_parts(whole, fits, sums, engine, folds=folds, level=level)
    removed(folder)
    whole.design.comes_from(Source(data.digest, tuple(data.refs), layout, engine, directions))
    return Fitted(by, whole.design, fits, scores)


def with_errors(
    whole: Whole, fits: list[GroupFit], directions: Directions, clusters: bool, engine: Engine
) -> list[GroupFit]:
    """Return the fits with their cluster-robust errors, if these are wanted.

    Parameters
    ----------
    whole : Whole
    fits : list of GroupFit
        Of some groups.
    directions : mapping
    clusters : bool
    engine : Engine
    """
    design = whole.design
    place = {name: j for j, name in enumerate(design.groups)}
    told = {
        place[fit.name]: replace(
            fit, dimensions=design.dimensions(place[fit.name]) if clusters else ()
        )
        for fit in fits
        if fit.active.any()
    }
    found: dict[int, GroupErrors] = {}
    for part in engine.map(errors_at(whole, told, directions), whole.pieces):
        for j, one in part.items():
            found[j] = found[j] + one if j in found else one

    def made(_: Design, fit: GroupFit) -> Errors:
        return told_errors(whole, fit, found[place[fit.name]])

    def sided(_: Design, fit: GroupFit) -> NDArray[np.bool_]:
        return found[place[fit.name]].sided

    if not clusters:
        return [varied(design, fit, sided) for fit in fits]
    return [clustered(design, fit, made, sided) for fit in fits]


def _coefficients(fits: list[GroupFit]) -> Array:
    """Return the coefficients of all groups, 0 where there is none, shape (K, J)."""
    return np.stack([np.where(fit.active, fit.coef, 0.0) for fit in fits], axis=1)
