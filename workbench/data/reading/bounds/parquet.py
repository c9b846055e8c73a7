"""What a Parquet file says of its size, before it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.data.reading.bounds.limits import check_shape
from workbench.data.reading.bounds.streams import check_unpacked

FLOOR = 512 << 20
"""Bytes below which the ratio says nothing: a table of a million rows and sixty factors, most of
them 0, honestly packs more than 200 times."""

_LONG = 128
"""Stored bytes a value from which most of a column's texts stand in the file as they are: there
the first rows tell, for to read the column twice would cost as much as to load it."""

_HEAD, _BATCH = 256, 1 << 16


def check_parquet(source: Path | pa.Buffer, name: str, size: int) -> None:
    """Refuse a file that grows beyond the limits when it is decoded.

    Pages tell their size unpacked. A dictionary tells nothing of how often each of its values
    stands: columns stored by one are added up by their codes, without being written out.

    Parameters
    ----------
    source : Path or pyarrow.Buffer
    name : str
    size : int
        Of the file, in bytes.

    Raises
    ------
    DataError
        Too many rows or columns, or too much text.
    """
    with pq.ParquetFile(source) as file:
        stored = file.metadata
        check_shape(stored.num_rows, stored.num_columns, name)
        groups = [stored.row_group(i) for i in range(stored.num_row_groups)]
        total = sum(group.total_byte_size for group in groups)
        check_unpacked(name, max(total, 8 * stored.num_rows), size, FLOOR)
        for number, group in enumerate(groups):
            total += _written_out(file, source, number, group)
            check_unpacked(name, total, size, FLOOR)


def _written_out(file: pq.ParquetFile, source: Any, number: int, group: Any) -> int:
    """Return the bytes of a row group's texts that stand in a dictionary, written out."""
    chunks = [group.column(i) for i in range(group.num_columns)]
    coded = [c for c in chunks if c.has_dictionary_page and c.physical_type == "BYTE_ARRAY"]
    long = [c for c in coded if c.total_uncompressed_size >= _LONG * c.num_values]
    short = [chunk.path_in_schema for chunk in coded if chunk not in long]
    stored = sum(chunk.total_uncompressed_size for chunk in long)
    names = [chunk.path_in_schema for chunk in long]
    grown: int = max(_by_head(file, number, group.num_rows, names) - stored, 0)
    return grown + (_by_codes(source, number, short) if short else 0)


def _by_codes(source: Any, number: int, names: list[str]) -> int:
    """Return the bytes of columns, each value counted as often as its code stands."""
    with pq.ParquetFile(source, read_dictionary=names) as file:
        batches = file.iter_batches(_BATCH, row_groups=[number], columns=names)
        return sum(written_out(column) for batch in batches for column in batch.columns)


def _by_head(file: pq.ParquetFile, number: int, rows: int, names: list[str]) -> int:
    """Return the bytes of columns if all rows are as long as the first."""
    batches = file.iter_batches(_HEAD, row_groups=[number], columns=names) if names else iter(())
    batch = next(batches, None)
    return int(batch.nbytes) * rows // len(batch) if batch is not None and len(batch) else 0


def written_out(column: pa.Array) -> int:
    """Return the bytes of a column's values without dictionaries, those inside lists too."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(column.dictionary)
        return int(pc.sum(pc.take(lengths, column.indices)).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(written_out(column.field(i)) for i in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return written_out(column.flatten())
    return int(column.nbytes)
