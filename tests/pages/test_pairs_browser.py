"""Examples in a real browser: by keyboard, and the link that takes a slice elsewhere."""

from __future__ import annotations

import pytest

from tests.pages.browsing import Watched, dashboard

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):
    with dashboard(tmp_path_factory.mktemp("served")) as link:
        yield link


def _at(who: Watched) -> str:
    return who.page.get_by_role("spinbutton", name="Go to").input_value()


def test_pairs_are_leafed_through_by_key_and_no_key_is_taken_from_a_box(browser, served):
    who = Watched(browser, served)
    who.page.goto(served.replace("/?", "/examples?"), wait_until="domcontentloaded")
    who.page.get_by_role("heading", level=1, name="Examples").wait_for()
    who.settle()
    for key, now in (("n", "2"), ("n", "3"), ("p", "2")):
        who.page.keyboard.press(key)
        who.settle()
        assert _at(who) == now
    assert "example=2" in who.page.url
    search = who.page.get_by_role("textbox", name="Search prompt and responses")
    search.press_sequentially("plan")
    who.settle()
    assert _at(who) == "2"
    assert search.input_value() == "plan"
    # what is pressed says what it does to who does not see it
    for name in ("Next", "Previous", "Copy link", "Save as a slice"):
        assert who.page.get_by_role("button", name=name).count() <= 1
    assert who.page.get_by_role("button", name="Next").count() == 1
    assert who.wrong == []


def test_a_slice_goes_with_every_page_and_with_the_link(browser, served):
    who = Watched(browser, served)
    who.page.goto(served.replace("/?", "/examples?agreement=disagree&within=coding&"))
    who.page.get_by_role("heading", level=1, name="Examples").wait_for()
    who.settle()
    who.page.get_by_role("button", name="Save as a slice").click()
    name = who.page.get_by_role("textbox", name="Name")
    name.fill("apart & code")
    name.press("Tab")
    who.settle()
    who.page.get_by_role("button", name="Save and show it on every page").click()
    who.settle()
    said = who.page.get_by_text("Slice apart & code:").inner_text()
    assert "slice=" in who.page.url
    assert "within" not in who.page.url
    who.visit("Leaderboard")
    assert who.page.get_by_text("Slice apart & code:").inner_text() == said
    who.page.get_by_role("button", name="Copy link").click()
    link = who.page.get_by_test_id("stPopoverBody").locator("code").inner_text()
    assert "token" not in link
    assert "/leaderboard?" in link
    other = Watched(browser, served)
    other.page.goto(served)
    other.settle()
    other.page.goto(link)
    other.page.get_by_role("heading", level=1, name="Leaderboard").wait_for()
    other.settle()
    assert other.page.get_by_text("Slice apart & code:").inner_text() == said
    other.page.get_by_role("button", name="Delete slice").click()
    other.settle()
    assert other.page.get_by_text("Slice apart & code:").count() == 0
    assert "slice=" not in other.page.url
    assert who.wrong + other.wrong == []
