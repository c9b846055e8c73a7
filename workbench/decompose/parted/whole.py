"""What is known of data in parts as a whole, without a row of them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.split import MANY, check_folds, drawn_folds
from workbench.data.split import folds as fold_numbers
from workbench.decompose.design import Design, no_label
from workbench.decompose.kernel import Array
from workbench.decompose.parted.stored import Piece
from workbench.errors import DesignError

_ROWS = {
    *("X", "pair", "pair_ids", "cluster", "cluster_names", "cell_row", "cell_group", "sums"),
    *("repeated", "label_cell", "label_preference", "label_weight", "codes", "code_names"),
}

_AT_ONCE = 64


class PartedDesign(Design):
    """What is known of the design of data in parts: everything but its rows.

    Parameters
    ----------
    known : dict
        Those attributes of :class:`Design` that are not rows.
    squares, weight : ndarray, shape (groups, K) and (groups,)
        Sums of ``w x^2`` and of ``w``.
    distinct, lacking : dict of str to ndarray of int, shape (groups,)
        By dimension: how many clusters of it a group has, and how many labels have none.
    local : frozenset of str
        Dimensions whose clusters lie in one part each.

    Attributes
    ----------
    source : object
        Where the rows come from (:class:`workbench.decompose.parted.again.Source`).
    """

    source: object = None

    def __init__(
        self,
        known: Mapping[str, Any],
        squares: Array,
        weight: Array,
        distinct: Mapping[str, NDArray[np.int64]],
        lacking: Mapping[str, NDArray[np.int64]],
        local: frozenset[str],
    ) -> None:
        self.squares: Array
        self.weight: Array
        self.local: frozenset[str]
        own = {"squares": squares, "weight": weight, "local": local}
        of_dimensions = {"_distinct": distinct, "_lacking": lacking}
        for name, value in {**known, **own, **of_dimensions}.items():
            object.__setattr__(self, name, value)

    @property
    def known_dimensions(self) -> frozenset[str]:
        """Dimensions of clusters beside the data's own."""
        return frozenset(self.__dict__["_distinct"])

    def comes_from(self, source: object) -> None:
        """Say where the rows come from, once the fit is made."""
        object.__setattr__(self, "source", source)

    def __getattr__(self, name: str) -> Any:
        if name not in _ROWS:
            raise AttributeError(name)
        raise rows_in_parts()

    def dense(self, groups: Sequence[int]) -> Any:
        """Refuse: there are no rows."""
        raise rows_in_parts()

    def compact(self, group: int) -> Any:
        """Refuse: there are no rows."""
        raise rows_in_parts()

    def labels_of(self, group: int) -> Any:
        """Refuse: there are no labels."""
        raise rows_in_parts()

    def distinct(self, group: int, name: str) -> int:
        """Return how many clusters of a dimension a group has."""
        return int(self.__dict__["_distinct"][name][group])

    def lacking(self, group: int, name: str) -> int:
        """Return how many labels of a group have no cluster in a dimension."""
        return int(self.__dict__["_lacking"][name][group])

    def sd(self, group: int) -> Array:
        """Return the standard deviation of each coded difference among a group's labels."""
        total = max(float(self.weight[group]), np.finfo(float).tiny)
        return np.asarray(np.sqrt(self.squares[group] / total))


def rows_in_parts() -> DesignError:
    """Return the error of work that needs the rows of data in parts."""
    return DesignError(
        "The rows of these data lie in parts, and this needs them all at once.",
        found="a fit to data in parts",
        expected="a fit to data in memory",
        fix="Fit a sample, data.sample(100_000), or, if it fits into memory, data.whole().",
    )


@dataclass(frozen=True, eq=False)
class Whole:
    """The parts of a design and what is known of them together.

    Attributes
    ----------
    folder : Path
        Where the designs of the parts lie.
    pieces : list of Piece
    design : PartedDesign
    gram : ndarray, shape (groups, K, K)
    low, high : ndarray, shape (groups, K)
    n_clusters : ndarray of int, shape (groups,)
        Clusters with labels.
    known_texts : bool
        Whether responses A and B have texts.
    """

    folder: Path
    pieces: list[Piece]
    design: PartedDesign
    gram: Array
    low: Array
    high: Array
    n_clusters: NDArray[np.int64]
    known_texts: bool


def joined(
    folder: Path, names: Sequence[str], facts: Sequence[Mapping[str, Any]], by: Sequence[str],
    clustered_by: Sequence[str], folds: int, seed: int,
) -> Whole:  # fmt: skip
    """Return the parts as one design, with their groups numbered and what is known added up.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        Of the parts, in order.
    facts : sequence of dict
        What is known of each.
    by, clustered_by : sequence of str
    folds, seed : int
    """
    keys: dict[str, list[str]] = {}
    for one in facts:
        for group, key in zip(one["groups"], one["keys"], strict=True):
            keys.setdefault(group, key)
    groups, terms = sorted(keys), list(facts[0]["terms"])
    place = {name: j for j, name in enumerate(groups)}
    exclusions = _exclusions(facts)
    if not groups:
        raise no_label(exclusions)
    fold_of = _folds(folder, names, facts, folds, seed)
    pieces = [
        Piece(
            str(folder / name),
            tuple(terms),
            np.array([place[group] for group in one["groups"]], dtype=np.int64),
            tuple(one["groups"]),
            tuple(clustered_by),
            number,
            fold,
        )
        for number, (name, one, fold) in enumerate(zip(names, facts, fold_of, strict=True))
    ]
    J, K = len(groups), len(terms)
    sums = {"gram": np.zeros((J, K, K)), "squares": np.zeros((J, K)), "weight": np.zeros(J)}
    ends = {"low": np.full((J, K), np.inf), "high": np.full((J, K), -np.inf)}
    counts = {name: np.zeros(J, dtype=np.int64) for name in ("n_labels", "n_clusters")}
    for piece, one in zip(pieces, facts, strict=True):
        at = piece.groups
        for name, total in sums.items():
            total[at] += piece.array(name)
        ends["low"][at] = np.minimum(ends["low"][at], piece.array("low"))
        ends["high"][at] = np.maximum(ends["high"][at], piece.array("high"))
        for name, count in counts.items():
            count[at] += np.array(one[name], dtype=np.int64)
    distinct, lacking, local = _dimensions(pieces, facts, J)
    table = pd.DataFrame([keys[group] for group in groups], columns=list(by), dtype="str")
    known = {
        "terms": terms,
        "groups": groups,
        "keys": table if len(by) else pd.DataFrame(index=range(J)),
        "clustered_by": tuple(clustered_by),
        "n_labels": counts["n_labels"],
        "exclusions": exclusions,
    }
    design = PartedDesign(known, sums["squares"], sums["weight"], distinct, lacking, local)
    texts = all(any(one["known_texts"][side] for one in facts) for side in (0, 1))
    return Whole(
        folder, pieces, design, sums["gram"], ends["low"], ends["high"], counts["n_clusters"], texts
    )


def _exclusions(facts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = [row for one in facts for row in one["exclusions"]]
    table = pd.DataFrame(rows, columns=["group", "reason", "n"]).astype({"n": "int64"})
    table = table.astype({"group": "str", "reason": "str"})
    return table.groupby(["group", "reason"], sort=True)["n"].sum().reset_index()


def _folds(
    folder: Path, names: Sequence[str], facts: Sequence[Mapping[str, Any]], folds: int, seed: int
) -> list[NDArray[np.int64] | None]:
    """Return the fold of each cluster of each part, as it is in memory."""
    if not folds:
        return [None] * len(names)
    sizes = [int(one["all_clusters"]) for one in facts]
    check_folds(sum(sizes), folds)
    blank = [Piece(str(folder / name), (), np.empty(0, dtype=np.int64), (), ()) for name in names]
    if sum(sizes) > MANY:
        return [drawn_folds(piece.array("words"), folds) for piece in blank]
    every = np.concatenate([piece.names_of("cluster").to_numpy(dtype=object) for piece in blank])
    return np.split(fold_numbers(every, folds, seed), np.cumsum(sizes)[:-1])  # type: ignore[return-value]


def _dimensions(
    pieces: Sequence[Piece], facts: Sequence[Mapping[str, Any]], J: int
) -> tuple[dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]], frozenset[str]]:
    """Return clusters of each dimension a group has, labels without, dimensions within parts."""
    distinct, lacking, local = {}, {}, set()
    for name in facts[0]["lacking"]:
        waiting = [pd.DataFrame({"group": [], "word": []}, dtype="uint64")]
        lost, seen = np.zeros(J, dtype=np.int64), 0
        for number, (piece, one) in enumerate(zip(pieces, facts, strict=True)):
            own, words = piece.array(f"members-{name}")
            seen += len(np.unique(words))
            group = piece.groups[own.astype(np.int64)].astype(np.uint64)
            waiting.append(pd.DataFrame({"group": group, "word": words}))
            lost[piece.groups] += np.array(one["lacking"][name], dtype=np.int64)
            if len(waiting) > _AT_ONCE or number == len(pieces) - 1:
                waiting = [pd.concat(waiting).drop_duplicates()]
        distinct[name] = np.bincount(waiting[0]["group"].to_numpy(np.int64), minlength=J)
        lacking[name] = lost
        if waiting[0]["word"].nunique() == seen:
            local.add(name)
    return distinct, lacking, frozenset(local)
