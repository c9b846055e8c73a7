"""The wheel, unpacked where no checkout is: its files, its command, its dashboard."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

RUN = """
import sys
from importlib.metadata import distribution
import workbench
assert workbench.__file__.startswith({place!r}), workbench.__file__
(command,) = distribution("preference-workbench").entry_points
sys.argv = ["workbench", *{arguments!r}]
command.load()()
"""

APP = """
import os, sys
from streamlit.testing.v1 import AppTest
from workbench.cli.dashboard import NO_TOKEN, TOKEN, _settings_folder, router
assert str(router()).startswith({place!r}), router()
assert (_settings_folder() / ".streamlit" / "config.toml").is_file()
# the router is served behind the gate: what it lets in is the navigation
pages = router().parent
sys.path.insert(0, str(pages))
os.environ[TOKEN] = NO_TOKEN
shown = AppTest.from_file(str(pages / "navigation.py"), default_timeout=60).run()
assert not shown.exception, shown.exception
print([title.value for title in shown.title])
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the backend that is installed, and unpack it."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(code: str, unpacked: Path, cwd: Path) -> str:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("WORKBENCH", "PYTEST"))},
        "PYTHONPATH": str(unpacked),
        "WORKBENCH_RUNS": str(cwd / "runs"),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_file_of_the_package_and_the_pages_is_there(unpacked: Path) -> None:
    inside = _files(unpacked / "workbench")
    pages = {name for name in inside if name.startswith("_pages/")}
    assert inside - pages == _files(ROOT / "workbench")
    settings = {f".streamlit/{name}" for name in _files(ROOT / ".streamlit")}
    settings.discard(".streamlit/secrets.toml")
    assert pages == {f"_pages/{name}" for name in _files(ROOT / "pages") | settings}
    assert {"py.typed", "report/templates/report.html", "data/sample.py"} <= inside
    assert "_pages/app.py" in pages
    # nothing else comes along
    assert {path.name.partition("-")[0] for path in unpacked.iterdir()} == {
        "workbench",
        "preference_workbench",
    }


@pytest.mark.slow
def test_the_command_runs_the_demo(unpacked: Path, tmp_path: Path) -> None:
    code = RUN.format(place=str(unpacked), arguments=["demo", "--no-app"])
    assert "Report: runs/demo/report.html" in _run(code, unpacked, tmp_path)
    assert (tmp_path / "runs" / "demo" / "principles").is_dir()


def test_the_dashboard_opens(unpacked: Path, tmp_path: Path) -> None:
    assert _run(APP.format(place=str(unpacked)), unpacked, tmp_path).startswith("['")
