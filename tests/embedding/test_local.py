"""A tiny random encoder: pooled as its folder says, whatever texts share a batch."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.scoring.tiny_models import byte_tokenizer, kept_model
from workbench.embedding import LocalEmbedding
from workbench.errors import ConfigError

TEXTS = ["a cat", "", "two dogs ran away from here", "a cat", "x"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("encoder")
    kept_model(place, byte_tokenizer(None), "LlamaModel")
    return place


def plain(folder, text, pooling):
    """One text, no batch, no padding, no mask."""
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        hidden = model(torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0].numpy()
    row = {"mean": hidden.mean(axis=0), "first": hidden[0], "last": hidden[-1]}[pooling]
    return row / np.linalg.norm(row)


@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
def test_a_batch_gives_what_each_text_gives_alone(folder, pooling):
    found = LocalEmbedding(str(folder), pooling, batch=2)(TEXTS)
    for text, row in zip(TEXTS, found, strict=True):
        if text:
            np.testing.assert_allclose(row, plain(folder, text, pooling), atol=2e-6)
        else:
            assert not row.any()
    assert np.array_equal(found[0], found[3])


def test_long_texts_are_cut(folder):
    own = LocalEmbedding(str(folder), most_tokens=4)
    assert np.allclose(own(["abcdefgh"]), own(["abcd"]))
    assert own([]).shape[0] == 0


def test_the_digest_is_of_the_weights(folder, tmp_path):
    import torch
    import transformers

    same = LocalEmbedding(str(folder))
    assert same.digest == LocalEmbedding(str(folder)).digest
    model = transformers.AutoModel.from_pretrained(folder)
    with torch.no_grad():
        model.norm.weight.add_(1.0)
    other = tmp_path / folder.name
    model.save_pretrained(other)
    byte_tokenizer(None).save_pretrained(other)
    assert LocalEmbedding(str(other)).digest != same.digest


def test_a_folder_of_sentence_transformers_says_how_to_pool(folder, tmp_path):
    modules = [{"type": "sentence_transformers.models.Transformer", "path": ""},
               {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]  # fmt: skip
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    own = tmp_path / "1_Pooling" / "config.json"
    own.write_text(json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}))
    assert LocalEmbedding(str(tmp_path)).pooled == "first"
    own.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(ConfigError, match="cannot be used as it is"):
        _ = LocalEmbedding(str(tmp_path)).pooled
    modules.append({"type": "sentence_transformers.models.Dense", "path": "2_Dense"})
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ConfigError, match="Dense"):
        _ = LocalEmbedding(str(tmp_path)).pooled


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be loaded"):
        LocalEmbedding(str(tmp_path))(["a"])
