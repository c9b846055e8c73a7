"""Text whose fields hold backslash escapes, written anew as plain CSV."""

from __future__ import annotations

import re
from collections.abc import Callable

from workbench.data.reading.tables.dialects import Dialect

_MEANING = {
    b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"0": b"\0",
}  # fmt: skip
"""What a letter after a backslash stands for; any other character stands for itself."""

_QUOTED = rb'"((?:[^"\\]++|\\.|"")*+)"'
_RAW = rb"(?:" + _QUOTED + rb"|([^\r\n%b]*+))"
_ESCAPED = rb"(?:" + _QUOTED + rb"|((?:[^\\\r\n%b]++|\\.)*+))"
"""A field, in quotes or not: without quotes backslashes escape nothing, or what follows."""


def as_plain(content: bytes, dialect: Dialect) -> bytes:
    r"""Return the text of a file with quotes doubled instead of escaped.

    Spark escapes inside quoted fields only; pandas (``doublequote=False``) and MySQL
    escape everywhere. Which one it is shows in the fields without quotes: one that holds
    ``\"``, or backslashes in twos throughout, is escaped.

    Parameters
    ----------
    content : bytes
    dialect : Dialect
        Its ``escapes`` say what a backslash does.

    Examples
    --------
    >>> as_plain(rb'q,"say \"yes\", now"', Dialect(",", "quotes"))
    b'q,"say ""yes"", now"\n'
    >>> as_plain(rb"q|one\ntwo|\N", Dialect("|", "text"))
    b'q|"one\ntwo"|\n'
    """
    write = _of_text if dialect.escapes == "text" else _of_quotes
    return write(content, dialect.delimiter.encode())


def _of_text(content: bytes, delimiter: bytes) -> bytes:
    def field(found: re.Match[bytes]) -> bytes:
        text = found[1]
        blank_line = not text and found.string[found.start() - 1 : found.start()] == b"\n"
        if text == b"\\N" or (blank_line and found[2] != delimiter):
            return found[2]
        plain = re.sub(rb"\\(.)", _meant, text, flags=re.DOTALL) if b"\\" in text else text
        return _quoted(plain, delimiter) + found[2]

    return _each_field(rb"((?:[^\\\r\n%b]++|\\.)*+)", delimiter, content, field)


def _of_quotes(content: bytes, delimiter: bytes) -> bytes:
    special = rb'\\([\\"\r\n' + re.escape(delimiter) + rb"])"
    inside = re.compile(special + rb'|"(")')
    everywhere = _escapes_everywhere(content, delimiter)

    def written(found: re.Match[bytes]) -> bytes:
        quoted, bare, end = found.groups()
        if quoted is not None:
            plain = inside.sub(lambda mark: mark[1] or mark[2], quoted)
            return b'"' + plain.replace(b'"', b'""') + b'"' + end
        if bare == b"\\N":
            return end
        if b"\\" not in bare or not everywhere:
            return bare + end
        return _quoted(re.sub(special, rb"\1", bare), delimiter) + end

    return _each_field(_ESCAPED if everywhere else _RAW, delimiter, content, written)


def _escapes_everywhere(content: bytes, delimiter: bytes) -> bool:
    """Tell whether backslashes also escape in fields without quotes."""
    raw, escaped = (_lengths(field, delimiter, content) for field in (_RAW, _ESCAPED))
    if raw != escaped:
        return escaped < raw
    pairs = False
    needs_quotes = rb"[\r\n" + re.escape(delimiter) + rb"]"
    for found in re.finditer(_ended(_RAW, delimiter), content, re.DOTALL):
        quoted, bare, _ = found.groups()
        if quoted and b'\\"' in quoted and not re.search(needs_quotes, quoted):
            # only who escapes nothing without quotes puts a field in quotes for a quote
            return False
        if not bare or b"\\" not in bare or bare == b"\\N":
            continue
        if b'"' in bare:
            return True
        if re.search(rb"(?<!\\)(?:\\\\)*\\(?!\\)", bare):
            return False
        pairs = True
    return pairs


def _lengths(field: bytes, delimiter: bytes, content: bytes) -> int:
    """Return how many records have another number of fields than the header."""
    n, header, others = 0, 0, 0
    for found in re.finditer(_ended(field, delimiter), content, re.DOTALL):
        n += 1
        if found[3] != delimiter:
            header = header or n
            # an empty line is no record
            others += n != header and (n > 1 or bool(found[0].strip()))
            n = 0
    return others


def _each_field(
    field: bytes, delimiter: bytes, content: bytes, write: Callable[[re.Match[bytes]], bytes]
) -> bytes:
    content = content if content.endswith((b"\n", b"\r")) else content + b"\n"
    return re.sub(_ended(field, delimiter), write, content, flags=re.DOTALL)


def _ended(field: bytes, delimiter: bytes) -> bytes:
    d = re.escape(delimiter)
    return field.replace(b"%b", d) + rb"(" + d + rb"|\r\n|\r|\n)"


def _meant(found: re.Match[bytes]) -> bytes:
    return _MEANING.get(found[1], found[1])


def _quoted(text: bytes, delimiter: bytes) -> bytes:
    """Return a field, in quotes where it needs them; an empty one is a text, not missing."""
    if text and not re.search(rb'["\r\n' + re.escape(delimiter) + rb"]", text):
        return text
    return b'"' + text.replace(b'"', b'""') + b'"'
