"""Reviews of the first Vicuna benchmark (2023), and of the studies that took over its layout."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.places import by_scores, verdict
from workbench.data.formats.judged.review_folder import NAMES, named_in, review_records
from workbench.data.formats.judged.shown import both_chats, chat_of
from workbench.data.formats.nested import items
from workbench.data.formats.records import Record, require
from workbench.data.formats.single import number, scalars, translate

_NEEDED = ("question_id", "score")
_FIRST = {1.0: 1.0, 2.0: 0.0, 3.0: 0.5}
"""1 is the answer shown first, 2 the second, 3 a tie; anything else (-1) was not read."""

_USED = {
    *_NEEDED, *NAMES, "review_id", "answer1_id", "answer2_id", "reviewer_id", "text", "metadata",
    "scores", "question", "answer_1", "answer_2", "category", "unordered",
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate reviews: the answer shown first is side A.

    ``score`` is a choice of 1, 2 and 3, or a list of two ratings, the higher the better. A
    review names its answers by id; models and texts come from the folder, or the models from
    the file's name.
    """
    require(records, _NEEDED, "reviews of the Vicuna benchmark")
    found = named_in(str(options.get("source") or ""))

    def read(record: Record) -> Iterable[Record]:
        return [_review({**found, **{k: v for k, v in record.items() if v is not None}}, options)]

    return translate(records, first_row, read, {})


def _review(record: Record, options: Mapping[str, Any]) -> Record:
    question = str(record.get("question_id"))
    named = record.get("judge")
    ids = [str(record[f"answer{k}_id"]) for k in (1, 2) if record.get(f"answer{k}_id") is not None]
    told = record.get("model_1") is not None or record.get("answer_1") is not None
    asked = [record.get("question")]
    return {
        **scalars(record, _USED),
        "prompt": record.get("question"),
        **both_chats(*(chat_of(asked, [record.get(f"answer_{k}")]) for k in (1, 2))),
        "model_a": record.get("model_1"),
        "model_b": record.get("model_2"),
        # ids of answers stand for models that nothing names
        "item": f"question {question}" if told else f"question {question}: {', '.join(ids)}",
        "cluster": question,
        "scenario": record.get("category"),
        "row_id": record.get("review_id"),
        "annotator": named or options.get("annotator") or "gpt-4",
        "kind": "human" if named == "human" else options.get("kind") or "llm",
        **_verdict(record),
    }


def _verdict(record: Record) -> Record:
    order = None if record.get("unordered") else "ab"
    # in the files of people text is the question, not a review
    raw = record.get("text") if record.get("review_id") is not None else None
    ratings = [number(score) for score in items(record.get("scores") or record.get("score"))]
    if len(ratings) == 2:
        read = [score if score >= 0 else math.nan for score in ratings]
        rated = {"score_a": read[0], "score_b": read[1]}
        return {**rated, **by_scores(*read, raw=raw), "order_shown": order}
    score = record.get("score")
    return verdict(_FIRST.get(number(score), math.nan), order, raw=score if raw is None else raw)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return {"answer1_id", "answer2_id", *_NEEDED} <= set(columns)


FORMAT = Format(
    "fastchat_reviews",
    "Reviews of the Vicuna benchmark (2023)",
    _recognise,
    _translate,
    of_folder=review_records,
)
