"""Whom a sentence names: people only where the labels are of people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.audit.judges.verdicts.test_board import labelled
from workbench.audit.judges.verdicts.board import CEILING, judge_board
from workbench.audit.judges.verdicts.corrected import correct_rates
from workbench.audit.judges.verdicts.relations import family_preference
from workbench.data.columns import NOUNS, UNNAMED
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError

ASKED = {
    "human": "people",
    "llm": "LLM judges",
    "reward_model": "reward models",
    "rule": "rules",
    "objective": "gold labels",
    "unknown": "annotators",
}


def of_kind(kind: str) -> PreferenceData:
    """Return data whose reference, ``ann0`` to ``ann2``, is of a kind."""
    data = labelled(200, 0, {"good": 0.9, "fair": 0.7})
    own = data.labels["annotator"].str.startswith("ann")
    names = data.labels["kind"].mask(own, kind).where(own, "judge")
    return replace(data, labels=data.labels.assign(kind=names))


def texts_of(result: Any) -> str:
    figures = " ".join(str(one.to_plotly_json()) for one in result.figures().values())
    cells = " ".join(str(table.to_dict("records")) for table in result.tables().values())
    return " ".join([result.heading, result.about, result.summary(), figures, cells])


@pytest.mark.parametrize(("kind", "noun"), ASKED.items())
def test_every_sentence_takes_its_noun_from_the_kind(kind: str, noun: str) -> None:
    data = of_kind(kind)
    assert data.noun(kind) == data.noun("ann0") == noun
    board = judge_board(data, reference=kind, replicates=20)
    assert f"{noun}, one against the others" in board.to_frame()["term"].tolist()
    assert f"against the mode of {noun}," in board.summary()
    assert board.plot().layout.xaxis.title.text == f"agreement with {noun}"
    rates = correct_rates(data, "good", kind)
    assert f", {noun} " in rates.summary()
    assert f"{noun} alone" in texts_of(rates)
    family = family_preference(data, "good", ["m"], kind)
    ending = "'" if noun.endswith("s") else "'s"
    assert family.to_frame()["term"].tolist()[1:3] == [
        f"the {noun}{ending} on the same pairs",
        f"excess over the {noun}",
    ]
    if kind != "human":
        said = " ".join(map(texts_of, (board, board.observed, family)))
        # the names of columns stay
        said += texts_of(rates).replace("people_", "").replace("n_people", "")
        said = said.replace("'people'", "")
        assert "people" not in said
        assert "person" not in said


def test_several_kinds_are_annotators_and_nobody_is_refused_by_name() -> None:
    data = wb.load("sample")
    assert data.noun("human") == "people"
    mixed = replace(data, labels=data.labels.assign(kind=np.where(
        np.arange(len(data.labels)) % 2, "human", "llm")))  # fmt: skip
    named = mixed.annotators.iloc[0]
    assert mixed.noun(named["annotator"]) == NOUNS[named["kind"]]
    assert mixed.noun("nobody") == "annotators"
    with pytest.raises(DesignError, match="no people to agree with"):
        judge_board(data.filter(kinds=["llm"]), replicates=20)
    with pytest.raises(DesignError, match="no labels of x to agree with"):
        judge_board(data, reference="x", replicates=20)
    one = named["annotator"]
    with pytest.raises(DesignError, match=f"{one} is the reference itself, or a part of it"):
        judge_board(mixed, [one], str(named["kind"]), replicates=20)
    assert CEILING == "people, one against the others"


def unread(data: PreferenceData, name: str, n: int) -> PreferenceData:
    labels = data.labels.copy()
    rows = np.flatnonzero(labels["annotator"] == name)[:n]
    labels.loc[rows, ["preference", "reason"]] = [np.nan, "failed"]
    return replace(data, labels=labels)


def test_unread_verdicts_count_in_the_denominator_and_both_rates_stand() -> None:
    data = labelled(400, 0, {"good": 0.9, "fair": 0.8})
    whole = judge_board(data, replicates=20).to_frame().set_index("term")
    assert whole["n_unread"].dropna().eq(0).all()
    assert whole.loc["good", "agreement_read"] == whole.loc["good", "estimate"]
    lost = unread(data, "good", 100)
    board = judge_board(lost, replicates=20)
    row = board.to_frame().set_index("term").loc["good"]
    readable = lost.labels["annotator"].eq("good") & lost.labels["preference"].notna()
    kept = lost.filter(pair_ids=lost.labels.loc[readable, "pair_id"])
    read = judge_board(kept, replicates=20).to_frame().set_index("term").loc["good"]
    assert row["agreement_read"] == pytest.approx(read["estimate"])
    assert row["agreement_read_low"] == pytest.approx(read["conf_low"])
    assert (row["n"], row["n_read"], row["n_unread"]) == (400, 300, 100)
    assert row["estimate"] == pytest.approx(read["estimate"] * 300 / 400)
    assert row["conf_low"] < row["estimate"] < row["conf_high"] < row["agreement_read_low"]
    # failing costs it the first rank
    assert row["rank"] == 2
    said = board.summary()
    assert f"n = 400; 100 verdicts unread, of those read {row['agreement_read']:.3f}" in said
    assert "unread verdicts agree with nobody" in said
    assert "unread" not in judge_board(data, replicates=20).summary()


def test_half_of_the_repeats_unread_is_half_of_the_agreement() -> None:
    pairs = pd.DataFrame({"prompt": ["p", "q"], "response_a": "x", "response_b": "y"})
    labels = pd.DataFrame(
        {
            "pair": [0, 0, 1, 1, 0, 1],
            "annotator": ["j"] * 4 + ["ann"] * 2,
            "kind": ["llm"] * 4 + ["human"] * 2,
            "preference": [1.0, np.nan, 1.0, 1.0, 1.0, 1.0],
        }
    )
    row = judge_board(PreferenceData.from_tables(pairs, labels), replicates=20).to_frame().iloc[0]
    assert (row["estimate"], row["agreement_read"]) == (0.75, 1.0)
    assert (row["n"], row["n_read"], row["n_unread"]) == (2, 2, 1)


def test_repeats_of_a_model_are_no_others_and_unnamed_votes_no_repeats() -> None:
    data = labelled(60, 0, {"good": 0.9}, people=1)
    again = data.labels.assign(replicate=data.labels["replicate"] + 1)
    twice = replace(data, labels=pd.concat([data.labels, again], ignore_index=True))
    board = judge_board(twice, ["ann0"], "good", replicates=20)
    last = board.to_frame().iloc[-1]
    assert last["term"] == "LLM judges, one against the others"
    assert last["reason"] == "only one annotator: good"
    assert board.to_frame().iloc[0]["variance"] == 0.0
    nameless = twice.labels["annotator"].replace("ann0", UNNAMED)
    unnamed = replace(twice, labels=twice.labels.assign(annotator=nameless))
    row = judge_board(unnamed, [UNNAMED], "good", replicates=20).to_frame().iloc[0]
    assert np.isnan(row["variance"])
    assert "different people" in row["reason"]
    # as the reference they are different people, one against the others
    assert judge_board(unnamed, replicates=20).to_frame().iloc[-1]["estimate"] == 1.0
