"""Draws of every group's weights: of a fit in memory, and of one over parts."""

from __future__ import annotations

import numpy as np

from workbench.data.split import name_words
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, Codes
from workbench.decompose.parted.again import source_of
from workbench.decompose.parted.signs import signed_scores
from workbench.decompose.parted.whole import PartedDesign
from workbench.decompose.resample.by_name import signs_of
from workbench.decompose.resample.refits import (
    WIDTH,
    Counts,
    Problem,
    draw_counts,
    exact_draws,
    multiplier_steps,
)
from workbench.engine import Engine
from workbench.errors import DesignError

_COUNT_BYTES = 128 * 2**20
"""Counts of clusters held at a time."""

Drawn = tuple[Array, Codes, dict[str, str]]
"""Weights (count, J, K), codes of failures (count, J), and why a group has no weight at all."""


def drawn(
    fit: Decomposition, replicates: int, exact: bool, seed: int, engine: Engine | None
) -> Drawn:
    """Return the draws of all groups.

    Parameters
    ----------
    fit : Decomposition
    replicates : int
    exact : bool
        Refits, or one step for each.
    seed : int
    engine : Engine, optional
        Of a fit over parts.

    Raises
    ------
    DesignError
        Exact refits of a fit over parts.
    """
    if isinstance(fit.design, PartedDesign):
        return _over_parts(fit, replicates, exact, seed, engine)
    return _in_memory(fit, replicates, exact, seed)


def _in_memory(fit: Decomposition, replicates: int, exact: bool, seed: int) -> Drawn:
    universe, codes = np.unique(fit.design.cluster, return_inverse=True)
    words = name_words(fit.design.cluster_names[universe], 0)
    rng = np.random.default_rng(seed)
    size = max(1, _COUNT_BYTES // len(universe) // WIDTH) * WIDTH
    pieces: list[tuple[Array, Codes]] = []
    reasons: dict[str, str] = {}
    for start in range(0, replicates, size):
        stop = min(start + size, replicates)
        if exact:
            picked = draw_counts(len(universe), stop - start, rng)
        else:
            picked = [signs_of(words, start, stop, seed)]
        piece, reasons = _draw(fit, codes, picked, stop - start, exact)
        pieces.append(piece)
    draws = np.concatenate([weights for weights, _ in pieces])
    return draws, np.concatenate([failed for _, failed in pieces]), reasons


def _draw(
    fit: Decomposition, codes: Codes, picked: list[Counts], count: int, exact: bool
) -> tuple[tuple[Array, Codes], dict[str, str]]:
    draws = np.full((count, len(fit.groups), len(fit.terms)), np.nan)
    failed = np.zeros((count, len(fit.groups)), dtype=np.int64)
    reasons: dict[str, str] = {}
    for j, (name, group) in enumerate(fit.fits.items()):
        problem = _problem(fit, group, codes)
        if isinstance(problem, str):
            reasons[name] = problem
        elif exact:
            draws[:, j, group.active], failed[:, j] = exact_draws(problem, picked)
        else:
            steps = _small_sample(group) * multiplier_steps(problem, picked[0])
            draws[:, j, group.active] = problem.weights(steps)
    return (draws, failed), reasons


def _small_sample(group: GroupFit) -> float:
    k, g = int(group.active.sum()), group.n_clusters
    return float(np.sqrt(g / (g - 1) * (group.n - 1) / (group.n - k)))


def _over_parts(
    fit: Decomposition, replicates: int, exact: bool, seed: int, engine: Engine | None
) -> Drawn:
    """Return the draws of a fit over parts: to first order they are sums over clusters."""
    if exact:
        raise DesignError(
            "Exact refits need all rows at once, and these lie in parts.",
            found='method="exact"',
            expected='method="multiplier", whose draws are sums over parts',
            fix="Or fit a sample, data.sample(100_000), or, if it fits into memory, data.whole().",
        )
    source = source_of(fit.design)
    reasons = {name: why for name, group in fit.fits.items() if (why := _undrawn(group))}
    place = {name: fit.design.groups.index(name) for name in fit.fits if name not in reasons}
    groups = {place[name]: fit.fits[name] for name in place}
    sums = signed_scores(source, groups, replicates, seed, engine or source.engine)
    draws = np.full((replicates, len(fit.groups), len(fit.terms)), np.nan)
    for j, (name, group) in enumerate(fit.fits.items()):
        if name in place:
            bread = group.bread[np.ix_(group.active, group.active)]
            steps = _small_sample(group) * (bread @ sums[place[name]])
            draws[:, j, group.active] = group.coef[group.active] + steps.T
    return draws, np.zeros((replicates, len(fit.groups)), dtype=np.int64), reasons


def _undrawn(group: GroupFit) -> str | None:
    """Say why a group has no draws, if so."""
    if not group.active.any():
        return "no weight could be estimated"
    return "one cluster cannot be resampled" if group.n_clusters < 2 else None


def _problem(fit: Decomposition, group: GroupFit, codes: Codes) -> Problem | str:
    """Return a group's labels in the form that refits need, or why it has no draws."""
    why = _undrawn(group)
    if why is not None:
        return why
    design = fit.design
    rows, cells = design.compact(design.groups.index(group.name))
    kept = ~np.isin(rows, group.decided)
    rows = rows[kept]
    try:
        return Problem.at(
            np.ascontiguousarray(design.X[np.ix_(rows, np.flatnonzero(group.active))]),
            cells.weight[kept, 0],
            cells.votes[kept, 0],
            group.coef[group.active],
            codes[rows],
        )
    except np.linalg.LinAlgError:
        return "the Hessian of the fit is singular to working precision"
