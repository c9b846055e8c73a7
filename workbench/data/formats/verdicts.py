"""What label values mean: a side, a tie, both bad, not applicable, failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.formats.records import excerpt
from workbench.errors import DataError

_SIDES = {
    1.0: ("a", "model_a", "response_a", "text_a", "output_a", "first", "left", "true"),
    0.0: ("b", "model_b", "response_b", "text_b", "output_b", "second", "right", "false"),
}
_TIES = ("tie", "both", "draw", "equal", "same", "c", "tie (inconsistent)")
_BOTH_BAD = ("both_bad", "bothbad", "both bad", "tie (bothbad)", "neither")
_NOTHING = ("not_applicable", "not applicable", "n/a", "na", "none")
_FAILED = ("failed", "invalid", "error", "", "nan", "null")

VERDICTS: dict[str, tuple[float, str | None]] = {
    **{label: (value, None) for value, labels in _SIDES.items() for label in labels},
    **dict.fromkeys(_TIES, (0.5, "tie")),
    **dict.fromkeys(_BOTH_BAD, (0.5, "both_bad")),
    **dict.fromkeys(_NOTHING, (np.nan, "not_applicable")),
    **dict.fromkeys(_FAILED, (np.nan, "failed")),
}
"""Label texts (lower case) that are understood without a mapping."""

MEANINGS: dict[str, tuple[float, str | None]] = {
    key: VERDICTS[key] for key in ("a", "b", "tie", "both_bad", "not_applicable", "failed")
}
"""What a mapping of labels may name."""

AMBIGUOUS = (
    "the labels hold whole numbers outside [0, 1], so no number is taken for a side; "
    'say what they mean, for example mapping={"labels": {"1": "a", "2": "b", "0": "tie"}}'
)
"""Note for a column such as 1 and 2, whose 1 must not be taken for P(A preferred) = 1."""

_UNKNOWN = (np.nan, None, "unknown label")
_Meaning = tuple[float, str | None, str | None]


def read_labels(column: pd.Series, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the verdicts of a column of labels.

    Parameters
    ----------
    column : Series, shape (n,)
        Texts of :data:`VERDICTS`, flags, or numbers in [0, 1]: P(A preferred). Numbers
        mean nothing without a mapping in a column that also holds numbers outside [0, 1]
        and no fraction between: its 1 may be "the first" of 1 and 2. A missing label is a
        verdict that failed.
    labels : mapping, optional
        Meaning of each value as ``a, b, tie, both_bad, not_applicable`` or ``failed``;
        then nothing else is understood.

    Returns
    -------
    DataFrame
        ``preference, reason, problem, found``, index of ``column``;
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
    wanted = _checked(labels)
    if column.dtype == object:
        column = column.map(lambda v: excerpt(v) if isinstance(v, list | dict | np.ndarray) else v)
    codes, values = pd.factorize(column)
    ambiguous = wanted is None and _is_ambiguous([_number(value) for value in values])
    table = [_meaning(value, wanted, ambiguous) for value in values]
    missing: _Meaning = (*VERDICTS[""], None)
    table.append(missing if wanted is None or "" not in wanted else (*MEANINGS[wanted[""]], None))
    preference, reason, problem = zip(*table, strict=True)
    problems = pd.Series(problem, dtype="str").take(codes)
    found = pd.Series([f"label {excerpt(value)}" for value in values] + [None], dtype="str")
    verdicts = pd.DataFrame(
        {
            "preference": np.array(preference, dtype=np.float64)[codes],
            "reason": pd.Series(reason, dtype="str").take(codes).array,
            "problem": problems.array,
            "found": found.take(codes).where(problems.notna()).array,
        },
        index=column.index,
    )
    verdicts.attrs["notes"] = [AMBIGUOUS] if ambiguous else []
    return verdicts


def _checked(labels: Mapping[str, str] | None) -> dict[str, str] | None:
    if labels is None:
        return None
    bad = labels if not isinstance(labels, Mapping) else None
    if isinstance(labels, Mapping):
        bad = next((target for target in labels.values() if target not in MEANINGS), None)
    if bad is not None:
        raise DataError(
            "The mapping of labels names an unknown meaning.",
            found=excerpt(bad),
            expected="a meaning for each value: " + ", ".join(MEANINGS),
            fix='For example mapping={"labels": {"1": "a", "2": "b", "0": "tie"}}.',
        )
    return {_key(value): target for value, target in labels.items()}


def _is_ambiguous(numbers: list[float]) -> bool:
    outside = any(not 0 <= number <= 1 for number in numbers if number == number)
    return outside and not any(0 < number < 1 for number in numbers)


def _meaning(value: Any, wanted: Mapping[str, str] | None, ambiguous: bool) -> _Meaning:
    if wanted is not None:
        target = wanted.get(_key(value))
        return _UNKNOWN if target is None else (*MEANINGS[target], None)
    if isinstance(value, str) and value.strip().lower() in VERDICTS:
        return (*VERDICTS[value.strip().lower()], None)
    number = _number(value)
    if ambiguous or not 0.0 <= number <= 1.0:
        return _UNKNOWN
    return number, "tie" if number == 0.5 else None, None


def _number(value: Any) -> float:
    """Return a label as a number, NaN where it is none: flags count as 1 and 0."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _key(value: Any) -> str:
    """Return a label as a mapping writes it: 1, 1.0 and "1.0" are all "1"."""
    number = _number(value)
    if number.is_integer() and not isinstance(value, bool | np.bool_):
        return str(int(number))
    return str(value).strip().lower()
