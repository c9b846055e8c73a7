"""Who signs in is let in where the list names them, and nobody else is."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from workbench.cli.dashboard import NO_TOKEN, TOKEN

PAGES = Path(__file__).resolve().parents[2] / "pages"
PAGE = "from parts.entry import enter\nenter('Inside')\n"


class User(dict):
    """What Streamlit knows of who looks at a page."""

    def to_dict(self) -> dict:
        return dict(self)


@pytest.fixture(autouse=True)
def _open_but_for_the_list(monkeypatch):
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv(TOKEN, NO_TOKEN)
    monkeypatch.setenv("WORKBENCH_ALLOWED", "ann@example.org, @lab.example")


def visit(monkeypatch, **user) -> AppTest:
    monkeypatch.setattr(st, "user", User(user))
    app = AppTest.from_string(PAGE).run()
    assert not app.exception, app.exception
    return app


def inside(app: AppTest) -> bool:
    return [title.value for title in app.title] == ["Inside"]


@pytest.mark.parametrize("email", ["ann@example.org", "Ann@Example.org", "bob@lab.example"])
def test_who_is_listed_is_let_in(monkeypatch, email):
    assert inside(visit(monkeypatch, is_logged_in=True, email=email))


@pytest.mark.parametrize(
    "user",
    [
        {"email": "eve@example.org"},
        {"email": "eve@sub.lab.example"},
        {"email": "lab.example"},
        {"email": ""},
        {},
        {"email": "ann@example.org", "email_verified": False},
        {"email": "ann@example.org", "email_verified": "false"},
    ],
)
def test_others_are_told_and_may_sign_out(monkeypatch, user):
    app = visit(monkeypatch, is_logged_in=True, **user)
    assert not inside(app)
    assert [button.label for button in app.button] == ["Sign out"]


def test_who_has_not_signed_in_is_asked_to(monkeypatch):
    app = visit(monkeypatch, is_logged_in=False)
    assert not inside(app)
    assert [button.label for button in app.button] == ["Sign in"]


def test_without_a_list_nobody_who_signs_in_is_let_in(monkeypatch):
    monkeypatch.setenv("WORKBENCH_ALLOWED", " , ")
    assert not inside(visit(monkeypatch, is_logged_in=True, email="ann@example.org"))


def test_a_list_without_a_provider_shuts_the_app(monkeypatch):
    # Streamlit knows no `is_logged_in` where no provider is set up
    assert not inside(visit(monkeypatch, email="ann@example.org"))
    monkeypatch.delenv("WORKBENCH_ALLOWED")
    assert inside(visit(monkeypatch))


def test_the_token_is_asked_for_as_well(monkeypatch):
    monkeypatch.setenv(TOKEN, "a-token")
    assert not inside(visit(monkeypatch, is_logged_in=True, email="ann@example.org"))
