"""Text factors of a data set in parts: values part by part, scales from sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.digests import Sums, added, row_hashes, sums_of
from workbench.data.parts.part import CODED, VALUES, PartRef
from workbench.data.parts.parted import PartedData, named
from workbench.engine import Engine, Local
from workbench.errors import DataError
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import scale_of, sum_of_squares, unscaled
from workbench.factors.words.vocabulary import PromptWords, Vocabulary

Array = NDArray[np.float64]

_OF_ALL = ("tfidf_cosine",)
"""Factors whose value in a part hangs on the prompts of all parts."""


@dataclass(frozen=True)
class Raw:
    """What reads the texts of a part, as functions that can be pickled.

    Attributes
    ----------
    words : callable
        From the data of a part to what it adds to the vocabulary of all.
    values : callable
        From the data of a part, names of factors, that vocabulary, and whether any pair of the
        whole set has a prompt, to the values of both sides, shape (n factors, 2, n pairs).
    """

    words: Callable[[PreferenceData], PromptWords]
    values: Callable[[PreferenceData, list[str], Vocabulary | None, bool], Array]


def score_parts(
    data: PartedData, specs: Sequence[FactorSpec], raw: Raw, engine: Engine | None = None
) -> PartedData:
    """Compute factors of a data set in parts, the same bytes as in memory.

    Parameters
    ----------
    data : PartedData
    specs : sequence of FactorSpec
    raw : Raw
    engine : Engine, optional
        Where parts are scored; in this process when None.

    Notes
    -----
    Three passes: values of both sides (the only one that reads texts; a part whose values are
    there is not scored again), squares of the differences, coded differences. One before them
    counts the words of prompts for ``tfidf_cosine``. Scales come from sums of whole numbers
    (:func:`workbench.factors.coding.sum_of_squares`), so that no way of cutting a set into parts
    changes a bit of them.
    """
    engine = engine or Local()
    scored = named({"factors": [spec.to_dict() for spec in specs], "beside": data.scored})
    vocabulary = None
    if any(spec.name in _OF_ALL for spec in specs):
        vocabulary = Vocabulary.of_parts(engine.map(partial(_words, raw), data.refs))
    work = _Work(tuple(specs), scored, raw, data.has_prompt, vocabulary)
    sizes = np.array(list(engine.map(work.values, data.refs)))
    number, largest = sizes[:, 0].sum(axis=0).astype(int), sizes[:, 1].max(axis=0)
    work = replace(work, largest=tuple(largest.tolist()))
    squares = [sum(column) for column in zip(*engine.map(work.squares, data.refs), strict=True)]
    scales = [
        scale_of(*sums) if spec.coding.standardise else 1.0
        for spec, *sums in zip(specs, squares, number.tolist(), largest.tolist(), strict=True)
    ]
    work = replace(work, scales=tuple(scales))
    sums = added({"factors": one} for one in engine.map(work.coded, data.refs))
    records = {
        spec.name: {**spec.to_dict(), "coding": replace(spec.coding, scale=scale).to_dict()}
        for spec, scale in zip(specs, scales, strict=True)
    }
    # columns that are made again come last, as in memory
    kept = {name: one for name, one in data.factor_specs.items() if name not in records}
    found = replace(
        data,
        scored=scored,
        factor_specs={**kept, **records},
        factor_sums=sums["factors"],
    )
    found.save()
    return found


def _words(raw: Raw, ref: PartRef) -> PromptWords:
    return raw.words(ref.open())


@dataclass(frozen=True)
class _Work:
    """What is done with a part in each pass; what passes before told of the whole goes along."""

    specs: tuple[FactorSpec, ...]
    scored: str
    raw: Raw
    any_prompt: bool
    vocabulary: Vocabulary | None
    largest: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def values(self, ref: PartRef) -> tuple[list[int], list[float]]:
        """Write the values of both sides; return finite differences and the largest of each."""
        if not self._is_scored(ref):
            data = ref.open()
            names = [spec.name for spec in self.specs]
            values = self.raw.values(data, names, self.vocabulary, self.any_prompt)
            own = {}
            for k, name in enumerate(names):
                own[f"{name}_a"], own[f"{name}_b"] = values[k]
            kept = data.factor_values.drop(columns=["pair_id", *own], errors="ignore")
            ref.write(VALUES, self.scored, pd.concat([kept, pd.DataFrame(own)], axis=1))
        finite = [values[np.isfinite(values)] for values in self._unscaled(ref)]
        largest = [float(np.abs(values).max(initial=0.0)) for values in finite]
        return [len(values) for values in finite], largest

    def _is_scored(self, ref: PartRef) -> bool:
        """Tell whether the values of a part are there; damaged ones are made again."""
        try:
            return ref.file(VALUES, self.scored).is_file() and bool(self._unscaled(ref))
        except DataError:
            return False

    def squares(self, ref: PartRef) -> list[int]:
        """Return the sum of squares of each factor's differences."""
        return [
            sum_of_squares(values[np.isfinite(values)], largest)
            for values, largest in zip(self._unscaled(ref), self.largest, strict=True)
        ]

    def coded(self, ref: PartRef) -> Sums:
        """Write the coded differences; return the sums that name them."""
        data = ref.open()
        own = {
            spec.name: values / scale
            for spec, scale, values in zip(
                self.specs, self.scales, self._unscaled(ref), strict=True
            )
        }
        kept = data.factors.drop(columns=["pair_id", *own], errors="ignore")
        table = pd.concat([kept, pd.DataFrame(own)], axis=1)
        ref.write(CODED, self.scored, table)
        return sums_of(row_hashes(table.assign(pair_id=data.pairs["pair_id"])))

    def _unscaled(self, ref: PartRef) -> list[Array]:
        sides = [f"{spec.name}_{side}" for spec in self.specs for side in "ab"]
        table = ref.read(VALUES, self.scored, sides)
        return [
            unscaled(
                table[f"{spec.name}_a"].to_numpy(), table[f"{spec.name}_b"].to_numpy(), spec.coding
            )
            for spec in self.specs
        ]
