"""Offline embeddings against scikit-learn's own TF-IDF and SVD, and what they may not hang on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

import workbench as wb
from workbench.embedding import OfflineEmbedding, embed_pairs
from workbench.embedding.offline import _TOKEN
from workbench.errors import DataError, DesignError

WORDS = "red blue cat dog sky sea runs sleeps near far * ** ! ?".split()


def drawn(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(4, 20))) + f" {k}" for k in range(n)]


def test_it_is_tf_idf_of_scikit_learn_and_its_singular_vectors():
    # subjects of different sizes: their singular values stand apart
    subjects = np.array_split(np.array([f"word{k}" for k in range(30)]), 5)
    rng = np.random.default_rng(0)
    kinds = np.repeat(range(5), [150, 110, 80, 55, 35])
    texts = sorted(" ".join(rng.choice(subjects[k], size=12)) for k in kinds)
    counts = HashingVectorizer(
        token_pattern=_TOKEN, ngram_range=(1, 2), n_features=4096, norm=None, alternate_sign=False
    ).transform(texts)
    # features that no text holds have no frequency here, and weigh nothing there
    weighted = csr_array(TfidfTransformer(sublinear_tf=True).fit_transform(counts))
    wanted = TruncatedSVD(5, algorithm="arpack").fit_transform(weighted)
    found = OfflineEmbedding.fit(texts, d=5, features=4096)(texts)
    assert found.dtype == np.float32
    for k in range(5):
        assert abs(np.corrcoef(found[:, k], wanted[:, k])[0, 1]) > 0.999


def test_the_order_of_texts_changes_no_byte():
    texts = drawn(200)
    one, two = OfflineEmbedding.fit(texts, d=8), OfflineEmbedding.fit(texts[::-1] + texts, d=8)
    assert one.digest == two.digest
    assert one(texts).tobytes() == two(texts[::-1])[::-1].tobytes()


def test_seeds_and_sizes_are_in_the_digest():
    texts = drawn(100)
    made = [OfflineEmbedding.fit(texts, d=4), OfflineEmbedding.fit(texts, d=5),
            OfflineEmbedding.fit(texts, d=4, seed=1), OfflineEmbedding.fit(texts[1:], d=4),
            OfflineEmbedding.fit(texts, d=4, characters=True)]  # fmt: skip
    assert len({one.digest for one in made}) == 5


def test_marks_lines_and_scripts_without_spaces_count():
    texts = ["猫が好きです", "犬が好きです", "- a\n- b", "- a - b", "so!", "so"]
    fitted = OfflineEmbedding.fit(texts, d=5)
    x = fitted(texts)
    assert x[0] @ x[1] > x[0] @ x[2]
    assert not np.allclose(x[2], x[3])
    assert not np.allclose(x[4], x[5])


def test_texts_without_known_words_have_zeros():
    fitted = OfflineEmbedding.fit(["a b", "b c", "c d"], d=2)
    assert fitted(["", "  ", "zzz qqq"]).tolist() == [[0.0, 0.0]] * 3
    assert fitted([]).shape == (0, 2)


def test_it_is_the_same_after_writing_and_reading(tmp_path):
    texts = drawn(60)
    fitted = OfflineEmbedding.fit(texts, d=6, characters=True, seed=3)
    fitted.save(tmp_path / "e.parquet")
    again = OfflineEmbedding.load(tmp_path / "e.parquet")
    assert again.digest == fitted.digest
    assert again(texts).tobytes() == fitted(texts).tobytes()
    (tmp_path / "e.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read"):
        OfflineEmbedding.load(tmp_path / "e.parquet")


def test_pairs_share_texts_and_lacking_texts_are_counted():
    data = wb.load("sample")
    table = data.pairs.copy()
    table.loc[0, "response_b"] = None
    labels = data.labels[data.labels["pair_id"].isin(table["pair_id"])]
    odd = wb.PreferenceData.from_tables(table, labels)
    found = embed_pairs(odd, "offline", d=4)
    assert found.left_out == {"no text": 1}
    assert len(found) == len(data) - 1
    sides = odd.pairs[["response_a", "response_b"]].dropna()
    assert len(found.vectors) == len({*sides["response_a"], *sides["response_b"]})
    assert found.embedding["name"].startswith("offline")
    blocks = np.concatenate([block for _, block in found.blocks(7)])
    assert blocks.tobytes() == found.differences().tobytes()


@pytest.mark.parametrize("texts", [[], ["", " "], ["one", "one"]])
def test_too_few_texts_are_refused(texts):
    with pytest.raises(DesignError, match="no texts to learn"):
        OfflineEmbedding.fit(texts)


def test_data_without_text_are_refused():
    import pandas as pd

    pairs = pd.DataFrame({"pair_id": ["x"], "prompt": ["p"]})
    labels = pd.DataFrame({"pair_id": ["x"], "annotator": ["a"], "preference": [1.0]})
    with pytest.raises(DesignError, match="no text to embed"):
        embed_pairs(wb.PreferenceData.from_tables(pairs, labels))
