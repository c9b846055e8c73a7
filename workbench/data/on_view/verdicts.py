"""Who preferred which response of a pair, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.columns import NOUNS
from workbench.data.dataset import PreferenceData

_NAMED = 6
"""Annotators called by name in one line; the others are counted."""


@dataclass(frozen=True)
class Verdicts:
    """What the labels of one pair say, a line for each criterion where there are several.

    Attributes
    ----------
    a, b : tuple of str
        Who preferred each response.
    neither : tuple of str
        Who saw a tie, and who gave no verdict, with the reasons.
    """

    a: tuple[str, ...]
    b: tuple[str, ...]
    neither: tuple[str, ...]


def verdicts_of(data: PreferenceData, pair_id: str) -> Verdicts:
    """Return who preferred which response of a pair.

    Annotators with several labels of the pair are told with how many of them; labels that
    stand for several votes count as many; a label that is a probability is told with it.

    Examples
    --------
    >>> import workbench as wb
    >>> pairs = pd.DataFrame({"prompt": ["2+2?"], "response_a": ["4"], "response_b": ["5"]})
    >>> labels = pd.DataFrame({"pair": 0, "annotator": ["ann", "bob", "m"], "kind":
    ...     ["human", "human", "llm"], "preference": [1.0, 0.5, 0.0]})
    >>> data = wb.PreferenceData.from_tables(pairs, labels)
    >>> verdicts_of(data, data.pairs["pair_id"][0])
    Verdicts(a=('1 of 2 people: ann',), b=('m',), neither=('tie: bob',))
    """
    own = data.labels[(data.labels["pair_id"] == pair_id).to_numpy()]
    several = len(data.criteria) > 1
    lines: dict[str, list[str]] = {"a": [], "b": [], "neither": []}
    for criterion in [name for name in data.criteria if (own["criterion"] == name).any()]:
        of_one = own[own["criterion"] == criterion]
        told = {"a": _preferring(of_one, 1), "b": _preferring(of_one, -1), "neither": _open(of_one)}
        for side, text in told.items():
            lines[side] += [f"{criterion}: {text}" if several else text] if text else []
    return Verdicts(*(tuple(lines[side]) for side in ("a", "b", "neither")))


def _preferring(labels: pd.DataFrame, sign: int) -> str:
    """Return who chose one side: people as a crowd, others each by name."""
    lean = sign * (labels["preference"] - 0.5)
    chose = labels[lean > 0]
    people = chose[chose["kind"] == "human"]
    others = chose[chose["kind"] != "human"]
    all_people = labels[labels["kind"] == "human"]
    groups = []
    if len(people):
        names = [_named(name, of, all_people, sign) for name, of in people.groupby("annotator")]
        total = all_people.loc[all_people["preference"].notna(), "annotator"].nunique()
        noun = NOUNS["human"] if total > 1 else "person"
        groups.append(f"{len(names)} of {total} {noun}: {_cut(names)}" if total > 1 else names[0])
    names = [_named(name, of, labels, sign) for name, of in others.groupby("annotator")]
    return "; ".join([*groups, *([_cut(names)] if names else [])])


def _named(name: Any, chose: pd.DataFrame, labels: pd.DataFrame, sign: int) -> str:
    """Return an annotator's name, with how many of its labels or votes chose a side."""
    votes = chose.get("n_votes")
    value = chose["preference"].iloc[0]
    share = value if sign > 0 else 1 - value
    if len(chose) == 1 and votes is not None and votes.iloc[0] > 1:
        return f"{name} ({share * votes.iloc[0]:.0f} of {votes.iloc[0]:.0f} votes)"
    every = int((labels["annotator"] == name).sum())
    if every > 1:
        return f"{name} ({len(chose)} of {every})"
    return f"{name} ({share:.0%})" if share < 1 else str(name)


def _open(labels: pd.DataFrame) -> str:
    """Return who saw a tie and who gave no verdict, by reason."""
    preference = labels["preference"]
    kinds = np.where(preference.isna(), "no verdict", np.where(preference == 0.5, "tie", ""))
    told = []
    for what in ("tie", "no verdict"):
        of_one = labels[kinds == what]
        for reason, rows in of_one.groupby(of_one["reason"].fillna("")):
            more = f" ({str(reason).replace('_', ' ')})" if reason not in ("", what) else ""
            names = [
                _times(name, n) for name, n in rows["annotator"].value_counts(sort=False).items()
            ]
            told.append(f"{what}{more}: {_cut(sorted(names))}")
    return "; ".join(told)


def _times(name: Any, n: int) -> str:
    return f"{name} ({n} times)" if n > 1 else str(name)


def _cut(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _NAMED
    # one more takes no more room than the words that would count it
    return ", ".join(every) if more <= 1 else ", ".join(every[:_NAMED]) + f" and {more} more"
