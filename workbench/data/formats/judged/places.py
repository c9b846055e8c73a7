"""Verdicts that name a place in a judge's prompt, turned to sides A and B."""

from __future__ import annotations

import math
from typing import Any

from workbench.data.formats.records import Record, excerpt

SHOWN = ("ab", "ba")
"""The two games of a judge that sees each pair in both orders: A first, then B first."""

_STRENGTHS = {">": 1.0, ">>": 3.0, "<": 1.0, "<<": 3.0}
# Arena-Hard counts a significant difference three times; as a label it is one, and stronger


def _spellings() -> dict[str, tuple[float, float | None]]:
    found: dict[str, tuple[float, float | None]] = {"a=b": (0.5, None), "b=a": (0.5, None)}
    for sign, strength in _STRENGTHS.items():
        found[f"a{sign}b"] = (float(">" in sign), strength)
        found[f"b{sign}a"] = (float("<" in sign), strength)
    for first, words in (
        (1.0, ("a", "1", "output (a)", "assistant a", "response a")),
        (0.0, ("b", "2", "output (b)", "assistant b", "response b")),
        (0.5, ("c", "tie")),
    ):
        found.update(dict.fromkeys(words, (first, None)))
    return found


PLACES = _spellings()
"""P(the response shown first is preferred) and strength of each verdict, in lower case."""


def placed_verdict(word: Any, order: str | None, raw: Any = None) -> Record:
    """Return the judgement columns of a verdict whose letters are places.

    Parameters
    ----------
    word : object
        A key of :data:`PLACES` in any case, also in brackets (``[[A>B]]``); anything else is
        a verdict that failed.
    order : str or None
        ``ab`` where A was shown first, ``ba`` where B was.
    raw : str, optional
        The judge's reply, kept with the label.

    Examples
    --------
    >>> placed_verdict("[[A>>B]]", "ba")["preference"], placed_verdict("A>>B", "ba")["strength"]
    (0.0, 3.0)
    >>> placed_verdict(None, "ab", "I cannot say.")["reason"]
    'failed'
    """
    known = PLACES.get(word.strip(" []\n").lower()) if isinstance(word, str) else None
    first, strength = known or (math.nan, None)
    return verdict(first if order != "ba" else 1.0 - first, order, strength, raw or word)


def verdict(
    preference: float, order: str | None = None, strength: float | None = None, raw: Any = None
) -> Record:
    """Return the judgement columns of a preference; NaN is a verdict that failed.

    Examples
    --------
    >>> verdict(0.5)["reason"], verdict(math.nan)["reason"], verdict(1.0)["reason"]
    ('tie', 'failed', None)
    """
    failed = math.isnan(preference)
    return {
        "preference": preference,
        "reason": "failed" if failed else "tie" if preference == 0.5 else None,
        "order_shown": order,
        "strength": strength,
        "raw": raw if raw is None or isinstance(raw, str) else excerpt(raw),
    }


def by_scores(a: float, b: float, *, tie: float = 0.0, raw: Any = None) -> Record:
    """Return the judgement columns of two ratings; the higher is better.

    Parameters
    ----------
    a, b : float
        NaN where there is no rating: then the verdict failed.
    tie : float
        Largest difference that is still a tie.

    Examples
    --------
    >>> by_scores(2.0, 0.5)["strength"], by_scores(1.0, 1.0)["reason"]
    (1.5, 'tie')
    """
    difference = a - b
    if math.isnan(difference):
        return verdict(math.nan, raw=raw)
    if abs(difference) <= tie:
        return verdict(0.5, raw=raw)
    return verdict(float(difference > 0), strength=abs(difference), raw=raw)
