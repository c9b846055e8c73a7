"""Repeats and orders: consistency is per repeat, unnamed votes repeat nothing, soft ones say so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.audit.judges.verdicts.agreement import repetition_stability
from workbench.audit.judges.verdicts.observed import observe
from workbench.data.columns import UNNAMED
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.judges.both_orders import NO_REPEATS, both_orders
from workbench.judges.measures import measures

NAN = float("nan")


def said(
    rows: list[tuple[int, str, float]], annotator: str = "judge", kind: str = "llm"
) -> PreferenceData:
    """Return labels of one annotator from pair, order and P(A), repeats in this order."""
    frame = pd.DataFrame(rows, columns=["pair", "order_shown", "preference"])
    numbers = range(frame["pair"].max() + 1)
    pairs = pd.DataFrame({"prompt": [f"p{k}" for k in numbers], "response_a": "x",
                          "response_b": "y"})  # fmt: skip
    labels = frame.assign(annotator=annotator, kind=kind)
    return PreferenceData.from_tables(pairs, labels)


def measured(data: PreferenceData, name: str = "judge") -> pd.DataFrame:
    return measures(data, name, 0.95).set_index("term")


def observed(data: PreferenceData, name: str = "judge") -> pd.DataFrame:
    return observe(data, [name], style=False).to_frame().set_index("term")


TURNING = [(0, "ab", 1.0), (0, "ab", 0.0), (0, "ba", 0.0), (0, "ba", 1.0)]
STEADY = [(1, "ab", 1.0), (1, "ab", 0.0), (1, "ba", 1.0), (1, "ba", 0.0)]


def test_consistency_is_per_repeat() -> None:
    """One pair says A then B where the other order says B then A: its means agree, it does not."""
    data = said(TURNING + STEADY)
    for table in (measured(data), observed(data)):
        row = table.loc["consistency"]
        assert (row["estimate"], row["n"], row["n_clusters"]) == (0.5, 4, 2)
        assert "majority" not in row["method"]
    # what stood first won once and lost once on the turning pair
    assert measured(data).loc["pull of the first", "estimate"] == 0.0
    assert observed(data).loc["position fairness", "estimate"] == 0.0


def test_a_failed_repeat_takes_its_partner_with_it() -> None:
    rows = [(0, "ab", NAN), (0, "ab", 1.0), (0, "ba", 0.0), (0, "ba", 1.0), (1, "ab", 1.0)]
    for table in (measured(said(rows)), observed(said(rows))):
        assert table.loc["consistency", ["estimate", "n"]].tolist() == [1.0, 1.0]


def test_where_numbers_do_not_pair_it_is_of_the_majority_and_says_so() -> None:
    rows = [(0, "ab", 1.0), (0, "ba", 1.0), (0, "ba", 1.0), (0, "ba", 0.0)]
    rows += [(1, "ab", 1.0), (1, "ba", 0.0)]
    for table in (measured(said(rows)), observed(said(rows))):
        row = table.loc["consistency"]
        assert (row["estimate"], row["n"]) == (0.5, 2)
        assert "majority of repeats on 1 pairs with more of one order" in row["method"]
    pull = measured(said(rows)).loc["pull of the first"]
    assert pull["estimate"] == pytest.approx((1 - 2 / 3 + 1) / 2)
    assert "mean of repeats on 1 pairs" in pull["method"]
    assert "majority of repeats on 1 pairs" in observe(said(rows), ["judge"]).summary()


def test_numbers_of_the_file_only_order_the_repeats() -> None:
    one = both_orders([7] * 4, ["ab", "ab", "ba", "ba"], [0, 1, 0, 1], [1.0, 0.0, 0.0, 0.0])
    other = both_orders([7] * 4, ["ba", "ab", "ba", "ab"], [9, 5, 2, 3], [0.0, 0.0, 0.0, 1.0])
    for found in (one, other):
        assert found.side_ab.tolist() == [1.0, -1.0]
        assert found.side_ba.tolist() == [-1.0, -1.0]
    assert not len(both_orders([1, 2], ["ab", "ba"], [0, 0], [1.0, 1.0]).pair)
    assert not len(both_orders([], [], [], []).pair)


def test_unnamed_votes_repeat_nothing() -> None:
    data = said(TURNING, UNNAMED, "human")
    table = measured(data, UNNAMED)
    for term in ("consistency", "pull of the first"):
        assert np.isnan(table.loc[term, "estimate"])
        assert table.loc[term, "reason"] == NO_REPEATS
    assert table.loc["first share", "n"] == 4
    seen = observe(data, [UNNAMED], "nobody", style=False).to_frame().set_index("term")
    assert seen.loc[["consistency", "position fairness"], "reason"].tolist() == [NO_REPEATS] * 2
    assert seen.loc["slot effect", "estimate"] == 0.0
    with pytest.raises(DesignError, match="undefined"):
        repetition_stability(data, UNNAMED)


def test_soft_verdicts_are_not_rounded_in_silence() -> None:
    soft = said([(0, "ab", 0.8), (0, "ba", 0.6), (1, "ab", 0.8), (1, "ba", 0.3)])
    hard = said([(0, "ab", 1.0), (0, "ba", 1.0), (1, "ab", 1.0), (1, "ba", 0.0)])
    words = "soft verdicts count by the side they lean to"
    for table in (measured(soft), observed(soft)):
        assert table.loc["consistency", "estimate"] == 0.5
        assert words in table.loc["consistency", "method"]
    for table in (measured(hard), observed(hard)):
        assert words not in " ".join(table["method"])
    assert words in observe(soft, ["judge"], style=False).summary()
    # the pull keeps the size of soft verdicts
    pull = measured(soft).loc["pull of the first"]
    assert pull["estimate"] == pytest.approx((0.2 + 0.5) / 2)
    assert words not in pull["method"]


def test_agreement_says_where_means_and_soft_votes_are_counted_by_side() -> None:
    rows = [(k, order, p) for k in range(3) for order, p in (("ab", 1.0), ("ba", 1.0))]
    judge = said([*rows, (0, "ab", 0.0)])
    people = judge.labels.drop_duplicates("pair_id").assign(
        annotator="ann", kind="human", order_shown=None
    )
    for votes, words in ((1.0, "several verdicts on a pair"), (0.9, "soft verdicts")):
        own = people.assign(preference=votes, replicate=0)
        both = PreferenceData(judge.pairs, pd.concat([judge.labels, own], ignore_index=True),
                              judge.factors, judge.factor_values)  # fmt: skip
        row = measured(both).loc["agreement with people"]
        assert row["estimate"] == 1.0
        assert words in row["method"]
    lacking = measured(judge).loc["agreement with people"]
    assert lacking["reason"] == "the data hold no labels of people"
