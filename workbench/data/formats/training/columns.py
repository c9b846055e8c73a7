"""Which columns of a file that models are trained on hold what."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from workbench.errors import DataError

PAIRS = (
    ("chosen", "rejected"),
    ("chosen_response", "rejected_response"),
    ("preferred_output", "non_preferred_output"),
    ("response_j", "response_k"),
    ("messages", "rejected_response"),
    ("messages", "rejected_messages"),
    ("answer_matching_behavior", "answer_not_matching_behavior"),
)
"""Names of the better and the worse response: of TRL, LLaMA-Factory and Axolotl; of Axolotl's
argilla and of NeMo-Aligner; of OpenAI; of TRL's StackExchange example; of ms-swift, whose
messages end with the better one; of the persona evaluations."""

COMPLETIONS = ("completion", "output", "response", "conversations", "messages")
OPINIONS = ("kto_tag", "label")
"""Of a file of single completions, the completion and whether it was liked."""

_PROMPTS = ("prompt", "instruction", "question", "query", "input", "context")
_ASKED = ("prompt", "instruction", "question")
_CHATS = ("messages", "conversations", "conversation")
MEDIA = ("images", "image", "image_path", "videos", "video", "audios", "audio")
_SCORE = re.compile(
    r"(?:(?:chosen|rejected)[-_. ])?(?P<word>(?:avg[-_ ]|mean[-_ ]|overall[-_ ])?"
    r"(?:score|rating|reward)s?)(?:[-_. ](?:chosen|rejected))?"
)
_MODEL = re.compile(r"(?:model|policy|generator)(?:[-_ ](?:name|id))?")


@dataclass(frozen=True)
class Columns:
    """Names of columns by what they hold, None where there is none.

    Attributes
    ----------
    chosen, rejected : str
        The better and the worse response, or both the one of a file of single ones.
    prompt : str or None
        Text or messages.
    input : str or None
        What else belongs to an instruction or question; joined to it by a line end.
    system : str or None
    history : str or None
        Earlier questions and answers, in twos.
    messages : str or None
        The conversation before the responses.
    tools : str or None
        What the model could call.
    media : tuple of str
    """

    chosen: str
    rejected: str
    prompt: str | None = None
    input: str | None = None
    system: str | None = None
    history: str | None = None
    messages: str | None = None
    tools: str | None = None
    media: tuple[str, ...] = ()

    @property
    def used(self) -> set[str]:
        """Every column named."""
        named = [getattr(self, field.name) for field in fields(self) if field.name != "media"]
        return {name for name in named if name is not None} | set(self.media)

    @property
    def before(self) -> tuple[str | None, ...]:
        """The columns of the prompt, in the order in which they stand in it."""
        return self.system, self.history, self.messages, self.prompt, self.input


_SIDES = tuple(field.name for field in fields(Columns) if field.name != "media")
ROLES = (
    *_SIDES, "completion", "label", "margin", "annotator", "kind", "scenario", "cluster",
    "criterion",
)  # fmt: skip
"""What a mapping may name."""


def columns_of(
    names: Collection[str], mapping: Mapping[str, Any] | None = None, sides: str | None = None
) -> Columns | None:
    """Return which columns hold what, or None where there are no two responses.

    Parameters
    ----------
    names : collection of str
        Columns of the file.
    mapping : mapping, optional
        Columns by role (:data:`ROLES`) for what the names do not tell; a role mapped to None
        has no column.
    sides : str, optional
        The one column of responses, in a file of single ones.

    Examples
    --------
    >>> found = columns_of(["system", "question", "chosen", "rejected"])
    >>> found.prompt, found.system, found.chosen
    ('question', 'system', 'chosen')
    >>> columns_of(["good", "bad"], {"chosen": "good", "rejected": "bad"}).chosen
    'good'
    """
    _check(names, dict(mapping or {}))
    given = {role: name for role, name in dict(mapping or {}).items() if role in _SIDES}
    pair = (sides, sides) if sides else next((p for p in PAIRS if set(p) <= set(names)), None)
    chosen, rejected = pair or (None, None)
    chosen, rejected = given.get("chosen", chosen), given.get("rejected", rejected)
    if chosen is None or rejected is None:
        return None
    free = [n for n in names if n not in {chosen, rejected, *given.values()}]
    chats, prompt = _first(_CHATS, free), _first(_PROMPTS, free)
    if prompt in _ASKED or "prompt" in given:
        chats = None  # a copy of the whole conversation, where the prompt has a column
    elif chats is not None:
        prompt = None
    prompt = given.get("prompt", prompt)
    more = "input" if "input" in free and prompt not in (None, "input", "context") else None
    found = {
        "prompt": prompt,
        "input": more,
        "messages": chats,
        **{name: _first((name,), free) for name in ("system", "history", "tools")},
    }
    named = {**found, **{role: given[role] for role in found if role in given}}
    return Columns(chosen, rejected, **named, media=tuple(n for n in MEDIA if n in free))


def scores_of(names: Collection[str]) -> tuple[str, str] | None:
    """Return the columns that score the chosen and the rejected response, if there are two.

    Examples
    --------
    >>> scores_of(["chosen-rating", "rejected-rating"]), scores_of(["score_chosen"])
    (('chosen-rating', 'rejected-rating'), None)
    """
    return _sided(names, lambda name: _SCORE.fullmatch(name) is not None)


def models_of(names: Collection[str]) -> tuple[str, str] | None:
    """Return the columns that name the models of the chosen and the rejected response.

    Examples
    --------
    >>> models_of(["id", "chosen-model", "rejected-model"])
    ('chosen-model', 'rejected-model')
    """
    return _sided(names, lambda name: _MODEL.fullmatch(_word(name)) is not None)


def _sided(names: Collection[str], fits: Any) -> tuple[str, str] | None:
    for name in names:
        other = name.replace("chosen", "rejected")
        if "chosen" in name and other in names and fits(name):
            return name, other
    return None


def _word(name: str) -> str:
    return name.replace("chosen", "").strip("-_. ")


def _first(wanted: Collection[str], names: Collection[str]) -> str | None:
    return next((name for name in wanted if name in names), None)


def _check(names: Collection[str], given: Mapping[str, Any]) -> None:
    unknown = [role for role in given if role not in ROLES]
    missing = [name for name in given.values() if name is not None and name not in names]
    if unknown or missing:
        raise DataError(
            f"The mapping names an unknown {'role' if unknown else 'column'}.",
            found=repr((unknown or missing)[0]),
            expected=", ".join(ROLES if unknown else names),
            fix="Correct the mapping; see the columns of the file with workbench.preview.",
        )
