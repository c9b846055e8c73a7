"""Reliability of votes, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.principles.voted import voted
from workbench.errors import DesignError
from workbench.principles.vote.reliability import OVERALL, reliability
from workbench.principles.vote.votes import Vote, Votes


def measured(codes, shown):
    codes = np.array(codes, np.int8)
    data, votes = voted(codes, np.ones(len(codes)))
    votes = Votes(votes.pair_ids, votes.principles, votes.codes, np.array(shown), "m")
    return reliability(data, votes).to_frame().set_index(["group", "term"])


def test_measures_by_hand():
    """Three repeats of one principle: A first, B first, A first."""
    shown = [[[True, False, True]]] * 4
    codes = [[[1, 1, 1]], [[1, -1, -1]], [[3, 5, 3]], [[-1, 6, 1]]]
    found = measured(codes, shown)
    for term in (OVERALL, "Principle 00"):
        estimate, n = found["estimate"], found["n"]
        # 12 votes, one was not asked
        assert estimate["invalid", term] == pytest.approx(1 / 11)
        # (1, 2) and (2, 3) of the first two pairs: the same, the same, not, the same
        assert estimate["swap consistency", term] == pytest.approx(3 / 4)
        assert n["swap consistency", term] == 4
        # (1, 3) of all four: the same, not, the same, not
        assert estimate["repeat agreement", term] == pytest.approx(2 / 4)
        # A, B first, A | A, B, B first | - | B second, A first
        assert estimate["first side", term] == pytest.approx((2 + 2 + 1) / 8)
        assert n["first side", term] == 8


def test_a_voter_of_the_first_place_contradicts_itself():
    shown = [[[True, False]] * 2] * 50
    codes = [[[Vote.A, Vote.B]] * 2] * 50
    found = measured(codes, shown)["estimate"]
    assert found["swap consistency", OVERALL] == 0.0
    assert found["first side", OVERALL] == 1.0


def test_what_cannot_be_told_says_why():
    found = measured([[[1]], [[2]]], [[[True]]] * 2)
    assert np.isnan(found.loc[("swap consistency", OVERALL), "estimate"])
    assert "both orders" in found.loc[("swap consistency", OVERALL), "reason"]
    assert "twice" in found.loc[("repeat agreement", OVERALL), "reason"]
    assert found.loc[("first side", OVERALL), "n"] == 1
    nothing = measured([[[Vote.NOT_ASKED]]], [[[True]]])
    assert nothing["estimate"].isna().all()


def test_votes_of_other_pairs_are_refused():
    data, votes = voted(np.ones((2, 1), np.int8), np.ones(2))
    other = Votes(np.array(["x", "y"]), votes.principles, votes.codes)
    with pytest.raises(DesignError, match="not in the data"):
        reliability(data, other)
