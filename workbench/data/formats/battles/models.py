"""Battles of models without the texts: who met whom, and who won."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.judges import SAID, kinds_of, say, visitors, vote_ids
from workbench.data.formats.battles.media import joined, media_names
from workbench.data.formats.battles.winners import are_winners, ask, read_winners
from workbench.data.formats.records import (
    flag,
    judgements,
    metadata,
    names,
    sided,
    texts,
    values,
)

_MODELS = (
    ("model_a", "model_b"),
    ("left", "right"),
    ("left_model", "right_model"),
    ("model_left", "model_right"),
)
_IMAGES = ("left_image", "right_image")
_WINNER = ("winner", "vote_type")
_VOTERS = ("annotator", "judge", "worker", "rater", "annotator_id", "worker_id", "user_id", "user")
_VOTES = ("vote_id", "battle_id", "uuid")
_ITEMS = ("pair", "pair_id", "item", "item_id", "comparison_id", "question_id", "prompt_id",
          "instruction_id", "conversation_id")  # fmt: skip
_PROMPTS = ("question_id", "prompt_id", "instruction_id")
_ASKED = ("prompt", "question", "instruction", "query")
_RESPONSES = (
    "response", "output", "answer", "completion", "text", "conversation", "messages", "generation",
)  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate battles: each row is one, however equal to another it looks.

    Only the file's own id of an item, or its prompt, joins rows into a pair. A file of the
    arena's own script (``judge`` with visitors, ``anony``) and one of left and right are
    people's votes, and the former says that A stood on the left; of any other, who judged is
    not known.
    """
    side_a, side_b, won = _named(records.column_names)
    used = {side_a, side_b, won, "id", "prompt", *_VOTERS, *_VOTES, *_ITEMS, *SAID, *_IMAGES}
    frame, left_out = metadata(records, used)
    frame = sided(frame)
    frame["model_a"], frame["model_b"] = names(records, side_a), names(records, side_b)
    frame["prompt"] = texts(records, "prompt")
    votes, items = _first(records, _VOTES).fillna(vote_ids(names(records, "id"))), _items(records)
    frame["row_id"], frame["item"] = votes, items
    frame["source_id"] = votes.fillna(items).fillna(names(records, "id"))
    _voters(frame, records, options, people=side_a == "left" or "anony" in records.column_names)
    for side, name in zip("ab", _IMAGES, strict=True):
        if name in records.column_names:
            frame[f"media_{side}"] = [joined(media_names(v)) for v in values(records, name)]
    winner = names(records, won)
    verdicts = read_winners(winner, frame["model_a"], frame["model_b"])
    frame = pd.concat([frame, verdicts], axis=1)
    nameless = (frame["model_a"].isna() | frame["model_b"].isna()).to_numpy()
    flag(frame, nameless, "unparseable", ["a model without a name"] * len(frame))
    notes = ask(frame, winner, won)
    frame = judgements(frame, first_row, {"columns_left_out": ", ".join(left_out)})
    frame.attrs["notes"] = notes
    return frame


def _voters(
    frame: pd.DataFrame, records: pa.Table, options: Mapping[str, Any], people: bool
) -> None:
    """Set annotator, kind, criterion, cluster and the order shown."""
    voter = _first(records, _VOTERS)
    default = options.get("annotator") or ("human" if people else None)
    frame["annotator"] = voter if default is None else voter.fillna(default)
    frame["kind"] = pd.Series(kinds_of(voter, "human" if people else "unknown"), dtype="str")
    frame["cluster"] = _first(records, _PROMPTS).fillna(visitors(voter))
    frame["order_shown"] = "ab" if "anony" in records.column_names else None
    frame["order_shown"] = frame["order_shown"].astype("str")
    say(frame, records)
    frame["kind"] = options.get("kind") or frame["kind"]


def _items(records: pa.Table) -> pd.Series:
    """Return the file's own id of what was compared; a turn of a question is one of its own."""
    items = _first(records, _ITEMS)
    turn = names(records, "turn")
    return items.where(turn.isna(), items + ", turn " + turn)


def _first(records: pa.Table, wanted: tuple[str, ...]) -> pd.Series:
    """Return as text the first of some columns that holds something, row by row."""
    found = pd.Series(None, index=range(len(records)), dtype="str")
    for name in wanted:
        if name in records.column_names:
            found = found.fillna(names(records, name))
    return found


def _named(columns: list[str]) -> tuple[str, str, str]:
    a, b = next(pair for pair in _MODELS if set(pair) <= set(columns))
    return a, b, next(name for name in _WINNER if name in columns)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    sides = any(set(pair) <= have for pair in _MODELS)
    if not sides or not have & set(_WINNER) or _has_responses(columns):
        return False
    a, b, won = _named(columns)
    if a == "left" and _are_texts(columns, records):
        return False
    return are_winners([r.get(won) for r in records], [(r.get(a), r.get(b)) for r in records])


def _are_texts(columns: list[str], records: list[dict[str, Any]]) -> bool:
    """Tell whether left and right answer prompts: names of models come again, answers do not."""
    named = {str(record.get(side)) for record in records for side in ("left", "right")}
    return any(column.lower() in _ASKED for column in columns) and len(named) > len(records)


def _has_responses(columns: list[str]) -> bool:
    """Tell whether two columns hold what the two sides said."""
    lower = {column.lower() for column in columns}
    ends = (("_a", "_b"), ("_1", "_2"), ("1", "2"), (" a", " b"), (" 1", " 2"))
    return any({word + a, word + b} <= lower for word in _RESPONSES for a, b in ends)


FORMAT = Format(
    "battles",
    "Battles of models without texts (who met, who won)",
    _recognise,
    _translate,
    whole=True,
)
