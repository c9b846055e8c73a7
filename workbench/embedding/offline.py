"""Vectors of texts without a model: hashed words and what they go together with.

They know words, marks and their neighbours, and no meaning. Their name begins with
``offline`` wherever their numbers show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from workbench.embedding.base import OFFLINE_NAME, Matrix, settings_digest, texts_digest
from workbench.errors import DesignError, refuse_out_of_range, seed_option, whole
from workbench.threads import one_thread

_BATCH = 2048
_SCRIPTS = "぀-ヿ㐀-鿿豈-﫿"
"""Scripts that put no space between words: each sign counts."""

_TOKEN = rf"[{_SCRIPTS}]|[^\W{_SCRIPTS}]+(?:['’][^\W{_SCRIPTS}]+)*|[^\w\s]+|\n+"
"""A word, a run of marks (punctuation, Markdown), or the end of a line."""

_META = b"offline embedding"


@dataclass(frozen=True, eq=False)
class OfflineEmbedding:
    r"""TF-IDF of hashed word n-grams, reduced by a truncated singular value decomposition.

    Made by :meth:`fit`.

    Attributes
    ----------
    idf : ndarray of float32, shape (n features,)
        Inverse document frequencies.
    components : ndarray of float32, shape (n features, d)
        Right singular vectors of the texts that it was fitted on.
    characters : bool
        Parts of words, of 3 to 5 characters, are features too.
    longest : int
        Characters of a text that are read.
    seed : int
    fitted_on : str
        Digest of the texts that it was fitted on.

    Notes
    -----
    A text's features are its words, runs of marks and line ends, and each two that follow one
    another, hashed into a table of a fixed size (Weinberger et al. 2009). Their weights are
    :math:`(1 + \log f)\,\mathrm{idf}`, scaled to length 1; the first d right singular vectors
    (Deerwester et al. 1990; Halko et al. 2011, with a seed) make the vector. Word counts stay
    what they are when texts come again: rows are independent of one another.

    Examples
    --------
    >>> texts = ["a red cat", "a red dog", "one blue sky", "one blue sea"]
    >>> fitted = OfflineEmbedding.fit(texts, d=2)
    >>> x = fitted(["red cat", "blue sea", "red dog"])
    >>> x.shape, bool(x[0] @ x[2] > x[0] @ x[1])
    ((3, 2), True)
    """

    idf: Matrix
    components: Matrix
    characters: bool
    longest: int
    seed: int
    fitted_on: str

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        *,
        d: int = 256,
        seed: int = 0,
        features: int = 2**16,
        characters: bool = False,
        longest: int = 20_000,
        most_texts: int = 20_000,
    ) -> Self:
        """Learn frequencies and singular vectors from texts; labels play no part.

        Parameters
        ----------
        texts : sequence of str
            In any order; what stands twice counts once.
        d : int
            Length of a vector, at most: no more than the texts or features allow.
        seed : int
        features : int
            Size of the table.
        characters : bool
            Count parts of words too: slower, for texts of few words.
        longest : int
            Characters of a text that are read.
        most_texts : int
            Singular vectors are of so many texts at most, drawn with the seed.

        Raises
        ------
        DesignError
            Fewer than two different texts with words, or an option out of range.
        """
        refuse_out_of_range(
            {
                "d": (whole(d, 1), d, "1 or more"),
                "features": (whole(features, 2), features, "2 or more"),
                "longest": (whole(longest, 1), longest, "1 or more"),
                "most_texts": (whole(most_texts, 2), most_texts, "2 or more"),
                "seed": seed_option(seed),
            }
        )
        distinct = sorted({text[:longest] for text in texts if text.strip()})
        if len(distinct) < 2:
            raise DesignError(
                "There are no texts to learn an offline embedding from.",
                found=f"{len(distinct)} different texts with words",
                expected="two or more",
                fix="Load data with texts, or give embeddings of your own.",
            )
        counts = _counts(distinct, features, characters)
        idf = np.zeros(features, dtype=np.float32)
        met = np.bincount(counts.indices, minlength=features)
        # smoothed as if one more text held every feature; what no text holds stays at 0
        idf[met > 0] = np.log((1 + len(distinct)) / (1 + met[met > 0])) + 1.0
        drawn = np.random.default_rng(seed).permutation(len(distinct))[:most_texts]
        components = _singular(_weighted(counts[np.sort(drawn)], idf), d, seed)
        components[idf == 0] = 0.0
        return cls(idf, components, characters, longest, seed, texts_digest(distinct))

    @property
    def name(self) -> str:
        """Return how it is called: that no model made it."""
        return f"{OFFLINE_NAME}: hashed words, TF-IDF, SVD"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return its settings as plain JSON values."""
        return {
            "d": int(self.components.shape[1]),
            "features": len(self.idf),
            "characters": self.characters,
            "longest": self.longest,
            "seed": self.seed,
            "fitted_on": self.fitted_on,
        }

    @cached_property
    def digest(self) -> str:
        """Return what names its vectors."""
        return settings_digest(
            self.name, self.settings, self.idf.tobytes(), self.components.tobytes()
        )

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return a vector a text, shape (n texts, d); a text without known words has zeros."""
        found = np.zeros((len(texts), self.components.shape[1]), dtype=np.float32)
        with one_thread():
            for at in range(0, len(texts), _BATCH):
                part = [text[: self.longest] for text in texts[at : at + _BATCH]]
                counts = _counts(part, len(self.idf), self.characters)
                found[at : at + _BATCH] = _weighted(counts, self.idf) @ self.components
        return found

    def save(self, path: str | Path) -> None:
        """Write it as a Parquet file: one row a feature that was met.

        Parameters
        ----------
        path : str or Path
        """
        import json

        import pyarrow as pa
        import pyarrow.parquet as pq

        from workbench.whole_file import written

        met = np.flatnonzero(self.idf)
        rows = self.components[met]
        table = pa.table(
            {
                "feature": pa.array(met.astype(np.int32)),
                "idf": pa.array(self.idf[met]),
                "component": pa.FixedSizeListArray.from_arrays(rows.ravel(), rows.shape[1]),
            }
        )
        table = table.replace_schema_metadata({_META: json.dumps(dict(self.settings)).encode()})
        with written(Path(path)) as draft:
            pq.write_table(table, draft)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        DataError
            It is no such file.
        """
        import json

        import pyarrow as pa
        import pyarrow.parquet as pq

        from workbench.errors import DataError

        try:
            table = pq.read_table(path)
            told = json.loads((table.schema.metadata or {})[_META])
            met = table["feature"].to_numpy()
            idf = np.zeros(told["features"], dtype=np.float32)
            components = np.zeros((told["features"], told["d"]), dtype=np.float32)
            idf[met] = table["idf"].to_numpy()
            values = table["component"].combine_chunks().flatten().to_numpy()
            components[met] = values.reshape(len(met), told["d"])
        except (OSError, pa.ArrowException, KeyError, ValueError, IndexError, TypeError) as error:
            raise DataError(
                "The embedding cannot be read.",
                where=Path(path).name,
                found=f"{type(error).__name__}: {error}"[:200],
                expected="a Parquet file that OfflineEmbedding.save wrote",
                fix="Save it again.",
            ) from None
        return cls(
            idf, components, told["characters"], told["longest"], told["seed"], told["fitted_on"]
        )


def _vectorizers(features: int, characters: bool) -> Iterator[Any]:
    from sklearn.feature_extraction.text import HashingVectorizer

    same: dict[str, Any] = {
        "n_features": features, "norm": None, "alternate_sign": False, "dtype": np.float32,
    }  # fmt: skip
    yield HashingVectorizer(token_pattern=_TOKEN, ngram_range=(1, 2), **same)
    if characters:
        yield HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **same)


def _counts(texts: Sequence[str], features: int, characters: bool) -> Any:
    """Return how often each feature is in each text, sparse, shape (n texts, n features)."""
    from scipy.sparse import csr_array, vstack

    made = list(_vectorizers(features, characters))
    parts = []
    for at in range(0, len(texts), _BATCH):
        some = texts[at : at + _BATCH]
        total = made[0].transform(some)
        for other in made[1:]:
            total = total + other.transform(some)
        parts.append(csr_array(total))
    whole_table = vstack(parts, format="csr", dtype=np.float32)
    # the products add up in the order of the features, whatever order they were met in
    whole_table.sort_indices()
    return whole_table


def _weighted(counts: Any, idf: Matrix) -> Any:
    """Return TF-IDF weights, each row of length 1; the counts are used up."""
    from sklearn.preprocessing import normalize

    counts.data = (1.0 + np.log(counts.data)) * idf[counts.indices]
    counts.data = counts.data.astype(np.float32, copy=False)
    return normalize(counts, copy=False)


def _singular(weighted: Any, d: int, seed: int) -> Matrix:
    from sklearn.utils.extmath import randomized_svd

    most = min(d, min(weighted.shape) - 1)
    with one_thread():
        _, _, right = randomized_svd(weighted, max(most, 1), n_iter=4, random_state=seed)
    return np.ascontiguousarray(right.T, dtype=np.float32)
