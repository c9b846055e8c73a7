"""Accuracy, AUC, log-loss and Brier score of held-out predictions, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.clustered import auc_and_error, mean_and_error
from workbench.decompose.kernel import Array
from workbench.decompose.scores.intervals import (
    difference_interval,
    positive_interval,
    quantile,
    share_interval,
)
from workbench.decompose.scores.labels import Labels
from workbench.decompose.scores.shared_training import (
    CERTAIN,
    Trained,
    added_variance,
    area_slopes,
    brier_slopes,
    loss_slopes,
    right_slopes,
)

MEASURES = ("accuracy", "auc", "log_loss", "brier")


@dataclass(frozen=True, eq=False)
class Predictor:
    """Held-out predictions of labels.

    Attributes
    ----------
    labels : Labels
    p : ndarray, shape (n,)
        P(A); 0.5 takes no side and is half right.
    trained : Trained or None
        The fit behind them, whose folds share training data; None takes them as given.
    doubt : float
        Standard errors of training below which no side is taken.
    """

    labels: Labels
    p: Array
    trained: Trained | None = None
    doubt: float = 0.0

    @property
    def right(self) -> Array:
        """1 where the prediction takes the preferred side, 0.5 where it takes none."""
        y = self.labels.y
        return np.where(self.p == 0.5, 0.5, (self.p > 0.5) == (y > 0.5))


def measures(scored: Predictor | None, level: float) -> dict[str, float]:
    """Return the scores of a predictor with their intervals; NaN without one.

    Examples
    --------
    >>> measures(None, 0.95)["n"]
    0
    """
    result: dict[str, float] = {"n": 0, "n_clusters": 0}
    ends = {f"{name}{end}": np.nan for name in MEASURES for end in ("", "_low", "_high")}
    if scored is None:
        return {**result, **ends}
    labels = scored.labels
    result.update(n=len(labels.y), n_clusters=labels.n_clusters)
    z, decided = quantile(level, len(labels.y), labels.n_clusters), labels.decided
    # a tied label is neither right nor wrong: a cluster of ties does not count
    told = labels.at(decided).n_clusters
    for name, (value, error) in _with_errors(scored).items():
        ends[name] = value
        if not np.isfinite(value + z):
            continue
        g = told if name in ("accuracy", "auc") else labels.n_clusters
        interval = (
            positive_interval(value, error, z)
            if name == "log_loss"
            else share_interval(value, error, g, z)
        )
        ends[f"{name}_low"], ends[f"{name}_high"] = interval
    return {**result, **ends}


def _with_errors(scored: Predictor) -> dict[str, tuple[float, float]]:
    """Return each measure and its standard error, shared training included."""
    labels, decided = scored.labels, scored.labels.decided
    y, weight, cluster = labels.y, labels.weight, labels.cluster
    p = np.clip(scored.p, CERTAIN, 1 - CERTAIN)
    loss = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    found = {
        "accuracy": mean_and_error(scored.right[decided], weight[decided], cluster[decided]),
        "auc": auc_and_error(scored.p[decided], y[decided] > 0.5, cluster[decided]),
        "log_loss": mean_and_error(loss, weight, cluster),
        "brier": mean_and_error((y - scored.p) ** 2, weight, cluster),
    }
    one = scored.trained
    if one is None:
        return found
    total, all_decided = float(weight.sum()), float(weight[decided].sum())
    slopes = {
        "accuracy": right_slopes(one, all_decided, scored.doubt) if all_decided else 0 * one.p,
        "auc": area_slopes(one),
        "log_loss": loss_slopes(one, total),
        "brier": brier_slopes(one, total),
    }
    return {
        name: (value, float(np.sqrt(error**2 + added_variance([one], [slopes[name]]))))
        for name, (value, error) in found.items()
    }


def gain(fit: Predictor | None, baseline: Predictor | None, level: float) -> dict[str, float]:
    """Return how much more often a fit is right than a baseline, label by label.

    Examples
    --------
    >>> gain(None, None, 0.95)
    {'gain': nan, 'gain_low': nan, 'gain_high': nan}
    """
    result = dict.fromkeys(("gain", "gain_low", "gain_high"), float("nan"))
    if fit is None or baseline is None or not fit.labels.decided.any():
        return result
    labels = fit.labels.at(fit.labels.decided)
    decided = fit.labels.decided
    difference = (fit.right - baseline.right)[decided]
    value, error = mean_and_error(difference, labels.weight, labels.cluster)
    result["gain"] = value
    z = quantile(level, len(labels.y), labels.n_clusters)
    if fit.trained is not None and baseline.trained is not None:
        total = float(labels.weight.sum())
        slopes = [
            right_slopes(fit.trained, total),
            -right_slopes(baseline.trained, total, baseline.doubt),
        ]
        added = added_variance([fit.trained, baseline.trained], slopes)
        error = float(np.sqrt(error**2 + added))
    if np.isfinite(z):
        ends = difference_interval(value, error, labels.n_clusters, z)
        result["gain_low"], result["gain_high"] = ends
    return result
