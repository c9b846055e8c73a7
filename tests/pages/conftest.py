"""Visitors of the pages: every test opens them with the token, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pages.browsing import CHROMIUM, QUIET, ROOT
from tests.visitors import with_cookies, with_token


@pytest.fixture(autouse=True)
def pages_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages can be imported, and the sample is what the server opens."""
    monkeypatch.syspath_prepend(str(ROOT / "pages"))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")


@pytest.fixture(autouse=True)
def cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return with_cookies(monkeypatch)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    return with_token(monkeypatch)


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
