"""What a test of transitivity may show that a reader should act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.finding import NAN, Finding, Rule, finding

RULES = {
    "cyclic-shares": Rule(
        "cyclic share of the energy beyond what Bradley-Terry's noise makes",
        "interval above 0 and q below 1 - level (Benjamini-Hochberg over the groups); p below it "
        "without ties as well, and in every pool of annotators in which it can be tested",
        "Do not rank on one scale alone: show the table of who beats whom, and look at the worst "
        "triangles.",
    ),
    "pools-make-cycles": Rule(
        "cyclic share of the energy beyond what Bradley-Terry's noise makes",
        "interval above 0 and q below 1 - level over all labels, but not within the pools of "
        "annotators that labelled different items, or no more than rankings of each person's own "
        "make (p of that at or above 1 - level)",
        "Rank within each pool or for each person, or have the same people label all pairs: people "
        "who differ make cycles that none of them holds.",
    ),
    "cyclic-triads": Rule(
        "share of cyclic triads within one annotator and context",
        "above one Bradley-Terry's with q below 1 - level",
        "Read such triads: the annotator may judge each two items by something else.",
    ),
    "dependent-triads": Rule(
        "share of cyclic triads within one annotator and context",
        "below one Bradley-Terry's with q below 1 - level",
        "No error: the labels of one annotator depend on each other. Errors that take them for "
        "independent draws of one model do not hold.",
    ),
    "cycles-predict": Rule(
        "held-out log-loss of Bradley-Terry with a cycle minus that without",
        "interval below 0, where pools of annotators are not what makes the cycles",
        "A rating hides something that predicts new labels: show the table of who beats whom.",
    ),
    "not-weakly-transitive": Rule(
        "triples of items of which each is preferred to the next all the way round",
        "weak stochastic transitivity rejected with q < 0.05 (Benjamini-Hochberg over triples)",
        "No order of these items agrees with what most labels say.",
    ),
}
"""What transitivity may show, by ``rule_id``."""


def transitivity_findings(
    estimates: pd.DataFrame, triads: pd.DataFrame, stochastic: pd.DataFrame,
    verdicts: Sequence[Mapping[str, Any]], level: float,
) -> list[Finding]:  # fmt: skip
    """Return what the groups of a :class:`Transitivity` show.

    Parameters
    ----------
    estimates, triads, stochastic : DataFrame
    verdicts : sequence of mapping
        ``group, verdict, rule, evidence, beyond, low, high, n`` of each group.
    level : float
    """
    found = []
    for one in verdicts:
        if one["rule"]:
            numbers = (one["beyond"], one["low"], one["high"])
            found.append(finding(
                RULES, one["rule"], "warning", f"{one['group']}: {one['verdict']}", one["n"],
                numbers, evidence=one["evidence"], group=one["group"],
            ))  # fmt: skip
    told = triads[(triads["null"] == "one Bradley-Terry") & (triads["q_value"] < 1 - level)]
    for row in told.to_dict("records"):
        above = row["estimate"] > row["expected"]
        rule, kind = ("cyclic-triads", "warning") if above else ("dependent-triads", "note")
        text = (f"{row['group']}: {row['estimate']:.1%} of the triads within one annotator and "
                f"context are cyclic, one Bradley-Terry gives {row['expected']:.1%}")  # fmt: skip
        if not above:
            text += ": the labels of an annotator depend on each other"
        found.append(_found(rule, kind, text, row))
    # what pools make predicts as well: it is told once
    pooled = [one["group"] for one in verdicts if one["rule"] == "pools-make-cycles"]
    gain = estimates[(estimates["term"] == "held-out log-loss, with a cycle minus without")
                     & (estimates["conf_high"] < 0) & ~estimates["group"].isin(pooled)]  # fmt: skip
    for row in gain.to_dict("records"):
        text = f"{row['group']}: a cycle predicts labels of other prompts: log-loss "
        found.append(_found("cycles-predict", "warning", f"{text}{row['estimate']:+.4f}", row))
    weak = stochastic[stochastic["term"].str.startswith("weak") & (stochastic["n_rejected"] > 0)]
    for row in weak.to_dict("records"):
        text = (f"{row['group']}: {row['n_rejected']:,.0f} of {row['n_triples']:,} triples go "
                "round by their shares")  # fmt: skip
        numbers = (row["n_rejected"], NAN, NAN)
        found.append(finding(RULES, "not-weakly-transitive", "warning", text, int(row["n"]),
                             numbers, group=row["group"]))  # fmt: skip
    return found


def _found(rule: str, level: str, text: str, row: Mapping[Any, Any]) -> Finding:
    numbers = (float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]))
    return finding(RULES, rule, level, text, int(row["n"]), numbers, group=row["group"])
