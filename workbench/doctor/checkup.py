"""What a check of data found: which verbs they support."""

from __future__ import annotations

import html
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from workbench.doctor.sizes import Aim
from workbench.json_values import json_ready

State = Literal["yes", "needs more", "too small"]


@dataclass(frozen=True)
class Check:
    """Whether data support one verb.

    Attributes
    ----------
    verb, command : str
    state : {"yes", "needs more", "too small"}
    n : int
        Units that the data have.
    unit : str
    needed : int or None
        Units with which the wanted effect is found, or that the verb takes at least.
    detectable : float
        The smallest effect that these units find with power 80 %; NaN where none is defined.
    effect : str
        What that is.
    lacking : str
        What more it needs; empty where nothing.
    also : str
        What more data would add, or what else is to know.
    formula : str
        How ``detectable`` is reckoned.

    Examples
    --------
    >>> print(Check("decompose", "workbench decompose DATA", "yes", 2, "prompts"))
    yes         decompose: 2 prompts
    """

    verb: str
    command: str
    state: State
    n: int = 0
    unit: str = ""
    needed: int | None = None
    detectable: float = math.nan
    effect: str = ""
    lacking: str = ""
    also: str = ""
    formula: str = ""

    def __str__(self) -> str:
        """Return one line."""
        told = [f"{self.n:,} {self.unit}"] if self.unit else []
        if self.lacking:
            told.append(self.lacking)
        if self.state == "too small" and self.needed is not None:
            told.append(f"needs {self.needed:,}")
        if math.isfinite(self.detectable):
            told.append(f"finds {self.detectable:.2g} {self.effect}")
        told += [self.also] if self.also else []
        return f"{self.state:<11} {self.verb}: {'; '.join(told)}"


def sized(verb: str, command: str, aim: Aim, n: int, unit: str, also: str = "") -> Check:
    """Return the check of a verb that has all it needs but perhaps units.

    Examples
    --------
    >>> from workbench.doctor.sizes import SHARE
    >>> sized("held-out", "workbench decompose DATA", SHARE, 12, "prompts").state
    'too small'
    """
    state: State = "yes" if n >= aim.needed else "too small"
    return Check(verb, command, state, n, unit, aim.needed, aim.found_by(n), aim.effect, "", also,
                 aim.formula)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Checkup:
    """What data support.

    Attributes
    ----------
    checks : tuple of Check
        One a verb.
    facts : dict
        Counts: pairs, clusters, labels, annotators, people, overlaps, labels a person.
    lost : str
        What became of the rows, in one line; empty where nothing was lost.
    notes : tuple of str

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.doctor(wb.load("sample"))
    >>> found["decompose"].state
    'yes'
    """

    checks: tuple[Check, ...]
    facts: dict[str, Any]
    lost: str = ""
    notes: tuple[str, ...] = ()

    def __getitem__(self, verb: str) -> Check:
        return next(one for one in self.checks if one.verb == verb)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a verb."""
        return pd.DataFrame([asdict(one) for one in self.checks])

    def to_dict(self) -> dict[str, Any]:
        """Return the whole checkup as plain JSON values."""
        found: dict[str, Any] = json_ready({
            "type": "Checkup", "facts": self.facts, "lost": self.lost, "notes": self.notes,
            "checks": [asdict(one) for one in self.checks],
        })  # fmt: skip
        return found

    def summary(self) -> str:
        """Return the counts and a line a verb as text."""
        order = ("yes", "too small", "needs more")
        lines = [str(one) for state in order for one in self.checks if one.state == state]
        formulas = dict.fromkeys(f"{c.effect} = {c.formula}" for c in self.checks if c.formula)
        return "\n".join([
            *_told(self.facts), *filter(None, [self.lost]), *self.notes, "", *lines, "",
            "finds: the smallest effect that is found at 5 % with power 80 %, a cluster counted as "
            "one verdict: more verdicts in it find smaller ones, factors that go together larger",
            *(f"  {one}" for one in formulas),
        ])  # fmt: skip

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def _told(facts: dict[str, Any]) -> list[str]:
    people = facts["labels_a_person"]
    each = "no labels of people" if people is None else (
        f"people: {facts['people']:,}; labels a person: {people['least']:,} to "
        f"{people['most']:,}, median {people['median']:g}"
    )  # fmt: skip
    return [
        f"{facts['pairs']:,} pairs, {facts['clusters']:,} clusters, {facts['labels']:,} labels, "
        f"{facts['verdicts']:,} of them verdicts, by {facts['annotators']:,} annotators",
        each,
        f"labelled by two or more: {facts['by_two']:,} pairs; by two or more people: "
        f"{facts['by_two_people']:,}; in both orders by one: {facts['both_orders']:,}; twice in "
        f"one order by one: {facts['repeats']:,}",
    ]
