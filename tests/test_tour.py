"""The tour notebook: its cells run, and what it shows is what they give."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def tour() -> Any:
    spec = importlib.util.spec_from_file_location("make_tour", DOCS / "make_tour.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return json.loads((DOCS / "tour.ipynb").read_text(encoding="utf-8"))


def sources(cells: list[Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in cells]


def shown(cells: list[Any]) -> list[list[tuple[str, ...]]]:
    """What kinds of output each cell has."""
    return [
        [tuple(sorted(output.get("data", {"text": ""}))) for output in cell.get("outputs", [])]
        for cell in cells
    ]


def test_the_stored_notebook_is_that_of_its_cells(tour, stored) -> None:
    assert sources(stored["cells"]) == [source for _, source in tour.CELLS]


def test_nothing_of_a_machine_or_the_clock_stands_in_it(stored) -> None:
    text = json.dumps(stored)
    assert "iopub" not in text
    assert all(not cell["metadata"] for cell in stored["cells"])
    assert " at 0x" not in text
    assert not re.search(r"/(?:home|root|tmp|usr)/", text)


def test_figures_have_a_static_picture_and_tables_html(stored) -> None:
    kinds = {kind for cell in shown(stored["cells"]) for output in cell for kind in output}
    assert {"image/svg+xml", "text/html", "application/vnd.plotly.v1+json"} <= kinds
    for cell in stored["cells"]:
        for output in cell.get("outputs", []):
            for kind, text in output.get("data", {}).items():
                assert kind == "application/vnd.plotly.v1+json" or len("".join(text)) < 50_000


@pytest.mark.slow
def test_the_cells_run_and_give_what_is_stored(tour, stored) -> None:
    done = tour.executed()
    assert shown(done.cells) == shown(stored["cells"])
    findings = "".join(stored["cells"][-1]["outputs"][0]["data"]["text/plain"])
    assert done.cells[-1]["outputs"][0]["data"]["text/plain"] == findings
