"""promptfoo's results: choices of one output, and scores of each."""

import json

import pytest

import workbench as wb
from tests.data.formats.tools.tool_votes import left_out, loaded, verdicts
from workbench.errors import DataError


def part(passed, kind="select-best", value="the warmest", **changed):
    return {
        "pass": passed,
        "score": float(passed),
        "reason": "x",
        "assertion": {"type": kind, "value": value},
        **changed,
    }


def output(text, model, *parts, test=0, prompt="Say hello", **changed):
    return {
        "promptIdx": 0,
        "testIdx": test,
        "provider": {"id": model},
        "prompt": {"raw": prompt, "label": "p"},
        "vars": {"to": f"friend {test}"},
        "response": {"output": text},
        "success": True,
        "score": 0.5,
        "gradingResult": {"pass": True, "score": 0.5, "componentResults": list(parts)},
        **changed,
    }


def results(tmp_path, outputs, version=3):
    held = {"version": version, "results": outputs, "stats": {}}
    document = {"evalId": "e", "results": held, "config": {}} if version > 2 else held
    path = tmp_path / "out.json"
    path.write_text(json.dumps(document))
    return wb.load(path)


THREE = [
    output("Hi", "m1", part(False)),
    output("Welcome", "m2", part(True)),
    output("Yes?", "m3", part(False)),
]


@pytest.mark.parametrize("version", [2, 3])
def test_the_best_of_three_beats_two(tmp_path, version):
    data = results(tmp_path, THREE, version)
    assert verdicts(data) == [
        ("select-best", "llm", "the warmest", "Hi", "Welcome", 0.0, None),
        ("select-best", "llm", "the warmest", "Welcome", "Yes?", 1.0, None),
    ]
    assert data.pairs["cluster"].nunique() == 1
    assert data.pairs["to"].tolist() == ["friend 0"] * 2


def test_one_result_a_line(tmp_path):
    assert verdicts(loaded(tmp_path, THREE, "out.jsonl")) == verdicts(results(tmp_path, THREE))


def test_a_choice_that_could_not_be_read_has_failed(tmp_path):
    # promptfoo then fails every output, with the reason "Invalid select-best verdict: NaN"
    lost = [output(text, "m", part(False), test=1) for text in ("Bye", "So long")]
    data = results(tmp_path, [*THREE, *lost])
    assert verdicts(data)[0][3:] == ("Bye", "So long", None, "failed")
    assert len(data.labels) == 3


def test_tests_are_told_apart_by_number_or_by_what_they_filled_in(tmp_path):
    outputs = [
        output(f"{model} {test}", model, part(model == "m1"), test=test)
        for test in range(2)
        for model in ("m1", "m2")
    ]
    without = [{k: v for k, v in one.items() if not k.endswith("Idx")} for one in outputs]
    assert verdicts(results(tmp_path, without)) == verdicts(results(tmp_path, outputs))
    assert len(results(tmp_path, outputs).pairs) == 2


def test_two_criteria_of_one_test(tmp_path):
    outputs = [
        output("Hi", "m1", part(True), part(False, value="the shortest")),
        output("Welcome", "m2", part(False), part(True, value="the shortest")),
    ]
    assert [(row[2], row[5]) for row in verdicts(results(tmp_path, outputs))] == [
        ("the shortest", 0.0), ("the warmest", 1.0),
    ]  # fmt: skip


def test_outputs_of_several_prompts_are_drawn_by_their_test(tmp_path):
    outputs = [
        output("Hi", "m1", part(True), prompt="Say hello"),
        output("Welcome", "m1", part(False), prompt="Greet me"),
    ]
    pairs = results(tmp_path, outputs).pairs
    assert pairs["cluster"].tolist() == ["test 0"]
    assert (pairs["prompt"][0], pairs["prompt_b"][0]) == ("Say hello", "Greet me")


def test_scores_are_compared_where_nothing_else_compares(tmp_path):
    outputs = [
        output("Hi", "m1", part(True, "contains", "H"), part(0, "llm-rubric", "warm", score=0.2)),
        output("Hey", "m2", part(True, "contains", "H"), part(1, "llm-rubric", "warm", score=0.9)),
    ]
    data = results(tmp_path, outputs)
    assert verdicts(data) == [
        ("contains", "rule", "H", "Hey", "Hi", 0.5, "tie"),
        ("llm-rubric", "llm", "warm", "Hey", "Hi", 1.0, None),
    ]
    assert "higher score" in data.load_report.settings["rule"]


def test_scores_beside_a_choice_are_named_and_not_read(tmp_path):
    outputs = [
        output("Hi", "m1", part(True), part(True, "contains", "H")),
        output("Welcome", "m2", part(False), part(False, "contains", "H")),
    ]
    data = results(tmp_path, outputs)
    assert len(data.labels) == 1
    assert any("contains" in note for note in data.load_report.notes)


def test_thumbs_are_people(tmp_path):
    outputs = [
        output("Hi", "m1", part(True, "human", None)),
        output("Hey", "m2", part(False, "human", None)),
    ]
    assert [row[:2] for row in verdicts(results(tmp_path, outputs))] == [("human", "human")]


def test_more_outputs_than_one_digit_names(tmp_path):
    outputs = [output(f"Hi {n}", f"m{n}", part(n == 1)) for n in range(11)]
    data = results(tmp_path, outputs)
    assert len(data.labels) == 10
    assert any("first digit" in note for note in data.load_report.notes)


def test_one_output_a_test_is_refused(tmp_path):
    with pytest.raises(DataError, match="No test") as error:
        results(tmp_path, [output("Hi", "m1", part(True, "contains", "H"))])
    assert "at most 1 outputs" in str(error.value)


def test_an_output_alone_in_its_test_is_counted(tmp_path):
    data = results(tmp_path, [*THREE, output("Bye", "m1", part(True), test=1)])
    assert left_out(data) == {"no judgement": 1}
