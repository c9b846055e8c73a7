"""The scores of all pairs under a model, wherever their parts are scored."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine import Engine
from workbench.scoring.divided.loaded import Loaded, Loading, applied
from workbench.scoring.divided.part import PartScores, ScoredPart
from workbench.scoring.logprob import PairScores
from workbench.scoring.pairs import Said, nothing_to_score
from workbench.scoring.tree import BUDGET
from workbench.shard import Shard

PAIRS = 1024
"""Pairs of a part, about: so many take a minute or more of a GPU, and are lost with it at most."""

_AUDITED = 64


def score_parts(
    loading: Loading,
    pairs: pd.DataFrame,
    engine: Engine,
    *,
    budget: int = BUDGET,
    audit: int = _AUDITED,
    folder: Path | None = None,
    size: int = PAIRS,
    beside: Sequence[Callable[[Loaded], Any]] = (),
) -> tuple[PairScores, list[Any]]:
    """Score pairs under a model that each worker of an engine loads once.

    Parameters
    ----------
    loading : Loading
    pairs : DataFrame
        As :func:`workbench.scoring.dialogues.with_messages` gives them.
    engine : Engine
    budget : int
        Tokens of a batch.
    audit : int
        Pairs that are scored again by plain scoring, over all parts.
    folder : Path, optional
        Where scores are kept: a part that is finished is not scored again, whoever scored it.
    size : int
        Pairs of a part, about.
    beside : sequence of callable
        What else is made of the model while it is loaded.

    Returns
    -------
    tuple of PairScores and list
        The scores, and what each of ``beside`` made.

    Raises
    ------
    ScoringError
        No pair to score, or scores that are not those of plain scoring.
    ConfigError
        The folder holds scores of another model, data set or policy.

    Notes
    -----
    A part is the pairs of some clusters, by a hash of their names: pairs with one prompt stand
    together, and neither the parts nor their batches hang on where they are scored. On a cluster
    with GPUs each worker has one.
    """
    parts = _parts(loading, pairs, budget, audit, folder, size)
    every: Iterator[Callable[[Loaded], Any]] = chain(parts, beside)
    found: list[PartScores] = []
    more: list[Any] = []
    for one in engine.map_with(loading, applied, every, gpus=None):
        (found if isinstance(one, PartScores) else more).append(one)
    return _joined(found, pairs), more


def _parts(
    loading: Loading, pairs: pd.DataFrame, budget: int, audit: int, folder: Path | None, size: int
) -> Iterator[ScoredPart]:
    of = max(1, math.ceil(len(pairs) / size))
    codes, names = pd.factorize(pairs["cluster"])
    number = np.array([zlib.crc32(str(name).encode()) % of for name in names])[codes]
    place = None if folder is None else str(folder.absolute())
    for k in np.unique(number).tolist():
        rows = pairs[number == k].reset_index(drop=True)
        own = max(1, round(audit * len(rows) / len(pairs))) if audit else 0
        yield ScoredPart(Shard(k, of), rows, loading.policy, budget, own, place)


def _joined(found: list[PartScores], pairs: pd.DataFrame) -> PairScores:
    """Return the scores of all parts as those of one set, in the order of the pairs."""
    said: Said | None = None
    for one in found:
        said = one.said if said is None else said + one.said
    if said is None or not said.pairs:
        raise nothing_to_score([why for one in found for why in one.scores.table["reason"]])
    rows = {row["pair_id"]: row for one in found for row in _records(one.scores.table)}
    table = pd.DataFrame([rows[name] for name in pairs["pair_id"]])
    all_settings = [one.scores.settings for one in found]
    settings = {
        **all_settings[0],
        "audited": sum(one["audited"] for one in all_settings),
        "notes": said.lines,
    }
    for name in ("device", "audited_in", "layout"):
        settings[name] = ", ".join(dict.fromkeys(one[name] for one in all_settings))
    return PairScores(table, max(one.scores.noise for one in found), settings)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_dict("records")
    return [{**row, "reason": row["reason"] if pd.notna(row["reason"]) else None} for row in rows]
