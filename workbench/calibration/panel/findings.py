"""What a panel may show."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.calibration.panel.joint import KISH
from workbench.finding import Finding, Rule, finding

SURE = 0.05
COPY = 0.9
"""Correlation of errors above which a member adds next to nothing to another."""

_HALF = 0.5
_LEAST = 20

RULES = {
    "panel-no-better-than-best": Rule(
        "agreement of a panel with the reference minus that of the member that was best on other "
        "prompts",
        "paired interval not above 0",
        "Ask the best member alone, or look for members that err on other pairs.",
    ),
    "members-err-together": Rule(
        "effective number of judges, from the correlation of their errors",
        f"interval below {_HALF:g} times the number of members whose errors vary",
        "Replace members by judges of other families or with other instructions; more of the same "
        "add little.",
    ),
    "member-is-a-copy": Rule(
        "correlation of the errors of two members (1 where all their verdicts are the same)",
        f"interval above {COPY:g}, or the same verdict on every one of {_LEAST} pairs or more",
        "Leave one of the two out: its votes count twice.",
    ),
    "panel-lost-members": Rule(
        "share of the pairs on which fewer than half of the members gave a verdict (a count: it "
        "has no interval)",
        f"above {SURE:.0%}",
        "Ask the members that are missing again, or tell the panel's verdicts there apart.",
    ),
}
"""What a panel may show, by ``rule_id``."""


def copies(each_two: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows of two members of which one is the other's copy.

    Examples
    --------
    >>> row = {"conf_low": float("nan"), "same": 20.0, "n_both": 20.0}
    >>> len(copies(pd.DataFrame([row, row | {"same": 19.0}])))
    1
    """
    if each_two.empty:
        return []
    same = each_two["same"].eq(each_two["n_both"]) & each_two["n_both"].ge(_LEAST)
    return list(each_two[same | each_two["conf_low"].gt(COPY)].to_dict("records"))


def findings_of(tables: dict[str, pd.DataFrame], members: int) -> list[Finding]:
    """Return what the tables of a panel show."""
    found = []
    for row in tables["gains"].to_dict("records"):
        if row["conf_low"] <= 0:
            found.append(finding(
                RULES, "panel-no-better-than-best", "note",
                f"The panel by {row['panel']} is {_said(row)} its best member",
                int(row["n"]), (row["estimate"], row["conf_low"], row["conf_high"]),
                group=str(row["panel"]),
            ))  # fmt: skip
    number = tables["effective"].set_index("term").loc[KISH]
    # members whose errors never vary have no part in the number
    if number["conf_high"] < _HALF * number["members"]:
        found.append(finding(
            RULES, "members-err-together", "warning",
            f"{number['members']:.0f} members are worth {number['estimate']:.1f} that err "
            "independently",
            int(number["n"]), (number["estimate"], number["conf_low"], number["conf_high"]),
        ))  # fmt: skip
    for row in copies(tables["each_two"]):
        found.append(finding(
            RULES, "member-is-a-copy", "note",
            f"{row['term']} and {row['other']} say the same", int(row["n_both"]),
            (row["estimate"], row["conf_low"], row["conf_high"]), group=str(row["term"]),
        ))  # fmt: skip
    thin, pairs = below_half(tables["counts"], members)
    if thin > SURE * pairs:
        nan = float("nan")
        found.append(finding(
            RULES, "panel-lost-members", "warning",
            "Fewer than half of the members gave a verdict on many pairs", pairs,
            (thin / pairs, nan, nan),
        ))  # fmt: skip
    return found


def _said(row: dict[Any, Any]) -> str:
    return "worse than" if row["conf_high"] < 0 else "not clearly better than"


def below_half(counts: pd.DataFrame, members: int) -> tuple[int, int]:
    """Return on how many pairs fewer than half of the members gave a verdict, of how many.

    Examples
    --------
    >>> below_half(pd.DataFrame({"verdicts": [3, 2, 1, 0], "pairs": [5, 1, 2, 1]}), 3)
    (3, 9)
    """
    thin = counts.loc[counts["verdicts"] < _HALF * members, "pairs"]
    return int(thin.sum()), int(counts["pairs"].sum())
