"""The ladder of models of people: which of them tells labels that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as t_distribution

from workbench.clustered import cluster_error
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array
from workbench.structure.labels import PersonLabels
from workbench.structure.people.careless import careless
from workbench.structure.people.classes import classes
from workbench.structure.people.null import Null
from workbench.structure.people.rungs import OF_ALL, Fitted, Rung, alike, losses
from workbench.structure.people.scaled_taste import scaled_taste
from workbench.structure.people.sharpness import sharpness
from workbench.structure.people.taste import taste

Codes = NDArray[np.int64]

POOLED, RELIABILITY, CARELESS, TASTE, BOTH, CLASSES = (
    "pooled", "reliability", "careless", "taste", "taste and reliability", "classes"
)  # fmt: skip

RUNGS: tuple[Rung, ...] = (
    Rung(0, POOLED, "one vector of weights, logistic", alike),
    Rung(1, RELIABILITY, "weights of all times a log-normal sharpness of each person", sharpness),
    Rung(2, CARELESS, "weights of all, mixed with a bad habit of each person", careless),
    Rung(3, TASTE, "weights of each person, partial pooling (Laplace)", taste),
    Rung(4, BOTH, "weights of each person times a log-normal sharpness", scaled_taste),
    Rung(5, CLASSES, "2 to 4 classes of weights, their number by BIC", classes),
)
"""The models that are compared, the simplest first; a rung may build on those below."""

SURE = 2.0
"""Standard errors that a gain must exceed."""


@dataclass(frozen=True, eq=False)
class Ladder:
    """Every rung, fitted to all labels and to those outside each fold.

    Attributes
    ----------
    rungs : tuple of Rung
    whole : dict of str to Fitted
        By the name of the rung, fitted to all labels.
    loss : ndarray, shape (N, rungs)
        Log-loss of each cell, by fits that have not seen its prompt.
    cluster : ndarray of int, shape (N,)
        Over what errors are taken: the prompt, or the person where items are compared as such.
    over : str
        What a cluster is, in words.
    """

    rungs: tuple[Rung, ...]
    whole: dict[str, Fitted]
    loss: Array
    cluster: Codes
    over: str

    def column(self, name: str) -> Array:
        """Return the held-out losses of a rung, shape (N,)."""
        return np.asarray(self.loss[:, [one.name for one in self.rungs].index(name)])


def climb(
    labels: PersonLabels,
    fold: Codes,
    cluster: Codes | None = None,
    over: str = "prompts",
    rungs: tuple[Rung, ...] = RUNGS,
) -> Ladder:
    """Fit every rung to all labels, and tell each fold by the others.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> labels = person_labels(planted_people(people=20, labels=30, tau=1.5)[0])
    >>> loss = climb(labels, labels.folds(2, 0)).loss.sum(axis=0)
    >>> bool(loss[3] < loss[0])
    True
    """
    loss = np.zeros((len(labels), len(rungs)))
    whole = _fitted(labels, rungs, {})
    near = {OF_ALL + name: one for name, one in whole.items()}
    for k in np.unique(fold):
        told = fold == k
        fits = _fitted(labels.take(~told), rungs, near)
        part = labels.take(told)
        for column, one in enumerate(rungs):
            loss[told, column] = losses(part, fits[one.name].predict(part))
    cluster = labels.prompt if cluster is None else cluster
    return Ladder(rungs, whole, loss, cluster, over)


def _fitted(
    labels: PersonLabels, rungs: tuple[Rung, ...], near: dict[str, Fitted]
) -> dict[str, Fitted]:
    fits = dict(near)
    for one in rungs:
        fits[one.name] = one.fit(labels, fits)
    return {one.name: fits[one.name] for one in rungs}


def gain(better: Array, worse: Array, weight: Array, cluster: Codes) -> tuple[float, float, int]:
    """Return the mean gain a label, its error over clusters, and how many clusters there are."""
    difference, total = worse - better, weight.sum()
    mean = float(difference.sum() / total)
    error = cluster_error((difference - mean * weight) / total, cluster)
    return mean, error, len(np.unique(cluster))


def ladder_table(found: Ladder, labels: PersonLabels, null: Null, level: float) -> pd.DataFrame:
    """Return one row a rung: held-out log-loss, gains with errors, permutation test."""
    pooled, weight = found.column(POOLED), labels.weight
    rows = []
    for k, one in enumerate(found.rungs):
        loss = found.loss[:, k]
        mean, error, clusters = gain(np.zeros_like(loss), loss, weight, found.cluster)
        better = step = (np.nan, np.nan, 0)
        if k:
            better = gain(loss, pooled, weight, found.cluster)
            step = gain(loss, found.loss[:, k - 1], weight, found.cluster)
        reach = float(t_distribution.ppf(0.5 + level / 2, max(clusters - 1, 1)))
        rows.append(
            {
                "rung": one.number,
                "term": one.name,
                "estimate": mean,
                "std_error": error,
                "conf_low": mean - reach * error,
                "conf_high": mean + reach * error,
                "p_value": null.p_value.get(one.name, np.nan),
                "n": int(labels.count.sum()),
                "n_clusters": clusters,
                "parameters": found.whole[one.name].parameters,
                "gain": better[0],
                "gain_error": better[1],
                "gain_low": better[0] - reach * better[1],
                "gain_high": better[0] + reach * better[1],
                "gain_on_rung_below": step[0],
                "gain_on_rung_below_error": step[1],
                "method": f"{one.method}; held-out log-loss a label, error over {found.over}",
                "reason": _why(k, one.name, null),
            }
        )
    table = pd.DataFrame(rows)
    table.insert(7, "q_value", q_values(table["p_value"].to_numpy("float64")))
    return table.assign(reason=pd.Series([row["reason"] for row in rows], dtype="str"))


def _why(k: int, name: str, null: Null) -> str | None:
    if k == 0:
        return "no gain and no test: it is what the others are compared with"
    if null.reason:
        return f"no test: {null.reason}"
    return None if name in null.p_value else "no test of its own: those of its parts"


def best_of(table: pd.DataFrame, found: Ladder, labels: PersonLabels) -> str | None:
    """Return the simplest rung that tells new labels about as well as the best; None: no gain.

    A rung counts whose gain on the pooled fit exceeds two errors; the simplest of them that
    is within one error (of the paired difference) of the best.
    """
    sure = table[table["gain"] > SURE * table["gain_error"]]
    if sure.empty:
        return None
    best = found.column(str(sure.loc[sure["estimate"].idxmin(), "term"]))
    for name in sure["term"]:
        behind, error, _ = gain(best, found.column(str(name)), labels.weight, found.cluster)
        if behind <= error or behind == 0.0:
            return str(name)
    return None
