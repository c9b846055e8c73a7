"""Held-out scores of fits to data in parts, beside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.decompose.group_fit import GroupFit
from workbench.decompose.held_out import left_out, lost_fit, unscored
from workbench.decompose.kernel import Array
from workbench.decompose.parted.folds import RULES, FoldSums, fold_fits, rates
from workbench.decompose.parted.scores_at import (
    FACTORS,
    AreaErrorsAt,
    GroupScores,
    Predicting,
    ScoresAt,
    write_table,
)
from workbench.decompose.parted.whole import Whole
from workbench.decompose.scores.baselines import DOUBT, NO_LENGTH, NO_SIDE
from workbench.decompose.scores.measures import (
    Scored,
    gain_ends,
    gain_error,
    with_ends,
    with_training,
)
from workbench.decompose.scores.shared_training import Trained, drawn
from workbench.engine import Engine

_VALUES = 2**17
"""Predictions that are kept one by one: more are counted in as many bins of [0, 1]. Labels of one
bin count as ties, which moves an area under a curve by half the chance that two labels of
different sides share a bin at most, and by the square of a bin's width where predictions are
spread smoothly."""


def held_out_of_parts(
    whole: Whole, fits: list[GroupFit], sums: FoldSums, engine: Engine, *, folds: int, level: float
) -> pd.DataFrame:
    """Return the scores that :func:`workbench.decompose.held_out.held_out` gives in memory.

    Parameters
    ----------
    whole : Whole
    fits : list of GroupFit
    sums : FoldSums
        At the coefficients of the fits.
    engine : Engine
    folds : int
    level : float
    """
    predicting = _predicting(whole, fits, sums, engine)
    found: dict[int, GroupScores] = {}
    for part in engine.map(ScoresAt(predicting), whole.pieces):
        for j, one in part.items():
            found[j] = found[j] + one if j in found else one
    for j, one in found.items():
        for name, table in one.tables.items():
            write_table(whole.folder, j, name, table)
    squares: dict[tuple[int, str], float] = {}
    for areas in engine.map(AreaErrorsAt(predicting), whole.pieces):
        for key, value in areas.items():
            squares[key] = squares.get(key, 0.0) + value
    lines = []
    for j, fit in enumerate(fits):
        own = {name: value for (group, name), value in squares.items() if group == j}
        lines += _Group(whole, fit, found[j], own, folds, level).lines()
    return pd.DataFrame(lines)


def _predicting(
    whole: Whole, fits: Sequence[GroupFit], sums: FoldSums, engine: Engine
) -> Predicting:
    design = whole.design
    rate, sure = rates(sums)
    most = max(4096, _VALUES // max(1, len(fits) // 4))
    n_labels = design.n_labels.tolist()
    clusters = {
        # twice as many as are wanted: fewer labels than there are may be scored
        j: 2 * drawn(n, int(g))[1] + 1
        for j, (n, g) in enumerate(zip(n_labels, whole.n_clusters, strict=True))
    }
    return Predicting(
        coef=fold_fits(whole, list(fits), sums, engine),
        active=np.stack([fit.active for fit in fits]),
        rate=rate,
        sure=sure,
        bins={j: None if n <= most else most for j, n in enumerate(n_labels)},
        clusters=clusters,
        folder=str(whole.folder),
    )


@dataclass(frozen=True, eq=False)
class _Group:
    """One group's scores, from what all parts said."""

    whole: Whole
    fit: GroupFit
    found: GroupScores
    squares: dict[str, float]
    folds: int
    level: float

    def lines(self) -> list[dict[str, Any]]:
        """Return one line a predictor, all on the labels that the fit could predict."""
        found, lost = self.found, lost_fit(self.fit)
        left = None
        if lost is None and found.kept < found.n:
            left = left_out(found.n - found.kept)
        n_clusters = found.means[RULES[0], "log_loss"].n_clusters
        times, clusters = drawn(found.kept, n_clusters)
        chosen = found.drawn.first(clusters) if found.kept else found.drawn
        fitted = None
        if lost is None and found.kept:
            active = np.flatnonzero(self.fit.active)
            bread = self.fit.bread[np.ix_(active, active)]
            fitted = chosen.trained(None, bread, times, self.folds)
        scored = None if fitted is None else self._scored(FACTORS, fitted, 0.0)
        lines = [self._line(FACTORS, scored, None, lost or left)]
        for r, name in enumerate(RULES):
            reason = None if found.decides[r] else NO_SIDE
            if name == "longer" and not self.whole.known_texts:
                reason = NO_LENGTH
            one, gain = None, None
            if reason is None and found.kept:
                trained = chosen.trained(r, _bread(found.information[r]), times, self.folds)
                one = self._scored(name, trained, DOUBT)
                gain = None if fitted is None else self._gain(name, fitted, trained)
            lines.append(self._line(name, one, gain, reason or left))
        return lines

    def _scored(self, name: str, trained: Trained, doubt: float) -> Scored:
        found = self.found
        mean = {
            measure: found.means[name, measure].mean_and_error
            for measure in ("accuracy", "log_loss", "brier")
        }
        told = found.means[name, "accuracy"].n_clusters
        area, error = found.tables[name].area, float("nan")
        if told > 1 and np.isfinite(area):
            error = float(np.sqrt(told / (told - 1) * self.squares[name]))
        values = {
            "accuracy": mean["accuracy"],
            "auc": (area, error),
            "log_loss": mean["log_loss"],
            "brier": mean["brier"],
        }
        values = with_training(values, trained, found.total, found.decided, doubt)
        n_clusters = found.means[name, "log_loss"].n_clusters
        return Scored(found.kept, n_clusters, told, values)

    def _gain(self, name: str, fitted: Trained, trained: Trained) -> dict[str, float] | None:
        sums = self.found.means[name, "gain"]
        if not sums.n_clusters:
            return None
        value, error = sums.mean_and_error
        error = gain_error(error, fitted, trained, self.found.decided, DOUBT)
        n = int(self.found.tables[name].positive.sum() + self.found.tables[name].negative.sum())
        return gain_ends(value, error, n, sums.n_clusters, self.level)

    def _line(
        self, name: str, scored: Scored | None, gain: dict[str, float] | None, reason: str | None
    ) -> dict[str, Any]:
        line: dict[str, Any] = {
            "group": self.fit.name,
            "predictor": name,
            **with_ends(scored, self.level),
            **(gain or gain_ends(float("nan"), float("nan"), 0, 0, self.level)),
        }
        return {**line, "reason": reason or unscored(line)}


def _bread(information: float) -> Array:
    return np.array([[1.0 / information]]) if information else np.zeros((1, 1))
