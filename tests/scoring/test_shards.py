"""Several processes score one data set into one folder, a shard each."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scoring.test_logprob import few, made
from workbench.errors import ConfigError
from workbench.scoring.logprob import OTHER_SHARD, score_pairs
from workbench.scoring.parts import Parts
from workbench.scoring.policy import TokenPolicy
from workbench.shard import Shard

pytest.importorskip("torch")


def names(folder) -> list[str]:
    return sorted(file.name for file in folder.glob("part-*.parquet"))


def test_shards_together_are_the_whole(tokenizer, tmp_path):
    model, data = made("tied").eval(), few(6)
    how = {"audit": 0, "policy": TokenPolicy(max_length=512)}
    whole = score_pairs(model, tokenizer, data, **how).table
    first = score_pairs(model, tokenizer, data, folder=tmp_path, shard=Shard(0, 2), **how).table
    own = first["reason"].isna()
    assert 0 < own.sum() < len(whole)
    assert set(first["reason"][~own]) == {OTHER_SHARD}
    both = score_pairs(model, tokenizer, data, folder=tmp_path, shard=Shard(1, 2), **how).table
    assert both["reason"].isna().all()
    for side in ("chosen", "rejected"):
        np.testing.assert_allclose(both[side], whole[side], rtol=0, atol=1e-5)
    assert {name.split("-")[1] for name in names(tmp_path)} == {"0000", "0001"}


def test_a_part_has_the_same_name_whatever_is_there_already(tmp_path):
    one, two = {"p": {"chosen": -1.0}}, {"q": {"chosen": -2.0}, "r": {"chosen": -3.0}}
    for folder, order in (("a", (one, two)), ("b", (two, one, two))):
        parts = Parts(tmp_path / folder, {}, Shard(3, 4))
        for values in order:
            parts.add(values)
        assert parts.read() == one | two
    assert names(tmp_path / "a") == names(tmp_path / "b")
    assert all(name.startswith("part-0003-of-0004-") for name in names(tmp_path / "a"))


def test_there_is_no_shard_beyond_the_last():
    with pytest.raises(ConfigError, match="no such shard"):
        Shard(2, 2)
