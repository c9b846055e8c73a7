"""From tasks that people or models answered in a tool to judgements.

The tool's own layout is read elsewhere; here it is decided, over all tasks, which of the
questions compare the responses that were shown.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.data.formats.nested import unpacked
from workbench.data.formats.records import Record, excerpt
from workbench.data.formats.tools.answers import (
    Choice,
    Scores,
    choice_of,
    compared_by,
    scores_of_ranking,
)
from workbench.data.formats.tools.compared import (
    Response,
    Shown,
    prompt_of,
    responses_of,
    shown_in,
    unshown,
)
from workbench.data.formats.tools.field_marks import parts_of
from workbench.data.formats.tools.rows import frame_of, plain, sides_of
from workbench.errors import DataError

_DECIDING = ("overall", "preference", "preferred", "overall_preference", "winner", "best")
"""Names of the question that decides where several compare."""

UNASKED = ""
"""The question of an annotation that holds no answer at all."""


@dataclass(frozen=True)
class Answer:
    """What one annotator answered to one question.

    Attributes
    ----------
    question : str
    value : object
    annotator : str or None
    kind : str
    row_id : str or None
        The tool's id of the answer.
    about : tuple of str
        The responses that it is about, where the tool says so: one is rated, two are compared.
    ranking : bool
        A list of names is an order, best first.
    skipped : str or None
        Why it is no judgement: a draft, cancelled.
    extra : dict
        What else the tool says of it.
    """

    question: str
    value: Any = None
    annotator: str | None = None
    kind: str = "human"
    row_id: str | None = None
    about: tuple[str, ...] = ()
    ranking: bool = False
    skipped: str | None = None
    extra: Record = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """What was shown, and the answers to it.

    Attributes
    ----------
    row : int
        Number of the record.
    fields : dict
        What was shown, by the user's names of the fields.
    metadata : dict
    answers : list of Answer
    """

    row: int
    fields: Record
    metadata: Record
    answers: list[Answer]


@dataclass(frozen=True)
class _Read:
    """An answer with what it says, and of which responses."""

    answer: Answer
    criterion: str
    verdict: Choice | Scores | None
    responses: Sequence[Response]


def judgements_of(tasks: Sequence[Task], options: Mapping[str, Any], tool: str) -> pd.DataFrame:
    """Return the judgements of all tasks of a file.

    Parameters
    ----------
    tasks : list of Task
    options : mapping
        ``mapping`` may name ``prompt``, ``response_a``, ``response_b`` and ``label`` (the
        question) by the tool's names; ``annotator`` and ``kind`` stand where the tool says neither.
    tool : str
        For messages.

    Raises
    ------
    DataError
        No two responses were shown, or no question compares them.

    Examples
    --------
    >>> fields = {"prompt": "?", "reply1": "x", "reply2": "y"}
    >>> task = Task(1, fields, {}, [Answer("better", "reply2")])
    >>> judgements_of([task], {}, "a tool")[["response_a", "preference"]].to_dict("records")
    [{'response_a': 'x', 'preference': 0.0}]
    """
    given = dict(options.get("mapping") or {})
    shown = shown_in([task.fields for task in tasks], given)
    if shown is None:
        raise _nothing_shown(tasks, tool)
    responses = [responses_of(task.fields, shown, task.metadata) for task in tasks]
    label = given.get("label")
    orders = _orders(tasks, responses)
    read = [
        list(_readings(task, those, orders, label))
        for task, those in zip(tasks, responses, strict=True)
    ]
    asked = _comparing(read, label)
    if not asked:
        raise _nothing_compared(tasks, shown, tool)
    names = _criteria(asked)
    rows = [
        row
        for task, those, readings in zip(tasks, responses, read, strict=True)
        for row in _rows(task, those, readings, names, shown)
    ]
    return frame_of(rows, options, _settings(shown, names), _notes(tasks, asked))


def _orders(tasks: Sequence[Task], responses: Sequence[list[Response]]) -> set[str]:
    """Return the questions whose lists of names are orders.

    A list that never leaves out a response is a ranking; one that does is a selection.
    """
    whole: dict[str, list[bool]] = defaultdict(list)
    for task, those in zip(tasks, responses, strict=True):
        for answer in task.answers:
            value = unpacked(answer.value)
            if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
                ranked = scores_of_ranking(value, those)
                whole[answer.question].append(ranked is not None and len(value) == len(those))
    return {question for question, each in whole.items() if all(each)}


def _readings(
    task: Task, responses: list[Response], orders: set[str], label: str | None
) -> Iterator[_Read]:
    rated: dict[tuple[Any, ...], dict[int, float]] = {}
    of: dict[tuple[Any, ...], Answer] = {}
    for answer in task.answers:
        value = unpacked(answer.value)
        place = _about(answer, responses)
        if _is_number(value) and place is not None:
            criterion = _without_mark(answer.question, responses[place])
            key = (criterion, answer.annotator, answer.kind, answer.row_id, answer.skipped)
            rated.setdefault(key, {})[place] = float(value)
            of.setdefault(key, answer)
            continue
        ranking = answer.ranking or answer.question in orders
        among = _compared(answer, responses)
        verdict = _verdict(value, among, ranking=ranking, numbers=answer.question == label)
        yield _Read(answer, answer.question, verdict, among)
    for key, values in rated.items():
        verdict = Scores(values) if len(values) > 1 else None
        yield _Read(of[key], str(key[0]), verdict, responses)


def _verdict(
    value: Any, responses: Sequence[Response], *, ranking: bool, numbers: bool
) -> Choice | Scores | None:
    if isinstance(value, dict) and value and all(isinstance(v, list) for v in value.values()):
        # a table of ranks keeps its columns as lists
        value = [dict(zip(value, row, strict=False)) for row in zip(*value.values(), strict=False)]
    if not isinstance(value, list):
        return choice_of(value, responses) if isinstance(value, str) or numbers else None
    if ranking or (value and all(isinstance(member, dict) for member in value)):
        return scores_of_ranking(value, responses)
    choices = [choice_of(member, responses) for member in value]
    if len(choices) == 1:
        return choices[0]
    places = [choice.places for choice in choices if choice is not None]
    if not places or len(places) < len(choices) or not all(len(one) == 1 for one in places):
        return None
    return Choice(tuple(sorted({one[0] for one in places})))


def _about(answer: Answer, responses: Sequence[Response]) -> int | None:
    """Return the place of the response that an answer rates."""
    if len(answer.about) > 1 or set(parts_of(answer.question)) & {"q", "question"}:
        return None
    places = (_place(name, responses) for name in (*answer.about, answer.question))
    return next((place for place in places if place is not None), None)


def _compared(answer: Answer, responses: Sequence[Response]) -> Sequence[Response]:
    """Return the responses that an answer compares, all where the tool does not say."""
    places = [_place(name, responses) for name in answer.about]
    known = [responses[place] for place in places if place is not None]
    return known if len(known) == len(places) > 1 else responses


def _place(name: str, responses: Sequence[Response]) -> int | None:
    """Return the place of the response that a name is, or whose mark it has."""
    names = [response.name for response in responses]
    if name in names:
        return names.index(name)
    parts = parts_of(name)
    places = [at for at, response in enumerate(responses) if response.mark in parts]
    return places[0] if len(places) == 1 else None


def _without_mark(question: str, response: Response) -> str:
    """Return the name that the ratings of all responses share."""
    own = set(parts_of(response.name))
    rest = [part for part in parts_of(question) if part not in own and part != response.mark]
    return "_".join(rest) or "rating"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _comparing(read: Sequence[Sequence[_Read]], label: str | None) -> list[str]:
    """Return the questions that compare responses: most of their answers name some."""
    known: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for reading in (reading for readings in read for reading in readings):
        verdict, answer = reading.verdict, reading.answer
        if answer.skipped is not None or answer.value in (None, "", []):
            continue
        if not isinstance(verdict, Choice) or verdict.compares:
            answered[reading.criterion] += 1
            known[reading.criterion] += verdict is not None
    if label is not None and label in answered:
        return [label]
    return [name for name in answered if 2 * known[name] >= answered[name] > 0]


def _criteria(asked: Sequence[str]) -> dict[str, str]:
    """Return the criterion of each question; the one that decides is the overall one."""
    if len(asked) == 1:
        return {asked[0]: "overall"}
    by_name = {name.lower(): name for name in asked}
    deciding = next((by_name[name] for name in _DECIDING if name in by_name), None)
    return {name: "overall" if name == deciding else name for name in asked}


def _rows(
    task: Task,
    responses: Sequence[Response],
    readings: Iterable[_Read],
    criteria: Mapping[str, str],
    shown: Shown,
) -> Iterator[Record]:
    further = unshown({**task.fields, **task.metadata}, shown)
    base = {"row": task.row, **plain(further), **prompt_of(task.fields, shown)}
    if len(responses) > 2 and base.get("prompt") is None and "media" not in base:
        # pairs of one ranking are not drawn apart
        base["cluster"] = f"record {task.row}"
    found = False
    for reading in readings:
        # an annotation without any result was asked all questions
        if reading.criterion not in criteria and reading.criterion != UNASKED:
            continue
        found = True
        answer = reading.answer
        label = {
            "annotator": answer.annotator,
            "kind": answer.kind,
            "criterion": criteria.get(reading.criterion),
            "row_id": answer.row_id,
            **answer.extra,
        }
        yield from ({**base, **label, **pair} for pair in _pairs(reading))
    if not found:
        yield {**base, **sides_of(responses[:2]), "problem": "no judgement", "found": "no answer"}


def _pairs(reading: _Read) -> Iterator[Record]:
    answer, verdict, responses = reading.answer, reading.verdict, reading.responses
    problem = None
    if answer.skipped is not None or answer.value in (None, "", []):
        problem, shown = "no judgement", answer.skipped or "empty"
    elif verdict is None:
        problem, shown = "unknown label", f"{answer.question}: {excerpt(answer.value)}"
    if problem is not None or verdict is None or len(responses) < 2:
        yield {**sides_of(responses[:2]), "problem": problem or "unparseable",
               "found": shown if problem else "fewer than two responses"}  # fmt: skip
        return
    raw = answer.value if isinstance(answer.value, str) else None
    for pair in compared_by(verdict, len(responses)):
        sides = sides_of([responses[place] for place in pair.pop("places")])
        yield {**sides, "raw": raw, **pair}
    if isinstance(verdict, Scores):
        for place in set(range(len(responses))) - verdict.values.keys():
            missing = f"{answer.question}: nothing of {responses[place].name}"
            yield {"problem": "no judgement", "found": missing}


def _settings(shown: Shown, criteria: Mapping[str, str]) -> Record:
    return {
        "prompt": ", ".join(shown.prompts),
        "responses": shown.listed or ", ".join(shown.responses.values()),
        "questions": dict(criteria),
    }


def _notes(tasks: Sequence[Task], asked: Sequence[str]) -> list[str]:
    words = [set(parts_of(name)) for name in asked]
    others = {
        answer.question
        for task in tasks
        for answer in task.answers
        if answer.question not in asked
        and answer.skipped is None
        and not any(one <= set(parts_of(answer.question)) for one in words)
    }
    if not others:
        return []
    return ["questions that compare nothing, not read: " + ", ".join(sorted(others))]


def _nothing_shown(tasks: Sequence[Task], tool: str) -> DataError:
    fields = dict.fromkeys(name for task in tasks for name in task.fields)
    return DataError(
        f"The records of {tool} show no two responses that can be told by their names.",
        found="fields " + (", ".join(fields) or "none"),
        expected="fields such as response_1 and response_2, or a list of responses",
        fix='Name them: format=..., mapping={"response_a": ..., "response_b": ..., "label": ...}.',
    )


def _nothing_compared(tasks: Sequence[Task], shown: Shown, tool: str) -> DataError:
    examples: dict[str, Any] = {}
    for answer in (answer for task in tasks for answer in task.answers):
        if answer.value not in (None, "", []):
            examples.setdefault(answer.question, answer.value)
    responses = shown.listed or " and ".join(shown.responses.values())
    return DataError(
        f"No question of {tool} compares the responses ({responses}).",
        found="; ".join(f"{name}: {excerpt(value)}" for name, value in examples.items())
        or "no answers",
        expected="answers that name a response, a side or a tie, rankings, or a rating of each "
        "response",
        fix="Ratings of single texts, labels and notes compare nothing. Where a question does, "
        'name it: mapping={"label": "<question>"} with the format.',
    )
