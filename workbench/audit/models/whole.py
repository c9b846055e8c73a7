"""The audit of a trained model, from the scores of its pairs to results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.audit.models.calibration import calibration, calibration_by
from workbench.audit.models.displacement import displacement
from workbench.audit.models.gains import Gains, kept_gains
from workbench.audit.models.ranking import RankingAccuracy, ranking_accuracy
from workbench.audit.models.seen import seen_tokens
from workbench.audit.models.trainer_notes import differs
from workbench.audit.models.training import follow_training
from workbench.data.dataset import PreferenceData
from workbench.data.store import checked_version
from workbench.errors import DataError
from workbench.results import Result
from workbench.threads import on_one_thread
from workbench.whole_file import write_text, written

SCHEMA_VERSION = 1
_FILE = "audit.json"
_FOLDS = 5
_GAINS = "gains.parquet"
_SEEN = "seen.parquet"


@dataclass(frozen=True, eq=False)
class ModelScores:
    """Scores of a model and of what it came from, on the same pairs.

    Attributes
    ----------
    tables : dict of str to DataFrame
        By name, in the order of training; the last is the audited model. As
        :class:`workbench.scoring.logprob.PairScores` has them.
    reference : bool
        Whether the first is the model that training began from.
    beta : float
        Of the training's penalty.
    band : float
        Nats within which two likelihoods are taken for equal.
    unseen : dict of str to DataFrame
        ``pair_id, logprob`` of responses that no pair holds, by name.
    gains : Gains, optional
    notes : tuple of str
        What else there is to say of the tokens that were scored.
    seen : DataFrame, optional
        ``pair_id, cluster, kind``: how the tokens stand to those that a trainer saved
        (:func:`workbench.audit.models.seen.compared`).
    """

    tables: dict[str, pd.DataFrame]
    reference: bool
    beta: float
    band: float
    unseen: dict[str, pd.DataFrame] = field(default_factory=dict)
    gains: Gains | None = None
    notes: tuple[str, ...] = ()
    seen: pd.DataFrame | None = None

    @property
    def left_out(self) -> list[str]:
        """Why pairs have no score, and what else there is to say of the tokens, a line each."""
        return [*self.reasons, *self.notes]

    @property
    def reasons(self) -> list[str]:
        """Why pairs have no score, a line each."""
        return [
            f"left out by {name}: {n:,} pairs, {why}"
            for name, table in self.tables.items()
            for why, n in table["reason"].dropna().value_counts().items()
        ]

    def common(self) -> dict[str, pd.DataFrame]:
        """Return the scores of the pairs that every model scored.

        Raises
        ------
        DataError
            There is none.
        """
        scored = {
            name: table[table["reason"].isna()].drop(columns="reason")
            for name, table in self.tables.items()
        }
        ids = set.intersection(*(set(table["pair_id"]) for table in scored.values()))
        if not ids:
            raise DataError(
                "No pair was scored under every model.",
                found="; ".join(self.left_out)[:500],
                expected="at least one pair in common",
                fix="Look at the reasons.",
            )
        return {name: table[table["pair_id"].isin(ids)] for name, table in scored.items()}

    def save(self, folder: Path) -> None:
        """Keep the scores in a folder, from which :func:`read_scores` returns them."""
        folder.mkdir(parents=True, exist_ok=True)
        for k, table in enumerate(self.tables.values()):
            _table(table, folder / f"scores-{k}.parquet")
        for k, table in enumerate(self.unseen.values()):
            _table(table, folder / f"unseen-{k}.parquet")
        if self.gains is not None:
            _table(self.gains.to_frame(), folder / _GAINS)
        if self.seen is not None:
            _table(self.seen, folder / _SEEN)
        record = {"schema_version": SCHEMA_VERSION, "models": list(self.tables),
                  "unseen": list(self.unseen), "beta": self.beta, "band": self.band,
                  "reference": self.reference, "notes": self.notes}  # fmt: skip
        write_text(folder / _FILE, json.dumps(record, indent=1))


def _table(table: pd.DataFrame, path: Path) -> None:
    with written(path) as draft:
        table.to_parquet(draft, index=False)


def read_scores(folder: Path) -> ModelScores:
    """Return the scores that an audit kept.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    DataError
        The folder holds none, or one of a newer version.
    """
    try:
        record = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        # audits of before the format had a number are of the first
        record = {"schema_version": SCHEMA_VERSION, **record}
        checked_version(record, SCHEMA_VERSION, f"{folder.name}/{_FILE}")
        tables, unseen = (
            {name: pd.read_parquet(folder / f"{kind}-{k}.parquet")
             for k, name in enumerate(record[key])}
            for kind, key in (("scores", "models"), ("unseen", "unseen"))
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "The folder holds no audit of a model.",
            where=folder.name,
            found=type(error).__name__,
            expected="what audit-model --out wrote",
            fix="Audit the model again.",
        ) from error
    moved = kept_gains(folder / _GAINS)
    seen = pd.read_parquet(folder / _SEEN) if (folder / _SEEN).is_file() else None
    return ModelScores(tables, record["reference"], record["beta"], record["band"], unseen, moved,
                       tuple(record.get("notes", ())), seen)  # fmt: skip


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
        are there, the tokens that gain and whether a trainer saw those that are scored.

    Raises
    ------
    DataError
        No pair has a score.
    """
    tables = scores.common()
    names = list(tables)
    last = tables[names[-1]]
    if not scores.reference:
        alone = ranking_accuracy(last, beta=scores.beta, band=scores.band, level=level)
        return [_saying(alone, list(scores.notes)), *_seen(scores, level)]
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
    results.append(follow_training(tables, more, beta=scores.beta, band=scores.band, level=level))
    moved = [] if scores.gains is None else [scores.gains]
    return [*results, *moved, *_seen(scores, level)]


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
