"""Chat messages: reading, rendering as text, and splitting two conversations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from workbench.data.formats.message_parts import clean, is_part, media_in, part_text
from workbench.data.formats.message_parts import whole_text as whole_text
from workbench.data.formats.printed import structure

Message = dict[str, Any]

_USUAL = ("user", "assistant", "system")
_ROLES = {
    "human": "user", "prompter": "user", "gpt": "assistant", "chatgpt": "assistant",
    "bot": "assistant", "model": "assistant", "ai": "assistant", "bard": "assistant",
    "observation": "tool", "function_call": "assistant",
    **{role: role for role in ("user", "assistant", "system", "developer", "tool", "function")},
}  # fmt: skip
"""By lower-case name, the usual name of a role; others stay as they are."""

_KNOWN = {*_ROLES.values(), "ipython", "environment"}
_ROLE = ("role", "from")
_CONTENT = ("content", "value", "text", "message", "parts")
_CALLS = ("tool_calls", "function_call")
_HOLDERS = ("messages", "conversations", "conversation")

_SPEAKER = re.compile(r"\n\n(Human|Assistant):")
_PRINTED = re.compile(
    r"""\s*(?:array\()?[\[(\s]*(?:\{\s*['"](?:role|from|content|value)['"]\s*:"""
    r"""|Row\((?:role|from|content|value)=)"""
)
_ROLE_KEY = re.compile(r"""['"](?:role|from)['"]\s*:|\b(?:role|from)=""")
_CONTENT_KEY = re.compile(r"""['"](?:content|value)['"]\s*:|\b(?:content|value)=""")
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
        A message (``role`` and ``content``, or ``from`` and ``value``), a list of them, a
        list of lists, an object of parallel lists, or an object that holds ``messages``; the
        JSON text of one, or what Python or numpy print of it; or a dialogue text of turns
        ``Human:`` and ``Assistant:``. The content is text or a list of parts (text, or
        ``{"type", "text"}``); a message without content must carry something else beside
        its role, such as tool calls.

    Returns
    -------
    list of dict or None
        The messages as ``role`` and ``content``, the roles by their usual names (``human``
        is ``user``, ``gpt`` is ``assistant``), without missing values; nothing else is
        taken away.

    Examples
    --------
    >>> as_messages('[{"role": "user", "content": "Hi", "name": null}]')
    [{'role': 'user', 'content': 'Hi'}]
    >>> as_messages("{'from': 'gpt', 'value': 'Yes?'}")
    [{'role': 'assistant', 'content': 'Yes?'}]
    >>> as_messages("plain text") is None
    True
    """
    if not isinstance(value, str):
        return _of_object(value)
    messages = _of_object(structure(value))
    if messages is None:
        return dialogue(value)
    # the text may be an answer that is JSON by itself: {"role": "admin", ...}
    several = len(messages) > 1 or not value.lstrip().startswith(("{", "Row("))
    known = (m["role"] in _KNOWN or (several and "content" in m) for m in messages)
    return messages if all(known) else None


def dialogue(text: str) -> list[Message] | None:
    r"""Return the turns of a dialogue text, or None where the text is none.

    Parameters
    ----------
    text : str
        Begins with ``Human:`` and holds ``Assistant:`` after an empty line, as HH-RLHF
        writes it. An empty turn at the end only asks for the answer.

    Examples
    --------
    >>> dialogue("\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: 2+2?\n\nAssistant:")[1:]
    [{'role': 'assistant', 'content': 'Yes?'}, {'role': 'user', 'content': '2+2?'}]
    """
    if not text.lstrip().startswith("Human:") or "\n\nAssistant:" not in text:
        return None
    return turns_of(text)


def turns_of(text: str, first: str = "user") -> list[Message]:
    r"""Return the turns of a text, what stands before the first mark as one of ``first``.

    Examples
    --------
    >>> turns_of("Sure.\n\nHuman: Go on.", "assistant")[1]
    {'role': 'user', 'content': 'Go on.'}
    """
    parts = _SPEAKER.split("\n\n" + text.lstrip())
    roles = [first, *(_ROLES[name.lower()] for name in parts[1::2])]
    said = [part.strip() for part in parts[0::2]]
    turns = [{"role": role, "content": part} for role, part in zip(roles, said, strict=True)]
    if len(turns) > 1 and not said[0]:
        turns = turns[1:]
    return turns[:-1] if len(turns) > 1 and not said[-1] else turns


def looks_like_messages(text: str) -> bool:
    """Tell whether a text is the print of chat messages, whether or not it can be read.

    What :func:`as_messages` cannot read of such (cut off by a spreadsheet, say) is no prose.

    Examples
    --------
    >>> looks_like_messages("[{'role': 'user', 'content': 'Tell me")
    True
    """
    if not (_PRINTED.match(text) and _ROLE_KEY.search(text) and _CONTENT_KEY.search(text)):
        return False
    found = structure(text)
    # one object of another kind of role is an answer that is JSON by itself
    roles = [found.get(key) for key in _ROLE if key in found] if isinstance(found, dict) else []
    return not any(isinstance(role, str) and role.lower() not in _ROLES for role in roles)


def media_of(messages: Sequence[Message]) -> list[str]:
    """Return the paths, URLs or digests of the media that messages hold, in their order.

    Examples
    --------
    >>> part = {"type": "image_url", "image_url": {"url": "cat.png"}}
    >>> media_of([{"role": "user", "content": [part, "What is it?"]}])
    ['cat.png']
    """
    parts = [part for one in messages for part in _parts(one) if isinstance(part, dict)]
    return [found for part in parts for found in media_in(part)]


def text_of(message: Message) -> str:
    r"""Return the text of a message, with its tool calls as JSON.

    A part that is no text shows its type in brackets.

    Examples
    --------
    >>> text_of({"role": "user", "content": [{"type": "text", "text": "See:"}, {"type": "image"}]})
    'See:\n[image]'
    """
    content = message.get("content")
    calls = {key: message[key] for key in _CALLS if message.get(key)}
    if content is None:
        rest = {key: item for key, item in message.items() if key != "role"}
        return to_json([calls or rest])[1:-1]
    said = content if isinstance(content, str) else "\n".join(map(part_text, content))
    if not calls:
        return said
    shown = to_json([calls])[1:-1]
    return f"{said}\n{shown}" if said.strip() else shown


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


def tools_shown(tools: str | None) -> str | None:
    """Return what a prompt's text shows of the tools that a model had, whatever their order.

    Parameters
    ----------
    tools : str or None
        JSON as the file has it, or a text.

    Examples
    --------
    >>> tools_shown('[{"type": "function", "name": "look"}]')
    'tools: [{"name":"look","type":"function"}]'
    """
    if tools is None:
        return None
    try:
        found = json.loads(tools)
    except ValueError:
        found = None
    return f"tools: {to_json(found) if isinstance(found, list) else tools}"


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
    """Put a prompt before what two chats share, where they do not repeat it themselves."""
    if not before:
        return shared
    asked = [{"role": "user", "content": before}] if isinstance(before, str) else list(before)
    n = next((i for i, one in enumerate(asked) if one["role"] != "system"), len(asked))
    system, asked = asked[:n], asked[n:]
    body = shared if end_of(asked, shared) else [*asked, *shared]
    return body if end_of(system, shared[: len(system)]) else [*system, *body]


def end_of(asked: list[Message], chat: list[Message]) -> int:
    """Return how many messages of a chat there are up to its repeat of a prompt; 0 without one.

    Examples
    --------
    >>> ask, answer = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}
    >>> end_of([ask], [ask, answer]), end_of([ask], [answer])
    (1, 0)
    """
    wanted, said = ([_words(message) for message in one] for one in (asked, chat))
    n = len(wanted)
    return next((i + n for i in range(len(said) - n + 1) if said[i : i + n] == wanted), 0)


def _words(message: Message) -> tuple[str, str]:
    return message["role"], text_of(message).strip()


def _answers(messages: list[Message]) -> str:
    return "\n\n".join(text_of(message) for message in messages if message["role"] == "assistant")


def _of_object(value: Any) -> list[Message] | None:
    """Return an object or a list of them as messages, or None where it is none."""
    if isinstance(value, dict):
        value = _unfolded(value)
    if not isinstance(value, list | tuple | np.ndarray):
        return None
    items = list(value)
    if items and all(isinstance(item, list | tuple | np.ndarray) for item in items):
        items = [one for item in items for one in item]
    messages = [_message(item) for item in items]
    found = [message for message in messages if message is not None]
    return found if found and len(found) == len(items) else None


def _unfolded(value: Mapping[str, Any]) -> Any:
    """Return the list that an object holds or stands for, else the object alone in one."""
    held = [value[key] for key in _HOLDERS if value.get(key) is not None]
    if held and not any(key in value for key in _ROLE):
        return held[0]
    columns = list(value.values())
    parallel = all(isinstance(column, list | np.ndarray) for column in columns)
    if not parallel or len({len(column) for column in columns}) != 1:
        return [value]
    return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]


def _message(item: Any) -> Message | None:
    if not isinstance(item, dict):
        return None
    role, content = item.get("role"), item.get("content")
    if len(item) == 2 and isinstance(role, str) and isinstance(content, str) and role in _USUAL:
        # nearly all: nothing to turn or to clean, several times as fast
        return {"role": role, "content": whole_text(content)}
    item = clean(item)
    speaker = next((key for key in _ROLE if isinstance(item.get(key), str)), None)
    said = next((key for key in _CONTENT if key in item), None)
    if speaker is None or (said is None and speaker != "role"):
        return None
    name = item[speaker].strip()
    rest = {key: part for key, part in item.items() if key not in (speaker, said)}
    role = _ROLES.get(name.lower(), name)
    if said is None:
        return {"role": role, **rest} if any(rest.values()) else None
    content = [item[said]] if isinstance(item[said], dict) else item[said]
    if isinstance(content, list):
        if not all(map(is_part, content)):
            return None
    elif not isinstance(content, str):
        return None
    elif name == "function_call":
        return {"role": role, **_called(content), **rest}
    return {"role": role, "content": content, **rest}


def _called(text: str) -> Message:
    """Return the call that ShareGPT keeps as the JSON text of its name and arguments."""
    call = structure(text)
    calls = call if isinstance(call, list) else [call]
    if not all(isinstance(one, dict) and "name" in one for one in calls):
        return {"content": text}
    return {"tool_calls": [{"type": "function", "function": one} for one in calls]}


def _parts(message: Message) -> list[Any]:
    content = message.get("content")
    return content if isinstance(content, list) else []
