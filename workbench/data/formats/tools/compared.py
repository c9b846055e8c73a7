"""Which of the fields that a tool showed are the responses compared, and which is the prompt.

Tools leave the names of fields to their users. Responses are fields whose names differ in one
mark only (``response1`` and ``response2``, ``text_a`` and ``text_b``, ``left`` and ``right``),
or the members of one list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from workbench.data.formats.messages import as_messages, render, to_json
from workbench.data.formats.nested import unpacked
from workbench.data.formats.records import Record
from workbench.data.formats.tools.field_marks import families, marked, parts_of

_NOUNS = (
    "response", "answer", "completion", "output", "generation", "reply", "candidate", "text",
    "txt", "summary", "translation", "continuation", "story", "caption", "message", "messages",
    "conversation", "option", "item", "image", "img", "picture", "audio", "video", "html",
)  # fmt: skip
"""What responses are called, best first."""

_NO_RESPONSE = {
    "model", "generator", "policy", "rating", "score", "rank", "label", "id", "name", "prompt",
    "question", "instruction", "turn", "tokens", "length", "len", "tag", "reason", "rationale",
    "url", "source", "date", "time", "winner", "choice", "criterion",
}  # fmt: skip
_MODEL_NOUNS = {"model", "generator", "policy", "system", "provider", "engine"}
_PROMPTS = (
    "prompt", "instruction", "question", "query", "input", "user_prompt", "user_input",
    "messages", "conversation", "chat", "dialogue", "history", "context", "task", "source",
    "article", "post", "document", "text", "title",
)  # fmt: skip
_TEXTS = ("text", "response", "answer", "completion", "output", "content", "body", "html",
          "image", "audio", "video", "value", "title")  # fmt: skip
_MEDIA = re.compile(
    r"(?:https?://|s3://|gs://|/data/|\.{0,2}/)?\S+\.(?:png|jpe?g|webp|gif|mp3|wav|flac|ogg|mp4|webm)"
    r"(?:\?\S*)?",
    re.IGNORECASE,
)
_MOST_LISTED = 50


class Response(NamedTuple):
    """One of the responses that were compared.

    Attributes
    ----------
    name : str
        Field that holds it, or its id in a list.
    mark : str
        What tells its name from the others' names.
    value : object
        Text, chat messages, or the place of an image or a sound.
    model : str or None
    extra : dict
        What else the record says of it.
    """

    name: str
    mark: str
    value: Any
    model: str | None = None
    extra: Mapping[str, Any] = MappingProxyType({})


class Shown(NamedTuple):
    """Where in a tool's records prompt and responses lie.

    Attributes
    ----------
    prompts : tuple of str
        Fields of the prompt: a system message, an instruction, its input.
    responses : dict of str to str
        Field of each response by its mark; empty where they are members of a list.
    listed : str or None
        Field that lists the responses.
    """

    prompts: tuple[str, ...]
    responses: dict[str, str]
    listed: str | None = None


def shown_in(records: Sequence[Record], given: Mapping[str, Any] | None = None) -> Shown | None:
    """Return where prompt and responses lie, None where no two responses are found.

    Parameters
    ----------
    records : list of dict
        What was shown, by the user's names of the fields.
    given : mapping, optional
        Names of fields that the user states: ``prompt``, ``response_a``, ``response_b``.

    Examples
    --------
    >>> shown_in([{"prompt": "?", "reply1": "x", "reply2": "y"}])
    Shown(prompts=('prompt',), responses={'1': 'reply1', '2': 'reply2'}, listed=None)
    """
    given = given or {}
    spoken = [name for name in _names(records) if _is_spoken(records, name)]
    if given.get("response_a") and given.get("response_b"):
        responses = {"a": str(given["response_a"]), "b": str(given["response_b"])}
        return Shown(_prompts(spoken, responses.values(), given), responses)
    ranked = sorted(
        (
            (rank, family)
            for words, family in families(spoken)
            if (rank := _rank(words)) is not None
        ),
        key=lambda one: one[0],
    )
    if ranked:
        family = ranked[0][1]
        return Shown(_prompts(spoken, family.values(), given), family)
    lists = [name for name in _names(records) if _is_list(records, name)]
    if lists:
        return Shown(_prompts([n for n in spoken if n != lists[0]], (), given), {}, lists[0])
    return None


def responses_of(fields: Record, shown: Shown, further: Record) -> list[Response]:
    """Return the responses of one record, in the order of their marks.

    Parameters
    ----------
    fields : dict
        What was shown.
    shown : Shown
        Where it lies.
    further : dict
        Further fields, among which what belongs to each response has the same marks.

    Examples
    --------
    >>> shown = Shown((), {"1": "reply1", "2": "reply2"})
    >>> fields, models = {"reply1": "x", "reply2": "y"}, {"model_1": "m", "model_2": "n"}
    >>> [response.model for response in responses_of(fields, shown, models)]
    ['m', 'n']
    """
    if shown.listed is not None:
        return _members(unpacked(fields.get(shown.listed)))
    beside = {key: value for key, value in {**further, **fields}.items()
              if key not in shown.responses.values()}  # fmt: skip
    named = models_of(beside, shown.responses)
    groups = {n: f for n, f in marked(beside, shown.responses).items() if not _is_of_models(n)}
    return [
        Response(
            name,
            mark,
            fields.get(name),
            named.get(mark),
            {group: beside[family[mark]] for group, family in groups.items()},
        )
        for mark, name in shown.responses.items()
    ]


def models_of(fields: Record, marks: Collection[str]) -> dict[str, str]:
    """Return models' names by mark, from fields such as ``model1`` or ``generator_b``.

    Examples
    --------
    >>> models_of({"model_a": "m1", "model_b": "m2"}, ("a", "b"))
    {'a': 'm1', 'b': 'm2'}
    """
    named = next((f for n, f in marked(fields, marks).items() if _is_of_models(n)), {})
    models = {mark: fields[name] for mark, name in named.items()}
    return {mark: name for mark, name in models.items() if isinstance(name, str)}


def unshown(fields: Record, shown: Shown) -> Record:
    """Return the fields that are neither prompt nor of one response.

    Examples
    --------
    >>> unshown({"reply1": "x", "reply2": "y", "n1": 3, "n2": 5, "day": 1},
    ...         Shown((), {"1": "reply1", "2": "reply2"}))
    {'day': 1}
    """
    used = {*shown.prompts, *shown.responses.values(), shown.listed}
    of_sides = marked(fields, shown.responses).values()
    used |= {name for family in of_sides for name in family.values()}
    return {name: value for name, value in fields.items() if name not in used}


def speaks(shown: Shown) -> bool:
    """Tell whether the names of the responses say that they are responses.

    Examples
    --------
    >>> speaks(Shown((), {"a": "answer_a", "b": "answer_b"}))
    True
    >>> speaks(Shown((), {"1": "hint1", "2": "hint2"}))
    False
    """
    words = {part for name in shown.responses.values() for part in parts_of(name)}
    bare = words == set(shown.responses) and not any(mark.isdigit() for mark in words)
    return bare or not words.isdisjoint(_NOUNS)


def prompt_of(fields: Record, shown: Shown) -> Record:
    r"""Return the prompt's columns of a judgement.

    Examples
    --------
    >>> shown = Shown(("system", "prompt"), {})
    >>> prompt_of({"system": "Be brief.", "prompt": "Hi"}, shown)["prompt"]
    'system: Be brief.\n\nuser: Hi'
    """
    values = {name: fields.get(name) for name in shown.prompts}
    values = {name: value for name, value in values.items() if value not in (None, "", [])}
    if not values:
        return {}
    if len(values) == 1:
        return said(next(iter(values.values())), "prompt")
    messages: list[Record] = []
    for name, value in values.items():
        chat = as_messages(value)
        role = "system" if "system" in parts_of(name) else "user"
        messages += chat if chat is not None else [{"role": role, "content": str(value)}]
    if all(message["role"] == "user" for message in messages):
        return {"prompt": "\n\n".join(render([message]) for message in messages)}
    return {"prompt": render(messages), "prompt_messages": to_json(messages)}


def said(value: Any, role: str, letter: str = "") -> Record:
    """Return the columns of a judgement that a text, a chat or a medium makes.

    Parameters
    ----------
    value : object
    role : str
        ``prompt`` or ``response``.
    letter : {"a", "b", ""}
        Side of a response.

    Examples
    --------
    >>> said("Yes.", "response", "a"), said("cat.png", "response", "b")
    ({'response_a': 'Yes.'}, {'media_b': 'cat.png'})
    """
    name = f"{role}_{letter}" if letter else role
    if value is None:
        return {name: None}
    if isinstance(value, str) and _is_medium(value):
        return {f"media_{letter}" if letter else "media": value}
    messages = as_messages(value) if isinstance(value, list | dict | str) else None
    if messages is not None:
        return {name: render(messages), f"{name}_messages": to_json(messages)}
    if isinstance(value, list | dict):
        return {name: json.dumps(value, ensure_ascii=False)}
    return {name: str(value)}


def text_in(member: Any) -> Any:
    """Return what an object that stands for a response says, None where it is no object.

    Examples
    --------
    >>> text_in({"id": "r1", "text": "Yes."}), text_in("Yes.") is None
    ('Yes.', True)
    """
    if not isinstance(member, dict):
        return None
    return next((member[name] for name in _TEXTS if member.get(name) is not None), None)


def _is_of_models(name: str) -> bool:
    return not _MODEL_NOUNS.isdisjoint(name.split("_"))


def _rank(words: frozenset[str]) -> tuple[int, int] | None:
    """Return how well a family's shared words name responses, None where they name no text."""
    if words & _NO_RESPONSE:
        return None
    places = [_NOUNS.index(word) for word in words if word in _NOUNS]
    return (min(places), len(words)) if places else (len(_NOUNS), len(words))


def _names(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _is_spoken(records: Sequence[Record], name: str) -> bool:
    """Tell whether a field holds texts or chats, where it holds anything."""
    values = [value for record in records if (value := record.get(name)) is not None]
    return bool(values) and all(
        isinstance(value, str) or as_messages(value) is not None for value in values
    )


def _is_list(records: Sequence[Record], name: str) -> bool:
    values = [value for record in records if (value := unpacked(record.get(name))) is not None]
    return bool(values) and all(
        isinstance(value, list)
        and as_messages(value) is None
        and 1 < len(value) <= _MOST_LISTED
        and all(isinstance(member, str) or text_in(member) is not None for member in value)
        for value in values
    )


def _prompts(
    spoken: Sequence[str], used: Iterable[str], given: Mapping[str, Any]
) -> tuple[str, ...]:
    if given.get("prompt"):
        return (str(given["prompt"]),)
    taken = set(used)
    free = {name.lower().replace("-", "_"): name for name in spoken if name not in taken}
    main = next((known for known in _PROMPTS if known in free), None)
    if main is None:
        return (free.popitem()[1],) if len(free) == 1 else ()
    wanted = [name for name in ("system", "system_prompt") if name in free] + [main]
    if main == "instruction" and "input" in free:
        wanted.append("input")
    return tuple(free[name] for name in wanted)


def _members(value: Any) -> list[Response]:
    if not isinstance(value, list):
        return []
    responses = []
    for number, member in enumerate(value):
        fields = member if isinstance(member, dict) else {}
        name = str(fields.get("id", fields.get("name", number)))
        text = member if isinstance(member, str) else text_in(member)
        model = next((fields[n] for n in _MODEL_NOUNS if isinstance(fields.get(n), str)), None)
        responses.append(Response(name, str(number + 1), text, model, {}))
    return responses


def _is_medium(value: str) -> bool:
    return value.startswith("data:image/") or _MEDIA.fullmatch(value) is not None
