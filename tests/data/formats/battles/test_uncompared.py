"""What holds no comparison is refused, and the reason said."""

import pyarrow as pa
import pytest

from workbench.data.formats.registry import get_format
from workbench.errors import DataError

RATING = {"id": 0, "rater_id": 1, "item_id": 7, "context": "USER: hi", "response": "Hello.",
          "safety_gold": "No", "Q_overall": "No"}  # fmt: skip
CHAT = {"conversation_hash": "x", "model": "m1", "turn": 1, "language": "English",
        "conversation": [{"role": "user", "content": "Hi"}]}  # fmt: skip
VISION = {"conversation_id": "x", "model": "m1", "images": [{"path": "1.png"}],
          "conversation": [[{"role": "user", "content": "Hi"}]]}  # fmt: skip


@pytest.mark.parametrize(
    ("record", "name", "reason"),
    [
        (RATING, "single_ratings", "safety ratings of single responses"),
        (CHAT, "chats", "chats without votes"),
        (VISION, "chats", "chats without votes"),
    ],
)
def test_refused_with_the_reason(format_of, record, name, reason):
    assert format_of([record, record]) == name
    with pytest.raises(DataError, match=reason) as caught:
        get_format(name).translate(pa.Table.from_pylist([record]), 1, {})
    assert caught.value.fix


@pytest.mark.parametrize(
    "more",
    [
        {"winner": "model_a", "model_a": "m1", "model_b": "m2"},
        {"chosen": "x", "rejected": "y"},
        {"label": True},
        {"score": 0.3},
    ],
)
def test_chats_with_a_verdict_are_not_refused_here(format_of, more):
    assert format_of([{**CHAT, **more}] * 2) != "chats"
