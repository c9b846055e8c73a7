"""Prodigy's comparisons and choices."""

import pytest

from tests.data.formats.tools.tool_votes import left_out, loaded, verdicts

FILES = ("p.jsonl", "p.json", "p.csv", "p.parquet")


def compared(number, answer, first="accept", **changed):
    other = {"accept": "reject", "reject": "accept"}[first]
    return {
        "id": number,
        "input": {"text": f"Name a gem, {number}."},
        "accept": {"text": f"Opal {number}", "meta": {"model": "new"}},
        "reject": {"text": f"Jade {number}", "meta": {"model": "old"}},
        "mapping": {"A": first, "B": other},
        "answer": answer,
        "_session_id": "set-ann",
        "_annotator_id": "ann",
        "_timestamp": 1700000000,
        **changed,
    }


@pytest.mark.parametrize("name", FILES)
def test_the_answer_says_which_of_the_two_was_picked(tmp_path, name):
    # the names accept and reject are those of the two files that were compared
    data = loaded(tmp_path, [
        compared(1, "accept"), compared(2, "reject"), compared(3, "accept", "reject"),
        compared(4, "ignore"),
    ], name)  # fmt: skip
    assert [row[3:6] for row in verdicts(data)] == [
        ("Jade 1", "Opal 1", 0.0), ("Jade 2", "Opal 2", 1.0), ("Jade 3", "Opal 3", 0.0),
    ]  # fmt: skip
    assert {row[0] for row in verdicts(data)} == {"ann"}
    assert left_out(data) == {"no judgement": 1}
    table = data.labels.merge(data.pairs, on="pair_id")
    shown_first = table["response_a"].where(table["order_shown"] == "ab", table["response_b"])
    assert shown_first.tolist() == ["Opal 1", "Opal 2", "Jade 3"]
    assert set(table["model_a"]) == {"new"}


def test_an_unknown_answer_is_told(tmp_path):
    data = loaded(tmp_path, [compared(1, "accept"), compared(2, "perhaps")])
    assert left_out(data) == {"unknown label": 1}


def chosen(number, accept, answer="accept", **changed):
    return {
        "text": f"Name a gem, {number}.",
        "options": [{"id": "x", "text": "Opal"}, {"id": "y", "text": "Jade"},
                    {"id": "z", "text": "Onyx"}],
        "accept": accept,
        "answer": answer,
        "_task_hash": number,
        "_annotator_id": "ann",
        **changed,
    }  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_one_option_is_preferred_to_each_other(tmp_path, name):
    data = loaded(tmp_path, [chosen(1, ["y"]), chosen(2, ["x"], "ignore")], name)
    assert [row[3:6] for row in verdicts(data)] == [("Jade", "Onyx", 1.0), ("Jade", "Opal", 1.0)]
    assert left_out(data) == {"no judgement": 1}


def test_several_options_are_preferred_to_the_rest(tmp_path):
    data = loaded(tmp_path, [chosen(1, ["x", "z"]), chosen(2, [])])
    assert [row[3:6] for row in verdicts(data)] == [("Jade", "Onyx", 0.0), ("Jade", "Opal", 0.0)]
    assert left_out(data) == {"no judgement": 1}
