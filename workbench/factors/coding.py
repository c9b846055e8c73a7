"""How a difference between A and B becomes a number."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DesignError

Array = NDArray[np.float64]
Transform = Literal[
    "difference", "relative", "sign", "presence", "clipped", "clipped_log", "dissection_length"
]

_BITS, _LEVELS, _BLOCK = 30, 4, 1 << 16
"""Squares are added up as whole numbers, so many bits of them at a time: sums of 2^16 numbers
below 2^30 are exact in floating point."""

_SHORT = np.array([1, 3, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19], dtype=np.float64)
"""Length that a longer response needs, by the words (0 to 11) of the shorter one."""

_LONG = ((0.7, 10.0), (0.8, 20.0), (0.9, 40.0))
"""From 12 words on: at most this share of the longer, and at least so many words fewer."""


@dataclass(frozen=True)
class Coding:
    """A rule that turns the values of both sides into one number, A against B.

    Attributes
    ----------
    transform : str
        ``difference``: a - b. ``relative``: (a - b) / (a + b), 0 where both are 0.
        ``sign``: +1, 0 or -1, 0 up to ``threshold``. ``presence``: +1 or -1 where one side
        alone is above 0, else 0. ``clipped``: (a - b) / ``unit``, cut at -1 and 1.
        ``clipped_log``: likewise, but of log(1 + size) of difference and unit.
        ``dissection_length``: the ternary length rule of preference dissection, for word
        counts.
    standardise : bool
        Divide by the root mean square over the pairs. Nothing is centred, so that
        exchanging A and B flips the sign and changes nothing else.
    threshold : float
        Largest difference that ``sign`` takes for none.
    scale : float or None
        The root mean square that was divided by; None until applied to data.
    reverse : bool
        Count B against A, for values of which less is more: errors, repetitions.
    unit : float
        The difference that ``clipped`` and ``clipped_log`` take for 1.

    Raises
    ------
    DesignError
        An unknown transform, or a unit that is not above 0.

    Examples
    --------
    >>> lengthy = Coding("dissection_length", standardise=False)
    >>> apply(np.array([40.0, 30.0]), np.array([20.0, 28.0]), lengthy)[0]
    array([1., 0.])
    """

    transform: Transform = "difference"
    standardise: bool = True
    threshold: float = 0.0
    scale: float | None = None
    reverse: bool = False
    unit: float = 1.0

    def __post_init__(self) -> None:
        if self.transform not in get_args(Transform):
            raise DesignError(
                "Unknown coding.",
                found=repr(self.transform),
                expected=", ".join(get_args(Transform)),
                fix="Choose one of these transforms.",
            )
        if not self.unit > 0:
            raise DesignError(
                "The unit of a coding must be above 0.",
                found=repr(self.unit),
                expected="the difference that counts as 1",
                fix="For example Coding('clipped', standardise=False, unit=3.0).",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the coding as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Coding:
        """Rebuild a coding from :meth:`to_dict`."""
        return cls(**record)


def apply(a: Array, b: Array, coding: Coding) -> tuple[Array, Coding]:
    r"""Code the values of both sides.

    Parameters
    ----------
    a, b : ndarray, shape (n,)
        Raw values of A and of B, in the factor's unit; NaN where missing.
    coding : Coding

    Returns
    -------
    coded : ndarray, shape (n,)
        NaN where either side is missing. Exactly antisymmetric in (a, b).
    coding : Coding
        With ``scale``: :math:`\sqrt{\frac1n \sum_i d_i^2}`, or 1 where that is 0 or
        ``standardise`` is off.

    Raises
    ------
    DesignError
        Negative values under ``relative`` or ``dissection_length``.

    References
    ----------
    The relative difference is the coding of Chatbot Arena's style control (Li et al. 2024);
    the length rule is that of Li et al. (2024), "Dissecting human and LLM preferences".

    Examples
    --------
    >>> apply(np.array([3.0, 0.0]), np.array([1.0, 0.0]), Coding("relative", standardise=False))[0]
    array([0.5, 0. ])
    """
    coded = unscaled(a, b, coding)
    scale = scale_of(*_squares(coded)) if coding.standardise else 1.0
    return coded / scale, replace(coding, scale=scale)


def unscaled(a: Array, b: Array, coding: Coding) -> Array:
    """Return the coded values of both sides before they are divided by their scale.

    Parameters
    ----------
    a, b, coding
        As in :func:`apply`.

    Examples
    --------
    >>> unscaled(np.array([3.0]), np.array([1.0]), Coding("relative")).tolist()
    [0.5]
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if coding.transform in ("relative", "dissection_length"):
        _refuse_negative(a, b, coding.transform)
    first, second = (b, a) if coding.reverse else (a, b)
    return _TRANSFORMS[coding.transform](first, second, coding)


def _squares(values: Array) -> tuple[int, int, float]:
    values = values[np.isfinite(values)]
    largest = float(np.abs(values).max(initial=0.0))
    return sum_of_squares(values, largest), len(values), largest


def sum_of_squares(values: Array, largest: float) -> int:
    """Return the sum of squares in units of ``largest`` squared times 2 to the minus 120.

    A whole number: sums of parts add up to that of the whole, to the last bit.

    Parameters
    ----------
    values : ndarray
        Finite ones only.
    largest : float
        Largest absolute value of the whole.

    Examples
    --------
    >>> x = np.array([0.1, 0.2, 0.3])
    >>> sum_of_squares(x, 0.3) == sum_of_squares(x[:1], 0.3) + sum_of_squares(x[1:], 0.3)
    True
    """
    total = 0
    if largest == 0:
        return total
    for start in range(0, len(values), _BLOCK):
        # squares of the smallest and largest numbers would leave the range of floats
        rest = np.square(values[start : start + _BLOCK] / largest)
        for shift in range(_LEVELS - 1, -1, -1):
            rest *= 2.0**_BITS
            whole = np.rint(rest)
            rest -= whole
            total += int(whole.sum()) << (shift * _BITS)
    return total


def scale_of(total: int, n: int, largest: float) -> float:
    """Return the root mean square of ``n`` values from :func:`sum_of_squares`; 1 where it is 0.

    Examples
    --------
    >>> round(scale_of(sum_of_squares(np.array([3.0, 4.0]), 4.0), 2, 4.0) ** 2, 6)
    12.5
    """
    if total == 0 or largest == 0:
        return 1.0
    return largest * math.sqrt(Fraction(total, n << (_LEVELS * _BITS)))


def _difference(a: Array, b: Array, coding: Coding) -> Array:
    return a - b


def _relative(a: Array, b: Array, coding: Coding) -> Array:
    total = a + b
    return np.divide(a - b, total, out=np.where(np.isnan(total), np.nan, 0.0), where=total > 0)


def _sign(a: Array, b: Array, coding: Coding) -> Array:
    difference = a - b
    return np.where(np.abs(difference) <= coding.threshold, 0.0, np.sign(difference))


def _presence(a: Array, b: Array, coding: Coding) -> Array:
    coded = (a > 0).astype(np.float64) - (b > 0)
    return np.where(np.isnan(a) | np.isnan(b), np.nan, coded)


def _clipped(a: Array, b: Array, coding: Coding) -> Array:
    return np.asarray(np.clip((a - b) / coding.unit, -1.0, 1.0))


def _clipped_log(a: Array, b: Array, coding: Coding) -> Array:
    difference = a - b
    size = np.log1p(np.abs(difference)) / np.log1p(coding.unit)
    return np.asarray(np.sign(difference) * np.minimum(size, 1.0))


def _dissection_length(a: Array, b: Array, coding: Coding) -> Array:
    short, long = np.minimum(a, b), np.maximum(a, b)
    known = np.isfinite(short)
    row = np.where(known, np.clip(short, 0, 11), 0).astype(np.int64)
    gap = long - short
    by_share = np.zeros(len(a), dtype=bool)
    for share, least in _LONG:
        by_share |= (short <= share * long) & (gap >= least)
    differs = np.where(short >= 12, by_share, long >= _SHORT[row])
    return np.where(known, np.where(differs, np.sign(a - b), 0.0), np.nan)


_TRANSFORMS = {
    "difference": _difference,
    "relative": _relative,
    "sign": _sign,
    "presence": _presence,
    "clipped": _clipped,
    "clipped_log": _clipped_log,
    "dissection_length": _dissection_length,
}


def _refuse_negative(a: Array, b: Array, transform: str) -> None:
    for side, values in (("A", a), ("B", b)):
        below = np.flatnonzero(values < 0)
        if len(below):
            raise DesignError(
                f"The coding {transform!r} needs values of at least 0.",
                where=f"side {side}, row {below[0] + 1}",
                found=f"{values[below[0]]:g} ({len(below)} such values)",
                expected="counts, lengths or shares",
                fix='Use the coding "difference" for values that can be negative.',
            )
