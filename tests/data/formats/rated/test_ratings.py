"""Rated responses become pairs by the recorded rule."""

from __future__ import annotations

import pandas as pd
import pytest

import workbench as wb

ASPECTS = ("instruction_following", "truthfulness", "honesty", "helpfulness")


def _completion(model: str, *ratings: str, overall: float = 1.0) -> dict:
    annotations = {name: {"Rating": r} for name, r in zip(ASPECTS, ratings, strict=True)}
    return {"model": model, "response": f"reply of {model}", "annotations": annotations,
            "overall_score": overall}  # fmt: skip


def _ultrafeedback() -> pd.DataFrame:
    # means: m1 4, m2 2, m3 4, m4 unknown (an aspect is N/A); overall scores say the opposite
    return pd.DataFrame(
        {
            "source": ["flan"],
            "instruction": ["Say hello."],
            "completions": [
                [
                    _completion("m1", "5", "4", "4", "3", overall=1.0),
                    _completion("m2", "2", "2", "2", "2", overall=9.0),
                    _completion("m3", "4", "4", "4", "4", overall=5.0),
                    _completion("m4", "5", "N/A", "5", "5", overall=8.0),
                ]
            ],
        }
    )


def _verdicts(data: wb.PreferenceData) -> dict[frozenset, str | None]:
    """The preferred model of each pair of models."""
    table = data.pairs.merge(data.labels, on="pair_id")
    return {
        frozenset((row.model_a, row.model_b)): None
        if row.preference == 0.5
        else (row.model_a if row.preference == 1 else row.model_b)
        for row in table.itertuples()
    }


def test_ultrafeedback_goes_by_the_mean_of_four_aspects():
    data = wb.load(_ultrafeedback())
    assert data.load_report.format == "ratings"
    assert _verdicts(data) == {
        frozenset(("m1", "m2")): "m1",
        frozenset(("m3", "m2")): "m3",
        frozenset(("m1", "m3")): None,
    }
    assert data.annotators["kind"].tolist() == ["llm"]
    assert data.pairs["cluster"].nunique() == 1
    strength = data.labels.set_index("preference")["strength"]
    assert strength[0.5] == 0
    rule = data.load_report.settings["rule"]
    assert list(rule["columns"]) == list(ASPECTS)
    assert rule["pairs"] == "all"


def test_ratings_of_each_side_are_kept_on_its_side():
    data = wb.load(_ultrafeedback())
    for row in data.pairs.itertuples():
        expected = {"m1": 4.0, "m2": 2.0, "m3": 4.0}
        assert row.truthfulness_a == expected[row.model_a]
        assert row.truthfulness_b == expected[row.model_b]


def _helpsteer() -> pd.DataFrame:
    rows = [("p", f"r{i}", score) for i, score in enumerate([4, 2, 2])] + [("q", "alone", 3)]
    table = pd.DataFrame(rows, columns=["prompt", "response", "helpfulness"])
    return table.assign(correctness=3, coherence=3, complexity=1, verbosity=[1, 2, 3, 4])


def test_helpsteer_pairs_the_rows_of_a_prompt():
    data = wb.load(_helpsteer())
    report = data.load_report
    assert len(data.pairs) == 3
    assert (data.labels["preference"] == 0.5).sum() == 1
    # the prompt with one response cannot make a pair, and is counted
    assert report.left_out["unparseable"].count == 1
    assert "1 rated responses" in report.left_out["unparseable"].examples[0]["found"]
    won = data.pairs.merge(data.labels, on="pair_id")
    for row in won[won["preference"] != 0.5].itertuples():
        assert (row.response_a == "r0") == (row.preference == 1)


def test_the_rule_can_be_chosen_and_is_checked():
    data = wb.load(_helpsteer(), "ratings", rule={"columns": ["verbosity"], "pairs": "best-worst"})
    won = data.pairs.merge(data.labels, on="pair_id").iloc[0]
    assert (won["response_a"] if won["preference"] == 1 else won["response_b"]) == "r2"
    assert data.load_report.settings["rule"]["pairs"] == "best-worst"
    with pytest.raises(wb.DataError, match="no column 'charm'"):
        wb.load(_helpsteer(), "ratings", rule={"columns": ["charm"]})
    with pytest.raises(wb.DataError, match="not understood"):
        wb.load(_helpsteer(), "ratings", rule={"pairs": "some"})


def test_sides_say_nothing_of_the_ratings():
    rows = [(f"p{i}", f"r{i}-{k}", k) for i in range(400) for k in (1, 4)]
    table = pd.DataFrame(rows, columns=["prompt", "response", "helpfulness"])
    data = wb.load(table.assign(correctness=1, coherence=1, complexity=1, verbosity=1))
    # 400 fair coins: 3 standard errors are 30
    assert abs(data.labels["preference"].sum() - 200) < 30


def test_real_property_ratings_become_pairs(shared_data):
    # people rated two responses of a prompt in one sitting; the score decides
    table = pd.read_parquet(shared_data / "hf_not_gold" / "unbiased_full.parquet")
    data = wb.load(table, "ratings", rule={"columns": ["score"], "prompt": "prompt"})
    report = data.load_report
    assert report.rows_read == report.rows_kept + sum(e.count for e in report.left_out.values())
    assert data.pairs["cluster"].nunique() > 100
