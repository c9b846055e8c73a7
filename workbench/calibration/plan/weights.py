"""How errors of factor weights, and of a judge's contrast to people, fall with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from workbench.audit.judges.verdicts.preferences import (
    annotator_preference,
    reference_mask,
    reference_preference,
)  # fmt: skip
from workbench.calibration.plan.law import Law
from workbench.calibration.plan.pilot import foretell
from workbench.compare.contrast import contrast
from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, decompose
from workbench.decompose.design import POSITION
from workbench.decompose.grouped import group_sd
from workbench.errors import DesignError

UNIT = "log-odds per SD"
PILOT, COLUMNS = "pilot", "factor columns alone: optimistic"
PER_TERM = 10
"""Labels a term below which a logit says little (Peduzzi et al. 1996)."""

_FORETOLD = (
    "Firth's information x design effect (CR2) x labels of the pilot; range: jackknife over "
    "clusters, degrees of freedom"
)
_BLIND = "4 x inverse second moments of the factors (P of one half), independent labels"
_NO_PILOT = "no pilot: nobody labelled yet, so the range is not known"
_JOINT = "difference of weights, joint CR2 over clusters; range: degrees of freedom (chi-squared)"


def weight_laws(
    data: PreferenceData, reference: str, factors: Sequence[str] | None, effect: float,
    cluster: str | Sequence[str] | None, level: float,
) -> list[Law]:  # fmt: skip
    """Return the law of each factor's weight, in log-odds per standard deviation."""
    piloted = bool(reference_mask(data, reference).any())
    pilot, who = (data, reference) if piloted else (_unlabelled(data), "nobody")
    fit = decompose(
        pilot, annotator=who, factors=factors, cluster=cluster, folds=0, level=level
    )  # fmt: skip
    one, table = next(iter(fit.fits.values())), fit.to_frame()
    size = group_sd(fit.design, 0)
    if piloted:
        found = foretell(fit.design, one)
        variance, log_error, deff = found.variance, found.log_error, found.deff
    else:
        variance = np.where(one.identification.active, np.diag(one.bread), np.nan)
        log_error, deff = np.full(len(variance), np.nan), np.full(len(variance), np.nan)
    shared: dict[str, Any] = {
        "goal": "weight", "unit": UNIT, "wanted": effect, "n": float(one.n if piloted else 0),
        "least": float(PER_TERM * one.identification.active.sum()),
        "basis": PILOT if piloted else COLUMNS, "method": _FORETOLD if piloted else _BLIND,
        "range_reason": None if piloted else _NO_PILOT,
    }  # fmt: skip
    z, laws = float(norm.ppf(0.5 + level / 2)), []
    for k, row in enumerate(table.to_dict("records")):
        if row["term"] == POSITION:
            continue
        v = one.n * size[k] ** 2 * variance[k]
        half = z * log_error[k]
        law = Law(
            term=str(row["term"]), variance=v, low=v * np.exp(-half), high=v * np.exp(half),
            own=(row["per_sd"], row["per_sd_low"], row["per_sd_high"]), deff=deff[k], **shared,
        )  # fmt: skip
        if not np.isfinite(v):
            law = replace(law, reason=_why(row["reason"]))
        laws.append(law)
    return laws


def contrast_laws(
    data: PreferenceData, judge: str, reference: str, factors: Sequence[str] | None,
    effect: float, cluster: str | Sequence[str] | None, level: float,
) -> list[Law]:  # fmt: skip
    """Return the law of each difference of weights, of a judge that labels what people do."""
    both = _on_shared_pairs(data, judge, reference)
    mine, theirs = (
        decompose(both, annotator=who, factors=factors, cluster=cluster, folds=0, level=level)
        for who in (judge, reference)
    )
    gap = contrast(mine, theirs)
    n = float(next(iter(theirs.fits.values())).n)
    sizes = dict(zip(mine.terms, _both_sizes(mine, theirs), strict=True))
    told = gap.estimates.set_index("term")
    laws = []
    for row in gap.raw.to_dict("records"):
        term = str(row["term"])
        if term == POSITION:
            continue
        size = sizes[term]
        # a difference of taste where the ratio of sharpness is known, else of raw weights
        taste = np.isfinite(told.loc[term, "std_error"])
        used = told.loc[term].to_dict() if taste else row
        v = n * (size * used["std_error"]) ** 2
        df = used["df"]
        ends = (df / chi2.ppf([0.5 + level / 2, 0.5 - level / 2], df) if np.isfinite(df) and df > 0
                else (np.nan, np.nan))  # fmt: skip
        laws.append(Law(
            goal="contrast", term=term, group=judge, unit=UNIT, wanted=effect, n=n, variance=v,
            low=v * ends[0], high=v * ends[1], least=float(PER_TERM * len(mine.terms)),
            own=tuple(size * used[name] for name in ("estimate", "conf_low", "conf_high")),
            method=_JOINT + ("" if taste else "; raw weights, sharpness included"),
            reason=None if np.isfinite(v) else _why(used["reason"]),
        ))  # fmt: skip
    return laws


def _both_sizes(mine: Decomposition, theirs: Decomposition) -> Any:
    """Return the root mean square of each coded difference over the labels of both."""
    n = np.array([next(iter(fit.fits.values())).n for fit in (mine, theirs)], dtype=float)
    return np.sqrt(n @ np.square([group_sd(fit.design, 0) for fit in (mine, theirs)]) / n.sum())


def _why(reason: object) -> str:
    return str(reason) if isinstance(reason, str) and reason else "its error is not known"


def _on_shared_pairs(data: PreferenceData, judge: str, reference: str) -> PreferenceData:
    """Return the pairs that both decided."""
    data = data.decided()
    f = annotator_preference(data, judge).notna()
    y = reference_preference(data, reference).notna()
    both = (f & y).to_numpy(dtype=bool)
    if not both.any():
        raise DesignError(
            "The judge and the reference share no pair.",
            found=f"{judge}: {int(f.sum()):,} pairs; {reference}: {int(y.sum()):,} pairs",
            expected="pairs that both labelled",
            fix="Let the judge label what people labelled, or name another: judge=...",
        )
    return data.filter(pair_ids=data.pairs["pair_id"].to_numpy()[both])


def _unlabelled(data: PreferenceData) -> PreferenceData:
    """Return one tie a pair: a design without any verdict."""
    blank = pd.DataFrame(
        {"pair_id": data.pairs["pair_id"], "annotator": "nobody", "preference": 0.5}
    )
    return replace(data, labels=complete_labels(blank))
