"""Three and more responses: choices, ties, rankings and ranks."""

from __future__ import annotations

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DataError

TABLE = pd.DataFrame(
    {
        "prompt": ["Name a fruit.", "Name a tree.", "Name a bird."],
        "response_a": ["Apple", "Oak", "Owl"],
        "response_b": ["A pear", "An elm", "A wren"],
        "response_c": ["Some plums", "The ash", "The crow"],
        "model_a": "m1", "model_b": "m2", "model_c": "m3",
        "winner": ["a", "c", "b"],
    }
)  # fmt: skip
BEATS = {
    ("Apple", "A pear"), ("Apple", "Some plums"), ("The ash", "Oak"), ("The ash", "An elm"),
    ("A wren", "Owl"), ("A wren", "The crow"),
}  # fmt: skip


def beats(data: wb.PreferenceData) -> set[tuple[str, str]]:
    """Return which text beat which."""
    table = data.labels.merge(data.pairs, on="pair_id")
    table = table[table["preference"].isin([0.0, 1.0])]
    return {
        (row["response_a"], row["response_b"])[:: 1 if row["preference"] else -1]
        for row in table.to_dict("records")
    }


@pytest.mark.parametrize(
    "winner",
    [["a", "c", "b"], ["A", "[[C]]", "Response B"], ["response_1", "response_3", "response_2"],
     ["m1", "m3", "m2"], ["Apple", "The ash", "A wren"], ["first", "third", "second"]],
)  # fmt: skip
def test_a_choice_of_three_is_two_pairs(winner):
    data = wb.load(TABLE.assign(winner=winner))
    assert beats(data) == BEATS
    assert len(data.labels) == 6
    assert data.pairs["cluster"].nunique() == 3
    models = set(zip(data.pairs["model_a"], data.pairs["model_b"], strict=True))
    assert models == {("m1", "m2"), ("m1", "m3"), ("m2", "m3")}


def test_a_tie_is_one_between_all_and_a_failure_stands_once():
    data = wb.load(TABLE.assign(winner=["tie", "a", "error"], judge="j"))
    labels = data.labels
    assert (labels["preference"] == 0.5).sum() == 3
    assert labels["preference"].isna().sum() == 1
    assert len(labels) == 3 + 2 + 1
    report = wb.load(TABLE.assign(winner=["a", "b", "huh"])).load_report
    assert (report.rows_kept, report.left_out["unknown label"].count) == (4, 1)


def test_an_index_is_asked_for():
    with pytest.raises(DataError) as caught:
        wb.load(TABLE.assign(winner=[0, 2, 1]))
    assert "--verdict 0=a --verdict 1=b --verdict 2=c" in caught.value.fix
    assert (
        beats(wb.load(TABLE.assign(winner=[0, 2, 1]), verdicts={"0": "a", "1": "b", "2": "c"}))
        == BEATS
    )


def test_rankings_as_text_and_as_columns():
    table = TABLE.assign(winner=["A>B=C", "C > A > B", "B>C>A"])
    data = wb.load(table)
    assert len(data.labels) == 9
    assert (data.labels["preference"] == 0.5).sum() == 1
    ranks = pd.DataFrame({"rank_a": [1, 2, 3], "rank_b": [2, 3, 1], "rank_c": [2, 1, 2]})
    columns = wb.load(pd.concat([TABLE.drop(columns="winner"), ranks], axis=1))
    assert beats(columns) == beats(data)
    assert columns.labels["preference"].tolist() == data.labels["preference"].tolist()
    assert columns.load_report.settings["ranks"].startswith("the lower rank")


def test_choices_without_a_prompt_are_drawn_by_row():
    data = wb.load(TABLE.drop(columns="prompt"))
    assert data.pairs["cluster"].nunique() == 3


def test_two_of_three_can_be_mapped():
    mapping = {"response_a": "response_a", "response_b": "response_c"}
    data = wb.load(TABLE.assign(winner=["a", "b", "b"]), mapping={**mapping, "label": "winner"})
    assert beats(data) == {("Apple", "Some plums"), ("The ash", "Oak"), ("The crow", "Owl")}


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_a_response_that_is_missing_was_not_compared(nothing):
    table = TABLE.assign(response_c=[nothing, "The ash", nothing])
    lost = {pair for pair in BEATS if not {"Some plums", "The crow"} & {*pair}}
    data = wb.load(table)
    assert beats(data) == lost
    assert not data.load_report.left_out
    # who is chosen but missing is said, once
    report = wb.load(table.assign(winner=["a", "b", "c"])).load_report
    assert report.left_out["unparseable"].count == 1
    assert len(wb.load(table.assign(winner=["tie", "a", "b"])).labels) == 1 + 2 + 1
    ranks = pd.DataFrame({"rank_a": [1, 2, 3], "rank_b": [2, 3, 1], "rank_c": [None, 1, None]})
    ranked = wb.load(pd.concat([table.drop(columns="winner"), ranks], axis=1))
    assert len(ranked.labels) == 1 + 3 + 1
    assert not ranked.load_report.left_out
