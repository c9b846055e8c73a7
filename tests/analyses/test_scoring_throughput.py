"""The throughput of scoring: its operations by hand, and a tiny run of it."""

from __future__ import annotations

import pytest

from tests.analyses.running import load_run

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


def test_operations_are_those_by_hand():
    run = load_run("12_scoring_throughput")
    shape = run.Shape(8, 1, 1, 1, 16, 32, 1, 3, 2, (64,))
    model = run.made(shape, "cpu", torch.float32)
    group = run.Group((1, 2, 3), ((4, 5), (6, 7)))
    tokens, operations = run.work(model, [group])
    # q, k, v and o of 8 x 8, three of 8 x 16, and three norms of 8
    weights = 4 * 64 + 3 * 128 + 3 * 8
    # 1 + 2 + 3 of the prompt, and 4 + 5 of each response
    assert (tokens, operations) == (7, 2 * weights * 7 + 4 * 8 * 24 + 2 * 8 * 32 * 4)


def test_a_tiny_run_tells_rates_and_what_they_are_of():
    found = load_run("12_scoring_throughput").run("quick", 1e12)
    (rate,) = found["rates"]
    assert found["device"] == "cpu"
    assert found["weights"] == "random"
    assert rate["mfu"] == pytest.approx(rate["operations_per_second"] / 1e12)
    assert 0 < rate["of_one_product"] < 1
    assert rate["tokens_per_second"] > rate["pairs_per_second"] > 0
