"""The dashboard for readers with other eyes and hands: no serious violation that axe-core knows."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.pages.browsing import Watched, dashboard

pytestmark = pytest.mark.browser

# Streamlit draws the list of pages with sections between its items: not ours to mend
OF_STREAMLIT = {"list", "listitem"}


# the words are the same in the dark: what is drawn anew are the colours
IN_THE_DARK = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def test_no_page_has_a_serious_violation_in_light_or_dark(browser, tmp_path):
    with dashboard(tmp_path) as link:
        eyes = Watched(browser, link)
        eyes.page.emulate_media(color_scheme="light")
        eyes.page.goto(link)
        side = eyes.page.get_by_test_id("stSidebarNav").get_by_role("link")
        side.first.wait_for()
        eyes.settle()
        addresses = [one.get_attribute("href") for one in side.all()]
        assert len(addresses) >= 11
        wrong = []
        for address in addresses:
            side.locator(f"xpath=self::*[@href='{address}']").click()
            eyes.page.wait_for_timeout(500)
            eyes.settle()
            wrong += violations(eyes.page, address)
            light = background(eyes.page)
            eyes.page.emulate_media(color_scheme="dark")
            eyes.page.wait_for_timeout(300)
            eyes.settle()
            assert background(eyes.page) != light, f"{address} stays light"
            wrong += violations(eyes.page, f"{address} dark", IN_THE_DARK)
            eyes.page.emulate_media(color_scheme="light")
        assert wrong == []
        eyes.context.close()


def violations(page, address, only=None):
    """What axe-core calls serious, a line each."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **(only or {})})
    return [
        f"{address} {one['id']} {place['html'][:120]}"
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical") and one["id"] not in OF_STREAMLIT
        for place in one["nodes"]
    ]


def background(page):
    return page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
