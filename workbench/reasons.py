"""Why there is no number, told in as few lines as there are reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_NAMES = 12
"""Names of a list; the rest is counted."""

_KINDS = (
    (re.compile(r"it rests on [\d.]+ effective clusters[^;]*"), "too few effective clusters"),
)
"""Reasons that differ in their numbers only, and what they have in common."""

UNKNOWN = "no reason recorded"


class Missing(NamedTuple):
    """A term that has no number in a group, and why."""

    group: str
    term: str
    reason: str


def brief(reason: str, group: str = "") -> str:
    """Return the kind of a reason, without what is special to one term or group.

    Parameters
    ----------
    reason : str
        Parts are separated by semicolons, and may begin with the group they are of.
    group : str
        Whose number it is: its name says nothing that the row does not.

    Examples
    --------
    >>> brief("a: it rests on 1.6 effective clusters, most on x: 1.6 degrees of freedom", "a")
    'too few effective clusters'
    >>> brief("a: it is 0; human: it is 0", "a"), brief("a: it is 0; human: rare", "a")
    ('it is 0', 'it is 0; human: rare')
    """
    text = reason.removeprefix(f"{group}: ") if group else reason
    for pattern, kind in _KINDS:
        text = pattern.sub(kind, text)
    first, _, second = text.partition("; ")
    # both sides of a difference may say the same
    return first if second.partition(": ")[2] == first else text


def by_reason(rows: Iterable[Missing], groups: Sequence[str], start: str) -> list[str]:
    """Return one line a reason with the terms that have no number for it.

    Parameters
    ----------
    rows : iterable of Missing
    groups : sequence of str
        All groups: of a term that lacks its number in some of them only, these are told.
    start : str

    Examples
    --------
    >>> rows = [Missing("a", "tables", "rare"), Missing("b", "tables", "rare"),
    ...         Missing("b", "links", "rare")]
    >>> by_reason(rows, ["a", "b"], "No number for")
    ['No number for tables, links (b): rare']
    """
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        terms = found.setdefault(brief(row.reason, row.group), {})
        terms.setdefault(row.term, []).append(row.group)
    count = len(set(groups))
    return [
        f"{start} {listed([term + _of(who, count) for term, who in terms.items()])}: {reason}"
        for reason, terms in found.items()
    ]


def listed(names: Sequence[str]) -> str:
    """Return at most twelve names as text, the rest counted.

    Examples
    --------
    >>> listed(["a", "b"]), listed(["a"] * 14)[-11:]
    ('a, b', ' and 2 more')
    """
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def _of(groups: Sequence[str], count: int) -> str:
    who = list(dict.fromkeys(groups))
    if len(who) == count:
        return ""
    return f" ({' and '.join(who)})" if len(who) <= 2 else f" ({len(who)} of {count} groups)"
