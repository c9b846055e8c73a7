"""JudgeBench: an objective label, and games whose second one shows B first."""

from __future__ import annotations

import json
import math

import pyarrow as pa
import pytest

import workbench as wb
from tests.data.formats.judged.conftest import said


def pair(k=0, label="A>B", *decisions, **changed):
    judged = {
        "judge_name": "arena_hard",
        "judgments": [
            None
            if decision is None
            else {
                "judgment": {"judge_model": "judge-x", "prompt": "p", "response": f"So {decision}"},
                "decision": decision,
            }
            for decision in decisions
        ],
    }
    return {
        "pair_id": f"pair-{k}",
        "original_id": k,
        "source": "sums",
        "question": f"{k}+{k}?",
        "response_model": "oak",
        "response_A": f"{2 * k}",
        "response_B": f"{2 * k + 1}",
        "label": label,
        **(judged if decisions else {}),
        **changed,
    }


def scored(k, *games):
    """A reward model's record: scores of the responses in the order of each game."""
    entries = [
        {
            "judgment": {"judge_model": "org/rm", "prompt": "", "response": "", "scores": scores},
            "decision": "A>B" if scores[0] > scores[1] else "B>A",
        }
        for scores in games
    ]
    return pair(k, judge_name="reward_model", judgments=entries)


def test_labels_alone(written):
    data = wb.load(written([pair(0), pair(1, "B>A")]))
    assert data.load_report.format == "judgebench"
    rows = said(data)
    assert rows[["annotator", "kind"]].drop_duplicates().to_numpy().tolist() == [
        ["gold", "objective"]
    ]
    right = rows["response_a"].where(rows["preference"] == 1, rows["response_b"])
    assert right.tolist() == ["0", "3"]
    assert rows["order_shown"].isna().all()
    assert set(data.pairs["model_a"]) == set(data.pairs["model_b"]) == {"oak"}


def test_the_second_game_is_turned(written):
    data = wb.load(written([
        pair(0, "A>B", "A>B", "B>A"), pair(1, "B>A", "A>B", "A>B"), pair(2, "A>B", "A=B", None),
    ]))  # fmt: skip
    judge = said(data).query("annotator == 'judge-x'")
    assert judge["kind"].unique().tolist() == ["llm"]
    prefers_a = [
        row["preference"] if int(row["response_a"]) % 2 == 0 else 1 - row["preference"]
        for row in judge.to_dict("records")
    ]
    assert [None if math.isnan(x) else x for x in prefers_a] == [1, 1, 1, 0, 0.5, None]
    assert judge["reason"].dropna().tolist() == ["tie", "failed"]
    first = [
        row["response_a"] if row["order_shown"] == "ab" else row["response_b"]
        for row in judge.to_dict("records")
    ]
    assert first == ["0", "1", "2", "3", "4", "5"]


def test_a_single_game_is_one_judgement(tmp_path):
    path = tmp_path / "outputs.jsonl"
    path.write_text(json.dumps(pair(0, "A>B", "B>A")) + "\n" + json.dumps(pair(1, "A>B", "A>B")))
    assert wb.load(path).labels["annotator"].tolist() == ["gold", "judge-x"] * 2


def test_a_reward_model_scores_once(tmp_path):
    path = tmp_path / "outputs.jsonl"
    records = [
        scored(0, [2.0, 0.5], [0.5, 2.0]), scored(1, [1.0, 1.0], [1.0, 1.0]),
        scored(2, [1.0, 3.0], [3.0, 1.25]),
    ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = said(wb.load(path)).query("annotator == 'org/rm'")
    assert rows["kind"].unique().tolist() == ["reward_model"]
    assert rows["original_id"].tolist() == [0, 1, 2, 2]
    # equal scores prefer neither, whatever the file's decision says
    assert rows["reason"].dropna().tolist() == ["tie"]
    assert rows["strength"].dropna().tolist() == [1.5, 2.0, 1.75]
    assert rows["order_shown"].isna().all()


def test_the_judge_of_failed_calls_is_in_the_file_s_name(tmp_path):
    path = tmp_path / "dataset=judgebench,response_model=oak,judge_name=a,judge_model=judge-y.jsonl"
    path.write_text("".join(json.dumps(pair(k, "A>B", None, None)) + "\n" for k in (0, 1)))
    labels = wb.load(path).labels
    assert labels["annotator"].tolist() == ["gold", "judge-y", "judge-y"] * 2
    assert labels["reason"].dropna().tolist() == ["failed"] * 4


@pytest.mark.parametrize("label", [None, "A>C", 7])
def test_an_unknown_label_is_counted(tmp_path, label):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(pair(0)) + "\n" + json.dumps(pair(1, label)))
    assert wb.load(path).load_report.left_out["unknown label"].count == 1


def test_published_accuracies(shared_data):
    """The correct share of JudgeBench's own metric: a tie of the two games counts as wrong."""
    for name, published in (
        ("o1-mini-2024-09-12", 65.71),
        ("Skywork_Skywork-Reward-Gemma-2-27B", 64.29),
    ):
        found = sorted((shared_data / "judgebench" / "outputs").glob(f"*{name}.jsonl"))
        if not found:
            pytest.skip("JudgeBench is absent")
        data = wb.load(found[0])
        labels = data.labels.assign(sign=(data.labels["preference"] - 0.5) * 2)
        is_gold = labels["annotator"].eq("gold")
        gold = labels[is_gold].set_index("pair_id")["sign"]
        votes = labels[~is_gold].groupby("pair_id")["sign"].sum()
        right = (votes.reindex(gold.index) * gold > 0).mean()
        assert 100 * right == pytest.approx(published, abs=0.005)


def test_a_gold_label_has_the_id_of_its_pair():
    from workbench.data.formats.judged.judgebench import FORMAT

    game = {"judgment": {"judge_model": "m", "response": "r"}, "decision": "A>B"}
    row = {"pair_id": "p1", "question": "q", "response_A": "x", "response_B": "y", "label": "A>B",
           "judgments": [game]}  # fmt: skip
    options = {"annotator": "ann", "kind": "human"}
    frame = FORMAT.translate(pa.Table.from_pylist([row, row]), 1, options)
    assert frame["row_id"].fillna("").tolist() == ["gold p1", "", "gold p1", ""]
    # what the file says goes before what the user names
    assert frame["annotator"].tolist() == ["gold", "m"] * 2
    assert frame["kind"].tolist()[0] == "objective"


def test_the_files_of_two_judges_repeat_each_gold_label_once(tmp_path):
    row = {"pair_id": "p1", "question": "q", "response_model": "m", "response_A": "x",
           "response_B": "y", "label": "A>B", "source": "s"}  # fmt: skip
    for name, judge in (("arena_hard", "oak"), ("vanilla", "elm")):
        said = {"judgment": {"judge_model": judge, "response": "r"}, "decision": "A>B"}
        record = row | {"judge_name": name, "judgments": [said]}
        path = tmp_path / f"judge_name={name},judge_model={judge}.jsonl"
        path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    labels = wb.load(tmp_path).labels
    assert labels["annotator"].value_counts().to_dict() == {"gold": 1, "oak": 1, "elm": 1}
    # the template is the judge's, not the pair's
    assert set(labels.loc[labels["annotator"] != "gold", "judge_name"]) == {"arena_hard", "vanilla"}
