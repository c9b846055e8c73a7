"""Ranked or rated lists of responses: Nectar, distilabel, Stack Exchange, best of n."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items
from workbench.data.formats.rated.completions import Listed, translate_lists
from workbench.data.formats.rated.pairing import Rule, rule_of
from workbench.data.formats.rated.unfolded import named, spoken
from workbench.data.formats.records import Record
from workbench.data.formats.single import number, scalars
from workbench.errors import DataError

_PROMPTS = ("instruction", "prompt", "question", "query", "input")
_LISTS = ("answers", "generations", "responses", "completions", "candidates", "outputs")
_TEXTS = ("response", "answer", "text", "content", "completion", "output", "generation")
_OF_OBJECTS = ("rank", "rating", "score", "pm_score", "overall_rating", "reward")
_BESIDE = ("ranks", "rank", "ratings", "rating", "scores", "rewards")
_MODELS = ("generation_models", "generation_model", "models", "model_names")
_JUDGES = ("ultrafeedback_model_name", "model_name", "labelling_model", "judge")
_RANKS = ("rank", "ranks")
_KNOWN = {
    "pm_score": {"annotator": "stackexchange", "kind": "human"},
    "reward": {"kind": "reward_model"},
    "rewards": {"kind": "reward_model"},
}


class _Layout(NamedTuple):
    """Where a file holds its lists.

    Attributes
    ----------
    texts : str
        Column of the responses.
    rating : str
        Column of the numbers beside it, or their field in the list's objects.
    beside : bool
        The numbers have a column.
    """

    texts: str
    rating: str
    beside: bool


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate lists of objects with a text and a number each, or lists side by side.

    Of ranks the lowest is the best, of anything else the highest. All pairs of a list are
    one judgement: they share the prompt, which is their cluster.
    """
    columns = records.column_names
    layout = _layout(columns, records.slice(0, 100).to_pylist())
    layout = layout or _layout(columns, records.to_pylist())
    if layout is None:
        raise DataError(
            "The file holds no lists of rated responses.",
            found="columns " + ", ".join(columns),
            expected="a prompt, and a list of responses with a rank or a rating each",
            fix="Leave format out to have it recognised by content.",
        )
    default = Rule((layout.rating,), lower=layout.rating in _RANKS)
    rule = rule_of(options.get("rule"), default)

    def read(record: Record) -> Listed:
        shared = _judge(record, layout) | _prompt(record)
        judge = _named_judge(record)
        says = {} if judge is None else {"annotator": judge}
        listed = items(record.get(layout.texts))
        if not layout.beside:
            objects = [fields(item) for item in listed]
            ratings = [{layout.rating: number(item.get(layout.rating))} for item in objects]
            return Listed(
                shared, [_response(item, layout.rating) for item in objects], ratings, says
            )
        models = next((items(record[name]) for name in _MODELS if record.get(name)), [])
        numbers = items(record.get(layout.rating))
        return Listed(
            shared,
            [
                {**spoken(text, "response"), "model": named(model)}
                for text, model in zip(listed, _padded(models, len(listed)), strict=True)
            ],
            [{layout.rating: number(value)} for value in _padded(numbers, len(listed))],
            says,
        )

    used = {*_PROMPTS, *_MODELS, *_JUDGES, layout.texts, *([layout.rating] * layout.beside)}
    return translate_lists(records, first_row, options, read, rule, used)


def _layout(columns: Iterable[str], records: list[Record]) -> _Layout | None:
    have = set(columns)
    if have & {"chosen", "rejected", "image_path"} or not have & set(_PROMPTS):
        return None
    for name in (name for name in _LISTS if name in have):
        first = next((found for r in records if (found := items(r.get(name)))), [])
        item = fields(first[0]) if first else {}
        field = next((key for key in _OF_OBJECTS if key in item), None)
        if field is not None and any(key in item for key in _TEXTS):
            return _Layout(name, field, beside=False)
        numbers = (key for key in _BESIDE if key in have and _is_numbers(records, key))
        beside = next(numbers, None)
        if beside is not None and first and not item:
            return _Layout(name, beside, beside=True)
    return None


def _is_numbers(records: list[Record], name: str) -> bool:
    """Tell whether a column holds lists of numbers."""
    listed = [value for record in records for value in items(record.get(name))]
    return any(number(value) == number(value) for value in listed)


def _judge(record: Record, layout: _Layout) -> Record:
    """Return who rated: GPT-4 in Nectar, the model that distilabel names."""
    if layout.texts == "answers" and layout.rating == "rank" and "num_responses" in record:
        return {"annotator": "gpt-4", "kind": "llm"}
    judge = _named_judge(record)
    if layout.texts == "generations" and layout.beside:
        return {"annotator": judge or "ratings", "kind": "llm"}
    return {"annotator": judge, "kind": "unknown"} | _KNOWN.get(layout.rating, {})


def _named_judge(record: Record) -> str | None:
    return next((named(record[n]) for n in _JUDGES if record.get(n) is not None), None)


def _prompt(record: Record) -> Record:
    asked = next((record[name] for name in _PROMPTS if record.get(name) is not None), None)
    return spoken(asked, "prompt")


def _response(item: Record, rating: str) -> Record:
    name = next((name for name in _TEXTS if name in item), "")
    used = (name, "model", rating)
    said = spoken(item.get(name), "response")
    return {**scalars(item, used), **said, "model": named(item.get("model"))}


def _padded(values: list[Any], n: int) -> list[Any]:
    return [*values, *[None] * (n - len(values))][:n]


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return _layout(columns, records) is not None


FORMAT = Format(
    "ranked_lists", "Ranked or rated lists (Nectar, distilabel)", _recognise, _translate
)
