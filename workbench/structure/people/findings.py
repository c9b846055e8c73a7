"""What models of people may show that a reader should act on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.finding import NAN, Finding, Rule, finding
from workbench.structure.people.ladder import CARELESS

RULES = {
    "people-differ": Rule(
        "held-out gain a label of a model of people on one that takes them as alike",
        "more than two errors, and permutation p at most .05",
        "One set of weights is the mean of people who differ: read the people and terms before "
        "training on it; a minority is not noise.",
    ),
    "careless-people": Rule(
        "people whose labels a bad habit tells better than any taste",
        "q below .05 and better than taste, held out",
        "Look at their labels before leaving them out.",
    ),
    "few-labels-a-person": Rule(
        "labels a person on average", "below 10", "Get more labels of the same people."
    ),
}
"""What makes a finding about people."""

_FEW = 10.0


def people_findings(
    ladder: pd.DataFrame, persons: pd.DataFrame, settings: dict[str, Any]
) -> list[Finding]:
    """Return the findings of a result."""
    found, n = [], int(settings["n_labels"])
    if settings["best"] is not None:
        row = ladder.set_index("term").loc[settings["best"]]
        numbers = (float(row["gain"]), float(row["gain_low"]), float(row["gain_high"]))
        message = str(settings["verdict"]).split(":")[0]
        found.append(finding(RULES, "people-differ", "note", f"{message.capitalize()}", n, numbers))
    careless = persons[persons["verdict"] == CARELESS] if len(persons) else persons
    if len(careless):
        names = ", ".join(careless["annotator"].head(5))
        more = f" and {len(careless) - 5:,} more" if len(careless) > 5 else ""
        message = f"Labels that a bad habit tells better than taste: {names}{more}"
        own = int(careless["n"].sum())
        numbers = (float(len(careless)), NAN, NAN)
        found.append(finding(RULES, "careless-people", "warning", message, own, numbers))
    each = float(settings["labels_a_person"])
    if each < _FEW:
        message = f"Only {each:.1f} labels a person: little can be told of anybody"
        found.append(finding(RULES, "few-labels-a-person", "note", message, n, (each, NAN, NAN)))
    return found
