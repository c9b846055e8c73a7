"""TRL preference files: prompts found, sides shuffled by content, broken records counted."""

import gzip
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.formats.orientation import chosen_is_a, orient
from workbench.data.formats.training.trl import FORMAT
from workbench.data.load import load
from workbench.errors import DataError

SHARED = Path(__file__).parents[4] / ".." / "shared" / "data"
HH = SHARED / "hh_rlhf_test"


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def chosen_of(row):
    return row.response_a if row.preference == 1.0 else row.response_b


def user(text):
    return {"role": "user", "content": text}


def bot(text):
    return {"role": "assistant", "content": text}


def test_explicit_text_prompt_leaves_the_texts_as_they_are():
    frame = read([{"prompt": "2+2?", "chosen": " 4\n", "rejected": "5"}])
    row = frame.iloc[0]
    assert row.prompt == "2+2?"
    assert {row.response_a, row.response_b} == {" 4\n", "5"}
    assert chosen_of(row) == " 4\n"
    assert row[["row", "annotator", "kind"]].tolist() == [1, "preference", "unknown"]
    assert "order_shown" not in frame or frame["order_shown"].isna().all()


def test_implicit_text_prompt_ends_at_the_last_shared_turn():
    start = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: 2+2?\n\nAssistant:"
    row = read([{"chosen": start + " It is 4", "rejected": start + " It is 5"}]).iloc[0]
    assert row.prompt == "Human: Hi\n\nAssistant: Yes?\n\nHuman: 2+2?"
    assert {row.response_a, row.response_b} == {"It is 4", "It is 5"}
    assert chosen_of(row) == "It is 4"


def test_dialogues_that_part_before_the_last_turn():
    start = "\n\nHuman: Hi\n\nAssistant:"
    row = read(
        [
            {
                "chosen": start + " A\n\nHuman: x\n\nAssistant: end",
                "rejected": start + " B\n\nHuman: x\n\nAssistant: end",
            }
        ]
    ).iloc[0]
    assert row.prompt == "Human: Hi"
    assert chosen_of(row) == "A\n\nHuman: x\n\nAssistant: end"


def test_texts_without_turns_have_no_prompt():
    frame = read([{"chosen": "The sky is blue", "rejected": "The sky is green"}])
    assert frame["prompt"].isna().all()
    assert chosen_of(frame.iloc[0]) == "The sky is blue"


def test_an_empty_prompt_is_no_prompt():
    assert read([{"prompt": "", "chosen": "a", "rejected": "b"}])["prompt"].isna().all()


@pytest.mark.parametrize("prompt", [{}, {"prompt": "2+2?"}, {"prompt": [user("2+2?")]}])
def test_message_lists(prompt):
    start = [] if isinstance(prompt.get("prompt"), list) else [user("2+2?")]
    record = {**prompt, "chosen": [*start, bot("4")], "rejected": [*start, bot("5")]}
    row = read([record]).iloc[0]
    assert (row.prompt, chosen_of(row)) == ("2+2?", "4")
    assert json.loads(row.prompt_messages) == [user("2+2?")]
    side = "a" if row.preference == 1.0 else "b"
    assert json.loads(row[f"response_{side}_messages"]) == [bot("4")]


def test_messages_as_json_text_and_plain_text_stand_side_by_side():
    frame = read(
        [
            {"prompt": "q", "chosen": "[1] see note", "rejected": "no"},
            {
                "prompt": None,
                "chosen": json.dumps([user("q"), bot("y")]),
                "rejected": json.dumps([user("q"), bot("n")]),
            },
            {"prompt": "q", "chosen": json.dumps([bot("y")]), "rejected": "plain"},
        ]
    )
    assert frame["prompt"].tolist() == ["q", "q", "q"]
    assert [chosen_of(r) for r in frame.itertuples()] == [
        "[1] see note",
        "y",
        "y",
    ]
    assert frame["problem"].isna().all()


def test_scores_become_strength_and_follow_their_side():
    record = {"chosen": "x", "rejected": "y", "score_chosen": 3.0, "score_rejected": 1.0}
    models = {"chosen_model": "good", "rejected_model": "bad"}
    frame = read([{"prompt": str(i), **record, **models} for i in range(20)])
    assert frame["strength"].tolist() == [2.0] * 20
    first = frame["preference"] == 1.0
    assert 0 < first.sum() < 20
    assert (frame["score_a"] == np.where(first, 3.0, 1.0)).all()
    assert (frame["score_b"] == np.where(first, 1.0, 3.0)).all()
    assert (frame["model_a"] == np.where(first, "good", "bad")).all()


def test_margin_is_the_strength_where_there_are_no_scores():
    assert read([{"chosen": "x", "rejected": "y", "margin": 0.7}])["strength"].tolist() == [0.7]


def test_metadata_stays_and_names_of_the_data_model_are_not_taken_over():
    frame = read(
        [{"chosen": "x", "rejected": "y", "source": "s", "row": 9, "weight": 3, "tags": ["u", "v"]}]
    )
    row = frame.iloc[0]
    assert (row["row"], row["source"], row["source_row"], row["weight"]) == (1, "s", 9, 3)
    assert row["tags"] == "u, v"


BROKEN = [
    {"prompt": "q", "chosen": None, "rejected": [bot("x")]},
    {"prompt": "q", "chosen": [], "rejected": [bot("x")]},
    {"prompt": "q", "chosen": [{"role": "assistant", "content": None}], "rejected": [bot("x")]},
    {"prompt": "q", "chosen": [bot("y")], "rejected": None},
]


@pytest.mark.parametrize("record", BROKEN)
def test_a_broken_record_is_counted_and_its_neighbours_are_read(record):
    good = {"prompt": "q", "chosen": [bot("y")], "rejected": [bot("x")]}
    frame = read([good, record, good])
    assert frame["problem"].fillna("").tolist() == ["", "unparseable", ""]
    assert 0 < len(frame["found"][1]) <= 100
    assert frame["row"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "record",
    [
        {"chosen": 1, "rejected": 2},
        {"chosen": {"a": 1}, "rejected": {"a": 2}},
        {"chosen": "x", "rejected": [{"role": "assistant", "content": 4}]},
        {"chosen": "[{'role': 'assistant', 'content': 'cut off", "rejected": "y"},
        {"prompt": '[{"role": "user", "content": "cut off', "chosen": "x", "rejected": "y"},
        {"chosen": None, "rejected": None},
        {"prompt": {"a": 1}, "chosen": "x", "rejected": "y"},
        {"prompt": 5, "chosen": [bot("x")], "rejected": [bot("y")]},
    ],
)
def test_wrong_types_are_counted(record):
    assert read([record])["problem"].tolist() == ["unparseable"]


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="rejected"):
        read([{"chosen": "x"}])


def test_recognised():
    record = {"chosen": "x", "rejected": "y"}
    assert FORMAT.recognise(list(record), [record])
    assert not FORMAT.recognise(["chosen", "rejected"], [{"chosen": ["x", "z"], "rejected": ["y"]}])
    assert not FORMAT.recognise(["chosen"], [{"chosen": "x"}])


texts = st.text(max_size=30)


@given(texts, texts, texts, st.integers(-(2**63), 2**63 - 1))
def test_sides_depend_on_content_alone(prompt, x, y, seed):
    one = orient([prompt], [x], [y], seed)[0]
    other = orient([prompt], [y], [x], seed)[0]
    assert one != other if x != y else not one and not other
    assert chosen_is_a(prompt, x, y, seed) == one


def test_opposite_choices_give_the_same_pairs(tmp_path):
    rows = [{"prompt": f"q{i}", "chosen": f"x{i}", "rejected": f"y{i}"} for i in range(50)]
    turned = [{**r, "chosen": r["rejected"], "rejected": r["chosen"]} for r in rows]
    one, other = (load(pd.DataFrame(r)) for r in (rows, turned))
    assert one.pairs["pair_id"].tolist() == other.pairs["pair_id"].tolist()
    assert (one.labels["preference"] + other.labels["preference"] == 1).all()
    assert one.load_report.settings["shuffle_seed"] == "0"


def test_seeds_differ_and_sides_are_balanced():
    n = 4000
    prompt, x, y = (pd.Series([f"{c}{i}" for i in range(n)]) for c in "pxy")
    sides = [orient(prompt, x, y, seed) for seed in (0, 1)]
    # 5 standard errors of a fair coin
    for share in (sides[0].mean(), sides[1].mean(), (sides[0] == sides[1]).mean()):
        assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(n)


def test_a_long_cell_full_of_turns_is_read_in_time():
    # 1 MB that differs at the start: cutting must not take quadratic time
    tail = "\n\nHuman: x\n\nAssistant: y" * 40_000
    start = time.perf_counter()
    frame = read([{"chosen": "\n\nHuman: a" + tail, "rejected": "\n\nHuman: b" + tail}])
    assert time.perf_counter() - start < 2
    assert frame["prompt"].isna().all()


@pytest.mark.skipif(not HH.exists(), reason="needs the HH-RLHF test files in ../shared/data")
@pytest.mark.parametrize(
    "name", ["harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled"]
)
def test_hh_rlhf_equals_an_independent_reading(name):
    with gzip.open(HH / f"{name}.test.jsonl.gz", "rt", encoding="utf-8") as lines:
        frame = read([json.loads(line) for line in lines])
    oracle = pd.read_parquet(SHARED / "normalised" / "pairs.parquet")
    oracle = oracle[(oracle["dataset"] == "hh_rlhf_test") & (oracle["subset"] == name)]
    mine = {
        (prompt, *sorted((a, b)))
        for prompt, a, b in zip(
            frame["prompt"], frame["response_a"], frame["response_b"], strict=True
        )
    }
    theirs = {
        (prompt, *sorted((a, b)))
        for prompt, a, b in zip(
            oracle["prompt"], oracle["response_a"], oracle["response_b"], strict=True
        )
    }
    assert len(frame) == len(oracle)
    assert len(mine ^ theirs) == 0
    assert abs(frame["preference"].mean() - 0.5) < 5 * 0.5 / np.sqrt(len(frame))


@pytest.mark.skipif(not HH.exists(), reason="needs the HH-RLHF test files in ../shared/data")
def test_hh_rlhf_counts():
    reports = [load(path).load_report for path in sorted(HH.glob("*.jsonl.gz"))]
    assert sum(report.rows_read for report in reports) == 8552
    # 36 pairs of equal responses and 11 with an empty one are judgements too
    assert sum(report.rows_kept for report in reports) == 8552
    assert [report.left_out for report in reports] == [{}] * len(reports)


@pytest.mark.parametrize(
    "prompt", ["Hi", [user("Hi")], [{"role": "system", "content": "Be brief."}, user("Hi")]]
)
@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_a_lone_answer_stays_under_the_prompt_that_the_file_has(prompt, repeats, turned):
    whole, alone = [bot("A"), user("B"), bot("C")], [bot("D")]
    sides = ([user("Hi"), *whole] if repeats else whole, alone)
    chosen, rejected = sides[::-1] if turned else sides
    row = next(read([{"prompt": prompt, "chosen": chosen, "rejected": rejected}]).itertuples())
    given = [user("Hi")] if prompt == "Hi" else prompt
    assert json.loads(row.prompt_messages) == given
    said = {row.response_a: row.response_a_messages, row.response_b: row.response_b_messages}
    assert json.loads(said.pop(chosen_of(row))) == (alone if turned else whole)
    assert [json.loads(one) for one in said.values()] == [whole if turned else alone]


def test_a_lone_answer_beside_a_whole_conversation_answers_its_last_turn():
    whole = [user("Hi"), bot("A"), user("B"), bot("C")]
    system = {"role": "system", "content": "Be brief."}
    for more in ({}, {"system": "Be brief."}, {"prompt": [system]}):
        row = next(read([{"chosen": whole, "rejected": "D", **more}]).itertuples())
        assert json.loads(row.prompt_messages) == [*([system] if more else []), *whole[:3]]
        assert {row.response_a, row.response_b} == {"C", "D"}


def test_a_row_that_is_called_a_tie_is_one():
    rows = [{"status": "Tie"}, {"status": "unchanged"}, {"label": "tie"}, {"is_tie": True}]
    sides = {"chosen": "x", "rejected": "y", "margin": 2.0}
    none = {"status": None, "label": None, "is_tie": None}
    frame = read([{**sides, **none, **row} for row in rows])
    assert frame["preference"].eq(0.5).tolist() == [True, False, True, True]
    assert frame["reason"].eq("tie").fillna(False).tolist() == [True, False, True, True]
    assert frame["strength"].notna().tolist() == [False, True, False, False]
