"""The findings that matter, in order, and how each is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.ceiling.result import REACHED
from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.finding import Finding
from workbench.overview.point import Point
from workbench.overview.rules import ALL_RULES, Q_LEVEL
from workbench.overview.taste import clear_differences
from workbench.overview.words import (
    capital,
    counted,
    differs,
    few,
    number,
    points,
    rewards,
    what,
    who,
)

MOST, FEWEST = 6, 3
"""Findings shown at most; notes are added where there are fewer than the second."""

DIFFERS, SLOT, REWARDED = "differs-from-reference", "position-bias", "rewarded"

_ORDER = ("opposite-taste", "no-common-taste", DIFFERS, SLOT, "verdicts-unread", "rows-left-out")
"""Warnings by importance; others follow them."""

_NEVER = ("undefined-weight",)
"""Notes that are no headline: the line below the findings counts them."""

_TOLD = ("opposite-taste", "rows-left-out", REACHED)
"""What tells its number itself, or has none."""

_WHAT = "log-odds per SD"


def choose(
    data: PreferenceData, people: Decomposition, judges: Decomposition | None,
    gap: Contrast | None, found: Sequence[Finding],
) -> tuple[list[Point], int]:  # fmt: skip
    """Return the findings that matter most, and how many warnings are left out.

    Warnings come first: tastes that are opposite or have nothing in common; differences from
    the reference, those of one judge together, by size; position biases, together; lost
    verdicts and rows; other warnings. Then comes what the reference rewards most, and notes
    where there are fewer than three findings. Which share of what can be predicted the factors
    reach, where it was measured, comes last.
    """
    told = [of_one(data, one) for one in found
            if one.rule_id not in (DIFFERS, SLOT, *_NEVER)]  # fmt: skip
    # who has another taste altogether is told once
    apart = {one.group for one in told if one.against is not None}
    own = [one for one in found if one.rule_id == DIFFERS and one.group not in apart]
    told += _differences(data, gap, own) + _slots(judges or people, found)
    warnings = sorted((one for one in told if one.level == "warning"), key=_place)
    about = _rewarded(data, people, FEWEST if len(warnings) < FEWEST - 1 else 1)
    reached = [one for one in told if one.rule_id == REACHED][:1]
    most = MOST - len(reached)
    shown = [*warnings[: most - min(len(about), 1)], *about][:most]
    notes = [one for one in told if one.level != "warning" and one.rule_id != REACHED]
    left = len(warnings) - sum(one.level == "warning" for one in shown)
    few = max(0, FEWEST - len(shown) - len(reached))
    return [*shown, *notes[:few], *reached], left


def _place(point: Point) -> tuple[int, float]:
    at = _ORDER.index(point.rule_id) if point.rule_id in _ORDER else len(_ORDER)
    size = abs(point.estimate) if point.rule_id == DIFFERS else 0.0
    return at, -size


def of_one(data: PreferenceData, one: Finding) -> Point:
    """Return a finding in its rule's words."""
    rule = ALL_RULES[one.rule_id]
    shown = one.message if one.group is None else _named(one.message, one)
    if np.isfinite(one.estimate) and one.rule_id not in _TOLD:
        ends = np.isfinite([one.conf_low, one.conf_high]).all()
        shown += f": {one.estimate:z.2f}"
        shown += f" [{one.conf_low:z.2f}, {one.conf_high:z.2f}]" if ends else ""
    why = _meaning(data, one.term) if one.term is not None else ""
    return Point(
        message=f"{capital(shown)}, n = {one.n:,}",
        level=one.level,
        rule_id=one.rule_id,
        why=f"The number is the {rule.measure}. {why}".strip(),
        how_sure=f"n = {one.n:,}; found where {one.threshold}.",
        to_do=one.help,
        n=one.n,
        group=one.group,
        term=one.term,
        against=one.against,
        estimate=one.estimate,
        conf_low=one.conf_low,
        conf_high=one.conf_high,
    )


def _named(message: str, one: Finding) -> str:
    """Return a message in which a kind of annotators has its noun."""
    for name in (one.against, one.group):
        if name is not None and who(name) != name:
            message = message.replace(f" {name}", f" {who(name)}")
    return message


def _differences(
    data: PreferenceData, gap: Contrast | None, told: Sequence[Finding]
) -> list[Point]:
    """Return one point a judge: its largest difference of taste, the others counted."""
    if gap is None:
        return []
    table = clear_differences([gap]).set_index(["group", "term"])
    # findings come by size: the first of a judge is its largest
    of: dict[str, list[Finding]] = {}
    for one in told:
        of.setdefault(str(one.group), []).append(one)
    return [_difference(data, gap, own, table) for own in of.values()]


def _difference(
    data: PreferenceData, gap: Contrast, own: list[Finding], table: pd.DataFrame
) -> Point:
    first = own[0]
    row = {"group": first.group, "term": first.term, **table.loc[(first.group, first.term)]}
    low, high = row["per_sd_low"], row["per_sd_high"]
    rest = [what(str(one.term)) for one in own[1:]]
    also = f"; other weights than expected for {few(rest)} too" if rest else ""
    both = gap.agreement[gap.agreement["group"].eq(first.group)].iloc[0]
    size = points(row["per_sd"])
    return Point(
        message=f"{capital(differs(row))}: {number(row['per_sd'], low, high)}, "
        f"{first.n:,} labels{also}",
        level=first.level,
        rule_id=first.rule_id,
        why=f"One SD more of {what(str(first.term))} moves its even choice by {size} more than "
        f"the taste of {who(row['reference'])} at its sharpness would. "
        f"{_meaning(data, str(first.term))}".strip(),
        how_sure=f"{_level(gap)} interval, {row['method']}; n = {first.n:,} labels of both, "
        f"{counted(int(both['n']), 'pair')} that both decide; q = {row['q_value']:.2g}, found "
        f"where {first.threshold}.",
        to_do=first.help,
        n=first.n,
        group=first.group,
        term=first.term,
        against=first.against,
        estimate=row["per_sd"],
        conf_low=low,
        conf_high=high,
        unit=_WHAT,
    )


def _slots(fit: Decomposition, found: Sequence[Finding]) -> list[Point]:
    """Return one point for all position biases: the largest, the others named."""
    told = [one for one in found if one.rule_id == SLOT]
    if not told:
        return []
    first = max(told, key=lambda one: abs(one.estimate - 0.5))
    rest = [who(str(one.group)) for one in told if one is not first]
    also = f"; so is {few(rest)}" if len(rest) == 1 else f"; so are {few(rest)}" if rest else ""
    turned = first.estimate < 0.5
    table = fit.to_frame()
    row = table[table["group"].eq(first.group) & table["term"].eq(POSITION)].iloc[0]
    share, low, high = first.estimate, first.conf_low, first.conf_high
    if turned:
        share, low, high = 1 - share, 1 - high, 1 - low
    return [
        Point(
            message=f"{capital(who(str(first.group)))} is swayed by the place of a response: the "
            f"one shown {'second' if turned else 'first'} wins {100 * share:.0f}% "
            f"[{100 * low:.0f}%, {100 * high:.0f}%] of even choices, {first.n:,} labels{also}",
            level=first.level,
            rule_id=SLOT,
            why="P(the response shown first is preferred), where both are alike in every factor.",
            how_sure=f"{_level(fit)} interval, {row['method']}; n = {first.n:,} labels; q = "
            f"{row['q_value']:.2g}, found where {first.threshold}.",
            to_do=first.help,
            n=first.n,
            group=first.group,
            term=POSITION,
            estimate=first.estimate,
            conf_low=first.conf_low,
            conf_high=first.conf_high,
            unit="P(first preferred)",
        )
    ]


def _rewarded(data: PreferenceData, people: Decomposition, n: int) -> list[Point]:
    """Return the clearest weights of the reference, the largest first."""
    table = people.to_frame()
    clear = table[table["q_value"].lt(Q_LEVEL) & table["term"].ne(POSITION)]
    clear = clear.loc[clear["per_sd"].abs().sort_values(ascending=False, kind="stable").index]
    rows = clear.to_dict("records")
    return [_weight(data, people, row, rows[k + 1 :] if k == n - 1 else [])
            for k, row in enumerate(rows[:n])]  # fmt: skip


def _weight(
    data: PreferenceData, people: Decomposition, row: dict[str, Any], rest: list[dict[str, Any]]
) -> Point:
    size = number(row["per_sd"], row["per_sd_low"], row["per_sd_high"])
    then = [f"{what(one['term'])} ({one['per_sd']:+.2f})" for one in rest]
    also = f"; then {few(then)}" if then else ""
    term = what(row["term"])
    return Point(
        message=f"{capital(rewards(row['group'], row['estimate'] > 0))} {term}: {size}, "
        f"{row['n']:,} labels{also}",
        level="note",
        rule_id=REWARDED,
        why=f"One SD more of {term} moves an even choice by {points(row['per_sd'])}, all other "
        f"factors alike. {_meaning(data, row['term'])}".strip(),
        how_sure=f"{_level(people)} interval, {row['method']}; n = {row['n']:,} labels; q = "
        f"{row['q_value']:.2g}, told where q < {Q_LEVEL:g} over all groups and terms.",
        to_do="Look at its pairs: a weight is an association, and no cause.",
        n=int(row["n"]),
        group=row["group"],
        term=row["term"],
        estimate=row["per_sd"],
        conf_low=row["per_sd_low"],
        conf_high=row["per_sd_high"],
        unit=_WHAT,
    )


def _meaning(data: PreferenceData, term: str) -> str:
    """Return what a factor counts, where its specification says so."""
    meaning = (data.factor_specs.get(term) or {}).get("meaning")
    return f"{capital(what(term))}: {meaning}" if meaning else ""


def _level(result: Decomposition | Contrast) -> str:
    return f"{result.settings['level']:.0%}"
