"""Collective Alignment (CoVal): people's rankings of four replies, for themselves and the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import by_number, nobody, table, unread
from workbench.data.formats.messages import as_messages, render, to_json
from workbench.data.formats.printed import nested
from workbench.data.formats.records import Record, excerpt

_USED = {"prompt", "responses", "metadata", "assessments", "ranking_blocks", "annotator_id",
         "prompt_id"}  # fmt: skip
_SETTINGS = {"rule": "of two replies the one ranked higher is preferred, = is a tie"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate rankings such as ``A>B=C>D``, whose letters name the replies.

    Each block (``personal``, ``world``) is a criterion. Rankings of one prompt are of the same
    replies, so that the prompt's id is the cluster.
    """
    rows: list[Record] = []
    for row, record in enumerate(records.to_pylist(), start=first_row):
        rows += [
            {"kind": options.get("kind") or "human", **judgement}
            for judgement in _record(row, record, options.get("annotator"))
        ]
    return table(rows, records, first_row, _USED, _SETTINGS)


def _record(row: int, record: Record, annotator: str | None) -> Iterator[Record]:
    prompt = nested(record.get("prompt"))
    asked = as_messages(prompt.get("messages") if isinstance(prompt, dict) else prompt)
    replies = _replies(nested(record.get("responses")))
    if asked is None or len(replies) < 2:
        what = "prompt" if asked is None else "responses"
        yield unread(row, f"{what}: {excerpt(record.get(what))}")
        return
    ranked = False
    for person, criterion, ranking, why in _rankings(record):
        ranked = True
        ranks = _ranks(ranking, list(replies))
        if ranks is None:
            yield unread(row, f"ranking: {excerpt(ranking)}")
            continue
        common = {
            "row": row,
            "prompt": render(asked),
            "prompt_messages": to_json(asked),
            "cluster": None if record.get("prompt_id") is None else str(record["prompt_id"]),
            "annotator": annotator if person is None else str(person),
            "criterion": criterion,
            "raw": ranking,
            "rationale": why,
        }
        for pair in by_number(list(replies.values()), ranks, lower_is_better=True):
            yield {**common, **pair}
    if not ranked:
        yield nobody(row, "no ranking")


def _replies(value: Any) -> dict[str, Record]:
    """Return the replies by letter."""
    replies: dict[str, Record] = {}
    for item in value if isinstance(value, list) else ():
        messages = as_messages(item.get("messages")) if isinstance(item, dict) else None
        if messages is not None:
            replies[str(item.get("response_index")).strip().upper()] = {
                "response": render(messages),
                "response_messages": to_json(messages),
                "model": item.get("model"),
                "letter": item.get("response_index"),
            }
    return replies


def _rankings(record: Record) -> Iterator[tuple[Any, str, str, Any]]:
    """Yield person, criterion, ranking and rationale, wherever the file keeps assessments."""
    about = nested(record.get("metadata"))
    assessments = about.get("assessments") if isinstance(about, dict) else None
    assessments = nested(assessments or record.get("assessments")) or [record]
    for assessment in assessments if isinstance(assessments, list) else [assessments]:
        person = assessment.get("annotator_id", record.get("annotator_id"))
        blocks = nested(assessment.get("ranking_blocks"))
        for criterion, block in (blocks if isinstance(blocks, dict) else {}).items():
            for entry in block if isinstance(block, list) else [block]:
                ranking = entry.get("ranking") if isinstance(entry, dict) else None
                if isinstance(ranking, str) and ranking.strip():
                    yield person, str(criterion), ranking, entry.get("rationale")


def _ranks(ranking: str, letters: list[str]) -> list[float] | None:
    """Return the rank of each letter, NaN where it is not ranked; None if it is no ranking."""
    ranks: dict[str, float] = {}
    for rank, level in enumerate(ranking.upper().split(">"), start=1):
        for letter in level.split("="):
            if letter.strip() not in letters or letter.strip() in ranks:
                return None
            ranks[letter.strip()] = float(rank)
    return [ranks.get(letter, float("nan")) for letter in letters]


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    ranked = {"metadata", "assessments", "ranking_blocks"} & have
    if not {"prompt", "responses"} <= have or not ranked:
        return False
    return any(next(_rankings(record), None) for record in records)


FORMAT = Format(
    "coval", "Collective Alignment rankings (CoVal)", _recognise, _translate, whole=True
)
