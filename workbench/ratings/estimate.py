"""Fits of the ratings without and with covariates, and how sure they are, jointly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from workbench.decompose.kernel import Array, Codes
from workbench.errors import DesignError
from workbench.ratings.battles import Battles
from workbench.ratings.errors import Laid, bootstrap_draws, collapse, lay, normal_draws, sandwich
from workbench.ratings.kernel import Likelihood, RatingFit, Rows, Votes, fit
from workbench.ratings.parted.sums import BattleSums
from workbench.ratings.result import RatedSide
from workbench.ratings.style import fit_with_style
from workbench.ratings.tables import Spread


class Rated(Protocol):
    """Battles that ratings are fitted to, in memory or in parts."""

    @property
    def sums(self) -> Battles | BattleSums:
        """The battles as a result tells of them."""

    def among(self, models: Codes) -> Rated:
        """Return the battles among some models."""

    def collapsed(self, davidson: bool) -> tuple[Rows, Votes]:
        """Return one row for each two models that met."""

    def styled(
        self, names: list[str], plain: RatingFit, davidson: bool, ridge: float
    ) -> tuple[Any, list[str], dict[str, str]]:
        """Return the fit with covariates, which ones, and why not the others."""

    def covariance(self, models: Sequence[Any], fits: list[RatingFit]) -> Array:
        """Return the joint cluster-robust covariance of fits."""

    def draws(self, models: Sequence[Any], fits: list[RatingFit], count: int, seed: int) -> Array:
        """Return the parameters of refits to resampled clusters."""

    def close(self) -> None:
        """Remove what was laid out for the passes."""


@dataclass(frozen=True, eq=False)
class Held:
    """Battles in memory.

    Attributes
    ----------
    sums : Battles
    """

    sums: Battles

    def among(self, models: Codes) -> Held:
        """Return the battles among some models."""
        return Held(self.sums.subset(models))

    def collapsed(self, davidson: bool) -> tuple[Rows, Votes]:
        """Return one row for each two models that met."""
        return collapse(self.sums, davidson)

    def styled(
        self, names: list[str], plain: RatingFit, davidson: bool, ridge: float
    ) -> tuple[Any, list[str], dict[str, str]]:
        """Return the fit with covariates, which ones, and why not the others."""
        return fit_with_style(self._laid[davidson], names, davidson=davidson, ridge=ridge)

    def covariance(self, models: Sequence[Any], fits: list[RatingFit]) -> Array:
        """Return the joint cluster-robust covariance of fits."""
        davidson, ridge = models[0].davidson, models[0].ridge
        laid = self._laid[davidson]
        plain = Likelihood(laid.without_covariates(), davidson=davidson, ridge=ridge)
        return sandwich(laid, [plain, *models[1:]], fits)

    def draws(self, models: Sequence[Any], fits: list[RatingFit], count: int, seed: int) -> Array:
        """Return the parameters of refits to resampled clusters."""
        laid = self._laid[models[0].davidson]
        return bootstrap_draws(laid, list(models), fits, count, seed)

    def close(self) -> None:
        """Remove nothing."""

    @cached_property
    def _laid(self) -> dict[bool, Laid]:
        return _LaidOnce(self.sums)


class _LaidOnce(dict[bool, Laid]):
    """Battles in the order of their models, with ties apart or not, laid when first wanted."""

    def __init__(self, battles: Battles) -> None:
        super().__init__()
        self.battles = battles

    def __missing__(self, davidson: bool) -> Laid:
        self[davidson] = lay(self.battles, davidson)
        return self[davidson]


def estimate(
    rated: Rated, zero: Array, settings: dict[str, Any], seed: int
) -> tuple[list[RatedSide], Spread | None, dict[str, str]]:
    """Fit without and with covariates, and spread both jointly.

    Parameters
    ----------
    rated : Rated
    zero : ndarray, shape (M, M)
        The map from ratings that sum to 0 to those that are shown.
    settings : dict
        Of the result.
    seed : int

    Returns
    -------
    sides : list of RatedSide
    shift : Spread or None
        Ratings of the second less those of the first.
    lost : dict of str to str
        Why a covariate has no weight.

    Raises
    ------
    DesignError
        The ratings have no finite maximum.
    """
    used = rated.sums
    davidson = settings["ties"] == "davidson" and used.any_tied
    ridge = settings["ridge"]
    rows, votes = rated.collapsed(davidson)
    models: list[Any] = [Likelihood(rows, davidson=davidson, ridge=ridge)]
    fits = [fit(models[0], votes)]
    if not fits[0].converged:
        raise DesignError(
            "The ratings have no finite maximum.",
            found="a likelihood that grows without end",
            expected="wins, losses and ties that no ordering of the models explains fully",
            fix='Use ties="half".',
        )
    names = used.covariates
    lost: dict[str, str] = {}
    if names:
        style, names, lost = rated.styled(names, fits[0], davidson, ridge)
        if style is not None:
            models.append(style.model)
            fits.append(style.found)
    joint = _spread(rated, models, fits, settings, seed)
    sides = _sides(joint, models, fits, zero, names)
    if len(sides) == 1:
        return sides, None, lost
    M, P = len(used.models), models[0].P
    both = np.zeros((M, len(joint.estimate)))
    both[:, :M], both[:, P : P + M] = -zero, zero
    return sides, joint.mapped(both), lost


def _spread(
    rated: Rated, models: list[Any], fits: list[RatingFit], settings: dict[str, Any], seed: int
) -> Spread:
    center = np.concatenate([one.phi for one in fits])
    count, kind = settings["replicates"], settings["intervals"]
    covariance = np.full((len(center), len(center)), np.nan)
    if kind == "cluster":
        covariance = rated.covariance(models, fits)
        draws = np.empty((0, len(center)))
        if np.isfinite(covariance).all():
            draws = normal_draws(center, covariance, count, seed)
    else:
        draws = rated.draws(models, fits, count, seed)
        defined = draws[np.isfinite(draws).all(axis=1)]
        if len(defined) > 1 and np.ptp(defined, axis=0).any():
            covariance = np.atleast_2d(np.cov(defined, rowvar=False))
        elif len(defined) > 1:
            # ties alone never vary: what does not move has no error of 0 but none
            draws = draws[:0]
    return Spread(center, covariance, draws, kind, settings["level"])


def _sides(
    joint: Spread, models: list[Any], fits: list[RatingFit], zero: Array, names: list[str]
) -> list[RatedSide]:
    sides, first = [], 0
    for model, one in zip(models, fits, strict=True):
        part = joint.take(slice(first, first + model.P))
        first += model.P
        sides.append(
            RatedSide(
                ratings=part.take(slice(0, model.M)).mapped(zero),
                weights=part.take(slice(model.M, model.M + model.K)),
                log_nu=part.take(slice(model.P - 1, model.P)) if model.davidson else None,
                terms=names if model.K else [],
                log_likelihood=one.log_likelihood,
            )
        )
    return sides
