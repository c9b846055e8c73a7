"""The analysis of transitivity runs on the students, and shows what was recorded."""

from __future__ import annotations

import pytest

import workbench as wb
from tests.analyses.running import load_run, recorded

FOLDER = "09_transitivity"


def test_students_have_rankings_of_their_own(shared_data):
    pytest.importorskip("pyreadr", reason="pyreadr reads the file of the students")
    run = load_run(FOLDER)
    data = run.students(shared_data)
    assert len(data.labels) == 4454
    found = run.recorded(wb.transitivity(data, context=None, simulations=199, folds=0))
    kept = recorded(FOLDER)["students"]
    # the published count of triads without ties, and the share of them that goes round
    assert found["triads"] == kept["triads"] == 4297
    assert found["cyclic"] == kept["cyclic"] == pytest.approx(0.075, abs=5e-4)
    assert found["energy"] == kept["energy"]
    assert found["beyond low"] > 0.03
    for name in ("cyclic under one Bradley-Terry", "cyclic under own strengths"):
        assert found[name] == pytest.approx(kept[name], abs=0.003)
    assert found["p under own strengths"] > 0.05
    assert {"cyclic-shares", "dependent-triads"} <= set(found["findings"])


def test_a_slot_of_several_people_makes_the_only_cycle_among_models():
    kept = recorded(FOLDER)
    names = {name: set(one["findings"]) for name, one in kept.items()}
    assert "pools-make-cycles" in names["vicuna80, human_1"]
    assert "cyclic-shares" not in names["vicuna80, human_1"]
    assert kept["vicuna80, human_1 without claude"]["p"] > 0.05
    assert kept["MT-bench, GPT-4"]["cyclic"] == 0
