"""Files of people and models that hold no comparison: refused, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import pyarrow as pa

from workbench.data.formats import Format
from workbench.errors import DataError

_CHATS = ("conversation", "conversations", "messages")
_ASKED = {"conversation_hash", "conversation_id", "model"}
_JUDGED = {
    "chosen", "rejected", "label", "winner", "preference", "score", "scores", "rating", "ratings",
    "rank", "kto_tag", "completion", "verdict", "choice", "votes",
}  # fmt: skip


def _refuse_ratings(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> NoReturn:
    raise DataError(
        "The file holds safety ratings of single responses (as DICES does): no comparison.",
        found="one response a row, many people who rate it (rater_id)",
        expected="two responses that someone compared, or ratings of several responses to one "
        "prompt",
        fix="Use a set with two responses a prompt, such as PKU-SafeRLHF.",
    )


def _refuse_chats(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> NoReturn:
    raise DataError(
        "The file holds chats without votes (as WildChat and VisionArena-Chat do): no comparison.",
        found="columns " + ", ".join(records.column_names),
        expected="two responses to one prompt, and who preferred which",
        fix="Use a set with votes (of the arena: model_a, model_b, winner), or have a judge "
        "compare two models' responses.",
    )


def _are_ratings(columns: list[str], _: list[dict[str, Any]]) -> bool:
    have = set(columns)
    asked = any(c.startswith(("Q_", "Q1_", "Q2_", "Q3_")) for c in columns)
    return {"rater_id", "item_id", "response"} <= have and (asked or "safety_gold" in have)


def _are_chats(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = {column.lower() for column in columns}
    sided = any(c.endswith("_a") and c[:-2] + "_b" in have for c in have)
    chat = next((name for name in _CHATS if name in have), None)
    if chat is None or sided or have & _JUDGED or not have & _ASKED:
        return False
    return not any("rejected" in c or "chosen" in c or c.endswith("_pref") for c in have)


RATINGS = Format("single_ratings", "Ratings of single responses", _are_ratings, _refuse_ratings)
CHATS = Format("chats", "Chats without votes", _are_chats, _refuse_chats)
