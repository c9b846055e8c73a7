"""Findings in words for people: who, what, how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.data.columns import NOUNS
from workbench.factors.catalog import STYLE
from workbench.overview.taste import difference_in_words

_NAMED = {spec.name for spec in STYLE}


def who(name: str) -> str:
    """Return what to call an annotator or a kind of them.

    Examples
    --------
    >>> who("human"), who("gpt-x")
    ('people', 'gpt-x')
    """
    return NOUNS.get(name, name)


def what(term: str) -> str:
    """Return what to call a factor; those that are no text factors keep their own name.

    Examples
    --------
    >>> what("numbered_items"), what("My_factor")
    ('numbered items', 'My_factor')
    """
    return term.replace("_", " ") if term in _NAMED else term


def rewards(name: str, more: bool) -> str:
    """Return subject and verb of who rewards, or punishes.

    Examples
    --------
    >>> rewards("human", True), rewards("gpt-x", False)
    ('people reward', 'gpt-x punishes')
    """
    many = name in NOUNS
    verb = ("reward" if many else "rewards") if more else ("punish" if many else "punishes")
    return f"{who(name)} {verb}"


def differs(row: Mapping[str, Any]) -> str:
    """Say how a judge's taste differs from the reference's in one factor.

    Parameters
    ----------
    row : mapping
        Of the differences of a contrast.

    Examples
    --------
    >>> row = {"group": "gpt-x", "reference": "human", "term": "words", "estimate": 0.4,
    ...        "group_estimate": 0.9, "group_std_error": 0.1, "expected": 0.5, "ratio": 2.0,
    ...        "reference_estimate": 0.25, "reference_std_error": 0.05}
    >>> differs(row)
    'gpt-x rewards words more than people do, beyond being sharper'
    """
    told = difference_in_words({**row, "term": what(row["term"])})
    name, noun = row["reference"], who(row["reference"])
    if told.endswith(f"than {name}"):
        told = f"{told.removesuffix(name)}{noun} {'do' if name in NOUNS else 'does'}"
        return f"{told}, beyond being sharper" if row["ratio"] > 1 else f"{told}, sharpness apart"
    for verb in ("punishes", "rewards"):
        tail = f"which {name} {verb}"
        if told.endswith(tail):
            told = f"{told.removesuffix(tail)}which {rewards(name, verb == 'rewards')}"
    return told


def number(estimate: float, low: float, high: float) -> str:
    """Return a weight or a difference per standard deviation with its interval.

    Examples
    --------
    >>> number(0.214, 0.123, 0.3)
    '+0.21 log-odds per SD [0.12, 0.30]'
    """
    ends = f" [{low:z.2f}, {high:z.2f}]" if np.isfinite([low, high]).all() else ", no interval"
    return f"{estimate:+z.2f} log-odds per SD{ends}"


def points(per_sd: float) -> str:
    """Return how far a standard deviation of a factor moves a choice that is even.

    Examples
    --------
    >>> points(0.2)
    '5 points'
    """
    moved = 100 * (1 / (1 + np.exp(-abs(per_sd))) - 0.5)
    return f"{moved:.0f} points" if moved >= 1 else f"{moved:.1f} points"


def few(names: list[str], shown: int = 3) -> str:
    """Return names in a sentence, the rest counted.

    Examples
    --------
    >>> few(["a", "b"]), few(list("abcde"))
    ('a and b', 'a, b, c and 2 more')
    """
    if len(names) > shown:
        return f"{', '.join(names[:shown])} and {len(names) - shown} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "pair"), counted(2_000, "pair")
    ('1 pair', '2,000 pairs')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def capital(text: str) -> str:
    """Return a sentence that begins with a capital letter, unless with a name.

    Examples
    --------
    >>> capital("people reward words"), capital("gpt-x rewards words")
    ('People reward words', 'gpt-x rewards words')
    """
    ours = text.startswith((*NOUNS.values(), *_NAMED, *map(what, _NAMED)))
    return text[:1].upper() + text[1:] if ours else text
