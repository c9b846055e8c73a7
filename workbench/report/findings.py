"""Measured results that crossed a stated threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.scorecard import RULES as AUDIT_RULES
from workbench.audit.judges.verdicts.observed import RULES as OBSERVED_RULES
from workbench.audit.models.calibration import RULES as CALIBRATION_RULES
from workbench.audit.models.displacement import RULES as DISPLACEMENT_RULES
from workbench.audit.models.optimisation import RULES as OPTIMISATION_RULES
from workbench.audit.models.ranking import RULES as RANKING_RULES
from workbench.audit.models.relevance import RULES as REWARD_RULES
from workbench.audit.models.reward_models import RULES as ENSEMBLE_RULES
from workbench.audit.models.seen import RULES as SEEN_RULES
from workbench.compare.contrast import Contrast
from workbench.curate.findings import RULES as CURATE_RULES
from workbench.data.dataset import PreferenceData
from workbench.decompose.checks.rules import RULES as CHECK_RULES
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.identify import HIGH_CONDITION
from workbench.decompose.missing import RULES as MISSING_RULES
from workbench.finding import Finding, Rule, finding
from workbench.principles.held_out.evaluate import RULES as PRINCIPLE_RULES
from workbench.results import Result

Q_LEVEL = 0.05
"""A finding needs a q-value below this."""

SLOT_POINTS = 0.025
"""A position bias needs P(first preferred | all else equal) this far from one half."""

LOST_SHARE = 0.05
"""Rows of a file, or verdicts of an annotator, above this share are too many to lose quietly."""

_HARDLY = 0.5
"""Multiple of the reference's sharpness below which a judge follows hardly anything of it."""

RULES = {
    "differs-from-reference": Rule(
        "weight beyond what the reference's taste at this judge's sharpness would give, "
        "log-odds per unit of the factor",
        f"q < {Q_LEVEL:g} (Benjamini-Hochberg over all comparisons of the report)",
        "Do not let this judge stand for the reference where the factor varies.",
    ),
    "opposite-taste": Rule(
        "ratio of this judge's weights to those of the reference, below 0 (it has no interval "
        "where all labels are the opposite, and no value from one factor alone)",
        f"interval below 0, and q < {Q_LEVEL:g} for another taste (Benjamini-Hochberg over all "
        "groups of the report)",
        "Look for answers that were read the wrong way round before anything else.",
    ),
    "no-common-taste": Rule(
        "sharpness of this judge as a multiple of that of the reference (no value where what the "
        "two reward is unrelated)",
        f"interval from 0 and below {_HARDLY:g}, or from 0 or no ratio that fits and q < "
        f"{Q_LEVEL:g} for another taste; q < {Q_LEVEL:g} for other weights (Benjamini-Hochberg "
        "over all groups of the report)",
        "Look at its raw weights: what it rewards is something else, or nothing that is measured.",
    ),
    "position-bias": Rule(
        "P(the response shown first is preferred), all else equal",
        f"q < {Q_LEVEL:g} and more than {100 * SLOT_POINTS:g} points from 50%",
        "Ask this judge in both orders and average.",
    ),
    "no-better-than-baseline": Rule(
        "held-out accuracy of the factors minus that of the best baseline, on the same labels",
        "paired interval not above 0",
        "Read this annotator's weights with care, or add factors.",
    ),
    "collinear": Rule(
        "condition number of the design (it has no interval)",
        f"above {HIGH_CONDITION:g} (Belsley, Kuh and Welsch 1980)",
        "Leave one of the factors out, or read their weights together.",
    ),
    "undefined-weight": Rule(
        "none: the labels cannot tell the weight",
        "no finite estimate",
        "Leave the factor out, or label pairs in which it varies.",
    ),
    "rows-left-out": Rule(
        "share of the file's rows that were left out (a count: it has no interval)",
        f"above {LOST_SHARE:.0%}",
        "Look at the examples in the data card: a mapping or another format may read them.",
    ),
    "verdicts-unread": Rule(
        "share of an annotator's verdicts that could not be read (a count: it has no interval)",
        f"above {LOST_SHARE:.0%}",
        "Read the raw replies, and mend the reader or the judge; no weight knows of these pairs.",
    ),
}
"""The rules of data, decompositions and contrasts, by the ``rule_id`` of their findings."""

ALL_RULES = {
    **RULES,
    **MISSING_RULES,
    **CHECK_RULES,
    **PRINCIPLE_RULES,
    **AUDIT_RULES,
    **OBSERVED_RULES,
    **RANKING_RULES,
    **CALIBRATION_RULES,
    **DISPLACEMENT_RULES,
    **REWARD_RULES,
    **ENSEMBLE_RULES,
    **OPTIMISATION_RULES,
    **SEEN_RULES,
    **CURATE_RULES,
}
"""Every rule."""


def find(results: Iterable[Result], data: PreferenceData | None = None) -> list[Finding]:
    """Return the findings of results and of their data: warnings first, then notes.

    Parameters
    ----------
    results : iterable of Result
        Decompositions and contrasts; what others find they say themselves
        (:meth:`workbench.results.Result.findings`).
    data : PreferenceData, optional
        For what was lost when they were read.

    Returns
    -------
    list of Finding
        What was lost comes first, then opposite tastes and differences by size; the rest in
        the order of the results.
    """
    results = list(results)
    contrasts = [r for r in results if isinstance(r, Contrast)]
    fits = [r for r in results if isinstance(r, Decomposition)]
    found = [] if data is None else [*_left_out(data), *_unread(data)]
    found += [*_opposite(contrasts), *_nothing_shared(contrasts), *_differences(contrasts)]
    for rule in (_position_bias, _useless, _collinear):
        found += [f for fit in fits for f in rule(fit)]
    found += _undefined(fits)
    found += [one for result in results for one in result.findings()]
    return sorted(found, key=lambda finding: finding.level != "warning")


def findings_frame(found: list[Finding]) -> pd.DataFrame:
    """Return findings as a table, one row each, with the fields of :class:`Finding`."""
    return pd.DataFrame(
        [asdict(finding) for finding in found], columns=list(Finding.__dataclass_fields__)
    )


def _left_out(data: PreferenceData) -> list[Finding]:
    report = data.load_report
    if report is None or report.n_left_out <= LOST_SHARE * report.rows_read:
        return []
    reasons = ", ".join(f"{entry.count:,} {reason}" for reason, entry in report.left_out.items())
    text = f"{report.n_left_out:,} of {report.rows_read:,} rows were left out: {reasons}"
    share = report.n_left_out / report.rows_read
    return [
        finding(RULES, "rows-left-out", "warning", text, report.rows_read, (share, np.nan, np.nan))
    ]


def _unread(data: PreferenceData) -> list[Finding]:
    """Report annotators whose verdicts could not be read, the worst first."""
    labels = data.labels
    failed = labels["reason"].eq("failed") & labels["preference"].isna()
    asked = labels["preference"].notna() | failed
    counts = failed[asked].groupby(labels["annotator"][asked]).agg(["sum", "size"])
    counts["share"] = counts["sum"] / counts["size"]
    worst = counts[counts["share"] > LOST_SHARE].sort_values(
        "share", ascending=False, kind="stable"
    )
    return [
        finding(
            RULES,
            "verdicts-unread",
            "warning",
            f"{int(row['sum']):,} of {int(row['size']):,} verdicts of {name} could not be read",
            int(row["size"]),
            (row["share"], np.nan, np.nan),
        )
        for name, row in worst.iterrows()
    ]


def _opposite(contrasts: list[Contrast]) -> list[Finding]:
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
            about=(row["group"], None, row["reference"]),
        )
        for row in table[table["opposite"] & (q < Q_LEVEL)].to_dict("records")
    ]


def _which(row: Mapping[str, Any]) -> str:
    """Say which weights point the other way: all, or all but those that stand apart."""
    if row["reason"] is None or "most of" not in row["reason"]:
        return "its weights"
    return f"{row['anchors']} of its weights, not those of {row['apart']},"


def _nothing_shared(contrasts: list[Contrast]) -> list[Finding]:
    """Report who may share nothing of the reference's taste, as one family of groups."""
    if not contrasts:
        return []
    table = pd.concat([result.scale for result in contrasts], ignore_index=True)
    wald = pd.concat([result.wald for result in contrasts], ignore_index=True)
    other = q_values(wald["p_value"].to_numpy("float64")) < Q_LEVEL
    apart = q_values(table["proportional_p"].to_numpy("float64")) < Q_LEVEL
    from_zero = (table["ratio_low"] <= 0) & (apart | (table["ratio_high"] < _HARDLY))
    nothing = from_zero | (table["ratio"].isna() & apart)
    return [
        finding(
            RULES,
            "no-common-taste",
            "warning",
            _nothing_in_words(row, bool(apart[k])),
            int(row["n"]),
            (row["ratio"], row["ratio_low"], row["ratio_high"]),
            about=(row["group"], None, row["reference"]),
        )
        for k, row in enumerate(table.to_dict("records"))
        if nothing[k] and other[k] and not row["opposite"]
    ]


def _nothing_in_words(row: Mapping[str, Any], apart: bool) -> str:
    if apart:
        both = f"{row['group']} rewards other things than {row['reference']}"
        return f"{both}: no taste is surely shared"
    return f"{row['group']} follows hardly anything of what {row['reference']} weighs"


def _differences(contrasts: list[Contrast]) -> list[Finding]:
    """Report the tastes that differ, over all comparisons of a report as one family."""
    if not contrasts:
        return []
    table = pd.concat([result.to_frame() for result in contrasts], ignore_index=True)
    table = table[table["term"] != POSITION]
    table = table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))
    clear = table[(table["q_value"] < Q_LEVEL) & (table["verdict"] != "equivalent")]
    clear = clear.loc[clear["per_sd"].abs().sort_values(ascending=False, kind="stable").index]
    return [
        finding(
            RULES,
            "differs-from-reference",
            "warning",
            difference_in_words(row),
            int(row["n"]),
            (row["estimate"], row["conf_low"], row["conf_high"]),
            about=(row["group"], row["term"], row["reference"]),
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


def _position_bias(result: Decomposition) -> list[Finding]:
    table = result.to_frame()
    slot = table[(table["term"] == POSITION) & (table["q_value"] < Q_LEVEL)]
    slot = slot[(slot["probability"] - 0.5).abs() > SLOT_POINTS]
    return [
        finding(
            RULES,
            "position-bias",
            "warning",
            f"{row['group']} prefers the response shown "
            f"{'first' if row['estimate'] > 0 else 'second'}, all else equal",
            int(row["n"]),
            (row["probability"], row["probability_low"], row["probability_high"]),
            about=(row["group"], POSITION, None),
        )
        for row in slot.to_dict("records")
    ]


def _useless(result: Decomposition) -> list[Finding]:
    """Report fits that are not clearly more often right than the best baseline."""
    found = []
    for group, table in result.held_out.groupby("group", sort=False):
        rest = table[table["predictor"] != "factors"].dropna(subset=["accuracy", "gain_low"])
        if rest.empty:
            continue
        best = rest.loc[rest["accuracy"].idxmax()]
        if best["gain_low"] > 0:
            continue
        found.append(
            finding(
                RULES,
                "no-better-than-baseline",
                "note",
                f"The factors predict held-out labels of {group} not clearly better than the "
                f"baseline: {best['predictor']}",
                int(best["n"]),
                (best["gain"], best["gain_low"], best["gain_high"]),
            )
        )
    return found


def _collinear(result: Decomposition) -> list[Finding]:
    return [
        finding(
            RULES,
            "collinear",
            "note",
            f"{', '.join(fit.identification.collinear)} move together in the pairs of "
            f"{fit.name}: their single weights are hardly told apart",
            fit.n,
            (fit.identification.condition_number, np.nan, np.nan),
        )
        for fit in result.fits.values()
        if fit.identification.collinear
    ]


def _undefined(fits: list[Decomposition]) -> list[Finding]:
    """Report each lost weight once, with all groups that lost it for the same reason."""
    if not fits:
        return []
    table = pd.concat([fit.to_frame() for fit in fits], ignore_index=True)
    lost = table[table["reason"].notna() & (table["term"] != POSITION)]
    merged = lost.groupby(["term", "reason"], sort=False).agg({"group": list, "n": "sum"})
    everyone = table["group"].nunique()
    return [
        finding(
            RULES,
            "undefined-weight",
            "note",
            f"No weight for {term} ({_some(row['group'], everyone)}): {reason}",
            int(row["n"]),
        )
        for (term, reason), row in merged.iterrows()
    ]


def _some(groups: list[str], everyone: int) -> str:
    if len(groups) == everyone > 1:
        return "every group"
    shown = ", ".join(groups[:3])
    return shown if len(groups) <= 3 else f"{shown} and {len(groups) - 3} more"
