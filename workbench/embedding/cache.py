"""Vectors on disk: a Parquet file that holds one list of numbers a text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workbench.embedding.base import Matrix

_ROWS = 16_384


def write_vectors(path: Path, vectors: Matrix) -> None:
    """Write vectors, whole or not at all.

    Parameters
    ----------
    path : Path
    vectors : ndarray of float32, shape (n, d)

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_vectors(Path(folder) / "v.parquet", np.eye(2, dtype=np.float32))
    ...     read_vectors(Path(folder) / "v.parquet").tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from workbench.whole_file import written

    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([("vector", pa.list_(pa.float32(), vectors.shape[1]))])
    # numbers of a model have nothing that a dictionary could share
    options = {"use_dictionary": False, "compression": "none"}
    with written(path) as draft, pq.ParquetWriter(draft, schema, **options) as writer:
        for at in range(0, len(vectors), _ROWS):
            part = np.ascontiguousarray(vectors[at : at + _ROWS])
            rows = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), part.shape[1])
            writer.write_table(pa.table({"vector": rows}, schema=schema))


def read_vectors(path: Path) -> Matrix | None:
    """Return the vectors of a file; None where there is none, or it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return None
    try:
        with pq.ParquetFile(path) as file:
            kind = file.schema_arrow.field("vector").type
            found = np.empty((file.metadata.num_rows, kind.list_size), dtype=np.float32)
            at = 0
            for batch in file.iter_batches(_ROWS):
                values = batch.column(0).flatten().to_numpy()
                found[at : at + len(batch)] = values.reshape(len(batch), -1)
                at += len(batch)
    except (OSError, pa.ArrowException, KeyError, ValueError, AttributeError):
        # what is damaged is made again
        return None
    return found
