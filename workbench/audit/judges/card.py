"""The first page of an audit of a judge: what held, what did not, what cannot be told, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.budget import items_needed
from workbench.audit.judges.probes import PROBES
from workbench.audit.judges.statistics import (
    BIASED,
    EQUIVALENT,
    INSENSITIVE,
    NOT_UP,
    SENSITIVE,
)

PASSED, FAILED, OPEN = "passed", "failed", "cannot tell"

WORDS = {
    EQUIVALENT: PASSED,
    NOT_UP: PASSED,
    SENSITIVE: PASSED,
    BIASED: FAILED,
    INSENSITIVE: FAILED,
}
"""What a verdict comes to; any other is :data:`OPEN`."""

SIDES = {
    "invariance": "invariance",
    "attack": "invariance",
    "sensitivity": "sensitivity",
    "instrument": "instrument",
}
"""Whether a measure is of what should not matter, of what must, or of the calls themselves."""

CARD_COLUMNS = (
    "side", "id", "measure", "dimension", "word", "estimate", "conf_low", "conf_high", "n",
    "threshold", "pairs_needed", "calls_needed", "note",
)  # fmt: skip

_MOST = {probe.id: probe.most for probe in PROBES if probe.most is not None}


def card(estimates: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Return the scorecard of an audit: one row a measure, with what would make it powered.

    Parameters
    ----------
    estimates : DataFrame
        Of :class:`workbench.audit.judges.scorecard.JudgeAudit`.
    settings : mapping
        ``n`` (pairs), ``calls``, ``margin``.

    Returns
    -------
    DataFrame
        Columns :data:`CARD_COLUMNS`: the ``side`` is a value of :data:`SIDES`; the ``word``
        passed, failed or cannot tell; ``pairs_needed`` and ``calls_needed`` are the size of an
        audit at which the measure would be powered (:mod:`workbench.audit.judges.budget`),
        where it cannot tell; the ``note`` says why, where that is not known.
    """
    rows = [_row(row, settings) for row in estimates.to_dict("records")]
    table = pd.DataFrame(rows, columns=list(CARD_COLUMNS))
    order = {FAILED: 0, OPEN: 1, PASSED: 2}
    sides = list(dict.fromkeys(SIDES.values()))
    places = [table["side"].map(sides.index), table["word"].map(order)]
    rank = pd.DataFrame({"side": places[0], "word": places[1]})
    return table.loc[rank.sort_values(["side", "word"], kind="stable").index].reset_index(drop=True)


def counted(table: pd.DataFrame) -> pd.DataFrame:
    """Return how many measures of each side passed, failed, or cannot tell.

    Parameters
    ----------
    table : DataFrame
        Of :func:`card`.

    Returns
    -------
    DataFrame
        ``side, passed, failed, cannot tell``; a side without a measure has zeros.
    """
    words: Sequence[str] = (PASSED, FAILED, OPEN)
    found = pd.crosstab(table["side"], table["word"])
    whole = found.reindex(index=list(dict.fromkeys(SIDES.values())), columns=list(words))
    return whole.fillna(0).astype(int).rename_axis(columns=None).reset_index()


def budget_text(table: pd.DataFrame) -> str:
    """Return in a sentence what would make the measures that cannot tell powered.

    Parameters
    ----------
    table : DataFrame
        Of :func:`card`.
    """
    left = table[(table["word"] == OPEN) & (table["side"] != "instrument")]
    if left.empty:
        return "Every measure could be told with these pairs."
    known = left.dropna(subset=["pairs_needed"]).sort_values("pairs_needed", kind="stable")
    said = f"{len(left)} measures cannot be told with these pairs."
    if known.empty:
        return f"{said} What they would take is not known."
    half, last = known.iloc[(len(known) - 1) // 2], known.iloc[-1]
    said += (
        f" An audit of {half['pairs_needed']:,.0f} pairs ({half['calls_needed']:,.0f} calls) would "
        f"power half of them, one of {last['pairs_needed']:,.0f} pairs "
        f"({last['calls_needed']:,.0f} calls) all {len(known)} whose error is known"
    )
    return f"{said}; the dearest is {last['measure']}."


def _row(row: Mapping[Any, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    word = WORDS.get(row["verdict"], OPEN)
    found: dict[str, Any] = {
        "side": SIDES[row["group"]], "id": row["id"], "measure": row["term"],
        "dimension": row["dimension"], "word": word,
        "estimate": row["estimate"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
        "n": row["n"], "threshold": threshold(str(row["expect"]), settings["margin"]),
        "pairs_needed": np.nan, "calls_needed": np.nan,
        "note": None if pd.isna(row["reason"]) else row["reason"],
    }  # fmt: skip
    if word != OPEN or not row["n"]:
        return found
    needed = items_needed(row, settings["margin"])
    times = needed.items / row["n"]
    if np.isnan(times):
        return found | {"note": found["note"] or needed.reason}
    most = _MOST.get(row["id"])
    if most is not None and needed.items > most:
        return found | {"note": f"this probe starts from {most} pairs at most"}
    # an audit grows as a whole: every pair brings its questions
    times = max(times, 1.0)
    return found | {
        "pairs_needed": float(np.ceil(settings["n"] * times)),
        "calls_needed": float(np.ceil(settings["calls"] * times)),
        "note": needed.reason,
    }


def threshold(expect: str, margin: float) -> str:
    """Return in words what a measure is held against.

    Examples
    --------
    >>> threshold("none", 0.05), threshold("right", 0.05)
    ('a shift within -0.05 to 0.05', 'a share above 0.60')
    """
    return {
        "none": f"a shift within -{margin:g} to {margin:g}",
        "not up": f"a shift up of less than {margin:g}",
        "right": f"a share above {0.5 + 2 * margin:.2f}",
    }.get(expect, f"a share of {expect}")
