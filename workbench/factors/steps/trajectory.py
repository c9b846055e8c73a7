"""What an agent did in a response: turns, calls of tools and their results, whatever the layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.data.formats.messages import Message

CALLS = r'"tool_calls"|"function_call"|"tool_use"|(?m:^Action Input:)|\\nAction Input:'
"""What stands in the messages or the text of every response that calls a tool."""

_RESULTS = ("tool", "function", "ipython", "environment")
_FAULTS = ("error", "errors", "exception", "traceback")
_SAYS_ERROR = re.compile(
    r"\s*(?:Traceback \(most recent call last\)|(?i:error)\s*:|[A-Za-z_.]*(?:Error|Exception)\s*:)"
)
_OBSERVED = re.compile(r"^Observation(?: \d+)?:", re.MULTILINE)
_GOES_ON = re.compile(r"^(?:Thought(?: \d+)?|Action|Final Answer):", re.MULTILINE)
_ACTION = re.compile(
    # each of these takes a text once: no two that could share a run of spaces
    r"^Action:(?P<name>[^\n]*)\nAction Input:"
    r"(?P<input>.*(?:\n(?!Thought(?: \d+)?:|Action:|Final Answer:).*)*)",
    re.MULTILINE,
)
_LABEL = re.compile(r"^(?:Thought(?: \d+)?|Final Answer):[ \t]*", re.MULTILINE)


@dataclass(frozen=True)
class Call:
    """One call of a tool.

    Attributes
    ----------
    tool : str
    arguments : str
        Canonical JSON where they are JSON, else their text.
    """

    tool: str
    arguments: str


@dataclass
class Turn:
    """What an assistant said and called in one message.

    Attributes
    ----------
    said : str
    calls : list of Call
    """

    said: str
    calls: list[Call] = field(default_factory=list)


@dataclass
class Trajectory:
    """The turns of a response, and which results of tools said that something failed.

    Attributes
    ----------
    turns : list of Turn
    failed : list of bool
        Of each result, in order.
    """

    turns: list[Turn] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)

    @property
    def calls(self) -> list[Call]:
        """Every call, in order."""
        return [call for turn in self.turns for call in turn.calls]


def trajectory_of(messages: Sequence[Message]) -> Trajectory:
    """Return what the messages of a response did.

    Read are calls of OpenAI (``tool_calls``, ``function_call``; results of role ``tool`` or
    ``function``), of Anthropic (parts ``tool_use`` and ``tool_result``), and ReAct text: a line
    ``Action:`` with one ``Action Input:`` below it, results after ``Observation:``.

    Parameters
    ----------
    messages : sequence of dict
        As :func:`workbench.data.formats.messages.as_messages` gives them.

    Examples
    --------
    >>> call = {"function": {"name": "find", "arguments": '{"q": "tea"}'}}
    >>> found = trajectory_of([{"role": "assistant", "tool_calls": [call]},
    ...                        {"role": "tool", "content": '{"error": "no such shop"}'}])
    >>> found.calls, found.failed
    ([Call(tool='find', arguments='{"q":"tea"}')], [True])
    """
    found = Trajectory()
    for message in messages:
        if message.get("role") in _RESULTS:
            found.failed.append(_failed(message, message.get("content")))
            continue
        found.failed += [_failed(part, part.get("content")) for part in _typed(message, "result")]
        if message.get("role") == "assistant":
            calls = list(_calls(message))
            said = _said(message)
            if calls or "Action Input:" not in said:
                found.turns.append(Turn(said, calls))
            else:
                _add_react(found, said)
    return found


def last_errand(messages: Sequence[Message]) -> list[Message]:
    """Return the messages after the last one that a person wrote.

    Examples
    --------
    >>> ask, answer = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}
    >>> last_errand([ask, answer]), last_errand([answer, ask])
    ([{'role': 'assistant', 'content': 'Yes?'}], [])
    """
    asked = [
        k
        for k, message in enumerate(messages)
        if message.get("role") == "user" and not any(True for _ in _typed(message, "result"))
    ]
    return list(messages[asked[-1] + 1 :] if asked else messages)


def _typed(message: Message, end: str) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of a content whose type is ``tool_`` and this."""
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, Mapping) else None
        if isinstance(kind, str) and kind.endswith(f"tool_{end}"):
            yield part


def _calls(message: Message) -> Iterator[Call]:
    own = message.get("tool_calls")
    single = message.get("function_call")
    for call in [*(own if isinstance(own, list) else []), *([single] if single else [])]:
        if isinstance(call, Mapping):
            inner = call.get("function")
            inner = inner if isinstance(inner, Mapping) else call
            yield _call(inner.get("name"), inner.get("arguments", inner.get("args")))
    for part in _typed(message, "use"):
        yield _call(part.get("name"), part.get("input"))


def _call(name: Any, arguments: Any) -> Call:
    if isinstance(arguments, str):
        arguments = _json(arguments.strip())
    if not isinstance(arguments, str):
        # an empty object and none at all are the same
        arguments = json.dumps(
            arguments or {}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
    return Call(str(name).strip(), arguments)


def _json(text: str) -> Any:
    """Return what a JSON text holds, or the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _said(message: Message) -> str:
    """Return what an assistant wrote: no calls, no results, no hidden reasoning."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    texts = [
        part if isinstance(part, str) else part.get("text")
        for part in (content if isinstance(content, list) else [])
        if isinstance(part, str)
        or (isinstance(part, Mapping) and part.get("type", "text") == "text")
    ]
    return "\n".join(text for text in texts if isinstance(text, str))


def _failed(holder: Mapping[str, Any], content: Any) -> bool:
    if holder.get("is_error") is True or holder.get("status") == "error":
        return True
    parts = content if isinstance(content, list) else [content]
    return any(_says_error(part.get("text", part) if isinstance(part, Mapping) else part)
               for part in parts)  # fmt: skip


def _says_error(value: Any) -> bool:
    if isinstance(value, str):
        if _SAYS_ERROR.match(value):
            return True
        value = _json(value) if value.lstrip().startswith("{") else None
    return isinstance(value, Mapping) and any(
        bool(item) for key, item in value.items() if str(key).lower() in _FAULTS
    )


def _add_react(found: Trajectory, text: str) -> None:
    """Add the turns and results of a text in which thoughts, actions and observations alternate."""
    first, *rest = _OBSERVED.split(text)
    pieces = [first]
    for piece in rest:
        goes_on = _GOES_ON.search(piece)
        end = goes_on.start() if goes_on else len(piece)
        found.failed.append(_says_error(piece[:end].strip()))
        pieces.append(piece[end:])
    for piece in pieces:
        calls = [_call(one["name"], one["input"]) for one in _ACTION.finditer(piece)]
        said = _LABEL.sub("", _ACTION.sub("", piece)).strip()
        if said or calls:
            found.turns.append(Turn(said, calls))
