"""FastChat's llm_judge: two games a record, rated answers, and a benchmark's folder."""

from __future__ import annotations

import json
import math

import pyarrow as pa
import pytest

import workbench as wb
from tests.data.formats.judged.conftest import of_model, said, shown_first
from workbench.data.formats.judged.fastchat import FORMAT, RULE


def game(question=1, first="model_1", second="model_1", turn=1, **changed):
    return {
        "question_id": question,
        "model_1": "oak",
        "model_2": "elm",
        "g1_winner": first,
        "g2_winner": second,
        "judge": ["judge-x", "pair-v2" if turn == 1 else "pair-v2-multi-turn"],
        "g1_user_prompt": "which?",
        "g1_judgment": f"game 1 of {question}",
        "g2_user_prompt": "which?",
        "g2_judgment": f"game 2 of {question}",
        "turn": turn,
        "tstamp": 1690000000.5,
        **changed,
    }


def rating(model="oak", score=7, question=1, turn=1, **changed):
    return {
        "question_id": question,
        "model": model,
        "judge": ["judge-x", "single-v1"],
        "user_prompt": "rate",
        "judgment": f"Rating: [[{score}]]",
        "score": score,
        "turn": turn,
        "tstamp": 1690000000.5,
        **changed,
    }


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def test_a_record_is_two_games_whose_winners_are_models(written):
    records = [
        game(1, "model_1", "model_2"), game(2, "tie", "model_2"), game(3, "error", "model_1"),
        game(1, "model_2", "model_2", turn=2),
    ]  # fmt: skip
    data = wb.load(written(records))
    assert data.load_report.format == "fastchat"
    rows = said(data).to_dict("records")
    assert (len(data.pairs), len(rows)) == (4, 8)
    assert [shown_first(row) for row in rows] == ["oak", "elm"] * 4
    wins = [of_model(row, "oak") for row in rows]
    assert [None if math.isnan(x) else x for x in wins] == [1, 0, 0.5, 0, None, 1, 0, 0]
    assert [row["reason"] for row in rows if isinstance(row["reason"], str)] == ["tie", "failed"]
    assert {(row["annotator"], row["kind"]) for row in rows} == {("judge-x", "llm")}
    assert rows[4]["raw"] == "game 1 of 3"
    # two turns of a question are two pairs of one cluster
    assert sorted(data.pairs["cluster"]) == ["1", "1", "2", "3"]
    assert set(data.pairs["judge_template"]) == {"pair-v2", "pair-v2-multi-turn"}


def test_texts_are_those_that_the_judge_was_shown():
    def shown(a, b):
        return (
            f"[User Question]\nWhich tree?\n\n[The Start of Assistant A's Answer]\n{a}\n"
            f"[The End of Assistant A's Answer]\n\n[The Start of Assistant B's Answer]\n{b}\n"
            "[The End of Assistant B's Answer]"
        )

    for changed in (
        {"g1_user_prompt": shown("An oak.\n", "An elm.")},
        {"g2_user_prompt": shown("An elm.", "An oak.\n")},
    ):
        row = read([game(**changed)]).iloc[0]
        assert (row.prompt, row.response_a, row.response_b) == (
            "Which tree?",
            "An oak.\n",
            "An elm.",
        )


def test_texts_of_the_second_turn_are_whole_conversations():
    def chat(letter, *answers):
        turns = "\n\n".join(
            f"### User:\nQ{k}\n\n### Assistant {letter}:\n{answer}"
            for k, answer in enumerate(answers, start=1)
        )
        name = f"Assistant {letter}'s Conversation with User|>"
        return f"<|The Start of {name}\n\n{turns}\n\n<|The End of {name}"

    prompt = chat("A", "a1", "a2") + "\n\n\n" + chat("B", "b1", "b2")
    row = read([game(turn=2, g1_user_prompt=prompt)]).iloc[0]
    assert row.prompt == "user: Q1\n\nuser: Q2"
    assert (row.response_a, row.response_b) == ("a1\n\na2", "b1\n\nb2")


def test_records_of_single_mode_are_one_judgement():
    def one(m1, m2):
        wins = "tie" if abs(m1 - m2) <= 0.1 else "model_1" if m1 > m2 else "model_2"
        return game(first=wins, second=wins, m1_score=m1, m2_score=m2, turn=None)

    frame = read([one(8, 5), one(5, 5.1), one(4, 9), one(-1, -1), one(-1, 9)])
    assert frame["row"].tolist() == [1, 2, 3, 4, 5]
    assert frame["preference"].fillna(9).tolist() == [1.0, 0.5, 0.0, 9, 9]
    assert frame["order_shown"].isna().all()
    assert frame["reason"].fillna("").tolist() == ["", "tie", "", "failed", "failed"]
    assert frame["strength"].fillna(0).tolist() == [3.0, 0, 5.0, 0, 0]


def test_old_files_hold_one_winner():
    def old(winner, *said):
        record = game(winner=winner, g1_judgment=None, g2_judgment=None)
        record |= {f"g{k}_judgment": text for k, text in enumerate(said, start=1)}
        return {key: value for key, value in record.items() if not key.endswith("_winner")}

    frame = read([
        old("inconsistent", "so [[A]]", "so [[A]]"), old("model_2", "so [[B]]", "so [[A]]"),
        old("model_1", "7 to 5", "5 to 7"), old("tie"), old("inconsistent"), old(None),
    ])  # fmt: skip
    assert frame["row"].tolist() == [1, 1, 2, 2, 3, 3, 4, 5, 6]
    assert frame["preference"].fillna(9).tolist() == [1, 0, 0, 0, 1, 1, 0.5, 9, 9]
    assert frame["order_shown"].fillna("").tolist() == ["ab", "ba"] * 3 + ["", "", ""]
    assert frame["problem"].fillna("").tolist() == [""] * 7 + ["unknown label", "no judgement"]


def test_unknown_winners_are_counted():
    frame = read([game(first="oak")])
    assert frame["problem"].fillna("").tolist() == ["unknown label", ""]
    assert frame["found"][0] == "winner: oak"


def test_rated_answers_become_pairs_within_question_turn_and_judge(written):
    records = [
        rating("oak", 7), rating("elm", 7.1), rating("ash", 9), rating("oak", 3, turn=2),
        rating("elm", 8, turn=2), rating("oak", 5, question=2), rating("elm", -1, question=2),
        rating("oak", 2, judge=["judge-y", "single-v1"]),
        rating("elm", 4, judge=["judge-y", "single-v1"]),
    ]  # fmt: skip
    data = wb.load(written(records))
    assert data.load_report.settings["rule"] == RULE
    assert data.pairs["model_a"].ne(data.pairs["model_b"]).all()
    found = {
        (row["item"], row["annotator"], *sorted((row["model_a"], row["model_b"]))): (
            row["preference"] if row["model_a"] < row["model_b"] else 1 - row["preference"]
        )
        for row in said(data).to_dict("records")
    }
    first, second, other = (f"question {q}, turn {t}" for q, t in ((1, 1), (1, 2), (2, 1)))
    failed = found.pop((other, "judge-x", "elm", "oak"))
    assert math.isnan(failed)
    assert found == {
        (first, "judge-x", "elm", "oak"): 0.5,
        (first, "judge-x", "ash", "oak"): 1.0,
        (first, "judge-x", "ash", "elm"): 1.0,
        (second, "judge-x", "elm", "oak"): 1.0,
        (first, "judge-y", "elm", "oak"): 1.0,
    }
    assert data.labels["raw"].dropna().tolist() == ["Rating: [[-1]]"]
    assert data.labels["order_shown"].isna().all()


def test_sides_of_rated_answers_say_nothing_of_the_ratings():
    def many(high, low):
        return read([r for k in range(60) for r in (rating("oak", high, k), rating("elm", low, k))])

    one, other = many(9, 1), many(1, 9)
    assert one["model_a"].tolist() == other["model_a"].tolist()
    assert 15 < one["model_a"].eq("oak").sum() < 45


def test_a_rating_without_another_is_counted():
    frame = read([rating("oak"), rating("oak", question=2), rating("elm", question=2)])
    assert frame["problem"].fillna("").tolist() == ["unparseable", ""]
    assert frame["found"][0] == "the only rating of question 1, oak"


def test_ratings_given_again_meet_the_others_once():
    frame = read([rating("oak", 7), rating("elm", 5), rating("oak", 4), rating("elm", 6)])
    wins = [of_model(row, "oak") for row in frame.to_dict("records")]
    assert (wins, frame["row"].tolist()) == ([1.0, 0.0], [1, 3])


@pytest.fixture
def bench(tmp_path):
    """A folder of MT-Bench's form: two questions of two turns, two models, one judge."""

    def put(name, records):
        path = tmp_path / "bench" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))

    put("question.jsonl", [
        {"question_id": q, "category": "trees", "turns": [f"Q{q}.1", f"Q{q}.2"]} for q in (1, 2)
    ])  # fmt: skip
    for model in ("oak", "elm"):
        put(f"model_answer/{model}.jsonl", [
            {"question_id": q, "model_id": model, "choices": [
                {"index": 0, "turns": [f"{model}{q}.1", f"{model}{q}.2"]}
            ]} for q in (1, 2)
        ])  # fmt: skip
    put("reference_answer/gold.jsonl", [
        {"question_id": 1, "choices": [{"turns": ["right 1", "right 2"]}]}
    ])  # fmt: skip
    put("model_judgment/judge-x_pair.jsonl", [game(1), game(2, "model_2", "tie", turn=2)])
    put("model_judgment/judge-x_single.jsonl", [rating("oak", 9), rating("elm", 3)])
    return tmp_path / "bench"


def test_a_folder_joins_questions_answers_and_judgements(bench):
    for folder in (bench, bench / "model_judgment"):
        data = wb.load(folder)
        assert (len(data.pairs), len(data.labels)) == (2, 5)
        pairs = data.pairs.sort_values("item").to_dict("records")
        assert [pair["prompt"] for pair in pairs] == ["Q1.1", "user: Q2.1\n\nuser: Q2.2"]
        for pair, end in zip(pairs, ("1.1", "2.1\n\n{}2.2"), strict=True):
            for side in "ab":
                model = pair[f"model_{side}"]
                assert pair[f"response_{side}"] == model + end.format(model)
        assert pairs[0]["reference"] == "right 1"
        assert set(data.pairs["scenario"]) == {"trees"}
        assert set(data.labels["file"]) == {"judge-x_pair.jsonl", "judge-x_single.jsonl"}


def test_a_broken_line_of_a_folder_is_counted(bench):
    with (bench / "model_judgment" / "judge-x_pair.jsonl").open("a") as file:
        file.write('{"question_id": 2, "mod')
    report = wb.load(bench).load_report
    assert report.rows_kept == 5
    assert report.left_out["unparseable"].count == 1


def test_answers_that_are_missing_leave_the_judgement(bench):
    (bench / "model_answer" / "elm.jsonl").unlink()
    data = wb.load(bench)
    assert len(data.labels) == 5
    assert data.pairs["response_a"].isna().all()
