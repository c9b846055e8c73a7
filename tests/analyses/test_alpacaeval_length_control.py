"""Published length-controlled win rates of 31 models, from their annotations."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.analyses.running import load_run, recorded

FOLDER = "04_alpacaeval_length_control"


@pytest.fixture(scope="module")
def run() -> ModuleType:
    return load_run(FOLDER)


@pytest.fixture(scope="module")
def found(run: ModuleType, shared_data: Path) -> dict[str, Any]:
    return run.record(*run.analyse(shared_data / "alpaca_eval", replicates=20))


def test_published_win_rates_come_out(found: dict[str, Any]) -> None:
    assert found["models"] == 31
    assert found["raw_largest_difference"] < 1e-6
    assert found["predicted_mean_difference"] < 0.15
    assert found["refit_mean_difference"] < 1.0


@pytest.mark.xfail(strict=True, reason="measured .949: one discordant pair of 435 too many")
def test_the_order_of_models_is_the_published_one(found: dict[str, Any]) -> None:
    assert found["kendall"] >= 0.95


def test_the_recorded_numbers_come_again(found: dict[str, Any]) -> None:
    expected = recorded(FOLDER)
    names = ("predicted_mean_difference", "refit_mean_difference", "refit_largest_difference",
             "kendall", "refit_largest_model")  # fmt: skip
    assert {name: found[name] for name in names} == {name: expected[name] for name in names}
    assert found["length_controlled"] == pytest.approx(expected["length_controlled"], abs=0.11)
    assert expected["median_bootstrap_error"] > expected["median_published_error"]
