"""What a pairwise judge is told: built-in templates in our own words, and the user's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import ConfigError
from workbench.llm.fence import RULE, fence_of, fenced
from workbench.llm.question import object_schema

PLACES = ("prompt", "response_a", "response_b", "reference")
"""Where texts go in a user's template, as ``{prompt}`` and so on."""

_NAMES = {
    "prompt": "prompt",
    "response_a": "response {}",
    "response_b": "response {}",
    "reference": "reference answer",
}
"""What each text is called in its fence; responses by their labels."""


@dataclass(frozen=True)
class Template:
    """What a pairwise judge is told.

    Attributes
    ----------
    name : str
    system : str
        The instruction.
    user : str
        The message that holds the texts: ``{prompt}``, ``{response_a}``, ``{response_b}``
        and, where there is one, ``{reference}``. Each is put between marks that it cannot
        close; nothing else in braces is replaced.
    ties : bool
        Whether the verdict may be a tie.
    reason : bool
        Whether the model first says why.
    labels : tuple of str
        What the response that stands first, and the other one, are called.
    backwards : bool
        Whether the verdicts are listed from the last to the first.
    principles : str or None
        A constitution that stands above the texts, between marks of its own.

    Raises
    ------
    ConfigError
        A place is missing or unknown.

    Examples
    --------
    >>> mine = Template("mine", "Which is better?", "{prompt} {response_a} {response_b}")
    >>> mine.schema()["required"]
    ['verdict']
    """

    name: str
    system: str
    user: str
    ties: bool = True
    reason: bool = False
    labels: tuple[str, str] = ("A", "B")
    backwards: bool = False
    principles: str | None = None

    def __post_init__(self) -> None:
        found = re.findall(r"\{(\w+)\}", self.user)
        missing = [place for place in PLACES[1:3] if found.count(place) != 1]
        unknown = [place for place in found if place not in PLACES]
        if missing or unknown or len(set(found)) < len(found):
            raise ConfigError(
                "The template cannot be used.",
                where=self.name,
                found=", ".join(f"{{{place}}}" for place in found) or "no place for a text",
                expected="{response_a} and {response_b} once each; {prompt} and {reference} at "
                "most once; no other {word}",
                fix="Correct the places in braces.",
            )

    def verdicts(self) -> list[str]:
        """Return what the verdict may be, in the order in which the model reads it.

        Examples
        --------
        >>> Template("mine", "Judge.", "{response_a} {response_b}", backwards=True).verdicts()
        ['tie', 'B', 'A']
        """
        found = [*self.labels, "tie"] if self.ties else [*self.labels]
        return found[::-1] if self.backwards else found

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the reply."""
        verdicts = self.verdicts()
        properties: dict[str, Any] = {"reason": {"type": "string"}} if self.reason else {}
        properties["verdict"] = {"type": "string", "enum": verdicts}
        return object_schema(properties)

    def _names(self) -> dict[str, str]:
        labels = dict(zip(PLACES[1:3], self.labels, strict=True))
        return {place: name.format(labels.get(place)) for place, name in _NAMES.items()}

    def messages(self, texts: Mapping[str, str | None]) -> tuple[dict[str, str], ...]:
        """Return the messages for texts by place; a place without text says that there is none.

        Examples
        --------
        >>> texts = {"prompt": "Hi", "response_a": "{prompt}", "response_b": "B", "reference": None}
        >>> "{prompt}" in TEMPLATES["workbench"].messages(texts)[1]["content"]
        True
        """
        names = self._names()
        named = {names[place]: text for place, text in texts.items() if text is not None}
        above = {} if self.principles is None else {"principles": self.principles}
        mark = fence_of({**above, **named})
        parts = re.split(r"\{(\w+)\}", self.user)
        # a text stands in an odd part and is never searched for places itself
        filled = [
            part if k % 2 == 0 else _block(names[part], texts.get(part), mark)
            for k, part in enumerate(parts)
        ]
        answer = _reply_form(self)
        system = f"{self.system}\n\n{RULE.format(fence=mark)}\n\n{answer}"
        if above:
            filled.insert(0, fenced(above, mark) + "\n\n")
        return (
            {"role": "system", "content": system},
            {"role": "user", "content": "".join(filled)},
        )


def _block(name: str, text: str | None, mark: str) -> str:
    return "(none)" if text is None else fenced({name: text}, mark)


def _reply_form(template: Template) -> str:
    *some, last = [f'"{verdict}"' for verdict in template.verdicts()]
    words = f"{', '.join(some)} or {last}"
    first = '"reason": one or two sentences, then ' if template.reason else ""
    return (
        f'Reply with one JSON object and nothing else: {{{first}"verdict": {words}}}. '
        f'"{template.labels[0]}" is the response that stands first.'
    )


_SYSTEM = (
    "You compare two responses to the same prompt. Decide which one serves the person who wrote "
    "the prompt better: it {criteria}. {aside} are no merits in themselves. If a reference "
    "answer is given, it is right. Say tie only where neither is better."
)
_USER = "{prompt}\n\n{reference}\n\n{response_a}\n\n{response_b}"

TEMPLATES = {
    one.name: one
    for one in (
        Template(
            "workbench",
            _SYSTEM.format(
                criteria="does what was asked, is right, and is clear",
                aside="Length, layout and the order in which they stand",
            ),
            _USER,
        ),
        Template(
            "criteria_reversed",
            _SYSTEM.format(
                criteria="is clear, is right, and does what was asked",
                aside="The order in which they stand, layout and length",
            ),
            _USER,
        ),
        Template(
            "alpaca_eval",
            "You rank the outputs of two language models by how well they follow the instruction, "
            "as most people would rank them. You give the name of the output that is best.",
            "Instruction:\n{prompt}\n\nOutput of model A:\n{response_a}\n\nOutput of model B:\n"
            "{response_b}",
            ties=False,
        ),
        Template(
            "mt_bench",
            "You are an impartial judge of two assistants that answered the same user. Weigh how "
            "helpful, relevant, accurate, deep, creative and detailed each answer is. First "
            "compare them shortly, then give the verdict. Do not let the order, the length or the "
            "names of the assistants sway you. If a reference answer is given, compare both with "
            "it.",
            "The user's question or conversation:\n{prompt}\n\nReference answer:\n{reference}\n\n"
            "Assistant A:\n{response_a}\n\nAssistant B:\n{response_b}",
            reason=True,
        ),
    )
}
"""Built-in templates by name; ``alpaca_eval`` and ``mt_bench`` follow those judges' style,
``criteria_reversed`` is ``workbench`` with its criteria the other way round."""


_OPTIONS = ("# no ties", "# reason first")


def find_template(name: str) -> Template:
    """Return a built-in template, or one read from a file.

    A JSON file holds the attributes of a :class:`Template`. Of a text file the paragraphs before
    the first place are the instruction; the rest is the message. A line ``# no ties`` or
    ``# reason first`` sets that option.

    Raises
    ------
    ConfigError
        No such template or file, or one that cannot be used.

    Examples
    --------
    >>> find_template("mt_bench").reason
    True
    """
    if name in TEMPLATES:
        return TEMPLATES[name]
    path = Path(name)
    try:
        if path.suffix == ".json":
            return _from_record(json.loads(path.read_text(encoding="utf-8-sig")))
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            "There is no such template.",
            where=name,
            found=type(error).__name__,
            expected=f"one of {', '.join(TEMPLATES)}, a text file, or a saved repaired prompt",
            fix="Check the name or the path.",
        ) from None
    options = {line.strip() for line in lines} & set(_OPTIONS)
    text = "\n".join(line for line in lines if line.strip() not in options).strip()
    before = re.split(r"\{\w+\}", text, maxsplit=1)[0]
    system, _, rest = before.rpartition("\n\n")
    user = rest + text[len(before) :]
    return Template(
        path.stem,
        system.strip() or "Compare two responses to the same prompt.",
        user,
        ties=_OPTIONS[0] not in options,
        reason=_OPTIONS[1] in options,
    )


def _from_record(record: Mapping[str, Any]) -> Template:
    return Template(**{**record, "labels": tuple(record["labels"])})
