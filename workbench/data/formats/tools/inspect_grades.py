"""Grades of single responses in Inspect AI's logs, made pairs by a recorded rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from workbench.data.formats.messages import to_json
from workbench.data.formats.records import Record, excerpt
from workbench.data.formats.single import number
from workbench.data.formats.tools.answers import Scores, compared_by
from workbench.data.formats.tools.compared import said
from workbench.data.formats.tools.inspect_samples import Sample, Score
from workbench.data.formats.tools.rows import frame_of, plain
from workbench.errors import DataError

_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_FLAGS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}

_OBJECTIVE = {
    "match", "includes", "pattern", "answer", "choice", "exact", "f1", "math", "prefix",
    "perplexity", "target_perplexity",
}  # fmt: skip
"""Inspect's own scorers that ask no model."""

_HIGHER = {"accuracy", "f1", "exact"}
"""Metrics and scorers whose numbers are better the higher they are."""

_BETWEEN_LOGS = "responses of different logs to one sample and epoch"
_BETWEEN_EPOCHS = "responses of one model to one sample, of different epochs"
_RULE = "the better grade is preferred (C above P above I and N), equal grades are a tie"


def graded(samples: Sequence[Sample], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the judgements that grades of responses to one sample make.

    Where a sample was answered in several logs, responses of the same epoch are compared;
    else those of different epochs of its log.

    Parameters
    ----------
    samples : list of Sample
        Of all logs.
    options : mapping
        Reader options.

    Raises
    ------
    DataError
        No two responses to one sample, or no grades of which it is known which is better.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from workbench.data.formats.tools.inspect_samples import records_of, samples_of
    >>> log = {"eval": {"task": "t", "eval_id": "e"}, "samples": [
    ...     {"id": 1, "epoch": n, "scores": {"match": {"value": value}}}
    ...     for n, value in enumerate("CI", start=1)]}
    >>> samples = samples_of(pa.Table.from_pylist(records_of(log)), 1)
    >>> graded(samples, {})["preference"].tolist()
    [1.0]
    """
    groups: dict[tuple[Any, ...], list[Sample]] = {}
    for sample in samples:
        groups.setdefault(_asked(sample), []).append(sample)
    if not comparable(samples):
        raise _alone(samples)
    several = _scorers(samples)
    rows: list[Record] = []
    ways: set[str] = set()
    unread: dict[str, Any] = {}
    for group in groups.values():
        way, pairs = _pairs(group)
        if not pairs:
            found = f"sample {group[0].id}: answered once"
            place = {"row": group[0].row, "file": group[0].file}
            rows.append({**place, "problem": "no judgement", "found": found})
            continue
        ways.add(way)
        for a, b in pairs:
            rows += _judgements(a, b, several, unread)
    if not any("preference" in row for row in rows):
        raise _no_grades(unread)
    notes = [f"which number is better is not said, not read: {name}" for name in unread]
    return frame_of(rows, options, {"rule": _RULE, "pairs": "; ".join(sorted(ways))}, notes)


def comparable(samples: Sequence[Sample]) -> bool:
    """Tell whether a sample was answered more than once.

    Examples
    --------
    >>> comparable([])
    False
    """
    return len({_asked(sample) for sample in samples}) < len(samples)


def _asked(sample: Sample) -> tuple[Any, ...]:
    return sample.log.task, sample.id, to_json([{"content": sample.input}])


def _pairs(group: Sequence[Sample]) -> tuple[str, list[tuple[Sample, Sample]]]:
    between = [
        (a, b) for a, b in combinations(group, 2) if a.log.name != b.log.name and a.epoch == b.epoch
    ]
    if len({sample.log.name for sample in group}) > 1:
        return _BETWEEN_LOGS, between
    return _BETWEEN_EPOCHS, list(combinations(group, 2))


def _scorers(samples: Sequence[Sample]) -> dict[str, set[str]]:
    """Return the scorers by who judges through them."""
    found: dict[str, set[str]] = {}
    for score in (score for sample in samples for score in sample.scores):
        found.setdefault(_judge(score)[0], set()).add(score.scorer)
    return found


def _judge(score: Score) -> tuple[str, str]:
    """Return who judged through a scorer, and of what kind."""
    if score.grader is not None:
        return score.grader, "llm"
    bare = score.scorer.rsplit("/", 1)[-1]
    return score.scorer, "objective" if bare in _OBJECTIVE else "unknown"


def _judgements(
    a: Sample, b: Sample, several: dict[str, set[str]], unread: dict[str, Any]
) -> Iterator[Record]:
    base = _base(a, b)
    trouble = next((s.error for s in (a, b) if s.error is not None and not s.scores), None)
    if trouble is not None:
        yield {**base, "problem": "no judgement", "found": f"sample error: {excerpt(trouble)}"}
        return
    others = {(score.scorer, score.part): score for score in b.scores}
    for first in a.scores:
        second = others.get((first.scorer, first.part))
        if second is None:
            continue
        grades = [_grade(sample, score) for sample, score in ((a, first), (b, second))]
        if any(grade is None for grade in grades):
            unread.setdefault(first.scorer, first.value)
            continue
        annotator, kind = _judge(first)
        name = first.scorer if len(several[annotator]) > 1 else "overall"
        label = {"annotator": annotator, "kind": kind, "criterion": first.part or name}
        values = {at: grade for at, grade in enumerate(grades) if grade is not None}
        for pair in compared_by(Scores(values), 2):
            del pair["places"]
            yield {**base, **label, "raw": _raw(first, second), **pair}


def _raw(first: Score, second: Score) -> str | None:
    """Return what stood where no grade was found."""
    return next((score.explanation for score in (first, second) if score.unread), None)


def _grade(sample: Sample, score: Score) -> float | None:
    """Return a grade as a number, NaN where none was found; None where none is known."""
    value = score.value
    if score.unread:
        return math.nan
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        known = _GRADES.get(value, _FLAGS.get(value.lower()))
        return known if known is not None else _directed(sample, score, number(value))
    return _directed(sample, score, number(value))


def _directed(sample: Sample, score: Score, value: float) -> float | None:
    """Return a number where the log says that the higher one is better: by its metrics."""
    metrics = str(sample.log.scorers.get(score.scorer, {}).get("metrics"))
    known = any(f"{name}'" in metrics for name in _HIGHER)
    bare = score.scorer.rsplit("/", 1)[-1]
    return value if math.isfinite(value) and (known or bare in _HIGHER) else None


def _base(a: Sample, b: Sample) -> Record:
    base = {
        "row": a.row,
        "file": a.file,
        **plain(a.metadata),
        "sample_id": a.id,
        **said(a.input, "prompt"),
    }
    for letter, sample in (("a", a), ("b", b)):
        base |= said(sample.reply, "response", letter)
        base[f"model_{letter}"] = sample.log.model
        base[f"epoch_{letter}"] = sample.epoch
        base[f"solver_{letter}"] = sample.log.solver
    return base


def _alone(samples: Sequence[Sample]) -> DataError:
    scores = samples[0].scores
    graded_by = ", ".join(sorted({score.scorer for score in scores})) or "no scorer"
    return DataError(
        "The Inspect log grades one response to each sample: nothing is compared.",
        found=f"{len(samples):,} samples, each answered once; scored by {graded_by}",
        expected="two logs of one task, several epochs, or two responses in a sample's metadata",
        fix="Load the logs of two models together, or run the task with epochs.",
    )


def _no_grades(unread: dict[str, Any]) -> DataError:
    return DataError(
        "No scorer of the Inspect logs says which response is better.",
        found="; ".join(f"{name}: {excerpt(value)}" for name, value in unread.items())
        or "no scores that both responses have",
        expected="grades C, P, I and N, flags, or numbers with the metric accuracy",
        fix='Export the scores as a table and state which way is better: rule={"columns": [...]}.',
    )
