"""Tokens that TRL's trainer saved, held against those that an audit scores."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import workbench as wb
from tests.scoring.test_trl_tokens import bot, kept, trainer_of, user
from tests.scoring.tiny_models import byte_tokenizer, kept_model
from workbench.audit.models.scored import score_models
from workbench.audit.models.whole import audit_scores
from workbench.errors import DataError
from workbench.results import Result
from workbench.scoring.presets import policy_like
from workbench.scoring.training.kept import read_scores

pytest.importorskip("torch")
pytest.importorskip("trl", reason="TRL is not installed")

ROWS = [{"prompt": [user(f"Say {k}")], "chosen": [bot(f"It is {k}.")],
         "rejected": [bot(f"No {k}")]} for k in range(6)]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A model, the pairs, and what the trainer saw of four of them."""
    logging.disable(logging.WARNING)
    folder = tmp_path_factory.mktemp("run")
    tokenizer = byte_tokenizer()
    kept_model(folder / "model", tokenizer)
    trainer = trainer_of(ROWS[:4], tokenizer, folder / "trainer")
    trainer.train_dataset.save_to_disk(str(folder / "output" / "data"))
    trainer.train_dataset.to_parquet(str(folder / "seen.parquet"))
    kept(ROWS, folder)
    logging.disable(logging.NOTSET)
    return folder


def last(run: Path, seen: str = "output", **own: Any) -> Result:
    policy = policy_like(own.pop("like", "trl"), own.pop("mode", "chat"), **own)
    scores = score_models(wb.load(run / "pairs.jsonl"), str(run / "model"), policy=policy,
                          seen=str(run / seen))  # fmt: skip
    scores.save(run / "audit")
    found = audit_scores(read_scores(run / "audit"))[-1]
    assert found.summary() == audit_scores(scores)[-1].summary()
    return found


def shares(found: Result) -> list[tuple[float, float]]:
    table = found.to_frame()
    return list(zip(table["estimate"].round(3), table["n"], strict=True))


@pytest.mark.parametrize("seen", ["output", "output/data", "seen.parquet"])
def test_the_trainers_own_tokens_are_found(run, seen):
    found = last(run, seen, max_length=4096)
    assert shares(found) == [(0.667, 6), (1, 4)]
    assert found.findings() == []
    # what is cut for scoring is compared whole
    assert shares(last(run, seen, max_length=40)) == [(0.667, 6), (1, 4)]


def test_other_tokens_are_a_finding(run):
    # our own choice leaves out what the template writes after the turn
    (told,) = last(run, like=None).findings()
    assert told.rule_id == "tokens-differ"
    assert told.estimate == 0
    assert told.n == 4
    assert "the chosen response has nothing more where training had '\\n': 4" in told.message
    assert len(told.evidence) == 4


def test_chosen_and_rejected_the_other_way_round_are_told(run):
    table = pq.read_table(run / "seen.parquet")
    names = ["prompt_ids", "rejected_ids", "chosen_ids"]
    turned = table.select(names).rename_columns(["prompt_ids", "chosen_ids", "rejected_ids"])
    pq.write_table(turned, run / "turned.parquet")
    (told,) = last(run, "turned.parquet").findings()
    assert "chosen and rejected the other way round: 4" in told.message


def test_a_folder_without_tokens_is_refused(run):
    with pytest.raises(DataError, match="no tokens that a trainer saw"):
        last(run, "trainer")
    with pytest.raises(DataError, match="no tokens that a trainer saw"):
        last(run, "pairs.jsonl")
