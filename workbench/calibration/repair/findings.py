"""What the repair of a judge may show that a reader should act on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.calibration.repair.candidates import CORRECTED, FACTORS, JUDGE, PROMPT
from workbench.finding import Finding, Rule, finding

_Q = 0.05

RULES = {
    "judge-mended": Rule(
        "held-out agreement of the corrected judge with people minus that of the judge",
        "paired interval above 0, and q below 1 - level over what is tested",
        "Use the mended judge in its place on prompts like these, and look at what remains; on "
        "others have some labelled and test it again.",
    ),
    "prompt-mended": Rule(
        "held-out agreement of the judge with the repaired prompt minus that of the judge",
        "paired interval above 0, and q below 1 - level over what is tested",
        "Ask with the repaired prompt from here on, and audit it as the judge was.",
    ),
    "repair-refused": Rule(
        "held-out agreement of the repaired judge with people minus that of the judge",
        "paired interval not above 0, or q not below 1 - level",
        "Keep the judge as it is, or have as many pairs labelled as the gain that matters needs.",
    ),
    "remains-after-repair": Rule(
        "weight of the corrected judge beyond what people's taste at its sharpness would give, "
        "log-odds per unit of the factor",
        f"q < {_Q:g} (Benjamini-Hochberg over both judges and all factors)",
        "Do not let the mended judge stand for people where this factor varies.",
    ),
    "factors-outdo-judge": Rule(
        "held-out agreement of factors alone with people minus that of the judge",
        "paired interval above 0",
        "A formula of a few factors does better than this judge: ask another one.",
    ),
}
"""What makes a finding about a repair."""


def repair_findings(
    gains: pd.DataFrame, weights: pd.DataFrame, settings: dict[str, Any]
) -> list[Finding]:
    """Return the findings of a repair."""
    judge, people, found = settings["judge"], settings["people_are"], []
    for row in gains[gains["against"].eq(JUDGE)].to_dict("records"):
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        n, name = int(row["n"]), row["term"]
        if row["accepted"] is True:
            rule = "judge-mended" if name == CORRECTED else "prompt-mended"
            said = f"{judge}: the {name} agrees more with {people}"
            found.append(finding(RULES, rule, "note", said, n, numbers, group=judge))
        elif name in (CORRECTED, PROMPT):
            said = f"{judge}: the {name} is {row['reason']}"
            found.append(finding(RULES, "repair-refused", "note", said, n, numbers, group=judge))
        elif name == FACTORS and row["conf_low"] > 0:
            said = f"{judge}: factors alone agree more with {people} than this judge"
            found.append(
                finding(RULES, "factors-outdo-judge", "warning", said, n, numbers, group=judge)
            )
    accepted = gains["accepted"].eq(True) & gains["term"].eq(CORRECTED)
    left = weights[weights["group"].eq("after") & weights["q_value"].lt(_Q)]
    for row in left.to_dict("records") if accepted.any() else []:
        said = f"{judge}: also mended, it weighs {row['term']} otherwise than {people}"
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        n = int(row["n"]) if row["n"] == row["n"] else 0
        found.append(finding(
            RULES, "remains-after-repair", "note", said, n, numbers, term=row["term"],
        ))  # fmt: skip
    return found
