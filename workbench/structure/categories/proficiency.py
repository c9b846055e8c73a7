"""How well the right category is given: F1, precision, recall, each with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.clustered import Array, Codes, cluster_error, count_clusters, share
from workbench.intervals import unit_interval

MACRO, ACCURACY = "macro F1", "accuracy"


def macro_pull(given: Codes, right: Codes, categories: int) -> tuple[float, Array]:
    r"""Return macro F1 and what each answer adds to it, to first order.

    .. math:: \frac{1}{C} \sum_c \frac{2 TP_c}{2 TP_c + FP_c + FN_c}

    over the categories that are right or given at least once.

    Parameters
    ----------
    given, right : ndarray of int, shape (n,)
    categories : int

    Examples
    --------
    >>> round(macro_pull(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)[0], 4)
    0.6667
    """
    values, pull, used = [], np.zeros(len(given)), 0
    for c in range(categories):
        weight, hit = _weights(given, right, c)
        total = weight.sum()
        if total == 0:
            continue
        used += 1
        f1 = float((weight * hit).sum() / total)
        values.append(f1)
        pull += weight * (hit - f1) / total
    return float(np.mean(values)), pull / used


def _weights(given: Codes, right: Codes, c: int) -> tuple[Array, Array]:
    """Return the weight of each answer in a category's F1, and whether it is a hit."""
    said, true = given == c, right == c
    return said.astype(np.float64) + true, (said & true).astype(np.float64)


def proficiency_rows(
    given: Codes, right: Codes, cluster: Codes, names: list[str], level: float
) -> list[dict[str, Any]]:
    """Return macro F1 and accuracy, then F1, precision and recall of each category."""
    value, pull = macro_pull(given, right, len(names))
    ones = np.ones(len(given))
    ends = unit_interval(value, pull, ones, cluster, level)
    n = {"n": float(len(given)), "n_clusters": float(count_clusters(cluster))}
    hits = share((given == right).astype(np.float64), cluster, level)
    rows = [
        {"term": MACRO, "category": None, "estimate": value, **ends, **n},
        {"term": ACCURACY, "category": None, **hits},
    ]
    for c, name in enumerate(names):
        weight, hit = _weights(given, right, c)
        of = {"F1": weight, "precision": (given == c) * 1.0, "recall": (right == c) * 1.0}
        for measure, weights in of.items():
            row = share(hit, cluster, level, weights)
            at = weights > 0
            row |= {"n": float(at.sum()), "n_clusters": float(count_clusters(cluster[at]))}
            rows.append({"term": measure, "category": name, **row})
    return rows


def difference_error(pulls: tuple[Array, Array], clusters: tuple[Codes, Codes]) -> float:
    """Return the error of a difference of two values from what each answer adds to either."""
    both = np.concatenate([pulls[0], -pulls[1]])
    return cluster_error(both, np.concatenate(clusters))
