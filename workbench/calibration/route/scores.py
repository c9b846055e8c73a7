"""How urgent it is to ask people about each pair: three rules, and one that is learnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.calibration.route.evidence import Evidence
from workbench.curate.margins import fit_ridge
from workbench.data.split import folds as fold_numbers
from workbench.decompose.kernel import Array, logistic

UNCERTAIN, RANDOM, LONGEST, LEARNT = (
    "judge-uncertain first", "random", "longest first", "learnt",
)  # fmt: skip

_FEW = 5
"""Labelled pairs that a scenario needs for a term of its own."""


def rules(seen: Evidence) -> dict[str, Array]:
    """Return the scores of the rules, higher is sooner; equal ones are of one rank.

    Judge-uncertain first: ties, contradictions and verdicts that could not be read, then small
    margins; among equals those from which other judges differ most, then those that its own
    verdicts on the models make least likely.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.calibration.route.evidence import evidence
    >>> found = rules(evidence(wb.load("sample"), "sim-judge-length", "human", None))
    >>> list(found)
    ['judge-uncertain first', 'random', 'longest first']
    """
    found = {
        UNCERTAIN: _ranks(-seen.margin, seen.dissent, seen.surprise),
        RANDOM: np.zeros(len(seen.margin)),
    }
    if seen.length is not None:
        found[LONGEST] = seen.length
    return found


def _ranks(*keys_in_order: Array) -> Array:
    """Return numbers in the order of the first, among equals of the second, and so on."""
    keys = np.stack([np.round(key, 9) for key in keys_in_order], axis=1)
    _, at = np.unique(keys, axis=0, return_inverse=True)
    return np.asarray(at.reshape(len(keys)), dtype=np.float64)


def features(seen: Evidence) -> Array:
    """Return what the learnt rule knows of each pair, in standard deviations: shape (n, F)."""
    columns: dict[str, Array] = {
        "the judge ties": (seen.verdict == 0.5).astype(np.float64),
        "margin": seen.margin,
        "dissent of other judges": seen.dissent,
        "surprise by its own ratings": seen.surprise,
    }
    if seen.gap is not None:
        columns["length gap"] = seen.gap
    for k, name in enumerate(seen.factors):
        columns[f"|{name}|"] = seen.distance[:, k]
    names, counts = np.unique(seen.scenario[seen.labelled].astype(str), return_counts=True)
    if len(names) > 1:
        for name in names[counts >= _FEW]:
            columns[f"scenario {name}"] = (seen.scenario.astype(str) == name).astype(np.float64)
    X = np.stack(list(columns.values()), axis=1)
    spread = X.std(axis=0)
    used = spread > 0
    X = (X[:, used] - X[:, used].mean(axis=0)) / spread[used]
    return np.column_stack([X, np.ones(len(X))])


def learnt(seen: Evidence, folds: int, seed: int) -> tuple[Array, Array]:
    """Return P(the judge is wrong): of labelled pairs out of fold, and by all for all.

    Parameters
    ----------
    seen : Evidence
    folds : int
    seed : int

    Returns
    -------
    crossed, whole : ndarray, shape (n,)
        NaN of unlabelled pairs in the first.
    """
    X = features(seen)
    error, known = seen.error, seen.labelled
    crossed = np.full(len(X), np.nan)
    fold = np.full(len(X), -1)
    fold[known] = fold_numbers(seen.cluster_name[known].astype(str), folds, seed)
    for k in range(folds):
        crossed[fold == k] = _predicted(X, error, known & (fold != k), fold == k)
    return crossed, _predicted(X, error, known, np.ones(len(X), dtype=bool))


def _predicted(
    X: Array, error: Array, train: NDArray[np.bool_], at: NDArray[np.bool_]
) -> Array:  # fmt: skip
    weights = fit_ridge(X[train], np.ones((int(train.sum()), 1)), error[train, None])[0]
    return logistic(X[at] @ weights)
