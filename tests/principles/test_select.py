"""Filters, ranks and clusters of the selection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.principles.voted import voted
from workbench.errors import DesignError
from workbench.principles.measure.measure import PrincipleEffects, measure
from workbench.principles.principle import Principle
from workbench.principles.select import Rules, select

N = 20


def effects(*columns: tuple[int, int, int], pinned: int | None = None) -> PrincipleEffects:
    """Principles with given counts of votes for, against and invalid, of 20."""
    codes = np.full((N, len(columns)), 4, np.int8)
    for k, (wins, losses, invalid) in enumerate(columns):
        codes[:wins, k] = 1
        codes[wins : wins + losses, k] = -1
        codes[N - invalid :, k] = 5 if invalid else codes[N - invalid :, k]
    data, votes = voted(codes, np.ones(N))
    listed = [replace(p, pinned=k == pinned) for k, p in enumerate(votes.principles)]
    return measure(data, replace(votes, principles=tuple(listed)), "ann", replicates=50)


def test_icai_rules() -> None:
    found = select(
        effects((8, 2, 0), (2, 8, 0), (1, 0, 0), (5, 0, 15), (9, 1, 0), (2, 1, 0)),
        n=10,
        rules=Rules.icai(),
    )
    # 1 has no majority, 2 is for on 5 % only, 3 has more invalid votes than others
    assert found.positions == (4, 0, 5)
    decision = dict(zip(found.to_frame()["term"], found.to_frame()["decision"], strict=True))
    assert decision["Principle 01"] == "with no majority of votes for it"
    assert decision["Principle 02"] == "relevant to too few pairs"
    assert decision["Principle 03"] == "with mostly invalid votes"


def test_relevance_counts_votes_against_unless_icai_does_not() -> None:
    measured = effects((2, 1, 0))
    rules = Rules(min_relevance=0.15)
    assert select(measured, rules=rules).positions == (0,)
    assert select(measured, rules=replace(rules, relevance="for")).positions == ()


def test_pinned_are_kept_and_count() -> None:
    found = select(effects((9, 1, 0), (8, 1, 0), (0, 9, 0), pinned=2), n=2)
    assert found.positions == (0, 2)
    assert found.to_frame()["decision"].tolist() == ["kept", "pinned", "ranked below the best"]


def test_best_of_each_cluster_in_order() -> None:
    asked: list[tuple[list[str], int]] = []

    def clusters(candidates: list[Principle], n: int) -> list[int]:
        asked.append(([one.text[-2:] for one in candidates], n))
        return [0, 0, 1]

    measured = effects((9, 0, 0), (8, 0, 0), (7, 0, 0), (6, 0, 0))
    found = select(measured, n=2, rules=Rules.icai(), clusters=clusters)
    # int(1.5 * 2) candidates stand for selection
    assert asked == [(["00", "01", "02"], 2)]
    assert found.positions == (0, 2)
    with pytest.raises(DesignError, match="clusters"):
        select(measured, n=2, clusters=lambda candidates, n: [0])


def test_orders_and_q() -> None:
    measured = effects((10, 5, 0), (4, 0, 0), (12, 0, 0))
    assert select(measured, rules=Rules(order="accuracy")).positions == (2, 1, 0)
    assert select(measured).positions == (2, 0, 1)
    assert select(measured, rules=Rules(max_q=0.05)).positions == (2,)
    assert select(measured, n=1).summary().startswith("1 of 3 principles")


def test_nothing_passes_is_an_empty_selection() -> None:
    found = select(effects((0, 9, 0)))
    assert found.principles == ()
    assert not found.to_frame()["kept"].any()
    with pytest.raises(DesignError):
        select(effects((9, 0, 0)), n=0)
