"""What reward models and judges said on RewardBench 1 and 2: scores, or right and wrong."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.bench_folder import stem_of
from workbench.data.formats.judged.places import by_scores, verdict
from workbench.data.formats.judged.reward_bench import EXPANDED
from workbench.data.formats.judged.templated import as_list, oriented
from workbench.data.formats.nested import items
from workbench.data.formats.orientation import SHUFFLE_RULE, chosen_is_a
from workbench.data.formats.records import Record, Unreadable, excerpt, with_columns
from workbench.data.formats.single import gathered, number, scalars
from workbench.errors import DataError

_ONE = {"text_chosen", "text_rejected"}
_TWO = {"text", "scores", "num_correct"}
_BARE = {"chosen", "rejected"}
_USED = {
    *_ONE, *_TWO, *_BARE, "results", "scores_chosen", "scores_rejected", "subset", "id", "model",
    "model_type", "chat_template",
}  # fmt: skip
_GOLD = {"annotator": "gold", "kind": "objective"}
_Judged = tuple[Record, bool, Record]
# a pair, whether its side A is the right one, and the model's verdict

_HALF = (
    "0.5 of a generative judge is a tie, or a verdict that could not be read: the file does not "
    "tell them apart"
)


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate scores: each pair has the benchmark's label and the model's.

    The model prefers the response with the higher score; a generative judge has no scores,
    and ``results`` says whether it was right (1, 0, or 0.5). Version 2 lists all responses to
    a prompt, the right ones first: every right one is compared with every wrong one.
    """
    names = set(records.column_names)
    if not any(wanted <= names for wanted in (_ONE, _TWO, _BARE)):
        raise DataError(
            "The file is none of RewardBench's scores.",
            found="columns " + (", ".join(records.column_names) or "none"),
            expected="text_chosen and text_rejected; text, scores and num_correct; or two scores",
            fix="Leave format out to have it recognised by content.",
        )
    seed = int(options.get("seed") or 0)
    settings = {"shuffle_rule": SHUFFLE_RULE, "shuffle_seed": str(seed)}
    if names >= _TWO:
        settings["expansion"] = EXPANDED
    numbered = enumerate(records.to_pylist(), start=first_row)
    with_rows = ((row, {**record, "at": row}) for row, record in numbered)

    def read(record: Record) -> list[Record]:
        model = _model(record, options)
        return [
            {**pair, **label}
            for pair, first, of_model in _pairs(record, names, seed)
            for label in ({**verdict(float(first)), **_GOLD}, {**of_model, **model})
        ]

    frame = with_columns(gathered(with_rows, read, settings), ("kind",))
    if (frame["kind"].eq("llm") & frame["preference"].eq(0.5)).any():
        frame.attrs["notes"] = (_HALF,)
    return frame


def _model(record: Record, options: Mapping[str, Any]) -> Record:
    source = re.sub("_(outputs|all)$", "", stem_of(Path(str(options.get("source") or ""))))
    scored = any(record.get(name) is not None for name in ("scores_chosen", "scores", "chosen"))
    return {
        "annotator": record.get("model") or options.get("annotator") or source or "reward model",
        "kind": options.get("kind") or ("reward_model" if scored else "llm"),
    }


def _pairs(record: Record, names: set[str], seed: int) -> Iterator[_Judged]:
    """Yield the pairs of a record, each with the model's verdict on it."""
    if names >= _ONE:
        yield _first_version(record, seed)
    elif names >= _TWO:
        yield from _second_version(record, seed)
    else:
        # two scores a line: the benchmark's rows in order, without their texts
        first = chosen_is_a(str(record["at"]), "chosen", "rejected", seed)
        yield _scored({}, first, _score(record.get("chosen")), _score(record.get("rejected")))


def _first_version(record: Record, seed: int) -> _Judged:
    texts, first = oriented(record.get("text_chosen"), record.get("text_rejected"), seed)
    pair = {**_about(record), **texts}
    sides = [record.get(f"scores_{side}") for side in ("chosen", "rejected")]
    if sides != [None, None]:
        return _scored(pair, first, *map(_score, sides))
    right = _score(record.get("results"))
    if not (math.isnan(right) or 0.0 <= right <= 1.0):
        raise Unreadable(f"results: {excerpt(record.get('results'))}")
    return pair, first, verdict(right if first else 1.0 - right)


def _second_version(record: Record, seed: int) -> Iterator[_Judged]:
    texts = as_list(record.get("text"), "text")
    scores = [_score(score) for score in as_list(record.get("scores"), "scores")]
    right = number(record.get("num_correct"))
    if len(scores) != len(texts) or not 0 < right < len(texts):
        raise Unreadable(f"{len(texts)} texts, {len(scores)} scores, {right:g} right")
    both = list(zip(texts, scores, strict=True))
    for (good, high), (bad, low) in itertools.product(both[: int(right)], both[int(right) :]):
        sides, first = oriented(good, bad, seed)
        yield _scored({**_about(record), **sides}, first, high, low)


def _scored(pair: Record, first: bool, chosen: float, rejected: float) -> _Judged:
    """Return a pair with the scores of its sides, and the verdict that follows from them."""
    a, b = (chosen, rejected) if first else (rejected, chosen)
    return {**pair, "score_a": a, "score_b": b}, first, by_scores(a, b)


def _about(record: Record) -> Record:
    about = scalars(record, {*_USED, "at"})
    source = {} if record.get("id") is None else {"source_id": str(record["id"])}
    return {**about, **source, "scenario": record.get("subset")}


def _score(value: Any) -> float:
    """Return a score; some models give a list of one."""
    inner = items(value)
    return number(inner[0]) if len(inner) == 1 else number(value)


def _records_of(document: Any) -> list[Record] | None:
    """Return the records of an object of columns, of which some are one value for all."""
    if not isinstance(document, dict) or not any(set(document) >= name for name in (_ONE, _TWO)):
        return None
    columns = {name: value for name, value in document.items() if isinstance(value, list)}
    lengths = {len(value) for value in columns.values()}
    texts = columns.get("text_chosen" if set(document) >= _ONE else "text")
    if len(lengths) != 1 or not texts or as_single_record(document):
        return None
    once = {name: value for name, value in document.items() if name not in columns}
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return [{**once, **row} for row in rows]


def as_single_record(document: Mapping[str, Any]) -> bool:
    """Tell whether an object is one record (a file of one line), not columns of many.

    Examples
    --------
    >>> as_single_record({"text_chosen": [{"role": "user", "content": "Hi"}], "results": 1})
    True
    """
    once = document.get("results", document.get("num_correct"))
    return once is not None and not isinstance(once, list)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    if have >= _ONE or have >= _TWO:
        return True
    if have != _BARE:
        return False
    scores = [one[name] for one in records for name in _BARE if one[name] is not None]
    # whole numbers alone may be places or ids
    return all(isinstance(x, int | float) for x in scores) and any(x % 1 for x in scores)


FORMAT = Format(
    "reward_scores",
    "RewardBench scores: models' verdicts on known answers",
    _recognise,
    _translate,
    records_of=_records_of,
)
