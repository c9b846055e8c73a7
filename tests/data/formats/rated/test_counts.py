"""Count tables: a row stands for as many votes as it counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.data.formats.rated.layouts import RECORDS
from tests.data.formats.rated.told import judged, kept, problems, recognised
from workbench.data.formats.rated.counts import shares
from workbench.errors import DataError


def test_a_row_is_a_share_with_the_weight_of_its_votes():
    frame = judged(RECORDS["counts"])
    good = kept(frame)
    assert good["preference"].tolist() == [0.7, 0.5]
    assert good["weight"].tolist() == [5, 20]
    assert good["n_votes"].tolist() == [5, 20]
    assert good["n_ties"].tolist() == [1, 0]
    # ten votes for each are ten wins each
    assert "reason" not in good or good["reason"].isna().all()
    # nobody compared the last two
    assert problems(frame) == {"no judgement": 1}
    assert "annotator" not in frame
    assert set(frame["kind"]) == {"unknown"}


@pytest.mark.parametrize(
    "names",
    [
        ("player1", "player2", "win1", "win2"),
        ("model_a", "model_b", "votes_a", "votes_b"),
        ("Model_A", "Model_B", "Wins_A", "Wins_B"),
        ("home.team", "away.team", "home.wins", "away.wins"),
        ("system_1", "system_2", "count_1", "count_2"),
    ],
)
def test_names_of_count_tables(names):
    frame = judged([dict(zip(names, ("x", "y", 3, 1), strict=True))])
    assert frame[["model_a", "model_b", "preference", "weight"]].values.tolist() == [
        ["x", "y", 0.75, 4.0]
    ]


def test_responses_criteria_and_people_of_a_count_table():
    records = [
        {"prompt": "A tea?", "response_a": "Green.", "response_b": "Black.", "votes_a": "2",
         "votes_b": "1", "votes_tie": "", "criterion": name, "judge": "panel"}
        for name in ("taste", "price")
    ]  # fmt: skip
    frame = judged(records)
    assert frame["criterion"].tolist() == ["taste", "price"]
    assert set(frame["annotator"]) == {"panel"}
    assert frame["response_b"].tolist() == ["Black."] * 2
    np.testing.assert_allclose(frame["preference"], 2 / 3)


@pytest.mark.parametrize("stem", ["n", "count", "win", "counts"])
def test_bare_numbers_beside_a_verdict_are_no_votes(stem):
    table = pd.DataFrame(
        {"prompt": ["A tea?", "A nut?"], "response_a": ["Green.", "Hazel."],
         "response_b": ["Black.", "Pecan."], f"{stem}_a": [120, 80], f"{stem}_b": [90, 140],
         "winner": ["a", "b"]}
    )  # fmt: skip
    data = wb.load(table)
    assert data.load_report.format == "tabular"
    assert data.labels["preference"].tolist() == [1.0, 0.0]
    assert data.pairs[f"{stem}_a"].tolist() == [120, 80]
    assert wb.load(table.drop(columns="winner")).labels["weight"].tolist() == [210, 220]


def test_counts_that_are_none_are_said():
    frame = judged([{**RECORDS["counts"][0], "wins_a": -1}, RECORDS["counts"][1]])
    assert problems(frame) == {"unknown label": 1}
    assert "-1" in frame["found"].iloc[0]
    with pytest.raises(DataError, match="no table of counts"):
        judged([{"x": 1}], "counts")


def test_a_column_of_words_is_no_count():
    record = {"model_a": "x", "model_b": "y", "votes_a": "yes", "votes_b": "no"}
    assert recognised(list(record), [record]) != "counts"


def test_shares_agree_with_the_votes_one_by_one():
    rng = np.random.default_rng(1)
    a, b, ties = rng.integers(0, 5, (3, 50)).astype(float)
    frame = shares(a, b, ties)
    for i in range(50):
        votes = [1.0] * int(a[i]) + [0.0] * int(b[i]) + [0.5] * int(ties[i])
        if votes:
            assert frame["preference"][i] == pytest.approx(np.mean(votes))
            assert frame["weight"][i] == len(votes)
        else:
            assert frame["problem"][i] == "no judgement"


@pytest.mark.parametrize(
    ("file", "votes", "nobody"),
    # votes and pairs without any, as the set's own notes count them
    [("adparaphrase_v1.csv", 7_250, 513), ("adparaphrase_v2_main.csv", 164_600, 5_877),
     ("adparaphrase_v2_pt.csv", 87_210, 0)],
)  # fmt: skip
def test_real_counts_of_ten_judges(shared_data, file, votes, nobody):
    records = pd.read_csv(shared_data / "adparaphrase" / file).to_dict("records")
    frame = judged(records)
    assert frame["n_votes"].sum() == votes
    assert problems(frame) == ({"no judgement": nobody} if nobody else {})
    assert set(frame["kind"]) == {"human"}
