"""Margins of an ensemble of factor fits, each pair by fits that have not seen its prompt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.kernel import Cells
from workbench.decompose.logit import refit
from workbench.standardised import difference_sd
from workbench.threads import on_one_thread

MEMBERS = 10
"""Fits of the ensemble, as many as Secrets of RLHF II has."""


class Margins(NamedTuple):
    """Margins in logits, A minus B, NaN where a factor is not known.

    Attributes
    ----------
    mean, sd : ndarray, shape (pairs,)
        Over the members; the standard deviation is of the fits, not of people.
    """

    mean: Array
    sd: Array


@on_one_thread
def out_of_fold(
    data: PreferenceData, weight: Array, votes: Array, *, folds: int = 5, seed: int = 0
) -> Margins:
    """Return each pair's margin by logits that were fitted without its cluster.

    Each member is fitted to a bootstrap sample of the training clusters. A pair of one
    standard deviation of each factor, judged half to half, keeps the weights finite.

    Parameters
    ----------
    data : PreferenceData
        With factors.
    weight, votes : ndarray, shape (pairs,)
        Votes of each pair, and those of them for A; a pair of weight 0 trains nothing.
    folds : int
    seed : int

    Notes
    -----
    Wang et al. (2024) take mean and spread over reward models that were trained on the very
    labels that are judged; a model of its own label flatters it. Here nothing of the pair's
    cluster was seen.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = out_of_fold(data, np.ones(2000), np.full(2000, 0.5))
    >>> bool(np.abs(found.mean).max() < 1e-9)
    True
    """
    X = factor_matrix(data)
    known = np.asarray(np.isfinite(X).all(axis=1))
    code, fold = clusters_and_folds(data.pairs["cluster"], folds, seed)
    X = np.where(known[:, None], X, 0.0)
    weight, votes = np.where(known, weight, 0.0), np.where(known, votes, 0.0)
    drawn = np.random.default_rng(seed)
    mean, sd = np.full(len(X), np.nan), np.full(len(X), np.nan)
    for f in range(folds):
        times = _resampled(code, fold != f, drawn)
        beta = fit_ridge(X, weight[:, None] * times, votes[:, None] * times)
        inside = (fold == f) & known
        margins = X[inside] @ beta.T
        mean[inside], sd[inside] = margins.mean(axis=1), margins.std(axis=1)
    return Margins(mean, sd)


def factor_matrix(data: PreferenceData, names: list[str] | None = None) -> Array:
    """Return the factor differences in standard deviations, shape (pairs, factors).

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> factor_matrix(data, ["words"]).shape
    (2000, 1)
    """
    X = data.factors[names or data.factor_names].to_numpy("float64")
    # sorted: the order of rows does not move the last bit of a sum
    sd = difference_sd(np.sort(np.abs(np.where(np.isfinite(X), X, 0.0)), axis=0))
    return np.asarray(X / np.where(sd > 0, sd, 1.0))


def clusters_and_folds(cluster: pd.Series, folds: int, seed: int) -> tuple[Codes, Codes]:
    """Return the cluster of each pair as a number, and its fold.

    Examples
    --------
    >>> import workbench as wb
    >>> code, fold = clusters_and_folds(wb.load("sample").pairs["cluster"], 5, 0)
    >>> sorted(set(fold.tolist()))
    [0, 1, 2, 3, 4]
    """
    names, code = np.unique(cluster.to_numpy(dtype=object).astype(str), return_inverse=True)
    return code, fold_numbers(names, folds, seed)[code]


def fit_ridge(X: Array, weight: Array, votes: Array) -> Array:
    """Return the weights of logits, one a column of votes, shape (members, factors).

    Parameters
    ----------
    X : ndarray, shape (n, factors)
        In standard deviations.
    weight, votes : ndarray, shape (n, members)

    Examples
    --------
    >>> x = np.array([[1.0], [1.0], [1.0], [1.0]])
    >>> y = np.array([[1.0], [1.0], [1.0], [0.0]])
    >>> fit_ridge(x, np.ones((4, 1)), y).round(3).tolist()  # logit(3.5 / 5)
    [[0.847]]
    """
    k, members = X.shape[1], weight.shape[1]
    rows = np.vstack([X, np.eye(k)])
    cells = Cells(
        np.vstack([weight, np.ones((k, members))]), np.vstack([votes, np.full((k, members), 0.5)])
    )
    return refit(rows, cells, np.ones((members, k), dtype=bool), np.zeros((members, k)))


def _resampled(code: Codes, train: Array, rng: np.random.Generator) -> Array:
    """Return how often each pair is in each member's training data, shape (pairs, members)."""
    groups = np.unique(code[train])
    size = int(code.max()) + 1
    times = [np.bincount(groups[rng.integers(0, len(groups), len(groups))], minlength=size)
             for _ in range(MEMBERS)]  # fmt: skip
    return np.stack(times, axis=1)[code].astype(np.float64)
