"""A model that proposes, votes on and follows rules about what responses mention and are.

It does not know which things count: it proposes what the preferred response mentions and the
other does not, decoys among them, and sees what a rule selects by looking for its word.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

MENTIONS = "Select the response that mentions {word}"

THINGS = ("cat", "dog", "blue", "green", "lemon", "raspberry", "human", "story", "shirt", "flavor",
          "refreshing", "versatile", "harmony", "classic", "sarah", "time",
          "budget", "review", "example", "python", "town", "morning", "background")  # fmt: skip
"""What it has an eye for: of the synthetic sets, and of the sample."""

TRAITS = {
    "truthful": lambda said: "washington" in said and "paris" not in said,
    "responsive": lambda said: re.search(r"\b(bath|edinburgh|lake district)\b", said) is not None,
    "polite": lambda said: "of course" in said,
}
"""Traits that it knows where it sees them, by rules of thumb for the set "aligned"."""

IS = "Select the response that is {word}"


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
    if "property" in properties:
        return {"property": f'says "{most_apart(texts)}"'}
    told = re.search(r'The response says "([^"]+)"', system)
    if told is not None:
        return {name: more_often(told[1], texts) for name in properties}
    if listed:
        return {str(k): selects(line, a, b) for k, line in enumerate(listed, start=1)}
    return None


def most_apart(texts: Mapping[str, str]) -> str:
    """Return the word that most responses called MORE have, and fewest of the others."""
    score: Counter[str] = Counter()
    for name, text in texts.items():
        side = name.split()[0]
        if side in ("MORE", "LESS"):
            score.update(dict.fromkeys(set(text.split()), 1 if side == "MORE" else -1))
    return min(score, key=lambda word: (-score[word], word))


def more_often(word: str, texts: Mapping[str, str]) -> str:
    """Return which response says a word more often."""
    a, b = (texts[f"response {side}"].split().count(word) for side in "AB")
    return "A" if a > b else "B" if a < b else "tie"


def words(text: str) -> set[str]:
    said = text.lower().split("output:")[-1]
    seen = {thing for thing in THINGS if re.search(rf"\b{thing}s?\b", said)}
    return seen | {trait for trait, shows in TRAITS.items() if shows(said)}


def rule(word: str) -> str:
    """Return the principle that selects by a thing or a trait."""
    return (IS if word in TRAITS else MENTIONS).format(word=word)


def proposed(mine: set[str], other: set[str]) -> list[str]:
    """Return three rules that select only the preferred response."""
    own = sorted(mine - other, key=lambda word: _luck(word, *sorted(mine ^ other)))
    return [rule(word) for word in own[:3]]


def selects(principle: str, a: set[str], b: set[str]) -> str:
    word = principle.split()[-1]
    return {(True, True): "both", (True, False): "A", (False, True): "B"}.get(
        (word in a, word in b), "neither"
    )


def decided(votes: list[str], differ: list[str]) -> str:
    """Return what the first rule that takes a side selects; at random where none does."""
    taken = [vote for vote in votes if vote in "AB"]
    return taken[0] if taken else "AB"[_luck(*differ) < 0.5]


def _luck(*parts: str) -> float:
    return hashlib.sha256("\0".join(parts).encode()).digest()[0] / 256
