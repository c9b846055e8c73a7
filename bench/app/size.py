"""What each interaction of the dashboard costs with 200,000 pairs: CPU seconds of the server.

A synthetic file (short texts, two judges and people, two criteria, four scenarios, six models)
is opened by ``workbench app`` and walked in a browser. After each interaction the processor
time of the server is read, which other work on the machine does not change.

    python bench/app/size.py [--pairs 200000] [--out COSTS.csv]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.app.first_chart import CHROMIUM, _free, _running  # noqa: E402

WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from "
    "they say will one all would there their what so up out if about who get which go me when "
    "**note** - first however, perhaps sorry certainly thanks code 42 maybe clear exact"
).split()
TABS = ["Weights", "Differences", "Held-out", "Fit", "Similarity", "Concordance", "Scenarios",
        "Checks"]  # fmt: skip
_TICK = os.sysconf("SC_CLK_TCK")


def write(path: Path, pairs: int) -> None:
    """Write pairs whose longer response people like, and judges more."""
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, random.integers(8, 45))) for _ in range(20_000)]
    sizes = np.array([text.count(" ") for text in texts])
    a, b = random.integers(0, len(texts), (2, pairs))
    models = np.array([f"model-{k}" for k in range(6)])
    ma, step = random.integers(0, 6, pairs), random.integers(1, 6, pairs)
    table = pd.DataFrame({
        "prompt": [f"question {k // 2}: {texts[k // 2 % 997][:60]}" for k in range(pairs)],
        "response_a": [f"{texts[i]} {k}" for k, i in enumerate(a)],
        "response_b": [f"{texts[i]} {k}" for k, i in enumerate(b)],
        "model_a": models[ma], "model_b": models[(ma + step) % 6],
        "scenario": np.array(["code", "chat", "mail", "school"])[random.integers(0, 4, pairs)],
    })  # fmt: skip
    longer = (sizes[a] - sizes[b]) / 15
    people = [f"person-{k}" for k in range(40)]
    parts = []
    for who, kind, slope in (
        (None, "human", 0.4),
        ("judge-1", "llm", 1.2),
        ("judge-2", "llm", 0.7),
    ):
        for criterion, share in (("overall", 1.0), ("style", 0.25)):
            chosen = random.random(pairs) < share
            won = random.random(pairs) < 1 / (1 + np.exp(-slope * longer))
            part = table[chosen].assign(kind=kind, criterion=criterion,
                                        label=np.where(won, "a", "b")[chosen])  # fmt: skip
            part["annotator"] = who or np.array(people)[random.integers(0, 40, len(part))]
            parts.append(part)
    pd.concat(parts, ignore_index=True).to_parquet(path, index=False)


class Server:
    """The process that answers: its processor time and its greatest memory."""

    def __init__(self, command: int) -> None:
        children = Path(f"/proc/{command}/task/{command}/children").read_text(encoding="ascii")
        self._folder = Path(f"/proc/{children.split()[0]}")

    def cpu(self) -> float:
        """Return seconds of processor time since its start, of all threads."""
        fields = (self._folder / "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def memory(self, name: str = "VmRSS") -> float:
        """Return resident memory in GB: now, or the peak (``VmHWM``)."""
        lines = (self._folder / "status").read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith(name))
        return int(line.split()[1]) / 2**20

    def rest(self) -> float:
        """Wait until it has had nothing to do for two seconds, and return its CPU seconds."""
        before, quiet = self.cpu(), 0
        while True:
            time.sleep(1)
            now = self.cpu()
            quiet = quiet + 1 if now - before < 0.03 else 0
            if quiet == 2:
                return now
            before = now


class Walk:
    """A visitor who counts what each step costs."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page, self.server = page, server
        self.rows: list[dict[str, Any]] = []

    def step(self, name: str, act: Callable[[], Any], *, first: bool = False) -> None:
        """Do something, wait for the end of the run, and keep its cost."""
        before = self.server.rest()
        try:
            act()
            self.page.wait_for_timeout(300)
            self.page.locator("[data-test-script-state=notRunning]").wait_for(timeout=180_000)
            wrong = self.page.get_by_test_id("stException").count()
        except Exception as error:
            # the walk goes on, and tells it
            wrong = str(error).splitlines()[0]
        seconds = self.server.rest() - before
        row = {"step": name, "fit": first, "cpu_s": round(seconds, 2),
               "rss_gb": round(self.server.memory(), 2), "wrong": wrong or ""}  # fmt: skip
        self.rows.append(row)
        mark = "fit" if first else "SLOW" if seconds >= 2 else ""
        print(
            f"{name:<44} {seconds:7.2f} s {row['rss_gb']:6.2f} GB {mark} {wrong or ''}", flush=True
        )

    def go(self, name: str) -> None:
        """Follow a link at the side."""
        nav = self.page.get_by_test_id("stSidebarNav")
        nav.get_by_role("link", name=name, exact=True).click()
        self.page.get_by_role("heading", level=1, name=name).wait_for(timeout=180_000)

    def tab(self, name: str) -> None:
        """Open a tab."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def choose(self, label: str, option: str) -> None:
        """Choose in a select box, or one more of several."""
        self.page.get_by_role("combobox", name=label).first.click()
        self.page.get_by_role("option", name=option, exact=True).first.click()
        self.page.keyboard.press("Escape")


def walk(page: Any, server: Server, link: str) -> list[dict[str, Any]]:
    """Go over the pages twice: with the first fits, and once all is there."""
    visit = Walk(page, server)
    visit.step("open: read, factors, fits, overview", lambda: page.goto(link), first=True)
    for name in ("Compare", "Leaderboard"):
        visit.step(f"first visit: {name}", lambda name=name: visit.go(name), first=True)
    visit.step("first visit: Examples", lambda: visit.go("Examples"), first=True)
    visit.step("Overview again", lambda: visit.go("Overview"))
    visit.step("Examples again", lambda: visit.go("Examples"))
    for _ in range(2):
        visit.step("next pair", page.get_by_role("button", name="Next").click)
    search = page.get_by_label("Search prompt and responses")
    visit.step("search a word", lambda: (search.fill("sorry"), search.press("Enter")))
    visit.step("next pair of the search", page.get_by_role("button", name="Next").click)
    visit.step("filter by annotator too", lambda: visit.choose("Labelled by all of", "judge-1"))
    visit.step("filter by scenario too", lambda: visit.choose("In scenario", "code"))
    visit.step("verdicts: disagree", lambda: visit.choose("Verdicts", "disagree"))
    visit.step("most wrong first, filtered", lambda: visit.choose("Order", "most wrong first"))
    base = link.split("?")[0]
    behind = f"{base}examples?group=judge-1&term=words&against=human&order=behind"
    visit.step("link: behind a difference", lambda: page.goto(behind))
    visit.step("next pair behind", page.get_by_role("button", name="Next").click)
    visit.step("behind: those against", lambda: page.get_by_text("against it").last.click())
    visit.step("most wrong first", lambda: visit.choose("Order", "most wrong first"))
    visit.step("two annotators disagree", lambda: visit.choose("Order", "two annotators disagree"))
    for tab in ("Labels", "Factors", "Tags and notes"):
        visit.step(f"Examples: tab {tab}", lambda tab=tab: visit.tab(tab))
    visit.step("Compare again", lambda: visit.go("Compare"))
    for again in (False, True):
        for tab in TABS:
            name = f"Compare: tab {tab}" + (" again" if again else "")
            visit.step(name, lambda tab=tab: visit.tab(tab), first=not again)
    visit.step("Leaderboard again", lambda: visit.go("Leaderboard"))
    for tab in ("With and without style", "Pairs of models", "Checks", "Ratings"):
        visit.step(f"Leaderboard: tab {tab}", lambda tab=tab: visit.tab(tab))
    for name in ("Load", "Annotate", "Runs", "Side by side", "Principles", "Judge audit",
                 "Model audit", "Add a judge", "Curate", "Report"):  # fmt: skip
        visit.step(f"{name}", lambda name=name: visit.go(name), first=True)
        visit.step("Examples between", lambda: visit.go("Examples"))
        visit.step(f"{name} again", lambda name=name: visit.go(name))
    cut = f"{base}examples?slice=" + '{"scenarios":["code"]}'
    visit.step("a slice opens", lambda: page.goto(cut), first=True)
    visit.step("slice: next pair", page.get_by_role("button", name="Next").click)
    visit.step("slice: Overview", lambda: visit.go("Overview"), first=True)
    visit.step("slice: Examples", lambda: visit.go("Examples"))
    visit.step("slice: Overview again", lambda: visit.go("Overview"))
    visit.step("leave the slice", lambda: visit.choose("Slice", "all pairs"))
    return visit.rows


def main() -> None:
    """Make the file, walk, and tell."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = asked.file or Path(folder) / "pairs.parquet"
        if not file.exists():
            write(file, asked.pairs)
        port = _free()
        command = [sys.executable, "-m", "workbench.cli", "app", str(file), f"--port={port}"]
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        with _running(command, Path(folder), port) as started:
            said = next(line for line in started.stdout or () if "/?token=" in line)
            server = Server(started.pid)
            page = browser.new_context(viewport={"width": 1300, "height": 1400}).new_page()
            page.set_default_timeout(120_000)
            rows = walk(page, server, said.split()[-1])
            print(f"peak memory {server.memory('VmHWM'):.2f} GB")
        browser.close()
    costs = pd.DataFrame(rows)
    if asked.out:
        costs.to_csv(asked.out, index=False)
    steps = costs[~costs["fit"]]
    print(f"{len(steps)} interactions, {(steps['cpu_s'] >= 2).sum()} of 2 s or more; the dearest:")
    print(steps.nlargest(12, "cpu_s").to_string(index=False))


if __name__ == "__main__":
    main()
