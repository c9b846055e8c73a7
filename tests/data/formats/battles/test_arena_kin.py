"""Votes of the arena's kin: search, vision, experts, plain texts; and all kinds of files."""

import json

import pytest

from .test_arena import bot, read, user, vote_33k, vote_55k, vote_100k, vote_140k


def vote_search(winner="model_a", **changed):
    return {
        "model_a": "x",
        "model_b": "y",
        "winner": winner,
        "judge": "visitor-1",
        "messages_a": [user("Who wrote it?"), bot("She [1].")],
        "messages_b": [user("Who wrote it?"), bot("He.")],
        "system_a_metadata": {"conv_id": "u", "web_search_trace": [["https://example.org"]]},
        "system_b_metadata": {"conv_id": "v", "web_search_trace": []},
        "turn": 1,
        **changed,
    }


def vote_vision(winner="model_a", **changed):
    return {
        "question_id": "i1",
        "model_a": "x",
        "model_b": "y",
        "winner": winner,
        "user_id": 12,
        "conversation_a": [[user("What is it?")], [bot("A barn.")]],
        "conversation_b": [[user("What is it?")], [bot("A mill.")]],
        "images": [{"bytes": None, "path": "img/1.png"}, {"bytes": None, "path": "img/2.png"}],
        **changed,
    }


def vote_expert(winner="model_a", **changed):
    tags = {"legal_and_government": True, "mathematical": None, "life_sciences": True}
    vote = vote_140k(winner, **{"occupational_tags": tags, **changed})
    for name in ("conversation_a", "conversation_b", "full_conversation"):
        vote[name] = json.dumps(vote[name])
    del vote["evaluation_session_id"], vote["category_tag"]
    return vote


def vote_ppe(winner="model_a", **changed):
    return {
        "question_id": "p1",
        "prompt": "[a gas]?",
        "response_1": "Argon.",
        "response_2": "Neon.",
        "model_a": "x",
        "model_b": "y",
        "winner": winner,
        "language": "English",
        **changed,
    }


KIN = [vote_search, vote_vision, vote_expert, vote_ppe]


@pytest.mark.parametrize("vote", [vote_33k, vote_55k, vote_100k, vote_140k, *KIN])
def test_read_alike_from_every_kind_of_file(read_file, vote):
    votes = [vote(winner) for winner in ("model_a", "model_b", "tie")]
    want = read(votes)
    name, frame = read_file(votes)
    assert name == "arena"
    assert frame["problem"].isna().all()
    assert frame["preference"].tolist() == [1.0, 0.0, 0.5]
    assert frame["reason"].fillna("").tolist() == ["", "", "tie"]
    assert set(frame["order_shown"]) == {"ab"}
    assert set(frame["kind"]) == {"human"}
    for column in ("prompt", "response_a", "response_b", "annotator", "model_a", "row_id"):
        assert frame[column].fillna("").tolist() == want[column].fillna("").tolist()


def test_search_arena():
    frame = read([vote_search(), vote_search(None), vote_search("tie (bothbad)", judge="other")])
    assert frame["prompt"].tolist() == ["Who wrote it?"] * 3
    assert frame["problem"].fillna("").tolist() == ["", "no judgement", ""]
    assert frame["reason"].fillna("").tolist() == ["", "", "both_bad"]
    # a visitor is one annotator, and what one asked belongs together
    assert frame["annotator"].tolist() == frame["cluster"].tolist()
    assert frame["system_metadata.conv_id_a"].tolist() == ["u"] * 3


def test_vision_arena_names_the_images_of_the_prompt():
    frame = read([vote_vision()])
    row = frame.iloc[0]
    assert (row.prompt, row.response_a, row.response_b) == ("What is it?", "A barn.", "A mill.")
    assert row.media == "img/1.png\nimg/2.png"
    assert (row.annotator, row.cluster) == ("12", "12")


def test_images_in_the_file_are_told_apart_by_their_content():
    same = {"path": "image.png"}
    frame = read([vote_vision(images=[{"bytes": b, **same}]) for b in (b"1", b"2", b"1")])
    one, other, again = frame["media"]
    assert one == again != other
    assert not any("bytes" in column for column in frame)


def test_images_among_the_parts_of_a_message():
    asked = {"role": "user", "content": [
        {"type": "text", "text": "What is it?", "image": None},
        {"type": "image", "text": None, "image": "https://example.org/1.png"},
    ]}  # fmt: skip
    said = [[asked, {"role": "assistant", "content": [{"text": text}]}] for text in ("4", "5")]
    frame = read([vote_140k(conversation_a=said[0], conversation_b=said[1])])
    assert frame["media"].tolist() == ["https://example.org/1.png"]
    assert frame["prompt"].tolist() == ["What is it?\n[image]"]


def test_the_tags_of_an_expert_prompt_are_its_scenario():
    frame = read([vote_expert(), vote_expert(id="2", occupational_tags={"mathematical": None})])
    assert frame["scenario"].fillna("").tolist() == ["legal_and_government, life_sciences", ""]


def test_response_1_is_model_a_in_ppe():
    row = read([vote_ppe()]).iloc[0]
    # a plain prompt that begins like a list is still a text
    assert (row.prompt, row.response_a, row.response_b) == ("[a gas]?", "Argon.", "Neon.")


def test_a_vote_by_the_name_of_the_model():
    frame = read([vote_33k("koala-13b"), vote_33k("chatglm-6b")])
    assert frame["preference"].tolist() == [0.0, 1.0]


def test_a_judge_whose_verdict_failed():
    row = read([vote_33k("error", judge="gpt-4o")]).iloc[0]
    assert row.preference != row.preference
    assert (row.reason, row.raw, row.kind) == ("failed", "error", "llm")


def test_the_prompt_is_all_before_the_answers_that_differ():
    start = [user("A tree?"), bot("Oak."), user("Another?")]
    vote = vote_140k(conversation_a=[*start, bot("Ash.")], conversation_b=[*start, bot("Fir.")])
    row = read([vote]).iloc[0]
    assert row.prompt == "user: A tree?\n\nassistant: Oak.\n\nuser: Another?"
    assert (row.response_a, row.response_b) == ("Ash.", "Fir.")


def panel(**changed):
    """A table in the Arena's form that is not the Arena's."""
    vote = vote_33k(**changed)
    for name in ("judge", "anony", "openai_moderation", "toxic_chat_tag"):
        if name not in changed:
            del vote[name]
    return vote


def test_another_table_in_the_arena_s_form_says_itself_who_judged():
    said = {"kind": "llm", "criterion": "style", "order_shown": "ba", "weight": 2, "strength": 3}
    row = read([panel(annotator="p1", question_id=4, **said)]).iloc[0]
    assert row["annotator"] == "p1"
    assert {name: row[name] for name in said} == said
    # a question's id is no vote's
    assert (row["cluster"], str(row["row_id"])) == ("4", "nan")


def test_who_judged_and_the_order_are_not_made_up():
    frame = read([panel(judge=None), panel(judge="my-prometheus-7b"), panel(judge="panel-3")])
    assert frame["kind"].tolist() == ["unknown", "llm", "unknown"]
    assert frame["annotator"].fillna("").tolist() == ["", "my-prometheus-7b", "panel-3"]
    assert frame["order_shown"].isna().all()


def test_unread_winners_are_told():
    frame = read([vote_33k(), vote_33k("won1")])
    assert "'won1' in 1 rows" in frame.attrs["notes"][0]
