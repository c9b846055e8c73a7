"""Options that many verbs take: what they may be."""

from __future__ import annotations

from numbers import Integral, Real

Checked = tuple[bool, object, str]
"""Whether an option is fine, its value, and what was expected."""


def level_option(level: object) -> Checked:
    """Return whether the level of an interval is one.

    Examples
    --------
    >>> level_option(0.95)[0], level_option(None)[0], level_option("high")[0]
    (True, False, False)
    """
    fine = isinstance(level, Real) and 0 < float(level) < 1
    return fine, level, "a number between 0 and 1, such as 0.95"


def seed_option(seed: object) -> Checked:
    """Return whether a seed is one.

    Examples
    --------
    >>> seed_option(0)[0], seed_option(-1)[0], seed_option(1.5)[0]
    (True, False, False)
    """
    return whole(seed, 0), seed, "a whole number, 0 or more"


def whole(value: object, least: int) -> bool:
    """Tell whether a value is a whole number that is not below another.

    Examples
    --------
    >>> whole(2, 2), whole(2.5, 2), whole("3", 2), whole(True, 0)
    (True, False, False, False)
    """
    # True counts as 1 in arithmetic, but nobody asks for True folds
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least
