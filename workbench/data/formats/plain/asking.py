"""Verdicts that are not read: each value with its count, and the flags that say what it means."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from workbench.data.formats.records import excerpt
from workbench.data.formats.verdict_words import LETTERS
from workbench.data.formats.verdicts import flag_of, is_flag, key_of, number_of
from workbench.errors import DataError

UNSAID = "?"
"""Stands in a flag for a meaning that only the user knows; it is refused as it stands."""
_SHOWN = 8
"""Values that a message names; the most frequent ones."""


def unread_values(labels: pd.Series) -> Counter[str]:
    """Count labels that say nothing that is understood, as they are written in a flag.

    Examples
    --------
    >>> unread_values(pd.Series([1, 2, 1]))
    Counter({'1': 2, '2': 1})
    """
    flat = labels.map(lambda v: excerpt(v) if isinstance(v, list | dict | np.ndarray) else v)
    return Counter({key_of(value): int(count) for value, count in flat.value_counts().items()})


def told(unread: Counter[str]) -> str:
    """Return the unread values with their counts.

    Examples
    --------
    >>> told(Counter({"1": 12, "2": 7}))
    "'1' in 12 rows, '2' in 7"
    """
    shown = [
        f"{excerpt(in_short(value))!r} in {count:,}" for value, count in unread.most_common(_SHOWN)
    ]
    more = len(unread) - _SHOWN
    text = ", ".join(shown) + (f", and {more:,} more values" if more > 0 else "")
    return text.replace(",", " rows,", 1) if "," in text else text + " rows"


def in_short(value: str) -> str:
    """Return a value to show: of a fraction four digits.

    Examples
    --------
    >>> in_short("0.0036694171092744865"), in_short("12345.678"), in_short("2024"), in_short("A")
    ('0.003669', '12346', '2024', 'A')
    """
    number = number_of(value)
    if not math.isfinite(number) or number.is_integer():
        return value
    return f"{number:.4g}" if abs(number) < 1000 else f"{number:.0f}"


def flags(values: Sequence[str], n: int = 2) -> list[str]:
    """Return the flags that could say what values mean, one text for each possible reading.

    Parameters
    ----------
    values : sequence of str
        Distinct values as :func:`workbench.data.formats.verdicts.key_of` writes them.
    n : int
        Responses that can be named.

    Examples
    --------
    >>> flags(["1", "2", "0"])[0]
    '--verdict 1=a --verdict 2=b --verdict 0=tie'
    >>> flags(["-2", "0", "3"])
    ['--scale -3..3:a', '--scale -3..3:b']
    >>> flags(["0", "40", "100"])[0]
    '--scale percent_a'
    """
    if values and all(map(is_flag, values)):
        on = [flag_of(value) for value in values]
        return [_words(zip(values, [sides[not one] for one in on], strict=True))
                for sides in ("ab", "ba")]  # fmt: skip
    numbers = [number_of(value) for value in values]
    if not values or any(number != number for number in numbers):
        return [_of_words(values)] if values else []
    found = set(numbers)
    if n > 2 and found <= set(range(n + 1)):
        first = 0 if 0 in found else 1
        return [_verdicts({str(first + i): LETTERS[i] for i in range(n)}, found)]
    if found <= {0.0, 1.0}:
        return [_verdicts({"1": "a", "0": "b"}, found), _verdicts({"0": "a", "1": "b"}, found)]
    if found <= {0.0, 1.0, 2.0} or found <= {1.0, 2.0, 3.0}:
        sides = ({"1": "a", "2": "b"}, {"1": "b", "2": "a"})
        return [_verdicts({**side, "0": "tie", "3": "tie"}, found) for side in sides]
    if found <= {-1.0, 0.0, 1.0}:
        sides = ({"1": "a", "-1": "b"}, {"-1": "a", "1": "b"})
        return [_verdicts({**side, "0": "tie"}, found) for side in sides]
    scale = _scale(min(found), max(found), all(number.is_integer() for number in found))
    return [f"--scale {scale.format(side)}" for side in "ab"]


def advice(unread: Counter[str], n: int = 2) -> str:
    """Return the flags that say what unread values mean, in each possible reading.

    Examples
    --------
    >>> print(advice(Counter({"1": 3, "0": 2})))
    --verdict 1=a --verdict 0=b, or the other way round: --verdict 0=a --verdict 1=b
    """
    return ", or the other way round: ".join(_flags(unread, n))


def note(unread: Counter[str], rows: int, n: int = 2) -> str:
    """Return the note on verdicts that are left out because nobody said what they mean."""
    left = sum(unread.values())
    return (
        f"{left:,} of {rows:,} verdicts ({left / rows:.0%}) are not read: {told(unread)}; "
        f"say what they mean: {advice(unread, n)}"
    )


def nothing_decided(unread: Counter[str], kept: int, column: str, n: int = 2) -> DataError:
    """Return the error for a table of which nothing, or nothing but ties, would be kept."""
    left = sum(unread.values())
    rest = f"; verdicts read that prefer no side: {kept:,}" if kept else ""
    return DataError(
        f"What the verdicts in column {column!r} mean is not known.",
        found=f"{left:,} unknown label: {told(unread)}{rest}",
        expected="words such as A, B, model_a, tie, or P(A preferred) with fractions; bare 0, 1 "
        "and 2, true and false, and margins mean other sides in other files",
        fix=f"Say which: {advice(unread, n)} (in Python {_in_python(_flags(unread, n)[0])}). "
        "The file's documentation tells: a guess could turn every verdict round.",
    )


def _flags(unread: Counter[str], n: int) -> list[str]:
    return flags([value for value, _ in unread.most_common(_SHOWN)], n)


def _in_python(text: str) -> str:
    """Return flags as keywords of ``load``."""
    words = shlex.split(text)
    if words[0] == "--scale":
        return f"scale={words[1]!r}"
    said = [word.rpartition("=") for flag, word in pairwise(words) if flag == "--verdict"]
    return "verdicts={" + ", ".join(f"{value!r}: {meaning!r}" for value, _, meaning in said) + "}"


def _of_words(values: Sequence[str]) -> str:
    told = _words((value, UNSAID) for value in values)
    short = {value.casefold(): value for value in values}
    places = (
        f"; {short['l']} and {short['r']} may be left and right: a and b"
        if {"l", "r"} <= short.keys()
        else ""
    )
    return f"{told} (for each ? put a, b, tie, both_bad, failed, no_judgement, ...{places})"


def _words(meanings: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"--verdict {shlex.quote(f'{value}={side}')}" for value, side in meanings)


def _verdicts(meanings: dict[str, str], found: set[float]) -> str:
    return " ".join(f"--verdict {k}={v}" for k, v in meanings.items() if float(k) in found)


def _scale(low: float, high: float, whole: bool) -> str:
    """Return a likely scale of numbers, with a place for the side."""
    if low < 0:
        top = max(-low, high)
        return f"-{top:g}..{top:g}:{{}}" if whole and top <= 10 else "margin_{}"
    if high <= 1:
        return "0..1:{}"
    if high > 10 and high <= 100:
        return "percent_{}"
    return f"{min(low, 1) if high <= 10 else 0:g}..{high:g}:{{}}"
