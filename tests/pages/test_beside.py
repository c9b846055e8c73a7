"""The pages of judges beside people and of labels to buy, as a session sees them."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from parts.beside.views import JUDGES, LABELS
from streamlit.testing.v1 import AppTest

import workbench as wb

PAGES = Path(__file__).resolve().parents[2] / "pages"


def _run(page: str, **query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGES / page), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def test_every_view_asks_what_its_verb_takes():
    for view in (*JUDGES, *LABELS):
        taken = inspect.signature(getattr(wb, view.verb)).parameters
        assert {*view.takes, *dict(view.given)} <= set(taken), view.verb
