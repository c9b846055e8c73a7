"""Markdown of a data set as HTML that can do nothing: no link, no image, no HTML of its own.

The parser says what a text is made of; what is written is written here, from a fixed list of
elements. Every word of the text is escaped, and none of it ever stands within a tag.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LONGEST = 20_000
"""Letters of a text up to which it is rendered: the parser's time grows with them."""

_DEEPEST = 30
"""Lists and quotes in one another: the parser drops what lies deeper."""
_CELLS = 20_000
"""Cells of the largest table: a row of one letter has as many as the head."""

_LINE = "border:1px solid rgba(128,128,128,0.35)"
_STYLE = {
    "pre": f"white-space:pre-wrap;{_LINE};border-radius:0.3rem;padding:0.5rem;margin:0.5rem 0",
    "blockquote": "border-left:3px solid rgba(128,128,128,0.5);margin:0.5rem 0;padding-left:0.7rem",
    "table": "border-collapse:collapse;margin:0.5rem 0",
    "th": f"{_LINE};padding:0.2rem 0.5rem;text-align:left",
    "td": f"{_LINE};padding:0.2rem 0.5rem;vertical-align:top",
    **{f"h{k}": f"font-size:{1.3 - 0.07 * k:.2f}rem;margin:0.6rem 0 0.3rem" for k in range(1, 7)},
}
_PLAIN = ("p", "ul", "ol", "li", "strong", "em", "s", "thead", "tbody", "tr", "code", "br", "hr")
_OFF = ("html_block", "html_inline", "autolink", "entity", "reference")
ELEMENTS = frozenset({*_PLAIN, *_STYLE})
"""Every element that can come out."""


def rendered(text: str) -> str:
    r"""Return a text as HTML of :data:`ELEMENTS`, without any attribute that the text chose.

    Headings, lists, quotes, tables, code, bold and italic type, line breaks. A link is its
    text and its address, written out; an image is its description and its address. HTML,
    maths and whatever else stand as they were written. Line breaks stay line breaks.

    Parameters
    ----------
    text : str
        Longer texts than :data:`LONGEST`, and those with very many cells or lists in one
        another, come back as they are, escaped.

    References
    ----------
    CommonMark 0.31, with the tables and struck words of GitHub.

    Examples
    --------
    >>> rendered("**a** <b>")
    '<p><strong>a</strong> &lt;b&gt;</p>'
    >>> rendered("[x](http://127.0.0.1/y)")
    '<p>x (http://127.0.0.1/y)</p>'
    """
    short = len(text) <= LONGEST and _cells(text) <= _CELLS
    tokens = _parser().parse(text) if short else []
    if text.strip() and (not tokens or any(token.level >= _DEEPEST - 1 for token in tokens)):
        return _as_it_is(text)
    return "".join(_written(tokens))


def _cells(text: str) -> int:
    """Return how many cells a table of these lines could have at the most."""
    lines = text.split("\n")
    return max(line.count("|") for line in lines) * len(lines)


def _as_it_is(text: str) -> str:
    return html.escape(text).replace("\n", _tag("br"))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    options = {"html": False, "linkify": False, "typographer": False, "maxNesting": _DEEPEST}
    made = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    # what is off stays as it was written: nothing that a text holds is hidden
    return made.disable([*_OFF])


def _written(tokens: Iterable[Any]) -> Iterable[str]:
    """Write the tokens of a text; a kind that is not known is written as its text."""
    addresses: list[str] = []
    for token in tokens:
        if token.hidden:
            continue
        if token.type == "inline":
            yield from _written(token.children or ())
        elif token.type == "link_open":
            addresses.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            yield _address(addresses.pop() if addresses else "")
        elif token.type == "image":
            yield f"[image: {html.escape(token.content)}]"
            yield _address(str(token.attrGet("src") or ""))
        elif token.type in ("fence", "code_block"):
            yield f"{_tag('pre')}{html.escape(token.content)}</pre>"
        elif token.type == "code_inline":
            yield f"<code>{html.escape(token.content)}</code>"
        elif token.type in ("softbreak", "hardbreak"):
            yield _tag("br")
        elif token.tag in ELEMENTS:
            yield f"</{token.tag}>" if token.nesting < 0 else _opened(token)
        else:
            yield html.escape(token.content)


def _address(address: str) -> str:
    return f" ({html.escape(address)})" if address else ""


def _opened(token: Any) -> str:
    start = str(token.attrGet("start") or "") if token.tag == "ol" else ""
    # a list may begin with another number: digits, and nothing else
    return f'<ol start="{start}">' if re.fullmatch("[0-9]{1,9}", start) else _tag(token.tag)


def _tag(name: str) -> str:
    style = _STYLE.get(name)
    return f'<{name} style="{style}">' if style else f"<{name}>"
