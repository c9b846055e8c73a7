"""Laying out the designs of the parts: once, whatever the number of passes over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.alike.clusters import PROMPT, prompts_are_clusters
from workbench.data.parts.part import PartRef
from workbench.data.split import name_words
from workbench.decompose.design import Design, build_design
from workbench.decompose.estimate import batches
from workbench.decompose.identify import columns_of
from workbench.decompose.kernel import Array
from workbench.decompose.labelled import Ties
from workbench.decompose.parted.selection import Selection
from workbench.decompose.parted.stored import facts_of, store
from workbench.decompose.scores.baselines import length_signs
from workbench.errors import DesignError


@dataclass(frozen=True)
class Layout:
    """How the design of each part is made, and where it goes.

    Attributes
    ----------
    folder : str
    selection : Selection
    by : tuple of str
    factors : tuple of str, or None
    ties : {"half", "drop"}
    clustered_by : tuple of str
    seed : int
        Of the folds.
    several : bool
        Whether there is more than one part.
    """

    folder: str
    selection: Selection
    by: tuple[str, ...]
    factors: tuple[str, ...] | None
    ties: Ties
    clustered_by: tuple[str, ...]
    seed: int
    several: bool = True

    def __call__(self, ref: PartRef) -> dict[str, Any]:
        """Lay a part out, unless it is there, and return what is known of it."""
        folder = Path(self.folder, ref.name)
        return facts_of(folder) or self._made(ref, folder)

    def _made(self, ref: PartRef, folder: Path) -> dict[str, Any]:
        data = ref.open(values=False)
        if PROMPT in self.clustered_by and self.several and not prompts_are_clusters(data.pairs):
            raise _prompts_apart()
        answers = self.selection.of_criteria(data)
        data = self.selection.of_annotators(answers)
        factors = None if self.factors is None else list(self.factors)
        design = build_design(
            data, by=self.by, factors=factors, ties=self.ties, cluster=self.clustered_by, part=True
        )
        signs, known = length_signs(data.pairs)
        arrays: dict[str, NDArray[Any]] = {
            "pair": design.pair.astype(np.int32),
            "longer": signs[design.pair].astype(np.int8),
            "words": name_words(design.cluster_names, self.seed),
            "draws": name_words(design.cluster_names, 0),
            **_columns(design),
        }
        dimensions = {}
        for name in design.codes:
            words, nameless = _words(design, name, f"{Path(self.folder).name}/{ref.name}")
            arrays[f"hash-{name}"] = words
            arrays[f"members-{name}"], dimensions[name] = _members(design, name, words, nameless)
        facts = {
            "groups": design.groups,
            "keys": design.keys.to_numpy(dtype=object).tolist(),
            "n_labels": design.n_labels.tolist(),
            "n_clusters": _clusters(design).tolist(),
            "all_clusters": len(design.cluster_names),
            "exclusions": design.exclusions.to_numpy(dtype=object).tolist(),
            "annotators": self._answering(answers.annotators),
            "known_texts": known,
            "lacking": dimensions,
            "terms": design.terms,
        }
        store(folder, design, arrays, facts)
        return facts_of(folder)

    def _answering(self, annotators: pd.DataFrame) -> list[str] | None:
        """Return who answered the question, where there are several."""
        if self.selection.criteria is None:
            return None
        return [str(name) for name in annotators["annotator"]]


def _prompts_apart() -> DesignError:
    return DesignError(
        "Errors by prompt need the prompts of one cluster in one part.",
        found="clusters that the file names: near-equal prompts may lie in several parts",
        expected="clusters of prompts, or errors by cluster",
        fix="Leave out cluster='prompt', or fit data.whole() or data.sample(100_000) by prompt.",
    )


def _columns(design: Design) -> dict[str, Array]:
    """Return what identification and standard deviations need of each group's rows."""
    J, K = len(design.groups), len(design.terms)
    gram, low = np.zeros((J, K, K)), np.full((J, K), np.inf)
    high, squares, weight = np.full((J, K), -np.inf), np.zeros((J, K)), np.zeros(J)
    for groups, rows, cells in batches(design):
        X = design.X[rows]
        found = columns_of(X, cells.weight > 0)
        gram[groups], low[groups], high[groups] = found.gram, found.low, found.high
        squares[groups] = cells.weight.T @ np.square(X)
        weight[groups] = cells.weight.sum(axis=0)
    return {"gram": gram, "low": low, "high": high, "squares": squares, "weight": weight}


def _clusters(design: Design) -> NDArray[np.int64]:
    """Return how many clusters each group has labels of."""
    together = design.cell_group * (len(design.cluster_names) + 1) + design.cluster[design.cell_row]
    distinct = pd.unique(together)
    own = distinct // (len(design.cluster_names) + 1)
    return np.bincount(own, minlength=len(design.groups))


def _words(design: Design, name: str, part: str) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return a hash of the name of each cluster of a dimension, and which have no name."""
    names = design.code_names[name]
    nameless = np.asarray(names.isna())
    # a label without a name is a cluster of its own, and in no other part
    alone = pd.Index([f"\0{part}\0{k}" for k in range(int(nameless.sum()))], dtype="str")
    words = np.empty(len(names), dtype=np.uint64)
    words[~nameless] = name_words(names[~nameless], 0)
    words[nameless] = name_words(alone, 0)
    return words, nameless


def _members(
    design: Design, name: str, words: NDArray[np.uint64], nameless: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], list[int]]:
    """Return who is in a dimension of each group, and how many labels of it lack a name.

    Returns
    -------
    members : ndarray, shape (2, n)
        Group and hash of the name of each cluster of the dimension that a group has.
    lacking : list of int
        By group.
    """
    codes = design.codes[name]
    group = design.cell_group[design.label_cell]
    distinct = pd.unique(group * (len(words) + 1) + codes)
    own, code = np.divmod(np.sort(distinct), len(words) + 1)
    lacking = np.bincount(group[nameless[codes]], minlength=len(design.groups))
    return np.stack([own.astype(np.uint64), words[code]]), lacking.tolist()


def answered(facts: Sequence[dict[str, Any]]) -> set[str]:
    """Return who answered the question in any part."""
    return {name for one in facts for name in one["annotators"] or ()}
