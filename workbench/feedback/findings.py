"""Findings on feedback in conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.finding import Finding, Rule, finding

RULES = {
    "feedback-rule-and-model": Rule(
        "kappa of rule and model",
        "the interval of kappa ends below 0.6",
        "Read some of the turns on which they differ, and say whose signals make the pairs.",
    ),
    "feedback-apologies": Rule(
        "share of later answers that apologise, minus earlier ones",
        "the interval of the difference lies above 0.1",
        "Hold apologies constant, or cut them off: that a later answer is sorry is no preference.",
    ),
}
"""By rule: what the estimate is, what it crossed, and what to do."""

_KAPPA, _SORRY = 0.6, 0.1


def feedback_findings(
    agreement: pd.DataFrame, apologies: pd.DataFrame, pairs: pd.DataFrame,
    settings: Mapping[str, Any],
) -> list[Finding]:  # fmt: skip
    """Return the findings of a result."""
    found = []
    if not settings["simulated"]:
        for row in agreement.to_dict("records"):
            if row["conf_high"] < _KAPPA:
                found.append(
                    _finding("feedback-rule-and-model", row,
                             f"Rule and model part on who is {row['term']}")
                )  # fmt: skip
    for row in apologies.to_dict("records"):
        if row["term"].startswith("later minus") and row["conf_low"] > _SORRY:
            text = "Answers after a complaint begin with an apology, those before it do not"
            found.append(_finding("feedback-apologies", row, text))
    return found


def _finding(rule: str, row: dict[Any, Any], text: str) -> Finding:
    numbers = (row["estimate"], row["conf_low"], row["conf_high"])
    return finding(RULES, rule, "note", text, int(row["n"]), numbers)
