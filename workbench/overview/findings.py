"""Measured results that crossed a stated threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import pandas as pd

from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.finding import Finding, finding
from workbench.overview.evidence import with_evidence
from workbench.overview.rules import LOST_SHARE, Q_LEVEL, RULES, SLOT_POINTS
from workbench.overview.taste import differences, nothing_shared, opposite
from workbench.results import Result


def find(
    results: Iterable[Result], data: PreferenceData | None = None, *, pairs: bool = True
) -> list[Finding]:
    """Return the findings of results and of their data: warnings first, then notes.

    Parameters
    ----------
    results : iterable of Result
        Decompositions and contrasts; what others find they say themselves
        (:meth:`workbench.results.Result.findings`).
    data : PreferenceData, optional
        For what was lost when they were read.
    pairs : bool
        Whether the first findings of a weight or a difference bring the pairs that show it.

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
    found += [*opposite(contrasts), *nothing_shared(contrasts), *differences(contrasts)]
    for rule in (_position_bias, _useless, _collinear):
        found += [f for fit in fits for f in rule(fit)]
    found += _undefined(fits)
    found += [one for result in results for one in result.findings()]
    found.sort(key=lambda finding: finding.level != "warning")
    return with_evidence(found, fits, contrasts) if pairs else found


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
            group=row["group"],
            term=POSITION,
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
