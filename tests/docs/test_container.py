"""The container's own commands: the server that it starts is shut, well, and not root's."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()


def words_of(instruction: str) -> list[str]:
    """Words of the last such instruction, as the exec form has them."""
    line = [line for line in LINES if line.startswith(instruction)][-1]
    found: list[str] = json.loads(line[line.index("[") :])
    return found


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    copied = [line for line in LINES if line.startswith("COPY") and "--from" not in line]
    names = [name for line in copied for name in shlex.split(line)[1:-1]]
    assert {"workbench", "pages", ".streamlit", "constraints.txt"} <= set(names)
    for name in names:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored
    # all else, secrets among it, stays out
    assert ignored[ignored.index("*") :][0] == "*"
    assert ".streamlit/secrets.toml" in ignored


def test_the_server_is_not_root_s_and_ends_as_that_user():
    users = [line.split()[1] for line in LINES if line.startswith("USER")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any(re.search(rf"useradd .*{users[-1]}", line) for line in LINES)


@pytest.fixture
def place(tmp_path):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("WORKBENCH_")}
    env = {**quiet, "PATH": path, "PORT": str(port), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT),
           "WORKBENCH_RUNS": str(tmp_path / "runs")}  # fmt: skip
    return f"http://127.0.0.1:{port}", env


def test_its_command_serves_the_app_shut_and_its_health_check_tells(place):
    address, env = place
    check = words_of("HEALTHCHECK")
    assert subprocess.run(check, env=env, stderr=subprocess.DEVNULL, check=False).returncode != 0
    server = subprocess.Popen(words_of("CMD"), env=env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.25)
        assert subprocess.run(check, env=env, check=False).returncode == 0
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address, timeout=5)
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=20)
