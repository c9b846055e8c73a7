"""Whose reasons are read: groups of labels, their pairs, and what factors weigh there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.clustered import Array, Codes
from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.estimate import batches
from workbench.decompose.held_out import fold_weights
from workbench.errors import DesignError
from workbench.explain.rationales.reading import Reading

PEOPLE = "human"


def chosen(data: PreferenceData, annotators: str | Sequence[str] | None) -> PreferenceData:
    """Return the labels of some annotators, or of a kind."""
    if annotators is None:
        return data
    names = [annotators] if isinstance(annotators, str) else list(annotators)
    known = set(data.annotators["annotator"])
    if len(names) == 1 and names[0] not in known and names[0] in set(data.annotators["kind"]):
        return data.filter(kinds=names)
    return data.filter(annotators=names)


def pooled(data: PreferenceData) -> PreferenceData:
    """Return the same labels, in their order, with all people as one annotator.

    Examples
    --------
    >>> import workbench as wb
    >>> "human" in set(pooled(wb.load("sample")).annotators["annotator"])
    True
    """
    people = data.labels["kind"].eq("human")
    if data.labels.loc[people, "annotator"].nunique() < 2:
        return data
    named = data.labels.assign(annotator=data.labels["annotator"].mask(people, PEOPLE))
    return replace(data, labels=complete_labels(named.drop(columns="replicate")))


@dataclass(frozen=True, eq=False)
class Source:
    """The reasons of one group, and the pairs that they are about.

    Attributes
    ----------
    name : str
    rows : ndarray of int, shape (n reasons,)
        Positions in the labels, in the order of the pairs.
    pair : ndarray of int, shape (n reasons,)
        Position of each reason's pair in ``pairs``.
    pairs : ndarray of int, shape (n pairs,)
        Positions of the pairs in the data, by id.
    cluster : ndarray of int, shape (n pairs,)
    contributions : ndarray, shape (n pairs, K)
        Out of fold, in logits; NaN where the pair is not in the fit.
    """

    name: str
    rows: Codes
    pair: Codes
    pairs: Codes
    cluster: Codes
    contributions: Array

    def per_pair(self, values: Array) -> Array:
        """Return the mean over the reasons of each pair, of each column."""
        counts = np.bincount(self.pair, minlength=len(self.pairs))
        sums = [np.bincount(self.pair, column, len(self.pairs)) for column in values.T]
        return np.asarray((np.array(sums) / counts).T)


def sources_of(
    data: PreferenceData, has: np.ndarray, fit: Decomposition, folds: int, seed: int, least: int
) -> tuple[list[Source], dict[str, int]]:
    """Return the groups with at least ``least`` reasons, and the counts of the others'."""
    weighed = _contributions(fit, folds, seed)
    cluster = data.coded("pairs", "cluster").codes
    order = np.argsort(np.argsort(data.pairs["pair_id"].to_numpy(str)))
    found, few = [], {}
    for name in data.annotators["annotator"]:
        rows = data.rows_of(name)
        rows = rows[has[rows]]
        if len(rows) < least:
            if len(rows):
                few[name] = len(rows)
            continue
        keys = data.labels.iloc[rows][["order_shown", "raw"]].fillna("")
        by = np.lexsort((keys["raw"], keys["order_shown"], order[data.pair_rows[rows]]))
        rows = rows[by]
        pairs, pair = np.unique(order[data.pair_rows[rows]], return_inverse=True)
        at = np.argsort(order)[pairs]
        own = np.unique(cluster[at], return_inverse=True)[1]
        found.append(Source(name, rows, pair, at, own, weighed[name][at]))
    return found, few


def _contributions(fit: Decomposition, folds: int, seed: int) -> dict[str, Array]:
    """Return weight times difference of every pair and group, weights from other prompts."""
    design = fit.design
    n_terms = len(design.terms) - 1
    groups = {name: np.full((len(design.pair_ids), n_terms), np.nan) for name in design.groups}
    clusters = design.cluster_names.to_numpy()
    used = np.unique(design.cluster)
    # names of the clusters that are in the design: others would take folds away from them
    k = min(folds, len(used))
    if k < 2:
        return groups
    number = np.full(len(clusters), -1)
    number[used] = fold_numbers(clusters[used], k, seed)
    fits = list(fit.fits.values())
    for some, rows, cells in batches(design):
        where = np.arange(len(design.X))[rows]
        folded = fold_weights(design, fits, some, rows, cells, number[design.cluster])
        for test, coef in folded:
            at = where[test]
            for j, group in enumerate(some):
                shares = design.X[at, :n_terms] * np.where(
                    fits[group].active[:n_terms], coef[j, :n_terms], np.nan
                )
                groups[design.groups[group]][design.pair[at]] = shares
    return groups


def checked_factors(data: PreferenceData, factors: Sequence[str] | None) -> list[str]:
    """Return the factors that are asked for; all when None."""
    names = data.factor_names if factors is None else list(dict.fromkeys(factors))
    missing = [name for name in names if name not in data.factor_names]
    if missing or not names:
        raise DesignError(
            f"The data have no factor {missing[0]!r}." if missing else "The data have no factors.",
            found=", ".join(data.factor_names) or "no factors",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    return names


def oriented(data: PreferenceData, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """Return what each label's reason claims of A against B, and whether it named the side.

    Letters and places are those that were shown; where the order is not known they are the
    data's own. A reason that names no response speaks of the preferred one where it praises, of
    the other one where it blames.
    """
    shown = np.where(data.labels["order_shown"].eq("ba").to_numpy(), -1, 1)
    preferred = np.sign(np.nan_to_num(data.labels["preference"].to_numpy("float64"), nan=0.5) - 0.5)
    sided = reading.claim != 0
    claim = reading.claim * shown[:, None]
    assumed = reading.leaning * preferred[:, None]
    return np.where(sided, claim, assumed).astype(np.int64), sided


def label_signs(data: PreferenceData) -> Array:
    """Return 1 where A is preferred, -1 where B is, 0 for a tie or no verdict."""
    preference = pd.to_numeric(data.labels["preference"]).to_numpy("float64")
    return np.asarray(np.sign(np.nan_to_num(preference, nan=0.5) - 0.5))
