"""What one part says of held-out scores: of every group, and of every predictor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, logistic
from workbench.decompose.parted.folds import RULES, rule_signs
from workbench.decompose.parted.score_sums import AreaTable, MeanSums
from workbench.decompose.parted.stored import Piece
from workbench.decompose.scores.labels import Labels
from workbench.decompose.scores.measures import right_of
from workbench.decompose.scores.shared_training import CERTAIN, Trained

FACTORS = "factors"


@dataclass(frozen=True, eq=False)
class Predicting:
    """What predicts the labels of every group.

    Attributes
    ----------
    coef : ndarray, shape (J, F, K)
        Of the fits to the training folds; NaN where there is none.
    active : ndarray of bool, shape (J, K)
        Terms of the fits to all.
    rate, sure : ndarray, shape (J, F, rules)
    bins : dict of int to int, or None
        By group: bins of its predictions, where it has too many labels to keep each one.
    clusters : dict of int to int
        By group: clusters, drawn by their names, that are looked at one by one.
    folder : str
        Where the tables of predictions stand, once they are known.
    """

    coef: Array
    active: NDArray[np.bool_]
    rate: Array
    sure: NDArray[np.bool_]
    bins: Mapping[int, int | None]
    clusters: Mapping[int, int]
    folder: str

    def of(self, piece: Piece) -> Iterator[tuple[int, Predicted]]:
        """Yield the predictions of the labels of each group of a part."""
        design, row_fold = piece.open(), piece.fold_of_rows()
        signs = rule_signs(piece, design.X)
        for g, number in enumerate(piece.groups.tolist()):
            mine = design.labels_of(g)
            row = design.cell_row[design.label_cell[mine]]
            fold = row_fold[row]
            p = logistic((design.X @ self.coef[number].T)[row, fold])
            lost = not self.active[number].any()
            kept = np.ones(len(p), dtype=bool) if lost else np.isfinite(p)
            rules = {}
            for r, name in enumerate(RULES):
                sign = signs[r][row]
                rate = self.rate[number, fold, r]
                learned = np.where(sign > 0, rate, 1.0 - rate)
                learned = np.where(sign != 0, learned, 0.5)
                taken = np.where(self.sure[number, fold, r], learned, 0.5)
                rules[name] = Rule(bool(sign.any()), sign[kept], learned[kept], taken[kept])
            code = design.cluster[row[kept]]
            yield (
                number,
                Predicted(
                    n=len(row),
                    X=design.X,
                    row=row[kept],
                    active=self.active[number],
                    y=design.label_preference[mine][kept],
                    weight=design.label_weight[mine][kept],
                    cluster=code,
                    word=piece.array("draws")[code],
                    p=None if lost else p[kept],
                    rules=rules,
                ),
            )


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule's predictions of labels: whether it decides any, its sides, what it learned, P(A)."""

    decides: bool
    sign: Array
    learned: Array
    p: Array


@dataclass(frozen=True, eq=False)
class Predicted:
    """Labels of a group in a part that are scored, with the predictions of them.

    Attributes
    ----------
    n : int
        Labels, also those that a training fold could not predict.
    X : ndarray, shape (rows, K)
    row : ndarray of int, shape (labels,)
    active : ndarray of bool, shape (K,)
        Terms of the fit.
    y, weight : ndarray
    cluster : ndarray of int
    word : ndarray of uint64
        Hash of the name of each label's cluster.
    p : ndarray, or None
    rules : dict of str to Rule
    """

    n: int
    X: Array
    row: NDArray[np.int64]
    active: NDArray[np.bool_]
    y: Array
    weight: Array
    cluster: NDArray[np.int64]
    word: NDArray[np.uint64]
    p: Array | None
    rules: dict[str, Rule]

    @property
    def by_name(self) -> dict[str, Array]:
        """P(A) of each label, by predictor."""
        fit = {} if self.p is None else {FACTORS: self.p}
        return {**fit, **{name: rule.p for name, rule in self.rules.items()}}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Labels of the clusters with the smallest hashes, one by one: for what training adds."""

    most: int
    word: NDArray[np.uint64]
    y: Array
    weight: Array
    X: Array
    p: Array
    signs: Array
    learned: Array

    @classmethod
    def of(cls, found: Predicted, most: int) -> Drawn:
        """Return the labels of up to so many clusters."""
        words = np.unique(found.word)
        kept = np.ones(len(found.y), dtype=bool)
        if len(words) > most:
            kept = found.word <= words[most - 1]
        p = np.full(int(kept.sum()), np.nan) if found.p is None else found.p[kept]
        signs = np.stack([found.rules[name].sign[kept] for name in RULES], axis=1)
        learned = np.stack([found.rules[name].learned[kept] for name in RULES], axis=1)
        X = found.X[found.row[kept]][:, found.active]
        return cls(most, found.word[kept], found.y[kept], found.weight[kept], X, p, signs, learned)

    def first(self, clusters: int) -> Drawn:
        """Return the labels of the first clusters, by their hashes."""
        words = np.unique(self.word)
        if len(words) <= clusters:
            return self
        return self._at(self.word <= words[clusters - 1])

    def _at(self, keep: NDArray[np.bool_]) -> Drawn:
        arrays = {n: getattr(self, n)[keep] for n in self.__dataclass_fields__ if n != "most"}
        return replace(self, **arrays)

    def __add__(self, other: Drawn) -> Drawn:
        joined = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in self.__dataclass_fields__
            if name != "most"
        }
        return Drawn(self.most, **joined).first(self.most)

    def trained(self, rule: int | None, bread: Array, times: int, folds: int) -> Trained:
        """Return a predictor, the fit's or a rule's, as its training is looked at."""
        cluster = np.unique(self.word, return_inverse=True)[1]
        nothing = np.zeros(len(self.y), dtype=np.int64)
        labels = Labels(np.arange(len(self.y)), self.y, self.weight, cluster, nothing)
        X, p = self.X, self.p
        if rule is not None:
            X, p = self.signs[:, rule, None], self.learned[:, rule]
        return Trained.seen(labels, X, p, bread, times, folds)


@dataclass(frozen=True, eq=False)
class GroupScores:
    """What parts say of the held-out scores of a group.

    Attributes
    ----------
    n, kept : int
        Labels, and those that are scored.
    total, decided : float
        Their weight, and that of those that are no tie.
    means : dict
        By predictor and measure; ``gain`` is beside a rule's name.
    tables : dict of str to AreaTable
    decides : tuple of bool
        Whether each rule decides any label.
    information : ndarray, shape (rules,)
        Sum of ``w q (1 - q) s^2`` of each rule's learned probability q and side s.
    drawn : Drawn
    """

    n: int
    kept: int
    total: float
    decided: float
    means: dict[tuple[str, str], MeanSums]
    tables: dict[str, AreaTable]
    decides: tuple[bool, ...]
    information: Array
    drawn: Drawn

    def __add__(self, other: GroupScores) -> GroupScores:
        return GroupScores(
            n=self.n + other.n,
            kept=self.kept + other.kept,
            total=self.total + other.total,
            decided=self.decided + other.decided,
            means={name: one + other.means[name] for name, one in self.means.items()},
            tables={name: one + other.tables[name] for name, one in self.tables.items()},
            decides=tuple(a or b for a, b in zip(self.decides, other.decides, strict=True)),
            information=self.information + other.information,
            drawn=self.drawn + other.drawn,
        )


@dataclass(frozen=True, eq=False)
class ScoresAt:
    """The scores of a part."""

    predicting: Predicting

    def __call__(self, piece: Piece) -> dict[int, GroupScores]:
        """Return what one part says, by group."""
        return {number: self._scored(number, one) for number, one in self.predicting.of(piece)}

    def _scored(self, number: int, found: Predicted) -> GroupScores:
        y, w, cluster = found.y, found.weight, found.cluster
        decided = y != 0.5
        at = (w[decided], cluster[decided])
        means, tables = {}, {}
        for name, p in found.by_name.items():
            held = np.clip(p, CERTAIN, 1 - CERTAIN)
            loss = -(y * np.log(held) + (1 - y) * np.log1p(-held))
            right = right_of(p, y)[decided]
            means[name, "accuracy"] = MeanSums.of(right, *at)
            means[name, "log_loss"] = MeanSums.of(loss, w, cluster)
            means[name, "brier"] = MeanSums.of((y - p) ** 2, w, cluster)
            if found.p is not None:
                means[name, "gain"] = MeanSums.of(right_of(found.p, y)[decided] - right, *at)
            bins = self.predicting.bins[number] if name == FACTORS else None
            tables[name] = AreaTable.of(p[decided], y[decided] > 0.5, bins)
        rules = [found.rules[name] for name in RULES]
        spread = [w @ (one.learned * (1.0 - one.learned) * one.sign**2) for one in rules]
        return GroupScores(
            n=found.n,
            kept=len(y),
            total=float(w.sum()),
            decided=float(w[decided].sum()),
            means=means,
            tables=tables,
            decides=tuple(one.decides for one in rules),
            information=np.array(spread, dtype=np.float64),
            drawn=Drawn.of(found, self.predicting.clusters[number]),
        )


@dataclass(frozen=True, eq=False)
class AreaErrorsAt:
    """What a part adds to the errors of areas, whose tables are known."""

    predicting: Predicting

    def __call__(self, piece: Piece) -> dict[tuple[int, str], float]:
        """Return the sum of squares over clusters, by group and predictor."""
        sums = {}
        for number, found in self.predicting.of(piece):
            decided = found.y != 0.5
            positive, cluster = found.y[decided] > 0.5, found.cluster[decided]
            for name, p in found.by_name.items():
                table = read_table(Path(self.predicting.folder), number, name)
                bins = self.predicting.bins[number] if name == FACTORS else None
                pull = table.placements(p[decided], positive, bins)
                sums[number, name] = float((np.bincount(cluster, pull) ** 2).sum())
        return sums


def write_table(folder: Path, number: int, name: str, table: AreaTable) -> None:
    """Write a table of predictions where the parts find it."""
    np.save(_table(folder, number, name), np.stack([table.values, table.positive, table.negative]))


def read_table(folder: Path, number: int, name: str) -> AreaTable:
    """Read a table of predictions."""
    values, positive, negative = np.load(_table(folder, number, name), mmap_mode="r")
    return AreaTable(np.asarray(values), np.asarray(positive), np.asarray(negative))


def _table(folder: Path, number: int, name: str) -> Path:
    return folder / f"area-{number}-{name.replace(' ', '-')}.npy"
