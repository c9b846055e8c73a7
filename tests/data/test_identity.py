"""Pairs and judgements keep who they are: sides, filters, joins, numbers, versions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from tests.data.saved.before import saved_before


def test_tables_with_a_pair_twice_keep_their_verdicts() -> None:
    bare = pd.DataFrame({"item": [1, 1, 2], "model_a": "m", "model_b": "n"})
    labels = pd.DataFrame({"pair": [0, 1, 2], "annotator": "x", "preference": 1.0})
    data = wb.PreferenceData.from_tables(bare, labels)
    assert (len(data.pairs), data.labels["preference"].tolist()) == (2, [1.0, 1.0, 1.0])
    same = pd.DataFrame(
        {"response_a": ["x", "x"], "response_b": ["x", "x"],
         "model_a": ["m", "n"], "model_b": ["n", "m"]}
    )  # fmt: skip
    data = wb.PreferenceData.from_tables(same, labels.head(2))
    # each model won once
    assert sorted(data.labels["preference"]) == [0.0, 1.0]


def test_a_part_has_the_digest_of_the_same_made_anew(tmp_path: Path) -> None:
    ids = ["0123456789abcdef0123456789abcdef", "ffffffffffffffffffffffffffffffff", "gpt-4"]
    pairs = pd.DataFrame({"prompt": list("pqr"), "response_a": "x", "response_b": "y",
                          "note": [ids[0], ids[1], None]})  # fmt: skip
    labels = pd.DataFrame({"pair": [0, 1, 2], "annotator": ids, "preference": 1.0,
                           "kind": ["human", "human", "llm"]})  # fmt: skip
    whole = wb.PreferenceData.from_tables(pairs, labels)
    lazy = whole.filter(kinds=["human"]).digest
    assert whole.digest != lazy
    part = whole.filter(kinds=["human"])
    assert part.digest == lazy
    assert wb.open_folder(wb.save(part, tmp_path / "part")).digest == lazy


def test_votes_on_one_prompt_are_no_clusters_of_their_own() -> None:
    shares = pd.DataFrame(
        [(f"q{k}", f"x{k}", f"y{k}", "m", "n", 3 + k % 5, 2 + k % 3) for k in range(40)],
        columns=["prompt", "response_a", "response_b", "model_a", "model_b", "votes_a", "votes_b"],
    )
    rows = [
        {**row[1].drop(["votes_a", "votes_b"]).to_dict(), "winner": winner}
        for row in shares.iterrows()
        for winner, n in (("a", row[1]["votes_a"]), ("b", row[1]["votes_b"]))
        for _ in range(n)
    ]
    one, other = (wb.rate(wb.load(t)).to_frame() for t in (shares, pd.DataFrame(rows)))
    columns = ["term", "estimate", "std_error", "n"]
    pd.testing.assert_frame_equal(one[columns], other[columns])


def test_fractional_counts_are_not_rounded() -> None:
    table = pd.DataFrame({"model_a": ["m"], "model_b": ["n"], "wins_a": [2.5], "wins_b": [1.0]})
    found = wb.rate(wb.load(table)).to_frame().set_index("term")["estimate"]
    # ln 2.5, by hand
    assert found["m"] - found["n"] == pytest.approx(0.916290731874155)


def test_a_judge_answers_what_the_people_were_asked() -> None:
    rows = pd.DataFrame({"prompt": list("pqrs"), "response_a": "x", "response_b": "y",
                         "safe": list("abab"), "who": "ann"})  # fmt: skip
    data = wb.load(rows, criteria={"safe": "safe"}, mapping={"annotator": "who"}, kind="human")
    more = wb.add_judge(data, list("abba"), name="judge", in_order=True)
    assert more.criteria == ["safe"]
    judged = wb.judge(data, wb.RuleJudge("longer"))
    assert judged.data.criteria == ["safe"]
    labels = pd.concat([data.labels.assign(criterion="overall"), data.labels.assign(annotator="b")])
    apart = wb.PreferenceData.from_tables(data.pairs, labels)
    with pytest.raises(wb.DataError, match="other questions only"):
        apart.decided()


def test_a_files_own_numbers_of_repeats_are_kept_when_sets_are_joined() -> None:
    rows = pd.DataFrame({"prompt": "p", "response_a": "x", "response_b": "y", "judge": "j",
                         "order_shown": ["ab", "ab", "ba", "ba"], "replicate": [0, 1, 1, 0],
                         "winner": list("abba")})  # fmt: skip
    data = wb.load(rows)
    other = wb.load(rows.assign(prompt="q"))
    joined = wb.concat([data, other]).filter(pair_ids=data.pairs["pair_id"])
    assert joined.labels["replicate"].tolist() == data.labels["replicate"].tolist() == [0, 1, 1, 0]
    again = wb.concat([data, data]).labels
    assert again["replicate"].tolist() == [0, 1, 1, 0, 2, 3, 3, 2]


def test_unnamed_people_and_models_are_two_annotators() -> None:
    rows = pd.DataFrame({"prompt": list("pq"), "response_a": "x", "response_b": "y",
                         "winner": list("ab")})  # fmt: skip
    both = wb.concat([wb.load(rows, kind="human"), wb.load(rows, kind="llm")])
    found = both.annotators.set_index("annotator")["kind"].to_dict()
    assert found == {"unnamed human": "human", "unnamed llm": "llm"}


def test_a_set_of_the_first_version_opens(tmp_path: Path) -> None:
    folder = saved_before(wb.load("sample"), tmp_path / "old", 1)
    assert wb.open_folder(folder).criteria == ["overall"]
    labels = pd.read_parquet(folder / "labels.parquet")
    labels.head(3).to_parquet(folder / "labels.parquet")
    with pytest.raises(wb.DataError, match="do not match"):
        wb.open_folder(folder)
