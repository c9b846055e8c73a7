"""Samples of Inspect AI's logs, as the readers of verdicts and of grades need them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.data.formats.messages import text_of
from workbench.data.formats.nested import fields, items
from workbench.data.formats.records import Record

_OF_SAMPLE = ("id", "epoch", "input", "target", "choices", "metadata", "output", "scores", "error")
_OF_EVAL = ("task", "model", "eval_id", "run_id", "created", "scorers", "model_roles", "solver")
_GRADERS = ("model_graded_qa", "model_graded_fact")


@dataclass(frozen=True)
class Log:
    """What a log says of all its samples.

    Attributes
    ----------
    name : str
        Tells the log from others.
    task, model, solver : str or None
    scorers : dict of str to dict
        What the log says of each scorer.
    grader : str or None
        The model that grades, where the log names one for the task.
    headline : str or None
        The score that the log puts first.
    """

    name: str
    task: str | None
    model: str | None
    solver: str | None
    scorers: dict[str, Record]
    grader: str | None
    headline: str | None


@dataclass(frozen=True)
class Score:
    """One value that a scorer gave a sample.

    Attributes
    ----------
    scorer : str
    part : str or None
        Key of a scorer that gives several values.
    value : object
    answer, explanation : str or None
    grader : str or None
        The model whose reply the score was read from, where the scorer names one.
    """

    scorer: str
    part: str | None
    value: Any
    answer: str | None
    explanation: str | None
    grader: str | None

    @property
    def name(self) -> str:
        """Name of the scorer, with the part that it is."""
        return self.scorer if self.part is None else f"{self.scorer}.{self.part}"

    @property
    def unread(self) -> bool:
        """No grade was found in a reply: Inspect writes NaN."""
        return self.value is None or (isinstance(self.value, float) and math.isnan(self.value))


@dataclass(frozen=True)
class Sample:
    """One sample of a log.

    Attributes
    ----------
    row : int
    file : str or None
        Where samples come from several files.
    log : Log
    id : str
    epoch : int
    input, target : object
    choices : list
        Options of a question.
    metadata : dict
    reply : str or None
        What the model answered at last.
    scores : list of Score
    error : str or None
    """

    row: int
    file: str | None
    log: Log
    id: str
    epoch: int
    input: Any
    target: Any
    choices: list[Any]
    metadata: Record
    reply: str | None
    scores: list[Score]
    error: str | None


def records_of(document: Any) -> list[Record] | None:
    """Return the samples of a log, None where a document is no log of Inspect AI.

    Sample and log are kept as JSON, for values of all types stand in the same places.

    Examples
    --------
    >>> log = {"version": 2, "eval": {"task": "t"}, "samples": [{"id": 1, "epoch": 1}]}
    >>> records_of(log)[0]["sample"], records_of({"samples": []}) is None
    ('{"id": 1, "epoch": 1}', True)
    """
    if not isinstance(document, dict) or not isinstance(document.get("eval"), dict):
        return None
    if not isinstance(document.get("samples"), list) or "task" not in document["eval"]:
        return None
    log = json.dumps({key: document["eval"].get(key) for key in _OF_EVAL} | _of_log(document))
    return [
        {"log": log, "sample": json.dumps({key: one[key] for key in _OF_SAMPLE if key in one})}
        for one in document["samples"]
        if isinstance(one, dict)
    ]


def samples_of(records: pa.Table, first_row: int) -> list[Sample]:
    """Return the samples of a table whose rows :func:`records_of` made.

    Examples
    --------
    >>> log = {"eval": {"task": "t", "eval_id": "e"}, "samples": [{"id": 1, "scores": {
    ...     "match": {"value": "C", "answer": "A"}}}]}
    >>> [sample] = samples_of(pa.Table.from_pylist(records_of(log)), 1)
    >>> sample.id, sample.scores[0].name, sample.scores[0].answer
    ('1', 'match', 'A')
    """
    if "sample" not in records.column_names:
        return []
    logs: dict[str, Log] = {}
    samples = []
    for row, record in enumerate(records.to_pylist(), start=first_row):
        log = logs.get(record["log"])
        if log is None:
            log = logs[record["log"]] = _log(json.loads(record["log"]))
        place = (record.get("row") or row, record.get("file"))
        samples.append(_sample(place, log, json.loads(record["sample"])))
    return samples


def _of_log(document: Record) -> Record:
    steps = items(fields(document.get("plan")).get("steps"))
    names = [str(fields(step).get("solver")) for step in steps]
    headline = fields(fields(document.get("results")).get("headline"))
    scorer, score = headline.get("scorer"), headline.get("score")
    first = scorer if scorer == score or score is None else f"{scorer}.{score}"
    return {"steps": " > ".join(names), "headline": first}


def _log(about: Record) -> Log:
    scorers = {str(one.get("name")): one for one in map(fields, items(about.get("scorers")))}
    roles = fields(about.get("model_roles"))
    grader = fields(roles.get("grader")).get("model", roles.get("grader"))
    name = about.get("eval_id") or about.get("run_id") or f"{about['model']} {about['created']}"
    return Log(
        str(name),
        _text(about.get("task")),
        _text(about.get("model")),
        _text(about.get("solver")) or about.get("steps") or None,
        scorers,
        grader if isinstance(grader, str) else None,
        _text(about.get("headline")),
    )


def _sample(place: tuple[int, str | None], log: Log, sample: Record) -> Sample:
    error = sample.get("error")
    target = sample.get("target")
    return Sample(
        *place,
        log,
        str(sample.get("id")),
        int(sample.get("epoch") or 1),
        sample.get("input"),
        target[0] if isinstance(target, list) and len(target) == 1 else target,
        items(sample.get("choices")),
        {key: item for key, item in fields(sample.get("metadata")).items() if item is not None},
        _reply(fields(sample.get("output"))),
        list(_scores(log, fields(sample.get("scores")))),
        str(fields(error).get("message") or "error") if error else None,
    )


def _reply(output: Record) -> str | None:
    choices = [fields(choice) for choice in items(output.get("choices"))]
    messages = [fields(choice.get("message")) for choice in choices]
    if messages and messages[0].get("content") is not None:
        return text_of({"content": messages[0]["content"]})
    return _text(output.get("completion"))


def _scores(log: Log, scores: Record) -> Iterator[Score]:
    for name, given in scores.items():
        score = fields(given)
        value = score.get("value")
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        for part, found in parts:
            yield Score(
                name,
                part,
                found,
                _text(score.get("answer")),
                _text(score.get("explanation")),
                _grader(log, name, score),
            )


def _grader(log: Log, scorer: str, score: Record) -> str | None:
    """Return the model that graded: of the reply kept, else as the scorer was set up."""
    replies = [fields(one) for one in items(fields(score.get("metadata")).get("grading"))]
    named = [reply["model"] for reply in replies if isinstance(reply.get("model"), str)]
    if named:
        return str(named[-1])
    about = log.scorers.get(scorer, {})
    model = fields(about.get("options")).get("model")
    if isinstance(model, str):
        return model
    # without another model, a model-graded scorer asks the one that it grades
    graded = _bare(scorer) in _GRADERS
    return (log.grader or log.model) if graded else None


def _bare(scorer: str) -> str:
    return scorer.rsplit("/", 1)[-1]


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, list | dict) else str(value)
