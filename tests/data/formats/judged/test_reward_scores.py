"""RewardBench's scores: the benchmark's label and the model's on every pair."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

import workbench as wb
from tests.data.formats.judged.conftest import of_text, said
from workbench.data.formats.judged.reward_scores import FORMAT
from workbench.errors import DataError


def chat(k, answer):
    return [{"role": "user", "content": f"Q{k}?"}, {"role": "assistant", "content": answer}]


def one(k, chosen, rejected, templated=False, **changed):
    texts = {
        f"text_{side}": f"<|user|>\nQ{k}?\n<|assistant|>\n{text}</s>"
        if templated
        else chat(k, text)
        for side, text in (("chosen", f"good {k}"), ("rejected", f"bad {k}"))
    }
    right = 1 if chosen > rejected else 0 if chosen < rejected else 0.5
    return {
        **texts, "results": right, "scores_chosen": chosen, "scores_rejected": rejected,
        "subset": "hep-python", "id": k, "model": "org/rm", "model_type": "Seq. Classifier",
        **changed,
    }  # fmt: skip


RECORDS = [one(0, 2.0, 0.5), one(1, -1.0, 0.25), one(2, 0.5, 0.5)]


def in_columns(records):
    once = ("model", "model_type")
    columns = {k: [r[k] for r in records] for k in records[0] if k not in once}
    return {**columns, **{k: records[0][k] for k in once}}


def check(data):
    rows = said(data).to_dict("records")
    assert (len(data.pairs), len(rows)) == (3, 6)
    for row in rows:
        row["good"] = row["preference"] if "good" in row["response_a"] else 1 - row["preference"]
    gold = [row for row in rows if row["annotator"] == "gold"]
    model = [row for row in rows if row["annotator"] == "org/rm"]
    assert {row["kind"] for row in gold} == {"objective"}
    assert {row["kind"] for row in model} == {"reward_model"}
    assert [row["good"] for row in gold] == [1, 1, 1]
    assert [row["good"] for row in model] == [1, 0, 0.5]
    assert [row["strength"] for row in model][:2] == [1.5, 1.25]
    assert set(data.pairs["scenario"]) == {"hep-python"}
    for pair in data.pairs.to_dict("records"):
        high = pair["score_a"] > pair["score_b"]
        assert high == (pair["response_a"] in ("good 0", "bad 1"))


def test_lines_of_scores(written):
    check(wb.load(written(RECORDS)))


@pytest.mark.parametrize("indent", [None, 1])
def test_one_object_of_columns(tmp_path, indent):
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(in_columns(RECORDS), indent=indent))
    data = wb.load(path)
    assert data.load_report.format == "reward_scores"
    check(data)


def test_one_record_is_no_object_of_columns(tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(one(0, 2.0, 0.5)))
    assert len(wb.load(path).pairs) == 1


def test_a_template_s_texts_are_cut_where_the_answer_begins(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(in_columns([one(k, 1.0, 0.5, templated=True) for k in range(3)])))
    pairs = wb.load(path).pairs
    assert pairs["prompt"].tolist() == [f"<|user|>\nQ{k}?" for k in range(3)]
    texts = {text for side in "ab" for text in pairs[f"response_{side}"]}
    assert texts == {f"{x} {k}" for x in ("good", "bad") for k in range(3)}


def test_a_list_of_one_score_is_a_score():
    record = {**RECORDS[0], "scores_chosen": [2.0], "scores_rejected": [0.5]}
    frame = FORMAT.translate(pa.Table.from_pylist([record]), 1, {})
    assert frame["strength"].dropna().tolist() == [1.5]


def test_a_generative_judge_was_right_or_wrong(tmp_path):
    records = [
        {n: v for n, v in one(k, *scores).items() if not n.startswith("scores")}
        for k, scores in enumerate([(1, 0), (0, 1), (1, 1)])
    ]  # fmt: skip
    path = tmp_path / "judge.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    data = wb.load(path)
    judge = said(data).query("kind == 'llm'").to_dict("records")
    right = [of_text(row, "good") for row in judge]
    assert right == [1, 0, 0.5]
    assert any("could not be read" in note for note in data.load_report.notes)


def test_two_scores_a_line(tmp_path):
    path = tmp_path / "rm_all.jsonl"
    path.write_text("".join(
        json.dumps({"chosen": chosen, "rejected": rejected}) + "\n"
        for chosen, rejected in ((1.5, 0.5), (0.25, 0.5), (2.0, 2.0))
    ))  # fmt: skip
    data = wb.load(path)
    assert data.load_report.format == "reward_scores"
    assert data.labels["annotator"].tolist() == ["gold", "rm"] * 3
    gold, model = (data.labels["preference"][k::2].tolist() for k in (0, 1))
    assert [abs(x - y) for x, y in zip(gold, model, strict=True)] == [0, 1, 0.5]


def test_missing_scores_are_failed_verdicts():
    record = {**RECORDS[0], "scores_chosen": None}
    frame = FORMAT.translate(pa.Table.from_pylist([record]), 1, {})
    assert frame["reason"].fillna("").tolist() == ["", "failed"]


def two(k, scores, right=1):
    texts = [chat(k, f"good {k}.{j}" if j < right else f"bad {k}.{j}") for j in range(len(scores))]
    return {
        "text": texts, "scores": scores, "num_correct": right, "results": 1.0, "subset": "Ties",
        "id": str(k), "model": "org/rm", "model_type": "Seq. Classifier",
    }  # fmt: skip


def test_version_two_compares_right_with_wrong(tmp_path):
    records = [two(0, [3.0, 1.0, 3.0, 4.0]), two(1, [1.0, 2.0, 0.0, 0.5], right=2)]
    for name, content in (
        ("columns.json", json.dumps(in_columns(records))),
        ("lines.jsonl", "".join(json.dumps(record) + "\n" for record in records)),
    ):
        path = tmp_path / name
        path.write_text(content)
        data = wb.load(path)
        rows = said(data).query("annotator == 'org/rm'").to_dict("records")
        assert (len(data.pairs), len(data.labels)) == (7, 14)
        right = [of_text(row, "good") for row in rows]
        assert right == [1, 0.5, 0, 1, 1, 1, 1]
        assert data.pairs["cluster"].nunique() == 2
        assert "not the benchmark" in data.load_report.settings["expansion"]


def test_what_is_no_list_is_counted():
    records = [two(0, [1.0, 2.0]), {**two(1, [1.0, 2.0]), "scores": [1.0]},
               {**two(2, [1.0, 2.0]), "num_correct": 2}]  # fmt: skip
    frame = FORMAT.translate(pa.Table.from_pylist(records), 1, {})
    assert frame["problem"].fillna("").tolist() == ["", "", "unparseable", "unparseable"]


def test_another_file_is_refused_with_what_is_needed():
    with pytest.raises(DataError, match="RewardBench"):
        FORMAT.translate(pa.table({"x": [1]}), 1, {})


def test_ids_are_no_scores():
    assert not FORMAT.recognise(["chosen", "rejected"], [{"chosen": 1, "rejected": 2}])
    assert FORMAT.recognise(["chosen", "rejected"], [{"chosen": 1.5, "rejected": 2}])
