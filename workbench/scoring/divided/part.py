"""One part of the pairs of an audit, scored once and kept under its shard and digest."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.scoring.divided.loaded import Loaded
from workbench.scoring.logprob import PairScores, score_table, score_tokens
from workbench.scoring.pairs import Said, tokens_of
from workbench.scoring.parts import Parts, digest_of_names
from workbench.scoring.policy import TokenPolicy
from workbench.shard import Shard
from workbench.whole_file import write_text


@dataclass(frozen=True, eq=False)
class PartScores:
    """What came of a part.

    Attributes
    ----------
    scores : PairScores
    said : Said
        What there is to say of its tokens.
    """

    scores: PairScores
    said: Said


@dataclass(frozen=True, eq=False)
class ScoredPart:
    """The pairs of a shard, to be scored by whoever holds the model.

    Attributes
    ----------
    shard : Shard
    rows : DataFrame
        As :func:`workbench.scoring.dialogues.with_messages` gives them.
    policy : TokenPolicy
    budget : int
        Tokens of a batch.
    audit : int
        Pairs that are scored again by plain scoring.
    folder : str or None
        Where scores are kept, and what came of the part once it is done.
    """

    shard: Shard
    rows: pd.DataFrame
    policy: TokenPolicy
    budget: int
    audit: int
    folder: str | None

    def __str__(self) -> str:
        return f"pairs {self.shard}"

    def __call__(self, loaded: Loaded) -> PartScores:
        """Score the pairs, unless it was done."""
        parts = None
        if self.folder is not None:
            parts = Parts(Path(self.folder), loaded.settings, self.shard)
        kept = {} if parts is None else parts.own()
        if (done := self._done(kept)) is not None:
            return replace(done, scores=self._of_model(done.scores, loaded))
        made = tokens_of(loaded.model, loaded.tokenizer, self.rows, self.policy)
        found = score_tokens(loaded.model, self.rows, made, kept, parts, budget=self.budget,
                             audit=self.audit,
                             per_token=loaded.settings["per_token"])  # fmt: skip
        self._keep(found, made.said)
        return PartScores(self._of_model(found, loaded), made.said)

    @staticmethod
    def _of_model(found: PairScores, loaded: Loaded) -> PairScores:
        return replace(found, settings=loaded.settings | found.settings)

    @property
    def _file(self) -> Path | None:
        if self.folder is None:
            return None
        digest = digest_of_names(self.rows["pair_id"])
        return Path(self.folder, f"done-{self.shard}-{digest}.json")

    def _keep(self, found: PairScores, said: Said) -> None:
        """Write what its scores alone do not tell."""
        if self._file is not None:
            table = found.table[found.table["reason"].notna()]
            record = {
                "noise": found.noise,
                "settings": found.settings,
                "said": asdict(said),
                "reasons": dict(zip(table["pair_id"], table["reason"], strict=True)),
            }
            write_text(self._file, json.dumps(record))

    def _done(self, kept: dict[str, Any]) -> PartScores | None:
        """Return what came of the part, where it was done and all of it is there."""
        try:
            record = json.loads(self._file.read_text("utf-8")) if self._file else {}
        except (OSError, ValueError):
            return None
        reasons = record.get("reasons")
        if reasons is None or not set(self.rows["pair_id"]) <= reasons.keys() | kept.keys():
            return None
        scores = PairScores(score_table(self.rows, kept, reasons), record["noise"],
                            record["settings"])  # fmt: skip
        return PartScores(scores, Said(**record["said"]))
