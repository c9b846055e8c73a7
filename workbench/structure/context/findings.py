"""What contexts and groups may show that a reader should act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.finding import NAN, Finding, Rule, finding
from workbench.structure.context import measures as m
from workbench.structure.context.reversals import SPLIT

NOISE = 0.05
"""Share of labels that a placebo may turn where it is not known what asking again turns."""

_CLEAR = 0.05

RULES = {
    "context-ignored": Rule(
        "share of pairs whose contexts got opposed labels, minus that of the reference",
        "below 0 with q < 0.05",
        "Look at pairs on which the reference turns and this annotator does not; say the "
        "criterion more plainly, or use another judge for it.",
    ),
    "context-harms": Rule(
        "accuracy with the criterion minus accuracy without it",
        "below 0 with q < 0.05",
        "Leave the criterion out of what this annotator is asked, or say it otherwise.",
    ),
    "placebo-turns": Rule(
        "share of labels that a criterion that says nothing turned, beyond those that asking "
        "again turns where that is known",
        f"above 0 with q < 0.05; without repeats: interval above {NOISE:g}",
        "Do not read this annotator's turns as obedience to a criterion.",
    ),
    "negation-ignored": Rule(
        "share of labels that the negated criterion turned",
        "interval below one half",
        "Do not ask this annotator by negated criteria.",
    ),
    "sign-turns": Rule(
        "weight of the factor in all labels",
        "a test of both signs with q < 0.05 over factors and columns",
        "Do not report the pooled weight alone: decompose by this column (--by).",
    ),
    "prompts-judged": Rule(
        "share of the explained deviance on new prompts that factors of the prompts alone reach",
        "interval above one half",
        "Compare responses to one prompt before a taste for responses is claimed.",
    ),
}
"""What a context may show, by ``rule_id``."""


def context_findings(
    estimates: pd.DataFrame, reversals: pd.DataFrame, prompts: pd.DataFrame
) -> list[Finding]:
    """Return what crossed a threshold.

    Parameters
    ----------
    estimates, reversals, prompts : DataFrame
        Of a :class:`workbench.structure.context.result.Context`.
    """
    found = []
    repeated = set(estimates.loc[(estimates["term"] == m.PLACEBO_GAP) & (estimates["n"] > 0),
                                 "group"]) if len(estimates) else set()  # fmt: skip
    for row in estimates.to_dict("records"):
        found += _of_measure(row, row["group"] in repeated)
    turned = reversals[reversals["reversed"].astype(bool)] if len(reversals) else reversals
    for row in turned.to_dict("records"):
        found.append(_found("sign-turns", "warning", _turned(row), row, term=row["term"]))
    for row in prompts.to_dict("records"):
        if row["term"] == "prompt share" and row["conf_low"] > 0.5:
            text = f"Factors of the prompts alone reach {row['estimate']:.0%} of the deviance "
            text += "that those of prompts and responses explain"
            found.append(_found("prompts-judged", "warning", text, row))
    return found


def _of_measure(row: Mapping[Any, Any], repeated: bool) -> list[Finding]:
    term, who, value = row["term"], row["group"], row["estimate"]
    clear = row["q_value"] < _CLEAR
    if term == m.FLIPS_GAP and clear and value < 0:
        text = f"{who} turns with the criterion less often than the reference: {value:+.3f}"
        return [_found("context-ignored", "warning", text, row)]
    if term == m.GAIN and clear and value < 0:
        text = f"{who} is right less often with the criterion than without: {value:+.3f}"
        return [_found("context-harms", "warning", text, row)]
    if term == m.PLACEBO_GAP and clear and value > 0:
        text = f"A criterion that says nothing turned {value:.1%} more labels of {who} than "
        return [_found("placebo-turns", "warning", text + "asking again", row)]
    if term == m.PLACEBO_FLIPS and not repeated and row["conf_low"] > NOISE:
        text = f"A criterion that says nothing turned {value:.1%} of the labels of {who}"
        return [_found("placebo-turns", "note", text, row)]
    if term == m.NEGATED_FLIPS and row["conf_high"] < 0.5:
        text = f"The negated criterion turned {value:.1%} of the labels of {who}"
        return [_found("negation-ignored", "warning", text, row)]
    return []


def _turned(row: Mapping[Any, Any]) -> str:
    where = f"The weight of {row['term']} is {row['estimate']:+.3f} in all labels"
    if row["kind"] == SPLIT:
        above, below = row["groups_above"], row["groups_below"]
        return (f"{where}, and of opposite signs by {row['column']}: above 0 in {above}; below in "
                f"{below}")  # fmt: skip
    return f"{where} and {row['within']:+.3f} within groups of {row['column']}"


def _found(
    rule: str, level: str, text: str, row: Mapping[Any, Any], term: str | None = None
) -> Finding:
    numbers = tuple(float(row.get(k, NAN)) for k in ("estimate", "conf_low", "conf_high"))
    return finding(RULES, rule, level, text, int(row["n"]), numbers, term=term)  # type: ignore[arg-type]
