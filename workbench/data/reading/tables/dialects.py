"""How the fields of a CSV or TSV file are written: quotes, backslashes, marks of nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from workbench.data.formats.records import excerpt
from workbench.data.reading.bounds.limits import check_shape
from workbench.data.reading.files import KNOWN, mixed_encodings
from workbench.errors import DataError

_DELIMITERS = (b",", b"\t", b";", b"|")

_R_VALUES = re.compile(
    rb"NA|TRUE|FALSE|NaN|-?Inf|[+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?L?|[+-]?\.\d+"
)
"""What R writes without quotes; every text has them."""

_ESCAPES = set(b"btnrfv0'\\N\t\n")
"""What follows a backslash in the tab-separated text of ClickHouse, PostgreSQL and MySQL."""

_TEX = re.compile(
    rb"\\(?:nabla|neq?|nu|not(?:in)?|ni|text\w*|times|theta|tau|tanh?|to|top|triangle\w*|tilde"
    rb"|tfrac|rho|right\w*|rangle|rfloor|rceil|rm|frac|forall|flat|beta|bar|begin|binom|big\w*"
    rb"|bmod|bot|bullet|boxed|bf|vec|var\w+|vee|vdots)(?![a-z])"
    rb"|(?<=[A-Za-z]:)(?:\\\w[\w.-]*)+"
)
"""Commands of TeX that start like an escape, and paths of Windows."""


_ENOUGH = 50_000
"""Marks after which it is clear what a backslash does."""


@dataclass(frozen=True)
class Dialect:
    """How the fields of a file are written.

    Attributes
    ----------
    delimiter : str
    escapes : str
        What a backslash does: nothing (``none``); it stands before a quote inside a field,
        and before itself (``quotes``); or it writes line ends, tabs and itself in text
        without quotes (``text``).
    quotes : bool
        Whether a quote at a field's ends is not part of it.
    nulls : tuple of str
        What stands, unquoted, for a missing value.
    """

    delimiter: str = ","
    escapes: Literal["none", "quotes", "text"] = "none"
    quotes: bool = True
    nulls: tuple[str, ...] = ("",)

    def with_null(self, mark: str) -> Dialect:
        """Return the dialect with one more mark of a missing value."""
        return replace(self, nulls=tuple(dict.fromkeys((*self.nulls, mark))))

    def joined(self, other: Dialect) -> Dialect:
        """Return the dialect of a file that is of one set with a file of the other.

        Examples
        --------
        >>> Dialect().joined(Dialect(escapes="quotes").with_null("NA")).nulls
        ('', 'NA')
        """
        known = self if self.escapes != "none" else other
        both = replace(
            self, escapes=known.escapes, quotes=self.quotes and other.quotes, nulls=self.nulls
        )
        for mark in other.nulls:
            both = both.with_null(mark)
        return both

    def notes(self, missing: bool) -> list[str]:
        """Say what of the writing is not the usual one; given whether any field is missing."""
        notes = []
        # who puts every text in quotes leaves no field empty
        if missing and "NA" in self.nulls:
            notes.append('NA without quotes is missing, as R writes it; "NA" in quotes is a text')
        if self.escapes == "quotes":
            notes.append(r"quotes inside fields are written \" (as Spark does): read so")
        elif self.escapes == "text":
            notes.append(
                r"backslashes are read as escapes (\n is a line end, \t a tab, \N is missing), "
                "as ClickHouse, PostgreSQL and MySQL write them"
            )
        elif not self.quotes:
            notes.append("quotes are part of the fields: the file writes fields without quotes")
        if r"\N" in self.nulls and self.escapes != "text":
            notes.append(r"\N is missing")
        return notes


class Evidence:
    r"""What the bytes of a file tell of how its fields are written.

    Parameters
    ----------
    delimiter : str

    Examples
    --------
    >>> seen = Evidence(",")
    >>> for block in (rb'q,"say \"yes\" now",', b"x"):
    ...     seen.add(block)
    >>> seen.backslashes_escape
    True
    """

    def __init__(self, delimiter: str) -> None:
        end = re.escape(delimiter.encode()) + rb"\r\n"
        self._escaped = re.compile(rb'\\"(?=[^"' + end + rb"])")
        self._doubled = re.compile(rb'\\""(?=[^"' + end + rb'])|\\"""(?=[' + end + rb"])")
        self._bare = re.compile(rb'"(?<=[^\\"' + end + rb']")(?=[^"' + end + rb"])")
        self._null = re.compile(rb"\\N(?<![^" + end + rb"]\\N)(?![^" + end + rb"])")
        self._tail = b""
        self.n_escaped = self.n_plain = 0
        self.null_mark = self.marks = self.escaped_quote = False

    def add(self, block: bytes) -> None:
        """Look at the next bytes of the file."""
        tail, self._tail = self._tail, block[-8:]
        backslash = b"\\" in tail or b"\\" in block
        self.marks = self.marks or backslash or b'"' in block
        if not backslash:
            return
        # what lies across the border of two blocks is seen with the second one
        part = tail + block
        self.null_mark |= b"\\N" in part and self._null.search(part) is not None
        if self.n_escaped + self.n_plain < _ENOUGH and b'\\"' in part:
            self.escaped_quote = True
            self.n_escaped += len(self._escaped.findall(part))
            self.n_plain += len(self._doubled.findall(part)) + len(self._bare.findall(part))

    @property
    def backslashes_escape(self) -> bool:
        r"""Whether ``\"`` stands for a quote: more of them than of doubled and bare quotes."""
        return self.n_escaped > self.n_plain

    def dialect(self, content: Callable[[], bytes], given: Dialect, columns: int) -> Dialect:
        """Return the dialect that the whole file shows.

        Parameters
        ----------
        content : callable
            Gives all bytes of the text; asked only where marks in it must be looked at.
        given : Dialect
            What its beginning shows.
        columns : int
            In the header.
        """
        found = given
        if given.delimiter == "\t" and self.marks:
            found = replace(found, **_of_tabs(content(), columns))
        if found.escapes == "none" and found.quotes and self.backslashes_escape:
            found = replace(found, escapes="quotes")
        return found.with_null(r"\N") if self.null_mark else found


def quotes_na(content: bytes, delimiter: str) -> bool:
    """Tell whether a field is NA in quotes, which nobody needs: without them it is no text."""
    end = re.escape(delimiter.encode()) + rb"\r\n"
    found = re.search(rb'"NA"(?<![^' + end + rb']"NA")(?![^' + end + rb"])", content)
    return found is not None


def header_of(path: Path, start: bytes) -> tuple[list[str], Dialect]:
    """Return the names of a table's columns, and the dialect that its beginning shows.

    Parameters
    ----------
    path : Path
    start : bytes
        The beginning of the file, without a byte-order mark.

    Raises
    ------
    DataError
        A name twice, fewer than two columns, or bytes that are not UTF-8.
    """
    line = _record(start)
    bare = re.sub(rb'"(?:[^"]|"")*"', b"", line)
    delimiter = max(_DELIMITERS, key=bare.count).decode()
    try:
        fields = next(csv.reader([line.decode("utf-8")], delimiter=delimiter))
    except UnicodeDecodeError as error:
        raise mixed_encodings(f"{path.name}, line 1", error) from error
    except StopIteration:
        fields = []
    check_shape(0, len(fields), path.name)
    names = named([" ".join(name.split()) for name in fields])
    again = [name for name in names if names.count(name) > 1]
    if again or len(names) < 2:
        raise DataError(
            "A column name stands twice." if again else "The file is no table that can be read.",
            where=f"{path.name}, line 1",
            found=excerpt(again[0] if again else line.decode()),
            expected="distinct column names" if again else KNOWN,
            fix="Rename the column." if again else "Export it in one of these formats.",
        )
    dialect = Dialect(delimiter)
    return names, dialect.with_null("NA") if _is_of_r(start, line, delimiter) else dialect


def named(names: list[str]) -> list[str]:
    """Return column names; of those left blank, the second and later ones are numbered.

    Examples
    --------
    >>> named(["", "label", "", ""])
    ['', 'label', 'unnamed 2', 'unnamed 3']
    """
    blanks = 0
    result = []
    for name in names:
        blanks += not name
        result.append(name or ("" if blanks == 1 else f"unnamed {blanks}"))
    return result


def quoted_columns(start: bytes, delimiter: str, n: int) -> list[bool]:
    """Tell of each column whether a field of it in the beginning of a file is quoted."""
    quoted = [False] * n
    for place, text, _ in _fields(start[len(_record(start)) :], delimiter):
        quoted[place % n] |= text.startswith(b'"')
    return quoted


def _record(start: bytes) -> bytes:
    """Return the first record, whose quoted fields may hold line ends."""
    found = re.match(rb'(?:[^"\r\n]++|"(?:[^"]|"")*+")*', start)
    line = found[0] if found else b""
    # a quote that is not closed ends with its line
    return line if start[len(line) : len(line) + 1] != b'"' else _first_line(start)


def _first_line(start: bytes) -> bytes:
    return re.split(rb"\r\n|\r|\n", start, maxsplit=1)[0]


def _fields(rows: bytes, delimiter: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield place, text and what ends it for the fields of whole rows after the header."""
    d = re.escape(delimiter.encode())
    field = re.compile(
        rb'("(?:[^"]|"")*+"|[^"\r\n' + d + rb"][^\r\n" + d + rb"]*|)(\r\n?|\n|" + d + rb")"
    )
    at = re.match(rb"\r\n?|\n|", rows)
    place, position = 0, at.end() if at else 0
    while found := field.match(rows, position):
        yield place, found[1], found[2]
        place, position = place + 1, found.end()


def _is_of_r(start: bytes, line: bytes, delimiter: str) -> bool:
    """Tell whether R's write.csv wrote it: texts in quotes, all else without."""
    d = re.escape(delimiter.encode())
    if re.fullmatch(rb'"(?:[^"]|"")*"(?:' + d + rb'"(?:[^"]|"")*")*', line) is None:
        return False
    texts = False
    for _, text, _ in _fields(start[len(line) :], delimiter):
        if text.startswith(b'"'):
            texts = True
        elif _R_VALUES.fullmatch(text) is None:
            return False
    return texts


def _of_tabs(content: bytes, columns: int) -> dict[str, Any]:
    """Tell what quotes and backslashes are in tab-separated text."""
    quotes = b'"' in content
    if quotes and re.search(rb'"(?<![^\t\n]")[^"\t\n]*+""[^\t\n]', content) is not None:
        # quotes inside a field are doubled
        return {}
    if b"\\" in content and _is_escaped(content):
        without = re.sub(rb"\\.", b"", content, flags=re.DOTALL)
        if _is_even(without, columns):
            return {"escapes": "text", "quotes": False}
    if not quotes or not _is_even(content, columns):
        return {}
    opened = re.search(rb'"(?<![^\t\n]")(?:[^"\t\n]|"")*+(?!"(?:[\t\r\n]|\Z))', content)
    return {"quotes": False} if opened is not None else {}


def _is_escaped(content: bytes) -> bool:
    after = re.findall(rb"\\(.)", content, re.DOTALL)
    if not after or {ord(mark) for mark in after} - _ESCAPES:
        return False
    nulls = len(re.findall(rb"\\N(?<![^\t\n]\\N)(?![^\t\r\n])", content))
    if nulls != after.count(b"N"):
        return False
    return nulls > 0 or b"\\" in _TEX.sub(b"", content)


def _is_even(content: bytes, columns: int) -> bool:
    """Tell whether every line has the header's number of fields."""
    lines = io.BytesIO(content)
    return all(line.count(b"\t") == columns - 1 for line in lines if line != b"\n")
