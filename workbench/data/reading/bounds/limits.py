"""The bounds within which files are opened, and how a user sets other ones."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import ConfigError, DataError

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_VALUE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What one file may cost. The defaults let every honest file through that we know of.

    Attributes
    ----------
    unpacked : float
        Bytes of a file that is packed, when it is unpacked. A million pairs of 765 characters
        are 1.4 GiB of text; ten times as much still fits.
    ratio : float
        Unpacked bytes for each packed one, once a file is large. Text packs 3 to 10 times, tables
        that repeat each conversation for every annotator up to 100 times; a bomb 1,000 times.
    rows : float
        Records of a file. The largest public sets have some millions.
    columns : float
        Columns of a table. Surveys have some hundreds.
    cell : float
        Bytes of one value. A context of a million tokens has 5 MB, a photograph as text 15 MB.
    record : float
        Bytes of one line of JSON, which is held as Python objects of ten times its size.
    seconds : float
        Time of one call that loads. Ten million pairs take some minutes.

    Examples
    --------
    >>> Limits.of({"columns": 5000, "unpacked": "32GiB"}).unpacked == 32 * 2**30
    True
    """

    unpacked: float = 16 << 30
    ratio: float = 200
    rows: float = 50_000_000
    columns: float = 2_000
    cell: float = 32 << 20
    record: float = 256 << 20
    seconds: float = 3_600

    @classmethod
    def of(cls, given: Mapping[str, float | str] | None) -> Limits:
        """Return the defaults with what is given put in place.

        Parameters
        ----------
        given : mapping, optional
            Numbers by name, or text such as ``"2GiB"``.

        Raises
        ------
        ConfigError
            An unknown name, or no number above 0.
        """
        names = [field.name for field in fields(cls)]
        for name, value in (given or {}).items():
            if name not in names:
                raise ConfigError(
                    f"There is no limit {name!r}.",
                    found=f"{name}={value}",
                    expected="one of " + ", ".join(names),
                    fix="Check the spelling.",
                )
        return replace(cls(), **{name: _number(name, v) for name, v in (given or {}).items()})


def _number(name: str, value: float | str) -> float:
    found = _VALUE.fullmatch(value.strip()) if isinstance(value, str) else None
    number = float(found[1]) * _SIZES[found[2].upper()] if found else 0.0
    number = number if isinstance(value, str) else float(value)
    if not number > 0:
        raise ConfigError(
            f"The limit {name!r} cannot be used.",
            found=repr(value),
            expected="a number above 0, such as 5000 or 2GiB",
            fix=f"Give another one: --limit {name}=NUMBER.",
        )
    return number


@dataclass(frozen=True)
class _Opening:
    limits: Limits
    until: float


# Every reader below `load` looks here, so that no signature of a reader has to hand it on.
_OPENING: ContextVar[_Opening | None] = ContextVar("opening", default=None)


@contextmanager
def bounded(given: Mapping[str, float | str] | None, *, timed: bool = True) -> Iterator[None]:
    """Open files within limits.

    Parameters
    ----------
    given : mapping, optional
        As :meth:`Limits.of` takes it; those that hold already when None.
    timed : bool
        Whether the time runs from here.

    Examples
    --------
    >>> with bounded({"columns": 3}):
    ...     limits().columns
    3.0
    """
    chosen = limits() if given is None else Limits.of(given)
    until = time.monotonic() + chosen.seconds if timed else float("inf")
    token = _OPENING.set(_Opening(chosen, until))
    try:
        yield
    finally:
        _OPENING.reset(token)


def limits() -> Limits:
    """Return the limits that hold here."""
    opening = _OPENING.get()
    return Limits() if opening is None else opening.limits


def check_time(where: str) -> None:
    """Raise a DataError where reading has taken too long."""
    opening = _OPENING.get()
    if opening is not None and time.monotonic() > opening.until:
        raise exceeded("seconds", where, f"more than {opening.limits.seconds:,.0f} seconds")


def check_shape(rows: int, columns: int, name: str) -> None:
    """Refuse a table of too many rows or columns."""
    if columns > limits().columns:
        raise exceeded("columns", name, f"{columns:,} columns")
    if rows > limits().rows:
        raise exceeded("rows", name, f"{rows:,} rows")


def check_cells(table: pa.Table, name: str) -> None:
    """Refuse a table with a text that is too large."""
    for index, field in enumerate(table.schema):
        if any(test(field.type) for test in _TEXTS):
            longest = pc.max(pc.binary_length(table.column(index))).as_py() or 0
            if longest > limits().cell:
                raise exceeded("cell", f"{name}, column {field.name}", f"{longest:,} bytes")


_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)

_WHAT = {
    "unpacked": "The file unpacks to more than is read.",
    "ratio": "The file unpacks to far more than its size: it may be made to fill the memory.",
    "rows": "The file has more rows than are read.",
    "columns": "The table has more columns than are read.",
    "cell": "A value of the file is larger than is read.",
    "record": "A line of the file is larger than is read.",
    "seconds": "Reading takes longer than it may.",
}


def exceeded(name: str, where: str, found: str) -> DataError:
    """Return the error for a limit that a file passes.

    Examples
    --------
    >>> error = exceeded("columns", "x.csv", "20,000 columns")
    >>> error.expected, error.fix[-56:]
    ('at most 2,000 (limit columns)', '--limit columns=4000 (Python: limits={"columns": 4000}).')
    """
    bound = getattr(limits(), name)
    more, told = (_size(2 * bound), _size(bound)) if name in _BYTES else (f"{2 * bound:.0f}",) * 2
    if name not in _BYTES:
        told = f"{bound:,.0f}"
    return DataError(
        _WHAT[name],
        where=where,
        found=found,
        expected=f"at most {told} (limit {name})",
        fix=f"Where you trust the file, allow more: --limit {name}={more} "
        f'(Python: limits={{"{name}": {_quoted(more)}}}).',
    )


_BYTES = ("unpacked", "cell", "record")


def _quoted(text: str) -> str:
    return text if text.isdigit() else f'"{text}"'


def _size(n: float) -> str:
    """Return a number of bytes in words, without a fraction where it has none."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024 or unit == "GiB":
            break
        n /= 1024
    return f"{n:.4g}{unit}"
