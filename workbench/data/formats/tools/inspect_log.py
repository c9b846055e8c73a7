"""Inspect AI: logs whose samples hold two responses, and logs that grade one response each.

Inspect has no comparison of its own. Where a task puts two responses into the metadata of a
sample, the model's answer is the verdict; a scorer's value C or I says whether it is right,
which is no side. Otherwise the grades of several responses to one sample make pairs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import Record, excerpt
from workbench.data.formats.tools.answers import Choice, choice_of, compared_by
from workbench.data.formats.tools.compared import (
    Response,
    Shown,
    prompt_of,
    responses_of,
    said,
    shown_in,
    speaks,
    unshown,
)
from workbench.data.formats.tools.inspect_folder import records_in
from workbench.data.formats.tools.inspect_grades import comparable, graded
from workbench.data.formats.tools.inspect_samples import Sample, Score, records_of, samples_of
from workbench.data.formats.tools.rows import frame_of, plain, sides_of
from workbench.errors import DataError

_GRADES = {"C", "I", "P", "N"}
"""Correct, incorrect, partial and no answer: never sides."""

_SWAPPED = ("swapped", "is_swapped", "swap", "flipped", "is_flipped", "reversed", "switched")
"""Metadata that say that the second response was shown first."""


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate all samples at once: those of several logs are compared by their ids."""
    samples = samples_of(records, first_row)
    if not samples:
        raise _no_samples()
    shown = shown_in([sample.metadata for sample in samples], options.get("mapping"))
    if shown is None or not _is_pair(shown, samples):
        return graded(samples, options)
    responses = [responses_of(sample.metadata, shown, {}) for sample in samples]
    scorers = _comparing(samples, responses)
    if scorers:
        return _judged(samples, responses, shown, scorers, options)
    if comparable(samples):
        return graded(samples, options)
    raise _no_sides(samples, shown)


def _is_pair(shown: Shown, samples: Sequence[Sample]) -> bool:
    """Tell two responses from other pairs of metadata, and from options of a question."""
    return len(shown.responses) == 2 and speaks(shown) and not any(s.choices for s in samples)


def _judged(
    samples: Sequence[Sample],
    responses: Sequence[list[Response]],
    shown: Shown,
    scorers: Sequence[str],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """Return the judgements of samples that hold the responses in their metadata."""
    criteria = _criteria(samples, scorers)
    gold: set[tuple[Any, ...]] = set()
    rows: list[Record] = []
    for sample, those in zip(samples, responses, strict=True):
        base = _base(sample, shown)
        order = "ba" if _is_turned(sample) else "ab"
        for verdict, score in _said(sample, those, scorers):
            label = {
                "annotator": (score and score.grader) or sample.log.model,
                "kind": "llm",
                "criterion": criteria[score.name] if score else "overall",
                "order_shown": order,
                "raw": _raw(sample, score),
            }
            rows += _rows({**base, **label}, verdict, those)
        # the right answer is one, however often the sample was answered
        key = (sample.log.task, sample.id, excerpt(sample.target))
        right = _choice(sample.target, sample, those)
        if right is not None and key not in gold:
            gold.add(key)
            label = {"annotator": "gold", "kind": "objective", "raw": str(sample.target)}
            rows += _rows({**base, **label}, right, those)
    settings = {
        "prompt": ", ".join(shown.prompts) or "input",
        "responses": ", ".join(shown.responses.values()),
        "scorers": criteria,
    }
    return frame_of(rows, options, settings)


def _is_turned(sample: Sample) -> bool:
    return any(_is_set(sample.metadata.get(name)) for name in _SWAPPED)


def _is_set(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("true", "yes", "1")
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def _choice(value: Any, sample: Sample, responses: Sequence[Response]) -> Choice | None:
    """Return the verdict in a text; its letters are places, which a sample may have turned."""
    choice = choice_of(value, responses) if isinstance(value, str) else None
    if choice is None or not _is_turned(sample):
        return choice
    own = {name for response in responses for name in (response.value, response.model)}
    if value.strip() in own:
        return choice
    return replace(choice, places=tuple(1 - place for place in choice.places))


def _read(score: Score, sample: Sample, responses: Sequence[Response]) -> Choice | None:
    """Return the verdict that a score holds: its value, or the answer that a grade is of."""
    if isinstance(score.value, str) and score.value not in _GRADES:
        return _choice(score.value, sample, responses)
    return None if score.part is not None else _choice(score.answer, sample, responses)


def _comparing(samples: Sequence[Sample], responses: Sequence[list[Response]]) -> list[str]:
    """Return the scores that name a side in every second reading at least."""
    known: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for sample, those in zip(samples, responses, strict=True):
        for score in sample.scores:
            if score.unread or (score.answer is None and score.value in _GRADES):
                continue
            choice = _read(score, sample, those)
            if choice is None or choice.compares:
                given[score.name] += 1
                known[score.name] += choice is not None
    return [name for name in given if 2 * known[name] >= given[name]]


def _criteria(samples: Sequence[Sample], scorers: Sequence[str]) -> dict[str, str]:
    """Return the criterion of each score: the one that the log puts first decides."""
    first = samples[0].log.headline
    return {name: "overall" if len(scorers) == 1 or name == first else name for name in scorers}


def _said(
    sample: Sample, responses: Sequence[Response], scorers: Sequence[str]
) -> Iterator[tuple[Choice, Score | None]]:
    """Return the verdicts on a sample; one that could not be read has failed."""
    scores = [score for score in sample.scores if score.name in scorers]
    if not scores:
        failed = sample.error is not None
        yield Choice(reason="failed") if failed else Choice(problem="no judgement"), None
    for score in scores:
        yield _read(score, sample, responses) or Choice(reason="failed"), score


def _raw(sample: Sample, score: Score | None) -> str | None:
    if score is None:
        return sample.error
    value = score.value if isinstance(score.value, str) and score.value not in _GRADES else None
    return value or score.answer or sample.reply or score.explanation


def _base(sample: Sample, shown: Shown) -> Record:
    return {
        "row": sample.row,
        "file": sample.file,
        **plain(unshown(sample.metadata, shown)),
        "sample_id": sample.id,
        **(prompt_of(sample.metadata, shown) or said(sample.input, "prompt")),
    }


def _rows(base: Record, verdict: Choice, responses: Sequence[Response]) -> Iterator[Record]:
    for pair in compared_by(verdict, len(responses)):
        sides = sides_of([responses[place] for place in pair.pop("places")])
        found = {"found": "no score"} if "problem" in pair else {}
        yield {**base, **sides, **found, **pair}


def _no_samples() -> DataError:
    return DataError(
        "The log of Inspect AI holds no samples.",
        found="a header without samples",
        expected="samples with scores",
        fix="Run the evaluation with log_samples, and load the log that it writes.",
    )


def _no_sides(samples: Sequence[Sample], shown: Shown) -> DataError:
    example = next((score for sample in samples for score in sample.scores), None)
    found = "no scores"
    if example is not None:
        found = f"{example.name}: value {excerpt(example.value)}, answer {excerpt(example.answer)}"
    return DataError(
        "No scorer of the Inspect log names one of the two responses.",
        found=found,
        expected="an answer such as A, B or tie; the responses are "
        + " and ".join(shown.responses.values()),
        fix="Score the samples by a scorer whose answer is the verdict alone, such as "
        "pattern() around the letter.",
    )


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) >= {"log", "sample"} and any(
        str(record["log"]).startswith('{"task"') for record in records
    )


FORMAT = Format(
    "inspect",
    "Inspect AI logs",
    _recognise,
    _translate,
    records_of=records_of,
    whole=True,
    of_folder=records_in,
)
