"""The design of a part on the disk: written once, read at every pass over the parts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.kernel import Array
from workbench.errors import UnwrittenError
from workbench.whole_file import sweep

_FACTS = "facts.json"
_NAMES = "names-{}.parquet"


@dataclass(frozen=True, eq=False)
class Piece:
    """Where the design of a part lies, and how it is numbered: small, to be sent anywhere.

    Attributes
    ----------
    folder : str
    terms : tuple of str
    groups : ndarray of int
        Number of each of its groups among those of the whole set.
    names : tuple of str
        Of its groups.
    clustered_by : tuple of str
    number : int
        Of the part.
    fold : ndarray of int, or None
        The fold of each of its clusters.
    """

    folder: str
    terms: tuple[str, ...]
    groups: NDArray[np.int64]
    names: tuple[str, ...]
    clustered_by: tuple[str, ...]
    number: int = 0
    fold: NDArray[np.int64] | None = None

    def open(self, *, named: bool = False) -> Design:
        """Return the design, its rows mapped; with the names of its clusters where wanted."""
        facts = facts_of(Path(self.folder))
        codes = {name: self.array(f"codes-{name}") for name in facts["dimensions"]}
        none = pd.Index([], dtype="str")
        return Design(
            X=self.array("X"),
            terms=list(self.terms),
            pair=np.empty(0, dtype=np.int64),
            pair_ids=none,
            cluster=self.array("cluster"),
            cluster_names=self.names_of("cluster") if named else none,
            groups=list(self.names),
            keys=pd.DataFrame(index=range(len(self.names))),
            cell_row=self.array("cell_row"),
            cell_group=self.array("cell_group"),
            sums=self.array("sums"),
            repeated=facts["repeated"],
            label_cell=self.array("label_cell"),
            label_preference=self.array("label_preference"),
            label_weight=self.array("label_weight"),
            clustered_by=self.clustered_by,
            codes=codes,
            code_names={name: self.names_of(name) if named else none for name in codes},
            n_labels=np.array(facts["n_labels"], dtype=np.int64),
            exclusions=pd.DataFrame(columns=["group", "reason", "n"]),
        )

    def fold_of_rows(self) -> NDArray[np.int64]:
        """Return the fold of each row of the design."""
        if self.fold is None:
            raise ValueError("no folds were asked for")
        return np.asarray(self.fold[self.array("cluster")])

    def array(self, name: str) -> NDArray[Any]:
        """Return one of the arrays, mapped."""
        return read_array(self.folder, name)

    def names_of(self, dimension: str) -> pd.Index:
        """Return the names of the clusters of a dimension."""
        table = pq.read_table(Path(self.folder, _NAMES.format(dimension)))
        return pd.Index(table["name"].to_pandas(), dtype="str")


def store(
    folder: Path, design: Design, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]
) -> None:
    """Write a design and what is known of it into a folder, whole or not at all.

    Parameters
    ----------
    folder : Path
    design : Design
    arrays : dict of str to ndarray
        Written beside those of the design.
    facts : dict
        Plain JSON values.
    """
    names = {"cluster": design.cluster_names, **design.code_names}
    known = {"repeated": design.repeated, "dimensions": sorted(design.codes)}
    write_arrays(folder, {**_arrays(design), **arrays}, {**facts, **known}, names)


def write_arrays(
    folder: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any],
    names: Mapping[str, pd.Index],
) -> None:  # fmt: skip
    """Write arrays, what is known of them, and names of clusters: whole or not at all.

    Parameters
    ----------
    folder : Path
    arrays : mapping of str to ndarray
    facts : mapping
        Plain JSON values.
    names : mapping of str to Index
        By dimension.
    """
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        draft.mkdir()
        for name, array in arrays.items():
            np.save(draft / f"{name}.npy", array)
        for dimension, own in names.items():
            table = pa.table({"name": pa.array(own, pa.string(), from_pandas=True)})
            pq.write_table(table, draft / _NAMES.format(dimension), compression="zstd")
        (draft / _FACTS).write_text(json.dumps(dict(facts)), "utf-8")
        draft.replace(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not (folder / _FACTS).is_file():
            raise UnwrittenError(folder, error.strerror or error) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def read_array(folder: str, name: str) -> NDArray[Any]:
    """Return one of the arrays of a folder, mapped."""
    return np.asarray(np.load(Path(folder, f"{name}.npy"), mmap_mode="r"))


def facts_of(folder: Path) -> dict[str, Any]:
    """Return what is known of a part; empty where it is not there."""
    try:
        known: dict[str, Any] = json.loads((folder / _FACTS).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return known


def _arrays(design: Design) -> dict[str, NDArray[Any]]:
    small = {
        "cell_row": design.cell_row,
        "cell_group": design.cell_group,
        "label_cell": design.label_cell,
        "cluster": design.cluster,
        **{f"codes-{name}": codes for name, codes in design.codes.items()},
    }
    # squares are those of single labels where no cell holds several
    sums: Array = design.sums if design.repeated else design.sums[:2]
    return {
        "X": np.ascontiguousarray(design.X),
        "sums": sums,
        "label_preference": design.label_preference,
        "label_weight": design.label_weight,
        **{name: np.asarray(array, dtype=np.int64) for name, array in small.items()},
    }
