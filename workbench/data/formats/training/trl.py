"""Preference data as TRL trains on: chosen and rejected, with or without a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.formats import Format
from workbench.data.formats.messages import as_messages, split_chats
from workbench.data.formats.orientation import SHUFFLE_RULE, orient, placed
from workbench.data.formats.records import (
    Record,
    Unreadable,
    excerpt,
    flag_missing_text,
    is_text,
    judgements,
    metadata,
    numbers,
    read_each,
    require,
    texts,
    values,
    with_columns,
)
from workbench.errors import DataError

_SIDES = ("prompt", "chosen", "rejected")
_TURN = "\n\nAssistant:"
_CHAT = r"^\s*\[\s*\{"


def read_sides(records: pa.Table) -> pd.DataFrame:
    """Return prompt, chosen and rejected of each record as text, chats also as messages.

    Parameters
    ----------
    records : pyarrow.Table
        Columns ``chosen`` and ``rejected``, text or message lists, and perhaps ``prompt``.
        Without a prompt it is the start that both sides share: whole messages, or text up
        to the last common ``Assistant:`` turn (the prompt is then cut off both sides).

    Returns
    -------
    DataFrame
        ``prompt, chosen, rejected``, ``*_messages`` where there are chats, ``problem`` and
        ``found`` where a record could not be read.
    """
    frame = pd.DataFrame({name: texts(records, name) for name in _SIDES})
    with_columns(frame, ("problem", "found"))
    chats = np.flatnonzero(_maybe_chat(records))
    if len(chats):
        frame = _with_chats(frame, records, chats)
    _cut_shared_prompt(frame)
    # an empty prompt is no prompt: pairs must not be taken for answers to one question
    frame["prompt"] = frame["prompt"].mask(frame["prompt"] == "")
    flag_missing_text(frame, records, {"chosen": "chosen", "rejected": "rejected"})
    return frame


def shuffled(sides: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return sides A and B with ``preference``, decided by content and seed.

    Parameters
    ----------
    sides : DataFrame
        ``prompt``, ``chosen``, ``rejected`` and other columns of either side.
    seed : int
    """
    first = orient(sides["prompt"], sides["chosen"], sides["rejected"], seed)
    return placed(sides, first).assign(preference=first.astype("float64"))


def settings_of(seed: int, left_out: list[str]) -> dict[str, Any]:
    """Return what the load report tells of a chosen-first file."""
    return {
        "shuffle_rule": SHUFFLE_RULE,
        "shuffle_seed": str(seed),
        "columns_left_out": ", ".join(left_out),
    }


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    require(records, ("chosen", "rejected"), "TRL preference data")
    seed = int(options.get("seed") or 0)
    extra, left_out = metadata(records, {*_SIDES, "margin"})
    frame = shuffled(pd.concat([extra, read_sides(records)], axis=1), seed)
    frame["annotator"] = options.get("annotator") or "preference"
    frame["kind"] = options.get("kind") or "human"
    difference = numbers(records, "score_chosen") - numbers(records, "score_rejected")
    frame["strength"] = np.where(np.isnan(difference), numbers(records, "margin"), difference)
    return judgements(frame, first_row, settings_of(seed, left_out))


def _maybe_chat(records: pa.Table) -> NDArray[np.bool_]:
    """Mark the records that hold messages, or text that may be the JSON of messages."""
    marked = np.zeros(len(records), dtype=bool)
    for name in _SIDES:
        if name not in records.column_names:
            continue
        column = records.column(name)
        if is_text(column.type):
            found = pc.match_substring_regex(column.cast(pa.large_string()), _CHAT)
            marked |= np.asarray(pc.fill_null(found, False))
        else:
            marked |= np.asarray(pc.is_valid(column))
    return marked


def _with_chats(frame: pd.DataFrame, records: pa.Table, rows: NDArray[np.intp]) -> pd.DataFrame:
    part = records.take(pa.array(rows))
    read = read_each(_read_chat, *(values(part, name) for name in _SIDES))
    read.index = pd.Index(rows)
    with_columns(frame, read.columns)
    for name in read.columns:
        column = frame[name].astype(object)
        column.iloc[rows] = read[name].astype(object)
        frame[name] = column.astype("str")
    return frame


def _read_chat(prompt: Any, chosen: Any, rejected: Any) -> Record:
    before = as_messages(prompt)
    if before is None and prompt is not None and not isinstance(prompt, str):
        raise Unreadable(f"prompt: {excerpt(prompt)}")
    chats = [as_messages(side) for side in (chosen, rejected)]
    if isinstance(chosen, str) and isinstance(rejected, str) and None in chats:
        if before is None:
            return {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        chats = [[{"role": "assistant", "content": side}] for side in (chosen, rejected)]
    for name, side, chat in zip(_SIDES[1:], (chosen, rejected), chats, strict=True):
        if chat is None:
            raise Unreadable(f"{name}: {excerpt(side)}")
    pair = split_chats(chats[0] or [], chats[1] or [], before or prompt)
    return {
        "prompt": pair.prompt,
        "chosen": pair.response_a,
        "rejected": pair.response_b,
        "prompt_messages": pair.prompt_messages,
        "chosen_messages": pair.response_a_messages,
        "rejected_messages": pair.response_b_messages,
    }


def _cut_shared_prompt(frame: pd.DataFrame) -> None:
    """Cut the shared dialogue off texts that come without a prompt, in place."""
    whole = frame["prompt"].isna() & frame["chosen"].notna() & frame["rejected"].notna()
    if "chosen_messages" in frame:
        whole &= frame["chosen_messages"].isna()
    rows = np.flatnonzero(whole)
    if not len(rows):
        return
    sides = [frame[name].iloc[rows].tolist() for name in ("chosen", "rejected")]
    cut = [_cut(chosen, rejected) for chosen, rejected in zip(*sides, strict=True)]
    for name, part in zip(_SIDES, zip(*cut, strict=True), strict=True):
        new = pd.Series(part, dtype="str", index=rows)
        frame[name] = new if len(rows) == len(frame) else new.combine_first(frame[name])


def _cut(chosen: str, rejected: str) -> tuple[str | None, str, str]:
    """Return prompt and responses of two dialogues with ``Assistant:`` turns."""
    at = chosen.rfind(_TURN)
    if at >= 0 and not rejected.startswith(chosen[: at + len(_TURN)]):
        at = chosen.rfind(_TURN, 0, _shared(chosen, rejected))
    if at >= 0:
        end = at + len(_TURN)
        return chosen[:at].strip() or None, chosen[end:].strip(), rejected[end:].strip()
    head = _TURN.lstrip()
    if chosen.startswith(head) and rejected.startswith(head):
        return None, chosen[len(head) :].strip(), rejected[len(head) :].strip()
    return None, chosen, rejected


def _shared(a: str, b: str) -> int:
    """Return the length of the common start: bisection, so that long cells stay cheap."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if not {"chosen", "rejected"} <= set(columns):
        return False
    lists = [record["chosen"] for record in records if isinstance(record.get("chosen"), list)]
    # a list of plain texts is best-of-n data (RewardBench 2), not one response
    return not any(side and all(isinstance(item, str) for item in side) for side in lists)


def _is_unpaired(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return {"prompt", "completion", "label"} <= set(columns)


def _refuse(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "This is TRL's unpaired format: single completions with a label each.",
        found="columns prompt, completion, label",
        expected="two responses to each prompt: prompt, chosen, rejected",
        fix="Pair each prompt's good completions with its bad ones and save chosen and rejected.",
    )


FORMAT = Format("trl", "TRL preference: chosen, rejected (and prompt)", _recognise, _translate)

UNPAIRED = Format(
    "trl-unpaired", "TRL unpaired preference (refused with a hint)", _is_unpaired, _refuse
)
