"""Votes: each principle by itself, both orders, missing rules asked again, nothing invented."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.hostile import HOSTILE
from tests.judges.models import Saying
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.llm.asker import Asker
from workbench.llm.budget import Budget
from workbench.llm.journal import Journal
from workbench.llm.reading import read_completion
from workbench.llm.reply import Reply
from workbench.principles.principle import Principle
from workbench.principles.vote.vote import vote
from workbench.principles.vote.votes import Vote, Votes


def pairs(*responses: tuple[str, str]) -> PreferenceData:
    a, b = zip(*responses, strict=True)
    table = pd.DataFrame({"prompt": [f"p{k}" for k in range(len(a))], "response_a": a,
                          "response_b": b})  # fmt: skip
    labels = pd.DataFrame({"pair": range(len(a)), "annotator": "ann", "preference": 1.0})
    return PreferenceData.from_tables(table, labels)


LETTERS = tuple(Principle(f"Select the response with more {x}") for x in "xyz")


def listed(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [tuple(line.split(". ", 1)) for line in texts["principles"].splitlines()]


def counting(texts, request):
    """Vote for the response that holds more of the letter that the principle ends with."""
    votes = {}
    for number, text in listed(texts):
        a, b = texts["response A"].count(text[-1]), texts["response B"].count(text[-1])
        votes[number] = "A" if a > b else "B" if b > a else "both" if a else "neither"
    return votes


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def cast(data, model, journal, principles=LETTERS, budget=None, **options) -> Votes:
    with Asker(model, journal, budget=budget) as asker:
        return vote(data, principles, asker, model="m", **options)


@pytest.mark.parametrize("per_call", [1, 2, 40])
def test_votes_are_of_the_data_s_sides_whatever_was_shown(journal, per_call):
    data = pairs(("xx", "xyy"), ("y", "x"), ("xz", "zx"))
    found = cast(data, Saying(counting), journal, per_call=per_call, repeats=3)
    expected = np.array([[1, -1, 3], [-1, 1, 3], [2, 3, 2]])
    assert (found.codes == expected[:, :, None]).all()
    assert (found.merged("unanimous") == expected).all()


def test_both_orders_are_shown_over_two_repeats(journal):
    model = Saying(counting)
    found = cast(pairs(*[(f"x{k}", "y") for k in range(40)]), model, journal, repeats=2)
    assert (found.shown_ab.sum(axis=2) == 1).all()
    assert 8 < found.shown_ab[:, 0, 0].sum() < 32
    assert len(model.asked) == 80
    # the order of the principles differs from pair to pair
    shown = {request.messages[1]["content"].split("<<<principles")[1] for request in model.asked}
    assert len({text.split("\n", 1)[1] for text in shown}) > 3


def test_calls_are_as_many_as_they_should_be(journal):
    many = [Principle(f"Select by rule {k:03d} of x") for k in range(95)]
    model = Saying(counting)
    cast(pairs(("x", "y"), ("y", "x")), model, journal, many, repeats=2)
    assert len(model.asked) == 2 * 3 * 2  # pairs, questions of 40 principles, repeats


def test_missing_rules_are_asked_for_once_more_and_only_they(journal):
    def says(texts, request):
        votes = counting(texts, request)
        if len(votes) > 1:
            votes.pop("2")
        body = {"choices": [{"message": {"content": json.dumps(votes)}, "finish_reason": "stop"}]}
        return read_completion(body, request, "text")

    model = Saying(says)
    found = cast(pairs(("xyz", "")), model, journal, repeats=1)
    assert (found.codes == Vote.A).all()
    assert [len(listed_of(request)) for request in model.asked] == [3, 1]


def listed_of(request) -> list[str]:
    return request.messages[1]["content"].split("<<<principles")[1].splitlines()[1:-1]


def test_what_cannot_be_read_is_invalid_and_no_vote(journal):
    def says(texts, request):
        bad = "fail" in texts["response A"] + texts["response B"]
        return Reply("?", None, reason="unreadable: x") if bad else counting(texts, request)

    found = cast(pairs(("x", "y"), ("x fail", "y")), Saying(says), journal, repeats=1)
    assert found.codes[:, 0, 0].tolist() == [Vote.A, Vote.INVALID]
    assert found.counts()["invalid_repeats"].tolist() == [1, 1, 1]


def test_what_the_budget_left_open_is_not_asked(journal):
    found = cast(pairs(("x", "y"), ("y", "x")), Saying(counting), journal, repeats=1,
                 budget=Budget(max_calls=1))  # fmt: skip
    assert sorted(found.codes[:, 0, 0].tolist()) == [Vote.A, Vote.NOT_ASKED]


def test_known_votes_are_taken_over_and_only_new_principles_are_asked(journal):
    data = pairs(("x", "y"), ("y", "x"))
    first = cast(data, Saying(counting), journal, LETTERS[:2])
    model = Saying(counting)
    both = (*LETTERS[:2], LETTERS[2])
    found = cast(data, model, journal, both, known=first)
    assert (found.codes[:, :2] == first.codes).all()
    assert {len(listed_of(request)) for request in model.asked} == {1}
    nothing = Saying(counting)
    assert (cast(data, nothing, journal, both, known=found).codes == found.codes).all()
    assert nothing.asked == []


def test_hostile_texts_and_principles_change_nothing_in_the_reading(journal):
    data = pairs(*[(text, "x") for text in HOSTILE])
    hostile = [Principle(" ".join(text.split())[:200] + " x") for text in HOSTILE if text.strip()]
    model = Saying(lambda texts, request: dict.fromkeys(request.schema["properties"], "B"))
    found = cast(data, model, journal, hostile, repeats=2)
    assert (np.where(found.shown_ab, found.codes, -found.codes) == Vote.B).all()


def test_the_same_votes_whatever_the_order_of_rows(journal):
    data = pairs(("x", "y"), ("xx", "z"), ("z", "xz"))
    turned = data.filter(pair_ids=data.pairs["pair_id"])
    object.__setattr__(turned, "pairs", data.pairs.iloc[::-1].reset_index(drop=True))
    one = cast(data, Saying(counting), journal)
    model = Saying(counting)
    other = cast(turned, model, journal)
    assert model.asked == []
    assert (other.codes[::-1] == one.codes).all()


def test_nothing_to_vote_on_is_refused(journal):
    data = pairs(("x", "y"))
    for principles in ([], [LETTERS[0], LETTERS[0]]):
        with pytest.raises(DesignError, match="nothing to vote on"):
            cast(data, Saying(counting), journal, principles)
    with pytest.raises(DesignError, match="repeats"):
        cast(data, Saying(counting), journal, repeats=0)
