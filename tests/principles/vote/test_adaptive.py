"""Adaptive voting decides as the full vote does, and asks less."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import binom

import workbench as wb
from tests.principles.voted import voted
from workbench.errors import DesignError
from workbench.principles.extract import extract
from workbench.principles.measure.measure import measure
from workbench.principles.principle import Principle
from workbench.principles.recipe import Recipe
from workbench.principles.select import Rules, select
from workbench.principles.vote.adaptive import _looks, screen
from workbench.principles.vote.votes import Vote, Votes

KINDS = {"good": (0.42, 0.10), "fair": (0.30, 0.22), "null": (0.25, 0.25), "bad": (0.15, 0.40),
         "never": (0.005, 0.005)}  # fmt: skip
"""Chances of a vote for and against the preferred response."""


def recorded(n: int, seed: int, each: int = 6) -> tuple[wb.PreferenceData, Votes]:
    """Return full votes of candidates of every kind."""
    rng = np.random.default_rng(seed)
    preference = rng.integers(0, 2, n).astype(float)
    sign = np.where(preference > 0.5, 1, -1)[:, None]
    columns = []
    for right, wrong in KINDS.values():
        chance = [right, wrong, 1 - right - wrong]
        side = rng.choice([1, -1, 0], (n, each), p=chance)
        columns.append(np.where(side == 0, Vote.NEITHER, side * sign))
    return voted(np.hstack(columns).astype(np.int8), preference, clusters=np.arange(n) // 2)


def replay(votes: Votes) -> Callable[[Sequence[Principle], Sequence[str]], Votes]:
    names = [one.text for one in votes.principles]

    def voting(some: Sequence[Principle], pairs: Sequence[str]) -> Votes:
        columns = [names.index(one.text) for one in some]
        return votes.take(pair_ids=np.array(pairs), principles=columns)

    return voting


def test_decisions_match_the_full_vote_and_votes_are_saved():
    """Selections from adaptive and from full votes are equal: wrong in 5 % of runs at most."""
    runs, differ, saved = 20, 0, []
    rules = Rules(max_q=0.05)
    for seed in range(runs):
        data, full = recorded(600, seed)
        ids = tuple(data.pairs["pair_id"])
        options = {"pair_ids": ids, "rules": rules, "n": 5}
        votes, found = screen(data, full.principles, replay(full), "ann", **options)
        mine, theirs = (measure(data, one, "ann", replicates=20) for one in (votes, full))
        chosen = [select(one, n=5, rules=rules).principles for one in (mine, theirs)]
        differ += chosen[0] != chosen[1]
        saved.append(1 - found.looks["votes"].sum() / found.looks["full_votes"].sum())
        decision = found.to_frame().set_index("term")["decision"]
        # of the recorded kinds only the losing and the irrelevant ones can be closed so
        assert not decision.iloc[:12].isin(["surely loses", "surely irrelevant"]).any()
        asked = (votes.codes != Vote.NOT_ASKED).all(axis=(0, 2))
        assert (asked == found.to_frame()["look"].isna().to_numpy()).all()
    assert differ <= binom.ppf(0.999, runs, 0.05)
    assert np.mean(saved) > 0.2


def test_a_closing_is_wrong_rarely_however_often_it_looks():
    """Candidates that just win, in the worst place: closed as losing in 5 % of runs at most."""
    runs, wrong = 60, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        # exactly half plus one of the relevant pairs are right
        codes = rng.permutation(np.r_[np.ones(151), -np.ones(149), np.full(100, Vote.NEITHER)])
        data, full = voted(codes.astype(np.int8)[:, None], np.ones(400))
        ids = data.pairs["pair_id"].tolist()
        options = {"pair_ids": ids, "rules": Rules(), "n": 1, "first": 10, "seed": seed}
        _, found = screen(data, full.principles, replay(full), "ann", risk=0.3, **options)
        wrong += found.to_frame()["look"].notna().any()
    assert wrong <= binom.ppf(0.999, runs, 0.3)


def test_outranked_candidates_are_closed_and_pinned_ones_never():
    n = 2000
    rng = np.random.default_rng(0)
    strong = np.where(rng.random((n, 6)) < 0.95, 1, -1)
    weak = np.where(rng.random((n, 2)) < 0.55, 1, -1)
    data, full = voted(np.hstack([strong, weak]).astype(np.int8), np.ones(n))
    pinned = Principle("Principle 07", pinned=True)
    candidates = [*full.principles[:7], pinned]
    ids = data.pairs["pair_id"].tolist()
    options = {"pair_ids": ids, "rules": Rules(spare=3.0), "n": 2}
    votes, found = screen(data, candidates, replay(full), "ann", **options)
    table = found.to_frame().set_index("term")
    assert table.loc["Principle 06", "decision"] == "surely outranked"
    assert table.loc["Principle 07", "decision"] == "open to the end"
    assert (votes.codes[:, 6] == Vote.NOT_ASKED).any()
    assert "saved" in found.summary()
    assert list(found.plot().data[0].y) == found.looks["candidates"].tolist()
    # another order of ranks says nothing on who is ahead
    by_q = {**options, "rules": Rules(order="q_value")}
    _, other = screen(data, candidates, replay(full), "ann", **by_q)
    assert "surely outranked" not in set(other.to_frame()["decision"])


def test_looks_double():
    assert _looks(1000, 64) == [64, 128, 256, 512, 1000]
    assert _looks(50, 64) == [50]


def test_options_out_of_range_are_refused():
    data, full = recorded(20, 0, each=1)
    with pytest.raises(DesignError, match="risk"):
        screen(data, full.principles, replay(full), "ann", pair_ids=["x"], rules=Rules(), n=1,
               risk=0.0)  # fmt: skip


def test_an_adaptive_extraction_finds_what_the_full_one_finds(tmp_path):
    data = wb.load("sample").filter(kinds=["human"])
    data = data.filter(pair_ids=data.pairs["pair_id"][:400])
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        options = {"model": "offline:plain", "judge": False}
        full = extract(data, asker, "human", recipe=Recipe(), **options)
        lean = extract(data, asker, "human", recipe=Recipe(adaptive=True), **options)
    assert lean.principles == full.principles
    table = lean.to_frame().set_index("term")
    held = full.to_frame().set_index("term")
    for one in lean.principles:
        assert table.loc[one.text, "estimate"] == held.loc[one.text, "estimate"]
    # only the constitution is asked about on held-out pairs
    assert table["n"].gt(0).sum() == len(lean.principles)
    asked = [(one.votes.codes != Vote.NOT_ASKED).sum() for one in (lean, full)]
    assert asked[0] < 0.8 * asked[1]
    assert lean.screening is not None
    assert lean.screening in lean.parts()
    assert lean.evaluation.to_frame().equals(full.evaluation.to_frame())
