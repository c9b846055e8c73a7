"""Reviews of the first Vicuna benchmark, alone and joined with answers from their folder."""

from __future__ import annotations

import json

import pytest

import workbench as wb
from tests.data.formats.judged.conftest import of_model, said, shown_first
from workbench.data.formats.judged.review_folder import named_in


def review(question=1, score=1, first="oak", second="elm", **changed):
    return {
        "review_id": f"r{question}{first}{second}{score}",
        "question_id": question,
        "answer1_id": f"{first}-{question}",
        "answer2_id": f"{second}-{question}",
        "reviewer_id": 1,
        "metadata": {"seen": 1},
        "text": f"Review {question}.",
        "score": score,
        **changed,
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("answer_bard-vs-answer_gpt4-bard-reviewer_threeclass.jsonl", ["bard", "gpt4", "bard"]),
        ("answer-gpt4-vs-answer-gpt35-gpt-4-reviewer-threeclass.jsonl", ["gpt4", "gpt35", "gpt-4"]),
        ("7b-flan-topp0.9-vs-gpt-3.5-gpt4-reviewer.jsonl", ["7b-flan-topp0.9", "gpt-3.5", "gpt-4"]),
        ("answer_gpt4-vs-answer_vicuna-13b-vicuna-13b-reviewer.jsonl.gz",
         ["gpt4", "vicuna-13b", "vicuna-13b"]),
        ("review_bard_vicuna-13b.jsonl", ["bard", "vicuna-13b"]),
        ("votes.jsonl", []),
    ],
)  # fmt: skip
def test_a_file_s_name_tells_models_and_judge(name, found):
    assert list(named_in(name).values()) == found


def test_the_first_answer_was_shown_first(written):
    data = wb.load(written(
        [review(1, 1), review(2, 2), review(3, 3), review(4, -1)],
        "answer_oak-vs-answer_elm-ash-reviewer_threeclass",
    ))  # fmt: skip
    assert data.load_report.format == "fastchat_reviews"
    rows = said(data).to_dict("records")
    assert [of_model(row, "oak") for row in rows[:3]] == [1, 0, 0.5]
    assert {shown_first(row) for row in rows} == {"oak"}
    assert {(row["annotator"], row["kind"]) for row in rows} == {("ash", "llm")}
    assert [row["raw"] for row in rows if row["reason"] == "failed"] == ["Review 4."]
    assert sorted(data.pairs["cluster"]) == ["1", "2", "3", "4"]


def test_two_ratings_are_a_verdict(written):
    records = [review(1, [9, 7.5]), review(2, [6, 6]), review(3, [2, 8]), review(4, [-1, -1])]
    rows = said(wb.load(written(records, "review_oak_elm"))).to_dict("records")
    assert [of_model(row, "oak") for row in rows[:3]] == [1, 0.5, 0]
    assert [row["reason"] for row in rows[1::2]] == ["tie", "failed"]
    assert {row["annotator"] for row in rows} == {"gpt-4"}
    assert [row["strength"] for row in rows][::2] == [1.5, 6]


def test_without_names_the_answers_ids_tell_pairs_apart(tmp_path):
    path = tmp_path / "reviews.jsonl"
    records = [review(1), review(1, first="ash"), review(2)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert len(wb.load(path).pairs) == 3


@pytest.fixture
def study(tmp_path):
    """Three models, two questions; reviews by ids, by names, and of people."""

    def put(name, records):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    put("prompts/questions.jsonl", [
        {"question_id": q, "text": f"Q {q}?", "category": "trees"} for q in (1, 2)
    ])  # fmt: skip
    for model in ("oak", "elm"):
        put(f"answers/answer_{model}.jsonl", [
            {"answer_id": f"{model}-{q}", "question_id": q, "model_id": f"{model}:v1",
             "text": f"{model} on {q}"} for q in (1, 2)
        ])  # fmt: skip
    put("answers/7b-ash.jsonl", [
        {"question_id": q, "category": "trees", "text": f"Q {q}?",
         "generation": f"ash on {q} ### Human", "generation_truncated": f"ash on {q}"}
        for q in (1, 2)
    ])  # fmt: skip
    return put


def texts_are_of_their_models(data):
    for row in data.pairs.to_dict("records"):
        for side in "ab":
            model = row[f"model_{side}"].removeprefix("7b-")
            assert row[f"response_{side}"] == f"{model} on {row['cluster']}"
        assert row["prompt"] == f"Q {row['cluster']}?"


def test_a_folder_joins_answers_by_id(study, tmp_path):
    study("ratings/answer_oak-vs-answer_elm-fir-reviewer.jsonl", [review(1, 1), review(2, 2)])
    study("ratings/answer_elm-vs-answer_oak-fir-reviewer.jsonl",
          [review(1, 1, "elm", "oak"), review(2, 3, "elm", "oak")])  # fmt: skip
    data = wb.load(tmp_path)
    assert (len(data.pairs), len(data.labels)) == (2, 4)
    assert [of_model(row, "oak") for row in said(data).to_dict("records")] == [0, 0.5, 1, 0]
    assert sorted(data.labels["order_shown"]) == ["ab", "ab", "ba", "ba"]
    texts_are_of_their_models(data)
    assert set(data.pairs["scenario"]) == {"trees"}


def test_ids_count_before_a_file_s_name(study, tmp_path):
    """The name has the models the other way round; oak's answer was shown first."""
    study("ratings/7b-ash-vs-oak-fir-reviewer.jsonl",
          [review(q, [9, 4], second="unknown") for q in (1, 2)])  # fmt: skip
    data = wb.load(tmp_path)
    for row in said(data).to_dict("records"):
        assert {row["model_a"], row["model_b"]} == {"oak", "7b-ash"}
        assert of_model(row, "oak") == 1
        assert shown_first(row) == "oak"
    texts_are_of_their_models(data)


def test_people_s_files_name_the_models_only_by_file(study, tmp_path):
    votes = [{"question_id": q, "text": f"Q {q}?", "score": s} for q, s in ((1, 1), (1, 1), (2, 3))]
    study("human/answer_elm-vs-answer_oak-human-reviewer.jsonl", votes)
    data = wb.load(tmp_path)
    assert len(data.labels) == 3
    assert set(data.labels["kind"]) == {"human"}
    assert [of_model(row, "elm") for row in said(data).to_dict("records")] == [1, 1, 0.5]
    texts_are_of_their_models(data)


def test_words_a_line_stand_in_the_questions_order(study, tmp_path):
    (tmp_path / "review_oak_elm_human.txt").write_text("ACORN\nTIE\n")
    study("other/review_oak_elm_human.txt", [])
    data = wb.load(tmp_path)
    assert [of_model(row, "oak") for row in said(data).to_dict("records")[1:]] == [0.5]
    # a name that is neither model's is no verdict unless the other model is named too
    assert data.labels["reason"].tolist() == ["failed", "tie"]
    (tmp_path / "review_oak_elm_human.txt").write_text("ACORN\nELM\n")
    data = wb.load(tmp_path)
    assert [of_model(row, "oak") for row in said(data).to_dict("records")] == [1, 0]
    assert data.labels["order_shown"].isna().all()


def test_the_real_reviews(shared_data):
    """Judgements, failures and the five judges of 80 questions, 10 pairs of models, two orders."""
    folder = shared_data / "vicuna80"
    if not folder.is_dir():
        pytest.skip("the Vicuna benchmark is absent")
    data = wb.load(folder / "data" / "vicuna80")
    judges = data.labels[data.labels["kind"].eq("llm")].groupby("annotator").size()
    # GPT-3.5 holds two files of one pair of models twice
    assert judges.to_dict() == {
        "bard": 1600, "claude": 1600, "gpt35": 1760, "gpt-4": 1600, "vicuna-13b": 1600,
    }  # fmt: skip
    rows = said(wb.load(folder / "eval"))
    assert rows["preference"].isna().sum() == 73
    flan = rows[(rows["model_a"] + rows["model_b"]).str.contains("7b-flan")]
    wins = [of_model(row, "gpt35") for row in flan.to_dict("records")]
    # GPT-3.5 wins against an early 7B model in every game, whichever way a file is named
    assert (len(wins), sum(wins)) == (160, 160)
