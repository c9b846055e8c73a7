"""Vectors of both responses of every pair, each text once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.embedding.base import Embedding, Matrix, texts_digest
from workbench.embedding.local import LocalEmbedding
from workbench.embedding.offline import OfflineEmbedding
from workbench.embedding.stored import StoredEmbedding
from workbench.errors import ConfigError, DesignError

_BLOCK = 8192
_SIDES = ("response_a", "response_b")


@dataclass(frozen=True, eq=False)
class PairVectors:
    """Vectors of pairs: e(A) and e(B).

    Attributes
    ----------
    pair_ids : ndarray of str, shape (n,)
        Pairs that have both vectors, in the order of the data.
    vectors : ndarray of float32, shape (n different texts, d)
    a, b : ndarray of int, shape (n,)
        Rows of ``vectors``.
    left_out : dict of str to int
        Pairs without vectors, by reason.
    embedding : dict
        ``name``, ``settings`` and ``digest`` of what made them.

    Examples
    --------
    >>> import workbench as wb
    >>> found = embed_pairs(wb.load("sample"), "offline")
    >>> found.differences().shape[0] == len(found.pair_ids)
    True
    """

    pair_ids: NDArray[Any]
    vectors: Matrix
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    left_out: dict[str, int] = field(default_factory=dict)
    embedding: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pair_ids)

    @property
    def d(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def differences(self, rows: NDArray[Any] | None = None) -> Matrix:
        """Return e(A) - e(B), shape (n, d).

        Parameters
        ----------
        rows : ndarray of int or bool, optional
            Of these pairs; all when None.
        """
        a, b = (self.a, self.b) if rows is None else (self.a[rows], self.b[rows])
        found = np.empty((len(a), self.d), dtype=np.float32)
        for at in range(0, len(a), _BLOCK):
            part = slice(at, at + _BLOCK)
            np.subtract(self.vectors[a[part]], self.vectors[b[part]], out=found[part])
        return found

    def blocks(self, size: int = _BLOCK) -> Iterator[tuple[slice, Matrix]]:
        """Yield the differences of some pairs after the other, and which pairs these are."""
        for at in range(0, len(self), size):
            part = slice(at, min(at + size, len(self)))
            yield part, self.vectors[self.a[part]] - self.vectors[self.b[part]]


def embed_pairs(
    data: PreferenceData,
    embedding: Embedding | str = "offline",
    *,
    fit_on: NDArray[np.bool_] | None = None,
    folder: str | Path | None = None,
    keep: bool = True,
    d: int = 256,
    seed: int = 0,
) -> PairVectors:
    """Return the vectors of both responses of pairs; a text that comes again is embedded once.

    Parameters
    ----------
    data : PreferenceData
    embedding : Embedding or str
        As for :func:`embedding_of`.
    fit_on : ndarray of bool, shape (n pairs,), optional
        Pairs whose texts an offline embedding is fitted on; all when None.
    folder : str or Path, optional
        Has vectors under the digests of embedding and texts: those are read, not made again.
    keep : bool
        Whether vectors that are made are kept in that folder.
    d : int
        Length of offline vectors, at most.
    seed : int
        Of an offline embedding.

    Returns
    -------
    PairVectors

    Raises
    ------
    DesignError
        No pair has both texts.
    ConfigError
        A name that is no embedding.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> embed_pairs(data, "offline", d=8).vectors.shape[1]
    8
    """
    made = embedding_of(data, embedding, fit_on=fit_on, d=d, seed=seed)
    if isinstance(made, StoredEmbedding):
        return _stored(data, made)
    ids = data.pairs["pair_id"].to_numpy()
    there = _with_text(data)
    texts = [data.pairs.loc[there, side].to_numpy(dtype=object) for side in _SIDES]
    codes, distinct = _coded(np.concatenate(texts))
    vectors = _kept(made, distinct, None if folder is None else Path(folder), keep)
    half = len(texts[0])
    missing = int((~there).sum())
    return PairVectors(
        ids[there],
        vectors,
        codes[:half],
        codes[half:],
        {"no text": missing} if missing else {},
        about(made),
    )


def embedding_of(
    data: PreferenceData,
    embedding: Embedding | str,
    *,
    fit_on: NDArray[np.bool_] | None = None,
    d: int = 256,
    seed: int = 0,
) -> Embedding:
    """Return an embedding that is ready: what is given, what a path names, or an offline one.

    Parameters
    ----------
    data : PreferenceData
        Whose texts an offline embedding is fitted on.
    embedding : Embedding or str
        ``"offline"``, a Parquet file of vectors by pair and side, or the folder of a sentence
        encoder.
    fit_on, d, seed
        As for :func:`embed_pairs`.

    Raises
    ------
    DesignError
        No pair has both texts to fit on.
    ConfigError
        A name that is no embedding.

    Examples
    --------
    >>> import workbench as wb
    >>> embedding_of(wb.load("sample"), "offline", d=8).name
    'offline: hashed words, TF-IDF, SVD'
    """
    if not isinstance(embedding, str):
        return embedding
    if embedding != "offline":
        return named_embedding(embedding)
    there = _with_text(data)
    wanted = there if fit_on is None else there & fit_on
    learnt = [data.pairs.loc[wanted, side].to_numpy(dtype=object) for side in _SIDES]
    return OfflineEmbedding.fit(np.concatenate(learnt).tolist(), d=d, seed=seed)


def about(embedding: Embedding) -> dict[str, Any]:
    """Return what an embedding is, as plain JSON values.

    Examples
    --------
    >>> about(OfflineEmbedding.fit(["a b", "b c", "c d"], d=1))["settings"]["d"]
    1
    """
    return {
        "name": embedding.name,
        "settings": dict(embedding.settings),
        "digest": embedding.digest,
    }


def named_embedding(name: str) -> Embedding:
    """Return the embedding that a path names.

    Parameters
    ----------
    name : str
        A Parquet file (:meth:`StoredEmbedding.read`), or the folder of a sentence encoder.

    Raises
    ------
    ConfigError
        Neither.

    Examples
    --------
    >>> named_embedding("nowhere")
    Traceback (most recent call last):
    ...
    workbench.errors.ConfigError: There is no such embedding.
      found: nowhere
      expected: offline, endpoint, a Parquet file, or the folder of a sentence encoder
      to do: Check the name or the path.
    """
    path = Path(name)
    if path.is_file():
        return StoredEmbedding.read(path)
    if path.is_dir():
        return LocalEmbedding(name)
    raise ConfigError(
        "There is no such embedding.",
        found=name,
        expected="offline, endpoint, a Parquet file, or the folder of a sentence encoder",
        fix="Check the name or the path.",
    )


def _with_text(data: PreferenceData) -> NDArray[np.bool_]:
    pairs = data.pairs
    there = np.ones(len(pairs), dtype=bool)
    for side in _SIDES:
        there &= pairs[side].notna().to_numpy() if side in pairs else False
    if not there.any():
        raise DesignError(
            "There is no text to embed.",
            found=f"{len(pairs):,} pairs, none with both responses",
            expected="pairs with both responses",
            fix="Load data with texts, or give a Parquet file of embeddings.",
        )
    return there


def _coded(texts: NDArray[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Return which text each is, and the texts, sorted: the order of rows plays no part."""
    codes, distinct = pd.factorize(texts)
    order = np.argsort(distinct, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], [str(distinct[k]) for k in order]


def _stored(data: PreferenceData, embedding: StoredEmbedding) -> PairVectors:
    ids = data.pairs["pair_id"].to_numpy()
    rows = embedding.rows_of(ids)
    there = rows >= 0
    if not there.any():
        raise DesignError(
            "The stored embeddings are of other pairs.",
            where=embedding.name,
            found=f"none of {len(ids):,} pairs among {len(embedding.pair_ids):,} ids",
            expected="the pair ids of these data",
            fix="Write the vectors with the pair_id of the pairs table.",
        )
    n = len(embedding.pair_ids)
    missing = int((~there).sum())
    left = {"no stored embedding": missing} if missing else {}
    vectors = np.concatenate([embedding.a, embedding.b])
    return PairVectors(ids[there], vectors, rows[there], rows[there] + n, left, about(embedding))


def _kept(embedding: Embedding, texts: list[str], folder: Path | None, keep: bool) -> Matrix:
    """Return vectors from a folder where it has them; else make them, and keep them there."""
    if folder is None:
        return embedding(texts)
    from workbench.embedding.cache import read_vectors, write_vectors

    path = folder / f"vectors-{embedding.digest[:16]}-{texts_digest(texts)[:16]}.parquet"
    found = read_vectors(path)
    if found is None or len(found) != len(texts):
        found = embedding(texts)
        if keep:
            write_vectors(path, found)
    return found
