"""What is kept beside the tables of a data set, so that opening has not to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

_HASH, _ROW = "hash", "pair_row"


def beside_of(data: PreferenceData) -> dict[str, dict[str, NDArray[Any]]]:
    """Return by table what is kept of each row: its hashes, and where a label's pair stands.

    Examples
    --------
    >>> import workbench as wb
    >>> kept = beside_of(wb.load("sample"))
    >>> kept["pairs"]["hash"].shape, sorted(kept["labels"])
    ((2000, 2), ['hash', 'pair_row'])
    """
    kept: dict[str, dict[str, NDArray[Any]]] = {
        name: {_HASH: hashes} for name, hashes in data._hashes.items()
    }
    kept["labels"][_ROW] = data.pair_rows.astype(np.int64, copy=False)
    return kept


def put_beside(
    data: PreferenceData, kept: Mapping[str, Mapping[str, NDArray[Any]]], digest: str, where: str
) -> None:
    """Give a data set that was opened what was kept beside its tables.

    Raises
    ------
    DataError
        It does not fit the tables.
    """
    hashes = {name: kept.get(name, {}).get(_HASH) for name in ("pairs", "labels", "factors")}
    rows = kept.get("labels", {}).get(_ROW)
    fits = all(
        one is not None and one.shape == (len(getattr(data, name)), 2)
        for name, one in hashes.items()
    )
    if rows is None or rows.shape != (len(data.labels), 1) or not fits:
        raise _unfit(where, "no hashes or places of rows")
    rows = rows.reshape(-1).view(np.int64)
    if len(rows) and not (rows.min() >= -1 and rows.max() < len(data.pairs)):
        raise _unfit(where, "a label of a pair that is not there")
    data.__dict__.update(_hashes=hashes, digest=digest, pair_rows=rows)


def _unfit(where: str, found: str) -> DataError:
    return DataError(
        "A table of the data set is not whole.",
        where=where,
        found=found,
        expected="what save wrote beside each row",
        fix="Copy the folder again, or load the original file and save it again.",
    )
