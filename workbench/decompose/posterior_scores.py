"""Groups as the sampler reads them, and how well posteriors predict labels they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import mean_and_error
from workbench.data.split import folds as fold_numbers
from workbench.decompose.design import Design
from workbench.decompose.kernel import Array, logistic
from workbench.decompose.sampling.expectation import moments, predictive
from workbench.decompose.sampling.sampler import CHAINS, Draws, Part, Prior, sample
from workbench.decompose.scores.intervals import positive_interval, quantile
from workbench.decompose.scores.labels import Labels
from workbench.decompose.scores.measures import Predictor, measures
from workbench.decompose.scores.shared_training import CERTAIN, Trained

GRID = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Scales that are compared where none is given."""

_FOLD_DRAWS = 10 * CHAINS
_VALUES = 2_000_000


@dataclass(frozen=True, eq=False)
class Labelled:
    """Groups that labelled the same design rows.

    Attributes
    ----------
    groups : list of int
        Positions of the J groups in the design.
    rows : ndarray of int
        Design rows.
    part : Part
        Their differences and cells.
    """

    groups: list[int]
    rows: NDArray[np.int64]
    part: Part

    def at(self, keep: NDArray[np.bool_]) -> Part:
        """Return the part on some of the rows."""
        part = self.part
        return Part(part.X[keep], part.weight[keep], part.votes[keep], part.names)


def labelled(design: Design, terms: NDArray[np.int64]) -> list[Labelled]:
    """Return the groups of a design, those with the same rows together.

    Parameters
    ----------
    design : Design
    terms : ndarray of int
        Columns of the design to fit.
    """
    order = np.lexsort([design.cell_row, design.cell_group])
    ends = np.searchsorted(design.cell_group[order], np.arange(len(design.groups) + 1))
    same: dict[bytes, list[int]] = {}
    for group in range(len(design.groups)):
        cells = order[ends[group] : ends[group + 1]]
        same.setdefault(design.cell_row[cells].tobytes(), []).append(group)
    parts = []
    for groups in same.values():
        cells = np.stack([order[ends[g] : ends[g + 1]] for g in groups], axis=1)
        rows = design.cell_row[cells[:, 0]]
        X = np.ascontiguousarray(design.X[np.ix_(rows, terms)])
        names = [design.groups[g] for g in groups]
        parts.append(
            Labelled(groups, rows, Part(X, design.sums[0][cells], design.sums[1][cells], names))
        )
    return parts


def draw(parts: list[Labelled], prior: Prior, draws: int, seed: int) -> Draws:
    """Return the draws of every group, in the order of the design's groups."""
    found = sample([one.part for one in parts], prior, draws=draws, seed=seed)
    return _ordered(found, parts)


def draw_folds(parts: list[Labelled], prior: Prior, draws: int, folds: int, seed: int) -> Draws:
    """Return the pooled draws of fits that each leave out one fold, as the paper averages them.

    Rows are shuffled by ``numpy.random.seed(0)`` and cut in equal runs; the mean of the
    pooled draws is the average of the fits' means.
    """
    pieces = []
    for fold in range(folds):
        cut = [_without(one, fold, folds) for one in parts]
        share = -(-draws // (folds * CHAINS)) * CHAINS
        pieces.append(sample(cut, prior, draws=share, seed=seed + fold))
    pooled = Draws(
        values=np.concatenate([p.values for p in pieces], axis=1),
        ess=np.sum([p.ess for p in pieces], axis=0),
        rhat=np.max([p.rhat for p in pieces], axis=0),
        acceptance=np.mean([p.acceptance for p in pieces], axis=0),
        effort=np.max([p.effort for p in pieces], axis=0),
    )
    return _ordered(pooled, parts)


def _without(one: Labelled, fold: int, folds: int) -> Part:
    n = len(one.rows)
    # the legacy generator, as the paper's code seeds it
    order = np.random.RandomState(0).permutation(n)
    keep = np.ones(n, dtype=bool)
    if folds > 1:
        keep[order[n * fold // folds : n * (fold + 1) // folds]] = False
    return one.at(keep)


def _ordered(found: Draws, parts: list[Labelled]) -> Draws:
    order = np.argsort([g for one in parts for g in one.groups])
    return Draws(
        values=found.values[order],
        ess=found.ess[order],
        rhat=found.rhat[order],
        acceptance=found.acceptance[order],
        effort=found.effort[order],
    )


def out_of_fold(
    design: Design, parts: list[Labelled], prior: Prior, folds: int, seed: int
) -> Array:
    """Return the posterior predictive P(A) of each design row and group from the other folds.

    Returns
    -------
    ndarray, shape (rows, groups)
        Mean over the draws of 1 / (1 + exp(-x'b)); NaN where a group has no label.
    """
    fold = fold_numbers(design.cluster_names.to_numpy(), folds, seed)[design.cluster]
    predicted = np.full((len(design.X), len(design.groups)), np.nan)
    for f in range(folds):
        train = [one.at(fold[one.rows] != f) for one in parts]
        # a group of few labels may have none in training: it is predicted by its prior
        found = sample(train, prior, draws=_FOLD_DRAWS, seed=seed, efforts=(1,))
        start = 0
        for one in parts:
            test = fold[one.rows] == f
            own = found.values[start : start + len(one.groups)]
            start += len(one.groups)
            p = _predict(one.part.X[test], own)
            predicted[np.ix_(one.rows[test], one.groups)] = p
    return predicted


def near_out_of_fold(
    design: Design, parts: list[Labelled], priors: Sequence[Prior], folds: int, seed: int
) -> Array:
    """Return what :func:`out_of_fold` does under each prior, from moments and not from draws.

    Returns
    -------
    ndarray, shape (priors, rows, groups)
    """
    fold = fold_numbers(design.cluster_names.to_numpy(), folds, seed)[design.cluster]
    predicted = np.full((len(priors), len(design.X), len(design.groups)), np.nan)
    for one in parts:
        for f in range(folds):
            test = fold[one.rows] == f
            if test.any():
                mean, covariance = moments(one.at(~test), priors)
                p = predictive(one.part.X[test], mean, covariance)
                predicted[np.ix_(range(len(priors)), one.rows[test], one.groups)] = p
    return predicted


def _predict(X: Array, draws: Array) -> Array:
    """Return the mean over draws (J, S, K) of P(A), shape (rows, J)."""
    J, S, K = draws.shape
    flat = np.ascontiguousarray(draws.reshape(J * S, K).T)
    size = max(1, _VALUES // (J * S))
    blocks = [
        logistic(X[first : first + size] @ flat).reshape(-1, J, S).mean(axis=2)
        for first in range(0, len(X), size)
    ]
    return np.concatenate(blocks) if blocks else np.empty((0, J))


def scores(
    design: Design, predicted: Array, level: float, prior: Prior, folds: int
) -> pd.DataFrame:
    """Return held-out accuracy and log-loss of each group, with intervals.

    Ties count in the log-loss, not in the accuracy. A prediction of one half is half right.
    Intervals know that folds share training data, and stay where a score can be; see
    :func:`workbench.decompose.held_out.held_out`.
    """
    lines: list[dict[str, Any]] = []
    for group, name in enumerate(design.groups):
        labels = Labels.of(design, group, np.zeros(len(design.X), dtype=np.int64))
        p = predicted[labels.row, group]
        X = design.X[labels.row, : len(prior.rate)]
        weight = labels.weight * p * (1.0 - p)
        # a Laplace prior is as informative as the normal one of its variance
        hessian = (X.T * weight) @ X + np.diag(prior.precision + prior.rate**2 / 2)
        trained = Trained.of(labels, X.__getitem__, p, np.linalg.inv(hessian), folds)
        found = measures(Predictor(labels, p, trained), level)
        line: dict[str, Any] = {"group": name}
        line |= {k: v for k, v in found.items() if not k.startswith(("auc", "brier"))}
        reason = None if labels.decided.any() else "every label is a tie: accuracy is undefined"
        if labels.n_clusters < 2:
            reason = "one cluster: no interval"
        lines.append({**line, "reason": reason})
    return pd.DataFrame(lines).astype({"reason": "str"})


def mean_log_loss(design: Design, predicted: Array, level: float) -> dict[str, float]:
    """Return the log-loss over all labels of all groups, with a cluster interval."""
    cell = design.label_cell
    row, group = design.cell_row[cell], design.cell_group[cell]
    p = np.clip(predicted[row, group], CERTAIN, 1 - CERTAIN)
    y = design.label_preference
    loss = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    cluster = np.unique(design.cluster[row], return_inverse=True)[1]
    value, error = mean_and_error(loss, design.label_weight, cluster)
    z = quantile(level, len(y), int(cluster.max()) + 1)
    low, high = positive_interval(value, error, z)
    return {"log_loss": value, "log_loss_low": low, "log_loss_high": high, "n": len(y)}
