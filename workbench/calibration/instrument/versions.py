"""Two versions of a judge on the same pairs: what changed, and whether it is no matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.relations import drift
from workbench.calibration.instrument.judged import Judged
from workbench.calibration.instrument.strength import Strength
from workbench.calibration.instrument.values import (
    DISCRIMINATION,
    FIRST,
    NULL,
    TIE,
    Value,
    row_of,
    t_over_clusters,
    values_of,
)
from workbench.calibration.instrument.verdicts import Fit, fit_verdicts
from workbench.errors import DesignError, listed

MARGINS = {DISCRIMINATION: 0.2, TIE: 0.05, FIRST: 0.2, "preference for the longer": 0.05,
           "agreement with the reference": 0.05}  # fmt: skip
"""Changes below which two versions count as one, by measure."""

PAIRED = "new minus old on the same pairs, t over clusters"


def two_versions(versions: Sequence[str], names: Sequence[str]) -> tuple[str, str]:
    """Return the old and the new version, or refuse them.

    Raises
    ------
    DesignError

    Examples
    --------
    >>> two_versions(["a", "b"], ["a", "b", "c"])
    ('a', 'b')
    """
    found = listed("versions", versions)
    if len(found) == 2 and found[0] != found[1] and set(found) <= set(names):
        return found[0], found[1]
    raise DesignError(
        "The versions cannot be compared.",
        found=", ".join(map(str, found)),
        expected=f"two of {', '.join(names)}",
        fix="Name the old and the new one: versions=(old, new).",
    )


def changes(
    judged: Judged, strength: Strength, versions: tuple[str, str], people: Fit | None,
    reference: str, margins: Mapping[str, float], level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what changed from the old to the new version, with tests of equivalence.

    Equivalent is what two one-sided tests call so: the interval at twice the error lies within
    the margin.
    """
    old, new = (judged.said[name] for name in versions)
    both = np.intersect1d(old.pair, new.pair)
    shared = np.zeros(len(judged.data.pairs), dtype=bool)
    shared[both] = True
    fits = [fit_verdicts(said.take(shared[said.pair]), strength, judged.cluster)
            for said in (old, new)]  # fmt: skip
    before, after = (values_of(fit, people) for fit in fits)
    rows, narrow = [], narrower(level)
    for measure in NULL:
        value = _difference(before[measure], after[measure])
        row = t_over_clusters(value, level, 0.0)
        tight = None if narrow is None else t_over_clusters(value, narrow, 0.0)
        rows.append({"term": measure, **row, **equivalence(measure, tight, margins),
                     "old": row_of(measure, before[measure], level)["estimate"],
                     "new": row_of(measure, after[measure], level)["estimate"],
                     "method": PAIRED})  # fmt: skip
    if not len(both):
        return [{**row, "reason": "no pair that both versions judged"} for row in rows]
    plain = [drift(judged.data, *versions, reference, level=one).to_frame().to_dict("records")
             for one in (level, narrow) if one]  # fmt: skip
    for row, tight in zip(plain[0], plain[1] if narrow else [None] * len(plain[0]), strict=True):
        named = {str(key): value for key, value in row.items()}
        reason = None if pd.isna(named["reason"]) else named["reason"]
        rows.append({**named, "reason": reason, **equivalence(str(row["term"]), tight, margins)})
    return rows


def narrower(level: float) -> float | None:
    """Return the level of the interval that says what two one-sided tests do; None where none does.

    Examples
    --------
    >>> round(narrower(0.95), 6), narrower(0.5)
    (0.9, None)
    """
    return 2 * level - 1 if level > 0.5 else None


def _difference(before: Value, after: Value) -> Value:
    reason = after.reason or before.reason
    share = before.share + after.share
    if reason is not None and np.isnan(after.estimate - before.estimate):
        return after._replace(estimate=np.nan, reason=reason)
    # no tie on one side is a value of 0 with no error of its own
    return Value(after.estimate - before.estimate, after.influence - before.influence, share,
                 before.n + after.n, None)  # fmt: skip


def equivalence(
    measure: str, row: Mapping[Any, Any] | None, margins: Mapping[str, float]
) -> dict[str, Any]:
    """Return the margin of a measure, and whether an interval lies within it."""
    margin = margins.get(measure)
    if margin is None or row is None or pd.isna(row["conf_low"]):
        return {"margin": np.nan if margin is None else margin, "equivalent": None}
    inside = bool(-margin < row["conf_low"] and row["conf_high"] < margin)
    return {"margin": margin, "equivalent": inside}
