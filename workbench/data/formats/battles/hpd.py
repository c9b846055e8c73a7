"""HPDv2: people's choices of images, and their rankings in its test file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import by_number, nobody, table, unread
from workbench.data.formats.battles.media import joined, media_names
from workbench.data.formats.printed import nested
from workbench.data.formats.records import Record, excerpt
from workbench.data.formats.single import number

_PATHS = ("file_path", "image_path")
_VOTES = ("raw_annotations", "raw_annotation")
_USED = {*_PATHS, *_VOTES, "prompt", "human_preference", "rank", "user_hash"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate choices (1 the preferred image) or rankings (the lower rank is the better).

    Of a ranked record each person's own ranking is a judgement; the mean ranking of all is kept
    beside it as ``consensus_rank`` and counted only where the file has no other.
    """
    kind = options.get("kind") or "human"
    rows = [
        {"kind": kind, "prompt": record.get("prompt"), **judgement}
        for row, record in enumerate(records.to_pylist(), start=first_row)
        for judgement in _record(row, record, options.get("annotator"))
    ]
    settings = {"rule": "1 is the preferred image; of ranks the lower one is the better"}
    return table(rows, records, first_row, _USED, settings)


def _record(row: int, record: Record, annotator: str | None) -> Iterator[Record]:
    paths = next((nested(record[name]) for name in _PATHS if record.get(name) is not None), None)
    images = [joined(media_names(path)) for path in paths] if isinstance(paths, list) else []
    consensus = _numbers(record.get("rank"), len(images))
    sides: list[Record] = [{"media": image, "image": image} for image in images]
    if consensus is not None:
        sides = [{**s, "consensus_rank": r} for s, r in zip(sides, consensus, strict=True)]
    votes = list(_votes(record, annotator))
    for person, found, lower_is_better in votes:
        numbers = _numbers(found, len(images))
        if numbers is None:
            yield unread(row, f"{len(images)} images, judged {excerpt(found)}")
            continue
        for pair in by_number(sides, numbers, lower_is_better=lower_is_better):
            # of a choice of one of n, those not chosen were not compared
            if lower_is_better or len(images) == 2 or pair["preference"] != 0.5:
                yield {"row": row, "annotator": person, **pair}
    if not votes:
        yield nobody(row, "neither a choice nor a rank")


def _votes(record: Record, annotator: str | None) -> Iterator[tuple[str | None, Any, bool]]:
    """Yield who judged, what was said of each image, and whether the lower number is better."""
    person = record.get("user_hash")
    if record.get("human_preference") is not None:
        yield person or annotator, record["human_preference"], False
        return
    ranked = next((nested(record[name]) for name in _VOTES if record.get(name) is not None), None)
    for vote in ranked if isinstance(ranked, list) else ():
        if isinstance(vote, dict):
            yield vote.get("user_hash") or annotator, vote.get("rank"), True
    if not ranked and record.get("rank") is not None:
        yield person or annotator or "consensus", record["rank"], True


def _numbers(value: Any, n: int) -> list[float] | None:
    value = nested(value)
    if not isinstance(value, list) or len(value) != n or n < 2:
        return None
    return [number(x) for x in value]


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    have = set(columns)
    if "prompt" not in have or not have & set(_PATHS):
        return False
    ranked = "rank" in have and bool(have & set(_VOTES))
    return ranked or {"human_preference", "user_hash"} <= have


FORMAT = Format(
    "hpdv2", "HPDv2 (choices and rankings of images)", _recognise, _translate, whole=True
)
