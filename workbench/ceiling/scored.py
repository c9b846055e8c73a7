"""Scores of held-out predictions, their differences, and which share of the ceiling is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from workbench.audit.judges.verdicts.elsewhere import FITTED
from workbench.clustered import auc_and_pull, cluster_error
from workbench.decompose.kernel import Array
from workbench.decompose.scores.intervals import difference_interval, quantile
from workbench.decompose.scores.labels import Labels
from workbench.decompose.scores.measures import Scored, right_of, with_ends
from workbench.decompose.scores.shared_training import CERTAIN

MEASURES = ("auc", "accuracy", "log_loss")
"""What a share is told of, the first that is defined for the headline."""

NO_CEILING = "the ceiling is not surely above chance: there is nothing to be a share of"

SAME = "both say the same of every label: no interval"

NAMES = {"auc": "AUC", "accuracy": "accuracy", "log_loss": "log-loss"}

ONE_SIDE = {
    "auc": "the labels are all of one side, or ties: no AUC",
    "accuracy": "every label is a tie: no accuracy",
}


class Pulled(NamedTuple):
    """A score beyond chance, and the pull of each label upon it.

    Attributes
    ----------
    value : float
        AUC or accuracy minus one half; the log-loss of a coin minus the log-loss. NaN where it
        is not defined.
    pull : ndarray, shape (n,)
        First-order change of the value due to each label; they sum to 0.
    """

    value: float
    pull: Array


@dataclass(frozen=True, eq=False)
class Held:
    """Held-out predictions of labels that several predictors share.

    Attributes
    ----------
    labels : Labels
    p : ndarray, shape (n,)
        P(A); 0.5 takes no side.
    """

    labels: Labels
    p: Array

    @classmethod
    def of(cls, labels: Labels, log_odds: Array) -> Held:
        """Build from log-odds of A."""
        return cls(labels, np.asarray(expit(log_odds)))

    def at(self, keep: NDArray[np.bool_]) -> Held:
        """Return the predictions of some labels."""
        return Held(self.labels.at(keep), self.p[keep])

    def beyond_chance(self, measure: str) -> Pulled:
        """Return a score beyond what a coin has."""
        return {"auc": self._auc, "accuracy": self._accuracy, "log_loss": self._log_loss}[measure]()

    def _mean(self, values: Array, weight: Array) -> Pulled:
        total = float(weight.sum())
        if not total:
            return Pulled(float("nan"), 0 * values)
        mean = float(values @ weight / total)
        return Pulled(mean, np.asarray(weight * (values - mean) / total))

    def _accuracy(self) -> Pulled:
        decided = self.labels.decided
        return self._mean(right_of(self.p, self.labels.y) - 0.5, self.labels.weight * decided)

    def _log_loss(self) -> Pulled:
        p, y = np.clip(self.p, CERTAIN, 1 - CERTAIN), self.labels.y
        gained = np.log(2.0) + y * np.log(p) + (1 - y) * np.log1p(-p)
        return self._mean(gained, self.labels.weight)

    def _auc(self) -> Pulled:
        pull, decided = np.zeros(len(self.p)), self.labels.decided
        area, pull[decided] = auc_and_pull(self.p[decided], self.labels.y[decided] > 0.5)
        return Pulled(area - 0.5, pull)

    def score(self, measure: str) -> float:
        """Return a score as it is."""
        value = self.beyond_chance(measure).value
        return float(np.log(2.0)) - value if measure == "log_loss" else 0.5 + value

    @staticmethod
    def nothing(level: float) -> dict[str, Any]:
        """Return every score where there are no predictions: NaN."""
        return dict(with_ends(None, level))

    def line(self, level: float) -> dict[str, Any]:
        """Return every score with its interval, at twice the variance of a mean over clusters."""
        labels = self.labels
        values = {}
        for name, chance, sign in (("accuracy", 0.5, 1), ("auc", 0.5, 1),
                                   ("log_loss", float(np.log(2.0)), -1)):  # fmt: skip
            found = self.beyond_chance(name)
            values[name] = (chance + sign * found.value, _error(found.pull, labels))
        square = self._mean((labels.y - self.p) ** 2, labels.weight)
        values["brier"] = (square.value, _error(square.pull, labels))
        told = labels.at(labels.decided).n_clusters
        return with_ends(Scored(len(labels.y), labels.n_clusters, told, values), level)


def _error(pull: Array, labels: Labels) -> float:
    return float(np.sqrt(FITTED)) * cluster_error(pull, labels.cluster)


def difference(one: Held, other: Held, measure: str, level: float) -> dict[str, Any]:
    """Return how far one predictor scores above another, label by label.

    Parameters
    ----------
    one, other : Held
        Of the same labels.
    measure : str
        Of :data:`MEASURES`; of the log-loss it is how much less the first has.
    level : float
    """
    first, second = one.beyond_chance(measure), other.beyond_chance(measure)
    labels, value = one.labels, first.value - second.value
    error = _error(first.pull - second.pull, labels)
    n, clusters = _counts(labels, measure)
    z = quantile(level, n, clusters)
    row: dict[str, Any] = {
        "estimate": value, "std_error": error, "conf_low": np.nan, "conf_high": np.nan,
        "p_value": np.nan, "n": n, "n_clusters": clusters, "reason": None,
    }  # fmt: skip
    if not np.isfinite(value):
        return row | {"std_error": np.nan, "reason": ONE_SIDE.get(measure, "no value")}
    if not error > 0:
        return row | {"std_error": np.nan, "reason": "the two say the same of every label"}
    low, high = value - z * error, value + z * error
    if measure != "log_loss":
        low, high = difference_interval(value, error, clusters, z)
    return row | {
        "conf_low": low,
        "conf_high": high,
        "p_value": float(2 * ndtr(-abs(value) / error)),
    }


def share_reached(part: Held, whole: Held, measure: str, level: float) -> dict[str, Any]:
    r"""Return what share of one predictor's score beyond chance another one has.

    .. math:: \hat R = F / C, \qquad
              \{ R : (F - R C)^2 \le z^2 \, \lambda \, \widehat{var}(F - R C) \}

    Fieller's interval (1954), of both scores' pulls summed over clusters: finite where C is
    surely above 0, and else nothing is told.

    Parameters
    ----------
    part, whole : Held
        Of the same labels.
    measure : str
        Of :data:`MEASURES`.
    level : float
    """
    few, all_ = part.beyond_chance(measure), whole.beyond_chance(measure)
    labels = part.labels
    n, clusters = _counts(labels, measure)
    row: dict[str, Any] = {
        "estimate": np.nan, "std_error": np.nan, "conf_low": np.nan, "conf_high": np.nan,
        "n": n, "n_clusters": clusters, "reason": None,
    }  # fmt: skip
    if not np.isfinite(few.value + all_.value):
        return row | {"reason": ONE_SIDE.get(measure, "no value")}
    z = quantile(level, n, clusters)
    sums = np.stack([np.bincount(labels.cluster, one.pull) for one in (few, all_)])
    g = sums.shape[1]
    if g < 2 or not np.isfinite(z):
        return row | {"reason": "one cluster: no interval"}
    (ff, fc), (_, cc) = FITTED * g / (g - 1) * (sums @ sums.T)
    a = all_.value**2 - z**2 * cc
    if all_.value <= 0 or a <= 0:
        return row | {"reason": NO_CEILING}
    b, c = few.value * all_.value - z**2 * fc, few.value**2 - z**2 * ff
    half = float(np.sqrt(max(b * b - a * c, 0.0)))
    share = few.value / all_.value
    if np.allclose(few.pull, all_.pull, rtol=0.0, atol=1e-12):
        # which is so of few labels by chance, and no certainty that it stays so
        return row | {"estimate": share, "reason": SAME}
    error = float(np.sqrt(max(ff - 2 * share * fc + share**2 * cc, 0.0))) / all_.value
    ends = min((b - half) / a, share), max((b + half) / a, share)
    return row | {"estimate": share, "std_error": error, "conf_low": ends[0], "conf_high": ends[1]}


def _counts(labels: Labels, measure: str) -> tuple[int, int]:
    """Return the labels and clusters that a measure counts."""
    told = labels if measure == "log_loss" else labels.at(labels.decided)
    return len(told.y), told.n_clusters
