"""How well a fit predicts labels it has not seen, beside the baselines anyone would try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from workbench.clustered import auc_and_error, mean_and_error
from workbench.data.split import folds as fold_numbers
from workbench.decompose.design import Design
from workbench.decompose.estimate import GroupFit, Rows, batches
from workbench.decompose.kernel import Array, Cells, logistic
from workbench.decompose.logit import refit

PREDICTORS = ("factors", "majority", "first position", "longer")
"""The fit, the more frequent side, the response shown first, the longer response."""


@dataclass(frozen=True, eq=False)
class _Labels:
    """One group's labels: design row, preference, weight, cluster code and fold."""

    row: NDArray[np.int64]
    y: Array
    weight: Array
    cluster: NDArray[np.int64]
    fold: NDArray[np.int64]


def held_out(
    design: Design,
    fits: list[GroupFit],
    longer: Array | None,
    *,
    folds: int,
    seed: int,
    level: float,
) -> pd.DataFrame:
    """Return held-out scores of each group's fit and of the baselines.

    Folds are grouped by cluster, so no prompt is in training and test at once. A baseline's
    probability is how often its rule was right in the training folds.

    Parameters
    ----------
    design : Design
    fits : list of GroupFit
        Full-data fits, one a group: each fold starts from them.
    longer : ndarray, shape (rows,), or None
        Sign of the length difference A minus B of each design row.
    folds : int
    seed : int
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        ``group, predictor, n, n_clusters``, then ``accuracy, auc, log_loss, brier``, each
        with ``_low`` and ``_high``; ``gain``: accuracy of the factors minus that of this
        baseline on the same labels, with a paired interval; ``reason`` where undefined.
        Ties count in log-loss and Brier score, not in accuracy and AUC.
    """
    row_fold = fold_numbers(design.cluster_names.to_numpy(), folds, seed)[design.cluster]
    rules = {
        "majority": np.ones(len(design.X)),
        "first position": design.X[:, -1],
        "longer": longer,
    }
    z = float(norm.ppf(0.5 + level / 2))
    tables: dict[int, list[dict[str, Any]]] = {}
    for groups, rows, cells in batches(design):
        predicted = fit_predictions(design, fits, groups, rows, cells, row_fold)
        for j, group in enumerate(groups):
            labels = _labels_of(design, group, row_fold)
            fitted = predicted[labels.row, j]
            lines = [_line(fits[group], "factors", fitted, _lost(fits[group], fitted), labels, z)]
            for name, sign in rules.items():
                p, reason = _rule_predictions(None if sign is None else sign[labels.row], labels)
                line = _line(fits[group], name, p, reason, labels, z)
                lines.append({**line, **_gain(fitted, p, labels, z)})
            tables[group] = lines
    return pd.DataFrame([line for group in sorted(tables) for line in tables[group]])


def _line(
    fit: GroupFit, predictor: str, p: Array, reason: str | None, labels: _Labels, z: float
) -> dict[str, Any]:
    return {
        "group": fit.name,
        "predictor": predictor,
        **_scores(p, labels, z),
        "gain": np.nan,
        "gain_low": np.nan,
        "gain_high": np.nan,
        "reason": reason,
    }


def _gain(fitted: Array, baseline: Array, labels: _Labels, z: float) -> dict[str, float]:
    """Return how much more often the fit is right than a baseline, label by label."""
    both = np.isfinite(fitted) & np.isfinite(baseline) & (labels.y != 0.5)
    y, weight, cluster = labels.y[both], labels.weight[both], labels.cluster[both]
    difference = _right(fitted[both], y) - _right(baseline[both], y)
    gain, error = mean_and_error(difference, weight, cluster)
    return {"gain": gain, "gain_low": gain - z * error, "gain_high": gain + z * error}


def _right(p: Array, y: Array) -> Array:
    """Return 1 where the prediction takes the preferred side, 0.5 where it takes none."""
    return np.where(p == 0.5, 0.5, (p > 0.5) == (y > 0.5))


def _labels_of(design: Design, group: int, row_fold: NDArray[np.int64]) -> _Labels:
    mine = np.flatnonzero(design.cell_group[design.label_cell] == group)
    row = design.cell_row[design.label_cell[mine]]
    cluster = np.unique(design.cluster[row], return_inverse=True)[1]
    return _Labels(
        row, design.label_preference[mine], design.label_weight[mine], cluster, row_fold[row]
    )


def fit_predictions(
    design: Design,
    fits: list[GroupFit],
    groups: list[int],
    rows: Rows,
    cells: Cells,
    row_fold: NDArray[np.int64],
) -> Array:
    """Return out-of-fold P(A) of each design row and group, shape (all rows, groups)."""
    X, fold = design.X[rows], row_fold[rows]
    active = np.stack([fits[g].active for g in groups])
    start = np.stack([np.where(fits[g].active, fits[g].coef, 0.0) for g in groups])
    inside = np.full((len(X), len(groups)), np.nan)
    for f in np.unique(fold):
        train = fold != f
        part, rest = np.ascontiguousarray(X[train]), cells.take(train)
        labelled = (rest.weight > 0).astype(np.float64)
        # a term that does not vary in the training folds has no weight to predict with
        varies = active & ((part**2).T @ labelled > 0).T
        coef = refit(part, rest, varies, start)
        coef[labelled.sum(axis=0) <= varies.sum(axis=1)] = np.nan
        inside[~train] = logistic(X[~train] @ coef.T)
    predicted = np.full((len(design.X), len(groups)), np.nan)
    predicted[rows] = inside
    predicted[:, ~active.any(axis=1)] = np.nan
    return predicted


def _lost(fit: GroupFit, p: Array) -> str | None:
    if not fit.active.any():
        return "no weight could be estimated"
    return "a training fold could not be fitted" if np.isnan(p).any() else None


def _rule_predictions(sign: Array | None, labels: _Labels) -> tuple[Array, str | None]:
    """Return P(A) of the rule "prefer A where sign > 0": how often it held in training."""
    n = len(labels.y)
    if sign is None:
        return np.full(n, np.nan), "no response length is known"
    if not np.any(sign):
        return np.full(n, np.nan), "the rule never decides: shown order unknown or lengths equal"
    right = np.where(sign > 0, labels.y, 1.0 - labels.y)
    decides = sign != 0
    predicted = np.full(n, 0.5)
    for f in np.unique(labels.fold):
        train = (labels.fold != f) & decides
        weight = labels.weight[train]
        # one vote for each side keeps the log-loss finite where training has one class
        rate = (right[train] @ weight + 1.0) / (weight.sum() + 2.0)
        test = (labels.fold == f) & decides
        predicted[test] = np.where(sign[test] > 0, rate, 1.0 - rate)
    return predicted, None


def _scores(p: Array, labels: _Labels, z: float) -> dict[str, float]:
    usable = np.isfinite(p)
    p, y, weight = p[usable], labels.y[usable], labels.weight[usable]
    cluster = labels.cluster[usable]
    clipped = np.clip(p, 1e-12, 1 - 1e-12)
    decided = y != 0.5
    right = _right(p, y)[decided]
    loss = -(y * np.log(clipped) + (1 - y) * np.log1p(-clipped))
    measures = {
        "accuracy": mean_and_error(right, weight[decided], cluster[decided]),
        "auc": auc_and_error(p[decided], y[decided] > 0.5, cluster[decided]),
        "log_loss": mean_and_error(loss, weight, cluster),
        "brier": mean_and_error((y - p) ** 2, weight, cluster),
    }
    result: dict[str, float] = {"n": int(usable.sum()), "n_clusters": len(np.unique(cluster))}
    for name, (value, error) in measures.items():
        result[name] = value
        result[f"{name}_low"], result[f"{name}_high"] = value - z * error, value + z * error
    return result
