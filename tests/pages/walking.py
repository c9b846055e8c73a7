"""A visitor who walks through the pages, and what the library says that must stand there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd

import workbench as wb
from tests.pages.browsing import Watched
from workbench.decompose.design import POSITION
from workbench.explain.behind import behind
from workbench.report.job import MainJob
from workbench.report.main_job import main_job

PICTURES = os.environ.get("WORKBENCH_SCREENSHOTS")
"""Folder of the pictures that a walk takes; without it there are none."""
SIZES = {"window": (1300, 900), "phone": (390, 800)}


@dataclass(frozen=True)
class Told:
    """What the library finds in a data set, without any page."""

    data: wb.PreferenceData
    job: MainJob
    found: wb.Overview

    @classmethod
    def of(cls, source: str | Path) -> Told:
        """Read a source and do what a new visitor sees first."""
        job = main_job(wb.score_factors(wb.load(str(source)), wb.factors.CORE))
        return cls(job.data, job, wb.overview(job))

    @property
    def number(self) -> str:
        """The first number, from the contrast or the fit that holds it."""
        point = self.found.points[0]
        if point.against is not None:
            gap = wb.contrast(self.job.judges[point.group], self.job.people)
            row = _row(gap.to_frame(), point)
        else:
            row = _row(self._fit(point.group).to_frame(), point)
        if point.term == POSITION:
            return f"wins {100 * row['probability']:.0f}% ["
        ends = f"[{row['per_sd_low']:.2f}, {row['per_sd_high']:.2f}]"
        return f"{row['per_sd']:+.2f} log-odds per SD {ends}"

    @property
    def first_pair(self) -> pd.Series:
        """The pair that speaks most for the first number."""
        point = self.found.points[0]
        against = None if point.against is None else (self._fit(point.against), point.against)
        ranked = behind(self._fit(point.group), point.group, point.term, against=against, n=1)
        return self.data.pairs.set_index("pair_id", drop=False).loc[ranked["pair_id"].iloc[0]]

    def _fit(self, group: str) -> Any:
        fits = [fit for fit in (self.job.people, self.job.judges) if fit is not None]
        return next(fit for fit in fits if group in fit.groups)


def _row(frame: pd.DataFrame, point: Any) -> pd.Series:
    return frame[(frame["group"] == point.group) & (frame["term"] == point.term)].iloc[0]


class Walker(Watched):
    """A visitor who also notes errors of the pages, and takes pictures where they are wanted."""

    def __init__(self, browser: Any, home: str, name: str) -> None:
        super().__init__(browser, home)
        self._name, self._taken = name, 0
        self.page.set_viewport_size(dict(zip(("width", "height"), SIZES["window"], strict=True)))
        self.page.on("pageerror", lambda error: self.wrong.append(f"page error {error}"))
        self.page.on("console", self._complained)

    def _complained(self, message: Any) -> None:
        if message.type == "error":
            self.wrong.append(f"console {message.text}")

    def arrive(self, home: str) -> None:
        """Open the app by its link."""
        self.page.goto(home, wait_until="domcontentloaded")
        self.heading("Overview")

    def heading(self, name: str) -> None:
        """Wait until a page has come and has run to its end, without a traceback."""
        self.page.get_by_role("heading", level=1, name=name).wait_for()
        self.settle()
        self.well()

    def well(self) -> None:
        """Note tracebacks and errors that the page shows."""
        for kind in ("stException", "stAlertContentError"):
            for box in self.page.get_by_test_id(kind).all():
                self.wrong.append(f"{kind}: {box.inner_text()[:200]}")

    def chart(self) -> None:
        """Wait for the marks of a figure."""
        self.page.locator(".js-plotly-plot:visible .point").first.wait_for()

    def tab(self, name: str) -> None:
        """Open a view of the page."""
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.settle()
        self.well()

    def row(self) -> None:
        """Choose the first row of the first table that is seen: cells are drawn, no elements."""
        table = self.page.get_by_test_id("stDataFrame").locator("visible=true").first
        table.scroll_into_view_if_needed()
        table.locator("canvas").first.wait_for()
        self.page.wait_for_timeout(500)
        box = table.bounding_box()
        self.page.mouse.click(box["x"] + 18, box["y"] + 53)

    def asked(self, name: str) -> list[str]:
        """Return what the address says of a choice."""
        return parse_qs(self.page.url.partition("?")[2]).get(name, [])

    def picture(self, name: str) -> None:
        """Take pictures of the page in a window and on a phone, light and dark."""
        if not PICTURES:
            return
        self._taken += 1
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        self._each(lambda size, scheme: self.page.screenshot(
            path=folder / f"{self._name}-{self._taken:02}-{name}-{size}-{scheme}.png"
        ))  # fmt: skip

    def _each(self, take: Callable[[str, str], object]) -> None:
        # the window comes last: the walk goes on in it
        for size, scheme in (("phone", "dark"), ("phone", "light"), ("window", "dark"),
                             ("window", "light")):  # fmt: skip
            width, height = SIZES[size]
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme=scheme)
            self.page.wait_for_timeout(900)
            take(size, scheme)
