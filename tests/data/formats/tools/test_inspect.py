"""Inspect AI: two responses in a sample's metadata, or grades of several responses to it."""

import json
import math

import pytest

import workbench as wb
from tests.data.formats.tools.tool_votes import left_out, verdicts
from tests.data.reading.inspect_logs import log, members, sample, write_eval
from workbench.data.formats.tools.inspect_folder import records_in
from workbench.errors import DataError

PAIR = {"question": "Name a river.", "response_a": "Elbe", "response_b": "Oder",
        "model_a": "m1", "model_b": "m2"}  # fmt: skip


def pair(number=1, epoch=1, answer="A", value="C", **changed):
    scores = changed.pop("scores", {"match": {"value": value, "answer": answer}})
    metadata = {**PAIR, **changed.pop("metadata", {})}
    return sample(number, epoch, metadata=metadata, **changed, **scores)


def load(tmp_path, *samples, packed=True, **about):
    document = log(*samples, **about)
    if packed:
        return wb.load(write_eval(tmp_path / "log.eval", members(document)))
    path = tmp_path / "log.json"
    path.write_text(json.dumps(document, indent=1))
    return wb.load(path)


@pytest.mark.parametrize("packed", [True, False])
def test_the_answer_is_the_verdict_and_the_target_the_right_one(tmp_path, packed):
    # C and I say whether the answer is the target: I of an answer B is a verdict for B
    data = load(tmp_path, pair(1), pair(2, answer="B", value="I"), packed=packed)
    assert verdicts(data) == [
        ("gold", "objective", "overall", "Elbe", "Oder", 1.0, None),
        ("gold", "objective", "overall", "Elbe", "Oder", 1.0, None),
        ("judge", "llm", "overall", "Elbe", "Oder", 0.0, None),
        ("judge", "llm", "overall", "Elbe", "Oder", 1.0, None),
    ]
    assert data.pairs["prompt"].tolist() == ["Name a river."]
    assert data.pairs[["model_a", "model_b"]].values.tolist() == [["m1", "m2"]]
    orders = data.labels.groupby("annotator")["order_shown"].agg(list)
    assert orders["judge"] == ["ab", "ab"]
    assert data.labels["order_shown"].isna().sum() == 2


def test_letters_are_places_that_a_sample_may_have_turned(tmp_path):
    turned = {"metadata": {"swapped": True}}
    data = load(tmp_path, pair(1, **turned), pair(2, answer="Elbe", target="B", **turned))
    rows = [(row[0], row[5]) for row in verdicts(data)]
    # a letter names what was shown there; a text names itself
    assert rows == [("gold", 0.0), ("gold", 1.0), ("judge", 0.0), ("judge", 1.0)]
    assert data.labels["order_shown"].dropna().tolist() == ["ba", "ba"]


def test_an_answer_that_was_not_found_has_failed(tmp_path):
    lost = {"value": "I", "answer": None, "reason": "invalid_response_format"}
    data = load(
        tmp_path, pair(1), pair(2, scores={"match": lost}, reply="Hard to say."),
        pair(3, answer="well"), pair(4, scores={}, error="timeout"), pair(5, scores={}),
    )  # fmt: skip
    failed = data.labels[data.labels["reason"] == "failed"]
    assert failed["raw"].tolist() == ["Hard to say.", "well", "timeout"]
    assert set(failed["annotator"]) == {"judge"}
    assert left_out(data) == {"no judgement": 1}


def test_c_is_a_tie_as_an_answer_and_never_as_a_value(tmp_path):
    data = load(tmp_path, pair(1, answer="tie"), pair(2, scores={"match": {"value": "C"}}))
    judged = [row for row in verdicts(data) if row[0] == "judge"]
    assert [row[5:] for row in judged] == [(0.5, "tie"), (None, "failed")]


def test_values_that_name_a_side_are_verdicts_by_criterion(tmp_path):
    scores = {"pair": {"value": {"helpful": "B", "safe": "tie"}}}
    data = load(tmp_path, pair(1, scores=scores))
    judged = [row[2:] for row in verdicts(data) if row[0] == "judge"]
    assert judged == [
        ("pair.helpful", "Elbe", "Oder", 0.0, None), ("pair.safe", "Elbe", "Oder", 0.5, "tie"),
    ]  # fmt: skip


def test_the_score_that_the_log_puts_first_decides(tmp_path):
    scores = {"match": {"value": "C", "answer": "A"}, "pattern": {"value": "I", "answer": "B"}}
    document = log(pair(1, scores=scores))
    document["results"]["headline"] = {"scorer": "pattern", "score": "pattern"}
    data = wb.load(write_eval(tmp_path / "log.eval", members(document)))
    judged = {row[2]: row[5] for row in verdicts(data) if row[0] == "judge"}
    assert judged == {"overall": 0.0, "match": 1.0}


def test_epochs_are_repeats_and_the_right_answer_is_one(tmp_path):
    data = load(tmp_path, pair(1), pair(1, 2), pair(1, 3, answer="B", value="I"))
    judged = data.labels[data.labels["annotator"] == "judge"]
    assert sorted(judged["replicate"]) == [0, 1, 2]
    assert (data.labels["annotator"] == "gold").sum() == 1


def test_a_grader_that_is_another_model_is_the_judge(tmp_path):
    grading = [{"role": "user", "content": "?"}, {"role": "assistant", "model": "critic"}]
    scores = {"better": {"value": "B", "metadata": {"grading": grading}}}
    data = load(tmp_path, pair(1, scores=scores))
    assert {row[0] for row in verdicts(data)} == {"critic", "gold"}


def test_pairs_whose_scorers_name_no_side_are_refused(tmp_path):
    with pytest.raises(DataError, match="names one of the two responses") as error:
        load(tmp_path, pair(1, answer="a long text about rivers"))
    assert "response_a and response_b" in str(error.value)


def answered(number, reply, epoch=1, **scores):
    given = {name: {"value": value} for name, value in scores.items()}
    return sample(number, epoch, reply=reply, target="T", **given)


def test_single_grades_are_refused(tmp_path):
    with pytest.raises(DataError, match="grades one response") as error:
        load(tmp_path, answered(1, "x", match="C"), answered(2, "y", match="I"))
    assert "2 samples" in str(error.value)


def test_grades_of_several_epochs_make_pairs(tmp_path):
    data = load(
        tmp_path, answered(1, "x", match="C"), answered(1, "y", 2, match="I"),
        answered(1, "z", 3, match="I"), answered(2, "w", match="C"),
    )  # fmt: skip
    assert [row[3:] for row in verdicts(data)] == [
        ("x", "y", 1.0, None), ("x", "z", 1.0, None), ("y", "z", 0.5, "tie"),
    ]  # fmt: skip
    assert {row[:3] for row in verdicts(data)} == {("match", "objective", "overall")}
    assert left_out(data) == {"no judgement": 1}
    assert data.pairs["cluster"].nunique() == 1
    assert "grade" in data.load_report.settings["rule"]


def test_logs_of_two_models_are_compared_within_an_epoch(tmp_path):
    logs = [
        log(answered(1, f"{model} 1", match=grade), answered(1, f"{model} 2", 2, match="P"),
            model=model, name=model)
        for model, grade in (("m1", "C"), ("m2", "N"))
    ]  # fmt: skip
    write_eval(tmp_path / "one.eval", members(logs[0]))
    (tmp_path / "two.json").write_text(json.dumps(logs[1]))
    (tmp_path / "notes.json").write_text('{"version": 1}')
    data = wb.load(tmp_path)
    assert [row[3:] for row in verdicts(data)] == [
        ("m1 1", "m2 1", 1.0, None), ("m1 2", "m2 2", 0.5, "tie"),
    ]  # fmt: skip
    assert data.pairs[["model_a", "model_b"]].drop_duplicates().values.tolist() == [["m1", "m2"]]
    assert set(data.labels["file"]) == {"one.eval"}


def test_other_folders_are_no_logs(tmp_path):
    (tmp_path / "votes.json").write_text('[{"version": 1, "eval": 2, "task": 3}]')
    assert records_in(tmp_path) is None


def test_a_grade_that_was_not_found_is_a_failed_verdict(tmp_path):
    none = {"value": math.nan, "explanation": "Grade not found", "reason": "grader_failed"}
    rows = [answered(1, "x"), answered(1, "y", 2)]
    for row, score in zip(rows, (none, {"value": "C"}), strict=True):
        row["scores"] = {"model_graded_qa": score}
    data = load(tmp_path, *rows, model="m", model_roles={"grader": {"model": "critic"}})
    assert verdicts(data) == [("critic", "llm", "overall", "x", "y", None, "failed")]
    assert data.labels["raw"].tolist() == ["Grade not found"]


def test_numbers_are_read_where_the_log_says_which_is_better(tmp_path):
    rows = [answered(1, "x", speed=3.0, right=0.2), answered(1, "y", 2, speed=1.0, right=0.9)]
    metrics = {"right": "accuracy", "speed": "mean"}
    named = [
        {"name": name, "metrics": [{"name": f"inspect_ai/{metric}", "options": {}}]}
        for name, metric in metrics.items()
    ]
    data = load(tmp_path, *rows, scorers=named)
    assert verdicts(data) == [("right", "unknown", "overall", "x", "y", 0.0, None)]
    assert any("speed" in note for note in data.load_report.notes)
    with pytest.raises(DataError, match="says which response is better"):
        load(tmp_path, *rows)


def test_a_sample_that_ended_in_an_error_was_not_judged(tmp_path):
    rows = [answered(1, "x", match="C"), answered(1, "y", 2, match="I")]
    broken = sample(1, 3, error="sandbox lost")
    data = load(tmp_path, *rows, broken)
    assert len(data.labels) == 1
    assert left_out(data) == {"no judgement": 2}


def test_other_pairs_of_metadata_are_no_responses(tmp_path):
    hints = {"hint_1": "It flows.", "hint_2": "It is long."}
    rows = [answered(1, "x"), answered(1, "y", 2)]
    for row, value in zip(rows, "CI", strict=True):
        row |= {"metadata": hints, "scores": {"match": {"value": value, "answer": "A"}}}
    assert [row[3:5] for row in verdicts(load(tmp_path, *rows))] == [("x", "y")]


def test_options_of_a_question_are_no_responses(tmp_path):
    rows = [answered(1, "x", choice="C"), answered(1, "y", 2, choice="I")]
    for row in rows:
        row |= {"choices": ["Elbe", "Oder"], "metadata": PAIR}
    assert [row[0] for row in verdicts(load(tmp_path, *rows))] == ["choice"]


def test_a_log_without_samples_is_refused(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log(), indent=1))
    with pytest.raises(DataError, match="no samples"):
        wb.load(path)
