"""Recorded levels and coverage: some simulations run again; the table says what is recorded."""

from __future__ import annotations

import pytest

from bench.coverage import weights
from bench.coverage.__main__ import PARTS
from tests.analyses.running import load_run, recorded

RECORD = recorded("06_coverage")


def test_every_part_is_recorded_and_the_table_is_of_the_record():
    assert sorted(RECORD) == PARTS
    run = load_run("06_coverage")
    readme = (run.HERE / "README.md").read_text(encoding="utf-8")
    assert run.written(RECORD) == readme
    assert all(row["runs"] >= 0 and row["bound"] for rows in RECORD.values() for row in rows)


@pytest.mark.parametrize(
    ("what", "measure", "again"),
    [
        ("one weight", "p < .05", lambda: [weights.one_weight(40, 20, True, 3, "")]),
        ("contrast", "some q < .05", lambda: weights.contrasts(2.0, 0.0, 0.0, 15, "")),
        ("contrast", "raw: some q < .05", lambda: weights.contrasts(2.0, 0.0, 0.0, 15, "")),
    ],
)
def test_some_rows_run_again_agree_with_the_record(what, measure, again):
    [row] = [one for one in again() if (one["what"], one["measure"]) == (what, measure)]
    [said] = [
        one
        for one in RECORD["weights"]
        if (one["what"], one["setting"], one["measure"]) == (what, row["setting"], measure)
    ]
    # intervals of two simulations of the same: 15 runs are wide, so a point more is allowed
    assert row["low"] - 4 <= said["high"]
    assert said["low"] <= row["high"] + 4
