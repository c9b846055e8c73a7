"""Which covariates the battles can tell, so that each that cannot is left out alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from workbench.decompose.kernel import Array
from workbench.ratings.errors import Laid
from workbench.ratings.kernel import Likelihood, RatingFit, Rows, fit, inverse

_DEPENDENT = 1e-9
"""Share of a column's sum of squares below which other columns explain all of it."""


class Found(Protocol):
    """A fit with some covariates."""

    @property
    def found(self) -> RatingFit:
        """Its parameters."""


F = TypeVar("F", bound=Found)
G = TypeVar("G", bound=Found, covariant=True)


@dataclass(frozen=True, eq=False)
class StyleFit:
    """The fit with every covariate that has a finite weight.

    Attributes
    ----------
    laid : Laid
        Battles with these covariates.
    model : Likelihood
    found : RatingFit
    """

    laid: Laid
    model: Likelihood
    found: RatingFit


class Problem(Protocol[G]):
    """Battles with covariates, in memory or in parts."""

    def reasons(self, names: list[str]) -> dict[str, str]:
        """Return why some covariates cannot be told."""

    def fitted(self, columns: list[int]) -> G:
        """Return the fit with some covariates."""

    def sided(self, column: int) -> tuple[int, bool, bool]:
        """Return how many battles differ in a covariate; whether more, or less, won all."""


def with_style(problem: Problem[F], names: list[str]) -> tuple[F | None, list[str], dict[str, str]]:
    """Fit ratings and covariates together (:func:`fit_with_style`), of battles wherever they lie.

    Parameters
    ----------
    problem : Problem
    names : list of str
        Of its covariates.
    """
    reasons = problem.reasons(names)
    kept = [k for k, name in enumerate(names) if name not in reasons]
    if not kept:
        return None, [], reasons
    best = problem.fitted(kept)
    if not best.found.converged:
        best, kept, separating = _one_by_one(problem, kept, names)
        reasons |= separating
    return best if kept else None, [names[k] for k in kept], reasons


def fit_with_style(
    laid: Laid, names: list[str], *, davidson: bool, ridge: float
) -> tuple[StyleFit | None, list[str], dict[str, str]]:
    """Fit ratings and covariates together, without those whose weight cannot be told.

    A covariate that is constant, or a combination of others, is left out first. Where the
    fit of the rest has no finite maximum, some of them separate wins from losses; then they
    are added one by one, in their order, and each that takes the maximum away is left out.

    Parameters
    ----------
    laid : Laid
        With all covariates.
    names : list of str
        Of its covariates.
    davidson : bool
    ridge : float

    Returns
    -------
    fit : StyleFit or None
        None where no covariate is left.
    kept : list of str
        The covariates in the fit.
    reasons : dict of str to str
        Why each other one is not.
    """
    return with_style(_Held(laid, davidson, ridge), names)


@dataclass(frozen=True, eq=False)
class _Held:
    """Battles in memory."""

    laid: Laid
    davidson: bool
    ridge: float

    def reasons(self, names: list[str]) -> dict[str, str]:
        return identified(self.laid.rows, self.laid.votes.weight[:, 0], names)

    def fitted(self, columns: list[int]) -> StyleFit:
        laid = self.laid.of_columns(columns)
        model = Likelihood(laid.rows, davidson=self.davidson, ridge=self.ridge)
        return StyleFit(laid, model, fit(model, laid.votes))

    def sided(self, column: int) -> tuple[int, bool, bool]:
        return sided(self.laid, column)


def _one_by_one(
    problem: Problem[F], columns: list[int], names: list[str]
) -> tuple[F, list[int], dict[str, str]]:
    best = problem.fitted([])
    kept: list[int] = []
    reasons: dict[str, str] = {}
    for k in columns:
        more = problem.fitted([*kept, k])
        if more.found.converged:
            best, kept = more, [*kept, k]
        else:
            reasons[names[k]] = _why(problem.sided(k), [names[j] for j in kept])
    return best, kept, reasons


def sided(laid: Laid, column: int) -> tuple[int, bool, bool]:
    """Return how many battles differ in a covariate; whether the side with more, or less, won all.

    Parameters
    ----------
    laid : Laid
    column : int
    """
    x = laid.rows.X[:, column]
    differs = x != 0
    share = (laid.votes.won[:, 0] / laid.votes.weight[:, 0])[differs]
    # 1 where the side with more won, 0 where it lost, between them a tie or a soft verdict
    more = np.where(x[differs] > 0, share, 1.0 - share)
    return int(differs.sum()), bool((more == 1.0).all()), bool((more == 0.0).all())


def _why(found: tuple[int, bool, bool], others: list[str]) -> str:
    """Say how a covariate separates wins from losses: by itself, or with what else is there."""
    n, *won_all = found
    for side, all_of_them in zip(("more", "less"), won_all, strict=True):
        if all_of_them:
            won = f"the side with {side} won all {n:,} battles in which it differs"
            return f"{won}: no finite maximum"
    beside = ", ".join(["the models", *others])
    return f"with {beside} it predicts some labels perfectly: no finite maximum"


def identified(rows: Rows, weight: Array, names: list[str]) -> dict[str, str]:
    """Return why some covariates cannot be told, by name; those not named can.

    A column counts only by what the models' ratings, and the columns before it, leave of it.
    """
    gram = Likelihood(rows, davidson=False, ridge=0.0).gram(weight)
    return told_by(gram, rows.n_models, names)


def told_by(gram: Array, M: int, names: list[str]) -> dict[str, str]:
    """Return why some covariates cannot be told (:func:`identified`), from products of columns.

    Parameters
    ----------
    gram : ndarray, shape (M + K, M + K)
        Weighted by the labels.
    M : int
        Number of models.
    names : list of str
        Of the K covariates.
    """
    cross = gram[:M, M:]
    rest = gram[M:, M:] - cross.T @ inverse(gram[:M, :M], M) @ cross
    size = np.diag(gram)[M:]
    reasons: dict[str, str] = {}
    kept: list[int] = []
    for k, name in enumerate(names):
        if size[k] <= 0:
            reasons[name] = "the difference is 0 in every battle"
            continue
        inner = rest[np.ix_(kept, kept)]
        explained = rest[kept, k] @ np.linalg.solve(inner, rest[kept, k]) if kept else 0.0
        if rest[k, k] <= _DEPENDENT * size[k]:
            reasons[name] = "the models in a battle determine it"
        elif rest[k, k] - explained <= _DEPENDENT * size[k]:
            others = ", ".join(names[j] for j in kept)
            reasons[name] = f"a linear combination of the models and {others}"
        else:
            kept.append(k)
    return reasons
