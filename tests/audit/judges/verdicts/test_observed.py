"""Existing verdicts: published statistics come again, planted pulls are found, by hand else."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.judges.verdicts.observed import observe
from workbench.audit.judges.verdicts.preferences import mean_preferences
from workbench.errors import DesignError


def both_orders(records: list[tuple[str, str, str, float, float]]) -> wb.PreferenceData:
    """Return data of one judge from prompt, responses, and P(A) in both orders."""
    frame = pd.DataFrame(records, columns=["prompt", "response_a", "response_b", "ab", "ba"])
    pairs = frame[["prompt", "response_a", "response_b"]].assign(item=range(len(frame)))
    labels = [
        pd.DataFrame({"pair": range(len(frame)), "annotator": "judge", "kind": "llm",
                      "preference": frame[order], "order_shown": order})
        for order in ("ab", "ba")
    ]  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, pd.concat(labels, ignore_index=True))


def measured(data: wb.PreferenceData, group: str = "judge") -> pd.DataFrame:
    found = observe(data, [group], style=False).to_frame()
    return found.set_index("term")


def llmbar(path: Path) -> tuple[wb.PreferenceData, list[tuple[str | None, str | None]]]:
    rows = json.loads(gzip.decompress(path.read_bytes()))
    said = [
        tuple(row["results"][-1][f"swap = {swap}"]["winner"] for swap in (False, True))
        for row in rows
    ]
    score = {"1": 1.0, "2": 0.0, None: np.nan}
    records = [
        (row["input"], row["output_1"], row["output_2"], score[one], score[two])
        for row, (one, two) in zip(rows, said, strict=True)
    ]
    return both_orders(records), said


def test_every_swap_statistic_of_llmbar_comes_again(shared_data):
    """185 judges and prompts: as many equal verdicts as their own statistics say."""
    files = sorted((shared_data / "llmbar").rglob("result.json.gz"))
    if not files:
        pytest.skip("LLMBar's verdicts are absent")
    for path in files:
        data, said = llmbar(path)
        row = measured(data).loc["consistency"]
        published = json.loads(path.with_name("statistics.json").read_text())["equal"]
        count, total = (int(part) for part in published.split("=")[0].split("/"))
        # theirs counts two verdicts that could not be read as equal; ours has no verdict there
        neither = sum(pair == (None, None) for pair in said)
        assert round(row["estimate"] * row["n"]) + neither == count, path
        assert len(said) == total
        unread = sum(None in pair for pair in said)
        assert row["n"] == total - unread


@pytest.mark.parametrize(
    ("judge", "agree", "first"), [("GPT-4/Vanilla", 0.928, 0.512), ("ChatGPT/CoT", 0.589, 0.698)]
)
def test_the_pulls_of_llmbar_s_judges_over_its_main_set(shared_data, judge, agree, first):
    """Agreement and first-pick over 419 items, as computed from the published verdicts."""
    folder = shared_data / "llmbar" / "LLMBar"
    files = sorted(folder.rglob(f"evaluators/{judge}/result.json.gz"))
    if not files:
        pytest.skip("LLMBar's verdicts are absent")
    parts = [llmbar(path)[0] for path in files]
    data = wb.concat(parts)
    table = measured(data)
    assert table.loc["consistency", "estimate"] == pytest.approx(agree, abs=0.003)
    assert table.loc["first share", "estimate"] == pytest.approx(first, abs=0.002)
    # without ties the fairness is one minus twice the first share
    fair = table.loc["position fairness"]
    assert fair["estimate"] == pytest.approx(1 - 2 * table.loc["first share", "estimate"], abs=0.01)


def test_the_slot_effect_of_alpaca_eval(shared_data):
    """The judge gives a model about 8 points less where the model stands first (31 models)."""
    files = sorted((shared_data / "alpaca_eval" / "weighted_alpaca_eval_gpt4_turbo").glob("*.gz"))
    if not files:
        pytest.skip("AlpacaEval's annotations are absent")
    gamed = ("NullModel", "gpt4_gamed", "gpt4_1106_preview.json")
    parts = []
    for path in files:
        if path.name.startswith(gamed):
            continue
        rows = json.loads(gzip.decompress(path.read_bytes()))
        parts += [
            (row["instruction"], row["generator_2"], row["preference"])
            for row in rows if row["preference"] is not None and 1 <= row["preference"] <= 2
        ]  # fmt: skip
    frame = pd.DataFrame(parts, columns=["prompt", "model_b", "preference"])
    turned = {
        one: random.Random(f"is_switched_outputs{one}0").choices([False, True])[0]
        for one in frame["prompt"].unique()
    }
    pairs = frame[["prompt", "model_b"]].assign(
        model_a="baseline", response_a="the baseline's", response_b=frame["model_b"]
    )
    labels = pd.DataFrame({
        "pair": range(len(frame)), "annotator": "judge", "kind": "llm",
        "preference": 2.0 - frame["preference"],
        "order_shown": frame["prompt"].map(turned).map({True: "ba", False: "ab"}),
    })  # fmt: skip
    row = measured(wb.PreferenceData.from_tables(pairs, labels)).loc["slot effect"]
    assert row["estimate"] == pytest.approx(-0.081, abs=0.012)
    assert row["std_error"] == pytest.approx(0.009, abs=0.004)
    assert row["conf_high"] < -0.05
    assert row["n_clusters"] == 805


def test_judgebench_s_o1_mini(shared_data):
    """Right on 65.71 % of 350 pairs by both orders together; 31.4 % inconsistent."""
    files = [p for p in (shared_data / "judgebench" / "outputs").glob("*") if "o1-mini" in p.name]
    if not files:
        pytest.skip("JudgeBench's outputs are absent")
    rows = [json.loads(line) for line in files[0].read_text(encoding="utf-8").splitlines()]
    score = {"A>B": 1.0, "B>A": 0.0, "A=B": 0.5}
    records, right = [], 0
    for row in rows:
        first, second = (score[one["decision"]] for one in row["judgments"])
        records.append((row["question"], row["response_A"], row["response_B"], first, 1 - second))
        gold = 1 if row["label"] == "A>B" else -1
        right += gold * ((first - 0.5) + (0.5 - second)) > 0
    table = measured(both_orders(records))
    assert right / len(rows) == pytest.approx(0.6571, abs=1e-4)
    assert 1 - table.loc["consistency", "estimate"] == pytest.approx(0.314, abs=5e-4)


def test_orders_by_hand():
    """Four pairs: twice the first place, once the second, once A in both orders."""
    said = [(1.0, 0.0), (0.5, 0.0), (0.0, 1.0), (1.0, 1.0)]
    records = [(f"p{k}", f"a{k}", f"b{k}", *both) for k, both in enumerate(said)]
    table = measured(both_orders(records))["estimate"]
    assert table["consistency"] == 0.25
    assert table["position fairness"] == (1 - 2) / 4
    assert table["first share"] == (1 + 1 + 0.5 + 1 + 0 + 0 + 1 + 0) / 8
    assert table["slot effect"] == pytest.approx(2.5 / 4 - 2 / 4)


def test_longer_and_lists_by_alpaca_eval_s_rules_beside_people():
    long, short = "word " * 20, "word"
    listed = "- one thing\n- another thing, which is said at some more length here"
    records = [
        ("p0", long, short),
        ("p1", short, long),
        ("p2", long, long + "x"),
        ("p3", listed, "no"),
    ]
    pairs = pd.DataFrame(records, columns=["prompt", "response_a", "response_b"])
    labels = pd.DataFrame({
        "pair": [0, 1, 2, 3] * 2, "annotator": ["judge"] * 4 + ["ann"] * 4,
        "kind": ["llm"] * 4 + ["human"] * 4,
        "preference": [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0],
    })  # fmt: skip
    table = measured(wb.PreferenceData.from_tables(pairs, labels))
    # 30 characters more: p0, p1 and the list
    assert table.loc["longer preferred", ["estimate", "n"]].tolist() == [1.0, 3.0]
    assert table.loc["list preferred", ["estimate", "n"]].tolist() == [1.0, 1.0]
    beside = table.loc["longer preferred, minus the reference"]
    assert beside["estimate"] == pytest.approx(2 / 3)


def test_exchanging_a_and_b_changes_nothing():
    data = wb.load("sample")
    names = ["sim-judge-plain"]
    flip = {"ab": "ba", "ba": "ab"}
    labels = data.labels.assign(
        preference=1 - data.labels["preference"], order_shown=data.labels["order_shown"].map(flip)
    )
    pairs = data.pairs.rename(columns={"response_a": "response_b", "response_b": "response_a",
                                       "model_a": "model_b", "model_b": "model_a"})  # fmt: skip
    turned = wb.PreferenceData(pairs[data.pairs.columns], labels, data.factors, data.factor_values)
    one, two = (observe(each, names, style=False).to_frame() for each in (data, turned))
    pd.testing.assert_frame_equal(one, two)


def test_weights_of_labels_count():
    pairs = pd.DataFrame({"prompt": ["p"], "response_a": ["word " * 20], "response_b": ["word"]})
    labels = pd.DataFrame({"pair": [0, 0], "annotator": "judge", "kind": "llm",
                           "preference": [1.0, 0.0], "weight": [3.0, 1.0]})  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    assert mean_preferences(data, np.ones(2, dtype=bool))["preference"].item() == 0.75


def test_findings_name_the_planted_pulls():
    found = observe(wb.load("sample"))
    rules = {(one.rule_id, one.message.split(":")[0].split(" ")[0]) for one in found.findings()}
    assert ("slot-bias", "sim-judge-plain") in rules
    assert ("form-bias", "sim-judge-format") in rules
    assert found.style is not None
    assert "reference: human" in found.summary()
    assert found.plot().data
    with pytest.raises(DesignError, match="nobody"):
        observe(wb.load("sample").filter(kinds=["human"]))
