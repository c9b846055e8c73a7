"""Two responses a row: what 0, 1, 2 and -1 mean is the layout's, never the value's."""

from __future__ import annotations

import json

import pytest

from tests.data.formats.rated.layouts import RECORDS
from tests.data.formats.rated.told import judged, kept, preferred, problems, recognised
from workbench.data.formats.registry import get_format
from workbench.errors import DataError


def test_one_is_the_first_comment_in_shp():
    frame = judged(RECORDS["shp"])
    assert preferred(frame, "annotator") == [
        ("In May.", "Never.", "reddit"), ("In winter.", "Never.", "reddit")]  # fmt: skip
    assert frame["strength"].tolist() == [3.0, 2.0]
    assert set(frame["cluster"]) == {"x1"}
    assert set(frame["scenario"]) == {"askgarden"}
    # net votes are of a side, so they change places with it
    assert frame["score_a"].tolist() == [9, 3]
    assert "weight" not in frame


def test_shp_2_tells_its_two_sites_apart():
    other = {**RECORDS["shp"][0], "domain": "stack_english_train"}
    frame = judged([RECORDS["shp"][0], other])
    assert frame["annotator"].tolist() == ["reddit", "stackexchange"]


def test_one_is_the_second_response_in_pku_and_both_criteria_arrive():
    frame = judged(RECORDS["pku_saferlhf"])
    assert preferred(frame, "criterion") == sorted(
        [("Run.", "Look first.", "helpful"), ("Look first.", "Run.", "harmless"),
         ("Slowly.", "Fast.", "helpful"), ("Slowly.", "Fast.", "harmless")], key=str)  # fmt: skip
    assert set(frame["model_a"]) == {"m1"}
    assert "is_response_safe_a" in frame


def test_pku_of_a_single_dimension_has_one_criterion():
    records = [
        {k: v for k, v in record.items() if k != "safer_response_id"}
        for record in RECORDS["pku_saferlhf"]
    ]
    frame = judged([*records, {**records[0], "better_response_id": None}])
    assert set(frame["criterion"]) == {"overall"}
    assert problems(frame) == {"no judgement": 1}


def test_a_code_that_the_layout_does_not_know_is_counted():
    frame = judged([{**record, "better_response_id": 2} for record in RECORDS["pku_saferlhf"]])
    assert problems(frame) == {"unknown label": 2}
    assert len(kept(frame)) == 2


def test_prometheus_judges_one_pair_under_several_rubrics():
    frame = judged(RECORDS["prometheus_preference"])
    assert preferred(frame, "criterion", "annotator", "kind") == sorted(
        [("Thanks!", "Ok, thank you, kind friend.", "Is it short?", "gpt-4", "llm"),
         ("Ok, thank you, kind friend.", "Thanks!", "Is it warm?", "gpt-4", "llm")],
        key=str)  # fmt: skip
    # the judge's own prompt is not what the responses answer
    assert set(frame["prompt"]) == {"Thank me."}


def test_pandalm_has_a_column_for_each_person_and_0_is_a_tie():
    frame = judged(RECORDS["pandalm"])
    assert preferred(frame, "annotator") == sorted(
        [("Thyme.", "Oak.", "annotator1"), ("Oak.", "Thyme.", "annotator2"),
         ("tie", "Oak.", "Thyme.", "annotator3"), ("Lo.", "La.", "annotator1"),
         ("Lo.", "La.", "annotator2"), ("La.", "Lo.", "annotator3")], key=str)  # fmt: skip
    assert set(frame["prompt"]) == {"Name it.\na herb", "Sing."}


def test_auto_j_counts_from_0_and_2_is_a_tie():
    frame = judged(RECORDS["auto_j"])
    assert frame["preference"].tolist() == [1.0, 0.0, 0.5]


def test_auto_j_outputs_beside_the_pairs_are_by_place(tmp_path):
    files = {
        "testdata_pairwise.jsonl": RECORDS["auto_j"],
        "pairwise_example_output.jsonl": [{"output": 0}, {"output": 0}, {"output": 2}],
        "pairwise_exchange_example_output.jsonl": [{"output": 1}, {"output": 0}, {"output": 2}],
    }
    for name, records in files.items():
        (tmp_path / name).write_text("\n".join(map(json.dumps, records)))
    read = get_format("auto_j").of_folder
    frame = judged(read(tmp_path))
    of_judge = frame[frame["annotator"] == "auto-j-13b"]
    assert of_judge["preference"].tolist() == [1, 1, 0.5, 1, 0, 0.5]
    assert of_judge["order_shown"].tolist() == ["ab"] * 3 + ["ba"] * 3
    assert read(tmp_path / "nothing") is None
    (tmp_path / "pairwise_example_output.jsonl").write_text('{"output": 0}')
    with pytest.raises(DataError, match="by position"):
        read(tmp_path)


def test_minus_one_is_the_first_answer_in_lfqa():
    frame = judged(RECORDS["lfqa"])
    assert preferred(frame, "criterion") == sorted(
        [("Night.", "A lamp broke.", "overall"), ("A lamp broke.", "Night.", "coherence"),
         ("tie", "Dew.", "Rain.", "overall"), ("tie", "Dew.", "Rain.", "coherence")],
        key=str)  # fmt: skip


def test_the_sign_of_score_0_decides_in_webgpt():
    frame = judged(RECORDS["webgpt"])
    assert preferred(frame, "strength") == sorted(
        [("So 0.", "Not so 0.", 0.75), ("Not so 1.", "So 1.", 1.0),
         ("tie", "Not so 2.", "So 2.", 0.0)], key=str)  # fmt: skip
    assert frame["prompt"].tolist() == ["Why 0?", "Why 1?", "Why 2?"]
    assert frame["cluster"].tolist() == ["q0", "q1", "q2"]
    assert not any("tokens" in name for name in frame)
    odd = judged([{**RECORDS["webgpt"][0], "score_0": None}])
    assert problems(odd) == {"no judgement": 1}


def test_the_higher_rating_wins_in_unified_feedback_whoever_gave_it():
    frame = judged(RECORDS["unified_feedback"])
    assert preferred(frame, "strength", "kind") == sorted(
        [("Cap.", "Hood.", 2.5, "unknown"), ("tie", "Bonnet.", "Fez.", 0.0, "unknown")],
        key=str)  # fmt: skip
    assert set(frame["prompt"]) == {"A hat?"}
    broken = judged([{**RECORDS["unified_feedback"][0], "conv_A": "no chat"}])
    assert problems(broken) == {"unparseable": 1}


def test_langsmith_gives_the_feedback_key_as_the_judge():
    frame = judged(RECORDS["langsmith"])
    assert preferred(frame, "annotator", "model_a") == sorted(
        [("Garda.", "Como.", "ranked", "m1"), ("tie", "Fell.", "Tor.", "ranked", "m1")],
        key=str)  # fmt: skip
    record = RECORDS["langsmith"][0]
    several = [{"key": "a", "scores": {"r1": 1, "r2": 0}}, {"key": "b", "scores": {"r1": None}}]
    frame = judged([{**record, "feedback": several}])
    assert frame["annotator"].tolist() == ["a", "b"]
    # a judge without a score has failed, and is not left out
    assert frame["reason"].tolist()[1] == "failed"


def test_labels_of_single_responses_are_refused_with_the_reason():
    records = [{"prompt": "p", "response": r, "category": {"x": False}, "is_safe": s}
               for r, s in (("one", True), ("two", False))]  # fmt: skip
    assert recognised(list(records[0]), records) == "single_labels"
    with pytest.raises(DataError, match="holds no comparison"):
        judged(records)
    # when asked for, they are ratings
    rule = {"columns": ["is_safe"], "group": ["prompt"]}
    assert preferred(judged(records, "ratings", rule=rule)) == [("one", "two")]
