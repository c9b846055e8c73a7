"""Clusters of principles that say the same thing in other words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import DesignError, refuse_out_of_range
from workbench.principles.principle import Principle

Array = NDArray[np.float64]
_OPENING = re.compile(r"^\s*select the response (?:that|which)\s+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters, the largest first.

    Attributes
    ----------
    principles : tuple of Principle
        As they were given.
    labels : ndarray of int, shape (n principles,)
        Number of each principle's cluster.
    representatives : tuple of Principle
        One a cluster.
    note : str
        Says so where nothing was joined.
    """

    principles: tuple[Principle, ...]
    labels: NDArray[np.int64]
    representatives: tuple[Principle, ...]
    note: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return one row a principle, with its cluster and who stands for it."""
        texts = [one.text for one in self.principles]
        stands = [self.representatives[k].text for k in self.labels]
        return pd.DataFrame({"principle": texts, "cluster": self.labels, "representative": stands})


def text_vectors(texts: Sequence[str]) -> Any:
    """Return TF-IDF vectors of texts: words and parts of words, each row of length 1, sparse.

    The opening that all principles share says nothing and is left out.

    Examples
    --------
    >>> x = text_vectors(["Select the response that is short", "is shorter", "uses emoji"])
    >>> near = (x @ x.T).toarray()
    >>> bool(near[0, 1] > near[0, 2])
    True
    """
    from scipy.sparse import csr_array, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    said = [_OPENING.sub("", text) or text for text in texts]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    parts = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    return csr_array(normalize(hstack([words.fit_transform(said), parts.fit_transform(said)])))


def cluster(
    principles: Sequence[Principle],
    n: int,
    *,
    vectors: Array | None = None,
    method: Literal["agglomerative", "kmeans"] = "agglomerative",
    representative: Literal["medoid", "random"] = "medoid",
    seed: int = 0,
) -> Clusters:
    """Put principles into n clusters, and name one for each.

    Parameters
    ----------
    principles : sequence of Principle
        Different ones.
    n : int
        Clusters; with as many as there are principles or more, each stands alone.
    vectors : ndarray, shape (n principles, d), optional
        Embeddings of the principles; TF-IDF of their texts when None.
    method : {"agglomerative", "kmeans"}
        Average linkage of cosine distances, or k-means.
    representative : {"medoid", "random"}
        The member nearest to the others; or any, by the seed.
    seed : int

    Returns
    -------
    Clusters
        The same whatever the order of the principles.

    Raises
    ------
    DesignError
        No principle, one twice, or an option out of range.

    Examples
    --------
    >>> some = [Principle(text) for text in ("Be short", "Be shorter", "Sing a song")]
    >>> cluster(some, 2).labels.tolist()
    [0, 0, 1]
    """
    principles = tuple(principles)
    texts = [one.text for one in principles]
    refuse_out_of_range(
        {
            "n": (n >= 1, n, "1 or more"),
            "method": (method in ("agglomerative", "kmeans"), method, "agglomerative or kmeans"),
            "representative": (
                representative in ("medoid", "random"), representative, "medoid or random"
            ),
        }
    )  # fmt: skip
    if not texts or len(set(texts)) < len(texts):
        raise DesignError(
            "There is nothing to cluster.",
            found=f"{len(texts)} principles, {len(set(texts))} of them different",
            expected="principles, each once",
            fix="Propose some first, or join equal ones: distinct(principles).",
        )
    if n >= len(texts):
        alone = np.arange(len(texts))
        return Clusters(principles, alone, principles, "no more principles than clusters")
    order = np.argsort(np.array(texts, dtype=object), kind="stable")
    x = text_vectors([texts[k] for k in order]) if vectors is None else _unit(vectors)[order]
    found = _labels(x, n, method, seed)
    members = [np.flatnonzero(found == k) for k in np.unique(found)]
    named = [_named(x, own, [texts[k] for k in order], representative, seed) for own in members]
    ranked = sorted(range(len(members)), key=lambda k: (-len(members[k]), texts[order[named[k]]]))
    labels = np.empty(len(texts), dtype=np.int64)
    for number, k in enumerate(ranked):
        labels[order[members[k]]] = number
    stands = tuple(principles[order[named[k]]] for k in ranked)
    return Clusters(principles, labels, stands)


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def _near(x: Any, members: NDArray[Any]) -> Array:
    """Return the cosines of some rows."""
    near = x[members] @ x[members].T
    return np.asarray(near.toarray() if hasattr(near, "toarray") else near)


def _labels(x: Any, n: int, method: str, seed: int) -> NDArray[Any]:
    if method == "kmeans":
        from sklearn.cluster import KMeans

        return np.asarray(KMeans(n, n_init=10, random_state=seed).fit_predict(x))
    from sklearn.cluster import AgglomerativeClustering

    distance = 1.0 - np.clip(_near(x, np.arange(x.shape[0])), -1.0, 1.0)
    linkage = AgglomerativeClustering(n, metric="precomputed", linkage="average")
    return np.asarray(linkage.fit_predict(distance))


def _named(x: Any, members: NDArray[Any], texts: list[str], representative: str, seed: int) -> int:
    """Return which member stands for a cluster; texts are sorted, so that ties have an order."""
    if representative == "random":
        said = "\0".join([str(seed), *(texts[k] for k in members)])
        luck = int.from_bytes(hashlib.blake2b(said.encode(), digest_size=8).digest(), "big")
        return int(members[luck % len(members)])
    near = _near(x, members).sum(axis=1)
    return int(members[int(np.argmax(np.round(near, 12)))])
