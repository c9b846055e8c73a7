"""In a real browser: a point or a row leads to its pairs, and not again on the way back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.pages.browsing import Watched, dashboard

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def who(browser, tmp_path_factory):
    with dashboard(tmp_path_factory.mktemp("served")) as link:
        visitor = Watched(browser, link)
        visitor.page.goto(link, wait_until="domcontentloaded")
        visitor.settle()
        yield visitor


_PLACE = """(p, [group, term]) => {
  const at = p.data.findIndex(t => t.customdata && t.meta !== "extra" &&
    t.customdata.some(row => (row[0] === group || group === null) && row[1] === term));
  const k = p.data[at].customdata.findIndex(row => row[1] === term);
  const mark = p.querySelectorAll(".scatterlayer .trace")[at].querySelectorAll(".point")[k];
  const b = mark.getBoundingClientRect();
  return [b.x + b.width / 2, b.y + b.height / 2];
}"""


def _click_a_mark(who: Watched, group: str | None, term: str) -> None:
    plot = who.page.locator(".js-plotly-plot:visible").first
    plot.scroll_into_view_if_needed()
    who.page.wait_for_timeout(500)
    place = plot.evaluate(_PLACE, [group, term])
    who.page.mouse.move(*place)
    who.page.wait_for_timeout(200)
    who.page.mouse.click(*place)


def _asked(who: Watched) -> dict[str, list[str]]:
    who.page.wait_for_url("**/examples?**", timeout=60_000)
    who.page.get_by_role("heading", level=1, name="Examples").wait_for()
    return parse_qs(urlsplit(who.page.url).query)


def test_a_point_of_compare_opens_its_pairs_once_and_so_does_a_row(who):
    who.visit("Compare")
    _click_a_mark(who, "sim-reward", "apologies")
    asked = _asked(who)
    assert asked["group"] == ["sim-reward"]
    assert asked["term"] == ["apologies"]
    # back again, nothing is chosen: the page stays, and another click works
    who.settle()
    who.visit("Compare")
    who.page.wait_for_timeout(1500)
    assert "/compare" in who.page.url
    table = who.page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    # the box before the second row
    who.page.mouse.click(box["x"] + 15, box["y"] + 35 + 35 * 1.5)
    asked = _asked(who)
    # the first group, which a link need not name, and not the one of the first visit
    assert asked.get("group", ["human"]) == ["human"]
    assert asked["term"] == ["headers"]
    assert who.wrong == []


def test_a_point_of_the_leaderboard_opens_the_battles_of_its_model(who):
    who.visit("Leaderboard")
    _click_a_mark(who, None, "sim-model-b")
    assert _asked(who)["by_model"] == ["sim-model-b"]
