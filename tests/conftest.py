"""Shared test material: the folder of real preference data, where it lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# two workers share the cores: more threads than cores wait for each other
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# a continuous-integration run must give the same verdict on the same code
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real preference data; its tests skip where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("real preference data are not beside the project (../shared/data)")
    return folder.resolve()
