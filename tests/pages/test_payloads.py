"""Texts and names that would run or leave, were they taken for markup, in a real browser.

``python -m bench.app.payloads`` takes each payload to every page and place; here all of them stand
in one file, and those of each kind in its names.
"""

from __future__ import annotations

import pytest

from tests.pages.browsing import Watched, dashboard, formulas
from tests.payloads import AWAY, PAYLOADS, scores, votes

pytestmark = pytest.mark.browser

NAMES = ["script", "link javascript", "link short", "markdown image", "formula", "hover template",
         "attribute ends", "script ends"]  # fmt: skip


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with dashboard(folder) as link:
        yield link, folder


def visiting(browser, served, file, table) -> Watched:
    link, folder = served
    who = Watched(browser, link)
    who.page.goto(link, wait_until="domcontentloaded")
    who.settle()
    table.to_csv(folder / file, index=False)
    who.upload(folder / file)
    return who


def test_texts_and_names_of_a_file_are_text_on_the_pages_and_in_the_report(browser, served):
    names = [*NAMES, *(name for name in PAYLOADS if name not in NAMES)]
    who = visiting(browser, served, "x<img src=x onerror=window.planted=1>.csv", votes(names))
    who.page.get_by_text("window.planted=1>.csv: 96 pairs, 768 labels; digest").wait_for()
    for page in ("Overview", "Leaderboard", "Side by side", "Runs", "Curate", "Report", "Examples"):
        who.visit(page)
        who.explore()
    for _ in range(3):
        who.page.get_by_role("button", name="Next").click()
        who.settle()
        who.inspect()
    who.page.get_by_text("rendered", exact=True).click()
    for _ in range(3):
        who.settle()
        who.inspect()
        who.page.get_by_role("button", name="Previous").click()
    who.settle()
    who.read(who.files["report.html"], served[1] / "report.html")
    assert who.page.locator("svg[role=img]").count()
    assert not who.page.locator("script").count()
    assert who.wrong == []
    assert sum(name.endswith(".csv") for name in who.files) >= 5


def test_columns_that_become_factors_are_text_in_tables_and_figures(browser, served):
    who = visiting(browser, served, "=1+1.csv", scores(NAMES))
    who.visit("Overview")
    who.hover()
    who.inspect()
    who.visit("Compare")
    who.hover()
    who.scroll()
    who.download()
    who.inspect()
    assert who.wrong == []
    assert "=HYPERLINK" in who.files["weights.csv"].decode()


def test_most_payloads_run_or_leave_where_they_are_markup(browser, served):
    """The eyes see: as HTML, or as a hover label of plotly, the same texts do what they say."""
    from playwright.sync_api import Error

    who = Watched(browser, served[0])
    silent = []
    for name, text in PAYLOADS.items():
        who.wrong.clear()
        who.page.set_content(f"<title>x</title><textarea>x</textarea><p>{text}</p>")
        who.page.wait_for_timeout(50)
        try:
            who.inspect()
        except Error as gone:
            # the page goes elsewhere while it is looked at: that is seen
            who.wrong.append(str(gone))
        if not who.wrong:
            silent.append(name)
    # these are markup elsewhere: in Markdown, LaTeX, a template, a terminal, a spreadsheet
    assert len(PAYLOADS) - len(silent) >= 32, silent
    assert set(NAMES) & set(silent) <= {"markdown image", "formula", "attribute ends"}


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name.startswith("formula")])
def test_a_cell_that_runs_is_seen(name):
    cell = PAYLOADS[name].replace('"', '""')
    assert formulas(f'"a"\n"{cell}"\n', "x.csv")
    assert not formulas(f'"a"\n"\'{cell}"\n-1.5\n', "x.csv")
    assert AWAY.startswith("http://leak.")
