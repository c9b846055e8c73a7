"""Standard normal draws for people: scrambled Sobol points, or Halton's as published fits have."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import ndtri

from workbench.decompose.kernel import Array
from workbench.errors import DesignError

Kind = Literal["sobol", "halton"]

_BITS = 30
_DROPPED = 100
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 71, 73, 79)


def normal_draws(kind: Kind, people: int, columns: int, draws: int, seed: int) -> Array:
    """Return draws of each person, shape (people, draws, columns).

    Parameters
    ----------
    kind : {"sobol", "halton"}
        ``"sobol"``: one scrambled net, with another digital shift for each person, and the
        opposite of each point (antithetic). ``"halton"``: the plain sequence, person after
        person, as mlogit and xlogit take it; ``seed`` says nothing then.
    people, columns : int
    draws : int
        Of each person; for Sobol points twice a power of two.
    seed : int

    Raises
    ------
    DesignError
        A number of draws, or of columns, for which there are no such points.

    Examples
    --------
    >>> z = normal_draws("sobol", 3, 2, 64, 0)
    >>> z.shape, bool(np.allclose(z.mean(axis=1), 0))
    ((3, 64, 2), True)
    """
    if kind == "halton":
        return _halton(people, columns, draws)
    half = draws // 2
    if half < 1 or half & (half - 1) or draws % 2:
        raise DesignError(
            "Sobol points are balanced in powers of two only.",
            found=f"{draws} draws",
            expected="twice a power of two: 128, 256, 512, ...",
            fix="Ask for another number of draws, or for draws='halton'.",
        )
    from scipy.stats.qmc import Sobol

    rng = np.random.default_rng([seed, draws])
    net = Sobol(columns, scramble=True, bits=_BITS, rng=rng).random_base2(half.bit_length() - 1)
    points = (net * 2.0**_BITS).astype(np.int64)
    shift = rng.integers(2**_BITS, size=(people, 1, columns))
    # half a step keeps the points off 0 and 1
    z = ndtri(((points ^ shift) + 0.5) / 2.0**_BITS)
    return np.concatenate([z, -z], axis=1)


def _halton(people: int, columns: int, draws: int) -> Array:
    if columns > len(_PRIMES):
        raise DesignError(
            "Halton points of so many columns lie on lines.",
            found=f"{columns} columns",
            expected=f"at most {len(_PRIMES)}",
            fix="Take draws='sobol'.",
        )
    z = np.empty((people, draws, columns))
    for k in range(columns):
        points = radical_inverse(people * draws, _PRIMES[k], _DROPPED)
        z[:, :, k] = ndtri(points).reshape(people, draws)
    return z


def radical_inverse(length: int, base: int, first: int) -> Array:
    """Return the digits of ``first, first + 1, ...`` behind the point, in reverse order.

    Examples
    --------
    >>> radical_inverse(4, 2, 1).tolist()
    [0.5, 0.25, 0.75, 0.125]
    """
    left, step = np.arange(first, first + length), 1.0
    out = np.zeros(length)
    while left.any():
        step /= base
        left, digit = np.divmod(left, base)
        out += digit * step
    return out
