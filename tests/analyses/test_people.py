"""The analysis of people runs, at a small size, and shows what was recorded."""

from __future__ import annotations

import pytest

from tests.analyses.running import load_run, recorded

FOLDER = "08_people"


def test_students_differ_in_taste(shared_data):
    pytest.importorskip("pyreadr", reason="pyreadr is not installed")
    run = load_run(FOLDER)
    found = run.told(run.cems(shared_data), run.QUICK, items="model", folds=2)
    for numbers in (found, recorded(FOLDER)["CEMS"]):
        assert numbers["best"] == "taste"
        gains = {
            name: row["gain"][0] for name, row in numbers["ladder"].items() if name != "pooled"
        }
        assert gains["taste"] > 3 * gains["reliability"] > 0


def test_no_difference_is_recorded_between_people_of_mt_bench():
    kept = recorded(FOLDER)
    found = kept["MT-bench"]
    assert found["verdict"] == ("no difference between people was found that predicts new labels")
    gain, error = found["ladder"]["taste"]["gain"]
    assert gain < 2 * error
    # pooled and reliability of the students as an independent fit has them
    students = kept["CEMS"]["ladder"]
    assert students["pooled"]["log-loss"] == pytest.approx(0.6365, abs=0.002)
    assert students["reliability"]["log-loss"] == pytest.approx(0.6245, abs=0.004)
    null = kept["MT-bench, people permuted"]
    assert null["below .05"] <= 0.1 * null["tests"]
