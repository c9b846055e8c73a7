"""A walk in a real browser: a run is started, its calls are read, two runs are compared."""

from __future__ import annotations

import pytest

import workbench as wb
from tests.pages.browsing import Watched, dashboard
from tests.payloads import PAYLOADS
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.run import execute, prepare
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

pytestmark = pytest.mark.browser


def test_a_visitor_reads_every_call_and_hostile_replies_stay_text(browser, tmp_path):
    data = wb.load("sample")
    for name, options in (("first", {}), ("second", {"orders": "ab"})):
        config = AnnotateConfig(model="offline:plain", pairs=30, **options)
        execute(prepare(config, data, tmp_path / "runs" / name))
    hostile = "\n".join(PAYLOADS.values())
    with Journal(tmp_path / "runs" / "first" / "journal.sqlite") as journal:
        asked = Request("m", ({"role": "user", "content": hostile},))
        lost = Reply(hostile, None, reason=f"status 400: {hostile}", usage=Usage(9, 9))
        journal.put({"lost": lost}, {"lost": asked})
    with dashboard(tmp_path) as link:
        who = Watched(browser, link)
        page = who.page
        page.goto(link, wait_until="domcontentloaded")
        who.settle()
        who.visit("Runs")
        page.get_by_text("2 done").wait_for()
        choose(who, "Run", "first")
        choose(who, "View", "Calls")
        page.get_by_text("Calls 1 to 15 of 61").wait_for()
        page.get_by_role("heading", name="Call f1").wait_for()
        who.inspect()
        page.get_by_role("button", name="Next page").click()
        who.settle()
        page.get_by_text("Calls 16 to 30 of 61").wait_for()
        choose(who, "View", "Files")
        who.download()
        assert set(who.files) == {"run.zip", "calls.jsonl"}
        assert who.files["calls.jsonl"].count(b"\n") == 61
        choose(who, "View", "Compare with another")
        page.get_by_text("first and second: agreement on the same pairs").wait_for()
        who.inspect()
        keeps_the_form(who)
        who.visit("Side by side")
        choose(who, "What to compare", "Two runs")
        page.get_by_text("factors differ").wait_for()
        who.hover()
        assert who.wrong == []


def choose(who: Watched, box: str, option: str) -> None:
    who.page.get_by_role("combobox", name=box).first.click()
    who.page.get_by_role("option", name=option, exact=True).click()
    who.settle()


def keeps_the_form(who: Watched) -> None:
    """What is chosen on Annotate is there after a look at another page."""
    who.visit("Annotate")
    who.page.get_by_text("New run").click()
    for label, value in (("Pairs", "123"), ("Model", "offline:mine")):
        who.page.get_by_label(label, exact=True).fill(value)
        who.page.keyboard.press("Enter")
        who.settle()
    choose(who, "Orders", "ba")
    who.visit("Runs")
    who.visit("Annotate")
    who.page.get_by_text("New run").click()
    assert who.page.get_by_label("Pairs", exact=True).input_value() == "123"
    assert who.page.get_by_label("Model", exact=True).input_value() == "offline:mine"
    assert who.page.get_by_role("combobox", name="Orders").first.input_value() == "ba"
