"""What a user's next message says of an answer, by a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workbench.feedback.signals import COMPLAINTS, DISSATISFIED, NONE, PRAISE, SATISFIED
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question, rows
from workbench.llm.request import Request, Sampling

STAGE = "feedback"

LONGEST = 4000
"""Characters that are shown of each text; the rest is left out, and counted."""

_TASK = (
    "A user asked, an assistant answered, and the user wrote on. Say what the user's next message "
    'says of that answer. It is "satisfied" where the user thanks for it, praises it, or says '
    'that it solved the matter; "dissatisfied" where the user says that it is wrong, incomplete, '
    "not what was meant or not what was asked, or asks the same again because the answer did not "
    'serve; "none" where the user goes on, asks something else or for more, or says nothing of '
    "it. Politeness in a new request is no praise. Judge what is written, in whatever language."
)
_FORM = (
    'Reply with one JSON object and nothing else: {"signal": "none", "satisfied" or '
    '"dissatisfied"}.'
)


def ask_signals(
    turns: pd.DataFrame, asks: Asks, *, model: str, sampling: Sampling | None = None
) -> tuple[dict[tuple[str, int], str], dict[str, int]]:
    """Let a model say what each reply says of its answer.

    Parameters
    ----------
    turns : DataFrame
        ``conversation, turn, request, answer, reply``; turns without a reply are not asked.
    asks : Asks
    model : str
    sampling : Sampling, optional

    Returns
    -------
    signals : dict
        By conversation and turn; without those of which no reply could be read.
    counts : dict of str to int
        ``asked``, ``failed``, ``open``, and ``cut``: turns of which a text was shortened.
    """
    asked = turns[turns["reply"].notna()]
    sampling = sampling or Sampling()
    texts = ("request", "answer", "reply")
    long = sum((asked[name].str.len() > LONGEST).to_numpy() for name in texts)
    counts = {"asked": len(asked), "failed": 0, "open": 0, "cut": int((long > 0).sum())}

    def requests() -> Iterator[Request]:
        for turn in rows(asked):
            yield _request(turn, model, sampling)

    found: dict[tuple[str, int], str] = {}
    replies = asks.each(requests(), STAGE, len(asked))
    keys = zip(asked["conversation"], asked["turn"], strict=True)
    for (name, number), reply in zip(keys, replies, strict=True):
        if reply is None:
            counts["open"] += 1
        elif reply.failed:
            counts["failed"] += 1
        else:
            found[str(name), int(number)] = str(reply.value["signal"])
    return found, counts


def _request(turn: Mapping[str, Any], model: str, sampling: Sampling) -> Request:
    texts = {
        "request": str(turn["request"])[-LONGEST:], "answer": str(turn["answer"])[:LONGEST],
        "next message": str(turn["reply"])[:LONGEST],
    }  # fmt: skip
    schema = object_schema({"signal": {"type": "string", "enum": [NONE, SATISFIED, DISSATISFIED]}})
    about = {
        "task": "spot",
        "words": {"signal": {DISSATISFIED: list(COMPLAINTS), SATISFIED: list(PRAISE)}},
    }
    return Request(model, question(_TASK, texts, _FORM), sampling, schema, about=about)
