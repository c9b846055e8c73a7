"""Text, numbers and colours as they may stand in an SVG."""

from __future__ import annotations

import html
import re
import unicodedata

from workbench.errors import DataError

_BREAK = re.compile(r"<br\s*/?>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
# what XML 1.0 cannot hold
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{3,8}|[a-z]{3,20}|rgba?\([0-9., ]+\)")
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[] -"), frozenset("mwMW@%–—")


def lines(text: object) -> list[str]:
    """Return plotly's pseudo-HTML as plain lines.

    Examples
    --------
    >>> lines("<b>a &lt;b&gt;</b><br>costs &#36;1")
    ['a <b>', 'costs $1']
    """
    return [html.unescape(_TAG.sub("", part)) for part in _BREAK.split(str(text))]


def xml(text: object) -> str:
    """Return text that an element or a quoted attribute may hold.

    Examples
    --------
    >>> xml('<a href="x">')
    '&lt;a href=&quot;x&quot;&gt;'
    """
    return html.escape(_ILLEGAL.sub("\ufffd", str(text)))


def px(value: float) -> str:
    """Return a length or a place in pixels, to a tenth.

    Examples
    --------
    >>> px(3.0), px(-0.04), px(2.25)
    ('3', '0', '2.2')
    """
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def width_of(text: str, size: float) -> float:
    """Return about how wide a text is, in pixels, in a plain sans-serif of some size."""
    return size * sum(map(_em, text))


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _WIDE:
        return 0.95
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if unicodedata.combining(character):
        return 0.0
    return 0.72 if character.isupper() else 0.62


def colour(value: object) -> str:
    """Return a colour that plotly knows as one that SVG knows.

    Raises
    ------
    DataError
        It is none.

    Examples
    --------
    >>> colour("#0072B2")
    '#0072B2'
    """
    if isinstance(value, str) and _COLOUR.fullmatch(value):
        return value
    raise DataError(
        "A static picture cannot draw this colour.",
        found=repr(value),
        expected="#rrggbb, a name, rgb(...) or rgba(...)",
        fix="Give the mark one of these.",
    )
