"""What a column of labels says: sides, ties, both bad, not applicable, failed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.formats.records import excerpt
from workbench.data.formats.scales import Scale
from workbench.data.formats.verdict_words import (
    LETTERS,
    OTHERWISE,
    UNKNOWN,
    VERDICTS,
    Meaning,
    meaning_of,
    of_side,
)
from workbench.errors import DataError

__all__ = ["MEANINGS", "VERDICTS", "Wanted", "read_column", "read_labels"]

AMBIGUOUS = (
    "labels hold whole numbers outside [0, 1], so no number is taken for a side; "
    'say what they mean, for example labels={"1": "a", "2": "b", "0": "tie"}'
)
"""Note for a column such as 1 and 2, whose 1 must not be taken for P(A preferred) = 1."""

MEANINGS = ("a", "b", *OTHERWISE)
"""What a value can be said to mean; of more than two responses also ``c`` and so on."""

_FLAGS = {"true": 1.0, "yes": 1.0, "y": 1.0, "false": 0.0, "no": 0.0, "n": 0.0}


@dataclass(frozen=True)
class Wanted:
    """What the user, or the name of the column, says of its values.

    Attributes
    ----------
    labels : mapping of str to Meaning
        By value as :func:`key_of` writes it.
    scale : Scale, optional
        How numbers are to be read.
    one : {"a", "b"}, optional
        Whose a 1 (or true) is where 0 (or false) says the other; numbers between are P of it.
    n : int
        Responses that can be named.
    """

    labels: Mapping[str, Meaning] = field(default_factory=dict)
    scale: Scale | None = None
    one: str | None = None
    n: int = 2


def read_labels(column: pd.Series, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the verdicts of a column of labels whose numbers are P(A preferred).

    Parameters
    ----------
    column : Series, shape (n,)
        Texts of :func:`workbench.data.formats.verdict_words.meaning_of`, flags, or numbers in
        [0, 1]. Numbers mean nothing without a mapping in a column that also holds numbers
        outside [0, 1]: its 1 may be "the first" of 1 and 2. A missing label is a verdict that
        failed.
    labels : mapping, optional
        Meaning of values, of :data:`MEANINGS`; goes before what words say by themselves.

    Returns
    -------
    DataFrame
        ``preference, reason, strength, problem, found``, index of ``column``;
        ``attrs["notes"]`` where the numbers are ambiguous.

    Raises
    ------
    DataError
        The mapping of labels is none, or names an unknown meaning.

    Examples
    --------
    >>> read_labels(pd.Series(["model_a", "tie", "0.25", "?"]))["preference"].tolist()
    [1.0, 0.5, 0.25, nan]
    >>> read_labels(pd.Series([1, 2]), {"1": "a", "2": "b"})["preference"].tolist()
    [1.0, 0.0]
    """
    read = read_column(column, Wanted(checked_labels(labels), one="a"))
    unread = read["problem"] == "unknown label"
    codes = any(not math.isnan(number_of(value)) for value in distinct(column[unread]))
    read = read.drop(columns="side")
    read.attrs["notes"] = [AMBIGUOUS] if codes and not labels else []
    return read


def read_column(column: pd.Series, wanted: Wanted) -> pd.DataFrame:
    """Return the verdicts of a column.

    Parameters
    ----------
    column : Series, shape (n,)
        Words are read by :func:`meaning_of`. Numbers are read by the scale, by ``one``, or as
        P(A preferred) where all lie in [0, 1] and some between; no other number is read.
    wanted : Wanted

    Returns
    -------
    DataFrame
        ``side, preference, reason, strength, problem, found``, index of ``column``.

    Examples
    --------
    >>> read_column(pd.Series([0, 1]), Wanted())["problem"].tolist()
    ['unknown label', 'unknown label']
    >>> read_column(pd.Series([0, 1]), Wanted(one="b"))["side"].tolist()
    ['a', 'b']
    """
    codes, values = pd.factorize(_flat(column))
    table = meanings_of(list(values), wanted)
    table.append(wanted.labels.get("", OTHERWISE["failed"]))
    sides, preference, reason, strength, problem = zip(*table, strict=True)
    problems = pd.Series(problem, dtype="str").take(codes)
    found = pd.Series([f"label {excerpt(value)}" for value in values] + [None], dtype="str")
    return pd.DataFrame(
        {
            "side": pd.Series(sides, dtype="str").take(codes).array,
            "preference": np.array(preference, dtype=np.float64)[codes],
            "reason": pd.Series(reason, dtype="str").take(codes).array,
            "strength": np.array(strength, dtype=np.float64)[codes],
            "problem": problems.array,
            "found": found.take(codes).where(problems.notna()).array,
        },
        index=column.index,
    )


def meanings_of(values: Sequence[Any], wanted: Wanted) -> list[Meaning]:
    """Return what each distinct value of a column says.

    Examples
    --------
    >>> [m.preference for m in meanings_of(["0.2", "1", "tie"], Wanted())]
    [0.2, 1.0, 0.5]
    """
    open_ = [value for value in values if _said(wanted, value) is None]
    numbers = [number for number in map(number_of, open_) if not math.isnan(number)]
    inside = all(0 <= number <= 1 for number in numbers)
    one = wanted.one if inside else None
    if one is None and inside and any(0 < number < 1 for number in numbers):
        one = "a"
    return [_meaning(value, wanted, one) for value in values]


def checked_labels(labels: Mapping[str, str] | None, n: int = 2) -> dict[str, Meaning]:
    """Return the meanings that a user gives to values.

    Parameters
    ----------
    labels : mapping of value to str, optional
        One of :data:`MEANINGS`, or ``c`` and so on among ``n`` responses; after a colon how
        strong: ``a:2``.
    n : int
        Responses.

    Raises
    ------
    DataError
        It is no mapping, or a meaning is unknown.

    Examples
    --------
    >>> checked_labels({"1.0": "a:2"})["1"].strength
    2.0
    """
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise _unknown_meaning(labels, n)
    result = {}
    for value, target in labels.items():
        name, _, strength = str(target).strip().casefold().partition(":")
        name = name.strip().replace(" ", "_")
        weight = number_of(strength) if strength else math.nan
        if name in OTHERWISE and not strength:
            result[key_of(value)] = OTHERWISE[name]
        elif len(name) == 1 and name in LETTERS[:n] and not (strength and math.isnan(weight)):
            result[key_of(value)] = of_side(name, weight)
        else:
            raise _unknown_meaning(target, n)
    # case tells values apart only where both are named: m and M
    return {**{key.casefold(): meaning for key, meaning in result.items()}, **result}


def number_of(value: Any) -> float:
    """Return a label as a number, NaN where it is none; flags are no numbers here.

    Examples
    --------
    >>> number_of("0.5"), number_of("half")
    (0.5, nan)
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def key_of(value: Any) -> str:
    """Return a label as a mapping writes it: 1, 1.0 and "1.0" are all "1".

    Examples
    --------
    >>> key_of(1.0), key_of(" Model_A "), key_of(True)
    ('1', 'Model_A', 'True')
    """
    number = number_of(value)
    if number.is_integer() and not isinstance(value, bool | np.bool_):
        return str(int(number))
    return str(value).strip()


def distinct(column: pd.Series) -> list[Any]:
    """Return the values of a column, each once and without missing ones.

    Examples
    --------
    >>> distinct(pd.Series(["a", None, "a", [1]]))
    ['a', 'list [1]']
    """
    return list(pd.unique(_flat(column).dropna()))


def is_flag(value: Any) -> bool:
    """Tell whether a label is true or false, yes or no, also as text.

    Examples
    --------
    >>> is_flag(True), is_flag("FALSE"), is_flag("no"), is_flag(1)
    (True, True, True, False)
    """
    return isinstance(value, bool | np.bool_) or key_of(value).casefold() in _FLAGS


def flag_of(value: Any) -> bool:
    """Return a label that :func:`is_flag` takes for true or false.

    Examples
    --------
    >>> flag_of("Yes"), flag_of(False)
    (True, False)
    """
    return _FLAGS[key_of(value).casefold()] == 1.0


def _said(wanted: Wanted, value: Any) -> Meaning | None:
    key = key_of(value)
    return wanted.labels.get(key, wanted.labels.get(key.casefold()))


def _meaning(value: Any, wanted: Wanted, one: str | None) -> Meaning:
    said = _said(wanted, value)
    if said is not None:
        return said
    flag = is_flag(value)
    number = float(flag_of(value)) if flag else number_of(value)
    if math.isnan(number):
        return meaning_of(str(value), wanted.n)
    if wanted.scale is not None and not flag:
        return wanted.scale.meaning(number)
    # true says no more than 1 does: whose it is must be known
    one = wanted.one if flag else one
    if one is None:
        return UNKNOWN
    if number in (0.0, 1.0):
        return of_side(one if number else "ab".replace(one, ""))
    share = number if one == "a" else 1 - number
    return Meaning(preference=share, reason="tie" if share == 0.5 else None)


def _flat(column: pd.Series) -> pd.Series:
    """Return a column whose values can be told from each other: nested ones in short."""
    if column.dtype != object:
        return column
    return column.map(lambda v: excerpt(v) if isinstance(v, list | dict | np.ndarray) else v)


def _unknown_meaning(found: Any, n: int) -> DataError:
    return DataError(
        "The mapping of labels names an unknown meaning.",
        found=excerpt(found),
        expected="a meaning for each value: " + ", ".join([*LETTERS[:n], *OTHERWISE]),
        fix="For example --verdict 1=a --verdict 2=b --verdict 0=tie "
        '(Python: verdicts={"1": "a", "2": "b", "0": "tie"}).',
    )
