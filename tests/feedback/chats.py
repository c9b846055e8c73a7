"""Conversations with planted signals and pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

Message = dict[str, str]


def chat(*said: str, first: str = "user") -> list[Message]:
    """User and assistant in turn."""
    roles = ("user", "assistant") if first == "user" else ("assistant", "user")
    return [{"role": roles[k % 2], "content": text} for k, text in enumerate(said)]


ASK, BAD, GOOD = "Name a river in Italy.", "Etna.", "The Po."
MIXED = [
    {"conversation_id": "pair", "messages": chat(ASK, BAD, "That's wrong.", GOOD, "Thanks!")},
    {"conversation_id": "twice",
     "messages": chat(ASK, BAD, "no, that is incorrect", "Rome.", "try again", GOOD, "perfect")},
    {"conversation_id": "left", "messages": chat(ASK, BAD, "That's wrong.", GOOD)},
    {"conversation_id": "never",
     "messages": chat(ASK, BAD, "That's wrong.", GOOD, "and one in France?", "The Loire.")},
    {"conversation_id": "content", "messages": chat(ASK, GOOD, "Thanks!", "Welcome.")},
    {"conversation_id": "other",
     "messages": chat(ASK, BAD, "that's wrong", GOOD, "and in France?", "The Loire", "thank you")},
    {"conversation_id": "one", "messages": chat(ASK, GOOD)},
    {"conversation_id": "same", "messages": chat(ASK, BAD, "that's wrong", BAD, "thanks")},
    {"conversation_id": "foreign",
     "messages": chat("Назови реку", "Этна", "Это неправильно", "По", "Спасибо")},
    {"conversation_id": "repeat", "messages": chat(ASK, BAD, ASK, GOOD, "Great job!")},
]  # fmt: skip
"""By id: what becomes of each."""


def many(n: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    """Conversations of which a third give a pair, with users of a few each."""
    rng, found = np.random.default_rng(seed), []
    for k in range(n):
        kind = k % 3
        said = [f"Tell me about topic number {k} please.", f"Answer {k}, {rng.integers(99)}."]
        if kind == 0:
            said += ["That's wrong.", f"I apologize. It is {k}.", "Thanks, that works."]
        elif kind == 1:
            said += ["Thank you"]
        else:
            said += ["And the next one?", "Here.", "Is there more?"]
        found.append({"id": f"c{k}", "user_id": f"u{k % 20}", "model": f"m{k % 2}",
                      "conversations": [{"from": "human" if i % 2 == 0 else "gpt", "value": text}
                                        for i, text in enumerate(said)]})  # fmt: skip
    return found
