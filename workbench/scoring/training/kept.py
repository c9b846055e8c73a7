"""The run folder of an audit: scores of a model and of what it came from, kept and read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from workbench.data.store import checked_version
from workbench.errors import DataError
from workbench.whole_file import write_text, written

SCHEMA_VERSION = 1
FILE = "audit.json"
"""What a run folder is known by; written last."""

_GAINS, _SEEN = "gains.parquet", "seen.parquet"


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
    gains : DataFrame, optional
        The tokens that gained, as a result of :mod:`workbench.audit.models.gains` has them.
    notes : tuple of str
        What else there is to say of the tokens that were scored.
    live : bool
        Whether a training adds to them.
    seen : DataFrame, optional
        ``pair_id, cluster, kind``: how the tokens stand to those that a trainer saved
        (:func:`workbench.audit.models.seen.compared`).
    engine : str, optional
        Where parts of the pairs were scored; no score hangs on it.
    """

    tables: dict[str, pd.DataFrame]
    reference: bool
    beta: float
    band: float
    unseen: dict[str, pd.DataFrame] = field(default_factory=dict)
    gains: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    live: bool = False
    seen: pd.DataFrame | None = None
    engine: str | None = None

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
            _table(self.gains, folder / _GAINS)
        if self.seen is not None:
            _table(self.seen, folder / _SEEN)
        record = {"schema_version": SCHEMA_VERSION, "models": list(self.tables),
                  "unseen": list(self.unseen), "beta": self.beta, "band": self.band,
                  "reference": self.reference, "notes": self.notes, "live": self.live,
                  "engine": self.engine}  # fmt: skip
        write_text(folder / FILE, json.dumps(record, indent=1))


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
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
        # audits of before the format had a number are of the first
        record = {"schema_version": SCHEMA_VERSION, **record}
        checked_version(record, SCHEMA_VERSION, f"{folder.name}/{FILE}")
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
            expected="what audit-model --out or AuditCallback wrote",
            fix="Audit the model again.",
        ) from error
    moved, seen = (pd.read_parquet(folder / one) if (folder / one).is_file() else None
                   for one in (_GAINS, _SEEN))  # fmt: skip
    return ModelScores(tables, record["reference"], record["beta"], record["band"], unseen, moved,
                       tuple(record.get("notes", ())), live=record.get("live", False),
                       seen=seen, engine=record.get("engine"))  # fmt: skip
