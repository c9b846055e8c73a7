"""The dashboard in a real browser: pages draw, and a link reopens the same view."""

from __future__ import annotations

import psutil
import pytest

from tests.pages.browsing import dashboard

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory):
    """The link of the app; it asks for the browser, so that nothing starts where there is none."""
    with dashboard(tmp_path_factory.mktemp("served")) as link:
        yield link


def test_load_then_compare_and_a_link_reopens_the_view(server, browser):
    context = browser.new_context(viewport={"width": 1400, "height": 1400})
    page = context.new_page()
    problems: list[str] = []
    requests: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(server, wait_until="domcontentloaded")
    page.get_by_role("heading", level=1, name="Overview").wait_for(timeout=90_000)
    page.get_by_text("simulated").first.wait_for(timeout=60_000)

    page.get_by_role("link", name="Compare").click()
    page.get_by_text("Compare annotators").wait_for(timeout=90_000)
    page.locator(".js-plotly-plot").first.wait_for(timeout=90_000)
    assert page.locator(".js-plotly-plot .errorbar").count() > 10

    # a choice goes into the address, and the address alone brings the choice back
    # a run that ends while the list is open would close it
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
    # a bar that scrolls closes the list as well, so the box is brought into view first
    page.get_by_label("Ties").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.get_by_label("Ties").click()
    page.get_by_role("option", name="drop").click()
    page.wait_for_url("**ties=drop**", timeout=30_000)
    link = page.url
    assert "data=" in link
    assert "token" not in link
    again = context.new_page()
    again.goto(link, wait_until="domcontentloaded")
    again.locator(".js-plotly-plot").first.wait_for(timeout=90_000)
    assert again.get_by_label("Ties").input_value() == "drop"
    page.get_by_role("tab", name="Similarity").click()
    page.wait_for_url("**view=Similarity**", timeout=30_000)
    page.get_by_text("corrected value").first.wait_for(timeout=60_000)
    # the choice stays on another page, and the report comes down as a file
    page.get_by_role("link", name="Report").click()
    button = page.get_by_role("button", name="HTML", exact=True)
    button.wait_for(timeout=90_000)
    assert page.get_by_label("Ties").input_value() == "drop"
    with page.expect_download(timeout=60_000) as download:
        button.click()
    assert "<html" in download.value.path().read_text(encoding="utf-8")[:200]
    assert problems == []
    home = server.partition("?")[0]
    elsewhere = [u for u in requests if not u.startswith((home, "data:", "blob:"))]
    assert elsewhere == []


def test_a_stranger_sees_a_note_and_a_deep_link_with_the_token_opens_its_page(server, browser):
    home, _, token = server.partition("?token=")
    stranger = browser.new_page()
    for path in ("", "compare", "media/x.csv", "?token=wrong"):
        answer = stranger.goto(home + path)
        assert answer.status == 403
        assert "opens with a link" in stranger.content()
        assert stranger.locator("script").count() == 0
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{home}add-judge?token={token}", wait_until="domcontentloaded")
    for _ in range(2):
        page.get_by_role("heading", name="Add a judge").wait_for(timeout=90_000)
        assert "token" not in page.url
        assert token not in page.content()
        page.reload(wait_until="domcontentloaded")
    arguments = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    assert any("streamlit" in line for line in arguments)
    assert not [line for line in arguments if token in line]


def test_the_report_reads_without_network_and_script_and_prints_unfolded(browser, tmp_path):
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
    assert page.locator("#figure-1 svg").first.is_hidden()
    # a link opens the fold that it leads into
    page.get_by_role("link", name="3 pairs").first.click()
    page.locator("blockquote").first.wait_for(timeout=30_000)
    page.get_by_role("navigation").get_by_role("link", name="Differences to human").click()
    page.locator("#differences-1 svg").first.wait_for(timeout=30_000)
    page.emulate_media(media="print")
    assert page.locator("#figure-1 svg").first.is_visible()
    assert page.locator("script").count() == 0
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
