"""What stands around a value in prose, and whether the value is stated there at all."""

from __future__ import annotations

import re

LETTER = r"[0-9A-Za-z\u00c0-\u052f]"
"""What words of alphabets with blanks between words are made of."""
MARKS = r"[ \t*_`\"'“”‘’«»(\[]*+"
NOUN = (
    r"(?i:responses?|answer|assistant|option|output|model|candidate|completion|reply|side|text"
    r"|antwort|réponse|respuesta|回答|回复|答案|选项|応答|助手|模型)"
)
"""What a judged text may be called."""

_NEAR = 160
"""Characters around a value that are looked at: it keeps the search linear."""
_CLOSE = r"[*_`\"'”’»)\]\\]*+"
_END = rf"{_CLOSE}[ \t]*+"
_SENTENCE = re.compile(r"[.!?;](?=\s|$)|[。！？\n]|\b(?:but|however|yet)\b", re.IGNORECASE)
_HEDGED = re.compile(
    r"\b(?:may|might|could|can|tempt\w*|would)\s+(?:\w+\s+){0,2}?"
    r"(?:think|say|argue|believe|claim|conclude|object|expect|seem|assume|guess)\b"
    r"|\b(?:whether|not\s+that|n['’]t\s+(?:say|mean|think)|at\s+first|initial(?:ly)?|if)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\W*(?:is|was|should|could|would|does|do|can|what|which|why)\b", re.IGNORECASE)
_OF_OTHERS = re.compile(
    r"(?:['’]s|\b(?:its|their|his|her|whose))\W+(?:own\W+|first\W+)?$", re.IGNORECASE
)
# the texts that are judged have answers too, and the question a right one
_NOT_OWN = re.compile(
    rf"{NOUN}\s+\w{{1,12}}\W{{1,4}}$|"
    r"\b(?:both|correct|right|wrong|reference|expected|given|gives?|states?|says?|claims?"
    r"|concludes?|reach(?:es)?|of|example|sample|possible)"
    r"\W+(?:(?:the|a|an|that)\W+){0,2}(?:own\W+|correct\W+|same\W+)?$",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\W*(?:(?:so|thus|therefore|hence|actually|overall|finally|in conclusion|edit|correction)\W+)?"
    r"(?:(?:my|the)\W+)?",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"(?:<[a-z]\w{0,7}>|[\W\d_])*(?:(?:my|the|overall|final|section|part|step)\W+)*", re.IGNORECASE
)
_CONDITION = re.compile(
    rf"{_END}[(,]?\s*(?:if(?!\s+I\b)|when|whenever|unless|where|means|stands\s+for|denotes)\b",
    re.IGNORECASE,
)
_IF = re.compile(r"\W*(?:and\s+)?(?:if|when)\b(?!\s+I\b)", re.IGNORECASE)
_SUPPOSED = re.compile(r"[^.!?\n]*?\b(?:if|were|had|but|however)\b", re.IGNORECASE)
_DEGREE = r"(?:\w+ly|much|far|a\s+bit|a\s+little|somewhat|just|also|simply|the|even)\s+"
_AGAINST = re.compile(
    rf"{_END}\s*(?:(?:is|was|would\s+be|seems|looks|appears)\s+(?:{_DEGREE}){{0,2}}?"
    r"(?:worse|worst|weaker|weakest|wrong|not(?!\s+(?:only|perfect|flawless|without))|incorrect|inferior|out\b|no\b"
    r"|less\s+(?:helpful|accurate|correct|complete|clear|precise|relevant|useful|good|detailed))"
    r"|(?:is|was|does|did|would)n['’]t\b|loses\b|fails\b|lacks\b|cannot\b)",
    re.IGNORECASE,
)
_FOR = re.compile(
    rf"{_END}\s*(?:(?:is|was|seems)\s+(?:\w+\s+){{0,3}}?(?:better|best|superior|stronger|strongest"
    r"|preferable|preferred|winner|right)\b|wins\b)",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"{_END}(?:[.!。！]{_END})?(?:<[^<>\n]{{1,40}}>)?[ \t]*(?:\n|$|[{{}}])")
# after a letter, so that the article of "Verdict: A close call" is none
_GOES_ON = re.compile(
    r"[ \t]+(?:(?:because|since|as|for|over|due|by|with|on|in|at|than|and|but|though|although"
    r"|while|given|being|beats|thanks|all|hands|would|did|had|wins?|won|was|has|is|gets|in)\b"
    r"|better\b(?=\s*(?:[.,;!)\n]|$|than|overall|because|since))"
    r"|\w+ly\b(?=\s*(?:[.,;!)\n]|$|better\s*(?:[.,;!\n]|$)|wins|ahead|because|since))"
    r"|[a-z]{2,15}(?<![su])s\b)|[ \t]*+(?![ \t])[\W_]|[ \t]*+$|[ \t]*+[^\x00-\u052f]"
)
_NEUTRAL = re.compile(rf"{_END}\s*[a-z]+")
_DOUBT = re.compile(rf"{_END}[?？]")
_QUESTION = re.compile(r"[^.!?\n]*\?")
_REASON = re.compile(rf"{_END},?\s*(?:because|since|as)\b", re.IGNORECASE)
_STRICT = ("answer", "overall")
_OR = r"(?i:or|oder|ou|o|или|或者|或|还是|または|か)(?![A-Za-z])"
_CONTRAST = (
    r"[^.!?\n]*?\b(?:but|however|although|though|while|whereas|yet|aber|mais|pero|но)\b[^.!?\n]*?"
)


class Around:
    """Whether the place of a value is one where it is stated.

    Matches have the group ``said``, named ones also ``name``, what stands between (``sep``,
    ``fill``) and the ``noun`` of the value.

    Parameters
    ----------
    option : str
        Pattern of all values.

    Examples
    --------
    >>> around = Around("A|B")
    >>> [around.listed(re.match("(?P<said>A)", text)) for text in ("A or B", "A, B lost")]
    [False, True]
    """

    def __init__(self, option: str) -> None:
        other = (
            rf"{MARKS}(?:(?i:an?|the)\s+)?(?:{NOUN}[\s_-]*)?{MARKS}(?:{option})(?!{LETTER}|['’]s\b)"
        )
        listed = rf"(?={_END}(?:[,/|.;:)\]}}>\n、，。=]|$|(?:or|and|are|were|tie|both)\b))"
        self._more = re.compile(
            rf"{_END}(?:(?:,|//|#|\()?[ \t]*{_OR}{other}"
            rf"|(?:[,/|&=≈~、，]+|<|(?i:and|versus|vs\.?)\b)\s*{other}{listed}"
            rf"|[.,;]?[ \t]*+\n\s*+(?:[-*•+]|\d+[.)])\s*{other}(?={_END}(?:\n|$|[,;.:=(—-])))"
        )
        self._scored = re.compile(
            rf"{_END}[:(]\s*\d[^\n]{{0,60}}?{other}{_END}[:(]\s*\d"
            rf"|{_END}(?:=|[-=]>|→)[^\n]{{0,60}}?[,;]\s*{other}{_END}(?:=|[-=]>|→)"
        )
        self._but = re.compile(
            rf"{_CONTRAST}(?<!{LETTER}){other}|[^.!?\n]*?(?<!{LETTER}){other}{_FOR.pattern}"
        )

    def listed(self, match: re.Match[str]) -> bool:
        """Return whether it is more than one of the values that may be said."""
        return not self._is_open(_after(match)) and not _IF.match(_clause(match))

    def chosen(self, match: re.Match[str]) -> bool:
        """Return whether a choice without a name is one, and the writer's own."""
        return not _supposes(_clause(match), _after(match)) and self.listed(match)

    def hinted(self, match: re.Match[str]) -> bool:
        """Return whether a hint is one: under a name that is not the field's, or alone."""
        return self.named(match) if "sep" in match.re.groupindex else self.chosen(match)

    def named(self, match: re.Match[str]) -> bool:
        """Return whether a name and a value that follows it are a statement."""
        after, tie = _after(match), match["sep"] + match["fill"]
        if self._is_open(after) or _AGAINST.match(after) or not _names(match):
            return False
        if not match["sep"].strip() and "\n" not in tie:
            return _ALONE.match(after) is not None
        if "\n" in tie or match["name"].casefold() in _STRICT:
            return any(one.match(after) for one in (_ALONE, _FOR, _REASON))
        if "would" in tie.casefold() and _SUPPOSED.match(after):
            return False
        if len(match["said"]) == 1 and not match["noun"] and not _GOES_ON.match(after):
            return False
        return bool(_FOR.match(after) or not _NEUTRAL.match(after) or not self._but.match(after))

    def _is_open(self, after: str) -> bool:
        found = (self._more.match(after), _CONDITION.match(after), _DOUBT.match(after))
        return any(found) or self._scored.match(after) is not None


def _after(match: re.Match[str]) -> str:
    return match.string[match.end("said") : match.end("said") + _NEAR]


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - _NEAR) : match.start()]


def _clause(match: re.Match[str]) -> str:
    return _SENTENCE.split(_before(match))[-1]


def _supposes(clause: str, after: str) -> bool:
    """Return whether a sentence supposes, asks, or speaks of others, by its beginning."""
    asks = _ASKED.match(clause) and _QUESTION.match(after)
    return bool(asks or _HEDGED.search(clause) or _OF_OTHERS.search(clause))


def _names(match: re.Match[str]) -> bool:
    """Return whether a name stands where it is that of the verdict."""
    clause, name, sep = _clause(match), match["name"].casefold(), match["sep"].strip()
    if _supposes(clause, _after(match)) or (name == "overall" and sep[:1].isalpha()):
        return False
    if name.endswith("answer") and _NOT_OWN.search(clause):
        return False
    own = _OWN.fullmatch(clause) is not None
    if not sep and "\n" in match["fill"]:
        return _HEADING.fullmatch(_line(match)) is not None
    return own if not sep or name == "answer" else True


def _line(match: re.Match[str]) -> str:
    return _before(match).rpartition("\n")[2]
