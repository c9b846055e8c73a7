"""Chat messages: reading, rendering as text, and splitting two conversations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

Message = dict[str, Any]

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class ChatPair(NamedTuple):
    """Two conversations as one prompt and two responses.

    Attributes
    ----------
    prompt : str or None
        Rendered text; None where there is nothing before the responses.
    response_a, response_b : str
        Rendered text.
    prompt_messages : str or None
        Canonical JSON of the messages that both conversations start with.
    response_a_messages, response_b_messages : str
        Canonical JSON of the rest: prompt messages and rest are the whole conversation.
    """

    prompt: str | None
    response_a: str
    response_b: str
    prompt_messages: str | None
    response_a_messages: str
    response_b_messages: str


def as_messages(value: Any) -> list[Message] | None:
    """Return a value as chat messages, or None where it is none.

    Parameters
    ----------
    value : object
        A list of ``{"role", "content"}``, or the JSON text of one. The content is text or a
        list of parts (text, or ``{"type", "text"}``); a message without content must carry
        something else beside its role, such as tool calls.

    Returns
    -------
    list of dict or None
        The messages without their missing values; nothing else is taken away.

    Examples
    --------
    >>> as_messages('[{"role": "user", "content": "Hi", "name": null}]')
    [{'role': 'user', 'content': 'Hi'}]
    >>> as_messages("plain text") is None
    True
    """
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return None
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, list) or not value:
        return None
    messages = [_clean(item) for item in value]
    return messages if all(_is_message(item) for item in messages) else None


def text_of(message: Message) -> str:
    r"""Return the text of a message; a part that is no text shows its type in brackets.

    Examples
    --------
    >>> text_of({"role": "user", "content": [{"type": "text", "text": "See:"}, {"type": "image"}]})
    'See:\n[image]'
    """
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_part_text(part) for part in content)
    return to_json([{key: item for key, item in message.items() if key != "role"}])[1:-1]


def render(messages: Sequence[Message]) -> str:
    """Return messages as text: a single one bare, several with their roles.

    Examples
    --------
    >>> print(render([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]))
    user: Hi
    <BLANKLINE>
    assistant: Yes?
    """
    if len(messages) == 1:
        return text_of(messages[0])
    return "\n\n".join(f"{message['role']}: {text_of(message)}" for message in messages)


def common_prefix(a: Sequence[Message], b: Sequence[Message]) -> int:
    """Return how many messages at the start are the same, leaving each side at least one.

    Examples
    --------
    >>> ask = {"role": "user", "content": "Hi"}
    >>> common_prefix([ask, {"role": "assistant", "content": "Yes?"}], [ask, ask])
    1
    """
    n = 0
    while n < min(len(a), len(b)) - 1 and a[n] == b[n]:
        n += 1
    return n


def to_json(messages: Sequence[Message]) -> str:
    """Return messages as canonical JSON: sorted keys, no spaces, UTF-8 as it is.

    Examples
    --------
    >>> to_json([{"role": "user", "content": "Hi"}])
    '[{"content":"Hi","role":"user"}]'
    """
    return _ENCODER.encode(messages)


def split_chats(a: list[Message], b: list[Message], before: Any = None) -> ChatPair:
    r"""Return what two conversations share as the prompt, and the rest as responses.

    Conversations of several turns that part at the first answer share no later message,
    yet their user turns are often the same. Then these belong to the prompt's text and the
    assistant's turns alone are the response, so that a factor measures what a model wrote.

    Parameters
    ----------
    a, b : list of dict
        Messages, as :func:`as_messages` gives them.
    before : str or list of dict, optional
        Prompt that the file holds beside the conversations; not repeated where the
        conversations start with it themselves.

    Examples
    --------
    >>> ask, more = {"role": "user", "content": "Hi"}, {"role": "user", "content": "Why?"}
    >>> yes, no = {"role": "assistant", "content": "Yes"}, {"role": "assistant", "content": "No"}
    >>> pair = split_chats([ask, yes, more, no], [ask, no, more, yes])
    >>> pair.prompt, pair.response_a, pair.response_b
    ('user: Hi\n\nuser: Why?', 'Yes\n\nNo', 'No\n\nYes')
    """
    n = common_prefix(a, b)
    asked = _with_prompt(a[:n], before)
    rest_a, rest_b = a[n:], b[n:]
    turns_a, turns_b = (
        [message for message in rest if message["role"] != "assistant"] for rest in (rest_a, rest_b)
    )
    has_answer = len(turns_a) < len(rest_a) or len(turns_b) < len(rest_b)
    if turns_a == turns_b and has_answer:
        shown, answers = [*asked, *turns_a], (_answers(rest_a), _answers(rest_b))
    else:
        shown, answers = asked, (render(rest_a), render(rest_b))
    return ChatPair(
        prompt=render(shown) or None,
        response_a=answers[0],
        response_b=answers[1],
        prompt_messages=to_json(asked) if asked else None,
        response_a_messages=to_json(rest_a),
        response_b_messages=to_json(rest_b),
    )


def _with_prompt(shared: list[Message], before: Any) -> list[Message]:
    if not before:
        return shared
    if isinstance(before, str):
        users = [text_of(message) for message in shared if message["role"] == "user"]
        if users and users[-1] == before:
            return shared
        return [{"role": "user", "content": before}, *shared]
    return shared if shared[: len(before)] == before else [*before, *shared]


def _answers(messages: list[Message]) -> str:
    return "\n\n".join(text_of(message) for message in messages if message["role"] == "assistant")


def _clean(value: Any) -> Any:
    """Drop missing values, which a table adds to unlike messages, and broken code points."""
    if isinstance(value, dict):
        return {str(key): _clean(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, str):
        return whole_text(value)
    return value


def whole_text(value: str) -> str:
    r"""Return a text with lone surrogates (JSON can hold them, UTF-8 cannot) replaced.

    Examples
    --------
    >>> whole_text("a\ud83d") == "a\ufffd"
    True
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _is_message(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        return False
    content = item.get("content")
    if content is None:
        return len(item) > 1
    if isinstance(content, list):
        return all(_is_part(part) for part in content)
    return isinstance(content, str)


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict):
        return isinstance(part, str)
    if part.get("type", "text") == "text":
        return isinstance(part.get("text"), str)
    return isinstance(part["type"], str)


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    text: str = part["text"] if part.get("type", "text") == "text" else f"[{part['type']}]"
    return text
