"""Correlation of noisy weight vectors: moments, noise, correction, and replicates of all three."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array

FEWEST_TERMS = 3
"""Two points always correlate by 1 or -1: at least three terms must be shared."""

_CHUNK = 2_000_000
"""Numbers that one block of replicates may hold per moment."""


@dataclass(frozen=True)
class Moments:
    """Centred second moments of every pair of A annotators over the terms they share.

    Attributes
    ----------
    cross : ndarray, shape (..., A, A)
        Sum of products of a's and b's deviations from their means.
    own : ndarray, shape (..., A, A)
        Sum of squares of a's, over the terms shared with b.
    """

    cross: Array
    own: Array


def moments(left: Array, right: Array, mask: NDArray[np.bool_]) -> Moments:
    r"""Return the moments of two sets of weight vectors.

    .. math:: l_a' C_{ab} r_b \text{ and } l_a' C_{ab} r_a,\quad
              C_{ab} = I - 11'/K_{ab} \text{ on the terms shared by } a \text{ and } b

    Parameters
    ----------
    left, right : ndarray, shape (..., A, K)
        Anything where ``mask`` is False.
    mask : ndarray of bool, shape (A, K)
        Which weights are defined.

    Examples
    --------
    >>> w = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 6.0]])
    >>> found = moments(w, w, np.ones((2, 3), bool))
    >>> found.own.tolist(), found.cross[0, 1].item()
    ([[2.0, 2.0], [14.0, 14.0]], 5.0)
    """
    m = mask.astype("float64")
    left, right = np.where(mask, left, 0.0), np.where(mask, right, 0.0)
    shared = np.maximum(m @ m.T, 1.0)
    left_sum, right_sum = left @ m.T, right @ m.T
    cross = left @ np.swapaxes(right, -1, -2) - left_sum * np.swapaxes(right_sum, -1, -2) / shared
    own = (left * right) @ m.T - left_sum * right_sum / shared
    return Moments(cross, own)


class Scenario:
    """Weight vectors of A annotators in one scenario, with the noise that their draws show.

    Parameters
    ----------
    values : ndarray, shape (A, K)
        NaN where undefined; a whole row where the annotator has no fit here.
    draws : ndarray, shape (S, A, K), or None
    posterior : bool
        Draws are of a posterior, so the weights are shrunk posterior means; otherwise they are
        replicates of an estimate's sampling error.
    """

    def __init__(self, values: Array, draws: Array | None, posterior: bool) -> None:
        self.mask = np.isfinite(values)
        self.values = np.where(self.mask, values, 0.0)
        self.shared = self.mask.astype(np.int64) @ self.mask.astype(np.int64).T
        seen = moments(self.values, self.values, self.mask)
        enough = self.shared >= FEWEST_TERMS
        # sums of squares of equal weights are rounding error, not variance
        level = (self.values**2) @ self.mask.astype("float64").T
        flat = seen.own <= 1e-20 * np.maximum(level, 1e-280)
        self.seen = Moments(
            np.where(enough, seen.cross, np.nan), np.where(enough & ~flat, seen.own, np.nan)
        )
        self.defined = np.isfinite(self.seen.own) & np.isfinite(self.seen.own.T)
        """Of which pairs, shape (A, A), the correlation is defined."""
        self.errors: Array | None = None
        self.noise = Moments(np.full_like(seen.cross, np.nan), np.full_like(seen.own, np.nan))
        if draws is not None:
            self.errors = self._errors(draws)
            self.noise = self._mean_noise(self.errors)
            if posterior:
                self._sampling_errors()

    def _errors(self, draws: Array) -> Array:
        """Deviations of the draws from their mean; NaN for a whole vector that is not complete."""
        bad = np.asarray((~np.isfinite(draws) & self.mask).any(axis=2))
        draws = np.where(bad[:, :, None] | ~self.mask, np.nan, draws)
        count = np.maximum((~bad).sum(axis=0), 1)[:, None]
        mean = np.nansum(draws, axis=0) / count
        return np.asarray(np.where(self.mask | bad[:, :, None], draws - mean, 0.0))

    def _mean_noise(self, errors: Array) -> Moments:
        cross, own = np.zeros_like(self.seen.cross), np.zeros_like(self.seen.own)
        count = np.zeros_like(cross)
        for block in self._blocks(errors):
            usable = np.asarray(np.isfinite(block).all(axis=2))
            both = (usable[:, :, None] & usable[:, None, :]).astype("float64")
            found = moments(np.nan_to_num(block), np.nan_to_num(block), self.mask)
            cross += (found.cross * both).sum(axis=0)
            own += (found.own * both).sum(axis=0)
            count += both.sum(axis=0)
        free = np.where(count > 1, count - 1, np.nan)
        return Moments(cross / free, own / free)

    def _sampling_errors(self) -> None:
        """Turn posterior deviations into those of the posterior mean over samples.

        With a normal prior of variance t and an estimate of error variance s, the posterior
        mean is the estimate times r = t / (t + s) and the posterior variance is r s. Over
        samples the mean has the variance r^2 s: r times that of the posterior. r itself is the
        variance of the posterior means as a share of that and the posterior variance.
        """
        if self.errors is None:
            return
        spread, posterior = np.diag(self.seen.own), np.diag(self.noise.own)
        share = np.nan_to_num(spread / (spread + posterior))
        root = np.sqrt(share)
        self.errors = self.errors * root[:, None]
        self.noise = Moments(
            self.noise.cross * np.outer(root, root), self.noise.own * share[:, None]
        )

    def _blocks(self, errors: Array) -> list[Array]:
        size = max(1, _CHUNK // max(1, len(self.mask) ** 2))
        return [errors[start : start + size] for start in range(0, len(errors), size)]

    def around_shrunk(self) -> Array | None:
        """Return errors around weights that were shrunk to the variance they have without noise.

        Shape (S, A, K), NaN where undefined; each annotator's mean is lost. None without draws.
        """
        if self.errors is None:
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            share = 1 - np.diag(self.noise.own) / np.diag(self.seen.own)
        root = np.sqrt(np.clip(np.nan_to_num(share), 0.0, 1.0))
        return np.asarray(np.where(self.mask, root[:, None] * self.values + self.errors, np.nan))

    def replicates(self) -> Iterator[Moments]:
        r"""Return moments as they would fall out again, in blocks of replicates.

        .. math:: (\tilde w_a + e_a^*)' C (\tilde w_b + e_b^*)

        Errors :math:`e^*` are the draws' deviations. Their centres :math:`\tilde w` are the
        estimates, turned and shrunk pair by pair so that their moments are the corrected ones:
        around the estimates themselves, noise would enter twice.
        """
        if self.errors is None:
            return
        own, other, corrected = _centres(self.seen, self.noise)
        for errors in self._blocks(self.errors):
            mixed = moments(np.broadcast_to(self.values, errors.shape), errors, self.mask)
            alone = moments(errors, errors, self.mask)
            bad = np.asarray(~np.isfinite(errors).all(axis=2))
            turned = np.swapaxes(mixed.cross, -1, -2)
            half = own * mixed.cross + other * np.swapaxes(mixed.own, -1, -2)
            cross = corrected.cross + half + np.swapaxes(half, -1, -2) + alone.cross
            mine = corrected.own + 2 * (own * mixed.own + other * turned) + alone.own
            lost = bad[:, :, None] | bad[:, None, :]
            yield Moments(np.where(lost, np.nan, cross), np.where(lost, np.nan, mine))


def _centres(seen: Moments, noise: Moments) -> tuple[Array, Array, Moments]:
    """Return by how much own and other weights enter each centre, and the centres' moments."""
    a, b, c = seen.own, seen.own.T, seen.cross
    x, y = np.maximum(a - noise.own, 0.0), np.maximum(b - noise.own.T, 0.0)
    z = np.clip(c - noise.cross, -np.sqrt(x * y), np.sqrt(x * y))
    root = np.sqrt(np.maximum(a * b - c**2, 0.0))
    single = ~(root > 1e-9 * np.sqrt(a * b))
    # products of square roots of 2x2 matrices: of the corrected moments, of the inverse observed
    root = np.where(single, 1.0, root)
    root_new = np.sqrt(np.maximum(x * y - z**2, 0.0))
    down = np.sqrt(a + b + 2 * root) * root * np.sqrt(np.maximum(x + y + 2 * root_new, 1e-300))
    own = ((x + root_new) * (b + root) - z * c) / down
    other = (z * (a + root) - (x + root_new) * c) / down
    # identical vectors have no second direction to turn to
    own = np.where(single, np.sqrt(x / a), own)
    other = np.where(single, 0.0, other)
    z = np.where(single, own * own.T * c, z)
    return own, other, Moments(z, x)


@dataclass(frozen=True)
class PairMeans:
    """Correlations of P pairs of annotators, averaged over scenarios.

    Attributes
    ----------
    raw, corrected : ndarray, shape (..., P)
        Correlation as observed, and corrected for noise.
    reliability : ndarray, shape (2, ..., P)
        Of the weights of each side: the share of their variance that is not noise.
    """

    raw: Array
    corrected: Array
    reliability: Array


def pair_means(
    scenarios: list[Scenario], pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[PairMeans, PairMeans | None]:
    r"""Return the mean correlations of pairs, and replicates of them where there are draws.

    .. math:: r = \operatorname{mean}_s \frac{c_{ab}}{\sqrt{c_{aa} c_{bb}}},\quad
              r' = \operatorname{mean}_s \frac{c_{ab} - N_{ab}}{\sqrt{c_{aa} c_{bb}}}
              \Big/ \sqrt{R_a R_b},\quad
              R_a = \operatorname{mean}_s \Big(1 - \frac{N_{aa}}{c_{aa}}\Big)

    Parameters
    ----------
    scenarios : list of Scenario
        With observed moments c, and what noise N adds to them on average.
    pairs : two ndarrays of int, shape (P,)
        Positions of the annotators of each pair.

    Returns
    -------
    means : PairMeans, shape (P,)
        Each pair over the scenarios in which it is defined. ``corrected`` is NaN where a
        reliability is not above 0.
    replicates : PairMeans, shape (S, P), or None
    """
    parts = [_summands(s.seen, s.noise, pairs) for s in scenarios]
    defined = [s.defined[pairs] for s in scenarios]
    count = np.sum(defined, axis=0)
    kept = [np.where(d, part, 0.0) for d, part in zip(defined, parts, strict=True)]
    means = _combined(np.sum(kept, axis=0), count)
    if any(s.errors is None for s in scenarios):
        return means, None
    total: Array | float = 0.0
    for scenario, d in zip(scenarios, defined, strict=True):
        blocks = [_summands(b, scenario.noise, pairs) for b in scenario.replicates()]
        total = total + np.where(d, np.concatenate(blocks, axis=1), 0.0)
    return means, _combined(np.asarray(total), count)


def _summands(
    part: Moments, noise: Moments, pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> Array:
    i, j = pairs
    a, b = part.own[..., i, j], part.own[..., j, i]
    cross = part.cross[..., i, j]
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(np.where((a > 0) & (b > 0), a * b, np.nan))
        return np.stack(
            [
                cross / scale,
                (cross - noise.cross[i, j]) / scale,
                1 - noise.own[i, j] / a,
                1 - noise.own[j, i] / b,
            ]
        )


def _combined(total: Array, count: NDArray[np.int64]) -> PairMeans:
    raw, product, a, b = total / np.where(count > 0, count, np.nan)
    with np.errstate(invalid="ignore"):
        both = np.where((a > 0) & (b > 0), a * b, np.nan)
    return PairMeans(raw, product / np.sqrt(both), np.stack([a, b]))


def ranked(scenario_values: Array, draws: Array | None) -> tuple[Array, Array | None]:
    """Return ranks in place of weights, over the terms that all annotators with a fit have.

    Examples
    --------
    >>> ranked(np.array([[3.0, 1.0, 2.0], [1.0, np.nan, 5.0]]), None)[0]
    array([[ 2., nan,  1.],
           [ 1., nan,  2.]])
    """
    # it loads what no other comparison needs
    from scipy.stats import rankdata

    present = np.isfinite(scenario_values)
    fitted = np.asarray(present.any(axis=1))
    common = np.asarray(present[fitted].all(axis=0) & fitted.any())
    keep = fitted[:, None] & common
    ranks = np.full_like(scenario_values, np.nan)
    if common.any():
        ranks[np.ix_(fitted, common)] = rankdata(scenario_values[np.ix_(fitted, common)], axis=1)
    if draws is None or not common.any():
        return ranks, None
    again = np.where(keep, draws, np.nan)
    again[:, :, common] = rankdata(draws[:, :, common], axis=2, nan_policy="propagate")
    return ranks, again
