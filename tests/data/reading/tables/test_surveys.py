"""Exports of survey and crowd platforms: header lines, workers, withdrawn answers."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

import workbench as wb
from workbench.data.reading.containers import open_container

NAMES = ["Status", "Finished", "ResponseId", "prompt", "text_a", "text_b", "choice", "words_a"]
QUESTIONS = [*NAMES[:3], "The question", "Left", "Right", "Which one\nis better?", "words_a"]
ANSWERS = [
    ["IP Address", "True", "R_1", "Name a river.", "Rhine", "Danube", "a", "1"],
    ["IP Address", "False", "R_2", "Name a lake.", "Garda", "Como", "b", "2"],
    ["Survey Preview", "True", "R_3", "Name a hill.", "Etna", "Blanc", "a", "3"],
]


def _table(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return path


@pytest.mark.parametrize("ids", ['{"ImportId":"%s"}', "{'ImportId': '%s'}"])
def test_three_header_lines(tmp_path, ids):
    lines = [NAMES, QUESTIONS, [ids % name for name in NAMES], *ANSWERS]
    data = wb.load(_table(tmp_path / "survey.csv", lines))
    assert data.labels["preference"].tolist() == [1.0, 0.0, 1.0]
    assert data.pairs["words_a"].tolist() == [1, 2, 3]
    report = data.load_report
    assert (report.rows_read, report.rows_kept) == (3, 3)
    notes = " ".join(report.notes)
    assert "1 of 3 answers are not finished" in notes
    assert "1 of 3 answers are previews" in notes


def test_rows_are_numbered_from_the_first_answer(tmp_path):
    ids = ['{"ImportId":"%s"}' % name for name in NAMES]  # noqa: UP031 - braces of JSON
    broken = [*ANSWERS[1][:6], "neither of you", "2"]
    path = _table(tmp_path / "survey.csv", [NAMES, QUESTIONS, ids, ANSWERS[0], broken, ["x"]])
    report = wb.load(path).load_report
    assert report.left_out["unknown label"].examples[0]["row"] == 2
    assert report.left_out["unparseable"].examples[0]["row"] == 3


def _batch(prefix):
    asked, said = ("Input.", "Answer.") if prefix else ("", "")
    names = ["HITId", "WorkerId", "AssignmentStatus", f"{asked}prompt", f"{asked}response_a",
             f"{asked}response_b", f"{said}preference"]  # fmt: skip
    rows = [
        [f"H{n}", worker, "Rejected" if worker == "W3" else "Approved", f"question {n}", f"x{n}",
         f"y{n}", "b" if worker == "W3" else "a"]
        for n in range(3)
        for worker in ("W1", "W2", "W3")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize("prefix", [False, True])
def test_workers_are_raters_and_rejected_assignments_no_votes(tmp_path, prefix):
    path = tmp_path / "batch.csv"
    _batch(prefix).to_csv(path, index=False)
    data = wb.load(path)
    votes = data.labels.groupby("annotator")["preference"].agg(list)
    assert votes.to_dict() == {"W1": [1.0] * 3, "W2": [1.0] * 3}
    left_out = data.load_report.left_out["no judgement"]
    assert left_out.count == 3
    assert left_out.examples[0] == {"row": 3, "found": "AssignmentStatus: Rejected"}


def test_flags_of_a_question_become_its_answer(tmp_path):
    frame = _batch(prefix=True).drop(columns="Answer.preference")
    frame["Answer.preference.a"] = ["TRUE", "false"] * 4 + ["true"]
    frame["Answer.preference.b"] = ["FALSE", "true"] * 4 + ["false"]
    path = tmp_path / "batch.csv"
    frame.to_csv(path, index=False)
    found = open_container(path).table.column("preference").to_pylist()
    # workers 1 and 2 of each question
    assert found == ["a", "b", "b", "a", "a", "b"]


@pytest.mark.parametrize(
    "answer",
    [{"preference": {"a": True, "b": False}}, {"preference": {"label": "a"}}, {"preference": "a"}],
)
def test_task_answers_as_json(tmp_path, answer):
    frame = _batch(prefix=True).drop(columns="Answer.preference")
    frame["Answer.taskAnswers"] = json.dumps([answer])
    path = tmp_path / "batch.csv"
    frame.to_csv(path, index=False)
    assert wb.load(path).labels["preference"].tolist() == [1.0] * 6


def test_answers_that_are_no_json_stay_as_they_are(tmp_path):
    frame = _batch(prefix=True)
    frame["Answer.taskAnswers"] = "later"
    path = tmp_path / "batch.csv"
    frame.to_csv(path, index=False)
    assert set(open_container(path).table.column("taskAnswers").to_pylist()) == {"later"}


def test_a_prefix_stays_where_it_tells_two_columns_apart(tmp_path):
    frame = _batch(prefix=True).assign(**{"Answer.prompt": "typed"})
    path = tmp_path / "batch.csv"
    frame.to_csv(path, index=False)
    columns = open_container(path).columns
    assert {"Input.prompt", "Answer.prompt", "response_a", "worker_id"} <= set(columns)


def test_a_worker_alone_makes_no_batch(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("WorkerId,prompt,text_a,text_b,label\nW,q,x,y,a\n")
    assert open_container(path).columns[0] == "WorkerId"
