"""RPR and DOVE: criteria that turn a label, and a prompt of each side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.identity import exchanged, pair_ids

WORDS = "red apples grow well near the old stone wall by the river".split()


def rpr(n: int = 30) -> list[dict[str, Any]]:
    """Rows of RPR's layout, as its card says; the texts are made up."""
    return [
        {"prompt": f"Question {k}?", "response_a": f"Short {k}.", "response_b": f"A long one, {k}.",
         "criteria_x": "The answer is brief.", "criteria_y": f"The answer tells of {k}.",
         "category_x": "Style", "category_y": "Content", "scenario_x": "in a hurry",
         "scenario_y": "has time", **{f"profile_{j}": f"person {j}" for j in range(5)}}
        for k in range(n)
    ]  # fmt: skip


def written(place: Path, rows: list[dict[str, Any]]) -> Path:
    path = place / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_rpr_gives_two_opposed_gold_labels_a_pair(tmp_path: Path) -> None:
    data = wb.load(written(tmp_path, rpr()))
    assert data.load_report is not None
    assert data.load_report.format == "rpr"
    assert (len(data.pairs), len(data.labels)) == (30, 60)
    brief = data.labels["criterion"] == "The answer is brief."
    by_pair = data.labels[brief].merge(data.pairs, on="pair_id")
    short = by_pair["response_a"].str.startswith("Short")
    assert (by_pair["preference"] == short.astype(float)).all()
    assert set(data.labels["kind"]) == {"objective"}
    assert {"scenario_x", "scenario_y", "profile_4"} <= set(data.pairs)
    assert by_pair["criterion_category"].eq("Style").all()
    found = wb.context(data)
    assert found.settings["by_construction"]
    assert found.settings["n_opposed"] == 30
    assert found.estimates.set_index("term").loc["flip rate", "estimate"] == 1.0


def test_a_row_of_rpr_without_a_criterion_is_counted_and_its_twin_kept(tmp_path: Path) -> None:
    rows = rpr(6)
    rows[2]["criteria_y"] = " "
    rows[4]["response_a"] = None
    data = wb.load(written(tmp_path, rows))
    assert data.load_report is not None
    assert len(data.labels) == 9
    assert sum(one.count for one in data.load_report.left_out.values()) == 3
    with pytest.raises(wb.DataError, match="contradict the layout"):
        wb.context(data)
    assert wb.context(data, opposed=False).settings["n_opposed"] == 4


def test_factors_are_weighed_by_the_category_of_many_criteria(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rpr(120)
    for k, row in enumerate(rows):
        # what is said of style is for the short answer, what is said of content for the long one
        row["criteria_x"] = f"The answer {k} is brief."
        row["response_a"] = " ".join(rng.choice(WORDS, 3 + rng.integers(4)))
        row["response_b"] = " ".join(rng.choice(WORDS, 5 + rng.integers(8)))
    data = wb.score_factors(wb.load(written(tmp_path, rows)), wb.factors.FAMILIES["length"][1:2])
    found = wb.context(data)
    assert found.interaction is not None
    weights = found.interaction.estimates.set_index(["scenario", "term"])
    assert weights.loc[("Style", "words"), "conf_high"] < 0
    assert weights.loc[("Content", "words"), "conf_low"] > 0


def dove(n: int = 300, seed: int = 0) -> list[dict[str, Any]]:
    """Joint preferences that go to the longer instruction, whatever the response."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        long, short = " ".join(rng.choice(WORDS, 14)), " ".join(rng.choice(WORDS, 4))
        asked = [f"{k}: {long}", f"{k}: {short}"]
        said = [" ".join(rng.choice(WORDS, 6 + rng.integers(9))) for _ in range(2)]
        first = rng.random() > 0.15
        order = (0, 1) if first else (1, 0)
        rows.append({"i_chosen": asked[order[0]], "r_chosen": said[order[0]],
                     "i_reject": asked[order[1]], "r_reject": said[order[1]]})  # fmt: skip
    return rows


def test_dove_keeps_the_prompt_of_each_side(tmp_path: Path) -> None:
    rows = dove(40)
    rows[0]["i_reject"] = rows[0]["i_chosen"]
    data = wb.load(written(tmp_path, rows))
    assert data.load_report is not None
    assert data.load_report.format == "dove"
    assert (len(data.pairs), len(data.labels)) == (40, 40)
    assert data.pairs["prompt_b"].isna().sum() == 1
    chosen = data.labels.set_index("pair_id")["preference"]
    for pair in data.pairs.itertuples():
        (row,) = [r for r in rows if {r["r_chosen"], r["r_reject"]} ==
                  {pair.response_a, pair.response_b}]  # fmt: skip
        a_is_chosen = chosen[pair.pair_id] == 1.0
        side = "chosen" if a_is_chosen else "reject"
        assert (pair.prompt, pair.response_a) == (row[f"i_{side}"], row[f"r_{side}"])
    # the side says nothing of the label
    assert 0.2 < chosen.mean() < 0.8


def test_the_real_file_of_dove_is_read(shared_data: Path) -> None:
    data = wb.load(shared_data / "dove" / "val_conditional_pref.jsonl")
    assert data.load_report is not None
    assert data.load_report.format == "dove"
    assert "prompt_b" not in data.pairs
    assert len(data.labels) == 363


def test_both_prompts_are_of_the_pair_s_identity() -> None:
    one = pd.DataFrame({"prompt": ["p"], "prompt_b": ["q"], "response_a": ["x"],
                        "response_b": ["y"], "preference": [1.0]})  # fmt: skip
    turned = exchanged(one, np.array([True]))
    assert turned.iloc[0].tolist() == ["q", "p", "y", "x", 0.0]
    assert pair_ids(one)[0][0] == pair_ids(turned)[0][0]
    assert pair_ids(one)[1][0] != pair_ids(turned)[1][0]
    others = [one.assign(prompt_b="r"), one.assign(prompt="q"), one.assign(prompt_b=None),
              one.assign(prompt="q", prompt_b="p")]  # fmt: skip
    ids = {pair_ids(table)[0][0] for table in (one, *others)}
    assert len(ids) == 5
    # a pair of one prompt has the id that it has in a table without the column
    both = pd.concat([one, one.assign(prompt_b=None)], ignore_index=True)
    assert pair_ids(both)[0][1] == pair_ids(one.drop(columns="prompt_b"))[0][0]


def test_a_response_is_held_against_the_prompt_of_its_own_side() -> None:
    pairs = pd.DataFrame({"prompt": ["red apples"], "prompt_b": ["green pears"],
                          "response_a": ["red apples"], "response_b": ["green pears"]})  # fmt: skip
    labels = pd.DataFrame({"pair": [0], "annotator": ["x"], "preference": [1.0]})
    data = wb.score_factors(
        wb.PreferenceData.from_tables(pairs, labels), wb.factors.FAMILIES["prompt"]
    )
    values = data.factor_values.iloc[0]
    assert values["prompt_overlap_a"] == values["prompt_overlap_b"] == 1.0


def test_prompts_that_are_judged_are_told_from_responses(tmp_path: Path) -> None:
    data = wb.score_factors(wb.load(written(tmp_path, dove())), wb.factors.FAMILIES["length"][1:2])
    found = wb.context(data)
    rows = found.prompts.set_index("term")
    assert rows.loc["gain of prompts alone", "conf_low"] > 0
    assert rows.loc["gain of responses beyond prompts", "conf_low"] < 0.01
    assert rows.loc["prompt share", "conf_low"] > 0.5
    assert "prompts-judged" in [one.rule_id for one in found.findings()]


def test_training_files_refuse_pairs_of_two_prompts(tmp_path: Path) -> None:
    data = wb.load(written(tmp_path, dove(40)))
    with pytest.raises(wb.DataError, match="one prompt for both responses"):
        wb.curate(data, {"min_votes": 1}).write(tmp_path / "out", "trl")
