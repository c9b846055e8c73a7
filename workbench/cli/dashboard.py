"""Open the dashboard: find its pages and run Streamlit on them."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.terminal import say
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData

TOKEN = "WORKBENCH_TOKEN"  # noqa: S105 - the variable's name
"""Environment variable of the server that holds the token which opens the app."""

NO_TOKEN = "none needed"  # noqa: S105
"""Its value where the app is open to whoever reaches it; without a value it is shut."""

ENDPOINTS = "WORKBENCH_ENDPOINTS"
"""Environment variable of the server that lists its endpoints, without keys."""

DATA = "WORKBENCH_DATA"
"""Environment variable of the server that names what it opens first."""

READING = "WORKBENCH_READING"
"""Environment variable of the server that says how the data are read: a run.toml."""

_GIVES_BACK = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
}
"""Settings of Arrow and of the C library (glibc) by which a server that runs for days returns
large tables to the machine once they are gone, and does not keep them for its next ones."""


def served() -> tuple[str, str]:
    """Return what the server opens by itself, and how it is read: what :func:`serve` told it.

    Examples
    --------
    >>> served()
    ('sample', '')
    """
    return os.environ.get(DATA, "sample"), os.environ.get(READING, "")


def read_as(source: str, reading: str) -> PreferenceData:
    """Load a source as the text of a ``run.toml`` says.

    Examples
    --------
    >>> len(read_as("sample", ""))
    2000
    """
    import workbench as wb
    from workbench.config import RunConfig

    config = RunConfig.from_toml(reading, "workbench app")
    data = wb.load(source, **config.reading())
    return data.filter(criteria=config.criteria) if config.criteria else data


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


def serve(
    source: str,
    port: int,
    *,
    token: bool = True,
    endpoints: Sequence[str] = (),
    key_variable: str | None = None,
    reading: str = "",
) -> int:
    """Run the dashboard on 127.0.0.1 until it is stopped, and return its exit code.

    It prints the link that opens the app. The token in it is made anew each time and travels
    in the environment, which other users of the machine cannot read, as they can arguments.

    Parameters
    ----------
    source : str
        What it opens first: a file, a pattern, a folder, ``hub:owner/name`` or ``sample``. It
        travels in the environment variable ``WORKBENCH_DATA``; annotation runs are kept in
        ``runs/`` of the current folder (``WORKBENCH_RUNS``).
    port : int
    token : bool
        Whether the app asks for a token.
    endpoints : sequence of str
        ``NAME=URL`` of each endpoint that visitors may ask with a key.
    key_variable : str, optional
        See :class:`workbench.annotate.endpoints.Endpoints`.
    reading : str
        How the source is read: the text of a ``run.toml``.

    Raises
    ------
    ConfigError
        The source is not there, or an endpoint cannot be used.
    """
    listed = _listed(endpoints, key_variable)
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
    opens = secrets.token_urlsafe(32) if token else NO_TOKEN
    if token:
        # opening a browser would put the link into the arguments of a process
        flags |= {"server.headless": "true", "logger.hideWelcomeMessage": "true"}
        say(f"The dashboard opens with this link: http://127.0.0.1:{port}/?token={opens}")
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
                **_GIVES_BACK,
                **os.environ,
                DATA: source,
                "WORKBENCH_RUNS": str(Path("runs").resolve()),
                ENDPOINTS: listed,
                READING: reading,
                TOKEN: opens,
            },
            check=False,
        ).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _listed(flags: Sequence[str], key_variable: str | None) -> str:
    """Return the endpoints as the pages read them; say for each where its key is looked for."""
    from workbench.annotate.endpoints import KEY_VARIABLE, Endpoints

    known = Endpoints.from_flags(flags, key_variable or KEY_VARIABLE)
    for name, url in known.urls.items():
        variable = known.variable_of(url)
        state = "" if os.environ.get(variable) else ", which is not set: asked without a key"
        say(f"Endpoint {name}: {url}, its key from {variable}{state}")
    return known.to_json()


def _settings_folder() -> Path:
    pages = router().parent
    return pages if (pages / ".streamlit").is_dir() else pages.parent
