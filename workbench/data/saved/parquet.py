"""Tables of data sets that were saved before schema version 3."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.reading.bounds.parquet import check_parquet
from workbench.data.saved.damage import damaged


def read(folder: Path, name: str) -> pd.DataFrame:
    """Return a table of a folder, all of it.

    Raises
    ------
    DataError
        The file is missing or damaged, or beyond the limits.
    """
    path = folder / f"{name}.parquet"
    where = f"{folder.name}/{path.name}"
    try:
        check_parquet(path, where, path.stat().st_size)
        return pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise damaged(where, error) from error
