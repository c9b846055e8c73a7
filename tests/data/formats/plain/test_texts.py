"""Prompts of several columns, and messages in any column."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import workbench as wb

ASK = {"role": "user", "content": "Name a bird."}


def say(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"response_a": ["Owl"], "response_b": ["Wren"], "winner": ["a"], **columns})


@pytest.mark.parametrize(
    ("columns", "prompt"),
    [
        ({"instruction": ["Name it."], "input": ["a bird"]}, "Name it.\na bird"),
        ({"instruction": ["Name it."], "input": [""]}, "Name it."),
        ({"question": ["Which bird?"]}, "Which bird?"),
        ({"input": ["Which bird?"]}, "Which bird?"),
        ({"context": ["It flies."], "question": ["Which bird?"]}, "It flies.\n\nWhich bird?"),
        ({"system": ["Be short."], "prompt": ["Bird?"]}, "system: Be short.\n\nuser: Bird?"),
        ({"system": [""], "prompt": ["Bird?"]}, "Bird?"),
        ({"prompt": ["Bird?"], "instruction": ["Judge it."]}, "Bird?"),
    ],
)
def test_what_belongs_to_the_prompt(columns, prompt):
    assert wb.load(table(**columns)).pairs["prompt"].tolist() == [prompt]


def test_the_prompt_that_the_user_names_is_the_whole_of_it():
    columns = {"instruction": ["Name it."], "input": ["a bird"]}
    one = wb.load(table(**columns), mapping={"prompt": "input"})
    assert one.pairs["prompt"].tolist() == ["a bird"]
    two = wb.load(table(**columns), mapping={"prompt": ["input", "instruction"]})
    assert two.pairs["prompt"].tolist() == ["a bird\n\nName it."]
    assert wb.load(table(**columns), mapping={"prompt": None}).pairs["prompt"].isna().all()


@pytest.mark.parametrize("how", [list, json.dumps])
def test_single_messages_are_their_texts(how):
    rows = table(prompt=["Bird?"], response_a=[how([say("Owl")])], response_b=[how([say("Wren")])])
    pairs = wb.load(rows).pairs
    assert pairs[["prompt", "response_a", "response_b"]].values.tolist() == [
        ["Bird?", "Owl", "Wren"]
    ]
    assert json.loads(pairs["response_a_messages"][0]) == [say("Owl")]


@pytest.mark.parametrize("how", [list, json.dumps])
def test_whole_conversations_give_their_shared_start_to_the_prompt(how):
    rows = table(response_a=[how([ASK, say("Owl")])], response_b=[how([ASK, say("Wren")])])
    pairs = wb.load(rows).pairs
    assert pairs[["prompt", "response_a", "response_b"]].values.tolist() == [
        ["Name a bird.", "Owl", "Wren"]
    ]
    beside = wb.load(rows.assign(prompt="Name a bird.")).pairs
    assert beside["prompt"].tolist() == ["Name a bird."]


def test_plain_rows_among_messages(tmp_path):
    rows = [
        {"prompt": "p", "response_a": [say("Owl")], "response_b": [say("Wren")], "winner": "a"},
        {"prompt": "q", "response_a": "Oak", "response_b": "Elm", "winner": "b"},
    ]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert wb.load(path).pairs["response_a"].tolist() == ["Owl", "Oak"]


def test_nested_values_and_broken_messages_are_left_out_never_prose():
    broken = '[{"role": "assistant", "content": "cut of'
    report = wb.load(
        pd.concat([table(prompt=["p"]), table(prompt=["q"], response_a=[broken])])
    ).load_report
    assert (report.rows_kept, report.left_out["unparseable"].count) == (1, 1)
    nested = pd.concat([table(prompt=["p"])] * 2).assign(response_a=[[{"x": 1}], [{"x": 2}]])
    with pytest.raises(wb.DataError, match="2 unparseable"):
        wb.load(nested)


def test_json_that_is_an_answer_stays_text():
    answer = '{"bird": "owl", "legs": [1, 2]}'
    assert wb.load(table(prompt=["p"], response_a=[answer])).pairs["response_a"][0] == answer
    assert wb.load(table(prompt=["p"], response_a=["[1, 2]"])).pairs["response_a"][0] == "[1, 2]"


@pytest.mark.parametrize(
    "how", [str, lambda chat: json.dumps(chat[0]), lambda chat: {"messages": chat}]
)
def test_messages_in_any_print(how):
    rows = table(prompt=["Bird?"], response_a=[how([say("Owl")])], response_b=[how([say("Wren")])])
    assert wb.load(rows).pairs[["response_a", "response_b"]].values.tolist() == [["Owl", "Wren"]]


def test_pictures_of_messages_tell_pairs_apart():
    def ask(name: str) -> str:
        parts = [{"type": "image_url", "image_url": {"url": name}},
                 {"type": "text", "text": "Which bird?"}]  # fmt: skip
        return json.dumps([{"role": "user", "content": parts}])

    rows = pd.concat([table(prompt=[ask("1.png")]), table(prompt=[ask("2.png")])])
    pairs = wb.load(rows).pairs
    assert sorted(pairs["media"]) == ["1.png", "2.png"]
    beside = wb.load(rows.assign(image="3.png")).pairs
    assert set(beside["media"]) == {"3.png"}
