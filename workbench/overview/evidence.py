"""The pairs that show a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from workbench.compare.contrast import Contrast
from workbench.decompose.decomposition import Decomposition
from workbench.errors import DesignError
from workbench.explain.behind import FOR, behind
from workbench.finding import Finding

EACH = 3
"""Pairs that stand for a finding."""

_SHOWN = 12
"""Findings, in their order, whose pairs are looked for: each costs a fit."""


def pairs_behind(
    where: Finding, fits: Sequence[Decomposition], contrasts: Sequence[Contrast], n: int
) -> pd.DataFrame | None:
    """Return the pairs behind a finding; None where there are none or their fit is not there.

    Parameters
    ----------
    where : Finding
        With ``group`` and ``term``, and ``against`` for a difference.
    fits, contrasts
        Among which its groups are looked for.
    n : int
        Pairs at most.
    """
    of = {group: fit for fit in fits for group in fit.groups}
    if where.group not in of or where.term is None:
        return None
    against, ratio = None, None
    if where.against is not None:
        if where.against not in of:
            return None
        against, ratio = (of[where.against], where.against), _ratio(where, contrasts)
    try:
        return behind(of[where.group], where.group, where.term, against=against, ratio=ratio, n=n)
    except DesignError:
        # a number may be told without its weights: as that two tastes share nothing
        return None


def with_evidence(
    found: Sequence[Finding], fits: Sequence[Decomposition], contrasts: Sequence[Contrast]
) -> list[Finding]:
    """Return findings, the first of them with the pairs that show them most clearly."""
    shown = [one for one in found if one.term is not None and not one.evidence][:_SHOWN]
    pairs = {}
    for one in shown:
        table = pairs_behind(one, fits, contrasts, EACH)
        if table is not None:
            pairs[id(one)] = tuple(table["pair_id"][table["speaks"] == FOR])
    return [replace(one, evidence=pairs.get(id(one), one.evidence)) for one in found]


def _ratio(where: Finding, contrasts: Sequence[Contrast]) -> float | None:
    """Return the ratio of sharpness of the contrast that a finding is of."""
    for one in contrasts:
        rows = one.scale[one.scale["group"].eq(where.group)]
        if one.settings["reference"] == where.against and len(rows):
            return float(rows["ratio"].iloc[0])
    return None
