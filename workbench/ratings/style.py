"""Which covariates the battles can tell, so that each that cannot is left out alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.ratings.errors import Laid
from workbench.ratings.kernel import Likelihood, RatingFit, fit, identified


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
    reasons = identified(laid.rows, laid.votes.weight[:, 0], names)
    kept = [k for k, name in enumerate(names) if name not in reasons]
    if not kept:
        return None, [], reasons
    best = _fitted(laid, kept, davidson, ridge)
    if not best.found.converged:
        best, kept, separating = _one_by_one(laid, kept, names, davidson, ridge)
        reasons |= separating
    return best if kept else None, [names[k] for k in kept], reasons


def _fitted(laid: Laid, columns: list[int], davidson: bool, ridge: float) -> StyleFit:
    if len(columns) < laid.rows.X.shape[1]:
        rows = replace(laid.rows, X=np.ascontiguousarray(laid.rows.X[:, columns]))
        laid = replace(laid, rows=rows)
    model = Likelihood(laid.rows, davidson=davidson, ridge=ridge)
    return StyleFit(laid, model, fit(model, laid.votes))


def _one_by_one(
    laid: Laid, columns: list[int], names: list[str], davidson: bool, ridge: float
) -> tuple[StyleFit, list[int], dict[str, str]]:
    best = _fitted(laid, [], davidson, ridge)
    kept: list[int] = []
    reasons: dict[str, str] = {}
    for k in columns:
        more = _fitted(laid, [*kept, k], davidson, ridge)
        if more.found.converged:
            best, kept = more, [*kept, k]
        else:
            reasons[names[k]] = _why(laid, k, [names[j] for j in kept])
    return best, kept, reasons


def _why(laid: Laid, column: int, others: list[str]) -> str:
    """Say how a covariate separates wins from losses: by itself, or with what else is there."""
    x = laid.rows.X[:, column]
    differs = x != 0
    share = (laid.votes.won[:, 0] / laid.votes.weight[:, 0])[differs]
    # 1 where the side with more won, 0 where it lost, between them a tie or a soft verdict
    more = np.where(x[differs] > 0, share, 1.0 - share)
    for side, value in (("more", 1.0), ("less", 0.0)):
        if (more == value).all():
            n = int(differs.sum())
            won = f"the side with {side} won all {n:,} battles in which it differs"
            return f"{won}: no finite maximum"
    beside = ", ".join(["the models", *others])
    return f"with {beside} it predicts some labels perfectly: no finite maximum"
