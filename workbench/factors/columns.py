"""Factors of the user's own: numeric columns and Python functions. No text is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import PAIR_COLUMNS, prompt_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding, apply
from workbench.factors.score import with_coded

Array = NDArray[np.float64]

_PLAIN = Coding("difference")


def column_factors(data: PreferenceData) -> list[str]:
    """Return the names of the factors that the pairs' own numeric columns hold.

    A name ``x`` stands for a pair of columns ``x_a`` and ``x_b``.

    Parameters
    ----------
    data : PreferenceData

    Examples
    --------
    >>> pairs = pd.DataFrame({"glow_a": [1.0], "glow_b": [0.0], "note": ["dim"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "eye", "preference": [1.0]})
    >>> column_factors(PreferenceData.from_tables(pairs, labels))
    ['glow']
    """
    return numeric_pairs({str(name): kind for name, kind in data.pairs.dtypes.items()})


def numeric_pairs(types: Mapping[str, Any]) -> list[str]:
    """Return the names ``x`` of which there are numeric columns ``x_a`` and ``x_b``.

    Parameters
    ----------
    types : mapping of str to dtype
        Of the columns of pairs, as dtypes or their names.

    Examples
    --------
    >>> numeric_pairs({"glow_a": "float64", "glow_b": "int64", "note_a": "str", "note_b": "str"})
    ['glow']
    """
    numeric = pd.api.types.is_numeric_dtype
    columns = [name for name, kind in types.items() if name not in PAIR_COLUMNS and numeric(kind)]
    return [c[:-2] for c in columns if c.endswith("_a") and f"{c[:-2]}_b" in columns]


def from_columns(
    data: PreferenceData,
    names: Sequence[str] | str | None = None,
    *,
    coding: Coding = _PLAIN,
) -> PreferenceData:
    """Make factors of numeric columns of the pairs.

    Parameters
    ----------
    data : PreferenceData
    names : sequence of str, optional
        ``x`` for a pair of columns ``x_a`` and ``x_b``, or the name of a column that is a
        difference A minus B already; one name may stand alone. All column pairs when None.
    coding : Coding
        Of every column pair; a difference column is only standardised, if the coding is.

    Returns
    -------
    PreferenceData
        With the factors. Where a value is missing, the difference is NaN; a fit leaves such
        pairs out and counts them.

    Raises
    ------
    DesignError
        A name that is neither, a column that is not numeric, has an infinite value or no
        value at all, or no column pair at all.

    Examples
    --------
    >>> pairs = pd.DataFrame({"glow_a": [1.0, 4.0], "glow_b": [0.0, 5.0]})
    >>> labels = pd.DataFrame({"pair": [0, 1], "annotator": "eye", "preference": [1.0, 0.0]})
    >>> data = from_columns(PreferenceData.from_tables(pairs, labels))
    >>> data.factors["glow"].tolist()
    [1.0, -1.0]
    """
    if names is None:
        names = column_factors(data)
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise DesignError(
            "The data hold no texts, and no numeric column can be a factor.",
            found=", ".join(c for c in data.pairs.columns if c not in PAIR_COLUMNS)
            or "no further columns",
            expected="numeric columns x_a and x_b of each pair",
            fix="Map the texts (--map response_a=..., response_b=...), or name columns that are "
            "differences already: factors.from_columns(names=[...]). Battles of models without "
            "either are rated all the same: workbench rate, or the Leaderboard.",
        )
    for name in names:
        sides = f"{name}_a", f"{name}_b"
        if all(side in data.pairs for side in sides):
            a, b = (_numbers(data, side)[:, None] for side in sides)
            spec = FactorSpec(name, f"Columns {sides[0]} and {sides[1]}.", "user", "score", coding)
            data = with_coded(data, [_sourced(spec, "column")], a, b)
        else:
            data = _difference_column(data, name, coding.standardise)
    return data


def from_function(
    data: PreferenceData,
    name: str,
    function: Callable[..., float],
    *,
    meaning: str = "",
    coding: Coding = _PLAIN,
    with_prompt: bool = False,
) -> PreferenceData:
    """Make a factor of a Python function of the response.

    Parameters
    ----------
    data : PreferenceData
        With text.
    name : str
    function : callable
        ``response -> float``, or ``(prompt, response) -> float`` with ``with_prompt``.
    meaning : str
        What it measures.
    coding : Coding
    with_prompt : bool
        Whether the function takes the prompt too (None where a pair has none).

    Returns
    -------
    PreferenceData
        With the factor; NaN where a response is missing.

    Raises
    ------
    DesignError
        The data have no text, or the function fails or returns no finite number (NaN is
        allowed: no value); the message names the pair.

    Examples
    --------
    >>> import workbench as wb
    >>> data = from_function(wb.load("sample"), "semicolons", lambda text: text.count(";"))
    >>> data.factor_names
    ['semicolons']
    """
    if data.pairs[["response_a", "response_b"]].isna().all(axis=None):
        raise DesignError(
            f"The data have no text for the function of factor {name!r}.",
            found=f"{len(data):,} pairs without responses",
            expected="columns response_a and response_b",
            fix="Use workbench.factors.from_columns(data) for numeric columns of your own.",
        )
    sides = []
    for side in "ab":
        asked = prompt_of(data.pairs, side)
        text = zip(data.pairs["pair_id"], asked, data.pairs[f"response_{side}"], strict=True)
        values = [_call(function, name, row, with_prompt) for row in text]
        sides.append(np.array(values, dtype=np.float64)[:, None])
    spec = FactorSpec(name, meaning or f"The function {name}.", "user", "score", coding)
    return with_coded(data, [_sourced(spec, "function")], sides[0], sides[1])


def _sourced(spec: FactorSpec, source: str) -> FactorSpec:
    return FactorSpec(spec.name, spec.meaning, spec.family, spec.scale, spec.coding, source)


def _difference_column(data: PreferenceData, name: str, standardise: bool) -> PreferenceData:
    values = _numbers(data, name)
    coded, coding = apply(values, np.zeros(len(values)), Coding("difference", standardise))
    spec = FactorSpec(name, f"Column {name}, a difference A - B.", "user", "score", coding)
    nothing = pd.DataFrame(index=data.factors.index)
    record = {name: _sourced(spec, "column").to_dict()}
    return data.with_factors(pd.DataFrame({name: coded}), nothing, record)


def _call(
    function: Callable[..., float], name: str, row: tuple[Any, ...], with_prompt: bool
) -> float:
    pair_id, prompt, response = row
    if not isinstance(response, str):
        return float("nan")
    known = prompt if isinstance(prompt, str) else None
    arguments = (known, response) if with_prompt else (response,)
    try:
        value = float(function(*arguments))
        if math.isinf(value):
            raise ValueError(f"it returned {value}")
    except Exception as error:
        raise DesignError(
            f"The function of factor {name!r} failed.",
            where=f"pair {pair_id}",
            found=f"{type(error).__name__}: {error}",
            expected="a finite number for every response",
            fix="Let the function return NaN where it has no value.",
        ) from error
    return value


def _is_numeric(data: PreferenceData, column: str) -> bool:
    return bool(pd.api.types.is_numeric_dtype(data.pairs[column].dtype))


def _numbers(data: PreferenceData, column: str) -> Array:
    if column not in data.pairs or not _is_numeric(data, column):
        found = "no such column"
        if column in data.pairs:
            text = data.pairs[column]
            odd = text[text.notna() & pd.to_numeric(text, errors="coerce").isna()]
            shown = f": {len(odd):,} are no numbers, as {odd.iloc[0]!r:.60}" if len(odd) else ""
            found = f"values of type {text.dtype}{shown}"
        raise DesignError(
            f"The column {column!r} cannot be a factor.",
            found=found,
            expected="a numeric column, or a pair of them named x_a and x_b",
            fix=f"Column pairs at hand: {', '.join(column_factors(data)) or 'none'}.",
        )
    values = np.asarray(data.pairs[column].to_numpy("float64", na_value=np.nan))
    infinite, missing = np.isinf(values), np.isnan(values)
    if infinite.any() or missing.all():
        where = f"pairs, row {int(np.argmax(infinite)) + 1}" if infinite.any() else None
        raise DesignError(
            f"The column {column!r} cannot be a factor.",
            where=where,
            found=f"{infinite.sum():,} infinite and {missing.sum():,} missing of {len(values):,}",
            expected="finite numbers; some may be missing",
            fix="Correct the infinite values or leave them empty.",
        )
    return values
