"""Known answers of benchmarks: by hand, by planted judges, on the benchmarks' own files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.judges.known_answers import known_answers
from workbench.audit.models.benchmarks import rm_bench
from workbench.errors import DesignError


@pytest.fixture
def bench(tmp_path):
    """Two prompts of RM-Bench's form; marked-up texts are the longest."""
    rows = [
        {"id": k, "subset": name, "prompt": f"Say {name}", "error": "x",
         **{side: [f"{name} {text}", f"{name} {text}, at length",
                   f"{name} {text}\n- at\n- length !"]
            for side, text in (("chosen", "right"), ("rejected", "wrong"))}}
        for k, name in enumerate(("one", "two"))
    ]  # fmt: skip
    path = tmp_path / "rm_bench.json"
    path.write_text(json.dumps(rows))
    return path


def test_rm_bench_is_nine_pairs_a_prompt_with_styles(bench):
    data = wb.load(bench)
    assert data.load_report.format == "rm_bench"
    assert len(data.pairs) == 18
    both = data.pairs.merge(data.labels[["pair_id", "preference"]], on="pair_id")
    for row in both.to_dict("records"):
        one, other = ("a", "b") if row["preference"] == 1.0 else ("b", "a")
        assert "right" in row[f"response_{one}"]
        assert "wrong" in row[f"response_{other}"]
        for side in "ab":
            marks = row[f"response_{side}"].count("-")
            assert (row[f"style_{side}"] == "markdown") == (marks == 2)
    assert both["cluster"].nunique() == 2


def test_a_judge_of_length_is_right_where_the_right_one_is_longer(bench):
    table = known_answers(wb.load(bench), wb.RuleJudge("longer")).to_frame().set_index("term")
    assert table.loc["easy, right in both orders", "estimate"] == 1.0
    assert table.loc["hard, right in both orders", "estimate"] == 0.0
    assert table.loc["normal, right in both orders", "estimate"] == 0.0  # ties are not right
    assert table.loc["easy minus hard", "estimate"] == 1.0
    assert table.loc["right in both orders", "estimate"] == pytest.approx(1 / 3)
    assert table.loc["right in one order", "estimate"] == pytest.approx(1 / 2)
    assert {"right in both orders: one", "right in both orders: two"} <= set(table.index)


def test_the_matrix_is_rm_bench_s_own_on_its_files(shared_data):
    """A reward model of length: our pairs against the benchmark's aggregation of its scores."""
    path = shared_data / "rm_bench" / "data" / "chat_filtered.json"
    if not path.exists():
        pytest.skip("RM-Bench is absent")
    data = wb.load(path)
    judge = wb.RewardJudge(lambda batch: [len(text) for _, text in batch], "length")
    items = pd.DataFrame(json.loads(path.read_text()))
    # two styles with one text are one pair here
    several = items["chosen"].map(lambda one: len(set(one))) + items["rejected"].map(
        lambda one: len(set(one))
    )
    items = items[(several == 6) & ~items["prompt"].duplicated(keep=False)]
    kept = data.pairs["prompt"].isin(items["prompt"])
    data = data.filter(pair_ids=data.pairs.loc[kept, "pair_id"])
    assert len(data.pairs) == 9 * len(items) > 900
    table = known_answers(data, judge, n=10**6).to_frame().set_index("term")
    scores = {side: items[side].map(lambda texts: [len(text) for text in texts])
              for side in ("chosen", "rejected")}  # fmt: skip
    own = rm_bench(pd.DataFrame({"domain": "chat", **scores}))["chat"]
    for name in ("easy", "normal", "hard"):
        row = table.loc[f"{name}, right in both orders"]
        assert row["estimate"] == pytest.approx(own[name], abs=1e-12)
        assert row["n_clusters"] <= len(items)
    assert table.loc["easy minus hard", "estimate"] == pytest.approx(own["style_gap"], abs=1e-12)


def test_llmbar_is_asked_with_a_mapping(shared_data):
    path = shared_data / "llmbar" / "LLMBar" / "Natural" / "dataset.json.gz"
    if not path.exists():
        pytest.skip("LLMBar is absent")
    mapping = {"prompt": "input", "response_a": "output_1", "response_b": "output_2",
               "label": "label", "labels": {"1": "a", "2": "b"}}  # fmt: skip
    data = wb.load(path, mapping=mapping, kind="objective")
    found = known_answers(data, wb.RuleJudge("first"), "objective", n=1000)
    table = found.to_frame().set_index("term")
    assert table.loc["right in both orders", ["estimate", "n"]].tolist() == [0.0, 100.0]
    assert table.loc["right in one order", "estimate"] == 0.5


def test_a_judge_without_verdicts_is_counted_not_scored(bench):
    class Silent(wb.RuleJudge):
        """Never says anything."""

        def verdicts(self, data):
            return super().verdicts(data).assign(preference=np.nan)

    found = known_answers(wb.load(bench), Silent("longer"))
    assert found.to_frame()["estimate"].isna().all()
    assert "18 of 18 pairs without a verdict" in found.summary()
    assert "no pair with a verdict" in found.summary()


def test_no_known_answer_is_said(bench):
    data = wb.load(bench)
    none = wb.PreferenceData(
        data.pairs, data.labels.assign(preference=np.nan), data.factors, data.factor_values
    )
    with pytest.raises(DesignError, match="known answer"):
        known_answers(none, wb.RuleJudge("longer"))
