"""How many labels part neighbours in rank, what repeats are worth, what people's spread asks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.calibration.plan.law import RANK, Aims, Law, few_clusters
from workbench.calibration.plan.weights import PER_TERM
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.ratings.bradley_terry import rate
from workbench.structure.groups.detectable import detectable_shifts
from workbench.structure.groups.mixture import Problems
from workbench.structure.groups.panel import panel
from workbench.structure.groups.starts import fit_pooled
from workbench.structure.labels import PersonLabels, person_labels
from workbench.structure.people.detectable import HOW, detectable_tau
from workbench.structure.raters.agreement import rater_agreement

REPEATS = (1, 2, 3, 5)
"""Labels a pair that are compared."""

RELIABLE = 0.8
_RANK = "Bradley-Terry, errors over clusters, of battles between the same models as there are"
_REPEATED = "0.25 (1 + (m - 1) ICC) a label, m labels a pair; range: ends of the ICC"
_BROWN = f"Spearman and Brown: labels a pair for a reliability of {RELIABLE:g}"
_SPREAD = "; falls with the root of labels a person, the people being the same"
_NO_RANGE = "no range: it follows from who labelled what, and holds no error of the pilot"


def rank_laws(data: PreferenceData, reference: str, level: float) -> list[Law]:
    """Return the law of the distance of each two neighbours in rank."""
    found = rate(data, annotator=reference, level=level)
    order = found.to_frame().dropna(subset=["estimate"])["term"].tolist()
    table = found.pairwise.set_index(["model_a", "model_b"])
    n, laws = len(found.used), []
    few = few_clusters(found.used.n_clusters, n)
    for first, second in itertools.pairwise(order):
        row = table.loc[(first, second) if (first, second) in table.index else (second, first)]
        ends = sorted(abs(float(row[name])) for name in ("conf_low", "conf_high"))
        gap, error = abs(float(row["estimate"])), float(row["std_error"])
        inside = row["conf_low"] <= 0 <= row["conf_high"]
        fine = error > 1e-12 and gap > 0
        term = f"{first} above {second}"
        shared: dict[str, Any] = {
            "goal": RANK, "term": term, "unit": "logits", "wanted": gap, "n": float(n),
            "least": float(PER_TERM * len(found.used.models)), "method": _RANK,
        }  # fmt: skip
        laws.append(Law(
            variance=n * error**2, low=n * error**2, high=n * error**2,
            own=(gap, -ends[0] if inside else ends[0], ends[1]), **shared,
        ) if fine and not few else Law(
            reason=few or "the two are rated alike, or their error is not known", **shared,
        ))  # fmt: skip
    return laws


def repeat_laws(data: PreferenceData, reference: str, width: float, aims: Aims) -> list[Law]:
    """Return the law of a mean at several labels a pair, and what makes a pair reliable."""
    raters = _members(data, reference)
    found = rater_agreement(data, annotators=raters, measures=["icc"], level=aims.level)
    table, n = found.to_frame(), float(found.settings["n_ratings"])
    row = table[table["term"] == "ICC1"].iloc[0]
    icc, low, high = (float(row[name]) for name in ("estimate", "conf_low", "conf_high"))
    if np.isnan(icc):
        raise DesignError("Repeats cannot be weighed.", found=str(row["reason"]))
    laws = []
    for m in REPEATS:
        each = [0.25 * (1 + (m - 1) * min(max(r, 0.0), 1.0)) for r in (icc, low, high)]
        laws.append(Law(
            goal="repeats", term=f"a mean, {m} label{'s' * (m > 1)} a pair", unit="share",
            wanted=width, n=n, variance=each[0], low=each[1], high=each[2],
            tested=False, deff=each[0] / 0.25, method=_REPEATED,
        ))  # fmt: skip
    return [*laws, _reliable(icc, low, high, n, aims)]


def _reliable(icc: float, low: float, high: float, n: float, aims: Aims) -> Law:
    odds = RELIABLE / (1 - RELIABLE)

    def labels(r: float) -> float:
        return odds * (1 - r) / r if r > 0 else np.nan

    # written as a law whose answer is this number of labels
    scale = aims.errors(tested=False) ** -2
    why = None if icc > 0 else "people agree no more than by chance: no number is enough"
    return Law(
        goal="repeats", term="labels a pair for a reliable verdict", unit="reliability", wanted=1.0,
        n=n, variance=labels(icc) * scale, low=labels(high) * scale, high=labels(low) * scale,
        tested=False, least=1.0, error=False, method=_BROWN, reason=why,
        range_reason=None if low > 0 else "no upper end: the ICC may be 0",
    )  # fmt: skip


def people_laws(
    data: PreferenceData, reference: str, factors: Sequence[str] | None, spread: float,
    folds: int, aims: Aims,
) -> list[Law]:  # fmt: skip
    """Return the law of the spread of people's weights that is found."""
    labels = _labels(data, reference, factors)
    found = detectable_tau(labels, folds)
    why = None if np.isfinite(found) else "no spread would be found with these labels"
    return [_spread_law("tau of all terms", found, spread, labels, aims, HOW, why)]


def group_laws(
    data: PreferenceData, reference: str, factors: Sequence[str] | None, shift: float,
    folds: int, seed: int, aims: Aims,
) -> list[Law]:  # fmt: skip
    """Return the law of the distance of two groups that is found, for each factor."""
    labels = _labels(data, reference, factors)
    laid = panel(labels)
    weight = labels.weight[laid.cells]
    problems = Problems(laid, weight[:, None], labels.votes[laid.cells][:, None])
    table = detectable_shifts(laid, labels, weight, fit_pooled(problems), folds, seed)
    return [
        _spread_law(f"shift of {row['term']}", row["shift"], shift, labels, aims,
                    str(row["method"]), row["reason"] or None)
        for row in table.to_dict("records")
    ]  # fmt: skip


def _spread_law(
    term: str, found: float, wanted: float, labels: PersonLabels, aims: Aims, how: str,
    why: str | None,
) -> Law:  # fmt: skip
    n = float(labels.n_labels.sum())
    return Law(
        goal="people" if term.startswith("tau") else "groups", term=term,
        unit="logits per typical difference", wanted=wanted, n=n,
        variance=n * (found / aims.errors(tested=True)) ** 2, error=False,
        least=2.0 * len(labels.people), method=how + _SPREAD, range_reason=_NO_RANGE, reason=why,
    )  # fmt: skip


def _labels(data: PreferenceData, reference: str, factors: Sequence[str] | None) -> PersonLabels:
    return person_labels(data, annotators=_members(data, reference), factors=factors).differing()[0]


def _members(data: PreferenceData, reference: str) -> list[str]:
    """Return the annotators that a reference is, or pools."""
    table: Any = data.annotators
    own = table["annotator"].eq(reference)
    return list(table.loc[own if own.any() else table["kind"].eq(reference), "annotator"])
