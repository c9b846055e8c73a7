"""The audit of a trained model, from the scores of its pairs to results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.audit.models.calibration import calibration, calibration_by
from workbench.audit.models.displacement import displacement
from workbench.audit.models.gains import gains_of
from workbench.audit.models.likelihoods.along import TOKENS, along
from workbench.audit.models.ranking import RankingAccuracy, ranking_accuracy
from workbench.audit.models.seen import seen_tokens
from workbench.audit.models.trainer_notes import differs
from workbench.audit.models.training import follow_training
from workbench.data.dataset import PreferenceData
from workbench.results import Result
from workbench.scoring.training.kept import ModelScores
from workbench.threads import on_one_thread

_FOLDS = 5


@on_one_thread
def audit_scores(
    scores: ModelScores,
    data: PreferenceData | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> list[Result]:
    """Return everything that the scores say of a model.

    Parameters
    ----------
    scores : ModelScores
    data : PreferenceData, optional
        Whose labels they are: calibration is then told by kind of annotator too.
    level : float
    seed : int

    Returns
    -------
    list of Result
        Ranking accuracy; with a reference the calibration of the implicit reward (not with a
        single prompt, which has no interval), displacement, the training and, where they
        are there, the tokens that gain, where in the responses the margin arises, and
        whether a trainer saw those that are scored.

    Raises
    ------
    DataError
        No pair has a score.
    """
    found = _results(scores, data, level, seed)
    if scores.engine is None:
        return found
    return [replace(one, provenance=one.provenance.by(scores.engine)) for one in found]  # type: ignore[type-var]


def _results(
    scores: ModelScores, data: PreferenceData | None, level: float, seed: int
) -> list[Result]:
    tables = scores.common()
    names = list(tables)
    last = tables[names[-1]]
    # of a training that has only begun there is nothing to compare with
    if not scores.reference or len(names) == 1:
        alone = ranking_accuracy(last, beta=scores.beta, band=scores.band, level=level)
        told = [_saying(alone, list(scores.notes)), *_along(last, None, level)]
        return [*told, *_seen(scores, level)]
    first = tables[names[0]]
    table = _beside(last, first)
    ranked = ranking_accuracy(table, beta=scores.beta, band=scores.band, level=level)
    own = ranked.to_frame().set_index("term").loc["reward accuracy"]
    printed = differs(table, float(own["estimate"]), float(own["ties"]))
    results: list[Result] = [_saying(ranked, [*scores.notes, *printed])]
    clusters = table["cluster"].nunique()
    if clusters > 1:
        found = calibration(
            scores.beta * _implicit(table), table["votes"].to_numpy("float64"),
            table["cluster"].to_numpy(), _scenario(table), folds=min(_FOLDS, clusters),
            level=level, seed=seed,
        )  # fmt: skip
        kinds = None if data is None else _by_kind(table, data, scores.beta, level, seed)
        results.append(found if kinds is None else found.with_groups(kinds))
    results.append(displacement(first, last, level=level))
    more: Mapping[str, pd.DataFrame] | None = scores.unseen or None
    results.append(
        follow_training(tables, more, beta=scores.beta, band=scores.band, level=level, seed=seed)
    )
    moved = [] if scores.gains is None else [gains_of(scores.gains)]
    return [*results, *moved, *_along(last, first, level), *_seen(scores, level)]


def _along(last: pd.DataFrame, first: pd.DataFrame | None, level: float) -> list[Result]:
    """Return where in the responses the margin arises, where tokens were kept."""
    kept = all(set(TOKENS) <= set(table) for table in (last, first) if table is not None)
    return [along(last, first, level=level)] if kept else []


def _seen(scores: ModelScores, level: float) -> list[Result]:
    if scores.seen is None:
        return []
    table = scores.seen.set_index("pair_id")
    return [seen_tokens(table["kind"], table["cluster"], level)]


def _saying(found: RankingAccuracy, lines: list[str]) -> RankingAccuracy:
    return replace(found, settings={**found.settings, "scored": lines})


def _beside(last: pd.DataFrame, first: pd.DataFrame) -> pd.DataFrame:
    renamed = first.rename(columns={"chosen": "ref_chosen", "rejected": "ref_rejected"})
    return last.merge(renamed[["pair_id", "ref_chosen", "ref_rejected"]], on="pair_id")


def _implicit(table: pd.DataFrame) -> np.ndarray:
    gained = table["chosen"] - table["ref_chosen"]
    lost = table["rejected"] - table["ref_rejected"]
    return np.asarray((gained - lost).to_numpy("float64"))


def _by_kind(
    table: pd.DataFrame, data: PreferenceData, beta: float, level: float, seed: int
) -> pd.DataFrame | None:
    """Return the calibration by kind of annotator, a row a label; None with one kind."""
    labels = data.decided().labels[["pair_id", "kind", "preference"]].dropna()
    margin = table[["pair_id", "cluster", "side"]].assign(margin=beta * _implicit(table))
    both = labels.merge(margin, on="pair_id")
    if both["kind"].nunique() < 2:
        return None
    chosen = both["preference"].where(both["side"] == "a", 1 - both["preference"])
    return calibration_by(
        both["margin"].to_numpy("float64"), chosen.to_numpy("float64"),
        both["cluster"].to_numpy(dtype=object), both["kind"].to_numpy(dtype=object),
        level=level, seed=seed,
    )  # fmt: skip


def _scenario(table: pd.DataFrame) -> np.ndarray | None:
    names = table["scenario"]
    return names.to_numpy(dtype=object) if names.nunique() > 1 else None
