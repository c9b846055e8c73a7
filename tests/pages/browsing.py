"""A real browser on the dashboard: the server, and eyes on all that runs or leaves."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # whatever a page asks for, no name is looked up outside
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

_TELLS = (
    "Object.defineProperty(window, 'planted', "
    "{set: value => console.error('PLANTED ' + value), get: () => undefined});"
)
_BECAME = """host => [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a =>
  (['href', 'src', 'srcset', 'action', 'data', 'poster', 'xlink:href', 'style', 'ping',
    'background', 'formaction'].includes(a.name)
   && (a.value.includes(host) || /^\\s*(javascript:|data:text)/i.test(a.value)))
  || (a.name.startsWith('on') && a.value.includes('planted')))).map(e => e.outerHTML.slice(0, 200))
"""
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|-?inf", re.IGNORECASE)


@contextmanager
def dashboard(folder: Path, *arguments: str) -> Iterator[str]:
    """Run `workbench app` in a folder on a free port, and give the link that it prints."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "workbench.cli", "app", *arguments, f"--port={port}"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        said = next(line for line in process.stdout if "/?token=" in line)
        _answers(f"http://127.0.0.1:{port}/_stcore/health")
        yield said.split()[-1]
    finally:
        # the server is a process of its own below the command
        os.killpg(process.pid, 15)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(timeout=20)
        process.stdout.close()


def _answers(address: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=2)
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise TimeoutError("the app did not answer within a minute")


class Watched:
    """A page of a visitor of its own, and what went wrong on it.

    Attributes
    ----------
    wrong : list of str
        What ran, what was asked of another host, dialogs, windows, cells that run.
    files : dict of str to bytes
        What was downloaded.
    """

    def __init__(self, browser: Any, home: str) -> None:
        self.wrong: list[str] = []
        self.files: dict[str, bytes] = {}
        self._home = urlsplit(home).netloc
        self.context = browser.new_context(
            viewport={"width": 1400, "height": 1600}, accept_downloads=True
        )
        # other work on the machine makes a page slow, and no page wrong
        self.context.set_default_timeout(90_000)
        self.context.add_init_script(_TELLS)
        self.context.on("request", self._asked)
        self.context.on("page", lambda page: self._watch(page, "window opened"))
        self.page = self.context.new_page()
        self.wrong.clear()

    def _watch(self, page: Any, why: str) -> None:
        self.wrong.append(f"{why}: {page.url}")
        page.on("dialog", self._dialog)
        page.on("console", self._said)
        page.on("framenavigated", self._went)

    def _asked(self, request: Any) -> None:
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob", "about", "file") and place.netloc != self._home:
            self.wrong.append(f"asked {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _said(self, message: Any) -> None:
        if message.text.startswith("PLANTED"):
            self.wrong.append(f"ran {message.text}")

    def _went(self, frame: Any) -> None:
        place = urlsplit(frame.url)
        if place.netloc not in ("", self._home):
            self.wrong.append(f"went to {frame.url}")

    def settle(self) -> None:
        """Wait until the page has run to its end."""
        self.page.wait_for_timeout(400)
        self.page.locator("[data-test-script-state=notRunning]").wait_for(timeout=120_000)

    def upload(self, file: Path) -> None:
        """Open a file on the Load page, by the formats and columns that are guessed."""
        self.visit("Load")
        self.page.locator("input[type=file]").first.set_input_files(str(file))
        self.settle()
        self.page.get_by_text("As read: the first judgements").wait_for()
        self.settle()
        self.scroll()
        self.inspect()
        self.page.get_by_role("button", name="Load", exact=True).click()
        self.settle()

    def visit(self, name: str) -> None:
        """Go to a page by its link at the side."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
        self.page.get_by_role("heading", level=1, name=name).wait_for()
        self.settle()

    def explore(self) -> None:
        """Look at all of a page: each tab, plots hovered, tables scrolled, lists opened, files."""
        tabs = self.page.get_by_role("tab")
        for k in range(max(tabs.count(), 1)):
            if tabs.count():
                tabs.nth(k).click()
                self.settle()
            self.hover()
            self.scroll()
            self.download()
            self.inspect()
        self.unfold()
        self.inspect()

    def inspect(self) -> None:
        """Find elements that a payload became, although nobody clicked them yet."""
        self.wrong += [f"element {found}" for found in self.page.evaluate(_BECAME, "leak.invalid")]

    def hover(self) -> None:
        """Move over the marks and the labels of every plot that is seen."""
        for plot in self.page.locator(".js-plotly-plot:visible").all():
            plot.scroll_into_view_if_needed()
            # the marks lie below what catches the mouse: it is moved to where they are
            marks = plot.evaluate(
                "p => [...p.querySelectorAll('.point, .points path, .bars path, .hm')].map(e => "
                "{const b = e.getBoundingClientRect(); return [b.x + b.width/2, b.y + b.height/2]})"
            )
            for x, y in marks[:: max(1, len(marks) // 12)]:
                self.page.mouse.move(x, y)
                self.page.wait_for_timeout(60)

    def scroll(self) -> None:
        """Scroll every table that is seen, look at its heads and open a cell."""
        for table in self.page.get_by_test_id("stDataFrame").all():
            if not table.is_visible():
                continue
            table.scroll_into_view_if_needed()
            box = table.bounding_box()
            self.page.mouse.move(box["x"] + 40, box["y"] + 15)
            self.page.wait_for_timeout(100)
            self.page.mouse.dblclick(box["x"] + 60, box["y"] + 55)
            self.page.wait_for_timeout(200)
            self.page.keyboard.press("Escape")
            for right, down in ((0, 400), (600, 0), (-600, -400)):
                self.page.mouse.wheel(right, down)
                self.page.wait_for_timeout(60)

    def unfold(self) -> None:
        """Open every list of options and close it again."""
        boxes = self.page.locator("[role=combobox]:visible")
        for k in range(boxes.count()):
            # a list that was open may have changed which others there are
            if boxes.nth(k).is_visible():
                boxes.nth(k).focus(timeout=20_000)
                self.page.keyboard.press("ArrowDown")
                self.page.wait_for_timeout(80)
                self.page.keyboard.press("Escape")

    def download(self) -> None:
        """Take every file that the page offers; no cell of a CSV may be a formula."""
        buttons = self.page.get_by_test_id("stDownloadButton").locator("button:visible")
        for k in range(buttons.count()):
            with self.page.expect_download(timeout=60_000) as coming:
                buttons.nth(k).click()
            name = coming.value.suggested_filename
            self.files[name] = Path(coming.value.path()).read_bytes()
            if name.endswith(".csv"):
                self.wrong += formulas(self.files[name].decode("utf-8"), name)

    def read(self, page: bytes, file: Path) -> None:
        """Open a report as a file, unfold it, and move over its figures and tables."""
        file.write_bytes(page)
        self.page.goto(file.as_uri())
        self.page.locator("main").wait_for(timeout=60_000)
        self.page.evaluate("document.querySelectorAll('details').forEach(d => {d.open = true})")
        for picture in self.page.locator("svg[role=img]").all():
            picture.hover()
        for table in self.page.locator(".scroll").all():
            table.evaluate("t => {t.scrollTop = 1e6; t.scrollLeft = 1e6}")
        self.inspect()


def formulas(text: str, name: str) -> list[str]:
    """Return the cells of a CSV that a spreadsheet would run."""
    cells = (cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row)
    bad = [c for c in cells if _FORMULA.match(c) and not _NUMBER.fullmatch(c)]
    return [f"formula in {name}: {cell[:60]!r}" for cell in bad]
