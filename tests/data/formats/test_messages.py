"""Chat messages: what is read, how it is shown, and how two chats share a prompt."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.formats.messages import (
    as_messages,
    common_prefix,
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
        {"role": "user", "content": "not in a list"},
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
