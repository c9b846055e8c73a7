"""Chat messages: what is read, how it is shown, and how two chats share a prompt."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.formats.messages import (
    as_messages,
    common_prefix,
    dialogue,
    looks_like_messages,
    media_of,
    render,
    split_chats,
    text_of,
    to_json,
)


def user(text):
    return {"role": "user", "content": text}


def bot(text):
    return {"role": "assistant", "content": text}


messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": st.text(max_size=9)}
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "text",
        "[1] a footnote",
        "[" * 100_000,
        [],
        {"from": "a", "to": "b"},
        '{"role": "admin", "content": "an answer that is JSON"}',
        '[{"role": "engineer", "name": "Ann"}]',
        "[{'role': 'user', 'content': 'cut o",
        "Human: nobody answers",
        [{"role": "assistant", "content": None, "tool_calls": []}],
        [[{"role": "user", "content": "Hi"}], "text"],
        [{"role": "user"}],
        [{"content": "nobody"}],
        [{"role": 1, "content": "x"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": [{"type": "text", "text": None}]}],
        [{"role": "user", "content": [3]}],
        ["text"],
        [None],
    ],
)
def test_what_is_no_chat_is_none(value):
    assert as_messages(value) is None


def test_json_text_and_list_are_read_alike():
    chat = [user("Hi"), bot("Yes?")]
    assert as_messages(json.dumps(chat)) == as_messages(chat) == chat


CHAT = [user('It\'s "x"\n- é'), bot("Yes?")]


@pytest.mark.parametrize(
    "value",
    [
        repr(CHAT),
        str(np.array(CHAT, dtype=object)),
        repr(np.array(CHAT, dtype=object)),
        tuple(CHAT),
        np.array(CHAT, dtype=object),
        [[CHAT[0]], [CHAT[1]]],
        {"messages": CHAT},
        {name: np.array([one[name] for one in CHAT], dtype=object) for name in CHAT[0]},
        [{"from": "human", "value": CHAT[0]["content"]}, {"from": "gpt", "value": "Yes?"}],
        [{"role": "User", "text": CHAT[0]["content"]}, {"role": "model", "parts": "Yes?"}],
        "\n\nHuman: " + CHAT[0]["content"] + "\n\nAssistant: Yes?",
    ],
)
def test_every_way_of_writing_a_chat_is_the_same_chat(value):
    assert as_messages(value) == CHAT


@pytest.mark.parametrize(
    "value",
    [
        bot("Oak"),
        "{'role': 'assistant', 'content': 'Oak'}",
        '{"from": "gpt", "value": "Oak"}',
        "Row(role='assistant', content='Oak')",
        [bot("Oak")],
    ],
)
def test_one_message_stands_for_a_list_of_one(value):
    assert as_messages(value) == [bot("Oak")]


def test_a_sharegpt_call_becomes_a_tool_call():
    chat = as_messages(
        [
            {"from": "function_call", "value": '{"name": "add", "arguments": {"a": 1}}'},
            {"from": "observation", "value": "2"},
        ]
    )
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    assert chat == [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": "2"},
    ]


def test_calls_beside_an_empty_or_said_content_are_shown():
    call = {"role": "assistant", "content": "", "tool_calls": [{"name": "add"}]}
    assert text_of(call) == '{"tool_calls":[{"name":"add"}]}'
    assert text_of({**call, "content": "So:"}) == 'So:\n{"tool_calls":[{"name":"add"}]}'


def test_what_a_message_carries_beside_its_content_stays():
    chat = [{"role": "assistant", "content": "4", "thinking": "two and two", "weight": 1}]
    assert as_messages(repr(chat)) == chat
    assert render(chat) == "4"


def test_bytes_become_a_digest_and_name_the_medium():
    part = {"type": "image", "image": {"bytes": b"PNG", "path": None}}
    chat = as_messages([{"role": "user", "content": [part, {"type": "text", "text": "See"}]}])
    assert render(chat) == "[image]\nSee"
    assert to_json(chat)
    assert len(media_of(chat)) == 1
    assert media_of(chat) != media_of(as_messages([{"role": "user", "content": [
        {"type": "image", "image": {"bytes": b"JPG", "path": None}}]}]))  # fmt: skip


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"type": "image_url", "image_url": {"url": "a.png"}}, "a.png"),
        ({"type": "image_url", "image_url": "a.png"}, "a.png"),
        ({"type": "image", "path": "a.png"}, "a.png"),
        ({"type": "image", "url": "a.png"}, "a.png"),
        ({"image": "a.png"}, "a.png"),
        ({"type": "image"}, None),
    ],
)
def test_media_of_parts(part, name):
    assert media_of([{"role": "user", "content": [part]}]) == ([] if name is None else [name])


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("[{'role': 'user', 'content': 'cut", True),
        ("[{'content': 'long', 'role': 'us", True),
        ("array([{'from': 'human', 'value': 'x'}", True),
        ('{"answer": 3}', False),
        ('{"role": "admin", "content": "a form that is filled in"}', False),
        ('{"role": "assistant", "content": null}', True),
        ('[{"value": 3}]', False),
        ("[1] role: content: from: value:", False),
    ],
)
def test_a_print_of_messages_that_cannot_be_read_is_told_from_prose(text, looks):
    assert looks_like_messages(text) == looks


def test_dialogue_turns():
    text = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nA line.\n\nHuman: 2+2?\n\nAssistant:"
    assert dialogue(text) == [user("Hi"), bot("Yes?\n\nA line."), user("2+2?")]


@given(messages)
def test_python_print_round_trip(chat):
    assert as_messages(repr(chat)) == as_messages(chat)


@given(messages)
def test_numpy_print_round_trip(chat):
    assert as_messages(str(np.array(chat, dtype=object))) == as_messages(chat)


def test_missing_values_that_a_table_adds_are_dropped():
    chat = [{"role": "user", "content": [{"type": "text", "text": "Hi", "image": None}], "n": None}]
    assert as_messages(chat) == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]


def test_parts_are_shown_one_a_line_and_images_by_their_type():
    parts = [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": "x"}, "there"]
    assert text_of({"role": "user", "content": parts}) == "See\n[image_url]\nthere"


def test_a_message_of_tool_calls_alone_shows_them():
    chat = as_messages([{"role": "assistant", "content": None, "tool_calls": [{"name": "add"}]}])
    assert "add" in render(chat)


def test_lone_surrogates_become_writable_text():
    chat = as_messages('[{"role": "user", "content": "a\\ud83d"}]')
    assert to_json(chat).encode()


def test_one_message_is_shown_bare_and_several_with_roles():
    assert render([bot("No.")]) == "No."
    assert render([user("Hi"), bot("No.")]) == "user: Hi\n\nassistant: No."


def test_single_turn():
    pair = split_chats([user("2+2?"), bot("4")], [user("2+2?"), bot("5")])
    assert (pair.prompt, pair.response_a, pair.response_b) == ("2+2?", "4", "5")


def test_shared_turns_belong_to_the_prompt():
    start = [user("Hi"), bot("Yes?"), user("2+2?")]
    pair = split_chats([*start, bot("4")], [*start, bot("5")])
    assert pair.prompt == "user: Hi\n\nassistant: Yes?\n\nuser: 2+2?"
    assert (pair.response_a, pair.response_b) == ("4", "5")


def test_chats_that_part_early_show_the_users_turns_as_prompt():
    pair = split_chats(
        [user("Hi"), bot("A1"), user("More"), bot("A2")],
        [user("Hi"), bot("B1"), user("More"), bot("B2")],
    )
    assert pair.prompt == "user: Hi\n\nuser: More"
    assert (pair.response_a, pair.response_b) == ("A1\n\nA2", "B1\n\nB2")


def test_different_later_questions_stay_in_the_responses():
    pair = split_chats(
        [user("Hi"), bot("A1"), user("More"), bot("A2")],
        [user("Hi"), bot("B1"), user("Less"), bot("B2")],
    )
    assert pair.prompt == "Hi"
    assert "More" in pair.response_a
    assert "Less" in pair.response_b


@pytest.mark.parametrize("before", ["Hi", [user("Hi")]])
def test_a_prompt_that_the_chats_repeat_stands_once(before):
    pair = split_chats([user("Hi"), bot("4")], [user("Hi"), bot("5")], before)
    assert pair.prompt == "Hi"


@pytest.mark.parametrize("before", ["Hi", [user("Hi")]])
def test_a_prompt_beside_the_chats_comes_first(before):
    pair = split_chats([bot("4")], [bot("5")], before)
    assert (pair.prompt, pair.response_a, pair.response_b) == ("Hi", "4", "5")


def test_a_system_prompt_stands_before_chats_that_repeat_the_question():
    before = [{"role": "system", "content": "Be brief."}, user("Hi")]
    pair = split_chats([user("Hi"), bot("4")], [user("Hi"), bot("5")], before)
    assert json.loads(pair.prompt_messages) == before
    again = split_chats([*before, bot("4")], [*before, bot("5")], before)
    assert again.prompt_messages == pair.prompt_messages


def test_identical_chats_leave_identical_responses():
    pair = split_chats([user("Hi"), bot("4")], [user("Hi"), bot("4")])
    assert pair.response_a == pair.response_b == "4"


@given(messages, messages, messages)
def test_prompt_and_rest_are_the_whole_conversation(start, a, b):
    pair = split_chats([*start, *a], [*start, *b])
    asked = json.loads(pair.prompt_messages or "[]")
    assert asked + json.loads(pair.response_a_messages) == [*start, *a]
    assert asked + json.loads(pair.response_b_messages) == [*start, *b]


@given(messages, messages)
def test_swapping_the_conversations_swaps_the_responses(a, b):
    one, other = split_chats(a, b), split_chats(b, a)
    assert one.prompt == other.prompt
    assert (one.response_a, one.response_b) == (other.response_b, other.response_a)
    assert common_prefix(a, b) == common_prefix(b, a)


@given(messages)
def test_json_round_trip(chat):
    assert as_messages(to_json(chat)) == chat
