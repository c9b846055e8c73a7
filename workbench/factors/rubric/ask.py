"""The questions of a rubric, and how their replies become scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.factors.rubric.definition import RubricFactor
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question, rows, shown
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling

Array = NDArray[np.float64]
Question = tuple[list[int], int, int, int]
"""Positions of the factors, of the order and of the pair or text, and the repeat."""

_PAIR = (
    "You score two responses on the properties below, each response by itself and both on the "
    "same scale. Do not let the order or the length of the responses sway you."
)
_ALONE = "You score one response on the properties below. Do not let its length sway you."
_COMPARED = {"A": (1.0, 0.0), "B": (0.0, 1.0), "tie": (0.0, 0.0)}


@dataclass(frozen=True)
class How:
    """How a rubric is asked.

    Attributes
    ----------
    model : str
    sampling : Sampling
    repeats : int
    factors_per_call : int
    stage : str
    """

    model: str
    sampling: Sampling
    repeats: int = 1
    factors_per_call: int = 10
    stage: str = "rubric"


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of both sides.

    Attributes
    ----------
    values : ndarray, shape (n pairs, n factors, 2 sides, n orders, n repeats)
        NaN where there is no score.
    failures : list of tuple
        Factor names, pair and reply of each question that failed.
    open : int
        Scores that were not asked yet.
    """

    values: Array
    failures: list[tuple[tuple[str, ...], str, Reply]]
    open: int


def score_pairs(
    pairs: pd.DataFrame,
    factors: Sequence[RubricFactor],
    orders: Sequence[str],
    asks: Asks,
    how: How,
) -> Scores:
    """Score both responses of each pair in one prompt, in each of the orders."""
    chunks = list(_chunks(factors, how.factors_per_call))
    shape = (len(pairs), len(factors), 2, len(orders), how.repeats)

    def requests() -> Iterator[Request]:
        for chunk in chunks:
            for order in orders:
                for pair in rows(pairs):
                    one = _pair_request(pair, [factors[k] for k in chunk], order, how)
                    yield from (one.repeat(r) for r in range(how.repeats))

    def place(question: Question, value: Mapping[str, Any], values: Array) -> None:
        chunk, o, i, r = question
        turn = orders[o] == "ba"
        for j, k in enumerate(chunk):
            if factors[k].compare:
                first, second = _COMPARED[value[f"f{j + 1}"]]
            else:
                first, second = value[f"f{j + 1}_a"], value[f"f{j + 1}_b"]
            values[i, k, :, o, r] = (second, first) if turn else (first, second)

    questions = product(chunks, range(len(orders)), range(len(pairs)), range(how.repeats))
    names = [factor.name for factor in factors]
    replies = asks.each(requests(), how.stage, len(chunks) * len(orders) * len(pairs) * how.repeats)
    return _scores(questions, replies, names, pairs["pair_id"].tolist(), shape, place)


def score_alone(
    pairs: pd.DataFrame, factors: Sequence[RubricFactor], asks: Asks, how: How
) -> Scores:
    """Score each distinct response alone: equal ones (to the same prompt) once."""
    sides = [pairs[["prompt", f"response_{side}"]].to_numpy(object) for side in "ab"]
    alone = pd.DataFrame(np.concatenate(sides), columns=["prompt", "text"])
    chunks, n = list(_chunks(factors, how.factors_per_call)), len(pairs)
    shape = (n, len(factors), 2, 1, how.repeats)

    def requests() -> Iterator[Request]:
        for chunk in chunks:
            chosen = [factors[k] for k in chunk]
            # equal questions have equal keys: the asker asks each once
            for row in rows(alone):
                one = _alone_request(row, chosen, how)
                yield from (one.repeat(r) for r in range(how.repeats))

    def place(question: Question, value: Mapping[str, Any], values: Array) -> None:
        chunk, _, i, r = question
        for j, k in enumerate(chunk):
            values[i % n, k, i // n, 0, r] = value[f"f{j + 1}"]

    questions = product(chunks, (0,), range(2 * n), range(how.repeats))
    names = [factor.name for factor in factors]
    replies = asks.each(requests(), how.stage, len(chunks) * 2 * n * how.repeats)
    return _scores(questions, replies, names, 2 * pairs["pair_id"].tolist(), shape, place)


def _scores(
    questions: Iterable[Question],
    replies: Iterator[Reply | None],
    names: Sequence[str],
    ids: Sequence[str],
    shape: tuple[int, ...],
    place: Callable[[Question, Mapping[str, Any], Array], None],
) -> Scores:
    values, failures, still = np.full(shape, np.nan), [], 0
    for asked, reply in zip(questions, replies, strict=True):
        if reply is None:
            still += len(asked[0])
        elif reply.failed:
            failures.append((tuple(names[k] for k in asked[0]), ids[asked[2]], reply))
        else:
            place(asked, reply.value, values)
    return Scores(values, failures, still)


def _chunks(factors: Sequence[RubricFactor], most: int) -> Iterator[list[int]]:
    """Yield positions of factors that go into one question: those that see the same."""
    for sees in ("response", "query"):
        for compare in (False, True):
            same = [
                k for k, one in enumerate(factors) if one.sees == sees and one.compare == compare
            ]
            for start in range(0, len(same), most):
                yield same[start : start + most]


def _pair_request(
    pair: Mapping[str, Any], factors: Sequence[RubricFactor], order: str, how: How
) -> Request:
    sides = ("response_a", "response_b") if order == "ab" else ("response_b", "response_a")
    texts = _asked(pair, factors)
    texts |= {"response A": pair[sides[0]], "response B": pair[sides[1]]}
    properties: dict[str, Any] = {}
    for j, factor in enumerate(factors, start=1):
        if factor.compare:
            properties[f"f{j}"] = {"type": "string", "enum": ["A", "B", "tie"]}
        else:
            properties |= {f"f{j}_{side}": _number(factor) for side in "ab"}
    about = {"task": "rubric", "pair_id": pair["pair_id"], "order": order}
    fields = "fN_a is the score of response A and fN_b that of response B on property fN."
    if factors[0].compare:
        fields = 'fN is "A" or "B", whichever has more of property fN, or "tie".'
    return _request(_PAIR, fields, texts, properties, factors, about, how)


def _alone_request(row: Mapping[str, Any], factors: Sequence[RubricFactor], how: How) -> Request:
    texts = {**_asked(row, factors), "response": row["text"]}
    properties = {f"f{j}": _number(factor) for j, factor in enumerate(factors, start=1)}
    fields = "fN is the score of the response on property fN."
    return _request(_ALONE, fields, texts, properties, factors, {"task": "rubric"}, how)


def _asked(row: Mapping[str, Any], factors: Sequence[RubricFactor]) -> dict[str, str]:
    return {"prompt": shown(row["prompt"])} if factors[0].sees == "query" else {}


def _number(factor: RubricFactor) -> dict[str, Any]:
    return {"type": "integer", "minimum": factor.minimum, "maximum": factor.maximum}


def _request(
    task: str,
    fields: str,
    texts: Mapping[str, str],
    properties: Mapping[str, Any],
    factors: Sequence[RubricFactor],
    about: Mapping[str, Any],
    how: How,
) -> Request:
    lines = [
        f"f{j}: {one.name}. {one.meaning}"
        + ("" if one.compare else f" From {one.minimum} (not at all) to {one.maximum} (fully).")
        for j, one in enumerate(factors, start=1)
    ]
    names = {f"f{j}": f"{one.name}: {one.meaning}" for j, one in enumerate(factors, start=1)}
    asked = "\n\n".join([task, "Properties:\n" + "\n".join(lines), fields])
    return ask_about(asked, texts, properties, {**about, "fields": names}, how)


def ask_about(
    task: str,
    texts: Mapping[str, str],
    properties: Mapping[str, Any],
    about: Mapping[str, Any],
    how: How,
) -> Request:
    """Return a question about texts, whose reply is an object of the given properties."""
    form = "Reply with one JSON object and nothing else, with the fields " + ", ".join(properties)
    messages = question(task, texts, f"{form}.")
    return Request(how.model, messages, how.sampling, object_schema(properties), about=about)
