"""The analysis of curation runs, at a small size, and shows what was recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.analyses.running import load_run, recorded

FOLDER = "07_curate"
STRONG = "agreement of 80 %"


def test_strong_pairs_only_cost_calibration_and_soft_labels_do_not(shared_data):
    run = load_run(FOLDER)
    data = run.ads(shared_data, run.QUICK)
    assert len(data) == run.QUICK.pairs
    found = run.priced(data, {name: run.AD_RULES[name] for name in (STRONG, "soft")})
    for numbers in (found, recorded(FOLDER)["advertisements"]):
        strong, soft = (numbers[name]["change"] for name in (STRONG, "soft"))
        assert strong["ECE"][1] > 0
        assert strong["log-loss"][1] > 0
        assert soft["ECE"][2] < 0
        assert soft["log-loss"][2] < 0


def test_pairs_that_share_a_text_are_one_cluster(shared_data):
    run = load_run(FOLDER)
    pairs = run.ads(shared_data, run.QUICK).pairs
    both = [pairs.set_index("cluster")[f"response_{side}"] for side in "ab"]
    owners: dict[str, set[str]] = {}
    for side in both:
        for cluster, text in side.items():
            owners.setdefault(text, set()).add(cluster)
    assert max(map(len, owners.values())) == 1
    assert pairs["cluster"].nunique() < len(pairs)


def test_tiny_reward_models_are_trained_by_the_documented_trainer(shared_data):
    pytest.importorskip("trl", reason="TRL is not installed")
    run = load_run(FOLDER)
    small = replace(run.QUICK, pairs=300, steps=2, batch=8)
    found = run.trained(run.ads(shared_data, small), small)
    assert found["train pairs"] + found["test pairs"] == 300
    assert found["soft"]["kept"] > found[STRONG]["kept"]
    for name in run.TRAINED:
        [told] = found[name]["each seed"]
        low, value, high = (told["accuracy"][k] for k in (1, 0, 2))
        assert 0 < low < value < high < 1
    # the whole run: less is wrong where shares were trained on, by intervals that are apart
    kept = recorded(FOLDER)["tiny reward models"]
    for strong, soft in zip(kept[STRONG]["each seed"], kept["soft"]["each seed"], strict=True):
        assert soft["ECE"][2] < strong["ECE"][1]
        assert soft["log-loss"][2] < strong["log-loss"][1]
