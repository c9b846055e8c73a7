"""The verb that gives data their text factors."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.alike.equal import first_alike
from workbench.data.columns import prompt_of
from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData
from workbench.engine import Engine
from workbench.errors import DesignError
from workbench.factors.catalog import AGENT, STYLE, FactorSpec
from workbench.factors.coding import apply
from workbench.factors.parted import Raw, score_parts
from workbench.factors.relation import Relation
from workbench.factors.steps.values import call_share, step_values_of
from workbench.factors.text import RELATIONS, batch_values
from workbench.factors.tokens import MAX_ROWS, Batch, Ints
from workbench.factors.words.vocabulary import PromptWords, Vocabulary

Array = NDArray[np.float64]
Data = TypeVar("Data", PreferenceData, PartedData)

_PAIRS, _BYTES = 1024, 1 << 19
"""Most pairs, and most bytes of text, scored at a time by one thread: what fits the processor's
cache. A longer pair is scored alone."""

_THREADS = 8

_STEPS = frozenset(spec.name for spec in AGENT)


def score_factors(
    data: Data,
    factors: Sequence[FactorSpec] | FactorSpec = STYLE,
    *,
    vocabulary: Vocabulary | None = None,
    engine: Engine | None = None,
) -> Data:
    """Compute factors of both responses' texts or steps, and their coded differences.

    Parameters
    ----------
    data : PreferenceData or PartedData
        With text.
    factors : sequence of FactorSpec
        Of :data:`workbench.factors.STYLE` or of a family in :data:`workbench.factors.FAMILIES`;
        the coding of a factor can be changed with ``dataclasses.replace``.
    vocabulary : Vocabulary, optional
        Of ``tfidf_cosine``, where the data are a part of a larger set: that of all its prompts
        (:meth:`workbench.factors.Vocabulary.of_parts`). Learnt from the data's prompts when None.
    engine : Engine, optional
        Where the parts of a data set in parts are scored; in this process when None.

    Returns
    -------
    PreferenceData or PartedData
        As was given, with ``factors``, ``factor_values`` and ``factor_specs``. Where a response is
        missing, both are NaN; so are factors of the family ``prompt`` where only some
        pairs have a prompt and this one has none. Data without any prompt get 0.

    Raises
    ------
    DesignError
        The data have no text, a factor is not computed from text, one of the family ``agent``
        is asked of data in which no response calls a tool, or there is none or one of them twice.

    Notes
    -----
    Identical responses (to the same prompt, where a factor needs it) are scored once. Values do
    not depend on the other pairs, but for ``tfidf_cosine`` by its vocabulary; the scale of a
    coding that standardises does.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    >>> data.factor_names[:2]
    ['hedges', 'apologies']
    """
    specs = [factors] if isinstance(factors, FactorSpec) else list(factors)
    _check(data, specs)
    if isinstance(data, PartedData):
        return score_parts(data, specs, Raw(prompt_words, _raw_values), engine)  # type: ignore[return-value]
    names = [spec.name for spec in specs]
    values = _raw_values(data, names, vocabulary)
    return with_coded(data, specs, values[:, 0].T, values[:, 1].T)


def prompt_words(data: PreferenceData) -> PromptWords:
    """Return what a part of a data set adds to the vocabulary of ``tfidf_cosine``.

    Parameters
    ----------
    data : PreferenceData

    Examples
    --------
    The values of a part are those that it has in the whole set.

    >>> import workbench as wb
    >>> whole, spec = wb.load("sample"), wb.factors.FAMILIES["prompt"]
    >>> parts = [whole.filter(pair_ids=whole.pairs["pair_id"][k::2].tolist()) for k in range(2)]
    >>> words = wb.factors.Vocabulary.of_parts(prompt_words(part) for part in parts)
    >>> one = wb.score_factors(parts[1], spec, vocabulary=words).factor_values
    >>> of_all = wb.score_factors(whole, spec).factor_values[1::2]
    >>> bool((one.to_numpy() == of_all.to_numpy()).all())
    True
    """
    sides = [prompt_of(data.pairs, side) for side in "ab"]
    return PromptWords.of(itertools.chain.from_iterable(_distinct_prompts(sides)))


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


def _check(data: PreferenceData | PartedData, specs: list[FactorSpec]) -> None:
    names = [spec.name if isinstance(spec, FactorSpec) else repr(spec) for spec in specs]
    if len(set(names)) < max(len(names), 1):
        raise DesignError(
            "A factor stands twice in the list." if names else "There is no factor to compute.",
            found=", ".join(names) or "an empty list",
            expected="different factors, each once",
            fix="Use workbench.factors.STYLE or a family of workbench.factors.FAMILIES.",
        )
    known = {spec.name for spec in STYLE} | _STEPS
    foreign = [name for name in names if name not in known]
    if foreign:
        raise DesignError(
            f"The factor {foreign[0]!r} is not computed from text.",
            found=", ".join(foreign),
            expected="factors of workbench.factors.STYLE or FAMILIES",
            fix="Use workbench.factors.from_columns or from_function for your own factors.",
        )
    if not _has_text(data):
        raise DesignError(
            "The data have no text to compute factors from.",
            found=f"{len(data):,} pairs without responses",
            expected="columns response_a and response_b",
            fix="Use workbench.factors.from_columns(data) for numeric columns of your own.",
        )
    asked = [name for name in names if name in _STEPS]
    # of parts, each is looked at when it is scored: factors without a call are constant there
    if asked and isinstance(data, PreferenceData) and not call_share(data):
        raise DesignError(
            "No response calls a tool.",
            found=f"{len(data):,} pairs without tool_calls, tool_use or Action Input:",
            expected=f"calls of tools, for {', '.join(asked)}",
            fix="Leave the family agent out, or map the columns that hold the chats.",
        )


def _has_text(data: PreferenceData | PartedData) -> bool:
    if isinstance(data, PartedData):
        return data.has_text
    return not data.pairs[["response_a", "response_b"]].isna().all(axis=None)


def _raw_values(
    data: PreferenceData,
    names: list[str],
    vocabulary: Vocabulary | None,
    any_prompt: bool = False,
) -> NDArray[np.float64]:
    """Return the values of A, then those of B, shape (n factors, 2, n pairs)."""
    of_steps = np.array([name in _STEPS for name in names])
    values = np.empty((len(names), 2, len(data)))
    texts, steps = ([n for n in names if (n in _STEPS) == wanted] for wanted in (False, True))
    if texts:
        values[~of_steps] = _text_values(data, texts, vocabulary, any_prompt)
    if steps:
        values[of_steps] = step_values_of(data, steps)
    return values


def _text_values(
    data: PreferenceData, names: list[str], vocabulary: Vocabulary | None, any_prompt: bool
) -> NDArray[np.float64]:
    pairs = data.pairs
    text = [pairs["response_a"], pairs["response_b"]]
    prompts = None
    if RELATIONS & set(names):
        prompts = [prompt_of(pairs, side) for side in "ab"]
        if vocabulary is None:
            asked = _distinct_prompts(prompts) if "tfidf_cosine" in names else []
            vocabulary = Vocabulary.of_distinct(asked)
    both = [pd.concat(text, ignore_index=True)]
    if prompts is not None:
        both.append(pd.concat(prompts, ignore_index=True))
    first = first_alike(both)
    new = (first == np.arange(len(first))).reshape(2, len(pairs))
    values = np.empty((len(names), 2, len(pairs)))
    work = _Work(text, prompts, new, names, vocabulary)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        cuts = list(work.cuts())
        for cut, part in zip(cuts, pool.map(work, cuts), strict=True):
            values[:, :, cut][:, new[:, cut]] = part.T
    flat = values.reshape(len(names), -1)
    again = np.flatnonzero(~new.ravel())
    flat[:, again] = flat[:, first[again]]
    flat[:, both[0].isna().to_numpy()] = np.nan
    if prompts is not None and (both[1].notna().any() or any_prompt):
        related = np.array([name in RELATIONS for name in names])
        flat[np.ix_(related, both[1].isna().to_numpy())] = np.nan
    return values


def _distinct_prompts(prompts: list[pd.Series]) -> Iterator[list[str]]:
    """Yield the prompts of both sides, each once, a few at a time."""
    sides = prompts[:1] if prompts[0] is prompts[1] else prompts
    texts = pd.concat(sides, ignore_index=True)
    new = (first_alike([texts]) == np.arange(len(texts))) & texts.notna().to_numpy()
    for start in range(0, len(texts), MAX_ROWS):
        cut = slice(start, start + MAX_ROWS)
        yield texts.iloc[cut][new[cut]].tolist()


@dataclass(frozen=True)
class _Work:
    """Pairs scored piece by piece, without the texts that stand further up too."""

    text: list[pd.Series]
    prompts: list[pd.Series] | None
    new: NDArray[np.bool_]
    names: list[str]
    vocabulary: Vocabulary | None

    def __call__(self, cut: slice) -> Array:
        batch = Batch(self._of(self.text, cut))
        relation = None
        if self.prompts is not None and self.vocabulary is not None:
            relation = Relation.between(batch, self._of(self.prompts, cut), self.vocabulary)
        return batch_values(batch, relation, self.names)

    def _of(self, sides: list[pd.Series], cut: slice) -> list[str]:
        """Return the texts of A, then those of B, of the rows that are new."""
        found: list[str] = []
        for side, new in zip(sides, self.new[:, cut], strict=True):
            texts = side.iloc[cut]
            found += (texts if new.all() else texts[new]).fillna("").tolist()
        return found

    def cuts(self) -> Iterator[slice]:
        size = np.zeros(self.new.shape[1], dtype=np.int64)
        for side, new in zip(self.text, self.new, strict=True):
            size += np.where(new, _bytes_of(side), 0)
        if self.prompts is not None:
            size += _bytes_of(self.prompts[0])
        total = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(size)])
        start = 0
        while start < len(size):
            fitting = int(np.searchsorted(total, total[start] + _BYTES, side="right")) - 1
            end = min(max(fitting, start + 1), start + _PAIRS)
            yield slice(start, end)
            start = end


def _bytes_of(column: pd.Series) -> Ints:
    array = pa.array(column.astype("str"), type=pa.large_string(), from_pandas=True)
    return np.asarray(pc.binary_length(array).fill_null(0))
