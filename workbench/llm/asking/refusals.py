"""What the words of a refusal ask for: a request without a field, or under another name.

Only a refusal that speaks of a field of the request changes how it is asked. The wordings
are those of OpenAI, Azure, Anthropic, Gemini, Mistral, DeepSeek, Groq, vLLM, llama.cpp,
TGI and LiteLLM, as users report them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.llm.asking.bends import JSON_OBJECT, SYSTEM, fewer_logprobs, omit, rename

BENDING = (400, 403, 422, 500, 501)
"""Statuses whose words are read; 403 only about log-probabilities."""

_LENGTHS = ("max_tokens", "max_completion_tokens")
_LOGPROBS = ("logprobs", "top_logprobs")
_FEW_LOGPROBS = 5
_LONGEST = 20_000
_BESIDE = 16
"""Characters beside a word by which a repeated text of the request is known."""

_TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|max_model_len|reduce the length"
    r"|string_above_max_length|(prompt|input|request|message)s?\b.{0,60}"
    r"(too long|too large|exceeds?\b)|too many (input |prompt )?tokens"
    r"|inputs?` tokens|inputs?` must have less|request_too_large|payload too large",
)
_FILTERED = re.compile(
    r"content[ _-]?(filter|management|policy|moderation)|responsible ?ai|safety (system|filter"
    r"|setting)|moderation|\bflagged\b|usage polic|policy violation|blocked (by|due|because)"
    r"|invalid_prompt|data_inspection_failed|sensitive (content|words)|prohibited_content",
)
_REFUSING = re.compile(
    r"unsupported|not support|n't support|unknown|unrecogni[sz]ed|unexpected|not (be )?permitted"
    r"|not allowed|forbidden|\binvalid\b|unavailable|cannot|can't|could not|deprecated|\bmust\b"
    r"|\bonly\b|less than|greater than|at most|maximum|out of range|remove|not enabled"
    r"|not available|not implemented|no longer|instead|\bfailed\b|has to be|should be"
)
_UNKNOWN = re.compile(
    r"unsupported|not support|n't support|unknown|unrecogni[sz]ed|unexpected|not permitted"
    r"|not allowed|forbidden|cannot find|deprecated|instead|no longer|not implemented"
)
_MOST = re.compile(
    r"must|at most|less than|greater than|maximum|max allowed|exceed|range|between|more than|<="
)
_PARAM = re.compile(r"""['"]param['"]\s*:\s*['"](\w+)""")
_LOC = re.compile(r"""['"]loc['"]\s*:\s*[\[(]\s*((?:['"][^'"]*['"]|\d+)(?:\s*,\s*(?:['"][^'"]*['"]|\d+))*)""")  # fmt: skip # noqa: E501
_BOTH = re.compile(r"(temperature.{0,20}top_p|top_p.{0,20}temperature).{0,40}(both|one of)")
_ONE_OF = re.compile(r"(both|one of).{0,20}(temperature.{0,20}top_p|top_p.{0,20}temperature)")
_SYSTEM = re.compile(
    r"system[ _](role|message|prompt|instruction)|role.{0,40}\bsystem\b|\bsystem\b.{0,20}role"
    r"|roles must alternate|only user(,| and) assistant|developer instruction"
)
_NAMES = {
    "n": r"""['"`]n['"`]|\bn must|\bn is not|\bn\s*[><=]|parameter:? n\b""",
    "response_format": r"response[_ ]format|json[_ ]schema|json[_ ]object|json[_ ]mode"
    r"|structured[_ ]outputs?|guided[_ ](json|decoding)|\bgrammar",
    "temperature": r"\btemperature\b",
    "top_p": r"\btop_?p\b",
    "logprobs": r"\blogprobs\b|log probabilities",
}


def too_long(text: str) -> bool:
    """Say whether a refusal is that of a request which is too long for the model.

    Examples
    --------
    >>> too_long("This model's maximum context length is 8192 tokens.")
    True
    """
    return _TOO_LONG.search(text.lower()) is not None


def filtered(text: str) -> bool:
    """Say whether a refusal is that of a content filter.

    Examples
    --------
    >>> filtered("filtered due to the prompt triggering the content management policy")
    True
    """
    return _FILTERED.search(text.lower()) is not None


def bends_for(status: int, text: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the bends that a refusal asks for; none where it speaks of no field.

    Parameters
    ----------
    status : int
    text : str
        All that the server said, as it came.
    body : mapping
        What was sent.

    Examples
    --------
    >>> said = "'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    >>> bends_for(400, said, {"max_tokens": 9})
    ('rename max_tokens=max_completion_tokens',)
    >>> bends_for(400, "Upstream closed the connection", {"max_tokens": 9})
    ()
    """
    if status not in BENDING:
        return ()
    # JSON within JSON within Python's repr: the quotes lose their backslashes
    words = text[:_LONGEST].replace("\\n", " ").replace("\\", "").lower()
    if too_long(words) or filtered(words):
        return ()
    fields = _named(words, body)
    if fields is None:
        fields = _mentioned(words, body)
    if status == 403:
        fields = [field for field in fields if field in _LOGPROBS]
    if "top_p" in fields and (_BOTH.search(words) or _ONE_OF.search(words)):
        # one of the two is enough: what is asked for more often stays
        fields = [field for field in fields if field != "temperature"]
    if "logprobs" in fields and "top_logprobs" in fields:
        fields.remove("logprobs" if _MOST.search(words) else "top_logprobs")
    found = [_bend_of(field, words, body) for field in fields]
    return tuple(one for one in dict.fromkeys(found) if one is not None)


def _named(words: str, body: Mapping[str, Any]) -> list[str] | None:
    """Return the fields that a refusal names in a place of its own; None where it has none."""
    locs = [re.findall(r"[^'\",\s]+", one) for one in _LOC.findall(words)]
    params = [[one] for one in _PARAM.findall(words)]
    known = {*_bendable(body), "messages", "prompt", "input", "model"}
    paths = [[part for part in path if part != "body"] for path in (locs or params)]
    paths = [path for path in paths if path]
    if not locs and not any(path[0] in known for path in paths):
        # such as "param": "validation_error"
        return None
    if any(path[0] == "messages" and _is_system(words, body) for path in paths):
        return ["system"]
    return list(dict.fromkeys(path[0] for path in paths if path[0] in _bendable(body)))


def _mentioned(words: str, body: Mapping[str, Any]) -> list[str]:
    """Return the fields of which the words of a refusal speak."""
    if _REFUSING.search(words) is None:
        return []
    found = [field for field in _bendable(body) if _speaks(_pattern(field), words, body)]
    if not found and _is_system(words, body):
        return ["system"]
    return found


def _bendable(body: Mapping[str, Any]) -> list[str]:
    return [
        field
        for field in ("temperature", "top_p", *_LENGTHS, "n", "seed", *_LOGPROBS, "response_format")
        if field in body
    ]


def _pattern(field: str) -> str:
    return _NAMES.get(field, rf"\b{field}\b")


def _is_system(words: str, body: Mapping[str, Any]) -> bool:
    asked = any(one.get("role") == "system" for one in body.get("messages", ()))
    return asked and _speaks(_SYSTEM.pattern, words, body)


def _speaks(pattern: str, words: str, body: Mapping[str, Any]) -> bool:
    """Say whether words match, in a place that does not repeat the texts of the request."""
    own = [str(one.get("content")).lower() for one in body.get("messages", ())]
    for match in re.finditer(pattern, words):
        begin, end = match.span()
        sides = (words[max(begin - _BESIDE, 0) : end], words[begin : end + _BESIDE])
        if not any(side in text for text in own for side in sides):
            return True
    return False


def _bend_of(field: str, words: str, body: Mapping[str, Any]) -> str | None:
    if field == "system":
        return SYSTEM
    if field in _LENGTHS:
        if _UNKNOWN.search(words) is None and '"loc"' not in words:
            # too many, or too few: that is for the user to choose
            return None
        other = _LENGTHS[1 - _LENGTHS.index(field)]
        # where both names are refused the server sets the limit
        refused = _speaks(rf"\b{other}\b", words, body) and f"use '{other}'" not in words
        return omit(field) if refused else rename(field, other)
    if field == "response_format":
        asked = body["response_format"].get("type")
        return JSON_OBJECT if asked == "json_schema" else omit(field)
    if field in _LOGPROBS and _MOST.search(words):
        many = body.get("top_logprobs", 0) > _FEW_LOGPROBS
        return fewer_logprobs(_FEW_LOGPROBS) if many else omit("logprobs")
    return omit(field)
