"""Mixed logit for choices among several alternatives, beside the verb for pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.structure.mixed.draws import Kind
from workbench.structure.mixed.fit import Fitted, fit
from workbench.structure.mixed.sets import ChoiceSets, choice_sets
from workbench.threads import on_one_thread


@dataclass(frozen=True, eq=False)
class ChoiceFit:
    """Means and standard deviations of weights.

    Attributes
    ----------
    estimates : DataFrame
        ``term, mu, robust_error, hessian_error, sd, sd_robust_error, sd_hessian_error``.
    log_likelihood : float
    draws : DataFrame
        ``draws, log_likelihood, change``.
    converged, settled : bool
    """

    estimates: pd.DataFrame
    log_likelihood: float
    draws: pd.DataFrame
    converged: bool
    settled: bool


@on_one_thread
def fit_choices(
    X: Array,
    chosen: Array,
    person: NDArray[np.int64],
    *,
    names: Sequence[str] | None = None,
    offered: NDArray[np.bool_] | None = None,
    draws: Kind = "sobol",
    n_draws: int | None = None,
    seed: int = 0,
    start: tuple[Sequence[float], Sequence[float]] | None = None,
) -> ChoiceFit:
    """Fit a logit with independent normal weights to choices of people.

    Parameters
    ----------
    X : ndarray, shape (N, J, K)
        Values of K columns of J alternatives in N choices.
    chosen : ndarray, shape (N, J)
        Weight of each alternative: a one and zeros, or shares.
    person : ndarray of int, shape (N,)
        Codes 0 to P - 1; choices of one share their weights.
    names : sequence of str, optional
    offered : ndarray of bool, shape (N, J), optional
    draws : {"sobol", "halton"}
        ``"halton"`` with ``n_draws=100`` is what mlogit and xlogit publish.
    n_draws : int, optional
        Doubled from 256 until the log-likelihood moves by less than 0.1 when None.
    seed : int
    start : pair of sequences, optional
        Means and standard deviations. The likelihood has several tops: with few draws the sign
        of a standard deviation matters, and a start chooses among them.

    Returns
    -------
    ChoiceFit

    References
    ----------
    Revelt and Train (1998); Croissant (2020), mlogit; Arteaga et al. (2022), xlogit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, who = rng.normal(size=(600, 3, 1)), np.repeat(np.arange(40), 15)
    >>> u = X[:, :, 0] * (1 + rng.normal(size=40))[who][:, None] + rng.gumbel(size=(600, 3))
    >>> found = fit_choices(X, np.eye(3)[u.argmax(axis=1)], who, n_draws=256)
    >>> found.converged, bool(found.estimates["sd"][0] > 0.5)
    (True, True)
    """
    raw = choice_sets(X, chosen, person, offered)
    size = (raw.rows**2).sum(axis=(0, 1))
    count = (raw.rows != 0).sum(axis=(0, 1))
    scale = np.sqrt(np.divide(size, count, out=np.ones(raw.K), where=count > 0))
    rows = raw.rows / scale
    flat = rows.reshape(-1, raw.K)
    if np.linalg.matrix_rank(flat.T @ flat, hermitian=True) < raw.K:
        raise DesignError(
            "The columns cannot be told apart.",
            found=f"{raw.K} columns, some a combination of others or the same in all alternatives",
            expected="columns that differ between alternatives, each in its own way",
            fix="Leave such columns out.",
        )
    sets = ChoiceSets(
        raw.P, raw.J, raw.K, rows, raw.votes, raw.closed, raw.weight, raw.person
    )  # fmt: skip
    begin = None if start is None else (np.asarray(start, dtype=float) * scale).ravel()
    found = fit(sets, np.arange(raw.K), draws, n_draws, seed, begin)
    terms = [f"x{k}" for k in range(raw.K)] if names is None else list(names)
    return ChoiceFit(
        _table(found, terms, scale), found.best.value, found.draws, found.best.converged,
        found.settled,
    )  # fmt: skip


def _table(found: Fitted, terms: list[str], scale: Array) -> pd.DataFrame:
    K = len(terms)
    robust, plain = (np.sqrt(np.diag(cov)) for cov in (found.robust, found.hessian))
    return pd.DataFrame(
        {
            "term": terms,
            "mu": found.best.theta[:K] / scale,
            "robust_error": robust[:K] / scale,
            "hessian_error": plain[:K] / scale,
            "sd": np.abs(found.best.theta[K:]) / scale,
            "sd_robust_error": robust[K:] / scale,
            "sd_hessian_error": plain[K:] / scale,
        }
    )
