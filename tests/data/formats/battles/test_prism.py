"""PRISM: replies rated side by side, within a turn of one person's conversation."""

import json

import pyarrow as pa

from workbench.data.formats.battles.prism import FORMAT

from .conftest import verdicts


def utterance(said, score, turn=0, *, person="u1", conversation="c1", asked="Hi?", **changed):
    return {
        "utterance_id": f"ut-{said}",
        "interaction_id": f"{conversation}-{turn}",
        "conversation_id": conversation,
        "user_id": person,
        "turn": turn,
        "within_turn_id": 0,
        "conversation_type": "unguided",
        "user_prompt": asked,
        "model_response": said,
        "model_name": f"model of {said}",
        "score": score,
        "if_chosen": False,
        **changed,
    }


def two_turns():
    return [
        utterance("Hello.", 80, if_chosen=True),
        utterance("Hey.", 40),
        utterance("Yo.", 40),
        utterance("Tea.", 10, 1, asked="Tea?"),
        utterance("Yes.", 55, 1, asked="Tea?", if_chosen=True),
        utterance("Hmm.", 3, person="u2", conversation="c2"),
        utterance("Hello.", 9, person="u2", conversation="c2"),
    ]


WANT = sorted([
    ("Hello.", "Hey.", 1.0), ("Hello.", "Yo.", 1.0), ("Hey.", "Yo.", 0.5), ("Tea.", "Yes.", 0.0),
    ("Hmm.", "Hello.", 0.0),
])  # fmt: skip


def test_utterances(read_file):
    name, frame = read_file(two_turns())
    assert name == "prism"
    assert verdicts(frame) == WANT
    by_reply = frame.set_index("response_a")
    assert by_reply.loc["Hey.", "reason"] == "tie"
    assert by_reply.loc["Tea.", "cluster"] == "c1"
    assert set(frame["annotator"]) == {"u1", "u2"}
    assert set(frame["kind"]) == {"human"}
    assert by_reply.loc["Tea.", ["score_a", "score_b", "strength"]].tolist() == [10, 55, 45]


def test_what_a_person_chose_goes_on_into_the_next_turn(read_file):
    _, frame = read_file(two_turns())
    row = frame.set_index("response_a").loc["Tea."]
    assert row.prompt == "user: Hi?\n\nassistant: Hello.\n\nuser: Tea?"
    assert [m["role"] for m in json.loads(row.prompt_messages)] == ["user", "assistant", "user"]


def conversations(records):
    """Write utterances as the other file of the study does."""
    found = {}
    for row in records:
        about = {
            "conversation_id": row["conversation_id"],
            "user_id": row["user_id"],
            "conversation_history": [],
            "choice_attributes": {"values": 5},
        }
        history = found.setdefault(row["conversation_id"], about)["conversation_history"]
        if not any(m["role"] == "user" and m["turn"] == row["turn"] for m in history):
            history.append({"turn": row["turn"], "role": "user", "content": row["user_prompt"]})
        history.append({
            "turn": row["turn"], "role": "model", "content": row["model_response"],
            "model_name": row["model_name"], "score": row["score"],
            "if_chosen": row["if_chosen"], "within_turn_id": row["within_turn_id"],
        })  # fmt: skip
    return list(found.values())


def test_conversations_say_the_same(read_file):
    name, frame = read_file(conversations(two_turns()))
    assert name == "prism"
    assert verdicts(frame) == WANT
    columns = ["item", "prompt", "prompt_messages", "response_a", "response_b", "annotator",
               "cluster", "model_a", "model_b"]  # fmt: skip
    alone = FORMAT.translate(pa.Table.from_pylist(two_turns()), 1, {})
    assert sorted(map(tuple, frame[columns].to_numpy())) == sorted(
        map(tuple, alone[columns].to_numpy())
    )


def read(records):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, {})


def test_people_who_ask_the_same_are_not_compared():
    frame = read([
        utterance("Hello.", 80), utterance("Hey.", 4, person="u2", conversation="c2"),
    ])  # fmt: skip
    assert frame["problem"].tolist() == ["no judgement", "no judgement"]


def test_a_reply_without_a_score_is_counted_and_the_others_are_compared():
    frame = read([utterance("Hello.", 80), utterance("Hey.", None), utterance("Yo.", 3)])
    assert verdicts(frame) == [("Hello.", "Yo.", 1.0)]
    assert frame["problem"].fillna("").tolist() == ["no judgement", ""]
    assert frame["row"].tolist() == [2, 3]


def test_rows_in_any_order_are_the_same_judgements():
    there = read(two_turns())
    back = read(two_turns()[::-1])
    sides = {frozenset([(a, p), (b, 1 - p)]) for a, b, p in verdicts(there)}
    assert {frozenset([(a, p), (b, 1 - p)]) for a, b, p in verdicts(back)} == sides
    assert set(there["prompt"]) == set(back["prompt"])


def test_a_broken_history_is_counted():
    frame = read([{"conversation_id": "c", "user_id": "u", "conversation_history": "gone"}])
    assert frame["problem"].tolist() == ["unparseable"]
