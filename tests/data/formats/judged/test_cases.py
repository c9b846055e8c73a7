"""The layouts' cases: files written by other hands, with what is right to read of them."""

from __future__ import annotations

import json
import math

import pytest

import workbench as wb
from tests.data.formats.judged.conftest import said
from workbench.errors import DataError

CASES = (
    "fastchat_pair", "arena_hard_2024", "alpaca_eval", "alpacafarm_crossannot", "llmbar",
    "judgebench", "rewardbench_scores", "rewardbench_data", "rm_bench", "ppe_correctness",
)  # fmt: skip


def as_read(row):
    """Return the verdicts that a label can stand for: the sides may be either way round."""
    for a, b, turn in (("a", "b", False), ("b", "a", True)):
        value = 1 - row["preference"] if turn else row["preference"]
        order = row["order_shown"] if isinstance(row["order_shown"], str) else None
        if turn and order:
            order = order[::-1]
        word = "fail" if math.isnan(value) else "tie" if value == 0.5 else "ba"[int(value > 0.5)]
        sides = [f"{row[f'response_{side}']} {row[f'model_{side}']}" for side in (a, b)]
        yield sides, word, order


def fits(row, wanted):
    strength = None if row["strength"] is None or math.isnan(row["strength"]) else row["strength"]
    same = row["annotator"] == wanted["annotator"] and row["criterion"] == wanted["criterion"]
    return (
        same
        and (wanted["strength"] is None or wanted["strength"] == strength)
        and any(
            (word, order) == (wanted["pref"], wanted["order"])
            and all(part in sides[0] for part in wanted["a"].split("|"))
            and all(part in sides[1] for part in wanted["b"].split("|"))
            for sides, word, order in as_read(row)
        )
    )


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_is_what_is_right(cases, case):
    expected = json.loads((cases / case / "expected.json").read_text())
    data = wb.load(cases / case / expected["main_file"])
    labels = data.labels
    assert len(data.pairs) == expected["pairs"]
    assert labels["preference"].notna().sum() == expected["labels"]
    assert labels["reason"].eq("failed").sum() == expected["failed"]
    assert labels["reason"].eq("tie").sum() == expected["ties"]
    kinds = dict(zip(labels["annotator"], labels["kind"], strict=True))
    assert kinds == expected["annotators"]
    if expected["clusters"] is not None:
        assert data.pairs["cluster"].nunique() == expected["clusters"]
    left = expected["verdicts"]
    for row in said(data).to_dict("records"):
        hit = next(wanted for wanted in left if fits(row, wanted))
        left.remove(hit)
    assert left == []


def test_a_leaderboard_is_refused(cases):
    with pytest.raises(DataError, match="leaderboard"):
        wb.load(cases / "alpaca_eval_leaderboard" / "leaderboard.csv")


def test_a_generator_beside_generator_2(cases):
    path = cases.parent / "alpaca-generator" / "alpaca.json"
    pairs = wb.load(path).pairs
    assert set(pairs["model_a"]) | set(pairs["model_b"]) == {"gpt4_1106_preview", "mymodel"}
