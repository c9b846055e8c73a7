"""Values that a text states outside of its JSON, such as ``**Verdict: Response B**``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from workbench.llm.replies.around import LETTER, MARKS, NOUN, Around

Fields = Mapping[str, Sequence[str]]

_ALSO = {"tie": ("draw", "tied", "equal", "equally good")}
"""Other words for a value."""
_MOST = 1000
"""Other values beside a name that are weighed one by one; a text with more is no clear one."""
_FINAL = r"(?:final|overall|ultimate)[\s_-]*+"
# what a judge may call its choice; where a reply has only one, each of them is it
_SYNONYMS = (
    r"(?:final|overall|ultimate)[\s_-]*+(?:answer|decision|judge?ment|choice|preference"
    r"|conclusion|winner|pick|result|ruling)|answer|overall|最终答案|最终判断|最终结论|最终裁决|最终判决|判决"
    r"|结论|裁决|判定|結論|最終判定|Urteil|Endurteil|Fazit|veredicto(?:\s++final)?|verdetto|Вердикт"
)
_CLOSE = r"[ \t*_`\"'”’»\\\])]*+"
_BESIDE = (
    rf"(?:[(（\[][^()（）\n\[\]]{{0,60}}[)）\]]{_CLOSE}"
    r"|</?[a-z]\w{0,7}>"
    r"|(?i:final\b|here\b|(?:that\s++)?I\s++(?:reach|give|come\s++to)"
    r"|(?:for|on|in)\s++(?:this|the|these)\s++(?:pair|comparison|case|question|prompt)"
    r"|,?\s*+(?:then|thus|therefore|overall)\b,?)\s*+)?+"
)
_POINT = r"[:：﹕=—–→⇒➡|>-]++"
_BE = (
    r"(?i:is|was|remains|goes\s++to|favou?rs|(?:should|would|must|will|(?:has|have|ought)\s++to)"
    r"(?:\s++(?!(?:be|not|never|hardly)\b)[a-z]{1,15}+)?+\s++be)(?!\w)"
    r"(?:\s++(?i:thus|therefore|hence|clearly|then|simply|still|definitely|now|actually)\b)?+"
    rf"(?:[ \t]*+{_POINT})?+|是|为"
)
_FILL = r"(?:</?[a-z]{1,8}/?>|[^\w.;!?。；！？}]){0,80}+"
_BETTER = r"(?i:better|best|preferred|preferable|winning|stronger|superior)"
_WINS = (
    rf"[*_`]*+\s++(?:is\s++(?:[a-z]++\s++){{0,2}}?(?:{_BETTER}|winner)"
    rf"(?:\s++(?:{NOUN}|one|choice|overall))?|wins(?:\s++overall)?|it\s++is\b)"
)
_WEAK = (
    r"winner|choice|judge?ment|decision|conclusion|preference|pick"
    rf"|{_BETTER}\s++(?:{NOUN}|one)|better|best"
)
_ASIDE = (
    r"(?:(?i:that|in\s++my\s++(?:opinion|view)|therefore|thus|in\s++favou?r\s++of|for|clearly|definitely|slightly|simply|likely|probably"
    r"|no\s++winner|both\s++are|they\s++are|it(?:['’]s|\s++is)|(?:the\s++)?winner(?:\s++is)?"
    r"|(?:I(?:['’]d|\s++would)?\s++)?(?:choose|prefer|pick|select|go\s++(?:with|for)|vote\s++for)"
    r")(?!\w)[:,]?\s*+){0,2}+"
)
_THE_NOUN = rf"(?P<noun>(?i:the\s++)?{NOUN}[\s_-]*+[#:]?+{MARKS})?"
_BECAUSE = r"(?=[*_`\"'”’»)\]]*+\s*+(?:[.!;,{]|\n|$|(?i:because|since|as|due|for)\b))"


_Pattern = re.Pattern[str]
_Said = tuple[_Pattern, Callable[[re.Match[str]], bool]]


class _Patterns(NamedTuple):
    """How a field's name is written, and how values are stated: pattern and last check.

    What is weak counts where all of it in a text agrees: *winner: B* may end each of several
    criteria.
    """

    name: re.Pattern[str]
    stated: tuple[_Said, ...]
    weak: tuple[_Said, ...]


def contradicts(text: str, fields: Fields, found: Mapping[str, str]) -> bool:
    """Return whether a text states a value of a field that is not the one found for it.

    A statement is a field's name, such as *verdict* or *final verdict*, with something between
    (a colon, an arrow, *is*, the end of a heading, a tag) and then one of the field's values.
    A name that is no word, such as ``1`` or ``f2``, counts in quotes or on a line of its own.
    With a single field, its other names (*final answer*), ``[[A]]`` and a conclusion
    (*Overall, A is better.*) count too. A list of what may be said, a question, a condition
    and what speaks against a value (*verdict: B is worse*) do not. Nothing depends on which
    value it is. It takes time in proportion to the length of the text.

    Parameters
    ----------
    text : str
    fields : mapping
        The values that each field may have, by its name.
    found : mapping
        The value of each field.

    Examples
    --------
    >>> contradicts("**Verdict: Response B**", {"verdict": ["A", "B"]}, {"verdict": "A"})
    True
    >>> contradicts("Verdict: A or B? It is A.", {"verdict": ["A", "B"]}, {"verdict": "A"})
    False
    """
    options, known = _of(fields)
    by_fold = {value.casefold(): value for value in options}
    for value, others in _ALSO.items():
        if value in by_fold:
            by_fold |= dict.fromkeys(others, by_fold[value])
    names = {name.casefold(): name for name in fields}
    only = next(iter(fields)) if len(fields) == 1 else ""

    def differs(match: re.Match[str]) -> bool:
        name = names.get((match.groupdict().get("name") or "").casefold(), only)
        value = by_fold[match["said"].casefold()]
        return value in fields.get(name, ()) and value != found[name]

    other = (
        (match, states)
        for pattern, states in known.stated
        for match in pattern.finditer(text)
        if differs(match)
    )
    if any(count >= _MOST or states(match) for count, (match, states) in enumerate(other)):
        return True
    weak = {
        by_fold[match["said"].casefold()]
        for pattern, states in known.weak
        for match in islice(pattern.finditer(text), _MOST)
        if states(match)
    }
    return len(weak) == 1 and weak != {found[only]}


def is_name(text: str, fields: Fields) -> bool:
    """Return whether a text is a field's name or, of a single field, another word for it.

    Examples
    --------
    >>> is_name("final_verdict", {"verdict": ["A"]}), is_name("reason", {"verdict": ["A"]})
    (True, False)
    """
    return _of(fields)[1].name.fullmatch(text.strip()) is not None


def _of(fields: Fields) -> tuple[tuple[str, ...], _Patterns]:
    options = tuple(dict.fromkeys(value for values in fields.values() for value in values))
    return options, _patterns(tuple(fields), options)


@lru_cache(maxsize=64)
def _patterns(names: tuple[str, ...], options: tuple[str, ...]) -> _Patterns:
    others = [word for value in options for word in _ALSO.get(value.casefold(), ())]
    every = [re.escape(value) for value in sorted([*options, *others], key=len, reverse=True)]
    letters = [value for value in every if len(value.removeprefix("\\")) == 1]
    words = "|".join(value for value in every if value not in letters) or "(?!)"
    # in prose a letter counts in its own case only: "a tie" is no A
    option = "|".join([f"(?i:{words})", *letters])
    quoted_names = "|".join(map(re.escape, names)) or "(?!)"
    also = [_SYNONYMS] if len(names) == 1 else []
    plain = [re.escape(one) for one in names if len(one) > 2 and one.replace("_", "").isalpha()]
    prose_names = "|".join([*plain, *also]) or "(?!)"
    said = rf"{_filler(letters, words)}(?P<said>{option})(?!{LETTER}|['’]s\b|[.,]\d|-\w)"
    lines = _lines("|".join([quoted_names, *also]), quoted_names, "|".join(every) or "(?!)")
    around = Around(option)
    return _Patterns(
        re.compile(rf"(?:{_FINAL})?(?:{prose_names})", re.IGNORECASE),
        (
            (_prose(prose_names, said), around.named),
            *((one, around.listed) for one in lines),
            *((one, around.chosen) for one in (_single(option) if also else ())),
        ),
        tuple((one, around.hinted) for one in (_weak(option, said) if also else ())),
    )


def _prose(names: str, said: str) -> re.Pattern[str]:
    """Return the pattern of a name and a value, with what may stand between."""
    return re.compile(
        rf"(?<!{LETTER})(?i:{_FINAL})??(?P<name>(?i:{names}))(?!{LETTER}|_){_CLOSE}{_BESIDE}"
        rf"(?P<sep>(?:\s*+(?:{_POINT}|{_BE}))?+)(?P<fill>{_FILL}){said}"
    )


def _weak(option: str, said: str) -> tuple[_Pattern, ...]:
    """Return the patterns of what is only a hint: other names, values and praise alone."""
    alone = rf"[^\w\n]{{{{0,12}}}}{{}}(?P<said>{option})[^\w\n:?{{{{]{{{{0,12}}}}"
    own = rf"(?:{NOUN}\s++)?"
    praised = rf"{_THE_NOUN}(?P<said>{option}){_WINS}"
    return (
        _prose(_WEAK, said),
        # a title stands before its text, a verdict before the JSON or at an end
        re.compile(rf"^{alone.format(own)}\s*+(?:(?=\{{|```)|\Z)", re.MULTILINE),
        re.compile(rf"\A\s*+{alone.format('')}(?=\n)"),
        re.compile(rf"\A(?:\W|json){{0,40}}?{praised}(?:\W|json)*+\Z"),
        re.compile(rf"\b(?i:therefore|thus|hence|so)\b,?\s++{MARKS}{praised}{_BECAUSE}"),
    )


def _filler(letters: list[str], words: str) -> str:
    """Return the pattern of what may stand between a name and its value: *in favour of the*."""
    # "a tie"; a letter before it is read as the article, whichever letter it is
    article = rf"(?:(?:(?i:an?|the)|{'|'.join(letters) or '(?!)'})\s++"
    article += (
        rf"(?=(?:\w{{1,12}}\s)?(?i:{words})\b)(?:(?i:clear|close|near|true|overall)\s++)?+)?+"
    )
    better = rf"(?:(?i:the\s++)?{_BETTER}\s++{NOUN}\s++is\s++{MARKS})?"
    one = rf"{MARKS}(?:{NOUN}\s++)?(?:{'|'.join([f'(?i:{words})', *letters])})"
    # "A < B", "not A but B", "A and B are equal"
    both = rf"{one}\s*+<+|(?i:not)\s++{one},?\s*+(?i:but)?"
    both += rf"|(?i:both\s++)?{one}\s++(?i:and)\s++{one}\s++(?i:are)"
    return rf"{_ASIDE}(?:(?:{both})\s*+)?{MARKS}{article}{better}{_THE_NOUN}"


def _lines(names: str, in_quotes: str, option: str) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of what counts in any case of its letters: whole lines, quotes."""
    label = r"(?:(?:principle|property|factor|vote|point|question|item|no\.?)[ \t]*#?)?[ \t]?"
    line = (
        rf"^[^\w\n]{{0,12}}{label}(?:{_FINAL})??(?P<name>{names})[^\w\n]{{0,8}}?[:：=|→⇒—–]"
        rf"[^\w\n]{{0,12}}(?:{NOUN}[ _-]*)?(?P<said>{option})[^\w\n?]{{0,12}}$"
    )
    quoted = (
        rf"[\"'](?P<name>{in_quotes})\\?[\"']\s*+[:=]\s*+\\*+[\"']?"
        rf"(?P<said>{option})(?!{LETTER}|-\w)"
    )
    return re.compile(line, re.MULTILINE | re.IGNORECASE), re.compile(quoted, re.IGNORECASE)


def _single(option: str) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of choices without a name, where there is only one to make."""
    said = rf"(?P<said>{option})(?!{LETTER}|['’]s\b)"
    overall = (
        r"(?i:\b(?:overall|in\s++conclusion|in\s++summary|to\s++conclude|to\s++sum\s++up|all\s++in\s++all"
        r"|ultimately|on\s++balance|on\s++the\s++whole))\s*+,?\s*+"
        r"(?i:(?:I\s++(?:think|believe|find|judge)|it\s++seems)\s++(?:that\s++)?)?"
    )
    choose = (
        r"\bI(?:['’]d)?\s++(?:\w++\s++)??"
        r"(?:choose|chose|pick|prefer|select|vote\s++for|go\s++with)\s++"
    )
    found = (
        rf"\[\[\s*+(?P<said>{option})\s*+(?:>+\s*+\w+\s*+)?\]\](?!\()",
        rf"\\boxed\{{\s*+(?:\\text\{{\s*+)?(?:{NOUN}\s*+)?{said}",
        rf"{overall}{MARKS}{_THE_NOUN}{said}{_WINS}{_BECAUSE}",
        rf"{overall}(?:it\s++is|it['’]s)\s++an?\s++{said}{_BECAUSE}",
        rf"{choose}{MARKS}{_THE_NOUN}{said}{_BECAUSE}(?![*_`\"']*\s*+(?:,|for))",
        rf"(?<!{LETTER}){said}[*_`\"']*+\s++is\s++(?:thus\s++|therefore\s++)?(?:my|the)\s++"
        rf"(?:final\s++|overall\s++)?(?:verdict|answer|choice|winner){_BECAUSE}",
    )
    return tuple(re.compile(one) for one in found)
