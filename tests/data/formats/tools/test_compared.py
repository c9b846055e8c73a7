"""Which fields are responses, and what an answer says of them."""

import pytest

from workbench.data.formats.tools.answers import Scores, choice_of, compared_by
from workbench.data.formats.tools.compared import (
    Response,
    prompt_of,
    responses_of,
    said,
    shown_in,
)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["response1", "response2"], ["response1", "response2"]),
        (["response-2", "response-1", "response-3"], ["response-1", "response-2", "response-3"]),
        (["text_b", "text_a"], ["text_a", "text_b"]),
        (["Answer A", "Answer B"], ["Answer A", "Answer B"]),
        (["answerA", "answerB"], ["answerA", "answerB"]),
        (["output_0", "output_1"], ["output_0", "output_1"]),
        (["right", "left"], ["left", "right"]),
        (["first_reply", "second_reply"], ["first_reply", "second_reply"]),
        (["chosen", "rejected"], ["chosen", "rejected"]),
        (["note_1", "note_2", "reply_1", "reply_2"], ["reply_1", "reply_2"]),
        (["model_1", "model_2", "reply_1", "reply_2"], ["reply_1", "reply_2"]),
        (["prompt_1", "prompt_2"], None),
        (["text", "label"], None),
    ],
)
def test_responses_are_fields_whose_names_differ_in_a_mark(names, found):
    record = {"instruction": "?", **dict.fromkeys(names, "x")}
    shown = shown_in([record, {**record, "instruction": None}])
    assert (shown if found is None else list(shown.responses.values())) == found
    if found is not None:
        assert shown.prompts == ("instruction",)


def test_numbers_are_no_responses():
    record = {"question": "?", "text1": 3, "text2": 4, "reply_a": "x", "reply_b": "y"}
    assert list(shown_in([record]).responses) == ["a", "b"]


@pytest.mark.parametrize(
    ("listed", "names", "texts"),
    [
        (["Elm", "Oak"], ["0", "1"], ["Elm", "Oak"]),
        ([{"id": "x", "text": "Elm"}, {"id": "y", "text": "Oak"}], ["x", "y"], ["Elm", "Oak"]),
    ],
)
def test_responses_can_be_the_members_of_a_list(listed, names, texts):
    record = {"query": "?", "candidates": listed}
    shown = shown_in([record])
    responses = responses_of(record, shown, {})
    assert [r.name for r in responses] == names
    assert [r.value for r in responses] == texts
    assert shown.prompts == ("query",)


def test_what_belongs_to_one_response_goes_with_it():
    fields = {"text1": "x", "text2": "y", "text1_tokens": 3, "text2_tokens": 5}
    shown = shown_in([fields])
    first, second = responses_of(fields, shown, {"generator_1": "m", "generator_2": "n"})
    assert (first.model, second.model) == ("m", "n")
    assert [dict(one.extra) for one in (first, second)] == [{"text_tokens": 3}, {"text_tokens": 5}]


def test_an_instruction_takes_its_input_and_a_system_message():
    record = {"system": "Be brief.", "instruction": "Add.", "input": "2, 2"}
    shown = shown_in([{**record, "text_a": "4", "text_b": "5"}])
    text = prompt_of(record, shown)["prompt"]
    assert [text.index(part) for part in record.values()] == sorted(
        text.index(part) for part in record.values()
    )
    assert prompt_of({"instruction": "Add.", "input": ""}, shown) == {"prompt": "Add."}


TWO = [Response("reply1", "1", "Elm", "gpt"), Response("reply2", "2", "Oak", "llama")]
THREE = [*TWO, Response("reply3", "3", "Ash")]


@pytest.mark.parametrize("word", ["reply2", "Reply 2", "2", "response 2", "Response 2 is better",
                                  "second", "right", "B", "[[B]]", "model_b", "Oak",
                                  "llama", "option B"])  # fmt: skip
def test_a_response_is_named_in_many_ways(word):
    assert choice_of(word, TWO).places == (1,)


@pytest.mark.parametrize(
    "word",
    [
        "0",
        "3",
        "4.5",
        "polite",
        "",
        "reply",
        "1 and 2",
        "yes",
        "No",
        "true",
        None,
        1.5,
        True,
        "B is better than all that I have ever read in my whole life so far",
    ],
)
def test_other_texts_name_none(word):
    assert choice_of(word, TWO) is None


def test_a_third_response_is_no_tie():
    assert choice_of("C", THREE).places == (2,)
    assert choice_of("third", THREE).places == (2,)


def test_equal_texts_are_not_told_apart_by_text():
    same = [Response("reply1", "1", "Elm"), Response("reply2", "2", "Elm")]
    assert choice_of("Elm", same) is None


def test_pairs_of_a_tie_of_three_and_of_missing_ranks():
    assert len(list(compared_by(choice_of("tie", THREE), 3))) == 3
    pairs = list(compared_by(Scores({0: 2.0, 2: 1.0}, lower=True), 3))
    assert [(pair["places"], pair["preference"]) for pair in pairs] == [((0, 2), 0.0)]


@pytest.mark.parametrize(
    "value", ["https://example.org/x.png?size=2", "/data/upload/x.wav", "x.webp"]
)
def test_media_are_named(value):
    assert said(value, "response", "a") == {"media_a": value}


@pytest.mark.parametrize("value", ["See x.png and y.png", "a.b", "png"])
def test_texts_stay_texts(value):
    assert said(value, "response", "a") == {"response_a": value}


def test_nested_values_are_json_and_never_python():
    assert said({"b": [1, None]}, "response", "b") == {"response_b": '{"b": [1, null]}'}
