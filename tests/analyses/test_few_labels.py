"""Few labels beside GPT-4: what was recorded, and draws that are made again."""

from __future__ import annotations

from tests.analyses.running import load_run, recorded

FOLDER = "10_few_labels"


def test_intervals_recorded_are_narrower_than_labels_alone_and_hold():
    found = recorded(FOLDER)
    for n in ("50", "100", "200"):
        for kind in ("win rate", "rating", "weight"):
            own, alone = found[n][kind]["labels and judge"], found[n][kind]["labels alone"]
            assert own["width"] < alone["width"]
            # draws share one set of labels: far from independent
            assert own["holds"] > 0.9
        ppi = found[n]["win rate"]["PPI++ as published"]
        assert ppi["holds"] <= found[n]["win rate"]["labels and judge"]["holds"]


def test_a_draw_is_the_one_that_was_recorded(shared_data):
    run = load_run(FOLDER)
    bench = run.Bench(run.mt_bench(shared_data))
    assert len(bench.whole.rows) == recorded(FOLDER)["pairs"]
    table = bench.told(bench.drawn(100, 0))
    rates = table.loc["win rate"]
    assert (rates["conf_low"] < rates["estimate"]).all()
    assert (rates["estimate"] - bench.truth["win rate"]).abs().max() < 0.3
