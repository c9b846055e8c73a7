"""Findings on stated reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.explain.rationales.naming import INERT, SILENT
from workbench.finding import NAN, Finding, Rule, finding

RULES = {
    "named-without-weight": Rule(
        "share of the reasons that name it",
        "named in 10 % of the reasons, and the weight is equivalent to 0",
        "Do not take stated reasons for the causes of labels: ask whether this factor stands in "
        "for one that is not measured.",
    ),
    "weighed-without-name": Rule(
        "weight per SD (log-odds)",
        "q < 0.05, beyond the margin, and named in fewer than 1 % of the reasons, "
        "surely fewer than 10 %, where reasons name any factor",
        "Tell annotators of it, or hold it constant: they follow it without saying so. See that "
        "the lexicon has words for it.",
    ),
    "reasons-beside-the-point": Rule(
        "largest lift of a factor, of those with an interval",
        "no factor is named more often where it weighs most (q >= 0.05), with 5 tested or more",
        "Do not train on these reasons as if they explained the labels.",
    ),
}
"""By rule: what the estimate is, what it crossed, and what to do."""

_Q = 0.05
_TESTED = 5


def rationale_findings(
    lifts: pd.DataFrame, naming: pd.DataFrame, coverage: pd.DataFrame, settings: Mapping[str, Any]
) -> list[Finding]:
    """Return the findings of a result."""
    if settings["simulated"]:
        return []
    found = []
    for row in naming[naming["kind"] == INERT].to_dict("records"):
        found.append(_named(row))
    for row in naming[naming["kind"] == SILENT].to_dict("records"):
        numbers = (row["per_sd"], row["per_sd_low"], row["per_sd_high"])
        text = f"{row['group']} follows {row['term']} and does not say so"
        found.append(
            finding(RULES, "weighed-without-name", "note", text, int(row["n"]), numbers,
                    group=row["group"], term=row["term"])
        )  # fmt: skip
    for name in coverage["group"]:
        own = lifts[(lifts["group"] == name) & lifts["p_value"].notna()]
        if len(own) >= _TESTED and not ((own["q_value"] < _Q) & (own["estimate"] > 1)).any():
            told = own[own["conf_low"].notna()]
            top = (told if len(told) else own).sort_values("estimate", kind="stable").iloc[-1]
            text = f"Reasons of {name} name no factor more often where it weighs most"
            numbers = (float(top["estimate"]), float(top["conf_low"]), float(top["conf_high"]))
            n = int(coverage.loc[coverage["group"] == name, "n"].iloc[0])
            found.append(
                finding(RULES, "reasons-beside-the-point", "note", text, n, numbers, group=name)
            )
    return found


def _named(row: dict[Any, Any]) -> Finding:
    numbers = (row["estimate"], row["conf_low"], row["conf_high"])
    text = f"{row['group']} names {row['term']}, which has no weight in these labels"
    numbers = numbers if row["estimate"] == row["estimate"] else (NAN, NAN, NAN)
    return finding(RULES, "named-without-weight", "note", text, int(row["n"]), numbers,
                   group=row["group"], term=row["term"])  # fmt: skip
