"""Pages that a test of the commands opens, opened with the token."""

from __future__ import annotations

import pytest


@pytest.fixture
def let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.visitors import with_cookies, with_token

    with_cookies(monkeypatch)
    with_token(monkeypatch)
