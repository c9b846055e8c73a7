"""Who gets in: without the token neither a page nor the server shows anything but a note."""

from __future__ import annotations

import asyncio
import hmac
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from workbench.cli.dashboard import NO_TOKEN, TOKEN

PAGES = Path(__file__).resolve().parents[2] / "pages"
SERVED = sorted(path.name for path in PAGES.glob("*.py") if path.name != "app.py")


def visit(page: str, offered: str | None) -> AppTest:
    app = AppTest.from_file(str(PAGES / page), default_timeout=90)
    del app.query_params["token"]
    if offered is not None:
        app.query_params["token"] = offered
    app.run()
    assert not app.exception, app.exception
    return app


def shown(app: AppTest) -> list[str]:
    found = [element.type for block in (app.main, app.sidebar) for element in block]
    return [kind for kind in found if kind not in ("main", "sidebar")]


@pytest.mark.parametrize("page", SERVED)
def test_every_page_shows_nothing_but_a_note_without_the_token(page):
    app = visit(page, None)
    assert [note.value for note in app.info if "`workbench app` prints" in note.value]
    assert shown(app) == ["info"]
    assert not dict(app.query_params)


@pytest.mark.parametrize("offered", ["", "a-token-of-the-test", "a-token-of-the-tests ", "ü"])
def test_another_token_is_none(offered):
    assert shown(visit("report.py", offered)) == ["info"]


def test_a_session_remembers_that_it_was_let_in_and_the_address_forgets_the_token(token):
    app = visit("add_judge.py", token)
    assert [title.value for title in app.title] == ["Add a judge"]
    assert "token" not in app.query_params
    app.run()
    assert [title.value for title in app.title] == ["Add a judge"]


def test_the_cookie_of_the_gate_lets_in_and_others_do_not(cookies, token):
    from parts.entry import cookie

    cookies["workbench-0"] = token
    cookies[cookie()] = "wrong"
    assert shown(visit("add_judge.py", None)) == ["info"]
    cookies[cookie()] = token
    assert visit("add_judge.py", None).title


@pytest.mark.parametrize("value", [None, ""])
def test_a_server_that_was_told_no_token_is_shut(monkeypatch, value):
    if value is None:
        monkeypatch.delenv(TOKEN)
    else:
        monkeypatch.setenv(TOKEN, value)
    for offered in (None, "", "None"):
        assert shown(visit("report.py", offered)) == ["info"]


def test_no_token_is_a_choice_of_its_own(monkeypatch):
    monkeypatch.setenv(TOKEN, NO_TOKEN)
    assert visit("add_judge.py", None).title


def test_tokens_are_compared_in_constant_time(monkeypatch, token):
    from parts.entry import fits

    seen = []

    def compare(one: bytes, other: bytes) -> bool:
        seen.append((one, other))
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert fits("x")
    assert seen == [(b"x", token.encode())]


class Served:
    """The gate before an application that answers everything, asked as a server asks it."""

    def __init__(self) -> None:
        from parts.gate import Gate

        self.reached: list[str] = []
        self.gate = Gate(self._app)

    async def _app(self, scope, receive, send) -> None:
        self.reached.append(scope["path"])
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-type", b"text/html; charset=utf-8")]})  # fmt: skip
        await send({"type": "http.response.body", "body": b"data"})

    def ask(self, path: str, *, query: str = "", cookie: str = "", kind: str = "http") -> list:
        said: list = []
        scope = {"type": kind, "method": "GET", "path": path, "query_string": query.encode(),
                 "headers": [(b"host", b"127.0.0.1:1"), (b"cookie", cookie.encode())],
                 "scheme": "http", "server": ("127.0.0.1", 1)}  # fmt: skip

        async def send(message) -> None:
            said.append(message)

        async def receive():
            return {"type": "http.request", "body": b""}

        asyncio.run(self.gate(scope, receive, send))
        return said


def headers(said: list, name: str) -> list[str]:
    return [v.decode() for k, v in said[0]["headers"] if k.decode() == name]


@pytest.mark.parametrize(
    "path", ["/", "/compare", "/media/a.csv", "/_stcore/metrics", "/_stcore/upload_file/a/b"]
)
@pytest.mark.parametrize("query", ["", "token=", "token=wrong", "data=x"])
def test_the_gate_answers_strangers_with_a_note(path, query):
    served = Served()
    said = served.ask(path, query=query, cookie="workbench-visitor=x; workbench-0=wrong")
    assert said[0]["status"] == 403
    assert b"workbench app" in said[1]["body"]
    assert b"data" not in said[1]["body"]
    assert served.reached == []


def test_the_gate_refuses_a_stranger_s_socket_and_tells_anybody_that_the_server_is_up():
    served = Served()
    assert served.ask("/_stcore/stream", kind="websocket")[0]["type"] == "websocket.close"
    assert served.reached == []
    served.ask("/_stcore/health")
    assert served.reached == ["/_stcore/health"]


def test_a_link_with_the_token_becomes_one_without_it_and_a_cookie(token):
    served = Served()
    said = served.ask("/compare", query=f"data=a%20b&token={token}&ties=drop&ties=half")
    assert said[0]["status"] == 303
    [location] = headers(said, "location")
    assert parse_qs(urlsplit(location).query) == {"data": ["a b"], "ties": ["drop", "half"]}
    assert urlsplit(location).path == "/compare"
    [cookie] = headers(said, "set-cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert served.reached == []
    own = cookie.split(";")[0]
    assert served.ask("/compare", cookie=own)[0]["status"] == 200
    assert served.ask("/_stcore/stream", cookie=own, kind="websocket")[0]["status"] == 200
    assert served.reached == ["/compare", "/_stcore/stream"]


def test_a_redirect_stays_on_this_server(token):
    [location] = headers(Served().ask("//elsewhere.example/x", query=f"token={token}"), "location")
    assert location == "/elsewhere.example/x"


def test_a_browser_is_told_once_who_it_is(monkeypatch):
    monkeypatch.setenv(TOKEN, NO_TOKEN)
    served = Served()
    [first] = headers(served.ask("/"), "set-cookie")
    [second] = headers(served.ask("/"), "set-cookie")
    assert first.startswith("workbench-visitor=")
    assert first != second
    assert headers(served.ask("/", cookie=first.split(";")[0]), "set-cookie") == []


def test_an_error_is_handed_to_nobody():
    """Streamlit's box of an unexpected error has links that hand its words to other companies."""
    file = PAGES.parent / ".streamlit" / "config.toml"
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    assert settings["client"]["showErrorLinks"] is False
    assert settings["client"]["showErrorDetails"] == "none"
