"""Findings of contrasts: whose taste is opposite, another one, or differs in some factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.compare.contrast import Contrast
from workbench.decompose.design import POSITION
from workbench.decompose.errors.tidy import q_values
from workbench.finding import Finding, finding
from workbench.overview.rules import HARDLY, Q_LEVEL, RULES


def opposite(contrasts: list[Contrast]) -> list[Finding]:
    """Report whose weights point the other way, over all groups of a report as one family."""
    if not contrasts:
        return []
    table = pd.concat([result.scale for result in contrasts], ignore_index=True)
    q = q_values(table["proportional_p"].to_numpy("float64"))
    return [
        finding(
            RULES,
            "opposite-taste",
            "warning",
            f"{row['group']} has the opposite taste of {row['reference']}: {_which(row)} point the "
            "other way",
            int(row["n"]),
            (-row["ratio"], -row["ratio_high"], -row["ratio_low"]),
            **_of(contrasts, row),
        )
        for row in table[table["opposite"] & (q < Q_LEVEL)].to_dict("records")
    ]


def _which(row: Mapping[str, Any]) -> str:
    """Say which weights point the other way: all, or all but those that stand apart."""
    if row["reason"] is None or "most of" not in row["reason"]:
        return "its weights"
    return f"{row['anchors']} of its weights, not those of {row['apart']},"


def _of(contrasts: list[Contrast], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return whose taste a finding is of, and the factor in which it shows most clearly."""
    names = {"group": row["group"], "against": row["reference"]}
    for one in contrasts:
        if one.settings["reference"] != row["reference"] or row["group"] not in set(
            one.scale["group"]
        ):
            continue
        for table in (one.estimates, one.raw):
            own = table[table["group"].eq(row["group"]) & table["term"].ne(POSITION)]
            z = (own["estimate"] / own["std_error"]).abs().dropna()
            if len(z):
                return {**names, "term": str(own["term"].loc[z.idxmax()])}
    return {**names, "term": None}


def nothing_shared(contrasts: list[Contrast]) -> list[Finding]:
    """Report who may share nothing of the reference's taste, as one family of groups."""
    if not contrasts:
        return []
    table = pd.concat([result.scale for result in contrasts], ignore_index=True)
    wald = pd.concat([result.wald for result in contrasts], ignore_index=True)
    other = q_values(wald["p_value"].to_numpy("float64")) < Q_LEVEL
    apart = q_values(table["proportional_p"].to_numpy("float64")) < Q_LEVEL
    from_zero = (table["ratio_low"] <= 0) & (apart | (table["ratio_high"] < HARDLY))
    nothing = from_zero | (table["ratio"].isna() & apart)
    return [
        finding(
            RULES,
            "no-common-taste",
            "warning",
            _nothing_in_words(row, bool(apart[k])),
            int(row["n"]),
            (row["ratio"], row["ratio_low"], row["ratio_high"]),
            **_of(contrasts, row),
        )
        for k, row in enumerate(table.to_dict("records"))
        if nothing[k] and other[k] and not row["opposite"]
    ]


def _nothing_in_words(row: Mapping[str, Any], apart: bool) -> str:
    if apart:
        both = f"{row['group']} rewards other things than {row['reference']}"
        return f"{both}: no taste is surely shared"
    return f"{row['group']} follows hardly anything of what {row['reference']} weighs"


def clear_differences(contrasts: list[Contrast]) -> pd.DataFrame:
    """Return the rows of contrasts in which tastes surely differ, the largest first.

    The place of a response is no taste: it is neither among them nor in their family of tests,
    so that ``q_value`` may be larger than in the contrast's own table.
    """
    if not contrasts:
        return pd.DataFrame(columns=["group", "term"])
    table = pd.concat([result.to_frame() for result in contrasts], ignore_index=True)
    table = table[table["term"] != POSITION]
    table = table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))
    clear = table[(table["q_value"] < Q_LEVEL) & (table["verdict"] != "equivalent")]
    return clear.loc[clear["per_sd"].abs().sort_values(ascending=False, kind="stable").index]


def differences(contrasts: list[Contrast]) -> list[Finding]:
    """Report the tastes that differ, over all comparisons of a report as one family."""
    clear = clear_differences(contrasts)
    return [
        finding(
            RULES,
            "differs-from-reference",
            "warning",
            difference_in_words(row),
            int(row["n"]),
            (row["estimate"], row["conf_low"], row["conf_high"]),
            group=row["group"],
            term=row["term"],
            against=row["reference"],
        )
        for row in clear.to_dict("records")
    ]


def difference_in_words(row: Mapping[str, Any]) -> str:
    """Say how a judge's weight differs from the reference's, by the sign of both.

    Parameters
    ----------
    row : mapping
        ``group, reference, term, estimate, group_estimate, reference_estimate``, both with
        their ``_std_error``, and ``expected`` of a contrast.

    Notes
    -----
    A weight within two standard errors of 0 rewards and punishes nothing.

    Examples
    --------
    >>> row = {"group": "j", "reference": "people", "term": "apologies", "estimate": 0.4,
    ...        "group_estimate": -0.2, "group_std_error": 0.05, "expected": -0.6,
    ...        "reference_estimate": -0.3, "reference_std_error": 0.05}
    >>> difference_in_words(row)
    'j punishes apologies less than people'
    """
    own, other = _clear_sign(row, "group"), _clear_sign(row, "reference")
    who, than, what = row["group"], row["reference"], row["term"]
    if own == other == 0:
        return f"{who} weighs {what} {'higher' if row['estimate'] > 0 else 'lower'} than {than}"
    if own * other < 0:
        does, does_not = ("rewards", "punishes") if own > 0 else ("punishes", "rewards")
        return f"{who} {does} {what}, which {than} {does_not}"
    sign = own or other
    size = "more" if sign * row["estimate"] > 0 else "less"
    return f"{who} {'rewards' if sign > 0 else 'punishes'} {what} {size} than {than}"


def _clear_sign(row: Mapping[str, Any], side: str) -> int:
    value, error = row[f"{side}_estimate"], row[f"{side}_std_error"]
    return int(np.sign(value)) if abs(value) > 2 * error else 0
