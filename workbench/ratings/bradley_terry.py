"""The verb that rates models from pairwise preferences, with style held constant if asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, get_args

import numpy as np

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.errors import (
    DesignError,
    level_option,
    refuse_out_of_range,
    seed_option,
    whole,
)
from workbench.provenance import Provenance
from workbench.ratings.battles import Battles, BattleTies, collect, comparable
from workbench.ratings.errors import (
    Laid,
    bootstrap_draws,
    collapse,
    lay,
    normal_draws,
    sandwich,
)
from workbench.ratings.kernel import Likelihood, RatingFit, fit
from workbench.ratings.result import RatedSide, Ratings
from workbench.ratings.style import fit_with_style
from workbench.ratings.tables import Intervals, Spread
from workbench.threads import on_one_thread

__all__ = ["Ratings", "rate"]

_ELO_AT_ZERO = 1000.0


@on_one_thread
def rate(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    covariates: Sequence[str] = (),
    ties: BattleTies = "half",
    intervals: Intervals = "cluster",
    replicates: int = 1000,
    anchor: str | tuple[str, float] | None = None,
    ridge: float = 0.0,
    level: float = 0.95,
    seed: int = 0,
) -> Ratings:
    r"""Rate models by the Bradley-Terry model, with covariates if asked.

    .. math:: P(\text{A preferred}) = \frac{1}{1 + e^{-(\theta_a - \theta_b + x'\beta)}}

    with the coded differences :math:`x` (A minus B). With style factors as covariates this is
    the Arena's style control: the ratings are those of equally styled responses. A weight is
    an association: it does not say that style caused the preference.

    Parameters
    ----------
    data : PreferenceData
        With ``model_a`` and ``model_b``.
    annotator : str or iterable of str, optional
        Only these annotators' labels, or those of a kind (``"human"``); all when None.
    covariates : sequence of str
        Factor columns in the same model: style, sentiment, or the user's own. One whose
        weight cannot be told (it never differs, follows from others, or separates wins from
        losses) is left out alone; ``held_constant`` and ``covariate_reasons`` say which.
    ties : {"half", "davidson", "drop"}
        A tie (both-bad included) is half a win for each side; an outcome of its own in
        Davidson's model; or left out.
    intervals : {"cluster", "bootstrap"}
        From the cluster-robust covariance, or percentiles of exact refits to resampled
        clusters (``pairs.cluster``).
    replicates : int
        Bootstrap replicates; with ``"cluster"``, normal draws behind the rank sets.
    anchor : str or (str, float), optional
        The model whose rating is 0, and its Elo (1000 when not given). Without one, the
        ratings sum to 0, which is shown as an Elo of 1000.
    ridge : float
        Penalty ``ridge / 2 * |beta|^2`` on the sum of the labels' log-likelihoods. It never
        touches the ratings. Not 0 it shrinks the covariates, and the more the fewer the
        labels; a penalty on their *mean* log-likelihood, as some packages have, is worth n
        times as much and shrinks style to almost nothing, which looks like quality.
    level : float
        Confidence level of every interval and rank set.
    seed : int
        Seed of the draws.

    Returns
    -------
    Ratings

    Raises
    ------
    DesignError
        No model names, no usable label, an unknown annotator, covariate or anchor, or an
        option out of range.

    Notes
    -----
    Battles are not reweighted: a pair of models that met often counts as often.

    References
    ----------
    Bradley and Terry (1952); Davidson (1970) for ties; Ford (1957) for when a maximum
    exists; Li et al. (2024), "Does style matter?", for style control; Mogstad et al. (2024)
    for rank sets.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = rate(data, annotator="human", covariates=["words"])
    >>> found.to_frame()["term"].tolist()
    ['sim-model-b', 'sim-model-d', 'sim-model-a', 'sim-model-c']
    >>> found.covariates[["term", "n"]].values.tolist()
    [['words', 6000]]
    """
    _check(ties, intervals, replicates, ridge, level, seed)
    covariates = [covariates] if isinstance(covariates, str) else list(covariates)
    battles = collect(data, annotator=annotator, covariates=covariates, ties=ties)
    rated, reasons = comparable(battles)
    if len(rated) < 2:
        raise DesignError(
            "No two models can be compared.",
            found="; ".join(f"{name} {why}" for name, why in list(reasons.items())[:3]),
            expected="models that have each won against others, directly or through a chain",
            fix='Add battles, or count ties as half wins (ties="half").',
        )
    used = battles.subset(rated)
    zero, name, elo = _anchor(anchor, used, reasons)
    settings = {
        "annotator": annotator if isinstance(annotator, str | None) else list(annotator),
        "covariates": covariates,
        "codings": {n: dict(data.factor_specs.get(n, {})).get("coding") for n in covariates},
        "ties": ties,
        "intervals": intervals,
        "replicates": replicates,
        "anchor": name,
        "elo_at_zero": elo,
        "ridge": ridge,
        "level": level,
    }
    sides, shift, lost = _estimate(used, zero, settings, seed)
    return Ratings(
        battles=battles,
        used=used,
        without=sides[0],
        with_covariates=sides[1] if len(sides) > 1 else None,
        shift=shift,
        reasons=reasons,
        covariate_reasons=lost,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _estimate(
    used: Battles, zero: Array, settings: dict[str, Any], seed: int
) -> tuple[list[RatedSide], Spread | None, dict[str, str]]:
    """Fit without and with covariates, and spread both jointly."""
    davidson = settings["ties"] == "davidson" and bool((used.preference == 0.5).any())
    ridge = settings["ridge"]
    rows, votes = collapse(used, davidson)
    models = [Likelihood(rows, davidson=davidson, ridge=ridge)]
    fits = [fit(models[0], votes)]
    if not fits[0].converged:
        raise DesignError(
            "The ratings have no finite maximum.",
            found="a likelihood that grows without end",
            expected="wins, losses and ties that no ordering of the models explains fully",
            fix='Use ties="half".',
        )
    laid, names = lay(used, davidson), used.covariates
    lost: dict[str, str] = {}
    if names:
        style, names, lost = fit_with_style(laid, names, davidson=davidson, ridge=ridge)
        if style is not None:
            laid = style.laid
            models.append(style.model)
            fits.append(style.found)
    joint = _spread(laid, models, fits, settings, seed)
    sides = _sides(joint, models, fits, zero, names)
    if len(sides) == 1:
        return sides, None, lost
    M, P = len(used.models), models[0].P
    both = np.zeros((M, len(joint.estimate)))
    both[:, :M], both[:, P : P + M] = -zero, zero
    return sides, joint.mapped(both), lost


def _spread(
    laid: Laid,
    models: list[Likelihood],
    fits: list[RatingFit],
    settings: dict[str, Any],
    seed: int,
) -> Spread:
    center = np.concatenate([one.phi for one in fits])
    count, kind = settings["replicates"], settings["intervals"]
    covariance = np.full((len(center), len(center)), np.nan)
    if kind == "cluster":
        plain = Likelihood(
            laid.without_covariates(), davidson=models[0].davidson, ridge=models[0].ridge
        )
        covariance = sandwich(laid, [plain, *models[1:]], fits)
        draws = np.empty((0, len(center)))
        if np.isfinite(covariance).all():
            draws = normal_draws(center, covariance, count, seed)
    else:
        draws = bootstrap_draws(laid, models, fits, count, seed)
        defined = draws[np.isfinite(draws).all(axis=1)]
        if len(defined) > 1 and np.ptp(defined, axis=0).any():
            covariance = np.atleast_2d(np.cov(defined, rowvar=False))
        elif len(defined) > 1:
            # ties alone never vary: what does not move has no error of 0 but none
            draws = draws[:0]
    return Spread(center, covariance, draws, kind, settings["level"])


def _sides(
    joint: Spread, models: list[Likelihood], fits: list[RatingFit], zero: Array, names: list[str]
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


def _anchor(
    anchor: str | tuple[str, float] | None, used: Battles, reasons: dict[str, str]
) -> tuple[Array, str | None, float]:
    """Return the map from ratings that sum to 0 to anchored ones, the name and its Elo."""
    M = len(used.models)
    if anchor is None:
        return np.eye(M), None, _ELO_AT_ZERO
    name, elo = (anchor, _ELO_AT_ZERO) if isinstance(anchor, str) else anchor
    if name not in used.models:
        raise DesignError(
            f"The anchor {name!r} has no rating.",
            found=reasons.get(name, "no such model among the battles"),
            expected=", ".join(used.models[:12]),
            fix="Anchor at one of the rated models.",
        )
    zero = np.eye(M)
    zero[:, used.models.index(name)] -= 1.0
    return zero, name, float(elo)


def _check(
    ties: str, intervals: str, replicates: int, ridge: float, level: float, seed: int
) -> None:
    problems = {
        "ties": (ties in get_args(BattleTies), ties, " or ".join(get_args(BattleTies))),
        "intervals": (
            intervals in get_args(Intervals),
            intervals,
            " or ".join(get_args(Intervals)),
        ),
        "replicates": (whole(replicates, 100), replicates, "a whole number, at least 100"),
        "ridge": (isinstance(ridge, Real) and 0 <= ridge < np.inf, ridge, "0 or a positive number"),
        "level": level_option(level),
        "seed": seed_option(seed),
    }
    refuse_out_of_range(problems)
