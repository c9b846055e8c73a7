"""The 29 properties of preference dissection, scored by a model in two rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.dissection_ratings import APPLIES, ERRORS, FACTS, REPETITIVE
from workbench.factors.dissection import dissection_factors
from workbench.factors.rubric.ask import How, Scores, ask_about, score_alone, score_pairs
from workbench.factors.rubric.definition import Rubric, RubricFactor
from workbench.factors.rubric.quality import combined
from workbench.llm.asker import Asks
from workbench.llm.question import REFERENCES, object_schema, rows, shown
from workbench.llm.reply import Reply
from workbench.llm.request import Request

Array = NDArray[np.float64]

_WITH_QUERY = ("relevant", "novel")
_RELEVANCE = "How much of it has to do with the query, right or wrong."
_REPEATS = "It says the same thing more than once."

_ERRORS = (
    "You look for mistakes in a response to a query: of fact, of logic, against the query, in "
    "mathematics or in code. Severity: Severe makes the answer wrong, Moderate hurts it, Minor "
    "hardly touches it. If a reference answer is given, it is right. checkable is false where "
    "mistakes cannot be told, as in free invention."
)
_FACTS = (
    "You say what a query is like. intent_clear: what it wants is clear. feelings: it expresses "
    "feelings of its writer. constraints: the explicit demands that it sets. stances: the opinions "
    "that it states. mistakes: the mistakes or biases that it holds. Leave a list empty where "
    "there is none."
)
_CALLED_FOR = (
    "You rate two responses to a query, each by itself and on the same scale. clarify_N: how well "
    "it finds out what an unclear query wants, 0 to 3. empathy_N: how well it answers the feelings "
    "that the query expresses, 0 to 3. constraintK_N: how far it keeps to constraint K, 0 to 3. "
    "stanceK_N: how it stands to opinion K. mistakeK_N: what it does about mistake K. N is a for "
    "response A and b for response B."
)
_STANCES = (
    "Strongly opposed", "Weakly opposed", "Neutral", "Weakly supported", "Strongly supported",
)  # fmt: skip
_MISTAKES = (
    "Neither pointed out nor corrected", "Pointed out but not corrected",
    "Corrected without being pointed out", "Pointed out and corrected",
)  # fmt: skip
_ITEMS = {"constraints": "constraint", "stances": "stance", "mistakes": "mistake"}
_MOST_ITEMS = 8

Facts = dict[str, Any] | None


@dataclass(frozen=True)
class _Asked:
    """What the questions of one round came to."""

    names: tuple[str, ...]
    scores: Scores


def score_dissection(
    data: PreferenceData,
    rubric: Rubric,
    orders: Sequence[str],
    asks: Asks,
    how: How,
    pairwise: bool,
) -> tuple[PreferenceData, list[tuple[list[RubricFactor], Scores]]]:
    """Score the 29 properties and code them as the paper does.

    Returns
    -------
    data : PreferenceData
        With the factors, and with the facts of the queries as columns.
    parts : list of (factors, Scores)
        The scores of each kind of question.
    """
    basic = _basic(rubric)
    scores = (
        score_pairs(data.pairs, basic, orders, asks, how)
        if pairwise
        else score_alone(data.pairs, basic, asks, how)
    )
    errors, unchecked = _errors(data, asks, how)
    facts, lost = _facts(data, asks, how)
    called = _called_for(data, facts, orders, asks, how)
    by_name = {factor.name: factor for factor in rubric.factors}
    parts = [
        (basic, scores),
        ([by_name[name] for name in errors.names], errors.scores),
        ([by_name[name] for name in called.names], called.scores),
    ]
    table = _ratings(data, [([f.name for f in part], s) for part, s in parts], facts)
    for name in errors.names:
        table[name] = table[name].mask(unchecked.reshape(-1), "not applicable")
    coded = dissection_factors(data, table)
    return _named(_unknown(coded, facts), rubric, how.model), [*parts, ([], lost)]


def _basic(rubric: Rubric) -> list[RubricFactor]:
    """Return the 20 properties that are scored on every response."""
    other = {*ERRORS.values(), *APPLIES, "lengthy"}
    factors = []
    for factor in rubric.factors:
        if factor.name == "non-repetitive":
            factors.append(replace(factor, name=REPETITIVE, meaning=_REPEATS))
        elif factor.name == "relevant":
            factors.append(replace(factor, meaning=_RELEVANCE, sees="query"))
        elif factor.name not in other:
            with_query = factor.name in _WITH_QUERY
            factors.append(replace(factor, sees="query" if with_query else "response"))
    return factors


def _errors(data: PreferenceData, asks: Asks, how: How) -> tuple[_Asked, NDArray[np.bool_]]:
    """Count the mistakes of each response by severity, and say where none can be told."""
    pairs, names = data.pairs, tuple(ERRORS.values())
    reference = next((pairs[c] for c in REFERENCES if c in pairs), None)
    severity = {"type": "string", "enum": [name.capitalize() for name in ERRORS]}
    error = object_schema({"severity": severity, "what": {"type": "string"}})
    properties = {"checkable": {"type": "boolean"}, "errors": {"type": "array", "items": error}}

    def requests(repeat: int) -> Iterator[Request]:
        for side in "ab":
            for i, row in enumerate(rows(pairs)):
                texts = {"prompt": shown(row["prompt"]), "response": row[f"response_{side}"]}
                if reference is not None and isinstance(reference.iloc[i], str):
                    texts["reference answer"] = reference.iloc[i]
                one = ask_about(_ERRORS, texts, properties, {"task": "rubric"}, how)
                yield one.repeat(repeat)

    n = len(pairs)
    values = np.full((n, 3, 2, 1, how.repeats), np.nan)
    unchecked = np.zeros((n, 2), dtype=bool)
    failures: list[Any] = []
    still = 0
    for r in range(how.repeats):
        replies = asks.each(requests(r), f"{how.stage}: errors", 2 * n)
        for j, reply in enumerate(replies):
            if reply is None:
                still += 3
            elif reply.failed:
                failures.append((names, pairs["pair_id"].iloc[j % n], reply))
            elif reply.value["checkable"]:
                found = [error["severity"].lower() for error in reply.value["errors"]]
                values[j % n, :, j // n, 0, r] = [found.count(name) for name in ERRORS]
            else:
                unchecked[j % n, j // n] = True
    return _Asked(names, Scores(values, failures, still)), unchecked


def _facts(data: PreferenceData, asks: Asks, how: How) -> tuple[list[Facts], Scores]:
    """Return the facts of each pair's query, None where they are not known, and what was lost."""
    yes, texts = {"type": "boolean"}, {"type": "array", "items": {"type": "string"}}
    properties = {name: yes if name in ("intent_clear", "feelings") else texts for name in FACTS}
    about = {"task": "facts"}
    requests = (
        ask_about(_FACTS, {"prompt": shown(prompt)}, properties, about, how)
        for prompt in data.pairs["prompt"]
    )
    facts: list[Facts] = []
    failures: list[tuple[tuple[str, ...], str, Reply]] = []
    replies, still = asks.each(requests, f"{how.stage}: facts", len(data)), 0
    for pair, reply in zip(data.pairs["pair_id"], replies, strict=True):
        known = reply is not None and not reply.failed
        facts.append(reply.value if reply is not None and known else None)
        still += 5 * (reply is None)
        if reply is not None and not known:
            failures.append((tuple(APPLIES), pair, reply))
    return facts, Scores(np.empty((len(facts), 0, 2, 1, 1)), failures, still)


def _called_for(
    data: PreferenceData, facts: list[Facts], orders: Sequence[str], asks: Asks, how: How
) -> _Asked:
    """Rate what only some queries call for, on the pairs whose query does."""
    names = tuple(APPLIES)
    asked = [
        i for i, known in enumerate(facts)
        if known is not None and any(_applies(known, name) for name in names)
    ]  # fmt: skip

    def requests() -> Iterator[Request]:
        for order in orders:
            for i, pair in zip(asked, rows(data.pairs.iloc[asked]), strict=True):
                one = _called_request(pair, facts[i] or {}, order, how)
                yield from (one.repeat(r) for r in range(how.repeats))

    questions = product(range(len(orders)), asked, range(how.repeats))
    values = np.full((len(data), 5, 2, len(orders), how.repeats), np.nan)
    failures, still = [], 0
    most = len(orders) * len(asked) * how.repeats
    replies = asks.each(requests(), f"{how.stage}: called for", most)
    for (o, i, r), reply in zip(questions, replies, strict=True):
        if reply is None:
            still += 5
        elif reply.failed:
            failures.append((names, str(data.pairs["pair_id"].iloc[i]), reply))
        else:
            sides = "ab" if orders[o] == "ab" else "ba"
            for k, name in enumerate(names):
                values[i, k, :, o, r] = [_rating(reply.value, name, side) for side in sides]
    return _Asked(names, Scores(values, failures, still))


def _applies(facts: Mapping[str, Any], name: str) -> bool:
    fact = facts[APPLIES[name]]
    return not fact if name == "clarify intent" else bool(fact)


def _called_request(
    pair: Mapping[str, Any], facts: Mapping[str, Any], order: str, how: How
) -> Request:
    sides = ("response_a", "response_b") if order == "ab" else ("response_b", "response_a")
    texts = {"prompt": shown(pair["prompt"])}
    texts |= {"response A": pair[sides[0]], "response B": pair[sides[1]]}
    fields: dict[str, Any] = {}
    score = {"type": "integer", "minimum": 0, "maximum": 3}
    if _applies(facts, "clarify intent"):
        fields["clarify"] = score
    if _applies(facts, "show empathetic"):
        fields["empathy"] = score
    options = {"stances": _STANCES, "mistakes": _MISTAKES}
    for fact, field in _ITEMS.items():
        items = facts[fact][:_MOST_ITEMS]
        form = {"type": "string", "enum": list(options[fact])} if fact in options else score
        fields |= {f"{field}{j}": form for j in range(1, len(items) + 1)}
        if items:
            texts[fact] = "\n".join(f"{j}. {item}" for j, item in enumerate(items, start=1))
    properties = {f"{name}_{side}": form for name, form in fields.items() for side in "ab"}
    about = {"task": "rubric", "pair_id": pair["pair_id"], "order": order}
    return ask_about(_CALLED_FOR, texts, properties, about, how)


def _rating(value: Mapping[str, Any], name: str, side: str) -> float:
    """Return a property's rating of one side: the mean of its items; NaN where it has none."""
    field = {
        "clarify intent": "clarify", "show empathetic": "empathy",
        "satisfy constraints": "constraint", "support stances": "stance",
        "correct mistakes": "mistake",
    }[name]  # fmt: skip
    items = [
        item for key, item in value.items() if key.startswith(field) and key.endswith(f"_{side}")
    ]
    if name == "support stances":
        items = [_STANCES.index(item) - 2 for item in items]
    elif name == "correct mistakes":
        items = [_MISTAKES.index(item) for item in items]
    return float(np.mean(items)) if items else np.nan


def _ratings(
    data: PreferenceData, parts: list[tuple[list[str], Scores]], facts: list[Facts]
) -> pd.DataFrame:
    """Return the ratings as a table with a row a pair and side."""
    table = pd.DataFrame(
        {
            "pair_id": data.pairs["pair_id"].repeat(2).to_numpy(),
            "side": list("ab") * len(data),
        }
    )
    for names, scores in parts:
        values = combined(scores.values)[0]
        for k, name in enumerate(names):
            table[name] = pd.Series(values[:, k, :].reshape(-1), dtype=object)
    for fact in FACTS:
        known = [None if one is None else one[fact] for one in facts]
        table[fact] = pd.Series(known, dtype=object).repeat(2).to_numpy()
    return table


def _unknown(data: PreferenceData, facts: list[Facts]) -> PreferenceData:
    """Make missing what hangs on facts that nobody could tell: not asked is not 'no'."""
    unknown = np.array([one is None for one in facts])
    factors = data.factors.copy()
    for name in APPLIES:
        if name in factors:
            factors.loc[unknown, name] = np.nan
    return replace(data, factors=factors)


def _named(data: PreferenceData, rubric: Rubric, model: str) -> PreferenceData:
    """Say of each factor which model scored it."""
    scored = {factor.name for factor in rubric.factors} - {"lengthy"}
    specs = {
        name: {**spec, "source": f"rubric {model}"} if name in scored else spec
        for name, spec in data.factor_specs.items()
    }
    return replace(data, factor_specs=specs)
