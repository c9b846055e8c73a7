"""Visitors of the pages: every test opens them with the token, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from tests.pages.browsing import CHROMIUM, QUIET
from workbench.cli.dashboard import ENDPOINTS, TOKEN

LET_IN = "a-token-of-the-tests"


@pytest.fixture(autouse=True)
def cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the cookies of the browser that visits: none, until a test puts one in."""
    jar: dict[str, str] = {}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: dict(jar)))
    return jar


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the server's token, and let every visit to a page bring it in its link."""
    opened = AppTest.from_file

    def with_token(script: str | Path, **options: Any) -> AppTest:
        app = opened(script, **options)
        app.query_params["token"] = LET_IN
        return app

    monkeypatch.setenv(TOKEN, LET_IN)
    monkeypatch.delenv(ENDPOINTS, raising=False)
    monkeypatch.setattr(AppTest, "from_file", with_token)
    return LET_IN


# a browser that is open holds the event loop of its thread: others want one too
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()
