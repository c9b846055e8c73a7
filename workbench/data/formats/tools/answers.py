"""What an answer says of the responses that were shown: a choice, a ranking, a rating."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

from workbench.data.formats.records import Record
from workbench.data.formats.single import number
from workbench.data.formats.tools.compared import Response
from workbench.data.formats.tools.field_marks import parts_of
from workbench.data.formats.verdicts import read_labels

_PLACES = (
    *(("left", "right"), ("first", "second", "third", "fourth")),
    *(("one", "two", "three", "four"), tuple("abcdefgh"), ("1", "2", "3", "4", "5", "6", "7", "8")),
)
"""Words for the places of responses whose own names have other marks."""

_BESIDE = {
    "response", "answer", "model", "output", "completion", "generation", "reply", "option",
    "text", "txt", "summary", "assistant", "candidate", "image", "img", "system", "is", "better",
    "best", "the", "prefer", "preferred", "i", "choice", "side", "version", "item", "result",
}  # fmt: skip
"""Words that may stand beside a response's mark in a verdict."""

_FLAGS = {"true", "false", "yes", "no", "y", "n", "t", "f"}
"""Words that answer a question of one response, and are no side."""

_LONGEST = 60
"""Characters of a verdict; a longer text is an answer in words."""


@dataclass(frozen=True)
class Choice:
    """Which responses were chosen, or why none was.

    Attributes
    ----------
    places : tuple of int
        Of the responses chosen; empty where there is a ``reason`` or a ``problem``.
    reason : str or None
        ``tie``, ``both_bad``, ``both_good``, ``not_applicable`` or ``failed``.
    problem : str or None
        Key of :data:`workbench.data.load_report.REASONS`.
    strength : float
    """

    places: tuple[int, ...] = ()
    reason: str | None = None
    problem: str | None = None
    strength: float = math.nan

    @property
    def compares(self) -> bool:
        """It names a response, or says that several are equal."""
        return bool(self.places) or self.reason in ("tie", "both_bad", "both_good")


class Scores(NamedTuple):
    """Ranks or ratings of responses.

    Attributes
    ----------
    values : dict of int to float
        By the response's place; a response that has none is not there.
    lower : bool
        The lower one is preferred: ranks.
    """

    values: Mapping[int, float]
    lower: bool = False


def choice_of(value: Any, responses: Sequence[Response]) -> Choice | None:
    """Return what a text says of the responses, None where it says nothing that is known.

    A response is named by its field, its mark, its own text, its model or its place.

    Parameters
    ----------
    value : object
        A text; a whole number names a response's mark or nothing.
    responses : sequence of Response

    Examples
    --------
    >>> shown = [Response("reply1", "1", "x"), Response("reply2", "2", "y")]
    >>> choice_of("Reply 2 is better", shown).places, choice_of("right", shown).places
    ((1,), (1,))
    >>> choice_of("well written", shown), choice_of("tie", shown).reason
    (None, 'tie')
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    if not text:
        return None
    for named in ([r.name for r in responses], [r.value for r in responses], _models(responses)):
        if text in named and named.count(text) == 1:
            return Choice((named.index(text),))
    if len(text) > _LONGEST:
        return None
    place = _marked(text, [response.mark for response in responses])
    if place is not None:
        return Choice((place,))
    if number(text) == number(text):
        return None
    return _worded(text, responses)


def scores_of_ranking(value: Sequence[Any], responses: Sequence[Response]) -> Scores | None:
    """Return the ranks of a list of names, best first, or of objects with a rank each.

    Examples
    --------
    >>> shown = [Response("reply1", "1", "x"), Response("reply2", "2", "y")]
    >>> scores_of_ranking(["reply2", "reply1"], shown).values
    {1: 1.0, 0: 2.0}
    >>> scores_of_ranking([{"value": "reply1", "rank": 1}, {"value": "reply2", "rank": 1}], shown)
    Scores(values={0: 1.0, 1: 1.0}, lower=True)
    """
    ranks: dict[int, float] = {}
    for position, member in enumerate(value, start=1):
        fields = member if isinstance(member, dict) else {"value": member, "rank": position}
        choice = choice_of(fields.get("value", fields.get("id")), responses)
        if choice is None or len(choice.places) != 1 or choice.places[0] in ranks:
            return None
        rank = number(fields.get("rank"))
        if math.isfinite(rank):
            ranks[choice.places[0]] = rank
    return Scores(ranks, lower=True) if len(ranks) > 1 else None


def compared_by(verdict: Choice | Scores, n: int) -> Iterator[Record]:
    """Return the pairs that one verdict on n responses makes.

    Parameters
    ----------
    verdict : Choice or Scores
        Those that were chosen are preferred to all others, and nothing is known between the
        losers. Ranks and ratings compare all that have one.
    n : int
        Responses shown.

    Yields
    ------
    dict
        ``places`` (A and B, in the order shown), ``preference``, ``reason``, ``strength`` and
        ``problem``, as far as there are such.

    Examples
    --------
    >>> [(p["places"], p["preference"]) for p in compared_by(Choice((1,)), 3)]
    [((0, 1), 0.0), ((1, 2), 1.0)]
    >>> [(p["places"], p["reason"]) for p in compared_by(Scores({0: 4.0, 1: 4.0}), 2)]
    [((0, 1), 'tie')]
    """
    if isinstance(verdict, Scores):
        yield from _by_scores(verdict)
    elif verdict.problem is not None:
        yield {"places": (0, min(1, n - 1)), "problem": verdict.problem}
    elif verdict.reason in ("failed", "not_applicable"):
        # a choice of one of n makes n - 1 pairs, whichever it is
        for other in range(1, n):
            yield {"places": (0, other), "preference": math.nan, "reason": verdict.reason}
    elif verdict.reason is not None:
        for places in combinations(range(n), 2):
            yield {"places": places, "preference": 0.5, "reason": verdict.reason}
    else:
        yield from _by_choice(verdict, n)


def _by_choice(choice: Choice, n: int) -> Iterator[Record]:
    chosen = set(choice.places)
    for a, b in combinations(range(n), 2):
        if (a in chosen) == (b in chosen):
            if len(chosen) < n:
                continue
            yield {"places": (a, b), "preference": 0.5, "reason": "both_good"}
        else:
            yield {"places": (a, b), "preference": float(a in chosen), "strength": choice.strength}


def _by_scores(scores: Scores) -> Iterator[Record]:
    for a, b in combinations(sorted(scores.values), 2):
        first, second = scores.values[a], scores.values[b]
        if math.isnan(first) or math.isnan(second):
            yield {"places": (a, b), "preference": math.nan, "reason": "failed"}
        elif first == second:
            yield {"places": (a, b), "preference": 0.5, "reason": "tie", "strength": 0.0}
        else:
            strength = math.nan if scores.lower else abs(first - second)
            preference = float((first > second) != scores.lower)
            yield {"places": (a, b), "preference": preference, "strength": strength}


def _models(responses: Sequence[Response]) -> list[str | None]:
    return [response.model for response in responses]


def _marked(text: str, marks: Sequence[str]) -> int | None:
    """Return the place of the only mark in a text that says nothing else.

    A bare number that is nobody's mark is none: places may be counted from 0 or from 1.
    """
    parts = parts_of(text)
    for known in (tuple(marks), *([] if text.isdigit() else _PLACES)):
        found = [part for part in parts if part in known]
        beside = set(parts) - set(found)
        if len(found) == 1 and beside <= _BESIDE and known.index(found[0]) < len(marks):
            return known.index(found[0])
    return None


def _worded(text: str, responses: Sequence[Response]) -> Choice | None:
    if text.lower() in _FLAGS:
        return None
    preference, reason, problem, strength = _vocabulary(text)
    if problem is not None:
        return Choice(problem=problem) if problem == "no judgement" else None
    if reason is not None:
        return Choice(reason=reason)
    if preference in (0.0, 1.0) and len(responses) == 2:
        return Choice((int(1 - preference),), strength=strength)
    return None


@lru_cache(maxsize=1024)
def _vocabulary(text: str) -> tuple[float, str | None, str | None, float]:
    """Return what a text of the vocabulary of verdicts says."""
    read = read_labels(pd.Series([text], dtype="str")).iloc[0]
    reason, problem = (
        read[name] if isinstance(read[name], str) else None for name in ("reason", "problem")
    )
    return float(read["preference"]), reason, problem, float(read.get("strength", math.nan))
