"""Two models on the same prompts: by hand, through opponents, turned round, refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import workbench as wb
from workbench.errors import DesignError


def battles(rows: list[tuple[str, str, str, float]], **columns: object) -> wb.PreferenceData:
    """Return verdicts of people from prompt, model A, model B, score of A."""
    table = pd.DataFrame(rows, columns=["prompt", "model_a", "model_b", "preference"])
    table["response_a"] = "answer by " + table["model_a"] + table.index.astype(str)
    table["response_b"] = "answer by " + table["model_b"] + table.index.astype(str)
    labels = pd.DataFrame(
        {"pair": np.arange(len(table)), "annotator": "human", "kind": "human",
         "preference": table["preference"]}
    )  # fmt: skip
    pairs = table.drop(columns="preference").assign(cluster=table["prompt"], **columns)
    return wb.PreferenceData.from_tables(pairs, labels)


def met(wins: int, losses: int, ties: int) -> list[tuple[str, str, str, float]]:
    scores = np.repeat([1.0, 0.0, 0.5], [wins, losses, ties])
    return [
        (f"prompt {k}", *(("x", "y") if k % 2 else ("y", "x")), s if k % 2 else 1 - s)
        for k, s in enumerate(scores)
    ]


def test_head_to_head_is_the_sign_test():
    row = wb.compare_models(battles(met(30, 14, 6)), "x", "y").to_frame().iloc[0]
    assert (row["a_ahead"], row["b_ahead"], row["alike"], row["n"]) == (30, 14, 6, 50)
    assert row["estimate"] == pytest.approx(16 / 50)
    assert row["value_a"] == pytest.approx(33 / 50)
    exact = binomtest(30, 44).pvalue
    assert exact / 2 < row["p_value"] < exact
    assert row["test"] == "sign test, mid-P"


def test_through_a_baseline_a_prompt_s_ease_cancels():
    """Prompts that are easy for everybody: paired, a gain of .2 of 40 prompts is clear."""
    rows = []
    for k in range(40):
        easy = float(k % 2)
        rows.append((f"p{k}", "x", "base", 1.0 if k % 5 == 0 else easy))
        rows.append((f"p{k}", "base", "y", 1 - easy if k % 5 else 1.0))
    found = wb.compare_models(battles(rows), "x", "y")
    row = found.to_frame().iloc[0]
    assert row["through"] == "base"
    assert row["estimate"] == pytest.approx(8 / 40)
    assert (row["a_ahead"], row["b_ahead"]) == (8, 0)
    assert row["p_value"] == pytest.approx(0.5**8)
    assert row["verdict"] == "a ahead"
    assert found.findings()[0].rule_id == "loses-to-another"


def test_every_opponent_and_one_of_them():
    rng = np.random.default_rng(0)
    rows = met(10, 10, 0)
    for k in range(30):
        for base in ("base", "other"):
            rows.append((f"q{k}", "x", base, float(rng.random() < 0.6)))
            rows.append((f"q{k}", "y", base, float(rng.random() < 0.4)))
    data = battles(rows, scenario=["code" if k % 3 else "prose" for k in range(len(rows))])
    found = wb.compare_models(data, "x", "y").to_frame()
    assert found["through"].tolist() == [
        "head to head", "through all common opponents", "base", "other"
    ]  # fmt: skip
    assert found["n"].tolist() == [20, 60, 30, 30]
    assert found["n_clusters"].tolist() == [20, 30, 30, 30]
    assert found["estimate"].iloc[1] == pytest.approx(found["estimate"].iloc[2:].mean())
    one = wb.compare_models(data, "x", "y", baseline="base").to_frame()
    assert one["through"].tolist() == ["head to head", "base"]
    turned = wb.compare_models(data, "y", "x").to_frame()
    assert turned["estimate"].to_numpy() == pytest.approx(-found["estimate"].to_numpy())
    assert turned["conf_low"].to_numpy() == pytest.approx(-found["conf_high"].to_numpy(), abs=1e-9)
    slices = wb.compare_models(data, "x", "y", by="scenario").slices
    assert set(slices["group"]) == {"code", "prose"}


def test_only_ties_and_one_prompt():
    row = wb.compare_models(battles(met(0, 0, 60)), "x", "y").to_frame().iloc[0]
    assert row["estimate"] == 0
    assert row["conf_low"] < 0 < row["conf_high"]
    assert row["p_value"] == 1
    one = wb.compare_models(battles(met(1, 0, 0)), "x", "y")
    assert one.to_frame()["verdict"].tolist() == ["undefined"]
    assert "one cluster" in one.summary()


def test_refusals():
    data = battles([*met(3, 2, 0), ("r", "z", "w", 1.0)])
    with pytest.raises(DesignError, match="Nothing compares x and z"):
        wb.compare_models(data, "x", "z")
    with pytest.raises(DesignError, match="no two models"):
        wb.compare_models(data, "x", "x")
    with pytest.raises(DesignError, match="no two models"):
        wb.compare_models(data, "x", "nobody")
    with pytest.raises(DesignError, match="no verdicts"):
        wb.compare_models(data, "x", "y", "judge")


def test_an_opponent_without_a_name_is_left_out_and_told():
    rows = [*met(30, 14, 6), ("prompt 0", "x", "base", 1.0), ("prompt 0", "y", "base", 0.0)]
    data = battles([*rows, ("prompt 1", "x", "?", 1.0), ("prompt 1", "y", "?", 0.0)])
    pairs = data.pairs.assign(model_b=data.pairs["model_b"].replace("?", None))
    found = wb.compare_models(replace(data, pairs=pairs), "x", "y")
    pd.testing.assert_frame_equal(
        found.to_frame(), wb.compare_models(battles(rows), "x", "y").to_frame()
    )
    assert "2 pairs left out: the other model has no name" in found.summary()


def test_the_whole_is_the_same_whatever_the_slices():
    """On each prompt x met the opponent in one slice and y in another."""
    rows = [(f"p{k}", m, "base", float(m == "x" or k < 20)) for k in range(40) for m in "xy"]
    data = battles(rows, bucket=["long", "short"] * 40)
    plain = wb.compare_models(data, "x", "y").to_frame()
    sliced = wb.compare_models(data, "x", "y", by="bucket")
    pd.testing.assert_frame_equal(sliced.to_frame(), plain)
    assert sliced.slices.empty


def test_a_baseline_that_nobody_is_is_refused():
    with pytest.raises(DesignError, match="no model 'typo'"):
        wb.compare_models(battles(met(3, 1, 0)), "x", "y", baseline="typo")
    with pytest.raises(DesignError, match="no common opponent of itself"):
        wb.compare_models(battles(met(3, 1, 0)), "x", "y", baseline="y")


def test_a_model_on_both_sides_is_counted():
    found = wb.compare_models(battles([*met(3, 1, 0), ("prompt 0", "x", "x", 1.0)]), "x", "y")
    assert found.to_frame()["n"].tolist() == [4]
    assert "1 pairs left out: one model is on both sides" in found.summary()


def test_the_loser_is_told_whatever_it_did_elsewhere():
    """Head to head y wins; x won more against others, whom y did not meet."""
    found = wb.compare_models(battles([*met(5, 30, 0), *easy("x")]), "x", "y")
    (one,) = found.findings()
    assert one.message == "x does worse than y on the same prompts, head to head"
    assert one.estimate < 0


def easy(name: str) -> list[tuple[str, str, str, float]]:
    return [(f"other {k}", name, "z", 1.0) for k in range(60)]
