"""Laying out the battles of the parts: once, whatever the number of passes over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.parts.part import PartRef
from workbench.data.rows import Coded
from workbench.data.split import name_words
from workbench.decompose.kernel import Array
from workbench.decompose.parted.selection import Selection
from workbench.decompose.parted.stored import facts_of, read_array, write_arrays
from workbench.decompose.resample.by_name import hashed
from workbench.ratings.battles import Battles, BattleTies, laid_out
from workbench.ratings.parted.sums import met_of
from workbench.ratings.whose import Whose


@dataclass(frozen=True)
class Layout:
    """How the battles of each part are found, and where they go.

    Attributes
    ----------
    folder : str
    selection : Selection
        The criterion that decides.
    whose : Whose
    covariates : tuple of str
    ties : {"half", "davidson", "drop"}
    """

    folder: str
    selection: Selection
    whose: Whose
    covariates: tuple[str, ...]
    ties: BattleTies

    def __call__(self, ref: PartRef) -> dict[str, Any]:
        """Lay a part out, unless it is there, and return what is known of it."""
        folder = Path(self.folder, ref.name)
        return facts_of(folder) or self._made(ref, folder)

    def _made(self, ref: PartRef, folder: Path) -> dict[str, Any]:
        # factors are read where they are wanted only
        ref = ref if self.covariates else replace(ref, scored=None, specs={})
        data = self.selection.of_criteria(ref.open(values=False))
        values = np.asarray(data.factors[list(self.covariates)].to_numpy("float64"))
        wanted = self.whose.of(data)
        battles = laid_out(data, wanted, values, self.covariates, self.ties)
        names: set[str] = set()
        for side in ("model_a", "model_b"):
            names |= set(data.coded("pairs", side).names)
        answering = None
        if self.selection.criteria is not None:
            answering = [str(name) for name in data.annotators["annotator"]]
        facts = {
            "models": battles.models,
            "names": sorted(names),
            "n_clusters": battles.n_clusters,
            "exclusions": battles.exclusions.to_numpy(dtype=object).tolist(),
            "annotators": answering,
        }
        cluster = data.coded("pairs", "cluster")
        arrays: dict[str, NDArray[Any]] = {
            "a": battles.a.astype(np.int32),
            "b": battles.b.astype(np.int32),
            "preference": battles.preference,
            "weight": battles.weight,
            "cluster": battles.cluster.astype(np.int32),
            "X": battles.X,
            "words": _words(battles, data.pair_rows, cluster),
            "met": met_of(battles),
        }
        write_arrays(folder, arrays, facts, {})
        return facts_of(folder)


def _words(battles: Battles, pair_rows: NDArray[Any], cluster: Coded) -> NDArray[np.uint64]:
    """Return 64 bits of the name of each cluster; of votes of a count table, of each vote."""
    words = np.empty(battles.n_clusters, dtype=np.uint64)
    of_name = name_words(cluster.names, 0)
    own = of_name[cluster.codes[pair_rows[battles.label]]]
    starts = np.flatnonzero(np.r_[True, np.diff(battles.label) != 0])[: len(own)]
    place = np.arange(len(own)) - np.repeat(starts, np.diff(np.r_[starts, len(own)]))
    first = np.unique(battles.cluster, return_index=True)[1]
    words[:] = hashed(own[first] + place[first].astype(np.uint64))
    return words


@dataclass(frozen=True, eq=False)
class Piece:
    """Where the battles of a part lie, and how its models are numbered: small, to be sent anywhere.

    Attributes
    ----------
    folder : str
    place : ndarray of int, shape (models of the part,)
        Number of each model; -1 for one that is not rated.
    models : tuple of str
        Names of all rated models.
    """

    folder: str
    place: NDArray[np.int64]
    models: tuple[str, ...]

    def battles(self, columns: list[int] | None = None) -> Battles:
        """Return the battles among the rated models, with some of the covariates.

        Parameters
        ----------
        columns : list of int, optional
            All when None.
        """
        a, b = (self.place[self.array(side)] for side in "ab")
        X = self.array("X") if columns is None else self.array("X")[:, columns]
        found = Battles(
            models=list(self.models),
            a=a,
            b=b,
            preference=self.array("preference"),
            weight=self.array("weight"),
            X=X,
            covariates=[""] * X.shape[1],
            cluster=self.array("cluster"),
            n_clusters=len(self.array("words")),
            exclusions=pd.DataFrame(),
        )
        return found.take((a >= 0) & (b >= 0))

    def words(self) -> NDArray[np.uint64]:
        """Return 64 bits of each cluster of :meth:`battles`."""
        a, b = (self.place[self.array(side)] for side in "ab")
        return np.asarray(
            self.array("words")[np.unique(self.array("cluster")[(a >= 0) & (b >= 0)])]
        )

    def met(self) -> Array:
        """Return what the battles of each two models of the part add up to."""
        return self.array("met")

    def array(self, name: str) -> NDArray[Any]:
        """Return one of the arrays, mapped."""
        return read_array(self.folder, name)
