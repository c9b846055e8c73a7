"""The verb that gives data their text factors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors.catalog import STYLE, FactorSpec
from workbench.factors.coding import apply
from workbench.factors.relation import Vocabulary
from workbench.factors.text import RELATIONS, batch_values
from workbench.factors.tokens import Batch

Array = NDArray[np.float64]

_PAIRS = 2048
"""Pairs scored at a time: bounds the memory, whatever the number of pairs."""


def score_factors(
    data: PreferenceData, factors: Sequence[FactorSpec] | FactorSpec = STYLE
) -> PreferenceData:
    """Compute text factors of both responses and their coded differences.

    Parameters
    ----------
    data : PreferenceData
        With text.
    factors : sequence of FactorSpec
        Of :data:`workbench.factors.STYLE` or a family of it; the coding of a factor can be
        changed with ``dataclasses.replace``.

    Returns
    -------
    PreferenceData
        With ``factors``, ``factor_values`` and ``factor_specs``. Where a response is
        missing, both are NaN.

    Raises
    ------
    DesignError
        The data have no text, or a factor is not computed from text.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    >>> data.factor_names[:2]
    ['hedges', 'apologies']
    """
    specs = [factors] if isinstance(factors, FactorSpec) else list(factors)
    _check(data, specs)
    names = [spec.name for spec in specs]
    a, b = _raw_values(data, names)
    return with_coded(data, specs, a, b)


def with_coded(
    data: PreferenceData, specs: Sequence[FactorSpec], a: Array, b: Array
) -> PreferenceData:
    """Return the data with factors coded from the raw values of both sides.

    Parameters
    ----------
    data : PreferenceData
    specs : sequence of FactorSpec
    a, b : ndarray, shape (n pairs, n factors)
        Raw values of A and of B, NaN where missing.
    """
    coded: dict[str, Array] = {}
    values: dict[str, Array] = {}
    records: dict[str, dict[str, Any]] = {}
    for k, spec in enumerate(specs):
        coded[spec.name], coding = apply(a[:, k], b[:, k], spec.coding)
        values[f"{spec.name}_a"], values[f"{spec.name}_b"] = a[:, k], b[:, k]
        records[spec.name] = {**spec.to_dict(), "coding": coding.to_dict()}
    return data.with_factors(pd.DataFrame(coded), pd.DataFrame(values), records)


def _check(data: PreferenceData, specs: list[FactorSpec]) -> None:
    known = {spec.name for spec in STYLE}
    foreign = [spec.name for spec in specs if spec.name not in known]
    if foreign:
        raise DesignError(
            f"The factor {foreign[0]!r} is not computed from text.",
            found=", ".join(foreign),
            expected="factors of workbench.factors.STYLE",
            fix="Use workbench.factors.from_columns or from_function for your own factors.",
        )
    text = data.pairs[["response_a", "response_b"]]
    if text.isna().all(axis=None):
        raise DesignError(
            "The data have no text to compute factors from.",
            found=f"{len(data):,} pairs without responses",
            expected="columns response_a and response_b",
            fix="Use workbench.factors.from_columns(data) for numeric columns of your own.",
        )


def _raw_values(data: PreferenceData, names: list[str]) -> tuple[Array, Array]:
    related = bool(RELATIONS & set(names))
    prompts = data.pairs["prompt"].fillna("") if related else None
    vocabulary = Vocabulary.learn(prompts.unique().tolist()) if prompts is not None else None

    def work(cut: slice) -> tuple[Array, Array]:
        asked = None if prompts is None else Batch(prompts.iloc[cut].tolist())
        sides = []
        for column in ("response_a", "response_b"):
            text = data.pairs[column].iloc[cut]
            values = batch_values(Batch(text.fillna("").tolist()), asked, names, vocabulary)
            values[text.isna().to_numpy()] = np.nan
            sides.append(values)
        return sides[0], sides[1]

    a, b = np.empty((len(data), len(names))), np.empty((len(data), len(names)))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        cuts = list(_cuts(len(data)))
        for cut, (side_a, side_b) in zip(cuts, pool.map(work, cuts), strict=True):
            a[cut], b[cut] = side_a, side_b
    return a, b


def _cuts(n: int) -> Iterator[slice]:
    for start in range(0, n, _PAIRS):
        yield slice(start, min(start + _PAIRS, n))
