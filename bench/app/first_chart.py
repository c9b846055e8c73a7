"""How long a visitor waits: our first chart and a page switch beside a trivial Streamlit app.

Both servers run at once and are visited in turn by browsers with an empty cache, so that other
work on the machine slows both. The trivial app draws one plotly chart of three points.

    python bench/app/first_chart.py [DATA] [--visits 5]
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHART = ".js-plotly-plot .point, .js-plotly-plot .errorbar"
TRIVIAL = """
import plotly.graph_objects as go
import streamlit as st
st.plotly_chart(go.Figure(go.Scatter(x=[1, 2, 3], y=[1, 3, 2], mode="markers")))
"""


def main() -> None:
    """Measure and print medians with their ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", default="sample")
    parser.add_argument("--visits", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        script = Path(folder) / "trivial.py"
        script.write_text(TRIVIAL, encoding="utf-8")
        with _trivial(script) as plain, _ours(asked.data, Path(folder)) as link:
            _tell(browser, plain, link, asked.visits)
        browser.close()


def _tell(browser: Any, plain: str, link: str, visits: int) -> None:
    first = _visit(browser, link)[0]
    _visit(browser, plain)
    theirs, ours, switches = [], [], []
    for _ in range(visits):
        theirs.append(_visit(browser, plain)[0])
        chart, switch = _visit(browser, link, "Compare")
        ours.append(chart)
        switches.append(switch)
    print(f"ours, first chart, right after the start: {first:.2f} s")
    measured = {"first chart": ours, "page switch": switches}
    for how, of in (("median", statistics.median), ("least", min)):
        base = of(theirs)
        print(f"{how} of {visits}: trivial app, first chart: {base:.2f} s")
        for name, values in measured.items():
            print(f"  ours, {name}: {of(values):.2f} s, {of(values) / base:.2f} times")


def _visit(browser: Any, link: str, then: str | None = None) -> tuple[float, float]:
    """Return seconds to the first chart, and from a click to the heading of another page."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(link, wait_until="commit")
    page.locator(CHART).first.wait_for(timeout=120_000)
    chart, switch = time.perf_counter() - start, float("nan")
    if then is not None:
        page.locator("[data-test-script-state=notRunning]").wait_for(timeout=120_000)
        start = time.perf_counter()
        page.get_by_role("link", name=then, exact=True).click()
        page.get_by_role("heading", level=1, name=then).wait_for(timeout=120_000)
        page.locator(CHART).first.wait_for(timeout=120_000)
        switch = time.perf_counter() - start
    context.close()
    return chart, switch


def _free() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(command, cwd=folder, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              start_new_session=True)  # fmt: skip
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
            except OSError:
                time.sleep(0.25)
            else:
                break
        yield server
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=30)


@contextmanager
def _trivial(script: Path) -> Iterator[str]:
    port = _free()
    flags = ["--server.headless=true", "--browser.gatherUsageStats=false", f"--server.port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags]
    with _running(command, script.parent, port):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def _ours(data: str, folder: Path) -> Iterator[str]:
    port = _free()
    source = data if data == "sample" else str(Path(data).resolve())
    command = [sys.executable, "-m", "workbench.cli", "app", source, f"--port={port}"]
    with _running(command, folder, port) as server:
        said = next(line for line in server.stdout or () if "/?token=" in line)
        yield said.split()[-1]


if __name__ == "__main__":
    main()
