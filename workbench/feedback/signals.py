"""What a user's next message says of an answer, by rules: no model is asked."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from workbench.factors.lexicon import STOP_WORDS

SATISFIED, DISSATISFIED, NONE = "satisfied", "dissatisfied", "none"
SIGNALS = (SATISFIED, DISSATISFIED, NONE)

THANKS, COMPLAINT, REPEAT, REPHRASE = "thanks", "complaint", "repeat", "rephrase"
SILENT, ENDED, LEFT, FOREIGN = (
    "says nothing of it",
    "ended",
    "left after a complaint",
    "not English",
)

PRAISE = (
    "thanks", "thank you", "thank u", "thx", "perfect", "excellent", "awesome", "great answer",
    "great job", "good job", "well done", "nice work", "good answer", "that works", "it works now",
    "that helps", "that helped", "very helpful", "that was helpful",
    "exactly what i needed", "exactly what i wanted", "exactly what i was looking for",
    "just what i needed", "i love it", "love it", "much better", "that is better", "that's better",
    "brilliant", "problem solved", "you're right", "you are right",
)  # fmt: skip
"""Phrases of satisfaction, in English."""

COMPLAINTS = (
    "that's wrong", "that is wrong", "this is wrong", "you're wrong",
    "you are wrong", "wrong answer", "that's incorrect", "that is incorrect", "this is incorrect",
    "incorrect", "that's not right", "that is not right", "that's not correct",
    "that is not correct", "not what i asked", "not what i meant", "not what i want",
    "not what i wanted", "not what i said", "didn't ask for", "did not ask for",
    "didn't answer", "did not answer", "you misunderstood", "you didn't understand",
    "you did not understand", "you don't understand", "you ignored", "you forgot",
    "you missed", "you made a mistake", "there is a mistake", "there's a mistake",
    "you made an error", "doesn't work", "does not work", "didn't work", "did not work",
    "still wrong", "still not working", "not working", "doesn't make sense",
    "does not make sense", "makes no sense", "try again", "i already told you",
    "i just told you", "not helpful", "you made that up",
    "that is not true", "that's not true", "are you sure",
)  # fmt: skip
"""Phrases of dissatisfaction, in English."""

_NO_PRAISE = (
    "thanks in advance", "thank you in advance", "no thanks", "no thank you",
    "thanks for nothing", "thanks for trying", "thanks anyway", "not perfect", "not excellent",
    "not much better", "isn't perfect",
    "perfect tense", "past perfect", "present perfect", "thank you letter", "thank you note",
    "thank you email", "thank you card", "not helpful", "not very helpful",
)  # fmt: skip
"""Phrases that hold praise and are none."""

_SUPPOSED = re.compile(
    r"\b(?:if|when|in case|unless)(?: \S+){0,3}? (?:do(?:es)?|did)(?:n't| not) work\b"
)
"""What may not work is no complaint yet."""

_FIRST = 30
"""Words of a message in which feedback is looked for: what is pasted below them is no feedback."""

_SAME = 0.75
"""Similarity from which a request is another's rephrase."""

_LOST = 1 / 6
"""Share of a request's words, stop words aside, that its rephrase may lack."""

_SHORTEST = 4
"""Words that a request must have to be repeated or rephrased."""

_LONGEST = 2000
"""Characters of a request that are compared."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Signal(NamedTuple):
    """What one message says of the answer before it.

    Attributes
    ----------
    signal : str
        ``satisfied``, ``dissatisfied`` or ``none``.
    rule : str
        Which rule said so, or why none did.
    evidence : str
        The phrase, or the request that is repeated.
    """

    signal: str
    rule: str
    evidence: str = ""


def rule_signal(reply: str | None, requests: list[str], language: str | None = None) -> Signal:
    """Return what a user's message says of the answer before it.

    Parameters
    ----------
    reply : str or None
        None where the conversation ended with the answer: that says nothing of it.
    requests : list of str
        The user's messages before it, the last one being what was answered.
    language : str, optional
        As the file says.

    Notes
    -----
    A complaint goes before thanks ("thanks, but that is wrong"). Both are looked for in the
    first thirty words. A message that repeats a request, or rephrases the last one (three
    quarters of the words in the same order, and five in six of its own, stop words aside), says
    that the answer was none. Phrases are English; a message in which none is found and that is
    not English is counted as such.

    Examples
    --------
    >>> rule_signal("No, that's not what I asked.", ["Name a river."])[:2]
    ('dissatisfied', 'complaint')
    >>> rule_signal("Name me a river", ["Name a river in Asia", "Name me a river."]).rule
    'repeat'
    >>> rule_signal("Perfect, thanks!", ["Name a river."]).signal
    'satisfied'
    >>> rule_signal(None, ["Name a river."]).rule
    'ended'
    """
    if reply is None:
        return Signal(NONE, ENDED)
    words = words_of(reply)
    plain = [words_of(one) for one in requests]
    if len(words) >= _SHORTEST and words in plain:
        # a repeat is one in any language
        return Signal(DISSATISFIED, REPEAT, requests[plain.index(words)])
    if _says_so(language) or _in_other_letters(reply):
        return Signal(NONE, FOREIGN)
    start = " ".join(words[:_FIRST])
    complaint = _first(COMPLAINTS, _SUPPOSED.sub(" ", start))
    if complaint:
        return Signal(DISSATISFIED, COMPLAINT, complaint)
    praised = start
    for phrase in _NO_PRAISE:
        praised = re.sub(rf"\b{re.escape(phrase)}\b", " ", praised)
    praise = _first(PRAISE, praised)
    if praise:
        return Signal(SATISFIED, THANKS, praise)
    if plain and _alike(words, plain[-1]):
        return Signal(DISSATISFIED, REPHRASE, requests[-1])
    return Signal(NONE, FOREIGN if is_foreign(reply) else SILENT)


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case.

    Examples
    --------
    >>> words_of("That’s WRONG!")
    ["that's", 'wrong']
    """
    return [word.lower().replace("’", "'") for word in _WORD.findall(text[:_LONGEST])]


def is_foreign(text: str, language: str | None = None) -> bool:
    """Tell whether a text is surely not English, cheaply.

    By what the file says; by its letters, where half of them are not Latin; or as none of eight
    words and more is a common English one.

    Examples
    --------
    >>> is_foreign("Спасибо"), is_foreign("merci"), is_foreign("thanks", "French")
    (True, False, True)
    >>> is_foreign("esto no es lo que yo quería saber hoy"), is_foreign("fix bug")
    (True, False)
    """
    if _says_so(language) or _in_other_letters(text):
        return True
    words = words_of(text)
    # one letter and digits are those of code, too
    plain = sum(len(word) > 1 and word.isalpha() for word in words)
    return plain >= 8 and not _COMMON.intersection(words)


def _says_so(language: str | None) -> bool:
    told = (language or "").strip().lower()
    return not told.startswith("en") and told not in ("", "unknown", "und", "none")


def _in_other_letters(text: str) -> bool:
    letters = [c for c in text[:_LONGEST] if c.isalpha()]
    return sum(not _is_latin(c) for c in letters) * 2 > len(letters)


_SHARED = {"a", "me", "no", "i", "so", "an", "as", "do", "he", "us", "on", "from", "in", "is"}
_COMMON = (STOP_WORDS - _SHARED) | {
    "please", "yes", "good", "great", "need", "help", "tell", "give", "know", "see", "think",
    "want", "people", "really", "get", "make", "does", "that's", "it's", "i'm", "don't", "thanks",
    "okay", "list", "write", "use", "using", "more", "these",
}  # fmt: skip
"""Common English words that are hardly words of other languages in Latin letters."""


def _is_latin(letter: str) -> bool:
    return ord(letter) < 0x250 or 0x1E00 <= ord(letter) < 0x1F00


def _first(phrases: tuple[str, ...], text: str) -> str:
    """Return the phrase that stands first in a text; empty where none does."""
    padded = f" {text} "
    at = {one: padded.find(f" {one} ") for one in phrases}
    found = [one for one, place in at.items() if place >= 0]
    return min(found, key=lambda one: (at[one], -len(one))) if found else ""


def _alike(a: list[str], b: list[str]) -> bool:
    if min(len(a), len(b)) < _SHORTEST or max(len(a), len(b)) > 2 * min(len(a), len(b)):
        return False
    # another river in the same sentence is another question
    asked = set(b) - STOP_WORDS
    if len(asked.difference(a)) > _LOST * len(asked):
        return False
    match = SequenceMatcher(None, a, b, autojunk=False)
    return match.real_quick_ratio() >= _SAME and match.ratio() >= _SAME
