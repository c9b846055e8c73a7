"""Warnings of several groups, each told once."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.decompose.decomposition import Decomposition
from workbench.decompose.telling import doubts_of, missing_of, without_cluster
from workbench.reasons import by_reason


def warnings_once(fits: Sequence[Decomposition]) -> list[str]:
    """Return the warnings of several decompositions, what their groups share in one line.

    Parameters
    ----------
    fits : sequence of Decomposition

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["structure"])
    >>> warnings_once([wb.decompose(data, annotator="human", factors=["bold", "tables"])])
    ['No weight for tables: the difference is 0 on every labelled pair']
    """
    groups = [name for fit in fits for name in fit.groups]
    rows = [row for fit in fits for one in fit.fits.values() for row in missing_of(one)]
    doubts = [
        f"{one.name}: {text}"
        for fit in fits
        for one in fit.fits.values()
        for text in (
            *doubts_of(one, fit.terms),
            *without_cluster(fit.design, fit.design.groups.index(one.name)),
        )
    ]
    return [*by_reason(rows, groups, "No weight for"), *told_once(doubts, groups)]


def told_once(warnings: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return warnings of groups with those that say the same in one line.

    Parameters
    ----------
    warnings : sequence of str
        Each begins with its group, as those of :attr:`Decomposition.warnings` do.
    groups : sequence of str
        All groups.

    Examples
    --------
    >>> told_once(["a: rare", "b: rare", "a: odd"], ["a", "b", "c"])
    ['2 of 3 groups (a, b): rare', 'a: odd']
    """
    found: dict[str, list[str]] = {}
    # of names that begin alike, the longest that fits is the group
    for line in warnings:
        fits = [name for name in groups if line.startswith(f"{name}: ")]
        name = max(fits, key=len, default="")
        found.setdefault(line[len(name) + 2 :] if name else line, []).append(name)
    return [_who(list(dict.fromkeys(who)), len(groups)) + text for text, who in found.items()]


def _who(names: list[str], count: int) -> str:
    if len(names) == 1:
        return f"{names[0]}: " if names[0] else ""
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"{len(names)} of {count} groups ({', '.join(names[:4])}{more}): "
