"""A model that proposes, votes on and follows rules about the things that responses mention.

It does not know which things count: it proposes what the preferred response mentions and the
other does not, decoys among them, and sees what a rule selects by looking for its word.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

MENTIONS = "Select the response that mentions {word}"

THINGS = ("cat", "dog", "blue", "green", "lemon", "raspberry", "human", "story", "shirt", "flavor",
          "refreshing", "versatile", "harmony", "classic", "sarah", "time")  # fmt: skip
"""What it has an eye for."""


def answers(system: str, texts: Mapping[str, str], properties: Mapping[str, Any]) -> Any:
    """Return what the model says to a question about principles; None to any other."""
    a, b = words(texts.get("response A", "")), words(texts.get("response B", ""))
    listed = texts.get("principles", "").splitlines()
    if "principles" in properties:
        preferred = re.search(r"selected response ([AB])", system)
        sides = (a, b) if preferred and preferred[1] == "A" else (b, a)
        return {"principles": proposed(*sides)}
    if listed and "verdict" in properties:
        return {"verdict": decided([selects(line, a, b) for line in listed], sorted(a ^ b))}
    if listed:
        return {str(k): selects(line, a, b) for k, line in enumerate(listed, start=1)}
    return None


def words(text: str) -> set[str]:
    said = text.lower().split("output:")[-1]
    return {thing for thing in THINGS if re.search(rf"\b{thing}s?\b", said)}


def proposed(mine: set[str], other: set[str]) -> list[str]:
    """Return rules for three things that only the preferred response mentions."""
    own = sorted(mine - other, key=lambda word: _luck(word, *sorted(mine ^ other)))
    return [MENTIONS.format(word=word) for word in own[:3]]


def selects(rule: str, a: set[str], b: set[str]) -> str:
    word = rule.split()[-1]
    return {(True, True): "both", (True, False): "A", (False, True): "B"}.get(
        (word in a, word in b), "neither"
    )


def decided(votes: list[str], differ: list[str]) -> str:
    """Return what the first rule that takes a side selects; at random where none does."""
    taken = [vote for vote in votes if vote in "AB"]
    return taken[0] if taken else "AB"[_luck(*differ) < 0.5]


def _luck(*parts: str) -> float:
    return hashlib.sha256("\0".join(parts).encode()).digest()[0] / 256
