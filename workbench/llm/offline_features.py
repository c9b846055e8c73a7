"""Features of a text that the offline model computes, and the words that point to them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_COUNTED = {
    "sentences": re.compile(r"[.!?]+(?=\s|$)"),
    "lists": re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s", re.MULTILINE),
    "bold": re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__"),
    "headings": re.compile(r"^#{1,6}\s", re.MULTILINE),
    "questions": re.compile(r"\?"),
    "exclamations": re.compile(r"!"),
    "digits": re.compile(r"\d+"),
    "hedges": re.compile(r"\b(?:may|might|perhaps|possibly|probably|could|seems?)\b", re.I),
    "certain": re.compile(r"\b(?:certainly|definitely|always|never|clearly|must)\b", re.I),
    "apologies": re.compile(r"\b(?:sorry|apologi[sz]e|unable|cannot|can't|as an ai)\b", re.I),
    "warm": re.compile(
        r"\b(?:please|thanks?|happy|glad|welcome|great|good luck|hope|feel free)\b", re.I
    ),
    "sources": re.compile(r"https?://|\baccording to\b|\bstud(?:y|ies)\b|\[\d+\]|%", re.I),
    "steps": re.compile(r"\b(?:first|second|then|next|finally|step \d+|therefore)\b", re.I),
    "persuasion": re.compile(r"\b(?:should|must|best|need to|important|recommend)\b", re.I),
    "figures": re.compile(r"\b(?:like a|as if|imagine|metaphor)\b", re.I),
    "slang": re.compile(
        r"\b(?:gonna|wanna|cool|hey|yeah|lol|guys)\b|[\U0001F300-\U0001FAFF]", re.I
    ),
    "harm": re.compile(r"\b(?:kill|weapon|bomb|hate|stupid|idiot|poison)\b", re.I),
}

FEATURES = ("words", *_COUNTED, "long_words", "overlap", "repetition")
"""Names of the features; each is between 0 (none) and 1 (much)."""

_MUCH = {
    "words": 300.0,
    "sentences": 20.0,
    "lists": 8.0,
    "bold": 6.0,
    "digits": 10.0,
    "sources": 3.0,
    "warm": 3.0,
}

_POINTS: tuple[tuple[str, str, float], ...] = (
    ("harmless|safe|illegal|danger|inappropriate|offensive", "harm", -1.0),
    ("concise|brief|short|no more than", "words", -1.0),
    ("length|verbose|longer|long |detail|rich|thorough|informative|facts", "words", 1.0),
    ("list|structured|format|table|organi", "lists", 1.0),
    ("bold|italic|emphasi", "bold", 1.0),
    ("heading", "headings", 1.0),
    ("polite|friendly|warm|welcom|compliment|empath|kind|care", "warm", 1.0),
    ("question|interactive|clarif|follow-up|intent", "questions", 1.0),
    ("enthusias|exclam|funny|humou?r|play", "exclamations", 1.0),
    ("confiden|authorit|certain", "certain", 1.0),
    ("limit|refus|admit|avoid|apolog|unable", "apologies", 1.0),
    ("uncertain|hedg|cautious", "hedges", 1.0),
    ("source|support|reference|evidence|citation", "sources", 1.0),
    ("number|math|statistic", "digits", 1.0),
    ("step|reasoning", "steps", 1.0),
    ("persuas|convinc", "persuasion", 1.0),
    ("rhetoric|metaphor|creative|novel", "figures", 1.0),
    ("informal|casual|slang|emoji", "slang", 1.0),
    ("complex|formal|technical|jargon|rare word", "long_words", 1.0),
    ("non-repetitive", "repetition", -1.0),
    ("repetiti", "repetition", 1.0),
    ("clear|simple|easy|fluen|coheren|grammar", "long_words", -1.0),
    ("off.focus|hallucinat|misinform|beyond", "overlap", -1.0),
)
"""Words of a factor's name or a principle, the feature that they point to, and which way."""

_NEGATED = re.compile(r"\b(?:no|not|without|less|fewer|never)\W+(?:\w+\W+){0,2}$", re.I)

_POINTERS = tuple((re.compile(words, re.I), name, sign) for words, name, sign in _POINTS)


def features(text: str, prompt: str = "") -> dict[str, float]:
    """Return the features of a text, each between 0 and 1.

    Examples
    --------
    >>> found = features("First, rest. Then - perhaps - go on.", "How do I rest?")
    >>> found["steps"] > found["bold"] == 0.0
    True
    """
    words = [word.casefold() for word in _WORD.findall(text)]
    n = max(len(words), 1)
    found = {"words": _saturated(len(words), _MUCH["words"])}
    for name, pattern in _COUNTED.items():
        found[name] = _saturated(len(pattern.findall(text)), _MUCH.get(name, 4.0))
    asked = {word.casefold() for word in _WORD.findall(prompt) if len(word) > 3}
    found["long_words"] = min(4.0 * sum(len(word) > 9 for word in words) / n, 1.0)
    found["overlap"] = len(asked & set(words)) / len(asked) if asked else 0.0
    found["repetition"] = 1.0 - len(set(words)) / n if words else 0.0
    return found


def _saturated(count: float, much: float) -> float:
    return 1.0 - math.exp(-count / much)


def pointed(description: str) -> Callable[[Mapping[str, float]], float]:
    """Return how much a text has of what words describe, between 0 and 1.

    What no word points to is the overlap with the prompt: a guess, but always the same.

    Examples
    --------
    >>> pointed("Select the response that is more concise")({"words": 0.25})
    0.75
    >>> pointed("Select the response that has no list")({"lists": 0.25})
    0.75
    """
    for pattern, name, sign in _POINTERS:
        match = pattern.search(description)
        if match is not None:
            negated = _NEGATED.search(description[: match.start()]) is not None
            more = (sign > 0) != negated
            return lambda found: found[name] if more else 1.0 - found[name]
    return lambda found: found["overlap"]
