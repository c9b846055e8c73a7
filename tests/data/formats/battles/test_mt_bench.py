"""MT-Bench: people's votes on a turn of a dialogue."""

import pandas as pd
import pyarrow as pa
import pytest

from workbench.data.formats.battles.mt_bench import FORMAT
from workbench.data.reading.containers import open_container


def chat(*said):
    roles = ("user", "assistant") * len(said)
    return [{"role": role, "content": text} for role, text in zip(roles, said, strict=False)]


def vote(winner="model_a", turn=1, judge="expert_3", **changed):
    return {
        "question_id": 81,
        "model_a": "m1",
        "model_b": "m2",
        "winner": winner,
        "judge": judge,
        "conversation_a": chat("A plan?", "By foot.", "Shorter.", "Foot."),
        "conversation_b": chat("A plan?", "By tram.", "Shorter.", "Tram."),
        "turn": turn,
        **changed,
    }


def textless(*args, **kwargs):
    return {k: v for k, v in vote(*args, **kwargs).items() if not k.startswith("conversation")}


def test_the_turn_says_what_was_judged(read_file):
    name, frame = read_file([vote(), vote("model_b", 2), vote("tie", 1, "author_0")])
    assert name == "mt_bench_human"
    assert frame["item"].tolist() == [
        "question 81, turn 1", "question 81, turn 2", "question 81, turn 1",
    ]  # fmt: skip
    assert frame["response_a"].tolist() == ["By foot.", "By foot.\n\nFoot.", "By foot."]
    assert frame["prompt"].tolist()[:2] == ["A plan?", "user: A plan?\n\nuser: Shorter."]
    assert frame["preference"].tolist() == [1.0, 0.0, 0.5]
    assert frame["annotator"].tolist() == ["expert_3", "expert_3", "author_0"]
    assert set(frame["kind"]) == {"human"}
    assert set(frame["cluster"]) == {"81"}


def test_the_order_shown_is_not_claimed(read_file):
    _, frame = read_file([vote(), vote()])
    assert "order_shown" not in frame


def test_without_the_texts(read_file):
    name, frame = read_file([textless(), textless("model_b", 2)])
    assert name == "mt_bench_human"
    assert frame["preference"].tolist() == [1.0, 0.0]
    assert frame["item"].nunique() == 2


def test_sides_are_no_places(load_file):
    turned = textless("model_a", model_a="m2", model_b="m1")
    data = load_file([textless(), turned])
    # one person on one pair, for one model and for the other: no sign of an order shown
    assert len(data) == 1
    assert sorted(data.labels["preference"]) == [0.0, 1.0]
    assert data.labels["order_shown"].isna().all()


def test_a_verdict_derived_from_orders_that_disagree_is_none():
    frame = FORMAT.translate(
        pa.Table.from_pylist([textless("tie (inconsistent)", judge="gpt4_pair")]), 1, {}
    )
    row = frame.iloc[0]
    assert pd.isna(row.preference)
    assert (row.reason, row.kind) == ("inconsistent", "llm")
    assert pd.isna(row.problem)


def test_broken_dialogues_are_counted():
    frame = FORMAT.translate(pa.Table.from_pylist([vote(), vote(conversation_a=[])]), 1, {})
    assert frame["problem"].fillna("").tolist() == ["", "unparseable"]


def test_a_panel_of_other_judges_is_none_of_these(format_of):
    assert format_of([vote(judge="arena_user_1")] * 2) == "arena"


@pytest.mark.parametrize(("file", "n"), [("human", 3355), ("gpt4_pair", 2400)])
def test_every_judgement_of_the_original_files(shared_data, file, n):
    table = open_container(shared_data / "mt_bench_human" / f"{file}.jsonl").table
    frame = FORMAT.translate(table, 1, {})
    assert len(frame) == n
    assert frame["problem"].isna().all()
    labels = pd.read_parquet(shared_data / "normalised" / "labels.parquet")
    labels = labels[labels["dataset"].eq("mt_bench_human")]
    labels = labels[labels["annotator"].eq("gpt4_pair") == (file == "gpt4_pair")]
    want = sorted(
        (*pair.split("|"), annotator, {"a": 1.0, "b": 0.0, "tie": 0.5}[label])
        for pair, annotator, label in zip(
            labels["pair_id"], labels["annotator"], labels["label"], strict=True
        )
    )
    assert sorted(map(_key, frame.to_dict("records"))) == want


def _key(row):
    """Return a judgement as the normalised set writes it: models by name, inconsistent a tie."""
    question, turn = row["item"].removeprefix("question ").split(", turn ")
    p = 0.5 if row["reason"] == "inconsistent" else row["preference"]
    one, other = row["model_a"], row["model_b"]
    if one > other:
        one, other, p = other, one, 1 - p
    return question, turn, one, other, row["annotator"], p
