"""The analyses of spread and of workers: what was recorded, and a part that is run again."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType

import pytest

from tests.analyses.running import ANALYSES

FOLDER = ANALYSES / "08_people"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"people_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _recorded(name: str) -> dict:
    return json.loads((FOLDER / f"expected_{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["duck", "face"])
def test_workers_accuracy_is_what_was_recorded(shared_data, name):
    assert (
        _module("reliability").accuracy(shared_data, name)
        == _recorded("reliability")["accuracy"][name]
    )


def test_truth_from_answers_beats_the_majority():
    for name, published in (("duck", 0.759), ("dog", 0.812), ("face", 0.634)):
        found = _recorded("reliability")["accuracy"][name]
        assert found["dawid_skene"] > found["majority"]
        # who counts a split as one answer gets another number, by less than the splits
        assert abs(found["majority"] - published) <= found["splits"] / found["tasks"] + 5e-4


def test_the_published_likelihood_is_of_its_draws():
    found = _recorded("mixed")
    published = found["electricity, 100 Halton draws"]["from zero"]
    assert published["log_likelihood"] == pytest.approx(-3952.49, abs=5e-3)
    ours = found["electricity, Sobol draws"]
    assert all(abs(step) < 0.5 for step in ours["moved"].values())
    assert all(one["log_likelihood"] > -3880 for one in ours["fits"].values())
