"""The content of a message: plain text, or parts, and thinking that stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_TEXT = ("text", "output_text")
_THINKING = ("thinking", "reasoning", "summary", "text")


class Content(NamedTuple):
    """What a message says.

    Attributes
    ----------
    text, thinking, refusal : str
        Empty where there is none.
    """

    text: str = ""
    thinking: str = ""
    refusal: str = ""


def content_of(message: Mapping[str, Any]) -> Content:
    """Return the text of a message, and apart from it what was thought or refused.

    The content is a text or a list of parts: those of type ``text`` are joined, those of
    type ``thinking`` or ``reasoning`` are thinking (Mistral's Magistral, for one). Servers
    that part the thinking themselves give it as ``reasoning_content`` (vLLM, SGLang, DeepSeek)
    or ``reasoning`` (OpenRouter, Ollama, newer vLLM).

    Examples
    --------
    >>> parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    ...          {"type": "text", "text": "B"}]
    >>> content_of({"content": parts})
    Content(text='B', thinking='Hm.', refusal='')
    >>> content_of({"content": "B", "reasoning_content": "Hm."}).thinking
    'Hm.'
    """
    content, said = message.get("content"), str(message.get("refusal") or "")
    # the two fields say the same where a server fills both
    beside = message.get("reasoning_content") or message.get("reasoning")
    beside = beside if isinstance(beside, str) else ""
    if not isinstance(content, list):
        return Content(content if isinstance(content, str) else "", beside, said)
    texts: list[str] = []
    thoughts = [beside] if beside else []
    for part in content:
        kind = part.get("type", "text") if isinstance(part, dict) else "text"
        if kind in _TEXT:
            texts += _texts(part, ("text",))
        elif kind in ("thinking", "reasoning"):
            thoughts += _texts(part, _THINKING)
        elif kind == "refusal":
            said = said or str(part.get("refusal") or "")
    return Content("".join(texts), "\n".join(thoughts), said)


def _texts(part: Any, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts of a part, which may be parts again."""
    if not isinstance(part, dict):
        yield from [part] if isinstance(part, str) else ()
        return
    inner = next((part[name] for name in names if part.get(name)), "")
    for one in inner if isinstance(inner, list) else [inner]:
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict) and isinstance(one.get("text"), str):
            yield one["text"]
