"""Numbers that say which response is preferred, and by how much: margins, sliders, percentages."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from workbench.data.formats.verdict_words import OTHERWISE, UNKNOWN, Meaning, of_side
from workbench.errors import DataError

_NAMED = {"percent": (0.0, 100.0), "probability": (0.0, 1.0), "margin": (-math.inf, math.inf)}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_BOUNDS = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?::\s*([abAB])\s*)?")


@dataclass(frozen=True)
class Scale:
    """A scale from ``low`` to ``high``, whose high end is one response's.

    A scale that starts at 0 gives the share of that response: P(A preferred) is ``x / high``,
    or one less it. Any other scale has a middle, 0 where it holds negative numbers: the side
    is the half on which the number lies, its distance from the middle the strength, the middle
    itself a tie.

    Attributes
    ----------
    low, high : float
    side : {"a", "b"}
        Whom the high end is for.

    Examples
    --------
    >>> Scale.parse("-3..3:b").meaning(-2).side, Scale.parse("percent_a").meaning(75).preference
    ('a', 0.75)
    """

    low: float
    high: float
    side: str

    @classmethod
    def parse(cls, text: str) -> Scale:
        """Read a scale as it is written on the command line.

        Parameters
        ----------
        text : str
            ``LOW..HIGH:a`` or ``LOW..HIGH:b``; or ``percent_a`` (0 to 100), ``probability_a``
            (0 to 1), ``margin_a`` (positive for A), and the same with ``_b``.

        Raises
        ------
        DataError
            It is none of these, or does not say whom its high end is for.
        """
        name, _, side = str(text).strip().casefold().rpartition("_")
        if name in _NAMED and side in ("a", "b"):
            return cls(*_NAMED[name], side)
        found = _BOUNDS.fullmatch(str(text))
        if found is None or found[3] is None or not float(found[1]) < float(found[2]):
            raise DataError(
                "The scale does not say what its numbers mean.",
                found=str(text),
                expected="LOW..HIGH:a where HIGH is all for A, or LOW..HIGH:b; or percent_a, "
                "percent_b, probability_a, probability_b, margin_a, margin_b",
                fix="For example --scale -3..3:b where 3 says that B is much better.",
            )
        return cls(float(found[1]), float(found[2]), found[3].lower())

    def meaning(self, value: float) -> Meaning:
        """Return what a number of the scale says; a number off the scale says nothing."""
        if not self.low <= value <= self.high or math.isnan(value):
            return UNKNOWN
        if self.low == 0:
            share = value / self.high
            share = share if self.side == "a" else 1 - share
            return Meaning(preference=share, reason="tie" if share == 0.5 else None)
        middle = 0.0 if self.low < 0 else (self.low + self.high) / 2
        if value == middle:
            return OTHERWISE["tie"]
        other = "b" if self.side == "a" else "a"
        return of_side(self.side if value > middle else other, abs(value - middle))

    def __str__(self) -> str:
        """Return the scale as it is written on the command line."""
        if math.isinf(self.high):
            return f"margin_{self.side}"
        return f"{self.low:g}..{self.high:g}:{self.side}"
