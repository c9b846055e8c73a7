"""Rendered Markdown: what it is made of, and that hostile text becomes nothing else."""

from __future__ import annotations

import html
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.payloads import PAYLOADS
from workbench.data.on_view.markdown import _STYLE, ELEMENTS, LONGEST, rendered


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.other: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.other.append(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


def _parsed(text: str) -> _Elements:
    seen = _Elements()
    seen.feed(rendered(text))
    seen.close()
    return seen


def _is_harmless(text: str) -> None:
    seen = _parsed(text)
    assert not seen.other
    for tag, attributes in seen.found:
        assert tag in ELEMENTS, tag
        style = attributes.pop("style", None)
        assert style is None or style == _STYLE.get(tag), (tag, style)
        if tag == "ol" and "start" in attributes:
            assert re.fullmatch("[0-9]+", attributes.pop("start") or "")
        assert attributes == {}, (tag, attributes)


@pytest.mark.parametrize(
    "around",
    ["{}", "**{}**", "# {}", "- {}\n- b", "> {}", "| {} | b |\n|---|---|\n| {} | d |", "`{}`",
     "```{}\n{}\n```", "[{}]({})", "![{}]({} '{}')", "[a]: {} '{}'\n\n[a]", "<{}>", "1. {}",
     "[a](<{}>)", "~~{}~~", "    {}", "{}\n===", "***\n{}"],
)  # fmt: skip
def test_no_payload_becomes_an_element_or_an_attribute(around):
    for payload in PAYLOADS.values():
        _is_harmless(around.replace("{}", payload))
        _is_harmless(around.replace("{}", payload.replace("\n", " ")))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>&\"'[]()!*_`#-|~:\\\n /aeiou=x1.", max_size=80))
def test_no_text_becomes_anything_else(text):
    _is_harmless(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# a", ["h1"]),
        ("a\n=", ["h1"]),
        ("*a* **b** ~~c~~ `d`", ["p", "em", "strong", "s", "code"]),
        ("- a\n- b", ["ul", "li", "li"]),
        ("2. a", ["ol", "li"]),
        ("> a", ["blockquote", "p"]),
        ("```py\nx\n```", ["pre"]),
        ("a\nb", ["p", "br"]),
        ("---", ["hr"]),
        ("|a|\n|-|\n|b|", ["table", "thead", "tr", "th", "tbody", "tr", "td"]),
        ("[a](http://h/x)", ["p"]),
        ("![a](http://h/x.png)", ["p"]),
        ("<http://h/x> www.h.com http://h/y", ["p"]),
        ("<b>a</b>", ["p"]),
        ("$x$ :red[a] :material/home:", ["p"]),
    ],
)
def test_what_becomes_which_element(text, expected):
    assert [tag for tag, _ in _parsed(text).found] == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[a](http://h/x)", "a (http://h/x)"),
        ("![a](http://h/x.png)", "[image: a] (http://h/x.png)"),
        ("[a](javascript:alert)", "[a](javascript:alert)"),
        ("<http://h/x>", "<http://h/x>"),
        ("[r]: http://h/x 'y'", "[r]: http://h/x 'y'"),
        ("<img src=x onerror=alert()>", "<img src=x onerror=alert()>"),
        ("a &lt;b&gt; &#60;", "a &lt;b&gt; &#60;"),
        ("```\n<script>\n```", "<script>\n"),
        (r"\*a\*", "*a*"),
    ],
)
def test_what_a_reader_sees(text, shown):
    assert _parsed(text).text == shown


def test_lists_that_begin_later_keep_their_number():
    assert _parsed("7. a").found[0] == ("ol", {"start": "7"})


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "> " * 60 + "deep", "- " * 40 + "deep"])
def test_what_is_too_long_or_too_deep_is_shown_as_it_is(text):
    assert html.unescape(rendered(text)) == text


@pytest.mark.parametrize(
    "text",
    ["*a_ " * 5_000, "[" * 20_000, "![" * 10_000, "[a](" * 5_000, "> " * 9_000, "~~a" * 6_000,
     ("|a" * 100 + "|\n") + ("|-" * 100 + "|\n") + "|\n" * 9_000, "`" * 19_000, "&a;" * 6_000],
)  # fmt: skip
def test_the_time_and_the_size_are_bounded(text):
    start = time.process_time()
    made = rendered(text[:LONGEST])
    assert time.process_time() - start < 3
    assert len(made) < 40 * LONGEST
