"""What a visitor types or brings along is text on every page too: slices, tags, notes, run.toml."""

from __future__ import annotations

import json
import re

import pytest

from tests.pages.browsing import Watched, dashboard
from tests.payloads import PAYLOADS

pytestmark = pytest.mark.browser

NAME = "[x](javascript:planted=1) <img src=x onerror=window.planted=1>"
NOTE = "\n\n".join(PAYLOADS[name] for name in ("script", "markdown image", "formula", "bidi"))


@pytest.fixture(scope="module")
def who(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with dashboard(folder) as link:
        found = Watched(browser, link)
        found.page.goto(link.replace("/?", "/examples?"), wait_until="domcontentloaded")
        found.page.get_by_role("heading", level=1, name="Examples").wait_for()
        found.settle()
        yield found


def test_a_slice_s_name_a_tag_and_a_note(who):
    page = who.page
    page.get_by_role("tab", name="Tags and notes").click()
    page.get_by_role("textbox", name="Note").fill(NOTE)
    page.keyboard.press("Control+Enter")
    page.get_by_text("Pairs with tags or a note: 1").wait_for()
    who.settle()
    tags = page.get_by_role("combobox", name="Tags")
    tags.fill(NAME)
    tags.press("Enter")
    who.settle()
    who.scroll()
    who.download()
    search = page.get_by_role("textbox", name="Search prompt and responses")
    search.fill("plan")
    search.press("Enter")
    who.settle()
    page.get_by_role("button", name="Save as a slice").click()
    name = page.get_by_role("textbox", name="Name")
    name.fill(NAME[:60])
    name.press("Tab")
    who.settle()
    page.get_by_role("button", name="Save and show it on every page").click()
    page.get_by_text("Slice [x](javascript:planted=1)").wait_for()
    who.settle()
    who.inspect()
    page.get_by_role("button", name="Copy link").click()
    who.settle()
    who.inspect()
    page.keyboard.press("Escape")
    for place in ("Overview", "Leaderboard", "Side by side"):
        who.visit(place)
        who.unfold()
        who.inspect()
    assert who.wrong == []
    assert json.loads(who.files["tags.jsonl"].decode())["note"] == NOTE.replace("\r", "\n").strip()


def test_notes_of_a_report_in_its_preview_and_its_files(who, tmp_path):
    who.visit("Report")
    who.page.get_by_role("textbox", name="Your notes").fill(NOTE)
    who.page.keyboard.press("Control+Enter")
    who.settle()
    who.unfold()
    who.download()
    who.inspect()
    assert who.wrong == []
    markdown = next(text for name, text in who.files.items() if name.endswith(".md")).decode()
    said = markdown.split("## Verdict")[0]
    assert "window.planted" in said
    assert not re.search(r"(?<!\\)(<script|\]\(http)", said)
    who.read(who.files["report.html"], tmp_path / "report.html")
    assert not who.page.locator("script").count()
    assert who.wrong == []
