"""Five users at once: each sees their own data, slices, tags and runs, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.browsing import Watched, dashboard

pytestmark = pytest.mark.browser

USERS = 5
HEAD = "prompt,text_a,text_b,label\n"


def votes(word: str) -> str:
    rows = (f"{word} {k},yes {k},no no {k},{'ab'[k % 2]}\n" for k in range(12))
    return HEAD + "".join(rows)


@pytest.fixture(scope="module")
def users(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    served = folder / "served.csv"
    served.write_text(votes("words-of-all"), encoding="utf-8")
    with dashboard(folder, str(served)) as link:
        found = [Watched(browser, link) for _ in range(USERS)]
        for k, who in enumerate(found):
            who.page.goto(link.replace("/?", "/examples?"), wait_until="domcontentloaded")
            who.page.get_by_text("served.csv: 12 pairs").wait_for()
            who.settle()
            if k == 0:
                # read once: whoever comes later finds it although the file is gone
                served.unlink()
        yield link, folder, found
        for who in found:
            who.context.close()


def test_five_users_at_once_each_see_their_own(users):
    _, folder, found = users
    for k, who in enumerate(found):
        (folder / f"file-of-{k}.csv").write_text(votes(f"words-of-{k}"), encoding="utf-8")
        who.visit("Load")
    # each step by all of them before the next: the server has them all at work at once
    for k, who in enumerate(found):
        who.page.locator("input[type=file]").first.set_input_files(str(folder / f"file-of-{k}.csv"))
    for who in found:
        who.page.get_by_text("As read: the first judgements").wait_for()
        who.page.get_by_role("button", name="Load", exact=True).click()
    for who in found:
        who.settle()
        who.visit("Examples")
    for k, who in enumerate(found):
        search = who.page.get_by_role("textbox", name="Search prompt and responses")
        search.fill(f"words-of-{k}")
        search.press("Enter")
    for k, who in enumerate(found):
        who.settle()
        who.page.get_by_role("button", name="Save as a slice").click()
        name = who.page.get_by_role("textbox", name="Name")
        name.fill(f"slice-of-{k}")
        name.press("Tab")
        who.settle()
        who.page.get_by_role("button", name="Save and show it on every page").click()
    for k, who in enumerate(found):
        who.page.get_by_text(f"Slice slice-of-{k}: 12 of 12 pairs").wait_for()
        who.settle()
        who.page.get_by_role("tab", name="Tags and notes").click()
        note = who.page.get_by_role("textbox", name="Note")
        note.fill(f"note-of-{k}")
        note.press("Control+Enter")
    for k, who in enumerate(found):
        who.page.get_by_text("Pairs with tags or a note: 1").wait_for()
        for page in ("Runs", "Side by side", "Load", "Examples"):
            who.visit(page)
            _nothing_of_others(who, k, page)
        who.page.get_by_text(f"words-of-{k} 0", exact=True).first.wait_for()
        assert not who.page.get_by_test_id("stException").count()
        assert who.wrong == []


def _nothing_of_others(who: Watched, own: int, page: str) -> None:
    boxes = who.page.locator("[role=combobox]:visible")
    shown = [who.page.content()]
    for k in range(boxes.count()):
        boxes.nth(k).focus(timeout=20_000)
        who.page.keyboard.press("ArrowDown")
        who.page.wait_for_timeout(60)
        shown.append(who.page.content())
        who.page.keyboard.press("Escape")
    text = "\n".join(shown)
    for other in range(USERS):
        marks = [f"{what}-of-{other}" for what in ("words", "file", "slice", "note")]
        seen = [mark for mark in marks if mark in text]
        assert other == own or not seen, (page, own, other, seen)
    assert f"words-of-{own}" in text or page != "Examples"
    assert f"file-of-{own}" in text or page == "Runs"


def test_a_link_to_another_s_data_opens_nothing_of_them(users):
    link, _, found = users
    digest = found[1].page.url.split("data=")[1].split("&")[0]
    stranger = found[0].context.new_page()
    stranger.goto(link.replace("/?", f"/examples?data={digest}&"), wait_until="domcontentloaded")
    stranger.get_by_text("not open here").wait_for()
    assert "words-of-1" not in stranger.content()


def test_a_run_is_listed_to_its_user_alone(users):
    found = users[2]
    mine, other = found[2], found[3]
    mine.visit("Annotate")
    # of the model that is built in
    mine.page.get_by_role("button", name="Start", exact=True).click()
    mine.settle()
    mine.visit("Runs")
    mine.page.get_by_text("(yours)").first.wait_for(state="attached")
    other.visit("Runs")
    assert "(yours)" not in other.page.content()


def test_the_folder_of_runs_keeps_nothing_readable_to_others(users):
    visitors = Path(users[1]) / "runs" / "visitors"
    assert visitors.stat().st_mode & 0o077 == 0
