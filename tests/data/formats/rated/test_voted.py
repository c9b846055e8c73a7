"""Votes of several people on one pair: each arrives, and none is made of their consensus."""

from __future__ import annotations

import numpy as np

from tests.data.formats.rated.layouts import RECORDS, person
from tests.data.formats.rated.told import judged, kept, preferred, problems


def test_each_vote_of_helpsteer2_is_a_judgement_and_negative_is_the_first_response():
    frame = judged(RECORDS["helpsteer2_preference"])
    assert preferred(frame, "reason") == sorted(
        [("Oak.", "Elm.", np.nan), ("Elm.", "Oak.", np.nan), ("tie", "Box.", "Yew.", "both_bad"),
         ("Yew.", "Box.", np.nan)], key=str)  # fmt: skip
    assert frame["row"].tolist() == [1, 1, 2, 2]
    assert frame["strength"].tolist()[:2] == [2, 1]
    assert np.isnan(frame["strength"].iloc[2])
    # nobody is named: two votes are two people, not one twice
    assert frame["annotator"].isna().all()
    assert set(frame["kind"]) == {"human"}
    assert frame["raw"].tolist()[0] == "it's taller"


def test_the_consensus_is_kept_beside_the_votes_for_the_side_that_it_favours():
    frame = judged(RECORDS["helpsteer2_preference"])
    first = frame.iloc[0]
    assert (first["consensus_a"], first["consensus_b"]) == (2, -2)
    record = {**RECORDS["helpsteer2_preference"][0], "all_preferences_unprocessed": None}
    alone = judged([record])
    assert preferred(alone, "annotator") == [("Oak.", "Elm.", "consensus")]


def test_helpsteer3_reads_the_conversation_and_an_empty_response():
    frame = judged(RECORDS["helpsteer3_preference"])
    assert preferred(frame) == sorted(
        [("3.14", "3"), ("tie", "3", "3.14"), ("sorted(x)", "")], key=str
    )
    assert frame["prompt"].iloc[0] == "Pi?"
    assert frame["prompt"].iloc[2].endswith("A list.")
    assert '"content":"What?"' in frame["prompt_messages"].iloc[2]
    assert frame["scenario"].tolist() == ["stem", "stem", "code"]


def test_multipref_is_a_judgement_for_each_person_and_aspect():
    frame = judged(RECORDS["multipref"])
    # two comparisons of the same texts by three people: they stay apart
    assert frame["item"].nunique() == 2
    assert set(frame["cluster"]) == {"p1"}
    one = frame[frame["item"] == "c1"]
    assert preferred(one, "annotator", "criterion", "strength") == sorted(
        [("Glue it.", "Buy one.", "ann", "overall", 2.0),
         ("tie", "Buy one.", "Glue it.", "ann", "helpful", 0.0),
         ("Buy one.", "Glue it.", "bob", "overall", 1.0),
         ("tie", "Buy one.", "Glue it.", "eve", "overall", 0.0),
         ("Glue it.", "Buy one.", "eve", "helpful", 1.0)], key=str)  # fmt: skip
    # an aspect that bob left open is no verdict
    assert problems(frame) == {"no judgement": 2}
    groups = dict(zip(one["annotator"], one["evaluator_group"], strict=True))
    assert groups == {"ann": "normal", "bob": "normal", "eve": "expert"}


def test_an_unknown_word_of_multipref_is_counted_and_nobody_asked_is_said():
    record = RECORDS["multipref"][0]
    odd = {**record, "normal_worker_annotations": [person("ann", "A maybe", "Tie")],
           "expert_worker_annotations": []}  # fmt: skip
    nobody = {**odd, "normal_worker_annotations": []}
    frame = judged([odd, nobody])
    assert problems(frame) == {"unknown label": 1, "no judgement": 1}
    assert len(kept(frame)) == 1
