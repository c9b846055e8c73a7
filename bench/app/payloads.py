"""Every payload in every place of the dashboard and the report, seen by a real browser.

``python -m bench.app.payloads`` goes through all; with ``0 8`` behind it through those from the
first to the eighth. Wanted: nothing runs, nothing leaves the machine, no cell of an
exported CSV is a formula. It ends with 1 where something did.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.pages.browsing import CHROMIUM, QUIET, Watched, dashboard
from tests.payloads import PAYLOADS, scores, votes

PAGES = (
    "Overview", "Load", "Compare", "Examples", "Leaderboard", "Annotate", "Runs", "Side by side",
    "Principles", "Judge audit", "Model audit", "Add a judge", "Curate", "Report",
)  # fmt: skip
OF_FACTORS = ("Overview", "Load", "Compare", "Examples", "Side by side", "Curate", "Report")
"""Pages that show factors: a table without texts has its columns for factors."""

_AT_ONCE = 8


def tour(who: Watched, pages: tuple[str, ...] = PAGES) -> None:
    """Go through the pages, do what they offer without a model of one's own, and look."""
    for name in pages:
        who.visit(name)
        act(who, name)
        who.explore()


def act(who: Watched, name: str) -> None:
    """Let a page do its work, where it waits to be told so."""
    page = who.page
    if name in ("Annotate", "Principles"):
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text("It is finished.").or_(page.get_by_text("Edit and export")).first.wait_for(
            timeout=120_000
        )
        who.settle()
    elif name == "Judge audit":
        page.get_by_role("tab", name="Existing verdicts").click()
        page.get_by_role("button", name="Audit the verdicts").click()
        who.settle()
    elif name == "Curate":
        # a factor's name stands in the reason why pairs go
        page.get_by_label("Factors that are to tell the label no longer").click()
        page.get_by_role("option").first.click()
        page.keyboard.press("Escape")
        who.settle()
    elif name == "Examples":
        for _ in range(_AT_ONCE - 1):
            page.get_by_role("button", name="Next", exact=True).click()
            who.settle()
            who.hover()


def batch(browser: Any, link: str, names: list[str], folder: Path) -> list[str]:
    """Open two files full of some payloads as a visitor, go everywhere, read the report."""
    found = []
    for k, (make, pages) in enumerate(((votes, PAGES), (scores, OF_FACTORS))):
        who = Watched(browser, link)
        who.page.goto(link, wait_until="domcontentloaded")
        who.settle()
        # a name of a file cannot hold every sign
        file = folder / f"{k}{names[0]}<img src=x onerror=window.planted=1>=1+1.csv".replace(
            "/", ""
        )
        make(names).to_csv(file, index=False)
        who.upload(file)
        try:
            tour(who, pages)
            who.read(who.files["report.html"], folder / f"report-{k}.html")
        finally:
            found += who.wrong
            who.context.close()
    return found


def main(arguments: list[str]) -> int:
    """Go through some payloads, and say what ran or left."""
    first, last = (int(one) for one in (arguments or ["0", str(len(PAYLOADS))]))
    names = list(PAYLOADS)[first:last]
    wrong: list[str] = []
    with (
        tempfile.TemporaryDirectory() as place,
        dashboard(Path(place)) as link,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for at in range(0, len(names), _AT_ONCE):
            some, began = names[at : at + _AT_ONCE], time.perf_counter()
            found = batch(browser, link, some, Path(place))
            took = time.perf_counter() - began
            print(
                f"{', '.join(some)}: {len(found)} in {took:.0f} s", *found, sep="\n  ", flush=True
            )
            wrong += found
        browser.close()
    print(f"{len(names)} payloads; {len(wrong)} ran or left")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
