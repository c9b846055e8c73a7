"""Replies, choices and grades that a model is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.followed.cases import ANSWERS, UNTOLD
from workbench.audit.followed.context import asked_question, chosen_among, shuffled
from workbench.audit.followed.followed import followed
from workbench.audit.followed.result import Followed
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question
from workbench.llm.request import OFFLINE, Request, Sampling

REPLIES, GRADES, CHOICES = "replies", "grades", "choices"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_TASKS = {
    "acknowledge": "Somebody asked a question and got a reply. Does the reply say that it takes "
    "a preference of this person into account, or name such a preference?",
    "hallucinate": "Somebody stated a preference and later got a reply. Is the preference that "
    "the reply names, or claims to take into account, another one than was stated? Say no where "
    "the reply names none.",
    "violate": "Somebody stated a preference, and later asked a question and got a reply. Does "
    "the reply recommend or do something that goes against the preference?",
    "helpful": "Somebody asked a question and got a reply. Does the reply answer the question "
    "with something that this person could use, rather than to refuse, to ask back or to "
    "speak of something else?",
}
_SHOWN = {
    "acknowledge": ("question", "reply"), "hallucinate": ("preference", "reply"),
    "violate": ("preference", "question", "reply"), "helpful": ("question", "reply"),
}  # fmt: skip
_FORM = 'Reply with one JSON object and nothing else: {"answer": "yes"} or {"answer": "no"}.'


def ask_followed(
    data: PreferenceData,
    asks: Asks,
    *,
    model: str,
    grader: str | None = None,
    turns: Sequence[int] = (0,),
    choices: bool = False,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> Followed:
    """Let a model reply with and without each preference, let one grade, and say what is followed.

    Parameters
    ----------
    data : PreferenceData
        Of :func:`workbench.audit.followed.items.read_items`. Replies that are there are graded.
    asks : Asks
        Who answers.
    model : str
    grader : str, optional
        Model that grades; ``model`` when None.
    turns : sequence of int
        Exchanges on other things between the preference and the question.
    choices : bool
        Let it choose among the options, in an order by the seed, instead of replying.
    sampling : Sampling, optional
    seed : int
        Of the order of options, and of what is talked of between.

    Raises
    ------
    DesignError
        No options, or nothing was answered.
    """
    asking = _Asking(data, asks, model, grader or model, sampling or Sampling(), seed)
    if choices:
        rows = asking.choices(sorted(set(turns)))
    else:
        rows = asking.grades(asking.replies(sorted(set(turns))))
    if not rows:
        raise DesignError(
            "Nothing was answered.",
            found=f"{len(data.pairs):,} preferences, no reply",
            expected="at least one reply that could be read",
            fix="See the run's progress; take it up again with workbench resume FOLDER.",
        )
    about: dict[str, Any] = {"model": asking.who, "notes": asking.notes,
                             "simulated": model.startswith(OFFLINE)}  # fmt: skip
    if not choices:
        about["grader"] = asking.grader
    return followed(pd.DataFrame(rows), seed=seed, settings=about)


class _Asking:
    """What is asked about the items of a data set."""

    def __init__(
        self, data: PreferenceData, asks: Asks, model: str, grader: str, sampling: Sampling,
        seed: int,
    ) -> None:  # fmt: skip
        if "stated" not in data.pairs:
            raise DesignError(
                "There are no stated preferences in these data.",
                expected="preferences and questions",
                fix="workbench followed FILE, with columns preference and question.",
            )
        self.items = data.pairs.sort_values("pair_id").to_dict("records")
        self.asks, self.model, self.grader = asks, model, grader
        self.sampling, self.seed = sampling, seed
        self.who, self.notes = model, list[str]()

    def replies(self, turns: list[int]) -> list[dict[str, Any]]:
        """Return a row a reply: those that are there, or a model's."""
        there = [row for one in self.items for row in _there(one)]
        if there:
            self.who = "the replies of the table"
            lacking = 2 * len(self.items) - len(there)
            self._note(lacking, "replies are not in the table")
            return there
        cases = list(self._conditions(turns))
        requests = [
            Request(self.model, asked_question(one, distance if told else None, self.seed),
                    self.sampling, about={"task": "reply"})
            for one, told, distance in cases
        ]  # fmt: skip
        found = self.asks.ask(requests, REPLIES)
        rows = [
            _row(one, told, distance) | {"reply": reply.text}
            for (one, told, distance), reply in zip(cases, found, strict=True)
            if reply is not None and not reply.failed
        ]
        self._note(len(cases) - len(rows), "replies are missing or failed")
        return rows

    def grades(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows with a grader's answers."""
        by_id = {one["pair_id"]: one for one in self.items}
        asked = [(row, name) for row in rows for name in (ANSWERS if row["told"] else UNTOLD)]
        found = self.asks.ask([self._grade(by_id[r["item"]], r, n) for r, n in asked], GRADES)
        lost = 0
        for (row, name), reply in zip(asked, found, strict=True):
            unread = reply is None or reply.failed
            lost += unread
            row[name] = None if reply is None or unread else reply.value["answer"]
        self._note(lost, "grades are missing or failed")
        if rows and lost == len(asked):
            return []
        blank = dict.fromkeys(ANSWERS)
        return [blank | row for row in rows]

    def choices(self, turns: list[int]) -> list[dict[str, Any]]:
        """Return a row a choice."""
        self.items = [one for one in self.items if isinstance(one.get("options"), str)]
        if not self.items:
            raise DesignError(
                "There are no options to choose among.",
                expected="a column options: a list, of which the first follows the preference",
                fix="Add the options, or leave --choices out.",
            )
        cases = list(self._conditions(turns))
        requests, right = [], []
        for one, told, distance in cases:
            options = json.loads(one["options"])
            order = shuffled(len(options), self.seed, one["pair_id"])
            letters = _LETTERS[: len(options)]
            shown = {letter: options[k] for letter, k in zip(letters, order, strict=True)}
            messages = chosen_among(one, distance if told else None, self.seed, shown)
            schema = object_schema({"choice": {"type": "string", "enum": list(letters)}})
            requests.append(Request(self.model, messages, self.sampling, schema,
                                    about={"task": "choose"}))  # fmt: skip
            right.append((letters[order.index(0)], len(options)))
        found = self.asks.ask(requests, CHOICES)
        rows = []
        for case, reply, (letter, n) in zip(cases, found, right, strict=True):
            if reply is not None:
                chosen = None if reply.failed else reply.value["choice"]
                rows.append(_row(*case) | {"chosen": chosen, "right": letter, "options": n})
        self._note(len(cases) - len(rows), "choices are missing")
        return rows

    def _conditions(self, turns: list[int]) -> Iterator[tuple[dict[Any, Any], bool, int]]:
        for one in self.items:
            for distance in turns:
                yield one, True, distance
            yield one, False, 0

    def _grade(self, one: dict[Any, Any], row: dict[str, Any], name: str) -> Request:
        texts = {"preference": one["stated"], "question": one["prompt"], "reply": row["reply"]}
        messages = question(_TASKS[name], {key: texts[key] for key in _SHOWN[name]}, _FORM)
        schema = object_schema({"answer": {"type": "string", "enum": ["no", "yes"]}})
        about = {"task": "grade", "fields": {"answer": name}}
        return Request(self.grader, messages, self.sampling, schema, about=about)

    def _note(self, n: int, what: str) -> None:
        if n:
            self.notes.append(f"{n:,} {what}: they are in no share")


def _there(one: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for side, told in (("a", True), ("b", False)):
        text = one[f"response_{side}"]
        if isinstance(text, str):
            yield _row(one, told, 0) | {"reply": text}


def _row(one: dict[Any, Any], told: bool, turns: int) -> dict[str, Any]:
    return {"item": one["pair_id"], "told": told, "turns": np.int64(turns)}
