"""Visitors of the pages, who come with the token unless a test says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from workbench.cli.dashboard import ENDPOINTS, TOKEN

LET_IN = "a-token-of-the-tests"


def with_cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the cookies of the browser that visits: none, until a test puts one in."""
    jar: dict[str, str] = {}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: dict(jar)))
    return jar


def with_token(monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the server's token, and let every visit to a page bring it in its link."""
    opened = AppTest.from_file

    def visited(script: str | Path, **options: Any) -> AppTest:
        app = opened(script, **options)
        app.query_params["token"] = LET_IN
        return app

    monkeypatch.setenv(TOKEN, LET_IN)
    monkeypatch.delenv(ENDPOINTS, raising=False)
    monkeypatch.setattr(AppTest, "from_file", visited)
    return LET_IN
