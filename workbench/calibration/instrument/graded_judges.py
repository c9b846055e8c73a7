"""Judges that grade as instruments: severity, discrimination, misfit, groups, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import judges_beside, reference_mask
from workbench.calibration.instrument.facets import Read, compressed, read_scores
from workbench.calibration.instrument.functioning import IN_GROUP, families_of, is_own
from workbench.calibration.instrument.graded import NO_END, TWO_ALONE, discriminations
from workbench.calibration.instrument.grades import NO_ITEM, Grades, grades_of
from workbench.calibration.instrument.rasch import severities
from workbench.calibration.instrument.values import (
    DISCRIMINATION,
    Value,
    beside_others,
    row_of,
    t_over_clusters,
)
from workbench.calibration.instrument.verdicts import sums_by
from workbench.calibration.instrument.versions import MARGINS, PAIRED, equivalence, narrower
from workbench.data.dataset import PreferenceData

SEVERITY = "severity"
NO_GRADE = "no grade"
NO_TELLING = "judges differ too little on these items to tell"
NO_RESIDUAL = "no grade differs from what is expected"
NO_PEOPLE = "grades of the reference cannot be compared with these"


@dataclass(frozen=True, eq=False)
class GradedJudges:
    """Grades of judges, and of people where they graded too.

    Attributes
    ----------
    data : PreferenceData
    reference : str
    read : Read
    judges, people : list of str
    names : list of str
        Both, sorted: what codes of judges stand for.
    clusters : int
    exclusions : DataFrame
    """

    data: PreferenceData
    reference: str
    read: Read
    judges: list[str]
    people: list[str]
    names: list[str]
    clusters: int
    exclusions: pd.DataFrame

    @property
    def noun(self) -> str:
        """What to call those of the reference."""
        return self.data.noun(self.reference)

    @property
    def base(self) -> str:
        """What a severity is a difference from."""
        return f"the mean of {self.noun}" if self.people else "the mean of the judges"

    def values(
        self, rows: NDArray[np.bool_] | None = None
    ) -> tuple[dict[str, dict[str, Value]], Grades]:
        """Return severity, discrimination, infit and outfit of each judge, by name."""
        read = self.read if rows is None else self.read.take(rows)
        grades = grades_of(read, self.names, self.clusters)
        nothing = np.zeros(self.clusters)
        measures = (SEVERITY, DISCRIMINATION, "infit", "outfit")
        found = {
            name: {one: Value(np.nan, nothing, nothing, 0.0, grades.reasons.get(name, NO_GRADE))
                   for one in measures}
            for name in self.names
        }  # fmt: skip
        if not grades.names:
            return found, grades
        counts = grades.counts()
        fit, slopes = severities(grades, counts), discriminations(grades, counts)
        if fit is None:
            for name in grades.names:
                found[name] = {one: found[name][one]._replace(reason=NO_TELLING)
                               for one in measures}  # fmt: skip
            return found, grades
        base = [k for k, name in enumerate(grades.names) if name in self.people or not self.people]
        lost = None if base else NO_PEOPLE
        base = base or list(range(len(grades.names)))
        middle, pull = fit.value[base].mean(), fit.influence[:, base].mean(axis=1)
        for k, name in enumerate(grades.names):
            there = (grades.category[:, k] >= 0).astype(np.float64)
            share, n = sums_by(grades.cluster, there, self.clusters), float(there.sum())
            found[name] = {
                SEVERITY: Value(np.nan if lost else float(fit.value[k] - middle),
                                fit.influence[:, k] - pull, share, n, lost),
                DISCRIMINATION: Value(np.nan, nothing, share, n, TWO_ALONE) if slopes is None
                else Value(float(slopes[0][k]), slopes[1][:, k], share, n,
                           NO_END if np.isnan(slopes[0][k]) else None),
                **{one: Value(float(value[k]), fit.fit_influence[:, at, k], share, n,
                              None if value[k] > 0 else NO_RESIDUAL)
                   for at, (one, value) in enumerate((("infit", fit.infit),
                                                      ("outfit", fit.outfit)))},
            }  # fmt: skip
        return found, grades


def graded_judges(
    data: PreferenceData, judges: str | Sequence[str] | None, reference: str, grades: str
) -> GradedJudges:
    """Return what judges and people graded.

    Raises
    ------
    DesignError
        No such column of the labels, no judge, or a judge that is of the reference.
    """
    data = data.decided()
    theirs = reference_mask(data, reference)
    people = sorted(map(str, data.labels["annotator"][theirs].unique()))
    names = judges_beside(data, judges, theirs)
    both = sorted({*names, *people})
    read, gone = read_scores(data, both, ["judge"], grades)
    graded = {both[k] for k in np.unique(read.codes["judge"])}
    code, clusters = compressed(read.cluster)
    lost = pd.DataFrame([{"judge": "all", "reason": why, "n": n} for why, n in gone.items() if n],
                        columns=["judge", "reason", "n"])  # fmt: skip
    people = [name for name in people if name in graded]
    return GradedJudges(data, reference, read._replace(cluster=code), names, people, both, clusters,
                        lost)  # fmt: skip


def rows_of(
    found: Mapping[str, Mapping[str, Value]], judges: Sequence[str], measures: Sequence[str],
    level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows of some measures of each judge."""
    rows = []
    for name in judges:
        for measure in measures:
            value, null = found[name][measure], 0.0 if measure == SEVERITY else None
            if measure in (SEVERITY, DISCRIMINATION):
                row = t_over_clusters(value, level, null)
            else:
                row = row_of(measure, value, level)
            rows.append({"term": name, "measure": measure, "against": null, **row})
    return rows


def functioning_of(
    seen: GradedJudges, by: str | None, families: Mapping[str, Sequence[str]] | None, level: float
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Return how severe each judge is with each group of items, and each family's responses."""
    pairs, read = seen.data.pairs, seen.read
    rows: list[dict[str, Any]] = []
    if by is not None:
        rows += _severity_by(seen, by, pairs[by].take(read.pair).reset_index(drop=True), level)
    members: dict[str, list[str]] = {}
    if not read.of_pairs:
        a, b = (pairs[f"model_{side}"].take(read.pair).reset_index(drop=True) for side in "ab")
        model = a.where(read.side == 0, b)
        models = sorted(map(str, model.dropna().unique()))
        if len(models) > 1:
            members = families_of(models, families)
            of = {one: name for name, own in members.items() for one in own}
            rows += _severity_by(seen, "family", model.map(of), level, members)
    return rows, members


def changes_of(
    seen: GradedJudges, versions: tuple[str, str], margins: Mapping[str, float], level: float
) -> list[dict[str, Any]]:
    """Return what changed from the old to the new version on items that both graded."""
    read = seen.read
    code = [seen.names.index(name) for name in versions]
    items = [np.unique(read.item[read.codes["judge"] == one]) for one in code]
    both = np.intersect1d(items[0], items[1])
    found, _ = seen.values(np.isin(read.item, both))
    rows = []
    for measure in (SEVERITY, DISCRIMINATION):
        old, new = (found[name][measure] for name in versions)
        reason = (None if len(both) else NO_ITEM) or old.reason or new.reason
        value = Value(new.estimate - old.estimate, new.influence - old.influence,
                      old.share + new.share, old.n + new.n, reason)  # fmt: skip
        narrow = narrower(level)
        tight = None if narrow is None else t_over_clusters(value, narrow, 0.0)
        rows.append({"term": measure, **t_over_clusters(value, level, 0.0), "old": old.estimate,
                     "new": new.estimate, **equivalence(measure, tight, margins),
                     "method": PAIRED})  # fmt: skip
    return rows


def _severity_by(
    seen: GradedJudges, by: str, column: pd.Series, level: float,
    members: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    groups = sorted(map(str, column.dropna().unique()))
    text = column.astype("object").where(column.notna(), None).map(
        lambda v: None if v is None else str(v))  # fmt: skip
    found = {group: seen.values(text.eq(group).to_numpy(bool))[0] for group in groups}
    rows = []
    for name in seen.judges:
        values = {group: found[group][name][SEVERITY] for group in groups}
        known = {group: one for group, one in values.items() if one.reason is None}
        made = beside_others(list(known.values()), level) if len(known) > 1 else []
        told = dict(zip(known, made, strict=False))
        for group, value in values.items():
            start = {"term": name, "by": by, "group": group, "measure": SEVERITY,
                     "own": members is not None and is_own(name, group, members[group]),
                     "method": IN_GROUP}  # fmt: skip
            if group in told:
                rows.append({**start, **told[group], "value": value.estimate})
            else:
                why = value.reason or "no other group has it"
                rows.append({**start, "estimate": np.nan, "n": value.n, "reason": why})
            if len(values) == 2:
                # of two groups one difference is the other turned round
                break
    return rows


GRADE_MARGINS = {SEVERITY: 0.2, DISCRIMINATION: MARGINS[DISCRIMINATION]}
"""Changes below which two versions that grade count as one, by measure."""
