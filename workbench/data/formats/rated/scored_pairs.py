"""Two responses a record with a score each: WebGPT's comparisons, Unified-Feedback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.messages import as_messages, split_chats
from workbench.data.formats.nested import fields
from workbench.data.formats.rated.unfolded import Judged, named, spoken, unfolded
from workbench.data.formats.records import Record, Unreadable
from workbench.data.formats.single import number

_WEBGPT = {"question", "answer_0", "answer_1", "score_0", "score_1"}
_UNIFIED = {"conv_A", "conv_B", "conv_A_rating", "conv_B_rating"}


def _webgpt(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate WebGPT's comparisons: score_0 is positive where answer_0 is the better one."""
    who = _who(options, "human", "human")

    def read(record: Record) -> list[Judged]:
        question = fields(record.get("question"))
        pair = {
            **spoken(question.get("full_text", record.get("question")), "prompt"),
            **spoken(record.get("answer_0"), "response_a"),
            **spoken(record.get("answer_1"), "response_b"),
            "cluster": named(question.get("id")),
            "scenario": named(question.get("dataset")),
        }
        return [Judged(pair, [{**who, **_verdict(number(record["score_0"]))}])]

    used = _WEBGPT | {"tokens_0", "tokens_1"}
    return unfolded(records, first_row, read, used, sides=("0", "1"))


def _unified(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate Unified-Feedback: the conversation with the higher rating is preferred."""
    who = _who(options, "preference", "unknown")

    def read(record: Record) -> list[Judged]:
        a, b = (as_messages(record.get(f"conv_{side}")) for side in "AB")
        if a is None or b is None:
            raise Unreadable(record.get("conv_A" if a is None else "conv_B"))
        ratings = [number(record.get(f"conv_{side}_rating")) for side in "AB"]
        pair = {
            **split_chats(a, b)._asdict(),
            "rating_a": ratings[0],
            "rating_b": ratings[1],
            "scenario": named(record.get("source")),
            "row_id": named(record.get("id")),
        }
        return [Judged(pair, [{**who, **_verdict(ratings[0] - ratings[1])}])]

    return unfolded(records, first_row, read, _UNIFIED | {"id", "source"}, sides=("A", "B"))


def _verdict(difference: float) -> Record:
    if difference != difference:
        return {"problem": "no judgement", "found": "no score"}
    return {
        "preference": 0.5 if difference == 0 else float(difference > 0),
        "reason": "tie" if difference == 0 else None,
        "strength": abs(difference),
    }


def _who(options: Mapping[str, Any], annotator: str, kind: str) -> Record:
    return {
        "annotator": options.get("annotator") or annotator,
        "kind": options.get("kind") or kind,
    }


def _recognise_webgpt(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _WEBGPT


def _recognise_unified(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _UNIFIED


WEBGPT = Format("webgpt", "WebGPT comparisons", _recognise_webgpt, _webgpt)
UNIFIED = Format("unified_feedback", "Unified-Feedback", _recognise_unified, _unified)
