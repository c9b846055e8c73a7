"""Rated responses become pairs by the recorded rule, within what was rated together."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

import workbench as wb
from tests.data.formats.rated.layouts import ASPECTS, RECORDS, completion, steered
from tests.data.formats.rated.told import judged, kept, preferred, problems, recognised
from workbench.data.formats.rated.long_tables import rounds

# means: m1 4, m2 2, m3 4; m4 5 over three aspects, the fourth is N/A; overall scores say
# the opposite
ULTRAFEEDBACK = [
    {
        "source": "flan",
        "instruction": "Say hello.",
        "completions": [
            completion("m1", "5", "4", "4", "3", overall=1.0),
            completion("m2", "2", "2", "2", "2", overall=9.0),
            completion("m3", "4", "4", "4", "4", overall=5.0),
            completion("m4", "5", "N/A", "5", "5", overall=8.0),
        ],
    }
]


def _of(frame: pd.DataFrame, criterion: str) -> list[tuple]:
    return preferred(frame[frame["criterion"] == criterion])


def test_ultrafeedback_goes_by_the_mean_of_the_known_aspects():
    frame = judged(ULTRAFEEDBACK)
    r1, r2, r3, r4 = (f"reply of m{k}" for k in (1, 2, 3, 4))
    assert _of(frame, "overall") == sorted(
        [(r1, r2), (r3, r2), ("tie", r1, r3), (r4, r1), (r4, r2), (r4, r3)], key=str
    )
    # each aspect is a criterion, where both were rated for it
    assert _of(frame, "truthfulness") == sorted([(r1, r2), (r3, r2), ("tie", r1, r3)], key=str)
    assert len(_of(frame, "honesty")) == 6
    assert problems(frame) == {"no judgement": 1}
    assert "truthfulness: m4" in frame["found"].dropna().iloc[0]
    assert set(kept(frame)["kind"]) == {"llm"}
    assert set(kept(frame)["annotator"]) == {"gpt-4"}
    rule = frame.attrs["settings"]["rule"]
    assert list(rule["columns"]) == list(ASPECTS)
    assert rule["pairs"] == "all"


def test_ratings_of_each_side_are_kept_on_its_side():
    expected = {"m1": 4.0, "m2": 2.0, "m3": 4.0}
    frame = kept(judged(ULTRAFEEDBACK))
    scores = {"m1": 1.0, "m2": 9.0, "m3": 5.0, "m4": 8.0}
    for row in frame.itertuples():
        for side in "ab":
            model = getattr(row, f"model_{side}")
            assert getattr(row, f"overall_score_{side}") == scores[model]
            if model in expected:
                assert getattr(row, f"truthfulness_{side}") == expected[model]


def test_helpsteer2_pairs_two_rows_though_a_prompt_comes_again():
    frame = judged(RECORDS["ratings"])
    assert _of(frame, "helpfulness") == sorted(
        [("Flint.", "Glass."), ("tie", "Tin.", "Wood."), ("Slate.", "Chalk.")], key=str
    )
    assert _of(frame, "correctness") == sorted(
        [("tie", "Flint.", "Glass."), ("Tin.", "Wood."), ("Slate.", "Chalk.")], key=str
    )
    # complexity and verbosity describe, they are no preference
    assert set(frame["criterion"]) == {"helpfulness", "correctness", "coherence"}
    assert {"verbosity_a", "complexity_b"} <= set(frame)
    assert set(frame["annotator"]) == {"ratings"}
    assert frame.attrs["settings"]["rated together"] == "rows 2k-1 and 2k"


def test_helpsteer_of_up_to_four_responses_pairs_neighbours():
    records = [steered("p", f"r{k}", k, 3, 3, 1, 1) for k in range(4)]
    records += [steered("q", f"s{k}", k, 3, 3, 1, 1) for k in range(4)]
    records += [steered("o", "alone", 3, 3, 3, 1, 4)]
    frame = judged(records)
    assert len(_of(frame, "helpfulness")) == 12
    # the prompt with one response cannot make a pair, and is counted
    assert problems(frame) == {"unparseable": 1}
    assert "one rated response" in frame["found"].dropna().iloc[0]


def test_the_mean_of_several_ratings_of_one_response_is_its_rating():
    names = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
    records = [{"prompt": "p", "response": r, **dict.fromkeys(names, given)}
               for r, given in (("x", [4, 4, 1]), ("y", [2, 2]))]  # fmt: skip
    frame = judged(records)
    assert _of(frame, "helpfulness") == [("x", "y")]
    assert frame["strength"].tolist() == [1.0] * 3


def test_the_rule_can_be_chosen_and_is_checked():
    records = [steered("p", f"r{k}", 4 - k, 3, 3, 1, k) for k in range(3)]
    rule = {"columns": ["verbosity"], "pairs": "best-worst"}
    frame = judged(records, "ratings", rule=rule)
    assert preferred(frame) == [("r2", "r0")]
    assert frame.attrs["settings"]["rule"]["pairs"] == "best-worst"
    with pytest.raises(wb.DataError, match="no column 'charm'"):
        judged(records, "ratings", rule={"columns": ["charm"]})
    with pytest.raises(wb.DataError, match="not understood"):
        judged(records, "ratings", rule={"pairs": "some"})
    with pytest.raises(wb.DataError, match="no rating 'charm'"):
        judged(RECORDS["ranked_lists"], rule={"columns": ["charm"]})


def test_best_and_worst_of_equal_ratings_is_one_tie():
    records = [steered("p", f"r{k}", 2, 3, 3, 1, 1) for k in range(3)]
    frame = judged(records, "ratings", rule={"pairs": "best-worst"})
    assert [row[0] for row in _of(frame, "helpfulness")] == ["tie"]


def test_sides_say_nothing_of_the_ratings():
    records = [steered(f"p{i}", f"r{i}-{k}", k, 1, 1, 1, 1) for i in range(400) for k in (1, 4)]
    frame = judged(records)
    won = frame[frame["criterion"] == "helpfulness"]["preference"]
    # 400 fair coins: 3 standard errors are 30
    assert abs(won.sum() - 200) < 30


def _long(*rows: tuple) -> list[dict]:
    names = ("conversation_id", "worker", "prompt", "response", "model", "rating")
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_a_long_table_is_paired_within_conversation_prompt_and_person():
    records = _long(
        ("c1", "ann", "Hi?", "x", "m1", 5), ("c2", "ann", "Hi?", "y", "m1", 1),
        ("c1", "bob", "Hi?", "x", "m1", 2), ("c1", "ann", "Hi?", "z", "m2", 4),
        ("c1", "bob", "Hi?", "z", "m2", 3), ("c2", "ann", "Hi?", "w", "m2", None),
        ("c2", "ann", "Hi?", "v", "m3", 1))  # fmt: skip
    for rows in (records, records[::-1]):
        frame = judged(rows)
        assert preferred(frame, "annotator", "cluster") == sorted(
            [("x", "z", "ann", "c1"), ("z", "x", "bob", "c1"), ("tie", "v", "y", "ann", "c2")],
            key=str)  # fmt: skip
        assert problems(frame) == {"no judgement": 1}
        assert set(kept(frame)["kind"]) == {"unknown"}


def test_a_table_with_only_a_prompt_pairs_neighbours_and_says_so():
    records = [{"prompt": p, "response": r, "rank": k}
               for p, r, k in (("p", "x", 1), ("p", "y", 2), ("q", "z", 1), ("p", "v", 1),
                               ("p", "w", 2))]  # fmt: skip
    frame = judged(records)
    # the prompt comes again: the second two are another ranking
    assert preferred(frame) == [("v", "w"), ("x", "y")]
    assert problems(frame) == {"unparseable": 1}
    assert any("neighbouring rows" in note for note in frame.attrs["notes"])
    rule = {"columns": ["rank"], "lower": True, "group": ["prompt"]}
    together = judged(records, "ratings", rule=rule)
    assert len(preferred(together)) == 6


def test_one_response_a_prompt_is_no_table_of_ratings():
    records = [{"prompt": p, "response": "x", "score": 1} for p in "pqr"]
    assert recognised(list(records[0]), records) is None


def test_a_repeat_begins_another_round():
    codes = pd.Series([0, 0, 0, 0, 1]).to_numpy()
    models, texts = pd.Series(list("mnmkm")), pd.Series(list("xyxzx"))
    assert rounds(codes, models, texts).tolist() == [0, 0, 1, 1, 0]


def test_prometheus_feedback_compares_responses_under_one_rubric():
    records = [
        {"orig_instruction": "Thank me.", "orig_response": r, "orig_score": s,
         "orig_criteria": c, "instruction": "###Task", "output": "[RESULT]"}
        for r, s, c in (("x", "5", "warm?"), ("y", "2", "short?"), ("z", "3", "warm?"),
                        ("w", "4", "short?"))
    ]  # fmt: skip
    frame = judged(records)
    assert preferred(frame, "criterion", "annotator", "kind") == [
        ("w", "y", "short?", "gpt-4", "llm"), ("x", "z", "warm?", "gpt-4", "llm")]  # fmt: skip


def test_real_property_ratings_become_pairs(shared_data):
    # two responses a sitting; 4 of 4,440 rows share the time of their sitting with another
    table = pd.read_parquet(shared_data / "hf_not_gold" / "granular_full.parquet")
    frame = judged(table.to_dict("records"))
    assert frame["criterion"].nunique() == 17
    assert (frame["criterion"] == "overall").sum() == len(table) / 2
    known = pd.read_parquet(shared_data / "normalised" / "labels.parquet")
    known = known[(known["dataset"] == "hf_not_gold") & (known["dimension"] == "overall")]
    ties = (frame[frame["criterion"] == "overall"]["preference"] == 0.5).sum()
    assert ties - (known["label"] == "tie").sum() in (0, 1, 2)


def test_a_response_that_comes_again_starts_the_next_sitting():
    from workbench.data.formats.rated.ratings import FORMAT

    rows = [("x", 5), ("y", 3), ("x", 2), ("y", 4)]
    table = [{"prompt": "p", "response": text, "score": score} for text, score in rows]
    frame = FORMAT.translate(pa.Table.from_pylist(table), 1, {"annotator": "ann"})
    x_wins = (frame["preference"] == 1.0) == (frame["response_a"] == "x")
    assert x_wins.tolist() == [True, False]
    assert frame["annotator"].tolist() == ["ann", "ann"]
    assert any("next sitting" in note for note in frame.attrs["notes"])
