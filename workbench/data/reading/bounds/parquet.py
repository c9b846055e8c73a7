"""What a Parquet file says of its size, before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.data.reading.bounds.limits import check_shape, check_time, exceeded, limits
from workbench.data.reading.bounds.pages import DELTA, DICTIONARY, Page, pages
from workbench.data.reading.bounds.streams import FLOOR as OF_TEXT
from workbench.data.reading.bounds.streams import check_unpacked, fits
from workbench.data.reading.bounds.written_out import leaf_of

FLOOR = 512 << 20
"""Bytes below which the ratio says nothing: a table of a million rows and sixty factors, most of
them 0, honestly packs more than 200 times."""

_WIDTHS = {"BOOLEAN": 0.125, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8}
_BATCH, _PIECE = 1 << 16, 4 << 20


class _Texts(NamedTuple):
    """A column of texts in a row group, as its pages tell of it."""

    group: int
    name: str
    rows: int
    plain: int
    """Bytes of the texts that are stored as they are, and of the places of all."""
    coded: int
    """Number of the texts that are longer than what is stored of them."""
    dictionary: int
    """Bytes of the texts that codes stand for."""
    entries: int
    """Number of the texts that codes stand for."""
    largest: int
    """Bytes of the largest page: no text is longer."""
    delta: bool
    """Whether texts repeat the beginning of the one before."""

    @property
    def at_most(self) -> int:
        """Bytes of the texts if each code stands for one that fills the dictionary."""
        return self.plain + self.coded * (self.largest if self.delta else self.dictionary)


def check_parquet(source: Path | pa.Buffer, name: str, size: int) -> None:
    """Refuse a file that grows beyond the limits when it is decoded.

    Pages tell their size unpacked. A dictionary tells nothing of how often each of its values
    stands: where the longest text for every code would be too much, the codes are counted,
    and no text is written out.

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
        groups = [stored.row_group(i) for i in range(stored.num_row_groups)]
        rows = max(stored.num_rows, sum(group.num_rows for group in groups))
        check_shape(rows, stored.num_columns, name)
        total = sum(group.total_byte_size for group in groups)
        check_unpacked(name, max(total, _numbers(file, rows)), size, FLOOR)
        texts = list(_texts(file, source, name))
    # before a dictionary is unpacked, where its texts alone fill a memory
    check_unpacked(name, sum(one.dictionary for one in texts), size, OF_TEXT)
    if fits(sum(one.at_most for one in texts), size, FLOOR):
        return
    total = sum(one.plain for one in texts)
    check_unpacked(name, total, size, FLOOR)
    for one in texts:
        for grown in _by_pieces(source, one) if one.delta else _by_codes(source, one):
            check_time(name)
            total += grown
            check_unpacked(name, total, size, FLOOR)


def _numbers(file: pq.ParquetFile, rows: int) -> int:
    """Return the bytes of rows whose values are of one width, however few codes tell them."""
    columns = [file.schema.column(i) for i in range(len(file.schema))]
    widths = [_WIDTHS.get(one.physical_type, one.length or 0) for one in columns]
    flat = sum(w for w, one in zip(widths, columns, strict=True) if not one.max_repetition_level)
    inside = sum(
        file.metadata.row_group(group).column(i).num_values * widths[i]
        for i, one in enumerate(columns)
        if one.max_repetition_level and widths[i]
        for group in range(file.metadata.num_row_groups)
    )
    return int(rows * max(flat, 8) + inside)


def _texts(file: pq.ParquetFile, source: Path | pa.Buffer, name: str) -> Iterator[_Texts]:
    """Yield the columns of texts of each row group."""
    columns = [file.schema.column(i) for i in range(len(file.schema))]
    chosen = [i for i, one in enumerate(columns) if one.physical_type == "BYTE_ARRAY"]
    with pa.memory_map(str(source)) if isinstance(source, Path) else pa.BufferReader(source) as raw:
        content = memoryview(raw.read_buffer()).cast("B")
        for number in range(file.metadata.num_row_groups):
            check_time(name)
            group = file.metadata.row_group(number)
            for chunk in map(group.column, chosen):
                found = list(_pages_of(content, chunk))
                _check_cells(found, f"{name}, column {chunk.path_in_schema}")
                yield _summed(found, number, chunk, group.num_rows)


def _pages_of(content: memoryview, chunk: Any) -> Iterator[Page]:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < start:
        start = chunk.dictionary_page_offset
    return pages(content, start, start + chunk.total_compressed_size, chunk.num_values)


def _check_cells(found: list[Page], where: str) -> None:
    """Refuse a page whose texts are too large on the average."""
    for page in found:
        mean = page.size // max(page.values, 1)
        # each text has its length beside it, and a level or two
        if mean > limits().cell + 64:
            raise exceeded("cell", where, f"{mean:,} bytes")


def _summed(found: list[Page], group: int, chunk: Any, rows: int) -> _Texts:
    """Return what the pages of a column say together."""
    words = [page for page in found if page.kind == DICTIONARY]
    coded = [page for page in found if page.coded]
    plain = sum(page.size for page in found if page.kind != DICTIONARY and not page.coded)
    return _Texts(
        group,
        chunk.path_in_schema,
        rows,
        plain + 4 * sum(page.values for page in coded),
        sum(page.values for page in coded),
        sum(page.size for page in words),
        sum(page.values for page in words),
        max((page.size for page in found), default=0),
        any(page.encoding == DELTA for page in coded),
    )


def _by_codes(source: Path | pa.Buffer, one: _Texts) -> Iterator[int]:
    """Yield the bytes of texts that stand in a dictionary, each as often as its code stands."""
    # pages of codes come first: the batches end where they do, as texts that follow are held
    size = min(one.coded, one.rows)
    size = -(-size // -(-size // _BATCH)) if size else 1
    options = {"read_dictionary": [one.name], "arrow_extensions_enabled": False}
    with pq.ParquetFile(source, **options) as file:
        batches = file.iter_batches(size, row_groups=[one.group], columns=[one.name])
        for batch in batches if one.coded else ():
            leaf = leaf_of(batch.column(0))
            if not pa.types.is_dictionary(leaf.type):
                # decimal numbers are never kept as codes
                yield int(leaf.nbytes)
                continue
            codes = leaf.indices.drop_null()
            codes = codes.filter(pc.less(codes, pa.scalar(one.entries, codes.type)))
            yield int(pc.sum(pc.take(pc.binary_length(leaf.dictionary), codes)).as_py() or 0)
            if len(leaf.dictionary) > one.entries:
                return


def _by_pieces(source: Path | pa.Buffer, one: _Texts) -> Iterator[int]:
    """Yield the bytes of texts that are written out, a few at a time."""
    with pq.ParquetFile(source) as file:
        size = max(_PIECE // max(one.largest, 1), 1)
        for batch in file.iter_batches(size, row_groups=[one.group], columns=[one.name]):
            yield int(batch.nbytes)
