"""What groups may show that a reader should act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.finding import NAN, Finding, Rule, finding
from workbench.structure.labels import FEW_EACH
from workbench.structure.shared_prompts import CONFOUNDED

OVERLAP = 0.6
"""Entropy R^2 below which people must not be assigned to groups."""

RULES = {
    "several-publics": Rule(
        "log-loss on prompts held out, one group minus the number chosen",
        "more than one standard error, of prompts or of people, above 0, and more than with "
        "people exchanged within prompts (p <= 0.05)",
        "Read the weights of each group; pooled weights are those of nobody.",
    ),
    "groups-overlap": Rule(
        "entropy R^2 of membership (a sum over people: it has no interval)",
        f"below {OVERLAP:g}",
        "Groups overlap: read weights, do not assign people.",
    ),
    "people-not-told-from-prompts": Rule(
        "prompts with labels of two people or more (a count: it has no interval)",
        "none",
        "Have several people label the same prompts: what a person wants and what a prompt offers "
        "are one thing otherwise.",
    ),
    "few-labels-a-person": Rule(
        "mean labels a person (a count: it has no interval)",
        f"below {FEW_EACH}, or below twice the number of factors",
        "Ask the same people for more labels before more people are asked.",
    ),
}
"""What groups may show, by ``rule_id``."""


def group_findings(
    number: pd.DataFrame, pairs: pd.DataFrame, settings: Mapping[str, Any]
) -> list[Finding]:
    """Return the findings of a result.

    Parameters
    ----------
    number : DataFrame
        One row a number of groups.
    pairs : DataFrame
        Pairs that tell groups apart.
    settings : mapping
    """
    found, n = [], int(settings["n_labels"])
    groups, mean = int(settings["groups"]), float(settings["labels_a_person"])
    if groups > 1:
        pooled, chosen = (number.loc[number["groups"].eq(c)].iloc[0] for c in (1, groups))
        gain = float(pooled["held_out_log_loss"] - chosen["held_out_log_loss"])
        # the interval stands beside the best, which the chosen number need not be
        best = float(chosen["behind_best"]) == 0.0
        ends = (float(pooled["conf_low"]), float(pooled["conf_high"])) if best else (NAN, NAN)
        message = f"{groups} groups predict labels of other prompts better than one public"
        evidence = tuple(pairs["pair_id"]) if len(pairs) else ()
        found.append(
            finding(RULES, "several-publics", "warning", message, n, (gain, *ends),
                    evidence=evidence)
        )  # fmt: skip
        r2 = float(settings["entropy_r2"])
        if r2 < OVERLAP:
            message = "groups overlap: read weights, do not assign people"
            found.append(finding(RULES, "groups-overlap", "note", message, n, (r2, NAN, NAN)))
    if settings["p_exchange_reason"] == CONFOUNDED:
        found.append(finding(RULES, "people-not-told-from-prompts", "warning", CONFOUNDED, n,
                             (0.0, NAN, NAN)))  # fmt: skip
    if settings["few_labels"]:
        message = f"{mean:.1f} labels a person on {settings['n_terms']} terms"
        found.append(finding(RULES, "few-labels-a-person", "note", message, n, (mean, NAN, NAN)))
    return found
