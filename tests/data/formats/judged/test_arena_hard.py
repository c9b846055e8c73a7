"""Arena-Hard's judgements: letters are places, and the baseline may be outside the file."""

from __future__ import annotations

import json
import math

import pytest

import workbench as wb
from tests.data.formats.judged.conftest import of_model, said, shown_first


def shown(question, a, b):
    return f"<|User Prompt|>\n{question}\n\n" + "\n\n".join(
        f"<|The Start of Assistant {x}'s Answer|>\n{text}\n<|The End of Assistant {x}'s Answer|>"
        for x, text in (("A", a), ("B", b))
    )


def one(question="h1", scores=("A>B", "B>A"), prompts=("which?", "which?"), **changed):
    """A record of 2024."""
    return {
        "question_id": question,
        "model": "oak",
        "judge": "judge-x",
        "games": [
            {"user_prompt": prompt, "judgment": f"\nSo [[{score}]]", "score": score}
            for score, prompt in zip(scores, prompts, strict=True)
        ],
        **changed,
    }


def two(uid="u1", scores=("A>B", "B>A"), **changed):
    """A record of v2.0."""
    games = [
        None
        if score is None
        else {
            "score": score,
            "judgment": {"answer": f"So [[{score}]]"},
            "prompt": [
                {"role": "system", "content": "Judge."},
                {"role": "user", "content": shown("Say it.", *sides)},
            ],
        }
        for score, sides in zip(scores, (("base!", "oak!"), ("oak!", "base!")), strict=True)
    ]
    return {
        "uid": uid,
        "category": "hard_prompt",
        "judge": "judge-x",
        "model": "oak",
        "baseline": "base",
        "games": games,
        **changed,
    }


@pytest.mark.parametrize(
    ("score", "first", "strength"),
    [("A>B", 1, 1), ("A>>B", 1, 3), ("B<A", 1, 1), ("B<<A", 1, 3), ("A=B", 0.5, None),
     ("B=A", 0.5, None), ("A<B", 0, 1), ("A<<B", 0, 3), ("B>A", 0, 1), ("B>>A", 0, 3)],
)  # fmt: skip
def test_the_ten_spellings_name_places(tmp_path, score, first, strength):
    path = tmp_path / "oak.jsonl"
    path.write_text(json.dumps(one(scores=(score, score))))
    rows = said(wb.load(path)).to_dict("records")
    # the baseline is Assistant A in the first game, the model in the second
    assert [shown_first(row) for row in rows] == ["gpt-4-0314", "oak"]
    assert [of_model(row, "gpt-4-0314") for row in rows] == [first, 1 - first]
    assert [row["strength"] for row in rows] == pytest.approx(
        [strength or math.nan] * 2, nan_ok=True
    )


def test_a_record_is_two_judgements_and_null_is_a_failed_one(written):
    records = [one("h1"), one("h2", ("A=B", None)), one("h3", ("B>>A", "A>>B"))]
    data = wb.load(written(records))
    assert data.load_report.format == "arena_hard"
    assert (len(data.pairs), len(data.labels)) == (3, 6)
    rows = data.labels
    assert rows["preference"].isna().sum() == 1
    assert rows["reason"].dropna().tolist() == ["tie", "failed"]
    assert rows[rows["reason"].eq("failed")]["raw"].tolist() == ["\nSo [[None]]"]
    assert sorted(data.pairs["cluster"]) == ["h1", "h2", "h3"]
    assert data.load_report.settings["baseline"] == "gpt-4-0314"
    assert any("baseline" in note for note in data.load_report.notes)


def test_the_baseline_is_an_option(tmp_path):
    path = tmp_path / "oak.jsonl"
    path.write_text(json.dumps(one()) + "\n" + json.dumps(one("h2")))
    data = wb.load(path, mapping={"baseline": "old-oak"})
    assert set(data.pairs["model_a"]) | set(data.pairs["model_b"]) == {"oak", "old-oak"}
    assert not any("baseline" in note for note in data.load_report.notes)


def test_version_two_names_its_baseline_and_holds_the_texts(written):
    data = wb.load(written([two(), two("u2", (None, "A>>B"))]))
    rows = said(data).to_dict("records")
    assert len(rows) == 4
    assert [row["reason"] for row in rows if row["reason"] == "failed"] == ["failed"]
    assert [of_model(row, "oak") for row in rows if row["reason"] != "failed"] == [0, 0, 1]
    assert set(data.pairs["prompt"]) == {"Say it."}
    assert set(data.pairs["scenario"]) == {"hard_prompt"}
    for row in rows:
        texts = {row["model_a"]: row["response_a"], row["model_b"]: row["response_b"]}
        assert texts == {"oak": "oak!", "base": "base!"}


@pytest.mark.parametrize(
    ("category", "baseline"),
    [("creative_writing", "gemini-2.0-flash-001"), ("coding", "o3-mini-2025-01-31")],
)
def test_an_open_baseline_is_that_of_the_category(tmp_path, category, baseline):
    path = tmp_path / "oak.jsonl"
    path.write_text(json.dumps(two(baseline=None, category=category)))
    pairs = wb.load(path).pairs
    assert baseline in {pairs["model_a"][0], pairs["model_b"][0]}


def test_what_is_no_pair_of_games_is_counted(tmp_path):
    path = tmp_path / "oak.jsonl"
    records = [one(), one("h2", games=None), one("h3", games=[{"score": 7, "judgment": "7"}])]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    report = wb.load(path).load_report
    assert report.rows_kept == 2
    assert report.left_out["unparseable"].count == 2


def test_a_folder_tells_texts_and_the_baseline(tmp_path):
    def put(name, records):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))

    put("question.jsonl", [{"question_id": q, "category": "c", "turns": [{"content": f"Q {q}"}]}
                           for q in ("h1", "h2")])  # fmt: skip
    for model in ("oak", "elm", "ash"):
        put(f"model_answer/{model}.jsonl", [
            {"question_id": q, "model_id": model,
             "choices": [{"index": 0, "turns": [{"content": f"{model} on {q}", "token_len": 3}]}]}
            for q in ("h1", "h2")
        ])  # fmt: skip
    prompts = (shown("Q h1", "ash on h1", "oak on h1"), "cut off")
    put("model_judgment/judge-x/oak.jsonl", [one("h1", prompts=prompts), one("h2")])
    data = wb.load(tmp_path)
    assert (data.load_report.format, len(data.labels)) == ("arena_hard", 4)
    for row in data.pairs.to_dict("records"):
        assert {row["model_a"], row["model_b"]} == {"oak", "ash"}
        for side in "ab":
            end = row["prompt"].removeprefix("Q ")
            assert row[f"response_{side}"] == f"{row[f'model_{side}']} on {end}"
    assert [note[:33] for note in data.load_report.notes] == ["the folder is read as one set of "]
