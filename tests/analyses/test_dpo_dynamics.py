"""The analysis of a DPO training runs, at a small size, and shows what was recorded."""

from __future__ import annotations

import pytest

from tests.analyses.running import load_run, recorded

FOLDER = "11_dpo_dynamics"
pytest.importorskip("trl", reason="TRL is not installed")


def test_rewards_come_right_while_rankings_stay(shared_data):
    run = load_run(FOLDER)
    found = run.analyse(shared_data / "hh_rlhf_test", run.QUICK)
    expected = recorded(FOLDER)
    for numbers, last in ((found, "2"), (expected, "4")):
        train = numbers["train"]
        reward, ranking = (train[last][name] for name in ("reward accuracy", "ranking accuracy"))
        # the finding of the paper: intervals apart, on the very pairs that were trained on
        assert reward[1] > ranking[2]
        assert reward[0] > 0.95
        assert train[last]["change of the rejected"][2] < 0
        assert train[last]["loss"][0] < train["reference"]["loss"][0]
        held = numbers["held out"]
        assert held[last]["change of the chosen"][2] < 0
        moved = train["moves"]
        assert sum(moved.values()) == numbers["train pairs"]
        assert moved["wrong to wrong"] > moved["right to wrong"]
    assert all(len(found[f"windows of {score}"]) == 2 for score in ("ches", "ln_ches"))
    # what training on windows of CHES does falls from the lowest to the highest
    windows = [row["estimate"] for row in expected["windows of ches"]]
    assert windows == sorted(windows, reverse=True)
