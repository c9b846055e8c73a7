"""The study of groups of people: what was recorded, and numbers that others computed."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.analyses.running import ANALYSES
from workbench.structure.groups.number import fits
from workbench.structure.groups.panel import panel
from workbench.structure.labels import person_labels

FOLDER = ANALYSES / "08_people"

LIKELIHOODS = (-2830.0, -2679.3, -2612.2, -2570.7, -2541.3)
"""Of 1 to 5 classes of the students, by a fit that is not ours."""

BIC = (5688.0, 5421.0, 5322.0, 5273.0, 5248.0)

CHOIX = {"Paris": -0.688, "Milano": -1.204, "St. Gallen": -1.068, "Barcelona": -1.246,
         "Stockholm": -1.388}  # fmt: skip
"""Strengths by choix; ours stand under a wide prior."""


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("people_groups", FOLDER / "groups.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["people_groups"] = module
    spec.loader.exec_module(module)
    return module


def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "expected_groups.json").read_text("utf-8"))
    return found


def test_the_students_are_those_of_the_golden_numbers(study, shared_data):
    pytest.importorskip("pyreadr", reason="pyreadr is not installed")
    labels = person_labels(study.cems(shared_data), factors=list(study.CITIES[1:]))
    found = fits(panel(labels), labels, 3, 0)
    ll = [float(best.likelihood[0]) for best in found.best]
    np.testing.assert_allclose(ll, LIKELIHOODS[:3], atol=0.06)
    strengths = dict(zip(labels.terms, found.best[0].b[0, 0], strict=True))
    assert strengths == pytest.approx(CHOIX, abs=0.003)
    np.testing.assert_allclose(ll, recorded()["students"]["log_likelihood"][:3], atol=1e-3)


def test_what_was_recorded_of_the_students_is_what_others_computed():
    kept = recorded()["students"]
    np.testing.assert_allclose(kept["log_likelihood"], LIKELIHOODS, atol=0.06)
    np.testing.assert_allclose(kept["bic_people"], BIC, atol=0.6)
    # one class likes St. Gallen as well as London, one does not
    assert sorted(kept["two_classes"]["St. Gallen"]) == pytest.approx([-2.07, 0.0], abs=0.01)
    # folds of labels at random; theirs were others
    assert kept["held_out_labels"][1:4] == pytest.approx([0.584, 0.5625, 0.5461], abs=0.004)


def test_the_judges_of_chats_are_one_public():
    kept = recorded()["chats"]
    for one in kept.values():
        assert one["verdict"] == "one public"
    # no chi-squared: its mean would be the nine parameters
    assert kept["factors"]["null_mean"] < 6
    assert kept["factors"]["held_out"][1] > kept["factors"]["held_out"][0]


def test_opposed_personas_are_told_apart_by_what_they_say(study, shared_data):
    found = study.planted(shared_data, 2, people=12)
    assert found["groups"] == 2
    assert found["purity"] == 1.0
    one, two, *more = found["accuracy"]
    assert one == pytest.approx(0.5, abs=0.06)
    assert two > 0.9
    assert max(more) < two + 0.02
    three = recorded()["personas"]["three"]
    assert three["groups"] == 3
    steps = np.diff(three["accuracy"])
    assert steps[0] > 0.05
    assert steps[1] > 0.05
    assert abs(steps[2]) < 0.02
