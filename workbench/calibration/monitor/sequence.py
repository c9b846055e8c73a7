"""Confidence sequences of a mean by betting: intervals that hold at every look at once."""

from __future__ import annotations

import numpy as np

from workbench.decompose.kernel import Array

POINTS = 1001
"""Candidate means: the ends of a sequence are told to a thousandth, rounded outwards."""

METHOD = (
    "hedged capital, predictable plug-in bets (Waudby-Smith and Ramdas 2024), of cluster means in "
    "the order in which clusters were complete; running intersection"
)
_BLOCK = 1 << 18
"""Values of a block of looks times candidates."""

_HALF = 0.5
_FIRST_RESTART = 30


def bets(x: Array, alpha: float) -> Array:
    r"""Return the predictable plug-in bets on a sequence.

    .. math:: \lambda_t = \sqrt{\frac{2 \log(2 / \alpha)}{\hat\sigma^2_{t-1}\, t \log(1 + t)}}

    with the variance of what came before, as if one value of one half and a variance of one
    quarter had been seen first.

    Parameters
    ----------
    x : ndarray, shape (n,)
        In [0, 1].
    alpha : float

    Examples
    --------
    >>> bets(np.array([1.0, 0.0]), 0.05)[0].round(4)  # sqrt(8 log(40) / log(2))
    np.float64(6.525)
    """
    t = np.arange(1, len(x) + 1)
    mean = (_HALF + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    return np.asarray(np.sqrt(2 * np.log(2 / alpha) / (before * t * np.log(1 + t))))


def confidence_sequence(x: Array, alpha: float = 0.05) -> tuple[Array, Array]:
    r"""Return the ends of a confidence sequence for the mean of values in [0, 1], at every look.

    With a chance of at least :math:`1 - \alpha` the mean lies in the interval at *all* looks:

    .. math:: \Big\{m: \max_{s \le t} \max\Big(\prod_{i \le s} (1 + \lambda^+_i(m) (x_i - m)),
        \prod_{i \le s} (1 - \lambda^-_i(m) (x_i - m))\Big) < \frac{2}{\alpha}\Big\}

    where the bets are cut at :math:`\lambda^+ \le 1 / (2 m)` and
    :math:`\lambda^- \le 1 / (2 (1 - m))`.

    Parameters
    ----------
    x : ndarray, shape (n,)
        In [0, 1], in order; each has the same mean given those before.
    alpha : float

    Returns
    -------
    low, high : ndarray, shape (n,)
        NaN from the look at which no mean is left: the values have no common mean.

    Notes
    -----
    A candidate that was ruled out stays out, so that only those near the mean cost anything:
    about :math:`n + g \sqrt n` steps with g candidates. Ends are rounded outwards by one candidate.

    References
    ----------
    Waudby-Smith and Ramdas (2024), *Estimating means of bounded random variables by betting*,
    JRSS-B 86; Ville (1939).

    Examples
    --------
    >>> low, high = confidence_sequence(np.tile([1.0, 1.0, 1.0, 0.0], 100))
    >>> bool(low[-1] < 0.75 < high[-1]), bool((np.diff(low) >= 0).all())
    (True, True)
    """
    n = len(x)
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    grid = np.linspace(0.0, 1.0, POINTS)
    step, limit = grid[1], float(np.log(2 / alpha))
    bet = bets(x, alpha)
    up, down = np.zeros(POINTS), np.zeros(POINTS)
    start = 0
    while start < n and len(grid):
        stop = min(n, start + max(1, _BLOCK // max(len(grid), 8)), 2 * start + 64)
        gap = x[start:stop, None] - grid
        with np.errstate(divide="ignore"):
            rise = np.minimum(bet[start:stop, None], _HALF / grid) * gap
            fall = np.minimum(bet[start:stop, None], _HALF / (1 - grid)) * gap
        rising = up + np.cumsum(np.log1p(rise), axis=0)
        falling = down + np.cumsum(np.log1p(-fall), axis=0)
        out = np.maximum.accumulate(np.maximum(rising, falling) >= limit, axis=0)
        left = ~out.all(axis=1)
        first, last = (~out).argmax(axis=1), len(grid) - 1 - (~out)[:, ::-1].argmax(axis=1)
        low[start:stop] = np.where(left, np.maximum(grid[first] - step, 0.0), np.nan)
        high[start:stop] = np.where(left, np.minimum(grid[last] + step, 1.0), np.nan)
        kept = ~out[-1]
        grid, up, down = grid[kept], rising[-1][kept], falling[-1][kept]
        start = stop
    return low, high


def escape(x: Array, null: tuple[float, float], alpha: float, *, below_only: bool = False) -> int:
    r"""Return the first look at which values are sure to have left an interval; -1 if none.

    .. math:: M_t = \sum_j w_j \tfrac12 \Big(\prod_{s_j < i \le t} (1 + \lambda^j_i (x_i - b)) +
        \prod_{s_j < i \le t} (1 - \lambda^j_i (x_i - a))\Big) \ge \frac{1}{\alpha}

    Parameters
    ----------
    x : ndarray, shape (n,)
        In [0, 1].
    null : tuple of float
        From a to b: where each mean, given the values before, may be.
    alpha : float
    below_only : bool
        Only means below a are looked for.

    Notes
    -----
    A bet that begins at the first value has lost much by the time of a late change. So it begins
    again and again, at :math:`s_j` that grow by half each, with the weights
    :math:`w_j = 1 / ((j + 1) (j + 2))`: the sum is a martingale as each part is (Shin, Ramdas and
    Rinaldo 2024).

    Examples
    --------
    >>> x = np.r_[np.ones(100), np.zeros(60)]
    >>> escape(x, (0.8, 1.0), 0.05) > 100, escape(x[:100], (0.8, 1.0), 0.05)
    (True, -1)
    """
    low, high = null
    n = len(x)
    total, spent = np.zeros(n), 0.0
    for j, start in enumerate(_starts(n)):
        weight = 1.0 / ((j + 1) * (j + 2))
        part = x[start:]
        size = bets(part, alpha)
        fall = np.exp(np.cumsum(np.log1p(-_cut(size, 1 - low) * (part - low))))
        if below_only:
            capital = fall
        else:
            rise = np.exp(np.cumsum(np.log1p(_cut(size, high) * (part - high))))
            capital = (fall + rise) / 2
        total[:start] += weight
        total[start:] += weight * capital
        spent += weight
    # what is kept for later starts is not at stake
    out = total + (1.0 - spent) >= 1 / alpha
    return int(out.argmax()) if out.any() else -1


def _starts(n: int) -> list[int]:
    starts, next_one = [0], float(_FIRST_RESTART)
    while next_one < n:
        starts.append(int(next_one))
        next_one *= 1.5
    return starts


def _cut(size: Array, room: float) -> Array:
    return np.minimum(size, _HALF / room) if room > 0 else size
