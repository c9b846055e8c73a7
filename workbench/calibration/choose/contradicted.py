"""What labels say of the model by which pairs were chosen: factors that bend, other weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as fisher
from scipy.stats import t as student

from workbench.calibration.choose.layout import Layout
from workbench.clustered import Codes
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array
from workbench.results import TIDY

OTHER_WEIGHTS = "other weights in the random part"
_FEWEST = 20
"""Clusters of random pairs below which nothing is tested."""

METHOD = "score tests of added terms, errors over clusters; bent: all labels"


def tests_of_model(
    laid: Layout, weights: Array, inverse: Array, random: NDArray[np.bool_], cluster: Codes
) -> pd.DataFrame:
    r"""Return tests of what the fit leaves out.

    .. math:: U = \sum_i z_i (y_i - \hat p_i), \qquad
              u_i = (z_i - A x_i)(y_i - \hat p_i), \quad
              A = \Big(\sum_i w_i z_i x_i'\Big) H^{-1}

    with :math:`z = x_k |x_k|` (a factor that bends), and with :math:`z = x` on the random pairs
    and 0 on the others, all together (weights that are others where pairs were not chosen).
    Both flip their sign with the sides. That pairs were chosen by their x does not bias them.

    Parameters
    ----------
    laid : Layout
    weights : ndarray, shape (K,)
        Fitted to all labels.
    inverse : ndarray, shape (K, K)
        Inverse information of that fit.
    random : ndarray of bool, shape (pairs,)
        Labelled pairs that were drawn at random.
    cluster : ndarray of int, shape (pairs,)

    Returns
    -------
    DataFrame
        The tidy columns (``estimate``: the score in its standard errors), ``n_clusters, method,
        reason``; q-values by Benjamini-Hochberg over all rows.
    """
    at = laid.labelled
    X, p = laid.X[at], laid.probability(weights)[at]
    residual = laid.votes[at] - laid.weight[at] * p
    heavy = laid.weight[at] * p * (1 - p)
    inside, group = random[at], cluster[at]
    drawn, every = len(np.unique(group[inside])), len(np.unique(group))
    bends = X * np.abs(X)
    curved = [k for k in range(X.shape[1]) if len(np.unique(np.abs(X[:, k]))) > 2]
    Z = np.hstack([bends[:, curved], X * inside[:, None]])
    pull = (Z - X @ ((Z * heavy[:, None]).T @ X @ inverse).T) * residual[:, None]
    sums = np.stack([np.bincount(group, column) for column in pull.T], axis=1).astype(np.float64)
    sums = sums[np.bincount(group) > 0]
    score = (Z * residual[:, None]).sum(axis=0)
    rows: list[dict[str, Any]] = []
    for place, k in enumerate(curved):
        error = float(np.sqrt((sums[:, place] ** 2).sum()))
        rows.append({"term": f"{laid.terms[k]}, bent", **_one(score[place], error, every),
                     "n": float(len(group)), "n_clusters": float(every)})  # fmt: skip
    some = slice(len(curved), None)
    rows.append({"term": OTHER_WEIGHTS, **_joint(score[some], sums[:, some], drawn),
                 "n": float(inside.sum()), "n_clusters": float(drawn)})  # fmt: skip
    table = pd.DataFrame(rows).assign(method=METHOD)
    table = table.reindex(columns=[*TIDY, "n_clusters", "method", "reason"])
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table


def _one(score: float, error: float, clusters: int) -> dict[str, Any]:
    reason = _lacking(clusters, _FEWEST)
    if reason is None and not error > 0:
        reason = "no variation: the error is not known"
    if reason is not None:
        return {"estimate": np.nan, "p_value": np.nan, "reason": reason}
    ratio = score / error
    return {
        "estimate": ratio,
        "p_value": 2 * float(student.sf(abs(ratio), clusters - 1)),
        "reason": None,
    }


def _joint(score: Array, sums: Array, clusters: int) -> dict[str, Any]:
    """Return Hotelling's test that all scores are 0."""
    meat = sums.T @ sums
    values, vectors = np.linalg.eigh(meat)
    kept = values > 1e-9 * max(float(values[-1]), 0.0)
    k = int(kept.sum())
    reason = _lacking(clusters, max(_FEWEST, 2 * k))
    if reason is None and k == 0:
        reason = "no variation: the error is not known"
    if reason is not None:
        return {"estimate": np.nan, "p_value": np.nan, "reason": reason}
    statistic = float(((vectors[:, kept].T @ score) ** 2 / values[kept]).sum())
    scaled = statistic * (clusters - k) / (k * (clusters - 1))
    return {
        "estimate": float(np.sqrt(statistic)),
        "p_value": float(fisher.sf(scaled, k, clusters - k)),
        "reason": None,
    }


def _lacking(clusters: int, least: int) -> str | None:
    if clusters >= least:
        return None
    return f"{clusters} clusters have labels to test it by; {least} are needed"
