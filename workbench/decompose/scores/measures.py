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
        return right_of(self.p, self.labels.y)


def right_of(p: Array, y: Array) -> Array:
    """Return 1 where a prediction takes the preferred side, 0.5 where it takes none.

    Examples
    --------
    >>> right_of(np.array([0.9, 0.5, 0.1]), np.ones(3)).tolist()
    [1.0, 0.5, 0.0]
    """
    return np.where(p == 0.5, 0.5, (p > 0.5) == (y > 0.5))


@dataclass(frozen=True)
class Scored:
    """Scores of a predictor with their errors.

    Attributes
    ----------
    n, n_clusters : int
        Labels and clusters.
    told : int
        Clusters with a label that is no tie.
    values : dict of str to tuple of float
        By measure: its value and standard error.
    """

    n: int
    n_clusters: int
    told: int
    values: dict[str, tuple[float, float]]


def measures(scored: Predictor | None, level: float) -> dict[str, float]:
    """Return the scores of a predictor with their intervals; NaN without one.

    Examples
    --------
    >>> measures(None, 0.95)["n"]
    0
    """
    if scored is None:
        return with_ends(None, level)
    labels = scored.labels
    told = labels.at(labels.decided).n_clusters
    found = Scored(len(labels.y), labels.n_clusters, told, _with_errors(scored))
    return with_ends(found, level)


def with_ends(found: Scored | None, level: float) -> dict[str, float]:
    """Return scores with the ends of their intervals; NaN where there are none.

    Examples
    --------
    >>> row = with_ends(Scored(40, 40, 40, {"accuracy": (0.5, 0.08)}), 0.95)
    >>> round(row["accuracy_low"], 2), row["auc"]
    (0.35, nan)
    """
    ends = {f"{name}{end}": np.nan for name in MEASURES for end in ("", "_low", "_high")}
    if found is None:
        return {"n": 0, "n_clusters": 0, **ends}
    z = quantile(level, found.n, found.n_clusters)
    for name, (value, error) in found.values.items():
        ends[name] = value
        if not np.isfinite(value + z):
            continue
        # a tied label is neither right nor wrong: a cluster of ties does not count
        g = found.told if name in ("accuracy", "auc") else found.n_clusters
        interval = (
            positive_interval(value, error, z)
            if name == "log_loss"
            else share_interval(value, error, g, z)
        )
        ends[f"{name}_low"], ends[f"{name}_high"] = interval
    return {"n": found.n, "n_clusters": found.n_clusters, **ends}


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
    if scored.trained is None:
        return found
    return with_training(
        found, scored.trained, float(weight.sum()), float(weight[decided].sum()), scored.doubt
    )


def with_training(
    found: dict[str, tuple[float, float]], one: Trained, total: float, decided: float, doubt: float
) -> dict[str, tuple[float, float]]:
    """Return measures with errors that know of shared training.

    Parameters
    ----------
    found : dict
        By measure: its value and the error of a mean over clusters.
    one : Trained
    total, decided : float
        Weight of the labels, and of those that are no tie.
    doubt : float
    """
    slopes = {
        "accuracy": right_slopes(one, decided, doubt) if decided else 0 * one.p,
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
    if fit is None or baseline is None or not fit.labels.decided.any():
        return gain_ends(np.nan, np.nan, 0, 0, level)
    labels = fit.labels.at(fit.labels.decided)
    decided = fit.labels.decided
    difference = (fit.right - baseline.right)[decided]
    value, error = mean_and_error(difference, labels.weight, labels.cluster)
    if fit.trained is not None and baseline.trained is not None:
        total = float(labels.weight.sum())
        error = gain_error(error, fit.trained, baseline.trained, total, baseline.doubt)
    return gain_ends(value, error, len(labels.y), labels.n_clusters, level)


def gain_error(error: float, fit: Trained, baseline: Trained, total: float, doubt: float) -> float:
    """Return the error of a gain that knows of shared training; ``total`` is the weight."""
    slopes = [right_slopes(fit, total), -right_slopes(baseline, total, doubt)]
    return float(np.sqrt(error**2 + added_variance([fit, baseline], slopes)))


def gain_ends(
    value: float, error: float, n: int, n_clusters: int, level: float
) -> dict[str, float]:
    """Return a gain with its interval.

    Examples
    --------
    >>> gain_ends(float("nan"), float("nan"), 0, 0, 0.95)
    {'gain': nan, 'gain_low': nan, 'gain_high': nan}
    """
    z = quantile(level, n, n_clusters)
    ends = (np.nan, np.nan)
    if np.isfinite(value + z):
        ends = difference_interval(value, error, n_clusters, z)
    return {"gain": value, "gain_low": ends[0], "gain_high": ends[1]}
