"""What may stand in for a judge, and whether people agree with it more, held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from workbench.audit.judges.verdicts.elsewhere import FITTED
from workbench.calibration.paired.differences import TOO_FEW, detectable
from workbench.calibration.repair.judged import Judged
from workbench.clustered import Array, share
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.penalised.ridge import HeldOut, held_out_fit
from workbench.flips import counted, paired_difference
from workbench.results import TIDY

JUDGE = "judge"
RECALIBRATED = "recalibrated judge"
FACTORS = "factors alone"
CORRECTED = "corrected judge"
PROMPT = "repaired prompt"

TESTED = (CORRECTED, PROMPT)
"""What may be accepted; the others say what helped."""

_NOTHING = 1e-12

GAIN_COLUMNS = (
    *TIDY, "against", "n_clusters", "before", "before_low", "before_high", "after", "after_low",
    "after_high", "detectable", "accepted", "method", "reason",
)  # fmt: skip
METHOD = (
    "share of pairs on which the reference's decided labels are sided with, no side a half; out "
    "of fold by prompt; score interval of the paired difference over prompts, at twice the "
    "variance where fits test each other's labels"
)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A predictor of people's labels.

    Attributes
    ----------
    lean : ndarray, shape (n,)
        Above 0 for A, below for B; NaN where it said nothing.
    p : ndarray, shape (n,)
        P(A preferred).
    fit : HeldOut or None
        What it was fitted by.
    """

    lean: Array
    p: Array
    fit: HeldOut | None = None

    @property
    def spread(self) -> float:
        """Variance of its means over that of rows that do not depend, as fits make them."""
        return 1.0 if self.fit is None else FITTED


def candidates(pairs: Judged) -> dict[str, Candidate]:
    """Return the judge, and what is fitted to its verdicts, to factors, and to both."""
    judged = Candidate(pairs.verdict, (pairs.verdict + 1.0) / 2.0)
    firm = int("verdict" in pairs.features)
    columns = {
        RECALIBRATED: (pairs.V, firm),
        FACTORS: (pairs.X, 0),
        CORRECTED: (np.column_stack([pairs.V, pairs.X]), firm),
    }
    found = {JUDGE: judged}
    for name, (X, first) in columns.items():
        if name == FACTORS and not pairs.factors:
            continue
        fit = held_out_fit(np.ascontiguousarray(X), pairs.said, pairs.fold, first)
        found[name] = Candidate(fit.log_odds, np.asarray(expit(fit.log_odds)), fit)
    return found


def sides(lean: Array, won: Array) -> Array:
    """Return the share of people's decided labels that a lean sides with, a half without one.

    Examples
    --------
    >>> sides(np.array([2.0, -1.0, 0.0]), np.array([1.0, 0.75, 1.0])).tolist()
    [1.0, 0.25, 0.5]
    """
    return np.where(np.abs(lean) <= _NOTHING, 0.5, np.where(lean > 0, won, 1.0 - won))


def gains(pairs: Judged, found: Mapping[str, Candidate], level: float) -> pd.DataFrame:
    """Return by how much each predictor agrees more with people than the judge, held out."""
    asked = [(RECALIBRATED, JUDGE), (FACTORS, JUDGE), (CORRECTED, JUDGE),
             (CORRECTED, RECALIBRATED), (CORRECTED, FACTORS), (PROMPT, JUDGE)]  # fmt: skip
    rows = [
        _gain(pairs, found, name, other, level)
        for name, other in asked
        if name in found and other in found
    ]
    table = pd.DataFrame(rows)
    tested = table["term"].isin(TESTED) & table["against"].eq(JUDGE)
    table.loc[tested, "q_value"] = q_values(table.loc[tested, "p_value"].to_numpy("float64"))
    sure = (table["conf_low"] > 0) & (table["q_value"] < 1 - level)
    table["accepted"] = [bool(s) if k else None for s, k in zip(sure, tested, strict=True)]
    for at in table.index[tested & ~sure]:
        table.loc[at, "reason"] = _refused(table.loc[at], pairs.people)
    table = table.reindex(columns=list(GAIN_COLUMNS)).assign(method=METHOD)
    return table.astype({"reason": "str"})


def _gain(
    pairs: Judged, found: Mapping[str, Candidate], name: str, other: str, level: float
) -> dict[str, Any]:
    new, old = found[name].lean, found[other].lean
    used = pairs.decided & np.isfinite(new) & np.isfinite(old)
    won, cluster = pairs.won[used], pairs.cluster[used]
    after, before = sides(new[used], won), sides(old[used], won)
    row: dict[str, Any] = {"term": name, "against": other, "reason": None}
    spread = max(found[one].spread for one in (name, other))
    row |= paired_difference(after - before, cluster, level, spread)
    for what, values, one in (("before", before, other), ("after", after, name)):
        ends = share(values, cluster, level, spread=found[one].spread)
        row |= {what: ends["estimate"], f"{what}_low": ends["conf_low"],
                f"{what}_high": ends["conf_high"]}  # fmt: skip
    row["detectable"] = np.nan
    if len(won):
        flips, _ = counted(after - before, cluster, level, spread)
        row["detectable"] = float(detectable(flips, level)[0])
    return row


def _refused(row: pd.Series, people: str) -> str:
    """Return why a candidate is not accepted."""
    if pd.isna(row["conf_low"]):
        return f"not accepted: {row['reason']}"
    if row["after"] == row["before"] == 1.0:
        return f"not accepted: the judge sides with {people} wherever they decide"
    if row["estimate"] == row["std_error"] == 0:
        return "not accepted: it takes the judge's side wherever the judge takes one"
    told = f"agreement {row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]"
    why = "does not rise for sure" if row["conf_low"] <= 0 else "rises, but not among all tested"
    most = row["detectable"]
    reach = TOO_FEW if np.isnan(most) else f"a gain of {most:.3f} would be found four times in five"
    return f"not accepted: held out it {why} ({told}; {reach})"


def scores(pairs: Judged, found: Mapping[str, Candidate], level: float) -> pd.DataFrame:
    """Return agreement and Brier score of each predictor, with intervals over prompts."""
    rows = []
    for name, one in found.items():
        used = pairs.decided & np.isfinite(one.lean)
        cluster = pairs.cluster[used]
        agreed = share(sides(one.lean[used], pairs.won[used]), cluster, level, spread=one.spread)
        all_of = np.isfinite(one.p)
        square = (one.p[all_of] - pairs.said[all_of]) ** 2
        missed = share(square, pairs.cluster[all_of], level, spread=one.spread)
        for measure, ends in (("agreement", agreed), ("brier", missed)):
            rows.append({"term": name, "measure": measure, **ends})
    return pd.DataFrame(rows)
