"""Battles by scenario, laid out for fits in which each scenario has ratings of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes, logistic
from workbench.errors import DesignError
from workbench.ratings.battles import Battles

NONE = "(none)"
"""What a scenario without a name is called."""


@dataclass(frozen=True, eq=False)
class ByScenario:
    """Rows of battles of M models in S scenarios: one a battle, or one for each two models.

    Attributes
    ----------
    a, b, scenario : ndarray of int, shape (n,)
    weight, won : ndarray, shape (n,)
        Sums of ``w`` and of ``w y``, ``y = P(A preferred)``, a tie half a win.
    X : ndarray, shape (n, K)
        Covariates, A minus B; one row a battle where there are some.
    models, scenarios, covariates : list of str
    """

    a: Codes
    b: Codes
    scenario: Codes
    weight: Array
    won: Array
    X: Array
    models: list[str]
    scenarios: list[str]
    covariates: list[str]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of scenarios and of models."""
        return len(self.scenarios), len(self.models)

    def logits(self, theta: Array, beta: Array) -> Array:
        """Return the logit of each row, of ratings by scenario (S, M) and weights (K,)."""
        eta = theta[self.scenario, self.a] - theta[self.scenario, self.b]
        return np.asarray(eta + self.X @ beta if len(beta) else eta)

    def log_likelihood(self, eta: Array) -> float:
        """Return the log-likelihood of logits."""
        return float(self.won @ eta - self.weight @ np.logaddexp(0.0, eta))

    def derivatives(self, eta: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return what a Newton step needs of the log-likelihood.

        Returns
        -------
        gradient : ndarray, shape (S, M)
        gradient_x : ndarray, shape (K,)
        curved : ndarray, shape (S, M, M)
            Negated Hessians by ratings.
        cross : ndarray, shape (S, M, K)
        curved_x : ndarray, shape (K, K)
        """
        S, M = self.shape
        K = self.X.shape[1]
        p = logistic(eta)
        rest, h = self.won - self.weight * p, self.weight * p * (1 - p)
        first, second = self.scenario * M + self.a, self.scenario * M + self.b

        def sides(values: Array) -> Array:
            up, down = (np.bincount(at, values, S * M) for at in (first, second))
            return np.asarray(up - down).reshape(S, M)

        counts = np.bincount(first * M + self.b, h, S * M * M)
        met = np.asarray(counts, dtype=np.float64).reshape(S, M, M)
        met = met + np.swapaxes(met, 1, 2)
        curved: Array = -met
        curved[:, np.arange(M), np.arange(M)] += met.sum(axis=2)
        cross = np.zeros((S, M, K))
        for k in range(K):
            cross[:, :, k] = sides(h * self.X[:, k])
        return sides(rest), self.X.T @ rest, curved, cross, (self.X * h[:, None]).T @ self.X

    def battles(self) -> Array:
        """Return the weight of battles of each model in each scenario, shape (S, M)."""
        S, M = self.shape
        at = np.r_[self.scenario * M + self.a, self.scenario * M + self.b]
        total = np.bincount(at, np.r_[self.weight, self.weight], S * M)
        return np.asarray(total, dtype=np.float64).reshape(S, M)


def by_scenario(data: PreferenceData, battles: Battles, column: str) -> ByScenario:
    """Lay out battles by a column of the pairs or labels.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion, whose labels the battles are.
    battles : Battles
    column : str

    Raises
    ------
    DesignError
        No such column, or fewer than two scenarios.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.ratings.battles import collect
    >>> data = wb.load("sample")
    >>> battles = collect(data, annotator="human", covariates=[], ties="half")
    >>> by_scenario(data, battles, "scenario").shape
    (3, 4)
    """
    if column in data.labels:
        names = data.labels[column].take(battles.label)
    elif column in data.pairs:
        names = data.pairs[column].take(data.pair_rows[battles.label])
    else:
        raise DesignError(
            f"There is no column {column!r} that names scenarios.",
            found=", ".join(dict.fromkeys([*map(str, data.pairs), *map(str, data.labels)])),
            expected="one column of the pairs or of the labels",
            fix="Name one of these in by=.",
        )
    code, known = pd.factorize(names.astype("str").fillna(NONE), sort=True)
    if len(known) < 2:
        raise DesignError(
            "Scenarios cannot be compared.",
            found=f"{len(known)} values of {column!r} among the battles",
            expected="at least two",
            fix="Name another column in by=, or rate the models without scenarios.",
        )
    rows = ByScenario(
        a=battles.a, b=battles.b, scenario=np.asarray(code, dtype=np.int64),
        weight=battles.weight, won=battles.weight * battles.preference, X=battles.X,
        models=battles.models, scenarios=[str(name) for name in known],
        covariates=battles.covariates,
    )  # fmt: skip
    return rows if battles.covariates else collapsed(rows)


def collapsed(rows: ByScenario) -> ByScenario:
    """Return one row for each two models in a scenario: without covariates, nothing is lost."""
    S, M = rows.shape
    turned = rows.a > rows.b
    low, high = np.minimum(rows.a, rows.b), np.maximum(rows.a, rows.b)
    key = (rows.scenario * M + low) * M + high
    won = np.where(turned, rows.weight - rows.won, rows.won)
    weight, won = (
        np.asarray(np.bincount(key, values, S * M * M), dtype=np.float64)
        for values in (rows.weight, won)
    )
    met = np.flatnonzero(weight)
    return replace(
        rows, a=met // M % M, b=met % M, scenario=met // (M * M), weight=weight[met],
        won=won[met], X=np.zeros((len(met), 0)),
    )  # fmt: skip
