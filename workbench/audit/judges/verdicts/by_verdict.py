"""The mean that a reference would give all pairs: its labels by what a judge said of the pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri, stdtrit

from workbench.clustered import share
from workbench.intervals import ONE_CLUSTER, Array, Codes

STRATA = 5
"""Verdicts that are told apart: clearly and hardly for B, a tie, hardly and clearly for A."""

METHOD = (
    "labels by verdict, power tuned out of prompt; Jeffreys intervals of the verdicts put together"
)

FEW = "fewer than two labels of the reference"

_NOTHING = 1e-12


def verdict_strata(judged: Array) -> NDArray[np.int8]:
    """Return what kind of verdict each is: 0 to 4 from B to A, 2 a tie; -1 where there is none.

    Soft verdicts are clear from the median of a judge's distances to a tie; turning a verdict
    round turns its kind, ``4 - kind``.

    Parameters
    ----------
    judged : ndarray, shape (pairs, judges)
        Scores for A; NaN without a verdict.

    Examples
    --------
    >>> verdict_strata(np.array([[0.0], [0.5], [1.0], [np.nan]])).ravel().tolist()
    [0, 2, 4, -1]
    >>> verdict_strata(np.array([[0.9], [0.6], [0.4], [0.1]])).ravel().tolist()
    [4, 3, 1, 0]
    """
    kinds = np.full(judged.shape, -1, dtype=np.int8)
    for j, scores in enumerate(judged.T):
        there = np.isfinite(scores)
        # halves of sums round: a verdict and its mirror image are one distance
        margin = np.round(scores[there] - 0.5, 9)
        size = np.abs(margin)
        decided = size[size > 0]
        middle = float(np.median(decided)) if len(decided) else 0.0
        clear = size >= middle if middle == size.max(initial=0.0) else size > middle
        kinds[there, j] = 2 + np.sign(margin) * np.where(clear, 2, 1)
    return kinds


def by_verdict(
    kind: NDArray[np.int8], said: Array, weight: Array, cluster: Codes, level: float
) -> dict[str, Array]:
    r"""Return means of what a reference says, its labels weighed by the verdicts of judges.

    With the share :math:`W_s` of all pairs, :math:`w_s` of the labelled ones, that got a verdict
    of kind s, and the mean :math:`\bar y_s` of their labels,

    .. math:: \hat\theta = \sum_s \{w_s + \lambda (W_s - w_s)\} \bar y_s

    Parameters
    ----------
    kind : ndarray of int, shape (N, J)
        Of :func:`verdict_strata`, one column a judge.
    said : ndarray, shape (N,)
        In [0, 1]; NaN without a label.
    weight : ndarray, shape (N,)
        Of the labels.
    cluster : ndarray of int, shape (N,)
        Sorted.
    level : float

    Returns
    -------
    dict of str to ndarray, shape (J,)
        ``estimate, std_error, conf_low, conf_high``; those of the labels alone, ``people`` with
        ``people_low`` and ``people_high``; ``power`` (:math:`\lambda`), ``n_people`` (labelled
        pairs), ``n`` (pairs), ``effective_labels``, ``rest`` (variance that labels lessen, times
        their number), ``between`` (variance of the judge's mean), ``n_clusters``, ``reason``.

    Notes
    -----
    Post-stratification is prediction-powered inference (Angelopoulos, Duchi and Zrnic 2023) with
    the verdicts recalibrated by the labels: the power is the slope of a label on the mean of its
    verdict in *other* clusters, between 0 (labels alone) and 1. The interval of the stratified
    mean puts Jeffreys' intervals of the strata together (MOVER: Donner and Zou 2010) with the
    variance of the shares; its squared arms :math:`d_1^2` and those of the labels alone
    :math:`d_0^2` (mid-P) give :math:`d_1^2 + (1 - \lambda)^2 (d_0^2 - d_1^2)`, since an efficient
    mean is uncorrelated with what it gains. Labels count as
    :func:`workbench.intervals.effective_rows` has it.

    Examples
    --------
    >>> kind = verdict_strata(np.array([1.0, 0, 1, 0, 1, 0])[:, None])
    >>> said = np.array([1.0, 0, 1, 0, np.nan, np.nan])
    >>> found = by_verdict(kind, said, np.ones(6), np.arange(6), 0.95)
    >>> found["estimate"].tolist(), found["people"].tolist()
    ([0.5], [0.5])
    """
    known = np.isfinite(said) & (weight > 0)
    sums = _Sums(kind[known], said[known], weight[known], cluster[known])
    alone = _alone(sums, level)
    counts = np.stack([(kind == s).sum(axis=0) for s in range(STRATA)]).astype(np.float64)
    total = np.maximum(counts.sum(axis=0), 1.0)
    shares = counts / total
    mean = np.where(sums.weight > 0, sums.mean, alone["people"])
    stratified = (shares * mean).sum(axis=0)
    size = sums.rows * _worth(sums, shares, mean, level)
    # half a label each way, shared by the strata: none is sure
    smooth = (mean * size + shares / 2) / np.maximum(size + shares, _NOTHING)
    between = _between(kind, smooth, cluster)
    within = (shares**2 * smooth * (1 - smooth) / (size + shares + 1)).sum(axis=0)
    power = sums.power()
    tail = (1 - level) / 2
    room = float(ndtri(1 - tail)) ** 2 * between
    arms = []
    for side, own in (("low", mean), ("high", 1 - mean)):
        hits = own * size
        end = betaincinv(hits + 0.5, np.maximum(size - hits, 0.0) + 0.5, tail)
        end = np.where((hits <= _NOTHING) | (size <= _NOTHING), 0.0, end)
        reach = np.where(size > _NOTHING, np.maximum(own - end, 0.0), own)
        square = (shares**2 * reach**2).sum(axis=0) + room
        plain = (alone["people"] - alone[f"people_{side}"]) ** 2
        arms.append(np.sqrt(square + (1 - power) ** 2 * (plain - square)))
    estimate = np.clip(alone["people"] + power * (stratified - alone["people"]), 0.0, 1.0)
    spread = within + between
    variance = spread + (1 - power) ** 2 * (alone["smooth_variance"] - spread)
    n = alone["n_people"]
    worth = n * alone["smooth_variance"] / variance
    found = {
        "estimate": estimate, "std_error": np.sqrt(variance),
        "conf_low": np.clip(estimate - arms[0], 0.0, 1.0),
        "conf_high": np.clip(estimate + arms[1], 0.0, 1.0),
        "power": power,
        # verdicts on no other pairs add none
        "effective_labels": np.where(counts.sum(axis=0) > n, worth, np.minimum(worth, n)),
        "rest": n * np.maximum(variance - power * (2 - power) * between, 0.0),
        "between": power * (2 - power) * between,
    }  # fmt: skip
    undefined = np.array([why is not None for why in alone["reason"]])
    blank = {name: np.where(undefined, np.nan, values) for name, values in found.items()}
    del alone["smooth_variance"]
    return {**alone, **blank, "n": counts.sum(axis=0), "n_clusters": _clusters(kind, cluster)}


class _Sums:
    """Sums over the labelled pairs of each verdict's kind, of all and by cluster.

    Attributes
    ----------
    weight, mean, rows : ndarray, shape (STRATA, J)
        Summed weights of labels, their mean, and how many of equal weight they are.
    """

    def __init__(self, kind: NDArray[np.int8], said: Array, weight: Array, cluster: Codes) -> None:
        # weights only matter beside each other; half a label is half of a mean one
        self.own = weight / weight.mean() if len(weight) else weight
        self.kind, self.said, self.cluster = kind, said, cluster
        self.starts = _starts(cluster)
        parts = [self._of(self.own * power) for power in (np.ones(len(said)), said, said**2)]
        self.weight, total, square = (part.sum(axis=1) for part in parts)
        self.by_cluster, self.hits = parts[:2]
        self.mean = _ratio(total, self.weight)
        self.square = _ratio(square, self.weight)
        self.rows = _ratio(self.weight**2, self._of(self.own**2).sum(axis=1))

    def _of(self, value: Array) -> Array:
        """Return sums of a value of each labelled pair, shape (STRATA, clusters, J)."""
        found = np.empty((STRATA, len(self.starts), self.kind.shape[1]))
        for s in range(STRATA):
            found[s] = _summed(np.where(self.kind == s, value[:, None], 0.0), self.starts)
        return found

    def power(self) -> Array:
        """Return the slope of labels on their verdict's mean in other clusters, in [0, 1]."""
        n, hits = self.by_cluster.sum(axis=0), self.hits.sum(axis=0)
        total, mean = n.sum(axis=0), _ratio(hits.sum(axis=0), n.sum(axis=0))
        prior = (hits.sum(axis=0) - hits + 0.5) / (total - n + 1)
        others = self.weight[:, None] - self.by_cluster
        wins = (self.mean * self.weight)[:, None] - self.hits
        guess = (wins + prior) / (others + 1)
        centre = _ratio((self.by_cluster * guess).sum(axis=(0, 1)), total)
        spread = (self.by_cluster * (guess - centre) ** 2).sum(axis=(0, 1))
        both = ((self.hits - mean * self.by_cluster) * guess).sum(axis=(0, 1))
        return np.clip(_ratio(both, np.where(spread > _NOTHING, spread, 0.0)), 0.0, 1.0)


def _alone(sums: _Sums, level: float) -> dict[str, Any]:
    """Return what the labels say alone; judges that share their labelled pairs share it."""
    judged = sums.kind >= 0
    seen: dict[bytes, dict[str, Any]] = {}
    rows = []
    for mine in judged.T:
        key = mine.tobytes()
        if key not in seen:
            seen[key] = _labels(sums.said[mine], sums.own[mine], sums.cluster[mine], level)
        rows.append(seen[key])
    return {name: np.array([row[name] for row in rows]) for name in rows[0]} if rows else {}


def _labels(said: Array, weight: Array, cluster: Codes, level: float) -> dict[str, Any]:
    found = share(said, cluster, level, weight)
    n, mean = len(said), found["estimate"]
    few = FEW if n < 2 else (ONE_CLUSTER if found["n_clusters"] < 2 else None)
    size = np.nan
    if few is None:
        pull = weight * (said - mean) / weight.sum()
        size = float(_size(pull[:, None], weight[:, None], cluster, level)[0])
        binary = bool(((said == 0) | (said == 1)).all())
        size *= 1.0 if binary else _tied(mean, float(weight @ said**2 / weight.sum()), n)
    smooth = (mean * size + 0.5) / (size + 1)
    return {
        "people": mean, "people_low": found["conf_low"], "people_high": found["conf_high"],
        "smooth_variance": smooth * (1 - smooth) / (size + 2), "n_people": float(n), "reason": few,
    }  # fmt: skip


def _worth(sums: _Sums, shares: Array, mean: Array, level: float) -> Array:
    """Return how many labels of 0 and 1, in clusters of their own, a label is worth."""
    pull = np.zeros(sums.kind.shape)
    for s in range(STRATA):
        lean = _ratio(shares[s], sums.weight[s])
        pull += np.where(sums.kind == s, (sums.said[:, None] - mean[s]) * lean, 0.0)
    pull *= sums.own[:, None]
    weight = np.where(sums.kind >= 0, sums.own[:, None], 0.0)
    rows = _ratio(weight.sum(axis=0) ** 2, (weight**2).sum(axis=0))
    found = _ratio(_size(pull, weight, sums.cluster, level), rows)
    if ((sums.said == 0) | (sums.said == 1)).all():
        return found
    per_row = _ratio(shares**2, sums.rows)
    binomial = (per_row * mean * (1 - mean)).sum(axis=0)
    real = (per_row * np.maximum(sums.square - mean**2, 0.0)).sum(axis=0)
    most = np.maximum(rows / 3, 1.0)
    tied = np.where(real > _NOTHING * binomial, _ratio(binomial, real), most)
    return np.asarray(found * np.clip(tied, 1.0, most))


def _tied(mean: float, square: float, n: int) -> float:
    """Return what a label with ties is worth: rows that vary less, to a third of their number."""
    binomial, real = mean * (1 - mean), square - mean**2
    most = max(n / 3, 1.0)
    return float(np.clip(binomial / real, 1.0, most)) if real > _NOTHING else most


def _size(pull: Array, weight: Array, cluster: Codes, level: float) -> Array:
    """Return :func:`workbench.intervals.effective_rows` of each column; NaN with one cluster."""
    starts = _starts(cluster)
    if not len(starts):
        return np.full(pull.shape[1], np.nan)
    whole = np.maximum(weight.sum(axis=0), _NOTHING)
    part = _summed(weight, starts) / whole
    rows = _ratio(weight.sum(axis=0) ** 2, (weight**2).sum(axis=0))
    clusters = _ratio(np.ones(len(whole)), (part**2).sum(axis=0))
    there = part > 0
    g = there.sum(axis=0)
    left = np.where(there & (part < 1), 1 - part, 1.0)
    square = ((_summed(pull, starts) / left) ** 2).sum(axis=0) * (g - 1) / np.maximum(g, 1)
    alone = _ratio(rows, rows - 1) * (pull**2).sum(axis=0)
    quantile = [stdtrit(np.maximum(n - 1, 1), 0.5 + level / 2) for n in (rows, clusters)]
    ratio = (quantile[0] / quantile[1]) ** 2
    found = np.where(square > _NOTHING**2, ratio * _ratio(alone, square), 1.0)
    found = np.where(alone > _NOTHING**2, np.minimum(found, 1.0), _ratio(clusters, rows))
    return np.where(g > 1, rows * found, np.nan)


def _between(kind: NDArray[np.int8], mean: Array, cluster: Codes) -> Array:
    """Return the variance of the mean over all pairs of what their verdicts stand for."""
    starts = _starts(cluster)
    judged = (kind >= 0).sum(axis=0)
    if len(starts) < 2:
        return np.zeros(kind.shape[1])
    counts = np.stack([(kind == s).sum(axis=0) for s in range(STRATA)])
    centre = _ratio((counts * mean).sum(axis=0), judged.astype(np.float64))
    table = np.concatenate([mean - centre, np.zeros((1, len(centre)))])
    value = np.take_along_axis(table, kind.astype(np.int64), axis=0)
    g = len(starts)
    square = (_summed(value, starts) ** 2).sum(axis=0) * g / (g - 1)
    return np.asarray(_ratio(square, judged.astype(np.float64) ** 2))


def _clusters(kind: NDArray[np.int8], cluster: Codes) -> Array:
    starts = _starts(cluster)
    if not len(starts):
        return np.zeros(kind.shape[1])
    return np.asarray(
        (_summed((kind >= 0).astype(np.float64), starts) > 0).sum(axis=0).astype(np.float64)
    )


def _starts(cluster: Codes) -> Codes:
    """Return where each cluster begins, of sorted codes."""
    return np.flatnonzero(np.r_[len(cluster) > 0, cluster[1:] != cluster[:-1]])


def _summed(values: Array, starts: Codes) -> Array:
    if len(starts) == len(values):
        return values
    return np.asarray(np.add.reduceat(values, starts, axis=0))


def _ratio(a: Array, b: Array) -> Array:
    return np.asarray(np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)),
                                where=b > 0))  # fmt: skip
