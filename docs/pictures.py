"""Take the pictures of the README and the documentation anew, from the bundled sample.

Run ``python docs/pictures.py``. It starts the dashboard on this machine, opens it in a headless
Chromium that can reach nothing else, and writes ``docs/pictures/NAME.png``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.pages.browsing import CHROMIUM, QUIET, dashboard  # noqa: E402

SIZE = {"width": 1280, "height": 860}


@dataclass(frozen=True)
class Picture:
    """What is on a picture.

    Attributes
    ----------
    page : str or None
        The page that is opened; what opens first when None.
    tab : str or None
    top : str or None
        What is scrolled to the top of the window.
    """

    page: str | None = None
    tab: str | None = None
    top: str | None = None


PICTURES = {
    "first_screen": Picture(),
    "differences": Picture("Compare", "Differences", ".js-plotly-plot:visible"),
    "examples": Picture("Examples", top="text=/^Prompt$/"),
}

_STILL = "document.querySelectorAll('[data-stale=true], [data-testid=stSkeleton]').length === 0"

_TO_THE_TOP = """one => {
  one.scrollIntoView({block: 'start', behavior: 'instant'});
  document.querySelector('[data-testid=stMain]').scrollBy({top: -70, behavior: 'instant'});
}"""
"""A heading stands above most things that are shown."""


def settled(page: Any) -> None:
    """Wait until a page has drawn what it has to draw."""
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=120_000)
    page.wait_for_function(_STILL, timeout=60_000)
    # figures and tables draw after the run has ended
    page.wait_for_timeout(2_500)


def taken(page: Any) -> bytes:
    """Return a picture in 256 colours: a third of the size, and text stays sharp."""
    whole = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
    small = whole.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    return written.getvalue()


def shown(page: Any, one: Picture) -> None:
    """Bring what is to be on a picture into the window."""
    page.get_by_role("link", name="Compare").first.wait_for(timeout=120_000)
    if one.page is not None:
        page.get_by_role("link", name=one.page, exact=True).first.click()
    settled(page)
    if one.tab is not None:
        page.get_by_role("tab", name=one.tab).click()
        settled(page)
    if one.top is not None and page.locator(one.top).count():
        page.locator(one.top).first.evaluate(_TO_THE_TOP)
        page.wait_for_timeout(500)


def main() -> None:
    """Write every picture."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        dashboard(Path(folder), "sample") as link,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        page.goto(link, wait_until="domcontentloaded")
        for name, one in PICTURES.items():
            shown(page, one)
            file = ROOT / "docs" / "pictures" / f"{name}.png"
            file.write_bytes(taken(page))
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1024} KiB")
        browser.close()


if __name__ == "__main__":
    main()
