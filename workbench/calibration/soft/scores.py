"""How far probabilities are from what people say: losses, calibration error, use as evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from workbench.calibration.soft.signals import SURE
from workbench.clustered import (
    Array,
    Codes,
    cluster_error,
    count_clusters,
    dense_codes,
    mean_difference,
    no_value,
    share,
)
from workbench.intervals import NO_VARIATION, ONE_CLUSTER, correlation_ends, mid_p

BINS = 10
_DIGITS = 12
ERROR_METHOD = f"{BINS} bins of equal size by how sure, root mean square, debiased over clusters"


def log_loss(p: Array, y: Array) -> Array:
    """Return the loss of each pair; probabilities surer than .999 count as that.

    Examples
    --------
    >>> log_loss(np.array([0.5]), np.array([1.0])).round(3).tolist()
    [0.693]
    """
    q = np.clip(p, SURE, 1 - SURE)
    return np.asarray(-(y * np.log(q) + (1 - y) * np.log1p(-q)))


def _leaning(p: Array, y: Array) -> tuple[NDArray[np.bool_], Array, Array]:
    """Return which pairs lean to a side, how sure, and what people say of that side."""
    # p and 1 - p round apart: they are one bin, whichever side is called A
    p = np.round(p, _DIGITS)
    used = p != 0.5
    lean = p[used] > 0.5
    sure = np.round(np.where(lean, p[used], 1 - p[used]), _DIGITS)
    return used, sure, np.where(lean, y[used], 1 - y[used])


def _binned(sure: Array) -> Codes:
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, BINS + 1)[1:-1]))
    code = np.searchsorted(edges, sure, side="right")
    return dense_codes(code)


def calibration_error(p: Array, y: Array, cluster: Codes, level: float) -> dict[str, Any]:
    r"""Return the debiased calibration error of probabilities, with an interval.

    .. math:: \widehat{CE}^2 = \sum_b \frac{D_b^2 - \sum_g u_{gb}^2}{n_b\, n}, \qquad
              D_b = \sum_g u_{gb}

    with the sums :math:`u_{gb}` over the pairs of cluster g in bin b of what people say minus
    what was predicted, on the side that is leant to. Only products of different clusters are
    left, so that chance alone adds nothing on average.

    Parameters
    ----------
    p, y : ndarray, shape (n,)
    cluster : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    dict
        ``estimate, std_error, conf_low, conf_high, n, n_clusters, reason``.

    Notes
    -----
    Bröcker (2012); Kumar, Liang and Ma (2019), for clusters. The interval holds the errors
    :math:`\epsilon` that a score test does not reject: the variance of the square is
    :math:`k \epsilon^2 + v`, what it would be there, so that an estimate that is small by chance
    is not sure of itself. Exchanging A and B changes nothing; pairs with p = .5 add no error.

    Examples
    --------
    >>> y = np.repeat([1.0, 0.0], [60, 40])
    >>> found = calibration_error(np.full(100, 0.9), y, np.arange(100), 0.95)
    >>> 0.25 < found["estimate"] < 0.31  # 0.9 against 0.6
    True
    """
    row = no_value(cluster)
    used, sure, turned = _leaning(p, y)
    if not used.any():
        return row | ({"reason": "p is .5 throughout"} if len(p) else {})
    bins = _binned(sure)
    codes = dense_codes(cluster[used])
    B, G = int(bins.max()) + 1, int(codes.max()) + 1
    if G < 2:
        return row | {"reason": ONE_CLUSTER}
    u = np.bincount(codes * B + bins, turned - sure, G * B).reshape(G, B)
    c = 1.0 / (np.bincount(bins).astype(np.float64) * len(p))
    total = u.sum(axis=0)
    square = float(c @ (total**2 - (u**2).sum(axis=0)))
    estimate = float(np.sqrt(min(max(square, 0.0), 1.0)))
    scaled = total * np.sqrt(c)
    # how sums of bins vary together over clusters, in the units of their error
    spread = np.outer(np.sqrt(c), np.sqrt(c)) * (u.T @ u - np.outer(total, total) / G)
    spread *= G / (G - 1)
    if spread.max() <= 1e-15:
        low, high = mid_p(estimate, G, level)
        return row | {"estimate": estimate, "conf_low": low, "conf_high": high, "reason": None}
    even = np.sqrt(np.bincount(bins) / len(sure))
    ways = [even, scaled / np.linalg.norm(scaled)] if scaled.any() else [even]
    slope = 4 * max(float(way @ spread @ way) for way in ways)
    alone = 2 * float((spread**2).sum())
    q = float(student.ppf(0.5 + level / 2, G - 1)) ** 2
    centre = square + q * slope / 2
    half = float(np.sqrt(max(q * (q * slope**2 / 4 + slope * square + alone), 0.0)))
    low, high = (float(np.sqrt(np.clip(v, 0.0, 1.0))) for v in (centre - half, centre + half))
    error = float(np.sqrt(slope * max(square, 0.0) + alone))
    return row | {
        "estimate": estimate, "std_error": error / (2 * estimate) if estimate > 0 else np.nan,
        "conf_low": min(low, estimate), "conf_high": max(high, estimate), "reason": None,
    }  # fmt: skip


def reliability_rows(p: Array, y: Array, cluster: Codes, level: float) -> list[dict[str, Any]]:
    """Return what people say in each bin of how sure: ``bin, predicted``, and a share.

    Examples
    --------
    >>> rows = reliability_rows(np.full(9, 0.9), np.ones(9), np.arange(9), 0.95)
    >>> len(rows), round(rows[0]["predicted"], 9), rows[0]["estimate"]
    (1, 0.9, 1.0)
    """
    used, sure, turned = _leaning(p, y)
    if not used.any():
        return []
    bins, code = _binned(sure), cluster[used]
    rows = []
    for b in range(int(bins.max()) + 1):
        mine = bins == b
        found = share(turned[mine], dense_codes(code[mine]), level)
        rows.append({"bin": b, "predicted": float(sure[mine].mean()), **found})
    return rows


def evidence(p: Array, y: Array, cluster: Codes, judged: int, level: float) -> dict[str, Any]:
    r"""Return how far verdicts go with labels, and what they are worth as labels.

    .. math:: \rho = \frac{\sum (p - .5)(y - .5)}{\sqrt{\sum (p - .5)^2 \sum (y - .5)^2}}, \qquad
              worth = \frac{1}{1 - \rho^2}, \qquad n^* = \frac{n}{1 - \rho^2 (1 - n / N)}

    Parameters
    ----------
    p, y : ndarray, shape (n,)
        Of the pairs with a label.
    cluster : ndarray of int, shape (n,)
    judged : int
        Pairs with a verdict, N.
    level : float

    Returns
    -------
    dict
        ``rho, rho_low, rho_high, worth, worth_low, worth_high``; ``labels``: what the n labels
        come to here, n*; ``pull``: influence of each pair on log worth; ``reason``.

    Notes
    -----
    The ratio of the variances of a mean of labels and of the power-tuned prediction-powered mean
    (Angelopoulos, Duchi and Zrnic 2023), worth where many more pairs are judged than labelled.
    Both orientations of a pair count, so means are one half.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 400).astype(float)
    >>> found = evidence(np.where(rng.random(400) < 0.9, y, 1 - y), y, np.arange(400), 40_000, 0.95)
    >>> bool(2.3 < found["worth"] < 3.5)  # 1 / (1 - .8 ** 2)
    True
    """
    a, b = p - 0.5, y - 0.5
    names = ("rho", "rho_low", "rho_high", "worth", "worth_low", "worth_high", "labels")
    nothing: dict[str, Any] = {**dict.fromkeys(names, np.nan), "pull": np.zeros(len(p))}
    saa, sbb, sab = float(a @ a), float(b @ b), float(a @ b)
    if saa <= 0 or sbb <= 0:
        who = "the judge" if saa <= 0 else "the reference"
        return nothing | {"reason": f"only ties of {who}"}
    rho = sab / np.sqrt(saa * sbb)
    pull = a * b / np.sqrt(saa * sbb) - rho * (a**2 / (2 * saa) + b**2 / (2 * sbb))
    error = cluster_error(pull, cluster)
    here = len(p) / (1 - rho**2 * (1 - len(p) / judged)) if judged > len(p) else float(len(p))
    found = nothing | {"rho": rho, "labels": here, "reason": None}
    if abs(rho) >= 1 - 1e-12 or not error > 1e-15:
        clusters = count_clusters(cluster)
        return found | {"reason": ONE_CLUSTER if clusters < 2 else NO_VARIATION}
    low, high, _ = correlation_ends(rho, error, count_clusters(cluster), level)
    near = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    far = max(abs(low), abs(high))
    worth = [1 / (1 - r**2) for r in (rho, near, far)]
    return found | {
        "rho_low": low, "rho_high": high, "worth": worth[0], "worth_low": worth[1],
        "worth_high": worth[2], "pull": pull * 2 * rho * worth[0],
    }  # fmt: skip


def worth_gain(
    before: dict[str, Any], after: dict[str, Any], cluster: Codes, level: float
) -> dict[str, float]:
    """Return by what labels' worth is multiplied: ``worth_gain`` with its ends.

    Examples
    --------
    >>> p, y = np.array([0.9, 0.2, 0.7]), np.array([1.0, 0.0, 0.0])
    >>> same = evidence(p, y, np.arange(3), 30, 0.95)
    >>> float(worth_gain(same, same, np.arange(3), 0.95)["worth_gain"])
    1.0
    """
    ratio = after["worth"] / before["worth"]
    error = cluster_error(after["pull"] - before["pull"], cluster)
    if not np.isfinite(ratio) or not error > 1e-15:
        return {"worth_gain": ratio, "worth_gain_low": np.nan, "worth_gain_high": np.nan}
    half = float(student.ppf(0.5 + level / 2, max(count_clusters(cluster) - 1, 1))) * error
    with np.errstate(over="ignore"):
        ends = ratio * np.exp([-half, half])
    return {"worth_gain": ratio, "worth_gain_low": ends[0], "worth_gain_high": ends[1]}


def slice_rows(p: Array, y: Array, cluster: Codes, slices: Codes, level: float) -> pd.DataFrame:
    """Return by slice how much surer the judge is than people bear out.

    Parameters
    ----------
    p, y : ndarray, shape (n,)
    cluster, slices : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    DataFrame
        ``slice`` (its code), then the columns of
        :func:`workbench.clustered.mean_difference`; above 0 is too sure.

    Examples
    --------
    >>> p, y, one = np.full(40, 0.9), np.repeat([1.0, 0.0], 20), np.zeros(40, int)
    >>> slice_rows(p, y, np.arange(40), one, 0.95)["estimate"].round(2).tolist()
    [0.4]
    """
    used, sure, turned = _leaning(p, y)
    gap, code, kept = sure - turned, cluster[used], slices[used]
    rows = []
    for k in np.flatnonzero(np.bincount(kept)).tolist():
        mine = kept == k
        row = mean_difference(gap[mine], dense_codes(code[mine]), level)
        ends = {end: float(np.clip(row[end], -1, 1)) for end in ("conf_low", "conf_high")}
        rows.append({"slice": k, **row, **ends})
    return pd.DataFrame(rows)
