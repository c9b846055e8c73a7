"""A report as PDF, printed by a browser that is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from workbench.errors import ConfigError

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge",
)  # fmt: skip
"""Programs that can print a page, the first one found wins."""

_SECONDS = 120

# the page holds no script and asks for nothing: what a sandbox would hold back is not there,
# and inside a container there is often none
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
)  # fmt: skip


def browser() -> str | None:
    """Return the program that prints, or None where none is installed."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def pdf_of(html: str, path: Path, *, seconds: float = _SECONDS) -> Path:
    """Print a page to a PDF file.

    Raises
    ------
    ConfigError
        No browser is found, the name does not end in .pdf, or no file comes in time.
    """
    if path.suffix.lower() != ".pdf":
        raise ConfigError(
            "This writes PDF files.",
            found=path.name,
            expected="a name that ends in .pdf",
            fix=f"Save it as {path.name}.pdf.",
        )
    program = browser()
    if program is None:
        raise ConfigError(
            "A PDF needs a browser to print it.",
            found="none of " + ", ".join(BROWSERS),
            expected="Chromium or Chrome on the PATH",
            fix="Install one, or save the report as .html and print that.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # whatever the browser writes beside the file goes with the folder
    with tempfile.TemporaryDirectory(prefix="workbench-pdf-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        page, printed = folder / "report.html", folder / "report.pdf"
        page.write_text(html, encoding="utf-8")
        said = _print(program, page, printed, folder / "profile", seconds)
        if not printed.is_file() or not printed.stat().st_size:
            raise ConfigError(
                "The browser wrote no PDF.",
                where=program,
                found=said or "nothing said",
                fix="Save the report as .html and print that.",
            )
        shutil.copyfile(printed, path)
    return path


def _print(program: str, page: Path, printed: Path, profile: Path, seconds: float) -> str:
    """Run the browser to its end, and return the end of what it said."""
    command = [program, *_FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={printed}",
               page.as_uri()]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603  # a browser of the PATH, on a page of our own
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"nothing within {seconds:g} s"
    return done.stderr.strip()[-300:]
