"""What holds no comparison is refused with the reason and the way out."""

from __future__ import annotations

import json

import pytest

import workbench as wb
from workbench.errors import DataError


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("leaderboard.csv", ",win_rate,standard_error,n_total\noak,50.1,1.2,805\n", "leaderboard"),
        ("evaluators.csv", ",Human agreement,Proba. prefer longer\nj,60,0.7\n", "leaderboard"),
        ("outputs.json", [{"instruction": "i", "output": "o", "generator": "oak"}], "answers"),
        ("oak.jsonl", [{"question_id": 1, "model_id": "oak", "choices": [{"turns": ["x"]}]}],
         "answers"),
        ("answer_oak.jsonl",
         [{"answer_id": "a", "question_id": 1, "model_id": "oak", "text": "x"}], "answers"),
        ("pairwise_output.jsonl", [{"output": 0}, {"output": 2}], "Auto-J"),
    ],
)  # fmt: skip
def test_the_reason_is_named(tmp_path, name, text, reason):
    path = tmp_path / name
    if isinstance(text, list):
        text = json.dumps(text) if name.endswith("json") else "\n".join(map(json.dumps, text))
    path.write_text(text)
    with pytest.raises(DataError, match=reason) as error:
        wb.load(path)
    assert error.value.fix
    assert "oad" in error.value.fix


def test_annotations_with_an_output_are_no_model_s_answers(tmp_path):
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([{
        "instruction": "i", "output": "x", "generator": "base", "output_1": "one",
        "output_2": "two", "preference": 1,
    }]))  # fmt: skip
    assert wb.load(path).load_report.format == "alpaca_eval"
