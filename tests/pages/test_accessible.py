"""The dashboard for readers with other eyes and hands: no serious violation that axe-core knows."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.pages.browsing import Watched, dashboard

pytestmark = pytest.mark.browser

# Streamlit draws the list of pages with sections between its items: not ours to mend
OF_STREAMLIT = {"list", "listitem"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_violation(browser, tmp_path, scheme):
    with dashboard(tmp_path) as link:
        eyes = Watched(browser, link)
        eyes.page.emulate_media(color_scheme=scheme)
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
            wrong += [
                f"{address} {one['id']} {place['html'][:120]}"
                for one in Axe().run(eyes.page).response["violations"]
                if one["impact"] in ("serious", "critical") and one["id"] not in OF_STREAMLIT
                for place in one["nodes"]
            ]
        assert wrong == []
        eyes.context.close()
