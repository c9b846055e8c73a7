"""A report as Markdown: GitHub's tables, and text that stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.page import Cell, Page, Quote, Section, Table

_MARKS = re.compile(r"([\\`*_\[\]<>|~#!$&^{}()])")
_AT_START = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def markdown_of(page: Page) -> str:
    """Return a report as Markdown; figures are named, and their numbers are in the tables."""
    parts = [f"# {line(page.title)}"]
    if page.simulated:
        parts.append(f"> **{line(page.simulated)}**")
    parts.append(" · ".join(f"{line(count)} {line(name)}" for name, count in page.tiles))
    for section in page.sections:
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def line(text: object) -> str:
    r"""Return text on one line, which Markdown renders as it is.

    Examples
    --------
    >>> line("# <b>[x](http://y)</b>\n- | `z`")
    '\\# \\<b\\>\\[x\\]\\(http&#58;//y\\)\\</b\\> - \\| \\`z\\`'
    """
    return _escaped(" ".join(_CONTROL.sub("\ufffd", str(text)).split()))


def _escaped(text: str) -> str:
    text = _MARKS.sub(r"\\\1", text)
    # addresses become links by themselves, and names notify people
    text = text.replace("://", "&#58;//").replace("@", "&#64;")
    text = re.sub(r"(?i)\bwww\.", lambda found: f"{found[0][:-1]}&#46;", text)
    return _AT_START.sub(lambda found: f"{found[1]}{_entity(found[2])}", text)


def _entity(mark: str) -> str:
    return f"&#{ord(mark[0])};{mark[1:]}"


def _section(section: Section) -> Iterator[str]:
    yield f"## {line(section.title)}"
    yield from (line(text) for text in section.paragraphs)
    yield from (fenced(text) for text in section.code)
    yield from (f"*Figure: {line(figure.alt)}*" for figure in section.figures)
    for group in section.quoted:
        yield f"### {line(group.title)}"
        for quote in group.quotes:
            yield from _quote(quote)
    for table in section.tables:
        yield f"**{line(table.caption)}**"
        yield _table(table)


def _quote(quote: Quote) -> Iterator[str]:
    yield "\n".join(f"- {line(fact)}" for fact in quote.facts)
    for name, text in quote.texts:
        yield f"{line(name)}{f' ({line(text.cut)})' if text.cut else ''}:"
        yield fenced(text.text)


def fenced(text: str) -> str:
    """Return text as a block of code, whose fence is longer than any in the text.

    Examples
    --------
    >>> print(fenced("a ``` b"))
    ````text
    a ``` b
    ````
    """
    text = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _table(table: Table) -> str:
    rows = [[_shown(cell) for cell in row] for row in table.rows]
    numbers = [
        bool(table.rows) and any(row[k].kind == "number" for row in table.rows)
        for k in range(len(table.columns))
    ]
    rule = ["--:" if number else "---" for number in numbers]
    lines = [[line(column) for column in table.columns], rule, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _shown(cell: Cell) -> str:
    return line("".join(part.text for part in cell.parts))
