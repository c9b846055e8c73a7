"""What each weight owes to a single cluster of labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.decompose.checks.fitted import Fitted
from workbench.decompose.design import Design
from workbench.decompose.estimate import fit_groups
from workbench.decompose.kernel import Array, run_sums

if TYPE_CHECKING:
    from workbench.decompose.decomposition import Decomposition

REFIT_FROM = 0.5
"""Standard errors that a weight must move by, in one step, for the refit to be made; less
will do where that step turns its sign or its significance."""

_ALONE = 1e-8

STEP = "one step without the cluster"
REFIT = "refit without the cluster"
COLUMNS = (
    "group", "term", "cluster", "share", "weight", "told", "estimate", "std_error", "conf_low",
    "conf_high", "p_value", "moves", "turns", "n", "method", "reason",
)  # fmt: skip


def influence(fit: Decomposition, group: str, base: Fitted) -> pd.DataFrame:
    """Return for each weight the cluster whose removal moves it most.

    Parameters
    ----------
    fit : Decomposition
    group : str
    base : Fitted
        Of that group.

    Returns
    -------
    DataFrame
        One row a term: ``cluster``, its ``share`` of the labels' weight, the ``weight`` with
        it and whether it is ``told`` (p below 1 - level), ``estimate`` without it with
        interval and p-value where it was refitted, ``moves`` in standard errors of the weight,
        and what ``turns``: ``sign``, ``significance``, ``undefined`` or nothing.
    """
    if len(base.starts) < 2:
        # without the only cluster nothing is left
        return pd.DataFrame(columns=list(COLUMNS))
    own = fit[group]
    table = own.to_frame().set_index("term")
    at = fit.design.groups.index(group)
    steps = one_step_deletions(base)
    clusters = fit.design.cluster[base.row[base.starts]]
    weights = np.add.reduceat(base.weight, base.starts)
    alpha = 1 - fit.settings["level"]
    refits: dict[int, pd.DataFrame] = {}
    rows = []
    for k, term in enumerate(base.terms):
        worst = int(np.argmax(np.abs(steps[:, k])))
        step, full = float(steps[worst, k]), table.loc[term]
        error = float(full["std_error"])
        row: dict[str, Any] = {
            "group": group,
            "term": term,
            "cluster": str(fit.design.cluster_names[clusters[worst]]),
            "share": float(weights[worst] / weights.sum()),
            "weight": float(full["estimate"]),
            "told": bool(full["p_value"] < alpha),
            "n": float(fit.fits[group].n),
        }
        if abs(step) <= REFIT_FROM * error and not _turns(full, step, alpha):
            rows.append({**row, "estimate": full["estimate"] + step, "moves": step / error,
                         "method": STEP})  # fmt: skip
            continue
        if worst not in refits:
            reduced = without_cluster(fit.design, at, int(clusters[worst]))
            refits[worst] = _refit(own, reduced)
        rows.append({**row, **_without(refits[worst].loc[term], full, alpha)})
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def one_step_deletions(base: Fitted) -> Array:
    r"""Return how each cluster's removal moves each weight, to first order in the step.

    .. math:: \Delta_g = -(H - H_g)^{-1} s_g

    with the information :math:`H_g` and the score :math:`s_g` of the cluster: one Newton
    step from the fit. Where a cluster holds little of the information, :math:`H` stands for
    :math:`H - H_g`; where the others leave a weight untold, it moves without end.

    Parameters
    ----------
    base : Fitted

    Returns
    -------
    ndarray, shape (clusters, K)
    """
    root = np.linalg.cholesky(base.bread)
    score = run_sums(base.whitened, base.residual, base.starts)
    steps = -score @ root.T
    for cluster in base.heavy:
        rows = base.bounds(int(cluster))
        own = base.whitened[rows].T @ (base.information[rows, None] * base.whitened[rows])
        values, vectors = np.linalg.eigh(np.eye(len(root)) - own)
        told = values > _ALONE
        inverse = (vectors[:, told] / values[told]) @ vectors[:, told].T
        steps[cluster] = -root @ (inverse @ score[cluster])
        if not told.all():
            lost = np.abs(root @ vectors[:, ~told]).max(axis=1)
            steps[cluster, lost > 1e-6 * np.abs(root).max(axis=1)] = np.inf
    return np.asarray(steps)


def without_cluster(design: Design, group: int, cluster: int) -> Design:
    """Return the design of one group's labels without those of a cluster.

    Parameters
    ----------
    design : Design
    group, cluster : int
        Their codes.
    """
    kept = (design.cell_group == group) & (design.cluster[design.cell_row] != cluster)
    place = np.cumsum(kept) - 1
    labels = kept[design.label_cell]
    return replace(
        design,
        groups=[design.groups[group]],
        keys=design.keys.iloc[[group]].reset_index(drop=True),
        cell_row=design.cell_row[kept],
        cell_group=np.zeros(int(kept.sum()), dtype=np.int64),
        sums=design.sums[:, kept],
        label_cell=place[design.label_cell[labels]],
        label_preference=design.label_preference[labels],
        label_weight=design.label_weight[labels],
        codes={name: codes[labels] for name, codes in design.codes.items()},
        n_labels=np.array([int(labels.sum())]),
    )


def _turns(full: pd.Series, step: float, alpha: float) -> bool:
    """Tell whether a step turns a weight's sign or significance, its error unchanged."""
    moved = float(full["estimate"]) + step
    half = float(full["conf_high"] - full["estimate"])
    clear = bool(full["p_value"] < alpha)
    return bool(moved * full["estimate"] < 0) or bool(abs(moved) > half) != clear


def _refit(own: Decomposition, design: Design) -> pd.DataFrame:
    fits = fit_groups(design, own.settings["covariance"])
    again = replace(
        own, fits={one.name: one for one in fits}, held_out=own.held_out.iloc[:0], design=design
    )
    return again.to_frame().set_index("term")


def _without(left: pd.Series, full: pd.Series, alpha: float) -> dict[str, Any]:
    """Return the weight of a refit beside the full one, and what turns."""
    names = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "n", "reason")
    moves = (left["estimate"] - full["estimate"]) / full["std_error"]
    turns = None
    if not np.isfinite(left["estimate"]):
        turns = "undefined"
    elif left["estimate"] * full["estimate"] < 0:
        turns = "sign"
    elif (left["p_value"] < alpha) != (full["p_value"] < alpha):
        turns = "significance"
    return {**{name: left[name] for name in names}, "moves": moves, "turns": turns,
            "method": REFIT}  # fmt: skip
