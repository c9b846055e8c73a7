"""ImageRewardDB: experts' rankings of the images of a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import (
    by_choice,
    by_number,
    nobody,
    shuffled,
    table,
    unread,
)
from workbench.data.formats.battles.media import joined, media_names
from workbench.data.formats.orientation import SHUFFLE_RULE
from workbench.data.formats.printed import nested
from workbench.data.formats.records import Record, excerpt
from workbench.data.formats.single import number

_RATINGS = ("overall_rating", "image_text_alignment_rating", "fidelity_rating")
_IMAGES = ("image_path", "image")
_CHOICE = ("img_better", "img_worse")
_USED = {"prompt_id", "prompt", "rank", *_RATINGS, *_IMAGES, *_CHOICE}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate rows of one image each, records that list a prompt's images, or better and worse.

    The images of a prompt were ranked, 1 the best, with ties. Ratings of each image are kept
    beside it. A file may list the best one first: which image becomes A is decided by content
    and seed.
    """
    seed = int(options.get("seed", 0))
    common = {
        "annotator": options.get("annotator") or "imagereward",
        "kind": options.get("kind") or "human",
    }
    rows = [{**common, **row} for row in _groups(records.to_pylist(), first_row, seed)]
    settings = {
        "rule": "of the images of a prompt the one with the lower rank is preferred",
        "shuffle_seed": seed,
        "shuffle_rule": SHUFFLE_RULE,
    }
    return table(rows, records, first_row, _USED, settings)


def _groups(records: list[Record], first_row: int, seed: int) -> Iterator[Record]:
    groups: dict[str, list[Record]] = {}
    for row, record in enumerate(records, start=first_row):
        images = _images(row, record)
        if _CHOICE[0] in record:
            yield from _choice(row, record, images, seed)
        elif images is None:
            yield unread(row, f"images and ranks: {excerpt(record.get('rank'))}")
        elif isinstance(nested(record.get("rank")), list):
            yield from _ranking(record, images, seed)
        else:
            groups.setdefault(str(record["prompt_id"]), []).extend(images)
    for images in groups.values():
        yield from _ranking(records[images[0]["row"] - first_row], images, seed)


def _images(row: int, record: Record) -> list[Record] | None:
    """Return the images of a record with rank and ratings; None where these do not fit."""
    if _CHOICE[0] in record:
        return [_image(row, record[name], {}) for name in _CHOICE]
    where = next((record[name] for name in _IMAGES if record.get(name) is not None), None)
    said = {name: nested(record.get(name)) for name in ("rank", *_RATINGS)}
    if not isinstance(said["rank"], list):
        return [_image(row, where, said)]
    places = nested(where)
    n = len(said["rank"])
    if not isinstance(places, list) or len(places) != n:
        return None
    known = {name: x for name, x in said.items() if isinstance(x, list) and len(x) == n}
    return [_image(row, places[i], {name: x[i] for name, x in known.items()}) for i in range(n)]


def _image(row: int, where: Any, said: Mapping[str, Any]) -> Record:
    name = joined(media_names(where)) or ""
    numbers = {key: number(value) for key, value in said.items()}
    return {"row": row, "media": name, "image": name, **numbers}


def _ranking(record: Record, images: list[Record], seed: int) -> Iterator[Record]:
    about = _about(record)
    for image in images:
        if image["rank"] != image["rank"]:
            yield nobody(image["row"], "an image without a rank")
    ranked = [image for image in images if image["rank"] == image["rank"]]
    if len(ranked) == 1:
        yield nobody(ranked[0]["row"], "a single ranked image of its prompt")
    ranked = shuffled(ranked, about["prompt"] or "", "media", seed)
    for pair in by_number(ranked, [image["rank"] for image in ranked], lower_is_better=True):
        yield {"row": max(pair.pop("row_a"), pair.pop("row_b")), **about, **pair}


def _choice(row: int, record: Record, images: Any, seed: int) -> Iterator[Record]:
    about = _about(record)
    ordered = shuffled(images, about["prompt"] or "", "media", seed)
    for pair in by_choice(ordered, ordered.index(images[0])):
        pair = {name: value for name, value in pair.items() if name not in ("row_a", "row_b")}
        yield {"row": row, **about, **pair}


def _about(record: Record) -> Record:
    prompt = record.get("prompt")
    return {
        "prompt": prompt if isinstance(prompt, str) else None,
        "cluster": str(record["prompt_id"]),
    }


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    have = set(columns)
    if not {"prompt_id", "prompt"} <= have:
        return False
    return {*_CHOICE} <= have or ({"rank", *_RATINGS} <= have and bool(have & set(_IMAGES)))


FORMAT = Format("image_reward", "ImageRewardDB (ranked images)", _recognise, _translate, whole=True)
