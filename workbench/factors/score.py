"""The verb that gives data their text factors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import prompt_of
from workbench.data.dataset import PreferenceData
from workbench.data.digests import content_digests
from workbench.errors import DesignError
from workbench.factors.catalog import STYLE, FactorSpec
from workbench.factors.coding import apply
from workbench.factors.relation import Vocabulary
from workbench.factors.text import RELATIONS, batch_values
from workbench.factors.tokens import Batch, Ints

Array = NDArray[np.float64]

_ROWS, _CHARACTERS = 2048, 1 << 21
"""Most responses, and most characters with their prompts, scored at a time by one thread: they
bound the memory, whatever the number of pairs. A longer response is scored alone."""

_THREADS = 8


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
        missing, both are NaN; so are factors of the family ``prompt`` where only some
        pairs have a prompt and this one has none. Data without any prompt get 0.

    Raises
    ------
    DesignError
        The data have no text, a factor is not computed from text, or there is none or one
        of them twice.

    Notes
    -----
    Identical responses (to the same prompt, where a factor needs it) are scored once.

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
    names = [spec.name if isinstance(spec, FactorSpec) else repr(spec) for spec in specs]
    if len(set(names)) < max(len(names), 1):
        raise DesignError(
            "A factor stands twice in the list." if names else "There is no factor to compute.",
            found=", ".join(names) or "an empty list",
            expected="different factors, each once",
            fix="Use workbench.factors.STYLE or a family of workbench.factors.FAMILIES.",
        )
    known = {spec.name for spec in STYLE}
    foreign = [name for name in names if name not in known]
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
    pairs = data.pairs
    text = pd.concat([pairs["response_a"], pairs["response_b"]], ignore_index=True)
    prompts = vocabulary = None
    if RELATIONS & set(names):
        prompts = pd.concat([prompt_of(pairs, side) for side in "ab"], ignore_index=True)
        vocabulary = Vocabulary.learn(prompts.dropna().unique().tolist())
    code, first = _distinct([text] if prompts is None else [prompts, text])
    text = text.iloc[first]
    prompts = None if prompts is None else prompts.iloc[first]
    values = _distinct_values(text, prompts, names, vocabulary)
    values[text.isna().to_numpy()] = np.nan
    if prompts is not None and prompts.notna().any():
        related = [k for k, name in enumerate(names) if name in RELATIONS]
        values[np.ix_(prompts.isna().to_numpy(), related)] = np.nan
    return values[code[: len(pairs)]], values[code[len(pairs) :]]


def _distinct(columns: list[pd.Series]) -> tuple[Ints, Ints]:
    """Return the number of each row among the distinct rows, and where each of those stands."""
    code, found = pd.factorize(content_digests(columns))
    first = np.full(len(found), -1, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return code, first


def _distinct_values(
    text: pd.Series, prompts: pd.Series | None, names: list[str], vocabulary: Vocabulary | None
) -> Array:
    def work(cut: slice) -> Array:
        asked = None if prompts is None else Batch(prompts.iloc[cut].fillna("").tolist())
        return batch_values(Batch(text.iloc[cut].fillna("").tolist()), asked, names, vocabulary)

    size = text.str.len().fillna(0).to_numpy("int64")
    if prompts is not None:
        size = size + prompts.str.len().fillna(0).to_numpy("int64")
    cuts = list(_cuts(size))
    values = np.empty((len(text), len(names)))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        for cut, part in zip(cuts, pool.map(work, cuts), strict=True):
            values[cut] = part
    return values


def _cuts(size: Ints) -> Iterator[slice]:
    total = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(size)])
    start = 0
    while start < len(size):
        fitting = int(np.searchsorted(total, total[start] + _CHARACTERS, side="right")) - 1
        end = min(max(fitting, start + 1), start + _ROWS)
        yield slice(start, end)
        start = end
