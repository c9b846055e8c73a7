"""Open the dashboard: find its pages and run Streamlit on them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from glob import has_magic
from pathlib import Path

from workbench.errors import ConfigError


def router() -> Path:
    """Return the script that Streamlit runs: of an installed wheel, or of a checkout.

    Raises
    ------
    ConfigError
        The pages are neither in the package nor beside it.

    Examples
    --------
    >>> router().name
    'app.py'
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_pages", package.parent / "pages"):
        if (folder / "app.py").is_file():
            return folder / "app.py"
    raise ConfigError(
        "The pages of the dashboard are missing.",
        where=str(package),
        expected="pages/ beside the package, or _pages/ in it",
        fix="Install the workbench again: pip install --force-reinstall preference-workbench",
    )


def serve(source: str, port: int) -> int:
    """Run the dashboard on 127.0.0.1 until it is stopped, and return its exit code.

    Parameters
    ----------
    source : str
        What it opens first: a file, a pattern, a folder, ``hub:owner/name`` or ``sample``. It
        travels in the environment variable ``WORKBENCH_DATA``; annotation runs are kept in
        ``runs/`` of the current folder (``WORKBENCH_RUNS``).
    port : int

    Raises
    ------
    ConfigError
        The source is not there.
    """
    path = Path(source)
    if source != "sample" and not source.startswith("hub:"):
        if not path.exists() and not has_magic(source):
            raise ConfigError(
                "The data to open are not there.",
                where=source,
                expected="a file, a saved folder, hub:owner/name or sample",
                fix="Check the path.",
            )
        source = str(path.resolve())
    flags = {
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
    }
    options = [f"--{name}={value}" for name, value in flags.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(router()), *options]
    # a request to end ends the server too, which would go on without us
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return subprocess.run(  # noqa: S603 - fixed program; the source is no argument
            command,
            # Streamlit reads .streamlit/config.toml of the folder that it runs in
            cwd=_settings_folder(),
            env={
                **os.environ,
                "WORKBENCH_DATA": source,
                "WORKBENCH_RUNS": str(Path("runs").resolve()),
            },
            check=False,
        ).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _settings_folder() -> Path:
    pages = router().parent
    return pages if (pages / ".streamlit").is_dir() else pages.parent
