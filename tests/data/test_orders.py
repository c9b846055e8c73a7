"""Both orders as rows with the sides exchanged: a judge of the first place is seen."""

from __future__ import annotations

import pandas as pd
import pytest

import workbench as wb


def exchanged(verdict: str, **columns: str) -> pd.DataFrame:
    rows = []
    for k in range(30):
        a, b = f"An answer {k}.", f"Another answer {k}."
        for first, second in ((a, b), (b, a)):
            rows.append({"prompt": f"q{k}", "response_a": first, "response_b": second,
                         "winner": verdict, **columns})  # fmt: skip
    return pd.DataFrame(rows)


def test_a_judge_that_takes_the_first_is_found() -> None:
    data = wb.load(exchanged("a", judge="judge-x"), kind="llm")
    assert (len(data.pairs), len(data.labels)) == (30, 60)
    assert data.labels["order_shown"].value_counts().to_dict() == {"ab": 30, "ba": 30}
    # in terms of one A, the verdicts of the two orders contradict each other
    assert data.labels.groupby("pair_id")["preference"].sum().tolist() == [1.0] * 30
    seen = wb.observe(data, reference="").to_frame().set_index("term")
    effect = seen.filter(like="slot", axis=0).iloc[0]
    assert effect["estimate"] == pytest.approx(1.0)


def test_nobody_is_said_to_have_seen_both_orders_who_is_not_named() -> None:
    labels = wb.load(exchanged("a")).labels
    assert set(labels["annotator"]) == {"unnamed"}
    assert labels["order_shown"].isna().all()


def test_the_columns_are_the_order_shown_where_the_user_says_so() -> None:
    labels = wb.load(exchanged("a"), order="shown").labels
    assert labels["order_shown"].value_counts().to_dict() == {"ab": 30, "ba": 30}
