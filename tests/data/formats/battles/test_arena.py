"""Chatbot Arena votes in the field sets of its releases."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.data.formats.battles.arena import FORMAT
from workbench.data.load import load


def user(text):
    return {"role": "user", "content": text}


def bot(text):
    return {"role": "assistant", "content": text}


def vote_33k(winner="model_a", **changed):
    return {
        "question_id": "58210e39b3fd4441a2bd4a518bb44c2d",
        "model_a": "chatglm-6b",
        "model_b": "koala-13b",
        "winner": winner,
        "judge": "arena_user_973",
        "conversation_a": [user("2+2?"), bot("4")],
        "conversation_b": [user("2+2?"), bot("5")],
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1682351591.1322,
        "openai_moderation": {"categories": {"hate": False}, "flagged": False},
        "toxic_chat_tag": {"roberta-large": {"flagged": False, "probability": 0.01}},
        **changed,
    }


def vote_55k(winner="model_a", **changed):
    hot = {f"winner_{name}": int(name == winner) for name in ("model_a", "model_b", "tie")}
    return {
        "id": 30192,
        "model_a": "gpt-4-1106-preview",
        "model_b": "gpt-4-0613",
        "prompt": json.dumps(["2+2?", "and 3+3?"]),
        "response_a": json.dumps(["4", "6"]),
        "response_b": json.dumps(["5", None]),
        **hot,
        **changed,
    }


def vote_100k(winner="model_a", **changed):
    return {
        "question_id": "a1b2",
        "model_a": "x",
        "model_b": "y",
        "winner": winner,
        "judge": "arena_user_1",
        "conversation_a": [user("2+2?"), bot("4")],
        "conversation_b": [user("2+2?"), bot("5")],
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1718000000.0,
        "conv_metadata": {
            "sum_assistant_a_tokens": 3,
            "sum_assistant_b_tokens": 5,
            "header_count_a": {"h1": 1, "h2": 0},
            "header_count_b": {"h1": 0, "h2": 2},
            "turns": 1,
        },
        "is_code": False,
        "is_refusal": True,
        "dedup_tag": {"high_freq": False, "sampled": True},
        "category_tag": {"math_v0.1": {"math": True}},
        **changed,
    }


def vote_140k(winner="model_a", **changed):
    def part(text):
        return [{"type": "text", "text": text, "image": None, "mimeType": None}]

    chat = [{"role": "user", "content": part("2+2?")}]
    return {
        "id": "0a1b",
        "model_a": "x",
        "model_b": "y",
        "winner": winner,
        "evaluation_session_id": "s-7",
        "evaluation_order": 2,
        "conversation_a": [*chat, {"role": "assistant", "content": part("4")}],
        "conversation_b": [*chat, {"role": "assistant", "content": part("5")}],
        "full_conversation": [{"user": {"content": part("2+2?")}}],
        "conv_metadata": {"sum_assistant_a_tokens": 3, "sum_assistant_b_tokens": 5},
        "category_tag": {"math_v0.1": {"math": True}},
        "language": "en",
        "is_code": False,
        "timestamp": "2025-05-01T00:00:00",
        **changed,
    }


VOTES = [vote_33k, vote_55k, vote_100k, vote_140k]


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


@pytest.mark.parametrize("vote", VOTES)
def test_recognised(vote):
    assert FORMAT.recognise(list(vote()), [vote()])


@pytest.mark.parametrize("vote", VOTES)
def test_one_vote(vote):
    row = read([vote()]).iloc[0]
    assert (row.preference, row.kind, row.order_shown) == (1.0, "human", "ab")
    assert (row.model_a, row.model_b) == (vote()["model_a"], vote()["model_b"])
    assert "2+2?" in row.prompt
    assert (row.response_a[0], row.response_b[0]) == ("4", "5")
    assert row.row_id == row.source_id == str(vote().get("id", vote().get("question_id")))


@pytest.mark.parametrize("vote", VOTES)
@pytest.mark.parametrize(("winner", "p"), [("model_a", 1.0), ("model_b", 0.0), ("tie", 0.5)])
def test_verdicts(vote, winner, p):
    row = read([vote(winner)]).iloc[0]
    assert row.preference == p
    assert (row.reason == "tie") == (winner == "tie")


@pytest.mark.parametrize(
    ("vote", "winner"),
    [(vote_33k, "tie (bothbad)"), (vote_100k, "tie (bothbad)"), (vote_140k, "both_bad")],
)
def test_both_bad_is_no_plain_tie(vote, winner):
    row = read([vote(winner)]).iloc[0]
    assert (row.preference, row.reason) == (0.5, "both_bad")


@pytest.mark.parametrize("winner", ["model_c", "1", "A>B maybe?"])
def test_an_unknown_winner_is_counted(winner):
    frame = read([vote_33k(), vote_33k(winner)])
    assert frame["problem"].fillna("").tolist() == ["", "unknown label"]
    assert frame["found"][1] == f"winner: {winner}"


@pytest.mark.parametrize("winner", [None, "", " "])
def test_where_nobody_voted_there_is_no_judgement_and_no_failure(winner):
    frame = read([vote_33k(), vote_33k(winner)])
    assert frame["problem"].fillna("").tolist() == ["", "no judgement"]


@pytest.mark.parametrize("hot", [(0, 0, 0), (1, 1, 0)])
def test_a_one_hot_label_must_be_one(hot):
    names = ("winner_model_a", "winner_model_b", "winner_tie")
    frame = read([vote_55k(**dict(zip(names, hot, strict=True)))])
    assert frame["problem"].tolist() == ["unknown label"]


def test_55k_as_a_table_of_text():
    # what a CSV reader gives
    frame = read([{key: str(value) for key, value in vote_55k("model_b").items()}])
    assert (frame["preference"].tolist(), frame["source_id"].tolist()) == ([0.0], ["30192"])


def test_55k_turns():
    row = read([vote_55k()]).iloc[0]
    assert row.prompt == "user: 2+2?\n\nuser: and 3+3?"
    assert (row.response_a, row.response_b) == ("4\n\n6", "5\n\n")
    whole = json.loads(row.prompt_messages) + json.loads(row.response_a_messages)
    assert whole == [user("2+2?"), bot("4"), user("and 3+3?"), bot("6")]


def test_55k_broken_surrogates_become_writable():
    row = read([vote_55k(response_a='["4 \\ud83d", "6"]')]).iloc[0]
    assert row.response_a.encode()


def test_cluster_is_the_session_or_the_visitor():
    assert read([vote_140k()])["cluster"].tolist() == ["s-7"]
    assert read([vote_33k()])["cluster"].tolist() == ["arena_user_973"]
    assert read([vote_55k()])["cluster"].isna().all()
    # an expert of a panel rates questions that others rate too
    panel = read([vote_33k(judge="expert_3")])
    assert panel["cluster"].isna().all()
    assert panel["annotator"].tolist() == ["expert_3"]
    # the 100k release names a visitor by a hash
    hashed = vote_100k(judge_hash="h7")
    del hashed["judge"]
    assert read([hashed])[["annotator", "cluster"]].iloc[0].tolist() == ["h7", "h7"]


def test_annotators():
    assert read([vote_33k()])["annotator"].tolist() == ["arena_user_973"]
    assert read([vote_55k()])["annotator"].tolist() == ["human"]
    assert read([vote_55k()], annotator="visitors")["annotator"].tolist() == ["visitors"]
    judge = read([vote_33k(judge=["gpt-4", "pair-v2"])])
    assert judge[["annotator", "kind"]].iloc[0].tolist() == ["gpt-4 pair-v2", "llm"]


def test_metadata_of_both_sides_becomes_pairs_of_columns():
    row = read([vote_100k()]).iloc[0]
    assert row["conv_metadata.sum_assistant_tokens_a"] == 3
    assert row["conv_metadata.sum_assistant_tokens_b"] == 5
    assert row["conv_metadata.header_count.h2_b"] == 2
    assert row["conv_metadata.turns"] == 1
    assert (row["language"], row["turn"], row["is_code"], row["is_refusal"]) == ("English", 1, 0, 1)
    assert row["category_tag.math_v0.1.math"] == 1


def test_copies_of_the_conversation_are_left_out_and_that_is_said():
    frame = read([vote_140k()])
    assert not any(column.startswith("full_conversation") for column in frame)
    assert "full_conversation" in frame.attrs["settings"]["columns_left_out"]
    assert "full_conversation" not in FORMAT.columns(list(vote_140k()), {})
    assert set(vote_140k()) - set(FORMAT.columns(list(vote_140k()), {})) == {"full_conversation"}


@pytest.mark.parametrize(
    "changed",
    [
        {"conversation_a": None},
        {"conversation_b": []},
        {"conversation_a": [{"role": "user", "content": None}]},
    ],
)
def test_broken_conversations_are_counted(changed):
    frame = read([vote_33k(), vote_33k(**changed), vote_33k()])
    assert frame["problem"].fillna("").tolist() == ["", "unparseable", ""]
    assert frame["found"][1].startswith(next(iter(changed)))


@pytest.mark.parametrize("value", [3, {"a": 1}, "no chat", "[broken"])
def test_conversations_of_a_wrong_type_are_counted(value):
    frame = read([vote_33k(conversation_a=value)])
    assert frame["problem"].tolist() == ["unparseable"]


@pytest.mark.parametrize("value", [None, "[broken", "[]", "[1, 2]", '{"a": 1}', '["only one"]'])
def test_broken_turns_are_counted(value):
    frame = read([vote_55k(), vote_55k(response_b=value)])
    assert frame["problem"].fillna("").tolist() == ["", "unparseable"]


@pytest.mark.parametrize("vote", VOTES)
def test_through_load(vote, tmp_path):
    path = tmp_path / "votes.jsonl"
    other = vote("tie")
    votes = [
        vote(),
        vote("tie"),
        other | {key: 4 for key in ("winner", "winner_tie") if key in other},
    ]
    path.write_text("\n".join(map(json.dumps, votes)))
    data = load(path)
    report = data.load_report
    assert (report.format, report.rows_read, report.rows_kept) == ("arena", 3, 2)
    assert report.left_out["unknown label"].count == 1
    assert sorted(data.labels["preference"]) == [0.5, 1.0]


def test_parquet_through_load(tmp_path):
    path = tmp_path / "votes.parquet"
    table = pa.Table.from_pylist([vote_140k(), vote_140k("both_bad", id="other")])
    pq.write_table(table, path)
    data = load(path)
    assert data.labels["reason"].fillna("").tolist() == ["", "both_bad"]
    assert data.pairs["cluster"].tolist() == ["s-7"]
