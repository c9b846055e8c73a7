"""The wheel, unpacked where no checkout is: its files, its command, its dashboard."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from contextlib import closing, suppress
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

ALONE = """
import sys

class Absent:
    # as on a machine where no extra is installed
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {extras!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
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

EVERY_PAGE = """
shown = {}
for path in sorted(pages.glob("*.py")):
    if path.stem in ("app", "navigation"):
        continue
    page = AppTest.from_file(str(path), default_timeout=60).run()
    shown[path.stem] = [error.value for error in page.exception]
    if path.stem == "model_audit":
        page.text_input("m-model").set_value("some-model").run()
        page.button("m-start").click().run()
        print([code.value for code in page.code][-1])
print(len(shown), {name: found for name, found in shown.items() if found})
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


def _extras() -> list[str]:
    """Return the modules that only extras bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["optional-dependencies"]
    told = [re.match(r"[\w-]+", text)[0] for name in ("models", "hub") for text in groups[name]]
    return [name.replace("-", "_") for name in told]


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
    alone = ALONE.format(extras=_extras())
    code = alone + RUN.format(place=str(unpacked), arguments=["demo", "--no-app"])
    assert "Report: runs/demo/report.html" in _run(code, unpacked, tmp_path)
    assert (tmp_path / "runs" / "demo" / "principles").is_dir()


def test_the_dashboard_opens(unpacked: Path, tmp_path: Path) -> None:
    assert _run(APP.format(place=str(unpacked)), unpacked, tmp_path).startswith("['")


@pytest.mark.slow
def test_every_page_opens_without_an_extra(unpacked: Path, tmp_path: Path) -> None:
    assert {"torch", "transformers", "huggingface_hub"} <= set(_extras())
    code = ALONE.format(extras=_extras()) + APP.format(place=str(unpacked)) + EVERY_PAGE
    *_, advice, last = _run(code, unpacked, tmp_path).strip().splitlines()
    assert 'pip install "preference-workbench[models]"' in advice
    number, _, wrong = last.partition(" ")
    assert int(number) >= 10
    assert wrong == "{}"


def test_a_model_audit_says_which_extra_to_install(unpacked: Path, tmp_path: Path) -> None:
    arguments = ["audit-model", "sample", "--model", "some-model"]
    code = ALONE.format(extras=_extras()) + RUN.format(place=str(unpacked), arguments=arguments)
    with pytest.raises(AssertionError, match=re.escape('"preference-workbench[models]"')):
        _run(code, unpacked, tmp_path)


@pytest.mark.slow
def test_the_command_starts_the_app(unpacked: Path, tmp_path: Path) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = RUN.format(place=str(unpacked), arguments=["app", "sample", "--port", str(port)])
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
    )  # fmt: skip
    health = f"http://127.0.0.1:{port}/_stcore/health"
    try:
        for _ in range(200):
            with suppress(OSError), urllib.request.urlopen(health) as page:
                assert page.status == 200
                break
            assert process.poll() is None
            time.sleep(0.1)
        else:
            pytest.fail("the app did not start")
    finally:
        process.terminate()
        process.wait(timeout=30)
