"""An analysis as a test runs it: its ``run.py`` as a module, and its recorded numbers."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ANALYSES = Path(__file__).resolve().parents[2] / "analyses"


def load_run(folder: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(folder, ANALYSES / folder / "run.py")
    module = importlib.util.module_from_spec(spec)
    # a dataclass looks its own module up
    sys.modules[folder] = module
    spec.loader.exec_module(module)
    return module


def recorded(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ANALYSES / folder / "expected.json").read_text("utf-8"))
    return found


def assert_close(found: Any, expected: Any, within: float, path: str = "") -> None:
    """Compare records; only what is recorded as a fraction may differ."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for key in expected:
            assert_close(found[key], expected[key], within, f"{path}/{key}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=within), path
    else:
        assert found == expected, path
