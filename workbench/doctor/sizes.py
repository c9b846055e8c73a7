"""How large an effect must be to be found, and how many independent units that takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.audit.judges.statistics import POWER, detectable


@dataclass(frozen=True)
class Aim:
    r"""An effect worth finding, and how precisely units measure it.

    With :math:`n` independent units the effect's standard error is :math:`s / \sqrt n`, and a
    two-sided test at 5 % finds with power 80 % what is :math:`(1.96 + 0.84) s / \sqrt n`.

    Attributes
    ----------
    effect : str
        What is measured, with its unit.
    wanted : float
        The effect that data ought to find.
    spread : float
        :math:`s`: the standard deviation that one unit brings.
    formula : str
        The same in words.
    most : float
        The largest that the effect can be.

    Examples
    --------
    >>> SHARE.needed, round(SHARE.found_by(196), 3)
    (196, 0.1)
    """

    effect: str
    wanted: float
    spread: float
    formula: str
    most: float = math.inf

    @property
    def needed(self) -> int:
        """Units with which the wanted effect is found."""
        return math.ceil((POWER * self.spread / self.wanted) ** 2)

    def found_by(self, n: float) -> float:
        """Return the smallest effect that n units find; NaN where there can be none."""
        found = detectable(int(n), self.spread) if n >= 1 else math.nan
        return found if found <= self.most else math.nan


_HALF = "P near one half, one verdict a unit"
WEIGHT = Aim(
    "log-odds per SD of a factor",
    0.5,
    2.0,
    f"2.8 x 2 / sqrt(n) (Hsieh, Bloch and Larsen 1998): {_HALF}, the factor unrelated to others",
)
"""A weight: the information of a verdict about it is at most 1/4 a squared SD."""

DIFFERENCE = Aim(
    "log-odds per SD between two",
    0.5,
    2.0 * math.sqrt(2),
    "2.8 x 2 x sqrt(2/n), n the harmonic mean of both: as a weight, both independent",
)
SHARE = Aim("from one half, as a share", 0.1, 0.5, f"2.8 x 0.5 / sqrt(n): {_HALF}", most=0.5)
SHIFT = Aim(
    "of P, as a paired shift",
    0.1,
    0.5,
    "2.8 x 0.5 / sqrt(n): paired differences of SD 0.5",
    most=1.0,
)
RATING = Aim(
    "Elo points between two models",
    100.0,
    2.0 * math.sqrt(2) * 400 / math.log(10),
    "2.8 x 2 x sqrt(2/n) x 400/ln(10): two models with n battles each, near one half",
)
