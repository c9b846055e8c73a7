"""Benchmarks' own aggregation: published numbers from shipped outputs, rules by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from workbench.audit.models.benchmarks import (
    benchmark_scores,
    judgebench,
    rewardbench,
    rewardbench2,
    rewardbench2_ties,
    rm_bench,
    tie_accuracies,
)
from workbench.errors import DataError

JUDGEBENCH = {
    "Skywork-Reward-Llama-3.1-8B": (59.09, 64.29, 76.79, 50.00, 62.29),
    "Skywork-Reward-Gemma-2-27B": (59.74, 66.33, 83.93, 50.00, 64.29),
    "internlm2-20b-reward": (62.34, 69.39, 66.07, 50.00, 63.43),
    "internlm2-7b-reward": (56.49, 61.22, 71.43, 50.00, 59.43),
    "GRM-Gemma-2B": (62.99, 53.06, 64.29, 54.76, 59.43),
}
"""Knowledge, reasoning, mathematics, coding, overall, in percent."""


@pytest.mark.parametrize("model", sorted(JUDGEBENCH))
def test_judgebench_s_reward_models(shared_data, model):
    files = [p for p in (shared_data / "judgebench" / "outputs").glob("*") if model in p.name]
    if not files:
        pytest.skip("JudgeBench's outputs are absent")
    rows = [json.loads(line) for line in files[0].read_text(encoding="utf-8").splitlines()]
    items = pd.DataFrame(
        {
            "source": [row["source"] for row in rows],
            "net": [1 if row["judgments"][0]["decision"] == row["label"] else -1 for row in rows],
        }
    )
    found = judgebench(items)
    names = ("knowledge", "reasoning", "math", "coding", "overall")
    shown = [round(100 * found[name], 2) for name in names]
    assert shown == pytest.approx(JUDGEBENCH[model], abs=0.006)


def test_rewardbench_weighs_math_prm_as_the_leaderboard_does():
    rng = np.random.default_rng(0)
    subset = ["math-prm"] * 10 + ["hep-cpp"] * 164
    items = pd.DataFrame({"subset": subset, "chosen": rng.normal(size=174),
                          "rejected": rng.normal(size=174)})  # fmt: skip
    right = items["chosen"] > items["rejected"]
    prm, cpp = right[:10].mean(), right[10:].mean()
    found = rewardbench(items, {"Reasoning": ["math-prm", "hep-cpp"]})
    assert found["Reasoning"] == pytest.approx((984 * prm + 164 * cpp) / (984 + 164))


def test_rewardbench_2_shares_ties_and_scores_its_subset():
    items = pd.DataFrame(
        {"domain": ["a"] * 3, "scores": [[1, 1, 1, 1], [2, 1, 0, 0], [0, 1, 1, 1]]}
    )
    assert rewardbench2(items)["a"] == pytest.approx((0.25 + 1 + 0) / 3)
    # by the published weights, from one prompt whose gap of 1 is less than its spread of 2
    tied = (np.array([5.0, 3.0]), np.array([2.0, 0.0]))
    single = (np.array([5.0]), np.array([2.0]))
    wanted = 0.3 + 0.3 + 0.01 * np.tanh(1 / 2 - 1)
    assert rewardbench2_ties([tied], [single]) == pytest.approx(wanted)
    with pytest.raises(DataError, match="match"):
        rewardbench2_ties([tied], [])


def test_rm_bench_s_matrix_by_hand():
    items = pd.DataFrame({"domain": ["x", "x"], "chosen": [[1, 2, 3], [0, 0, 0]],
                          "rejected": [[0, 1, 2], [1, 1, 1]]})  # fmt: skip
    found = rm_bench(items)["x"]
    # first: rows 1>0 1>1 1>2 / 2>0 2>1 2>2 / 3>0 3>1 3>2; second: nothing
    assert found["hard"] == 0.0
    assert found["normal"] == pytest.approx(0.5)
    assert found["easy"] == pytest.approx(0.5)
    assert found["style_gap"] == pytest.approx(0.5)


def test_ties_are_told_three_ways():
    found = tie_accuracies(np.array([1.0, 0, 0, -1]), np.arange(4)).set_index("term")["estimate"]
    assert found.to_dict() == {"ties wrong": 0.25, "ties half": 0.5, "ties left out": 0.5,
                               "tie mass": 0.5}  # fmt: skip
    with pytest.raises(DataError, match="columns"):
        judgebench(pd.DataFrame({"x": [1]}))


def test_scores_by_their_own_rules_have_intervals_that_are_right():
    """Two subsets of known sizes: the interval of a plain mean of two accuracies."""
    rng = np.random.default_rng(0)
    items = pd.DataFrame({"subset": ["a"] * 300 + ["b"] * 100, "rejected": 0.0})
    items["chosen"] = np.where(rng.random(400) < 0.7, 1.0, np.where(rng.random(400) < 0.5, 0, -1.0))
    sections = {"one": ["a"], "two": ["b"]}
    found = benchmark_scores(lambda some: rewardbench(some, sections), items, replicates=800)
    table = found.to_frame().set_index("term")
    own = rewardbench(items, sections)
    p = [own["one"], own["two"]]
    error = np.sqrt(p[0] * (1 - p[0]) / 300 + p[1] * (1 - p[1]) / 100) / 2
    row = table.loc["score"]
    assert row["estimate"] == own["score"]
    assert row["std_error"] == pytest.approx(error, rel=0.1)
    assert row["conf_high"] - row["conf_low"] == pytest.approx(2 * 1.96 * error, rel=0.1)
    tied = (items["chosen"] == 0).mean()
    assert table.loc["tied items", "estimate"] == tied
    # items that share a prompt are drawn together: twice the items, the same interval
    twice = pd.concat([items.assign(prompt=range(400))] * 2, ignore_index=True)
    both = benchmark_scores(
        lambda some: rewardbench(some, sections), twice, cluster="prompt", replicates=800
    ).to_frame().set_index("term")  # fmt: skip
    assert both.loc["score", "std_error"] == pytest.approx(error, rel=0.1)
    assert both.loc["score", ["n", "n_clusters"]].tolist() == [800.0, 400.0]


def test_nested_scores_are_told_apart():
    rows = {
        "domain": ["x", "x", "y"],
        "chosen": [[1.0, 2, 3]] * 3,
        "rejected": [[0.0, 1.5, 2.5]] * 3,
    }
    found = benchmark_scores(rm_bench, pd.DataFrame(rows), replicates=20).to_frame()
    assert "x: hard" in found["term"].tolist()
    assert found.set_index("term").loc["score", "estimate"] == rm_bench(pd.DataFrame(rows))["score"]
    assert "tied items" not in found["term"].tolist()
