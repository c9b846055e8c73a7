"""The words of verdicts: what a label's text means, whatever its case, spaces and marks."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

LETTERS = "abcdefgh"
"""Sides in order; a table of more responses than these is not a table of choices."""

SIDE_NOUNS = (
    "model", "response", "text", "output", "answer", "assistant", "completion", "option",
    "candidate", "choice", "system", "summary", "story", "image", "picture", "audio", "video",
    "reply", "generation", "generator", "agent", "bot", "chatbot", "player", "side", "version",
    "translation", "essay", "caption", "sample", "item", "result",
)  # fmt: skip
"""What may stand before or after a side's letter or number."""

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_PLACES = {"left": "a", "right": "b", **dict(zip(_ORDINALS, LETTERS, strict=True))}
_TIES = (
    "tie", "tied", "a tie", "draw", "a draw", "equal", "equally", "same", "the same", "both",
    "equally good", "about the same", "no preference", "no difference", "indifferent",
    "equivalent", "neither is better", "tievote", "it is a tie", "tie vote",
)  # fmt: skip
_BOTH_BAD = (
    "both_bad", "both bad", "bothbad", "tie (bothbad)", "tie (both bad)", "neither",
    "both are bad", "bothbad_vote", "equally bad", "neither is good",
)  # fmt: skip
_BOTH_GOOD = ("both_good", "both good", "bothgood", "tie (bothgood)", "tie (both good)",
              "both are good", "bothgood_vote")  # fmt: skip
_NOT_APPLICABLE = ("not_applicable", "not applicable", "n/a", "na")
_FAILED = (
    "failed",
    "invalid",
    "error",
    "$error$",
    "",
    "nan",
    "null",
    "none",
    "<na>",
    "parse error",
)
_NO_JUDGEMENT = ("no_judgement", "no judgement", "no judgment", "ignore", "ignored", "skip",
                 "skipped", "cancelled", "canceled", "was_cancelled", "draft", "discarded",
                 "pending")  # fmt: skip
_DERIVED = ("tie (inconsistent)", "inconsistent")

_STRONG = {
    **dict.fromkeys(("much", "significantly", "far", "strongly", "vastly", "lot"), 3.0),
    **dict.fromkeys(("clearly", "definitely", "moderately", "considerably"), 2.0),
    **dict.fromkeys(("slightly", "somewhat", "marginally", "weakly", "barely"), 1.0),
    **dict.fromkeys(("bit", "little"), 1.0),
}  # fmt: skip
_WON = {"better", "best", "wins", "win", "won", "winner", "prefer", "prefers", "preferred",
        "preference", "chosen", "chose", "choose", "select", "selected", "vote",
        "votes"}  # fmt: skip
_LOST = {"worse", "worst", "loses", "lost", "loser", "rejected"}
_FILLERS = {"is", "the", "one", "i", "for", "was", "of"}
_SIGNS = re.compile(r"(>>>|>>|>|<<<|<<|<|==|=|≫|≻|≪|≺|≈)")
_SIGN_STRENGTH = {1: 1.0, 2: 3.0, 3: 3.0}
_NOUN_SIDE = re.compile(rf"({'|'.join(SIDE_NOUNS)})(s?)([a-h]|[1-8])")
_PLACE_VOTE = re.compile(r"(left|right)(vote)?")
_CASED = {"m": "a", "M": "b"}
"""AlpacaEval's names of the two outputs in its prompts differ only by their case."""


class Meaning(NamedTuple):
    """What one label says.

    Attributes
    ----------
    side : str or None
        Letter of the response that is preferred.
    preference : float
        P(A preferred), of two responses; NaN where there is none.
    reason : str or None
        ``tie``, ``both_bad``, ``both_good``, ``not_applicable`` or ``failed``.
    strength : float
        How much better, where the word says; else NaN.
    problem : str or None
        Key of :data:`workbench.data.load_report.REASONS` where it is no label.
    """

    side: str | None = None
    preference: float = math.nan
    reason: str | None = None
    strength: float = math.nan
    problem: str | None = None


def of_side(side: str, strength: float = math.nan) -> Meaning:
    """Return the meaning of a side's letter.

    Examples
    --------
    >>> of_side("b").preference
    0.0
    """
    value = {"a": 1.0, "b": 0.0}.get(side, math.nan)
    return Meaning(side, value, strength=strength)


UNKNOWN = Meaning(problem="unknown label")
"""A label that says nothing that is understood."""

OTHERWISE: dict[str, Meaning] = {
    "tie": Meaning(preference=0.5, reason="tie"),
    "both_bad": Meaning(preference=0.5, reason="both_bad"),
    "both_good": Meaning(preference=0.5, reason="both_good"),
    "not_applicable": Meaning(reason="not_applicable"),
    "failed": Meaning(reason="failed"),
    "no_judgement": Meaning(problem="no judgement"),
}
"""By name, the meanings that are no side."""

_WORDS: dict[str, Meaning] = {
    **dict.fromkeys(_TIES, OTHERWISE["tie"]),
    **dict.fromkeys(_BOTH_BAD, OTHERWISE["both_bad"]),
    **dict.fromkeys(_BOTH_GOOD, OTHERWISE["both_good"]),
    **dict.fromkeys(_NOT_APPLICABLE, OTHERWISE["not_applicable"]),
    **dict.fromkeys(_FAILED, OTHERWISE["failed"]),
    **dict.fromkeys(_NO_JUDGEMENT, OTHERWISE["no_judgement"]),
    **dict.fromkeys(_DERIVED, Meaning(problem="derived")),
}


def normal(text: str) -> str:
    """Return a text as labels are compared: without case, spaces, marks and brackets.

    Examples
    --------
    >>> normal(" [[Response_A]] ") == normal("response a")
    True
    """
    return re.sub(r"[^\w<>=≫≻≪≺≈/$]|_", "", text.casefold())


_NORMAL = {normal(word): meaning for word, meaning in _WORDS.items()}

VERDICTS: dict[str, tuple[float, str | None]] = {
    **{word: value for noun in ("", *(f"{noun}_" for noun in SIDE_NOUNS))
       for word, value in ((f"{noun}a", (1.0, None)), (f"{noun}b", (0.0, None)))},
    **{place: (of_side(side).preference, None) for place, side in _PLACES.items() if side in "ab"},
    "c": (0.5, "tie"),
    **{word: (said.preference, said.reason) for word, said in _WORDS.items() if not said.problem},
}  # fmt: skip
"""The plainest words with ``(preference, reason)``; :func:`meaning_of` reads more."""


def meaning_of(text: str, n: int = 2) -> Meaning:
    """Return what a verdict's text means, among ``n`` responses.

    Parameters
    ----------
    text : str
        A side by letter, place or number with a noun (``B``, ``[[A]]``, ``left``, ``model_1``,
        ``Response A``), a comparison (``A>B``, ``B<<A``), a sentence (``A-is-clearly-better``),
        or a word for a tie, for no preference or for none at all. A bare number is none of
        these: what 1 or 0 mean differs from file to file.
    n : int
        Responses that can be named. With two of them a bare ``C`` is a tie, as in the prompts
        of pairwise judges; with three it is the third.

    Returns
    -------
    Meaning
        :data:`UNKNOWN` where nothing is understood.

    Examples
    --------
    >>> meaning_of("B>>A")[:2], meaning_of("B>>A").strength
    (('b', 0.0), 3.0)
    >>> meaning_of("Equally Good").reason, meaning_of("C").reason, meaning_of("c", n=3).side
    ('tie', 'tie', 'c')
    >>> meaning_of("2") is UNKNOWN
    True
    """
    text = text.strip()
    if text in _CASED:
        return of_side(_CASED[text])
    key = normal(text)
    if key in _NORMAL and (key or not text):
        return _NORMAL[key]
    if n == 2 and key == "c":
        return OTHERWISE["tie"]
    if _SIGNS.search(key):
        return _compared(key, n)
    side, strength = _stated(text, n)
    return UNKNOWN if side is None else of_side(side, strength)


def ranking_of(text: str, n: int) -> list[int] | None:
    """Return the rank of each response that a text such as ``B>A=C`` gives, 0 the best.

    Examples
    --------
    >>> ranking_of("B > A = C", 3), ranking_of("B > A", 3) is None
    ([1, 0, 1], True)
    """
    parts = _SIGNS.split(normal(text))
    sides = [_plain_side(part, n) for part in parts[::2]]
    if len(sides) != n or None in sides or len(set(sides)) != n:
        return None
    if any(sign[0] not in ">≻≫=≈" for sign in parts[1::2]):
        return None
    ranks, rank = [0] * n, 0
    for sign, side in zip([">", *parts[1::2]], sides, strict=True):
        rank += sign[0] not in "=≈"
        ranks[LETTERS.index(side or "a")] = rank - 1
    return ranks


def _compared(key: str, n: int) -> Meaning:
    """Return what a comparison of two sides says: ``a>b`` or ``modelb<<modela``."""
    parts = _SIGNS.split(key)
    # a number beside another names a response: 1>2
    sides = [_plain_side(f"model{part}" if part.isdigit() else part, n) for part in parts[::2]]
    if len(parts) != 3 or None in sides or sides[0] == sides[1] or n != 2:
        return UNKNOWN
    sign = parts[1].translate({0x226B: ">>", 0x227B: ">", 0x226A: "<<", 0x227A: "<"})
    if sign[0] in "=≈":
        return OTHERWISE["tie"]
    return of_side(sides[sign[0] == "<"] or "a", _SIGN_STRENGTH[len(sign)])


def _plain_side(key: str, n: int) -> str | None:
    """Return the letter of a side that stands alone, perhaps with a noun."""
    if key in _PLACES:
        side: str | None = _PLACES[key]
    elif found := _NOUN_SIDE.fullmatch(key):
        side = found[3] if found[3] in LETTERS else LETTERS[int(found[3]) - 1]
    elif found := _PLACE_VOTE.fullmatch(key):
        side = _PLACES[found[1]]
    else:
        side = key if len(key) == 1 and key in LETTERS else None
    return side if side is not None and side in LETTERS[:n] else None


def _stated(text: str, n: int) -> tuple[str | None, float]:
    """Return the side that a few words prefer, and how strongly they say so."""
    words = re.sub(r"\ba (bit|lot|little)\b", r"\1", re.sub(r"[^\w]|_", " ", text.casefold()))
    tokens = re.sub(r"\bthan\b.*", "", words).split()
    strength = max((_STRONG[token] for token in tokens if token in _STRONG), default=math.nan)
    won, lost = (any(token in said for token in tokens) for said in (_WON, _LOST))
    left = [t for t in tokens if t not in _STRONG and t not in _FILLERS | _WON | _LOST]
    nouns = [token for token in left if token in SIDE_NOUNS]
    named = [token for token in left if token not in SIDE_NOUNS]
    if len(nouns) > 1 or len(named) != 1 or (won and lost):
        return None, math.nan
    side = _plain_side(nouns[0] + named[0] if nouns and named[0] not in _PLACES else named[0], n)
    if lost and side is not None:
        side = {"a": "b", "b": "a"}.get(side) if n == 2 else None
    if math.isnan(strength) and "better" in tokens:
        strength = 1.0
    return side, strength
