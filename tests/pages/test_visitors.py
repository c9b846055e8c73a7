"""What a visitor uploads, and the runs made from it, are seen by nobody else; keys stay home."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.endpoints import NO_KEY, Endpoints
from workbench.annotate.process import runs_in, status
from workbench.annotate.run import execute, prepare
from workbench.cli.dashboard import ENDPOINTS

PAGES = Path(__file__).resolve().parents[2] / "pages"
OWN_WORDS = "only-of-visitor-a"
VOTES = "prompt,text_a,text_b,label\n" + "".join(
    f"{OWN_WORDS} {k},yes {k},no no {k},{'ab'[k % 2]}\n" for k in range(12)
)
KEYS = {"WORKBENCH_API_KEY": "key-of-the-list", "OPENAI_API_KEY": "key-of-the-user",
        "SOME_SECRET": "another-secret", "OPENAI_ORG_ID": "organisation"}  # fmt: skip


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "runs"


class Visitor:
    """A session that goes from page to page, as one in a browser does."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.link: dict[str, Any] = {}

    def visit(self, page: str, **link: str) -> AppTest:
        app = AppTest.from_file(str(PAGES / page), default_timeout=90)
        for key, value in self.kept.items():
            app.session_state[key] = value
        for key, value in {**self.link, **link}.items():
            app.query_params[key] = value
        return self.seen(app.run())

    def seen(self, app: AppTest) -> AppTest:
        assert not app.exception, app.exception
        of_session = ("uploads", "visitor", "let-in", "data", "scratch")
        self.kept = {k: app.session_state[k] for k in of_session if k in app.session_state}
        self.link = dict(app.query_params)
        return app


def everything(app: AppTest) -> str:
    parts = [str(element.proto) for block in (app.main, app.sidebar) for element in block
             if hasattr(element, "proto")]  # fmt: skip
    frames = [frame.value.to_string() for frame in app.dataframe]
    return "\n".join([*parts, *frames, *(str(s.options) for s in app.selectbox)])


def with_upload() -> Visitor:
    who = Visitor()
    app = who.visit("load.py")
    app.file_uploader[0].set_value(("mine.csv", VOTES.encode(), "text/csv")).run()
    app.button(key="load").click().run()
    who.seen(app)
    return who


def ended(folder) -> None:
    end = time.monotonic() + 60
    while status(folder).state in ("new", "running") or folder.running:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def at_once(monkeypatch) -> None:
    """Let runs be done before the page goes on: a process of its own takes seconds to start."""
    import parts.places

    monkeypatch.setattr(parts.places, "start", lambda folder, environment: execute(folder))


@pytest.fixture
def made(root, at_once) -> tuple[Visitor, Path]:
    """Visitor A with a finished run over an upload."""
    who = with_upload()
    app = who.visit("annotate.py")
    app.button("start").click().run()
    who.seen(app)
    assert runs_in(root) == []
    (folder,) = runs_in(next((root / "visitors").iterdir()))
    return who, folder.path


def test_a_run_of_an_upload_is_seen_by_its_visitor_alone(made, root):
    who, folder = made
    prepared = prepare(
        AnnotateConfig(model="offline:plain", pairs=5), wb.load("sample"), root / "s"
    )
    execute(prepared)
    mine = who.visit("annotate.py").selectbox("run")
    assert mine.options == [f"{folder.name} (yours)", "s"]
    assert OWN_WORDS in (folder / "data" / "pairs.arrow").read_bytes().decode("latin-1")
    other = Visitor()
    theirs = other.visit("annotate.py", data=who.link["data"][0])
    assert any("not open here" in warning.value for warning in theirs.warning)
    theirs = Visitor().visit("annotate.py")
    assert theirs.selectbox("run").options == ["s"]
    assert OWN_WORDS not in everything(theirs)
    assert folder.name not in everything(theirs)


@pytest.mark.parametrize(
    "page", ["principles.py", "judge_audit.py", "model_audit.py", "runs.py", "side_by_side.py"]
)
def test_other_pages_show_nothing_of_another_visitor(made, page):
    folder = made[1]
    theirs = everything(Visitor().visit(page))
    assert OWN_WORDS not in theirs
    assert "mine.csv" not in theirs
    assert folder.name not in theirs


def test_the_name_of_a_run_opens_nobody_else_s(made):
    folder = made[1]
    app = AppTest.from_file(str(PAGES / "annotate.py"), default_timeout=90)
    app.session_state["run"] = f"{folder.name} (yours)"
    app.run()
    assert OWN_WORDS not in everything(app)
    app = AppTest.from_file(str(PAGES / "model_audit.py"), default_timeout=90)
    app.session_state["m-audit"] = f"visitors/{folder.parent.name}/{folder.name}"
    app.run()
    assert OWN_WORDS not in everything(app)


@pytest.mark.parametrize("view", ["State", "Calls", "Settings", "Files", "Compare with another"])
def test_runs_show_a_visitor_their_own_and_nobody_else_s(made, root, view):
    who, folder = made
    prepared = prepare(
        AnnotateConfig(model="offline:plain", pairs=5), wb.load("sample"), root / "s"
    )
    execute(prepared)
    mine = who.visit("runs.py", **{"of-run": f"{folder.name} (yours)", "run-view": view})
    assert f"{folder.name} (yours)" in mine.selectbox("of-run").options
    if view == "Calls":
        assert OWN_WORDS in everything(mine)
    # the link of the one opens the other's own runs
    theirs = Visitor().visit("runs.py", **{"of-run": f"{folder.name} (yours)", "run-view": view})
    assert theirs.selectbox("of-run").options == ["s"]
    assert OWN_WORDS not in everything(theirs)
    assert folder.name not in everything(theirs)
    sides = Visitor().visit("side_by_side.py", sides="Two runs")
    assert folder.name not in everything(sides)


def test_the_same_file_under_another_name_keeps_each_its_own_name():
    with_upload()
    who = Visitor()
    app = who.visit("load.py")
    app.file_uploader[0].set_value(("theirs.csv", VOTES.encode(), "text/csv")).run()
    app.button(key="load").click().run()
    who.seen(app)
    for page in ("load.py", "compare.py", "report.py", "examples.py"):
        shown = everything(who.visit(page))
        assert "theirs.csv" in shown
        assert "mine.csv" not in shown


def test_a_browser_finds_its_runs_again_after_a_reload(root, at_once, cookies):
    cookies["workbench-visitor"] = "browser-of-a"
    who = with_upload()
    who.seen(who.visit("annotate.py").button("start").click().run())
    (folder,) = runs_in(next((root / "visitors").iterdir()))
    assert f"{folder.path.name} (yours)" in Visitor().visit("annotate.py").selectbox("run").options
    cookies["workbench-visitor"] = "browser-of-b"
    assert folder.path.name not in everything(Visitor().visit("annotate.py"))


def test_runs_of_uploads_cannot_be_read_by_other_users_of_the_machine(made, root):
    assert (root / "visitors").stat().st_mode & 0o077 == 0


def test_the_secret_of_a_visitor_is_on_no_page_and_in_no_path(made):
    who, folder = made
    assert len(who.kept["visitor"]) >= 16
    assert who.kept["visitor"] not in str(folder)
    assert who.kept["visitor"] not in everything(who.visit("annotate.py"))


class Heard(BaseHTTPRequestHandler):
    """Answers nothing and writes down what it was sent."""

    requests: list[dict[str, str]]

    def do_POST(self) -> None:
        self.requests.append({k.lower(): v for k, v in self.headers.items()})
        body = json.dumps({"error": {"message": "no"}}).encode()
        self.send_response(401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, str]]]]:
    heard: list[dict[str, str]] = []
    handler = type("Handler", (Heard,), {"requests": heard})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked(root: Path, **chosen: str) -> AppTest:
    """Start a run of two pairs from the page, and wait for its end."""
    app = Visitor().visit("annotate.py")
    app.text_input("model").set_value("gpt-x")
    app.number_input("pairs").set_value(2)
    if "name" in chosen:
        app.selectbox("base-url-name").select(chosen["name"]).run()
    if "url" in chosen:
        app.text_input("base-url").set_value(chosen["url"])
    app.button("start").click().run()
    assert not app.exception, app.exception
    (folder,) = runs_in(root)
    ended(folder)
    return Visitor().visit("annotate.py")


def test_a_typed_address_gets_no_key_whatever_the_server_knows(root, monkeypatch):
    with listening() as (url, heard), listening() as (other, _):
        monkeypatch.setenv(ENDPOINTS, Endpoints.from_flags([f"listed={other}"]).to_json())
        shown = asked(root, name="Another address, without a key", url=url)
    assert heard
    for request in heard:
        sent = "\n".join(request.values())
        assert not [value for value in KEYS.values() if value in sent]
    text = everything(shown)
    assert not [name for name in (*KEYS, NO_KEY) if name in text]
    (folder,) = runs_in(root)
    assert folder.config.key_variable == NO_KEY


def test_a_listed_endpoint_gets_its_key_and_no_other(root, monkeypatch):
    with listening() as (url, heard):
        monkeypatch.setenv(ENDPOINTS, Endpoints.from_flags([f"listed={url}"]).to_json())
        shown = asked(root, name="listed")
    assert {request["authorization"] for request in heard} == {"Bearer key-of-the-list"}
    assert "openai-organization" not in {name for request in heard for name in request}
    text = everything(shown)
    assert "key-of-the-list" not in text
    assert not [name for name in KEYS if name in text]


def test_a_run_that_is_taken_up_gets_no_key_that_its_folder_names(root):
    with listening() as (url, heard):
        config = AnnotateConfig(model="m", base_url=url, key_variable="SOME_SECRET", pairs=1)
        folder = prepare(config, wb.load("sample"), root / "found")
        folder.write_progress({"state": "stopped", "pid": os.getpid(), "stages": {}})
        app = Visitor().visit("annotate.py")
        app.button("resume").click().run()
        ended(folder)
    assert heard
    assert not [request for request in heard if "another-secret" in "".join(request.values())]


@pytest.mark.parametrize("page", ["annotate.py", "principles.py", "judge_audit.py"])
def test_no_page_names_a_variable(page):
    text = everything(Visitor().visit(page))
    assert "key" in text
    assert "API_KEY" not in text
    assert "variable" not in text.lower()
