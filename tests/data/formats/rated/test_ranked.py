"""Rankings and ratings of several responses become pairs of one judgement."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from tests.data.formats.rated.layouts import RECORDS, compared, message, summary
from tests.data.formats.rated.told import judged, kept, preferred, problems, recognised
from workbench.data.formats.rated.pairing import Items, Rule, paired
from workbench.errors import DataError


def test_rank_1_is_the_best_of_nectar_and_a_ranking_is_all_its_pairs():
    frame = judged(RECORDS["ranked_lists"])
    assert preferred(frame, "annotator", "kind") == sorted(
        (f"{what} {a}", f"{what} {b}", "gpt-4", "llm")
        for what in ("fish", "bird") for a, b in ("yx", "xz", "yz"))  # fmt: skip
    assert frame["row"].tolist() == [1] * 3 + [2] * 3
    assert "strength" not in frame


def test_distilabel_rates_texts_side_by_side_and_none_is_no_rating():
    record = {"instruction": "A song?", "generations": ["Do.", "Re.", "Mi."],
              "generation_models": ["m1", "m2", "m3"], "ratings": [4, None, 2],
              "rationales": ["r", "r", "r"], "model_name": "judge-y"}  # fmt: skip
    frame = judged([record])
    assert preferred(frame, "annotator", "strength") == [("Do.", "Mi.", "judge-y", 2.0)]
    assert problems(frame) == {"no judgement": 1}
    assert "m2" in frame.loc[frame["problem"].notna(), "found"].iloc[0]


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"question": "q", "answers": [{"text": "x", "pm_score": 3, "selected": True},
                                       {"text": "y", "pm_score": 1, "selected": False}]}, "human"),
        ({"prompt": "q", "responses": ["x", "y"], "rewards": [0.5, -2.0]}, "reward_model"),
        ({"prompt": "q", "responses": ["x", "y"], "ranks": [1, 2]}, "unknown"),
        ({"prompt": "q", "candidates": [{"response": "y", "rank": 2, "model": "m"},
                                        {"response": "x", "rank": 1, "model": "n"}]}, "unknown"),
    ],
)  # fmt: skip
def test_other_lists_of_rated_responses(record, kind):
    frame = judged([record])
    assert preferred(frame, "kind") == [("x", "y", kind)]


def test_lists_of_training_files_are_no_ratings():
    record = {"prompt": "q", "completions": ["x", "y"], "labels": [True, False]}
    assert recognised(list(record), [record]) not in ("ranked_lists", "ratings")


def test_the_dialogue_of_a_prompt_is_read_and_a_response_stays_a_text():
    record = dict(RECORDS["ranked_lists"][0])
    said = ("Human: me\n\nAssistant: you", '{"role": "admin", "content": 1}')
    record["answers"] = [
        {"answer": text, "model": "m", "rank": rank} for rank, text in enumerate(said, 1)
    ]
    frame = judged([record])
    assert frame["prompt"].tolist() == ["A fish?"]
    assert preferred(frame) == [said]


def test_oasst_ranks_the_replies_of_one_parent_from_0():
    frame = judged(RECORDS["oasst"])
    # a deleted reply, an unranked one, and ranks of questions make no pair
    assert preferred(frame, "cluster", "annotator") == sorted(
        [("Water.", "Milk.", "t1", "oasst"), ("No.", "Yes.", "t1", "oasst")], key=str)  # fmt: skip
    later = frame[frame["response_a"].isin(["Yes.", "No."])].iloc[0]
    assert later["prompt"] == "user: A drink?\n\nassistant: Water.\n\nuser: Cold?"
    assert problems(frame) == {}


def test_oasst_trees_say_the_same_as_messages():
    rows = {row["message_id"]: dict(row) for row in RECORDS["oasst"]}
    for row in rows.values():
        row["replies"] = [other for other in rows.values() if other["parent_id"] ==
                          row["message_id"]]  # fmt: skip
    tree = {"message_tree_id": "t1", "tree_state": "ready_for_export", "prompt": rows["m0"]}
    frame = judged([tree])
    assert preferred(frame, "cluster", "prompt") == preferred(
        judged(RECORDS["oasst"]), "cluster", "prompt"
    )


def test_oasst_without_ranks_is_refused_with_the_reason():
    with pytest.raises(DataError, match="no reply of an assistant has a rank"):
        judged([message("m0", None, "Hi?", None, "prompter"), message("m1", "m0", "Yes.", None)])


def test_choice_is_the_index_of_the_better_summary_and_a_worker_may_come_again():
    frame = judged([*RECORDS["summarize_comparisons"], compared(None, "w3")])
    assert preferred(frame, "annotator", "strength") == sorted(
        [("Wet shed.", "A shed.", "w1", 8.0), ("A shed.", "Wet shed.", "w2", 3.0),
         ("Wet shed.", "A shed.", "w1", 5.0)], key=str)  # fmt: skip
    assert problems(frame) == {"no judgement": 1}
    assert set(frame["model_a"]) == {"one"}
    assert set(kept(frame)["prompt"]) == {"The shed leaks."}


def test_axes_compare_summaries_of_one_post_by_one_worker():
    frame = judged(RECORDS["summarize_axes"])
    assert preferred(frame, "annotator", "criterion") == sorted(
        [("Beds.", "Rows.", "w1", "overall"), ("Rows.", "Beds.", "w1", "accuracy"),
         ("tie", "Beds.", "Rows.", "w2", "overall"), ("Rows.", "Beds.", "w2", "accuracy")],
        key=str)  # fmt: skip
    # the second post has one summary
    assert problems(frame) == {"unparseable": 1}


def test_a_summary_rated_twice_by_a_worker_is_not_compared_with_itself():
    once = RECORDS["summarize_axes"][:2]
    again = [summary("w1", "p1", "Beds.", "one", 2, 2), summary("w1", "p1", "Rows.", "two", 7, 3)]
    frame = judged([*once, *again])
    overall = frame[frame["criterion"] == "overall"]
    assert preferred(overall) == [("Beds.", "Rows."), ("Rows.", "Beds.")]


def test_pairs_follow_planted_scores_whatever_the_order_of_rows():
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(40), rng.integers(2, 6, 40))
    score = rng.integers(0, 4, len(group)).astype(float)
    texts = [f"text {i}" for i in range(len(group))]
    expected = sorted(
        (g, *(("tie", *sorted((texts[i], texts[j]))) if score[i] == score[j] else
              (texts[i], texts[j]) if score[i] > score[j] else (texts[j], texts[i])))
        for g in range(40) for i, j in combinations(np.flatnonzero(group == g), 2))  # fmt: skip
    for order in (np.arange(len(group)), rng.permutation(len(group))):
        items = Items(
            group[order], order + 1, pd.DataFrame({"prompt": [f"q{g}" for g in group[order]]}),
            pd.DataFrame({"response": np.array(texts)[order]}),
            pd.DataFrame({"score": score[order]}))  # fmt: skip
        frame = paired(items, Rule(("score",)), seed=0).assign(problem=None)
        found = [(int(p[-1][1:]), *p[:-1]) for p in preferred(frame, "prompt")]
        assert sorted(found) == expected
