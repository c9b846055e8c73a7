"""Every trainer's names for the same thing: prompt, better and worse response."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.formats.training.trl import FORMAT
from workbench.errors import DataError


def user(text):
    return {"role": "user", "content": text}


def bot(text):
    return {"role": "assistant", "content": text}


def human(text):
    return {"from": "human", "value": text}


def gpt(text):
    return {"from": "gpt", "value": text}


def table(records):
    return pa.Table.from_pylist(records)


def recognised(records):
    columns = list(records[0])
    return next(name for name in FORMATS if get_format(name).records_of is None
                and get_format(name).recognise(columns, records))  # fmt: skip


def read(records, **options):
    return FORMAT.translate(table(records), 1, options)


def better(row):
    return row.response_a if row.preference == 1.0 else row.response_b


def worse(row):
    return row.response_b if row.preference == 1.0 else row.response_a


SYSTEM = {"role": "system", "content": "Be kind."}
LAYOUTS = {
    "trl, standard": {"prompt": "Ask?", "chosen": "Yes", "rejected": "No"},
    "trl, conversational": {
        "prompt": [user("Ask?")], "chosen": [bot("Yes")], "rejected": [bot("No")]},
    "trl, implicit": {"chosen": [user("Ask?"), bot("Yes")], "rejected": [user("Ask?"), bot("No")]},
    "llama-factory, alpaca": {
        "instruction": "Ask?", "input": "", "chosen": "Yes", "rejected": "No"},
    "llama-factory, sharegpt": {
        "conversations": [human("Ask?")], "chosen": gpt("Yes"), "rejected": gpt("No")},
    "axolotl, argilla": {
        "system": "", "instruction": "Ask?", "chosen_response": "Yes", "rejected_response": "No"},
    "axolotl, intel": {"system": "", "question": "Ask?", "chosen": "Yes", "rejected": "No"},
    "axolotl, icr": {"system": "", "input": "Ask?", "chosen": "Yes", "rejected": "No"},
    "axolotl, ultra": {
        "prompt": "Ask?", "chosen": [user("Ask?"), bot("Yes")],
        "rejected": [user("Ask?"), bot("No")]},
    "axolotl, chat_template": {
        "messages": [user("Ask?")], "chosen": bot("Yes"), "rejected": bot("No")},
    "openai": {
        "input": {"messages": [user("Ask?")], "parallel_tool_calls": True},
        "preferred_output": [bot("Yes")], "non_preferred_output": [bot("No")]},
    "ms-swift": {"messages": [user("Ask?"), bot("Yes")], "rejected_response": "No"},
    "ms-swift, messages": {
        "messages": [user("Ask?"), bot("Yes")], "rejected_messages": [user("Ask?"), bot("No")]},
    "stack-exchange": {"question": "Ask?", "response_j": "Yes", "response_k": "No"},
    "nemo-aligner dpo": {
        "prompt": "Ask?", "chosen_response": "Yes", "rejected_response": "No"},
}  # fmt: skip


def as_read(frame):
    return [(row.prompt, better(row), worse(row)) for row in frame.itertuples()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_the_same_judgement(layout):
    records = [LAYOUTS[layout]]
    assert recognised(records) == "trl"
    frame = read(records)
    assert as_read(frame) == [("Ask?", "Yes", "No")]
    assert frame["kind"].tolist() == ["unknown"]
    assert frame["annotator"].tolist() == ["preference"]


def nested(value):
    return isinstance(value, list | dict)


WRITERS = {
    "json text": lambda value: json.dumps(value) if nested(value) else value,
    "python": lambda value: repr(value) if nested(value) else value,
    "numpy": lambda value: str(np.array(value, dtype=object)) if nested(value) else value,
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_lists_written_as_text_are_the_same_lists(layout, writer):
    written = [{key: WRITERS[writer](value) for key, value in LAYOUTS[layout].items()}]
    assert as_read(read(written)) == [("Ask?", "Yes", "No")]
    assert recognised(written) == "trl"


def test_objects_of_a_table_are_read_as_messages():
    frame = pd.DataFrame([LAYOUTS["axolotl, chat_template"]])
    got = FORMAT.translate(pa.Table.from_pandas(frame), 1, {})
    assert as_read(got) == [("Ask?", "Yes", "No")]


@pytest.mark.parametrize(
    "record",
    [
        {"system": "Be kind.", "question": "Ask?", "chosen": "Yes", "rejected": "No"},
        {"system": "Be kind.", "conversations": [human("Ask?")], "chosen": gpt("Yes"),
         "rejected": gpt("No")},
        {"system": "Be kind.", "prompt": "Ask?", "chosen": [user("Ask?"), bot("Yes")],
         "rejected": [user("Ask?"), bot("No")]},
        {"messages": [SYSTEM, user("Ask?")], "chosen": bot("Yes"), "rejected": bot("No")},
        {"chosen": [SYSTEM, user("Ask?"), bot("Yes")],
         "rejected": [SYSTEM, user("Ask?"), bot("No")]},
    ],
)  # fmt: skip
def test_the_system_prompt_stands_before_the_question(record):
    row = read([record]).iloc[0]
    assert row.prompt == "system: Be kind.\n\nuser: Ask?"
    assert json.loads(row.prompt_messages) == [SYSTEM, user("Ask?")]
    assert (better(row), worse(row)) == ("Yes", "No")


@pytest.mark.parametrize("name", ["prompt", "instruction", "question"])
def test_input_stands_below_the_instruction(name):
    record = {name: "Translate:", "input": "Oak", "chosen": "Eiche", "rejected": "Eis"}
    assert read([record])["prompt"].tolist() == ["Translate:\nOak"]
    chats = {**record, "chosen": [bot("Eiche")], "rejected": [bot("Eis")]}
    assert read([chats])["prompt"].tolist() == ["Translate:\nOak"]


@pytest.mark.parametrize("write", [lambda value: value, repr, json.dumps])
def test_history_stands_before_the_instruction(write):
    record = {"history": write([["Hi", "Yes?"]]), "instruction": "Ask?", "input": "",
              "system": "Be kind.", "chosen": "Yes", "rejected": "No"}  # fmt: skip
    row = read([record]).iloc[0]
    assert json.loads(row.prompt_messages) == [SYSTEM, user("Hi"), bot("Yes?"), user("Ask?")]


def test_a_copy_of_the_chosen_conversation_is_no_prompt():
    whole = [user("Ask?"), bot("Yes")]
    record = {"messages": whole, "chosen": whole, "rejected": [user("Ask?"), bot("No")]}
    assert as_read(read([record])) == [("Ask?", "Yes", "No")]


def test_names_by_a_mapping():
    records = [{"q": "Ask?", "good": "Yes", "bad": "No", "gap": 0.5, "who": "Ann"}]
    mapping = {"prompt": "q", "chosen": "good", "rejected": "bad", "margin": "gap",
               "annotator": "who"}  # fmt: skip
    frame = read(records, mapping=mapping, kind="human")
    assert as_read(frame) == [("Ask?", "Yes", "No")]
    assert frame[["strength", "annotator", "kind"]].values.tolist() == [[0.5, "Ann", "human"]]


@pytest.mark.parametrize("mapping", [{"chosen": "x", "rejected": "bad"}, {"best": "good"}])
def test_a_mapping_that_names_nothing_says_so(mapping):
    with pytest.raises(DataError, match="unknown"):
        read([{"good": "Yes", "bad": "No"}], mapping=mapping)


TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


@pytest.mark.parametrize("write", [lambda value: value, json.dumps, repr])
def test_tools_and_calls_without_content(write):
    call = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "add"}}]}
    record = {"prompt": [user("2+2?")], "chosen": [call], "rejected": [bot("5")],
              "tools": write([TOOL])}  # fmt: skip
    row = read([record]).iloc[0]
    assert row.prompt.endswith("2+2?")
    assert '"name":"add"' in row.prompt
    assert "add" in better(row)
    assert json.loads(row.tools) == [TOOL]
    assert json.loads(row.prompt_messages) == [user("2+2?")]


def test_tools_beside_openai_s_messages():
    record = {"input": {"messages": [user("2+2?")], "tools": [TOOL]},
              "preferred_output": [bot("4")], "non_preferred_output": [bot("5")]}  # fmt: skip
    assert json.loads(read([record])["tools"][0]) == [TOOL]


def test_media_are_named_by_path_or_digest():
    parts = [{"type": "image", "text": None}, {"type": "text", "text": "What?"}]
    ask = {"role": "user", "content": parts}
    record = {"prompt": [ask], "chosen": [bot("A cat")], "rejected": [bot("A dog")]}
    shown = [{"bytes": None, "path": "a.png"}, {"bytes": b"PNG", "path": None}]
    first, second = read([{**record, "images": shown}])["media"][0].split("\n")
    assert first == "a.png"
    assert second.startswith("blake2b:")
    assert read([{**record, "images": ["a.png", "b.png"]}])["media"].tolist() == ["a.png\nb.png"]
    assert read([{**record, "image": "a.png"}])["media"].tolist() == ["a.png"]
    assert read([{**record, "images": "['a.png', 'b.png']"}])["media"].tolist() == ["a.png\nb.png"]


def test_media_of_responses_stay_with_their_side():
    def shows(name):
        return [{"role": "assistant", "content": [{"type": "image_url", "image_url": name}]}]

    record = {"prompt": "Draw", "chosen": shows("good.png"), "rejected": shows("bad.png")}
    row = read([record]).iloc[0]
    assert (row.media_a if row.preference == 1 else row.media_b) == "good.png"
    assert {row.media_a, row.media_b} == {"good.png", "bad.png"}


@pytest.mark.parametrize("name", ["chosen-model", "model_chosen", "chosen_policy", "chosen_model"])
def test_models_follow_their_side(name):
    other = name.replace("chosen", "rejected")
    records = [{"prompt": str(i), "chosen": "Yes", "rejected": "No", name: "m1", other: "m2"}
               for i in range(20)]  # fmt: skip
    frame = read(records)
    assert (frame["model_a"] == np.where(frame["preference"] == 1, "m1", "m2")).all()
    assert frame["preference"].nunique() == 2


def test_who_judged_is_read_where_a_column_says_it():
    record = {"prompt": "Ask?", "chosen": "Yes", "rejected": "No"}
    named = read([{**record, "annotator": "ann", "annotator_kind": "human", "criterion": "tone"}])
    assert named[["annotator", "kind", "criterion"]].values.tolist() == [["ann", "human", "tone"]]
    judge = read([{**record, "labelling_model": "gpt-x", "kind": "math"}])
    assert judge[["annotator", "kind", "source_kind"]].values.tolist() == [["gpt-x", "llm", "math"]]
    asked = read([record], annotator="crowd", kind="human")
    assert asked[["annotator", "kind"]].values.tolist() == [["crowd", "human"]]


def test_the_id_of_a_prompt_is_the_cluster():
    record = {"prompt": "Ask?", "prompt_id": 7, "chosen": "Yes", "rejected": "No"}
    assert read([record])["cluster"].tolist() == ["7"]


def test_plain_and_chat_rows_stand_in_one_file():
    rows = [
        {"prompt": "Ask?", "chosen": "[1] Yes", "rejected": "No"},
        {"prompt": "Ask?", "chosen": '{"answer": 4}', "rejected": "No"},
        {"prompt": "Ask?", "chosen": json.dumps(bot("Yes")), "rejected": "No"},
        {"prompt": json.dumps([user("Ask?")]), "chosen": "Yes", "rejected": "No"},
    ]
    assert [(p, b) for p, b, _ in as_read(read(rows))] == [
        ("Ask?", "[1] Yes"),
        ("Ask?", '{"answer": 4}'),
        ("Ask?", "Yes"),
        ("Ask?", "Yes"),
    ]


def test_dialogue_texts_keep_their_text_and_gain_messages():
    start = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Ask?\n\nAssistant:"
    implicit = read([{"chosen": start + " Yes", "rejected": start + " No"}]).iloc[0]
    explicit = read([{"prompt": start, "chosen": " Yes", "rejected": " No"}]).iloc[0]
    asked = [user("Hi"), bot("Yes?"), user("Ask?")]
    for row in (implicit, explicit):
        assert json.loads(row.prompt_messages) == asked
        side = "a" if row.preference == 1 else "b"
        assert json.loads(row[f"response_{side}_messages"]) == [bot("Yes")]
    assert explicit.prompt == start
    assert implicit.prompt == start.strip().removesuffix("Assistant:").strip()
