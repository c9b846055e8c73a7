"""The tables of a ceiling: everything is fitted, and scored on the same labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.ceiling.boxes import boxes_of
from workbench.ceiling.others import OTHERS, by_others
from workbench.ceiling.rows import Rows
from workbench.ceiling.scored import MEASURES, NAMES, Held, difference, share_reached
from workbench.ceiling.stacked import CEILING, FACTORS, FactorFit, out_of_fold
from workbench.clustered import FEW_CLUSTERS, Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.design import Design
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.estimate import fit_groups
from workbench.decompose.held_out import held_out, left_out, lost_fit, unscored
from workbench.decompose.scores.labels import Labels

if TYPE_CHECKING:
    from workbench.embedding.base import Embedding

METHOD = (
    "prompt-grouped folds; Fieller interval over clusters at twice the variance: folds test each "
    "other's labels"
)
_APART = (
    "prompt-grouped folds; paired interval over clusters at twice the variance: folds test each "
    "other's labels"
)


@dataclass(frozen=True, eq=False)
class Measured:
    """Tables of a result."""

    estimates: pd.DataFrame
    held_out: pd.DataFrame
    differences: pd.DataFrame
    weights: pd.DataFrame
    about: dict[str, Any]

    @classmethod
    def blank(cls, task: Task, names: list[str], reason: str) -> Measured:
        """Return what there is where nothing can be measured."""
        clusters = len(np.unique(task.design.cluster))
        counts = {"n": int(task.design.n_labels.sum()), "n_clusters": clusters}
        rows = [_share_row(m, CEILING, {**counts, "reason": reason}) for m in MEASURES]
        scores = [
            _line(task.group, name, None, task.level, reason) for name in (FACTORS, *names, CEILING)
        ]
        return cls(_shares(rows), pd.DataFrame(scores), _apart([]), _weights([], []), {})


@dataclass(frozen=True, eq=False)
class Task:
    """Labels that are predicted by everything there is."""

    data: PreferenceData
    design: Design
    group: str
    folds: int
    level: float
    seed: int

    def measure(
        self, wanted: list[str], judges: list[str], embedding: Embedding | str | Path
    ) -> Measured:
        """Return every table."""
        design, fit = self.design, fit_groups(self.design, "classical")[0]
        lost = lost_fit(fit)
        if lost is not None:
            return Measured.blank(self, [*wanted, *judges], lost)
        row_fold = fold_numbers(design.cluster_names.to_numpy(), self.folds, self.seed)
        row_fold = row_fold[design.cluster]
        place = self._order()
        made = boxes_of(self.data, design, place, wanted, judges, embedding, self.seed)
        own = FactorFit(FACTORS, design, fit, place)
        said, weights = out_of_fold(self._rows(place, row_fold), own, made.boxes)
        labels = Labels.of(design, 0, row_fold)
        at = np.empty(len(place), dtype=np.int64)
        at[place] = np.arange(len(place))
        log_odds = {name: one[at[labels.row]] for name, one in said.items()}
        base = held_out(design, [fit], None, folds=self.folds, seed=self.seed, level=self.level)
        base = base[base["predictor"].eq(FACTORS)].assign(group=self.group)
        predicted = _Predicted(self, labels, log_odds)
        tables = predicted.tables(base, [*wanted, *judges], made.lacking)
        names = [FACTORS, *(box.name for box in made.boxes)]
        return Measured(*tables, _weights(names, weights), made.about)

    def _order(self) -> Codes:
        """Return design rows by the names of their pairs: that of the data says nothing."""
        names = self.design.pair_ids.to_numpy().astype(str)[self.design.pair]
        return np.lexsort((self.design.X[:, -1], names))

    def _rows(self, place: Codes, row_fold: Codes) -> Rows:
        cells = self.design.dense([0])
        cluster = self.design.cluster_names.to_numpy().astype(str)[self.design.cluster[place]]
        weight, votes = cells.weight[place, 0], cells.votes[place, 0]
        return Rows(weight, votes, cluster, row_fold[place], self.seed)


@dataclass(frozen=True, eq=False)
class _Predicted:
    """What every predictor says of labels whose fold it has not seen."""

    task: Task
    labels: Labels
    log_odds: dict[str, Array]

    def tables(
        self, base: pd.DataFrame, asked: list[str], lacking: dict[str, str]
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return the shares, the scores and the differences from the factors."""
        task, level = self.task, self.task.level
        seen = np.isfinite(self.log_odds[FACTORS])
        why = None if seen.all() else left_out(int((~seen).sum()))
        held = {name: Held.of(self.labels.at(seen), one[seen])
                for name, one in self.log_odds.items()}  # fmt: skip
        own = held[FACTORS]
        boxes = set(self.log_odds) - {FACTORS, CEILING}
        alone = None if boxes else f"there is no black box: {'; '.join(lacking.values())}"
        shares = [self._share(m, own, held[CEILING], CEILING, alone) for m in MEASURES]
        scores = [
            _line(task.group, name, None, level, lacking[name])
            if name in lacking
            else _line(task.group, name, (own, held[name]), level, why)
            for name in (*asked, CEILING)
        ]
        rows = [
            {"term": name, "measure": NAMES[m], **difference(one, own, m, level)}
            for name, one in held.items() if name != FACTORS for m in MEASURES
        ]  # fmt: skip
        shared, by_them = by_others(task.design, self.labels)
        if (shared & seen).any():
            both = seen[shared]
            them = Held.of(self.labels.at(shared & seen), by_them[both])
            mine = Held.of(them.labels, self.log_odds[FACTORS][shared & seen])
            scores.append(_line(task.group, OTHERS, (mine, them), level, why))
            few = None
            if them.labels.n_clusters < FEW_CLUSTERS:
                few = f"fewer than {FEW_CLUSTERS} clusters with such pairs"
            shares += [self._share(m, mine, them, OTHERS, few) for m in MEASURES]
        table = pd.concat([base, pd.DataFrame(scores)], ignore_index=True)
        return _shares(shares), table, _apart(rows)

    def _share(
        self, measure: str, part: Held, whole_: Held, against: str, why: str | None = None
    ) -> dict[str, Any]:
        found = share_reached(part, whole_, measure, self.task.level)
        if why:
            numbers = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)
            found |= {**numbers, "reason": why}
        p = difference(whole_, part, measure, self.task.level)["p_value"]
        values = {"factors": part.score(measure), "of": whole_.score(measure)}
        return _share_row(measure, against, {**found, "p_value": p, **values})


def _share_row(measure: str, against: str, found: dict[str, Any]) -> dict[str, Any]:
    name = NAMES[measure]
    return {"term": name if against == CEILING else f"{name} of {against}", "against": against,
            **found}  # fmt: skip


def _line(
    group: str, name: str, both: tuple[Held, Held] | None, level: float, reason: str | None
) -> dict[str, Any]:
    """Return a row of held-out scores, and what the factors gain over it."""
    head = {"group": group, "predictor": name}
    if both is None:
        return {**head, **Held.nothing(level), "gain": np.nan, "gain_low": np.nan,
                "gain_high": np.nan, "reason": reason}  # fmt: skip
    own, one = both
    scores = one.line(level)
    gain = difference(own, one, "accuracy", level)
    ends = {"gain": gain["estimate"], "gain_low": gain["conf_low"], "gain_high": gain["conf_high"]}
    return {**head, **scores, **ends, "reason": reason or unscored(scores)}


_BOTH = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value", "n",
         "n_clusters")  # fmt: skip


def _shares(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return _tabled(rows, ("term", *_BOTH, "against", "factors", "of"), METHOD)


def _apart(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return _tabled(rows, ("term", "measure", *_BOTH), _APART)


def _tabled(rows: list[dict[str, Any]], columns: Sequence[str], method: str) -> pd.DataFrame:
    names = [*columns, "method", "reason"]
    table = pd.DataFrame(rows).reindex(columns=names).assign(method=method)
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))


def _weights(names: list[str], weights: Sequence[Array] | Array) -> pd.DataFrame:
    """Return what each predictor counts in the ceiling, over the folds."""
    table = np.asarray(weights, dtype=np.float64).reshape(-1, max(len(names), 1))
    rows = [
        {"predictor": name, "weight": own.mean(), "least": own.min(), "most": own.max(),
         "folds": len(own)}
        for name, own in zip(names, table.T, strict=False)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["predictor", "weight", "least", "most", "folds"])
