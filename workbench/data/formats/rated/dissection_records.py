"""What records of preference dissection say of each response, as numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workbench.data.dissection_ratings import (
    ERRORS,
    FACTS,
    PROPERTY_NAMES,
    REPETITIVE,
    canonical,
    read_value,
)

_SIDES = {"a": ("Response 1", "response_1", "response_a word"),
          "b": ("Response 2", "response_2", "response_b word")}  # fmt: skip
_UNCHECKED = 999
"""What a comparison of errors is where either response could not be checked."""

CHECKED = "errors_checked"
"""Columns ``errors_checked_a`` and ``_b`` say whether errors could be looked for."""


def rated(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ratings of both sides, ``<property>_a`` and ``<property>_b``.

    Parameters
    ----------
    record : mapping
        Of the published layout: ``basic_response_1``, ``errors_response_1``,
        ``query-specific_response_1`` and ``num_words``; or a resolved one, whose
        ``comparison`` holds them as ``meta``.

    Examples
    --------
    >>> rated({"basic_response_1": {"polite": 2}, "basic_response_2": {"polite": 1}})
    {'polite_a': 2.0, 'polite_b': 1.0}
    """
    values: dict[str, Any] = {}
    for side, (meta, number, words) in _SIDES.items():
        for block in (f"basic_{number}", f"query-specific_{number}"):
            for key, value in as_object(record.get(block)).items():
                values |= _value(key, _labelled(value), side)
        values |= _errors(record.get(f"errors_{number}"), side)
        length = as_object(record.get(number)).get("num_words", record.get(words))
        for key, entry in as_object(record.get("comparison")).items():
            about = as_object(as_object(entry).get("meta"))
            if key == "accuracy":
                values |= _errors(about.get(meta), side)
            elif canonical(str(key)) == "lengthy":
                length = about.get(meta, length)
            elif meta in about:
                values |= _value(key, about[meta], side)
            else:
                values |= _value(key, [v[meta] for v in _items(about) if meta in v], side)
        values |= _value("lengthy", length, side)
    return values


def compared(comparison: Mapping[str, Any]) -> dict[str, float]:
    """Return the codes, A against B, that a resolved record holds, by property.

    Errors are missing where they could not be checked.

    Examples
    --------
    >>> compared({"repetitive": {"comparison": 1}, "accuracy": {"comparison": 999}})
    {'non-repetitive': -1.0, 'no minor errors': nan, 'no moderate errors': nan, \
'no severe errors': nan}
    """
    codes: dict[str, float] = {}
    for key, entry in comparison.items():
        code = as_object(entry).get("comparison")
        name = canonical(str(key))
        if key == "accuracy":
            by_level = {level.lower(): v for level, v in as_object(code).items()}
            for level, error in ERRORS.items():
                codes[error] = _number(by_level.get(level))
        elif name == REPETITIVE:
            codes["non-repetitive"] = 0.0 - _number(code)
        elif name in PROPERTY_NAMES:
            codes[name] = _number(code)
    return codes


def _value(key: object, value: Any, side: str) -> dict[str, float]:
    name = canonical(str(key))
    if name is None or name in FACTS or value is None or value == []:
        return {}
    return {f"{name}_{side}": read_value(value, name, np.nan)[0]}


def _labelled(value: Any) -> Any:
    """Return the labels of items written as ``description | label``."""
    if not isinstance(value, list):
        return value
    return [i.rsplit("|", 1)[-1].strip() if isinstance(i, str) else i for i in value]


def _errors(value: Any, side: str) -> dict[str, Any]:
    """Return how many errors of each severity a response has, nothing where unchecked."""
    found = as_object(value)
    if not found:
        return {}
    state = found.get("applicable or not", found.get("accuracy check"))
    listed = found.get("errors", found.get("inaccuracies"))
    if state != "applicable" or not isinstance(listed, list):
        return {f"{CHECKED}_{side}": "no"}
    levels = [str(as_object(item).get("severity")).strip().lower() for item in listed]
    counts: dict[str, Any] = {
        f"{name}_{side}": float(levels.count(level)) for level, name in ERRORS.items()
    }
    return {f"{CHECKED}_{side}": "yes", **counts}


def _items(about: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    # a table of records gives each record the items of all others, without a value
    yield from (item for item in about.values() if isinstance(item, Mapping))


def as_object(value: Any) -> Mapping[str, Any]:
    """Return an object, also from its JSON text; an empty one for anything else.

    Examples
    --------
    >>> as_object('{"polite": 2}'), as_object(None)
    ({'polite': 2}, {})
    """
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < _UNCHECKED else np.nan
