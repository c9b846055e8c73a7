"""The 29 properties of preference dissection: their names, and what a rating of them says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NAMES = {
    "harmless": ("harmlessness",),
    "grammarly correct": (
        "grammar, spelling, punctuation, and code-switching",
        "no grammar, spelling, punctuation, and code-switching mistakes",
    ),
    "friendly": (),
    "polite": (),
    "interactive": (),
    "authoritative": ("authoritative tone",),
    "funny": ("funny and humorous",),
    "use rhetorical devices": (
        "rhetorical devices",
        "metaphors, personification, similes, hyperboles, irony, parallelism",
    ),
    "complex word & sentence": ("complex word usage and sentence structure",),
    "use supporting materials": (
        "supporting materials",
        "use of direct and explicit supporting materials",
    ),
    "well formatted": (),
    "admit limits": ("admit limitations or mistakes",),
    "persuasive": ("persuade user",),
    "step-by-step": ("step by step solution", "use step-by-step solution"),
    "use informal expressions": ("informal expressions", "use of informal expressions"),
    "non-repetitive": (),
    "clear": ("clear and understandable",),
    "relevant": ("relevance without considering inaccuracy",),
    "novel": ("innovative and novel",),
    "contain rich info": (
        "rich info",
        "contain rich information",
        "information richness without considering inaccuracy",
    ),
    "no minor errors": ("minor errors",),
    "no moderate errors": ("moderate errors",),
    "no severe errors": ("severe errors",),
    "clarify intent": ("clarify user intent",),
    "show empathetic": ("showing empathetic",),
    "satisfy constraints": ("satisfying explicit constraints",),
    "support stances": ("supporting explicit subjective stances",),
    "correct mistakes": ("correcting explicit mistakes or biases",),
    "lengthy": ("length", "words", "num_words"),
}

PROPERTY_NAMES = tuple(_NAMES)
"""Short names of the 29 properties, in the order of the published coefficients."""

REPETITIVE = "repetitive"
"""What is rated in place of ``non-repetitive``."""

ERRORS = {"minor": PROPERTY_NAMES[20], "moderate": PROPERTY_NAMES[21], "severe": PROPERTY_NAMES[22]}
"""Property by severity of the errors that are counted for it."""

FACTS = {
    "intent_clear": ("clear intent",),
    "feelings": ("explicitly express feelings", "express feelings"),
    "constraints": ("explicit constraints",),
    "stances": ("explicit subjective stances", "subjective stances"),
    "mistakes": ("explicit mistakes or biases", "mistakes or biases"),
}
"""Columns of pairs that say what the query is like, with their published names: the first two
hold yes or no, the others text (empty where there is none) or a count."""

APPLIES = {
    "clarify intent": "intent_clear",
    "show empathetic": "feelings",
    "satisfy constraints": "constraints",
    "support stances": "stances",
    "correct mistakes": "mistakes",
}
"""Fact that decides where a property applies: the first one where the intent is *not* clear."""

_STANCES = {
    "strongly opposed": -2.0, "weakly opposed": -1.0, "neutral": 0.0, "weakly supported": 1.0,
    "strongly supported": 2.0,
}  # fmt: skip
_MISTAKES = {
    "neither pointed out nor corrected": 0.0, "pointed out but not corrected": 1.0,
    "corrected without being pointed out": 2.0, "pointed out and corrected": 3.0,
}  # fmt: skip
_LABELS = {"support stances": _STANCES, "correct mistakes": _MISTAKES}
_COUNTED = {*ERRORS.values(), "lengthy"}

_NOT_APPLICABLE = {"not applicable", "not_applicable", "n/a", "na"}
_YES = {"yes": True, "true": True, "no": False, "false": False, "none": False, "[]": False}

OK, MISSING, UNREADABLE, INAPPLICABLE = "", "missing", "unreadable", "not applicable"
"""What can be said of a value."""


def canonical(name: str) -> str | None:
    """Return the property or fact that a column means, None where it is none.

    Upper case, ``_``, ``-`` and punctuation do not matter.

    Examples
    --------
    >>> canonical("Harmlessness"), canonical("no_severe_errors"), canonical("mood")
    ('harmless', 'no severe errors', None)
    """
    return _CANONICAL.get(_plain(name))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.lower()).strip()


_CANONICAL = {
    _plain(alias): name
    for names in (_NAMES, FACTS, {REPETITIVE: ()})
    for name, aliases in names.items()
    for alias in (name, *aliases)
}


def read_values(column: pd.Series, name: str, unreadable: float) -> tuple[Array, NDArray[np.str_]]:
    """Return the values of a column of ratings, and what is wrong with each.

    Parameters
    ----------
    column : Series, shape (n,)
        Ratings 0 to 3; counts of errors or words; labels of stances (or -2 to 2) and of
        mistakes (or 0 to 3). A list, a dict of values by item, or the JSON text of one, is
        rated by the mean of its items.
    name : str
        One of :data:`PROPERTY_NAMES`, or :data:`REPETITIVE`.
    unreadable : float
        Value of what cannot be read: NaN, or 0 as in the paper.

    Returns
    -------
    values : ndarray, shape (n,)
    trouble : ndarray of str, shape (n,)
        Empty, ``missing``, ``unreadable`` or ``not applicable``.

    Examples
    --------
    >>> column = pd.Series([3, "2", [3, 0], "N/A", "good"])
    >>> values, trouble = read_values(column, "clear", np.nan)
    >>> values.tolist(), trouble.tolist()
    ([3.0, 2.0, 1.5, nan, nan], ['', '', '', 'not applicable', 'unreadable'])
    """
    found = [read_value(value, name, unreadable) for value in column.tolist()]
    values, trouble = zip(*found, strict=True) if found else ((), ())
    return np.array(values, dtype=np.float64), np.array(trouble, dtype=np.str_)


def read_value(value: Any, name: str, unreadable: float) -> tuple[float, str]:
    """Return one rating as a number, and what is wrong with it: see :func:`read_values`.

    Examples
    --------
    >>> read_value(["Neutral", "Strongly supported"], "support stances", np.nan)
    (1.0, '')
    """
    if type(value) is int or type(value) is float:
        # most ratings by far
        return _item(value, name, unreadable)
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        value = _json(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return _mean([_item(item, name, unreadable) for item in value])
    return _item(value, name, unreadable)


def _item(value: Any, name: str, unreadable: float) -> tuple[float, str]:
    if isinstance(value, list | tuple | Mapping | np.ndarray):
        return unreadable, UNREADABLE
    if value is None or value is pd.NA or value != value or value == "":
        return np.nan, MISSING
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _NOT_APPLICABLE:
            return np.nan, INAPPLICABLE
        if text in _LABELS.get(name, {}):
            return _LABELS[name][text], OK
    return _number(value, name, unreadable)


def _number(value: Any, name: str, unreadable: float) -> tuple[float, str]:
    try:
        number = np.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = np.nan
    low, high = (-2.0, 2.0) if name == "support stances" else (0.0, 3.0)
    if name in _COUNTED:
        high = float(np.finfo(np.float64).max)
    return (number, OK) if low <= number <= high else (unreadable, UNREADABLE)


def _mean(items: list[tuple[float, str]]) -> tuple[float, str]:
    if not items:
        return np.nan, MISSING
    trouble = {item[1] for item in items}
    worst = next((t for t in (UNREADABLE, MISSING, INAPPLICABLE) if t in trouble), OK)
    return float(np.mean([item[0] for item in items])), worst


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def read_facts(column: pd.Series) -> Array:
    """Return 1 where a fact of the query holds, 0 where it does not, NaN where it is unknown.

    Parameters
    ----------
    column : Series, shape (n,)
        Yes or no, true or false, a count, a list, or text: any other text holds.

    Examples
    --------
    >>> read_facts(pd.Series(["Yes", "no", 2, [], "in verse", "", None])).tolist()
    [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, nan]
    """
    return np.array([_holds(value) for value in column.tolist()], dtype=np.float64)


def written_facts(column: pd.Series) -> pd.Series:
    """Return facts as a column of pairs keeps them: yes, no, or text; items joined by ``; ``.

    Parameters
    ----------
    column : Series, shape (n,)
        As for :func:`read_facts`.

    Examples
    --------
    >>> written_facts(pd.Series([True, ["in verse", "short"], [], 2])).tolist()
    ['yes', 'in verse; short', '', '2']
    """
    return pd.Series([_written(value) for value in column.tolist()], dtype="str")


def _written(value: Any) -> str | None:
    if isinstance(value, list | tuple | dict | np.ndarray):
        return "; ".join(str(item) for item in value)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return None if value is None or value is pd.NA or value != value else str(value)


def _holds(value: Any) -> float:
    if isinstance(value, list | tuple | dict | np.ndarray):
        return float(len(value) > 0)
    if value is None or value is pd.NA or value != value:
        return np.nan
    if isinstance(value, str):
        text = value.strip().lower()
        try:
            return float(float(text) > 0)
        except ValueError:
            return float(_YES.get(text, text != ""))
    return float(value > 0)
