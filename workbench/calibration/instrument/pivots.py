"""Intervals of variance components and of coefficients: generalised pivots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.calibration.instrument.components import MEAN, REST, Components, Effect
from workbench.calibration.instrument.facets import ITEM, ORDER
from workbench.clustered import Array, Codes
from workbench.intervals import NO_VARIATION

_DRAWS = 20_000
_NOTHING = 1e-12
_FEW = 30
"""Clusters below which their mean squares do not tell degrees of freedom."""

ONE_CLUSTER = "one cluster of items: the error is not known"
CONSTANT = "every score is the same"
SINGULAR = "too few scores of an item to tell these facets apart: name fewer facets"


@dataclass(frozen=True, eq=False)
class Pivots:
    """Components with draws of what they may be.

    Attributes
    ----------
    effects : list of Effect
        Without the mean.
    estimate : ndarray, shape (effects,)
        Unbiased; may be below 0.
    draws : ndarray, shape (effects, draws), or None
    df : ndarray, shape (effects,)
        Degrees of freedom behind each mean square: those of the design, or, where clusters
        of items say so, fewer.
    reason : str or None
        Why there are no draws.
    """

    effects: list[Effect]
    estimate: Array
    draws: Array | None
    df: Array
    reason: str | None

    def interval(self, values: Array, level: float) -> tuple[float, float]:
        """Return the ends of an interval from draws."""
        low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)


def pivots_of(found: Components, cluster: Codes, seed: int) -> Pivots:
    r"""Return what components may be, given mean squares M of chi-square distributions.

    .. math:: \tilde M_k = M_k \frac{\nu_k}{\chi^2_{\nu_k}},\qquad
              \tilde\sigma^2 = W \tilde M

    with the weights W that turn mean squares into components.

    Notes
    -----
    Weerahandi (1993); exact for a balanced design of normal effects, as far as chi-squares go.
    Scores are not normal and items of one prompt depend: the degrees of freedom of a mean square
    within items are those that its variance between clusters leaves (Satterthwaite 1946), at most
    those of the design. Fewer than thirty clusters leave their part of those of the design.
    """
    keep = np.array([one.name != MEAN for one in found.effects])
    effects = [one for one, used in zip(found.effects, keep, strict=True) if used]
    df = np.maximum(found.df, 1.0)
    share = np.bincount(cluster) / len(cluster)
    items = next(one.size for one in found.effects if one.facets == (ITEM,))
    for k, one in enumerate(found.effects):
        if one.of_items and len(share) < _FEW:
            # too few to tell a variance of a variance: as many clusters as items tell all
            df[k] = max(df[k] * min(len(share) / items, 1.0), 1.0)
        elif one.of_items and found.square[k] > _NOTHING:
            apart = found.by_cluster[k] - share * found.square[k]
            g = len(share)
            variance = g / max(g - 1, 1) * float(apart @ apart)
            if variance > 0:
                df[k] = np.clip(2 * found.square[k] ** 2 / variance, 1.0, df[k])
    estimate = found.variance[keep]
    reason = None
    if not found.square[keep].max(initial=0.0) > _NOTHING:
        reason = CONSTANT
    elif np.isnan(found.weights).any():
        reason = SINGULAR
    elif len(share) < 2:
        reason = ONE_CLUSTER
    if reason is not None:
        value = np.zeros(len(effects)) if reason == CONSTANT else estimate
        return Pivots(effects, value, None, df[keep], reason)
    rng = np.random.default_rng(seed)
    chance = np.stack([rng.chisquare(one, _DRAWS) for one in df])
    means = _positive(found)[:, None] * df[:, None] / chance
    if found.balanced or len(share) < _FEW:
        return Pivots(effects, estimate, (found.weights @ means)[keep], df[keep], None)
    within = np.array([one.of_items for one in found.effects])
    near = _over_clusters(found, share, rng)
    means[within] = near[within]
    draws = found.weights @ means
    # beside items the effects that these scores have count, not those of others like them
    draws[within] = found.weights[within] @ near
    return Pivots(effects, estimate, draws[keep], df[keep], None)


def _over_clusters(found: Components, share: Array, rng: np.random.Generator) -> Array:
    """Return draws of mean squares: Student's t with their covariance over clusters.

    Where scores lack, mean squares of the analogous analysis of variance depend on each other and
    may be below 0: no chi-squares. Within items they are sums over clusters.
    """
    g = len(share)
    apart = found.by_cluster - share * found.square[:, None]
    value, axis = np.linalg.eigh(apart @ apart.T * (g / (g - 1)))
    # the symmetric root hangs neither on the order of clusters nor on signs of the axes
    root = (axis * np.sqrt(np.maximum(value, 0.0))) @ axis.T
    moved = root @ rng.standard_normal((len(root), _DRAWS))
    df = 1.0 / float((share**2).sum()) - 1.0
    heavy = np.sqrt(df / rng.chisquare(df, _DRAWS))
    return np.asarray((found.square[:, None] + moved * heavy) / np.maximum(found.df, 1)[:, None])


def _positive(found: Components) -> Array:
    """Return mean squares; where scores lack, one that is not above 0 is what it should be."""
    means = found.square / np.maximum(found.df, 1)
    lost = means <= _NOTHING * means.max()
    if lost.any():
        least = np.maximum(found.variance, 0.0)
        means[lost] = np.linalg.solve(found.weights, least)[lost]
    return np.asarray(np.maximum(means, 0.0))


def coefficients(found: Pivots, numbers: Mapping[str, float], level: float) -> dict[str, Any]:
    r"""Return the generalizability and the dependability of a mean over levels of facets.

    .. math:: E\rho^2 = \frac{\sigma^2_i}{\sigma^2_i + \sigma^2_\delta},\quad
              \Phi = \frac{\sigma^2_i}{\sigma^2_i + \sigma^2_\Delta}

    with every component divided by the numbers of levels that its facets are averaged over;
    :math:`\delta` holds those that involve the item, :math:`\Delta` all but the item's own.

    Parameters
    ----------
    found : Pivots
    numbers : mapping of str to float
        Levels of each facet beside the item.
    level : float
    """
    relative, absolute = _errors(found.effects, numbers)
    own = np.array([one.facets == (ITEM,) for one in found.effects])
    value = np.maximum(found.estimate, 0.0)
    row: dict[str, Any] = {"reason": found.reason}
    for name, weight in (("e_rho2", relative), ("phi", absolute)):
        row |= {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
        total = float(value @ (weight + own))
        if found.reason is not None and found.draws is None and found.reason != ONE_CLUSTER:
            continue
        if total > _NOTHING:
            row[name] = float(value @ own) / total
        if found.draws is not None:
            drawn = np.maximum(found.draws, 0.0)
            whole = (weight + own) @ drawn
            ratio = np.divide(own @ drawn, whole, out=np.zeros(len(whole)), where=whole > 0)
            row |= ends_or_reason(name, row[name], found.interval(ratio, level), row["reason"])
    return row


def ends_or_reason(
    name: str, value: float, ends: tuple[float, float], reason: str | None
) -> dict[str, Any]:
    """Return an interval that holds a share, or, where it would be a point, why there is none.

    Examples
    --------
    >>> ends_or_reason("phi", 1.0, (1.0, 1.0), None)["reason"]
    'no variation: the error is not known'
    """
    low, high = min(ends[0], value), max(ends[1], value)
    if high - low < _NOTHING:
        low, high, reason = np.nan, np.nan, reason or NO_VARIATION
    return {f"{name}_low": low, f"{name}_high": high, "reason": reason}


def _errors(effects: list[Effect], numbers: Mapping[str, float]) -> tuple[Array, Array]:
    """Return the weight of each component in the relative and in the absolute error."""
    relative, absolute = np.zeros(len(effects)), np.zeros(len(effects))
    every = float(np.prod(list(numbers.values())))
    for k, one in enumerate(effects):
        if one.facets == (ITEM,):
            continue
        over = (
            every
            if one.name == REST
            else float(np.prod([numbers[f] for f in one.facets if f != ITEM]))
        )
        if one.signed and numbers.get(ORDER, 1) > 1:
            # asked in both orders, what turns with the order cancels
            continue
        absolute[k] = 1 / over
        relative[k] = 1 / over if one.of_items else 0.0
    return relative, absolute
