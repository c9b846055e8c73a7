"""What strength and curation may show that a reader should act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.audit.models.calibration import POOR, SURE
from workbench.curate.effect import AFTER, GAP
from workbench.curate.suspects import APART
from workbench.finding import NAN, Finding, Rule, finding

DEAR = 0.02
"""Expected calibration error that a rule may add before it is worth a warning."""

LESS = 0.01
"""Accuracy that a rule may cost before it is worth a warning."""

FEW = 0.5
"""Share of the pairs below which what stays is no longer the data that were labelled."""

_SHOWN = 10

RULES = {
    "contradicted-labels": Rule(
        "share of the votes of the smallest out-of-fold margins that the other voters outvote",
        "interval above one half",
        "Have these labelled again, or leave them out (drop_suspects) and look at the price; a "
        "minority is not noise.",
    ),
    "at-odds": Rule(
        "share of the annotator's votes that the factors and the other voters are both against, "
        "minus that of all votes",
        "above 0 with q < 0.05 (Benjamini-Hochberg over the annotators)",
        "Decompose this annotator alone: another taste is kept, carelessness left out.",
    ),
    "strength-not-calibrated": Rule(
        "none: no votes tell how far the strengths of the labels are right",
        "fewer than 20 pairs with votes of others, or too few prompts",
        "Have some pairs labelled by several people before strengths are used as probabilities.",
    ),
    "strength-miscalibrated": Rule(
        "expected calibration error of the strengths, on votes that they have not seen",
        f"interval above {POOR:g}, p < {SURE:g} against outcomes drawn from the probabilities",
        "Use the strengths to rank pairs, not as soft labels.",
    ),
    "dear-calibration": Rule(
        "expected calibration error on untouched labels, of fits to the curated pairs minus that "
        "of fits to every pair's majority",
        f"paired interval above {DEAR:g}",
        "Train on every pair with soft labels, or calibrate afterwards on labels kept for it.",
    ),
    "dear-accuracy": Rule(
        "accuracy on untouched labels, of fits to the curated pairs minus that of fits to every "
        "pair's majority",
        f"paired interval below {-LESS:g}",
        "Loosen the rule.",
    ),
    "still-predicts": Rule(
        "held-out accuracy of the balanced factors after balancing",
        "interval above one half",
        "Allow a greater loss (max_loss), or weigh pairs down instead of leaving them out.",
    ),
    "few-pairs-left": Rule(
        "share of the pairs that stay (a count: it has no interval)",
        f"below {FEW:.0%}",
        "Look at the reasons; a model learns nothing of the pairs that are left out.",
    ),
    "price-unknown": Rule(
        "none: what the rule did to predictions is not known",
        "no scored factors, or too few prompts",
        "Score factors first (score_factors).",
    ),
}
"""What strength and curation may show, by ``rule_id``."""


def strength_findings(
    estimates: pd.DataFrame, suspects: pd.DataFrame, people: pd.DataFrame, pairs: pd.DataFrame,
    settings: Mapping[str, Any],
) -> list[Finding]:  # fmt: skip
    """Return what the strength of labels shows.

    Parameters
    ----------
    estimates, suspects, people, pairs : DataFrame
    settings : mapping
        Of a :class:`workbench.curate.strength_result.Strength`.
    """
    found = []
    clear = suspects[suspects["conf_low"] > 0.5] if len(suspects) else suspects
    if len(clear):
        row = clear.to_dict("records")[-1]
        text = (f"Of the votes of the {row['term']}, {row['estimate']:.0%} are outvoted by the "
                f"other voters, of all votes {row['base_rate']:.0%}")  # fmt: skip
        found.append(_found("contradicted-labels", "warning", text, row, _lowest(pairs)))
    apart = people[people["verdict"] == APART] if len(people) else people
    for row in apart.to_dict("records"):
        text = f"{row['annotator']} is at odds with both the factors and the other voters in "
        text += f"{row['share']:.0%} of the votes, all voters in {row['base_rate']:.0%}"
        found.append(_found("at-odds", "note", text, row))
    source = settings["source"]
    if settings["sources"][source].startswith("not calibrated"):
        text = f"Strengths from {source} are {settings['sources'][source]}"
        found.append(finding(RULES, "strength-not-calibrated", "note", text, len(pairs)))
    poor = estimates[(estimates["term"] == f"ECE, {source}") & (estimates["conf_low"] > POOR)
                     & (estimates["p_value"] < SURE)]  # fmt: skip
    for row in poor.to_dict("records"):
        text = f"Strengths from {source} are off by {row['estimate']:.3f} on average"
        found.append(_found("strength-miscalibrated", "warning", text, row))
    return found


def curation_findings(
    rows: pd.DataFrame, held_out: pd.DataFrame, balance: pd.DataFrame
) -> list[Finding]:
    """Return what a curation shows: its price, and what it did not reach.

    Parameters
    ----------
    rows, held_out, balance : DataFrame
        Of a :class:`workbench.curate.curation_result.Curation`.
    """
    found = []
    for row in held_out[held_out["group"] == GAP].to_dict("records") if len(held_out) else ():
        text = f"{row['estimate']:+.3f} on untouched labels of other prompts"
        if row["term"] == "ECE" and row["conf_low"] > DEAR:
            told = f"The rule costs calibration: expected calibration error {text}"
            found.append(_found("dear-calibration", "warning", told, row))
        if row["term"] == "accuracy" and row["conf_high"] < -LESS:
            told = f"The rule costs accuracy: {text}"
            found.append(_found("dear-accuracy", "warning", told, row))
    told = balance[(balance["group"] == AFTER) & balance["term"].str.startswith("held-out")
                   & (balance["conf_low"] > 0.5)] if len(balance) else balance  # fmt: skip
    for row in told.to_dict("records"):
        text = f"After balancing, the {row['term']} is still {row['estimate']:.3f}"
        found.append(_found("still-predicts", "warning", text, row))
    total, kept = int(rows["n"].sum()), rows.iloc[0]
    if kept["share"] < FEW:
        text = f"{kept['n']:,} of {total:,} pairs stay ({kept['share']:.1%})"
        share = (float(kept["share"]), NAN, NAN)
        found.append(finding(RULES, "few-pairs-left", "note", text, total, share))
    if held_out.empty:
        text = "What the rule did to predictions is not known: no factors, or too few prompts"
        found.append(finding(RULES, "price-unknown", "note", text, total))
    return found


def _found(
    rule: str, level: str, text: str, row: Mapping[Any, Any], evidence: tuple[str, ...] = ()
) -> Finding:
    numbers = (float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]))
    return finding(RULES, rule, level, text, int(row["n"]), numbers, evidence=evidence)


def _lowest(pairs: pd.DataFrame) -> tuple[str, ...]:
    """Return the pairs whose majority the factors speak against most."""
    signed = pairs["margin"] * pairs["side"].map({"a": 1.0, "b": -1.0}).astype("float64")
    order = signed.dropna().sort_values(kind="stable").index[:_SHOWN]
    return tuple(pairs["pair_id"].loc[order])
