"""The dashboard in a real browser: pages draw, and a link reopens the same view."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[2] / "pages"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(browser):
    """The app on a free port of the loopback interface; it ends with the test.

    It asks for the browser, so that nothing starts where there is none.
    """
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(PAGES / "app.py")]
    command += [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    process = subprocess.Popen(
        command,
        cwd=PAGES.parent,
        env={**os.environ, "WORKBENCH_DATA": "sample"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail("the app did not answer within a minute")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def browser():
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


def test_load_then_compare_and_a_link_reopens_the_view(server, browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1400})
    problems: list[str] = []
    requests: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(server, wait_until="domcontentloaded")
    page.get_by_text("Load preference data").wait_for(timeout=90_000)
    page.get_by_text("simulated").first.wait_for(timeout=60_000)

    page.get_by_role("link", name="Compare").click()
    page.get_by_text("Compare annotators").wait_for(timeout=90_000)
    page.locator(".js-plotly-plot").first.wait_for(timeout=90_000)
    assert page.locator(".js-plotly-plot .errorbar").count() > 10

    # a choice goes into the address, and the address alone brings the choice back
    # a run that ends while the list is open would close it
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
    page.get_by_label("Ties").click()
    page.get_by_role("option", name="drop").click()
    page.wait_for_url("**ties=drop**", timeout=30_000)
    link = page.url
    assert "data=" in link
    again = browser.new_page()
    again.goto(link, wait_until="domcontentloaded")
    again.locator(".js-plotly-plot").first.wait_for(timeout=90_000)
    assert again.get_by_label("Ties").input_value() == "drop"
    page.get_by_role("tab", name="Similarity").click()
    page.wait_for_url("**view=Similarity**", timeout=30_000)
    page.get_by_text("corrected value").first.wait_for(timeout=60_000)
    # the choice stays on another page, and the report comes down as a file
    page.get_by_role("link", name="Report").click()
    button = page.get_by_role("button", name="Download the report")
    button.wait_for(timeout=90_000)
    assert page.get_by_label("Ties").input_value() == "drop"
    with page.expect_download(timeout=60_000) as download:
        button.click()
    assert "<html" in download.value.path().read_text(encoding="utf-8")[:200]
    assert problems == []
    elsewhere = [u for u in requests if not u.startswith((server, "data:", "blob:"))]
    assert elsewhere == []


def test_the_report_draws_without_network_and_without_a_cloud_button(browser, tmp_path):
    import workbench as wb

    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    fits = wb.decompose(data, by="kind", folds=0)
    path = wb.report([fits, wb.contrast(fits, "human")], data=data).save(tmp_path / "report.html")
    page = browser.new_page()
    problems: list[str] = []
    requests: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.locator("#figure-2 .errorbar").first.wait_for(timeout=30_000)
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    page.locator("#figure-1").hover()
    titles = page.locator(".modebar-btn").evaluate_all(
        "buttons => buttons.map(b => b.getAttribute('data-title') || '')"
    )
    assert titles
    assert not [title for title in titles if "hare" in title or "loud" in title]
