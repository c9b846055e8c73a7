"""What reasons say of factors: named or not, and which response has more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.explain.rationales.sides import BOTH, FIRST, UNSAID, clauses
from workbench.factors.words.said import IGNORED, Said, said_of

Flags = NDArray[np.bool_]
Signs = NDArray[np.int8]

_BEFORE = 3
"""Words before a phrase in which a negation or a "too" belongs to it."""

_TURNS = frozenset(
    {
        "not", "no", "never", "without", "lacks", "lack", "lacking", "lacked", "less", "fewer",
        "least", "neither", "nor", "hardly", "barely", "isn't", "aren't", "wasn't", "weren't",
        "doesn't", "don't", "didn't", "hasn't", "cannot", "can't", "missing", "misses", "avoids",
        "insufficient",
    }
)  # fmt: skip
_BLAMES = frozenset({"too", "overly", "excessively", "unnecessarily", "needlessly"})
_WORDS = re.compile(r"[\w']+(?:-[\w']+)*")


@dataclass(frozen=True, eq=False)
class Reading:
    """What reasons say, in the order in which the responses were shown.

    Attributes
    ----------
    factors : list of str, K
    named : ndarray of bool, shape (n, K)
    claim : ndarray of int8, shape (n, K)
        1: the response shown first has more of it; -1: the other one has; 0: not said.
    leaning : ndarray of int8, shape (n, K)
        Where no response is named: 1 where more of it is praised, -1 where it is blamed, or
        less of it praised; 0 where nothing of the kind.
    unread : ndarray of bool, shape (n,)
        Reasons that were not read: a model's reply is missing or cannot be read.
    hits : DataFrame
        ``factor, phrase, says, hits``: what was found, by phrase; empty for a model.
    source : str
        ``lexicon``, or the model.
    """

    factors: list[str]
    named: Flags
    claim: Signs
    leaning: Signs
    unread: Flags
    hits: pd.DataFrame
    source: str


def read_by_lexicon(
    texts: Sequence[str | None],
    factors: Sequence[str],
    lexicon: Mapping[str, Said] | None = None,
) -> Reading:
    """Return what reasons say by lists of phrases.

    Parameters
    ----------
    texts : sequence of str or None, n
    factors : sequence of str, K
    lexicon : mapping, optional
        Phrases of factors, in place of those of :func:`workbench.factors.words.said.said_of`.

    Returns
    -------
    Reading

    Notes
    -----
    A phrase counts where it stands, negated or not: "no headings" names headings. A word such as
    *not*, *less* or *without* among the three before it, in the same clause, turns what it says.
    What is said of both sides, or contradicts itself, names the factor and says no more.

    Examples
    --------
    >>> found = read_by_lexicon(["Response A is not as detailed as B.", None], ["words", "bold"])
    >>> found.named.tolist(), found.claim.tolist()
    ([[True, False], [False, False]], [[-1, 0], [0, 0]])
    """
    own = {name: (lexicon or {}).get(name) or said_of(name) for name in factors}
    book = _Book.of(own)
    shape = (len(texts), len(factors))
    claims, leanings = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    named, turned = np.zeros(shape, bool), np.zeros(shape, bool)
    counts = dict.fromkeys(book.rows, 0)
    for i, text in enumerate(texts):
        for phrase, k, sign, side, blamed in book.found(text) if text else ():
            counts[k, phrase] += 1
            named[i, k] = True
            if sign and side == UNSAID:
                leanings[i, k] += -sign if blamed else sign
            elif sign and side != BOTH:
                value = sign if side == FIRST else -sign
                turned[i, k] |= claims[i, k] * value < 0
                claims[i, k] = value
    # two clauses that contradict each other say nothing
    claims[turned] = 0
    leanings[claims != 0] = 0
    hits = pd.DataFrame(
        [{"factor": factors[k], "phrase": phrase, "says": book.rows[k, phrase], "hits": n}
         for (k, phrase), n in counts.items() if n],
        columns=["factor", "phrase", "says", "hits"],
    )  # fmt: skip
    return Reading(
        list(factors), named, np.sign(claims).astype(np.int8), np.sign(leanings).astype(np.int8),
        np.zeros(len(texts), bool), hits, "lexicon",
    )  # fmt: skip


@dataclass(frozen=True)
class _Book:
    """Phrases by their first word, the longest first, and what each says of which factors."""

    phrases: Mapping[str, list[tuple[tuple[str, ...], str]]]
    meaning: Mapping[str, list[tuple[int, int]]]
    rows: Mapping[tuple[int, str], str]

    @classmethod
    def of(cls, lexicon: Mapping[str, Said]) -> _Book:
        meaning: dict[str, list[tuple[int, int]]] = {phrase: [] for phrase in IGNORED}
        rows: dict[tuple[int, str], str] = {}
        for k, said in enumerate(lexicon.values()):
            for says, sign in (("more", 1), ("less", -1), ("about", 0)):
                for phrase in getattr(said, says):
                    plain = " ".join(_words(phrase))
                    if plain and (k, plain) not in rows:
                        meaning.setdefault(plain, []).append((k, sign))
                        rows[k, plain] = says
        phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for plain in meaning:
            words = tuple(plain.split())
            phrases.setdefault(words[0], []).append((words, plain))
        for some in phrases.values():
            # "more detail" before "more"
            some.sort(key=lambda one: (-len(one[0]), one))
        return cls(phrases, meaning, rows)

    def found(self, text: str) -> list[tuple[str, int, int, int, bool]]:
        """Return phrase, factor, sign, side and whether it is blamed, of every hit in a text."""
        if self.phrases.keys().isdisjoint(_words(text)):
            return []
        hits = []
        for part, side in clauses(text):
            words, at = _words(part), 0
            while at < len(words):
                phrase, step = self._at(words, at)
                if phrase is not None:
                    turn, blamed = _told(words[max(at - _BEFORE, 0) : at])
                    for k, sign in self.meaning[phrase]:
                        hits.append((phrase, k, sign * turn, side, blamed))
                at += step
        return hits

    def _at(self, words: Sequence[str], at: int) -> tuple[str | None, int]:
        """Return the longest phrase that begins at a word, and how many words it is."""
        for own, plain in self.phrases.get(words[at], ()):
            if tuple(words[at : at + len(own)]) == own:
                return plain, len(own)
        return None, 1


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower().replace("’", "'"))


def _told(words: Sequence[str]) -> tuple[int, bool]:
    """Return -1 where the words before a phrase turn it, and whether they blame it."""
    turns = sum(word in _TURNS and words[i + 1 : i + 2] != ["only"] for i, word in enumerate(words))
    return (-1 if turns % 2 else 1), any(word in _BLAMES for word in words)
