"""The verb that rates models from pairwise preferences, with style held constant if asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, get_args

import numpy as np

from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData
from workbench.decompose.kernel import Array
from workbench.engine import Engine, Local
from workbench.errors import (
    DesignError,
    level_option,
    refuse_out_of_range,
    seed_option,
    whole,
)
from workbench.provenance import Provenance
from workbench.ratings.battles import BattleTies, collect
from workbench.ratings.comparable import comparable
from workbench.ratings.estimate import Held, Rated, estimate
from workbench.ratings.parted.rate import PartedBattles
from workbench.ratings.result import Ratings
from workbench.ratings.tables import Intervals
from workbench.threads import on_one_thread

__all__ = ["Ratings", "rate"]

_ELO_AT_ZERO = 1000.0


@on_one_thread
def rate(
    data: PreferenceData | PartedData,
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
    engine: Engine | None = None,
) -> Ratings:
    r"""Rate models by the Bradley-Terry model, with covariates if asked.

    .. math:: P(\text{A preferred}) = \frac{1}{1 + e^{-(\theta_a - \theta_b + x'\beta)}}

    with the coded differences :math:`x` (A minus B). With style factors as covariates this is
    the Arena's style control: the ratings are those of equally styled responses. A weight is
    an association: it does not say that style caused the preference.

    Parameters
    ----------
    data : PreferenceData or PartedData
        With ``model_a`` and ``model_b``. Of data in parts only sums over the parts are held: the
        ratings and errors are the same.
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
    engine : Engine, optional
        Where the parts of data in parts are worked on: here, one after another, when None.

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

    Of data in parts, ``"bootstrap"`` draws each cluster a number of times that its name and the
    seed tell (Poisson counts): other draws than in memory, of the same law. With covariates it
    needs the rows of a sample.

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
    where = None
    if isinstance(data, PartedData):
        engine = engine or Local()
        where = engine.name
        battles: Rated = PartedBattles.of(data, annotator, covariates, ties, engine)
    else:
        battles = Held(collect(data, annotator=annotator, covariates=covariates, ties=ties))
    options = {
        "annotator": annotator if isinstance(annotator, str | None) else list(annotator),
        "covariates": covariates,
        "codings": {n: dict(data.factor_specs.get(n, {})).get("coding") for n in covariates},
        "ties": ties,
        "intervals": intervals,
        "replicates": replicates,
        "anchor": None,
        "elo_at_zero": None,
        "ridge": ridge,
        "level": level,
    }
    provenance = Provenance.capture(seed=seed, dataset=data.digest, engine=where)
    try:
        found = _rated(battles, anchor, options, provenance, seed)
    except DesignError:
        battles.close()
        raise
    battles.close()
    return found


def _rated(
    battles: Rated, anchor: str | tuple[str, float] | None, options: dict[str, Any],
    provenance: Provenance, seed: int,
) -> Ratings:  # fmt: skip
    rated, reasons = comparable(battles.sums)
    if len(rated) < 2:
        raise DesignError(
            "No two models can be compared.",
            found="; ".join(f"{name} {why}" for name, why in list(reasons.items())[:3]),
            expected="models that have each won against others, directly or through a chain",
            fix='Add battles, or count ties as half wins (ties="half").',
        )
    used = battles.among(rated)
    zero, name, elo = _anchor(anchor, used.sums.models, reasons)
    settings = options | {"anchor": name, "elo_at_zero": elo}
    sides, shift, lost = estimate(used, zero, settings, seed)
    return Ratings(
        battles=battles.sums,
        used=used.sums,
        without=sides[0],
        with_covariates=sides[1] if len(sides) > 1 else None,
        shift=shift,
        reasons=reasons,
        covariate_reasons=lost,
        settings=settings,
        provenance=provenance,
    )


def _anchor(
    anchor: str | tuple[str, float] | None, models: list[str], reasons: dict[str, str]
) -> tuple[Array, str | None, float]:
    """Return the map from ratings that sum to 0 to anchored ones, the name and its Elo."""
    M = len(models)
    if anchor is None:
        return np.eye(M), None, _ELO_AT_ZERO
    name, elo = (anchor, _ELO_AT_ZERO) if isinstance(anchor, str) else anchor
    if name not in models:
        raise DesignError(
            f"The anchor {name!r} has no rating.",
            found=reasons.get(name, "no such model among the battles"),
            expected=", ".join(models[:12]),
            fix="Anchor at one of the rated models.",
        )
    zero = np.eye(M)
    zero[:, models.index(name)] -= 1.0
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
