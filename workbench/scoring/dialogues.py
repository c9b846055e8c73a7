"""Pairs as a trainer gets them: texts or messages, a prompt and the responses to it."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.formats.messages import Message, tools_shown
from workbench.scoring.policy import TokenPolicy
from workbench.scoring.template import Asked, Prompt, Response

REOPENED = "the prompt ends in an assistant's turn: it is closed, and another one is opened"
SEVERAL = "the dialogues part at an earlier answer: all that follows is scored, later turns of " \
    "the user too"  # fmt: skip
WRITTEN_OUT = "a dialogue of messages, scored as a text 'role: ...' that no trainer makes; " \
    "the chat template (--mode chat) does not"  # fmt: skip
MESSAGES = "messages scored as raw texts, where trainers take the chat template (--mode chat)"
MARKS = "the turn marks 'Human:' and 'Assistant:' of the file stand around prompt and response"

_HUMAN, _ASSISTANT = "\n\nHuman:", "\n\nAssistant:"


@dataclass(frozen=True)
class Dialogue:
    """A prompt and both responses.

    Attributes
    ----------
    prompt : str or Asked
    chosen, rejected : str or list of dict
    remarks : tuple of str
        What there is to say of it.
    """

    prompt: Prompt
    chosen: Response
    rejected: Response
    remarks: tuple[str, ...] = ()


def with_messages(data: PreferenceData, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with their messages and tools beside them, where the data have such.

    Parameters
    ----------
    data : PreferenceData
    pairs : DataFrame
        As :func:`workbench.data.preferred.preferred` gives them.

    Returns
    -------
    DataFrame
        With ``prompt_messages, chosen_messages, rejected_messages, tools`` as JSON, no text
        where there is none.
    """
    held = data.pairs.set_index("pair_id").reindex(pairs["pair_id"])
    none = pd.Series([None] * len(held), index=held.index, dtype=object)
    column = {name: held[name].astype(object).where(held[name].notna(), None)
              if name in held else none
              for name in ("prompt_messages", "response_a_messages", "response_b_messages",
                           "tools")}  # fmt: skip
    first = (pairs["side"] == "a").to_numpy()
    a, b = column["response_a_messages"], column["response_b_messages"]
    return pairs.assign(
        prompt_messages=column["prompt_messages"].to_numpy(),
        chosen_messages=a.where(first, b).to_numpy(),
        rejected_messages=b.where(first, a).to_numpy(),
        tools=column["tools"].to_numpy(),
    )


def dialogue_of(row: Mapping[Hashable, Any], policy: TokenPolicy) -> Dialogue:
    """Return a pair as texts (raw), or as messages where the data have them (chat).

    Parameters
    ----------
    row : mapping
        A row of :func:`with_messages`.
    policy : TokenPolicy
    """
    return _messages(row) if policy.mode == "chat" else _texts(row, policy)


def dialogue_of_pair(row: Mapping[Hashable, Any], policy: TokenPolicy) -> Dialogue:
    """Return a row of a data set's own pairs, response A as the chosen one.

    Parameters
    ----------
    row : mapping
    policy : TokenPolicy
    """
    names = ("prompt", "prompt_messages", "tools")
    given = dict[Hashable, Any]({k: row[k] if isinstance(row.get(k), str) else None for k in names})
    for name, side in (("chosen", "a"), ("rejected", "b")):
        given[name] = row[f"response_{side}"]
        given[f"{name}_messages"] = row.get(f"response_{side}_messages")
    return dialogue_of(given, policy)


class Known:
    """The messages and turn marks behind texts, for what gets texts alone.

    Parameters
    ----------
    data : PreferenceData, optional
        Whose prompts are known; none when None.
    """

    def __init__(self, data: PreferenceData | None = None) -> None:
        self._asked: dict[str, dict[Hashable, Any]] = {}
        self._said: dict[tuple[str, str], Any] = {}
        if data is None:
            return
        pairs = data.pairs.assign(side="a", chosen=data.pairs["response_a"],
                                  rejected=data.pairs["response_b"])  # fmt: skip
        for row in with_messages(data, pairs).to_dict("records"):
            prompt = row["prompt"] if isinstance(row["prompt"], str) else ""
            self._asked.setdefault(prompt, row)
            for side in ("chosen", "rejected"):
                self._said[prompt, row[side]] = row[f"{side}_messages"]

    def dialogue(self, prompt: str, response: str, policy: TokenPolicy) -> tuple[Prompt, Response]:
        """Return prompt and response as a trainer gets them; a text of no known pair as it is."""
        row = self._asked.get(prompt)
        if row is None:
            return prompt, response
        said = self._said.get((prompt, response))
        both = {"chosen": response, "rejected": response,
                "chosen_messages": said, "rejected_messages": said}  # fmt: skip
        one = dialogue_of(row | both, replace(policy, split="turn"))
        return one.prompt, one.chosen


def _messages(row: Mapping[Hashable, Any]) -> Dialogue:
    asked, chosen, rejected = (
        _read(row[f"{k}_messages"]) for k in ("prompt", "chosen", "rejected")
    )
    tools, remarks = _tools(row["tools"]), []
    prompt = asked if asked is not None else [] if chosen else _one_turn(row)
    if prompt and prompt[-1].get("role") == "assistant":
        remarks.append(REOPENED)
    sides = [said or row[side] for said, side in ((chosen, "chosen"), (rejected, "rejected"))]
    if any(not isinstance(side, str) and len(side) > 1 for side in sides):
        remarks.append(SEVERAL)
    return Dialogue(Asked(prompt, tools), sides[0], sides[1], tuple(remarks))


def _texts(row: Mapping[Hashable, Any], policy: TokenPolicy) -> Dialogue:
    prompt, chosen, rejected = _bare_prompt(row), str(row["chosen"]), str(row["rejected"])
    asked = _read(row["prompt_messages"])
    remarks: tuple[str, ...] = ()
    marked = prompt.lstrip().startswith(_HUMAN.lstrip())
    if asked is not None and marked and not prompt.rstrip().endswith(_ASSISTANT.lstrip()):
        # reading cut the turns' marks off; they are a part of what a trainer joins
        prompt, remarks = f"\n\n{prompt.strip()}{_ASSISTANT}", (MARKS,)
        chosen, rejected = f" {chosen}", f" {rejected}"
        if policy.split == "difference":
            return Dialogue(*_parted(prompt + chosen, prompt + rejected), remarks)
    elif asked is not None and not marked:
        remarks = (WRITTEN_OUT if len(asked) > 1 or _several(row) else MESSAGES,)
    elif not prompt and policy.split == "difference":
        return Dialogue(*_parted(chosen, rejected))
    return Dialogue(prompt, chosen, rejected, remarks)


def _parted(chosen: str, rejected: str) -> tuple[str, str, str]:
    """Return two texts as what they share, and the rest of each, as TRL's extract_prompt does."""
    at = 0
    for at in range(min(len(chosen), len(rejected))):
        if chosen[at] != rejected[at]:
            if chosen[at - 1] == " ":
                at -= 1
            break
    return chosen[:at], chosen[at:], rejected[at:]


def _bare_prompt(row: Mapping[Hashable, Any]) -> str:
    """Return a prompt's text without the tools that reading put before it."""
    prompt = row["prompt"] if isinstance(row["prompt"], str) else ""
    shown = tools_shown(row["tools"] if isinstance(row["tools"], str) else None)
    return prompt if shown is None else prompt.removeprefix(shown).removeprefix("\n\n")


def _one_turn(row: Mapping[Hashable, Any]) -> list[Message]:
    return [{"role": "user", "content": _bare_prompt(row)}]


def _several(row: Mapping[Hashable, Any]) -> bool:
    return any(len(_read(row[f"{side}_messages"]) or ()) > 1 for side in ("chosen", "rejected"))


def _read(value: Any) -> list[Message] | None:
    return json.loads(value) if isinstance(value, str) else None


def _tools(value: Any) -> list[Any] | None:
    if not isinstance(value, str):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, list) else [found]
