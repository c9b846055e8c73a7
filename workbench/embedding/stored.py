"""Embeddings that the user brings, by pair and side."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.embedding.base import Matrix, settings_digest
from workbench.errors import DataError

_KEYS = ("pair_id", "side")
_BATCH = 8192


@dataclass(frozen=True, eq=False)
class StoredEmbedding:
    """Vectors of both responses of pairs, made elsewhere.

    Made by :meth:`of_arrays` or :meth:`read`.

    Attributes
    ----------
    name : str
    pair_ids : ndarray of str, shape (n,)
        Of data that have the same sides: ``response_a`` is side ``a``.
    a, b : ndarray of float32, shape (n, d)

    Examples
    --------
    >>> own = StoredEmbedding.of_arrays("mine", ["p1"], np.ones((1, 2)), np.zeros((1, 2)))
    >>> own.a.dtype.name, own.rows_of(["p1", "p2"]).tolist()
    ('float32', [0, -1])
    """

    name: str
    pair_ids: NDArray[Any]
    a: Matrix
    b: Matrix

    @classmethod
    def of_arrays(
        cls, name: str, pair_ids: Sequence[str], a: NDArray[Any], b: NDArray[Any]
    ) -> Self:
        """Take arrays of vectors.

        Parameters
        ----------
        name : str
            Of the model that made them.
        pair_ids : sequence of str
        a, b : ndarray, shape (n pairs, d)

        Raises
        ------
        DataError
            Shapes that do not agree, a pair twice, or a number that is none.
        """
        left, right = (np.ascontiguousarray(one, dtype=np.float32) for one in (a, b))
        ids = np.asarray(pair_ids, dtype=object)
        if left.ndim != 2 or left.shape != right.shape or len(ids) != len(left):
            raise _unusable(
                name, f"{len(ids)} pair ids, vectors of shapes {left.shape} and {right.shape}"
            )
        if len({*ids}) < len(ids):
            raise _unusable(name, f"{len(ids) - len({*ids}):,} pairs that stand twice")
        if not (np.isfinite(left).all() and np.isfinite(right).all()):
            raise _unusable(name, "numbers that are NaN or infinite")
        return cls(name, ids, left, right)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a Parquet file: ``pair_id``, ``side`` (a, b) and the vector.

        Parameters
        ----------
        path : str or Path
            The vector is a list column ``embedding``, or all other columns are its numbers.

        Raises
        ------
        DataError
            It cannot be read, lacks a column or a side of a pair, or holds one twice.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = Path(path)
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise _unusable(path.name, str(error).splitlines()[0][:200]) from None
        lacking = [key for key in _KEYS if key not in table.column_names]
        if lacking:
            raise _unusable(path.name, f"no column {', '.join(lacking)}")
        vectors = _vectors(table, path.name)
        ids = table["pair_id"].cast(pa.string()).to_numpy(zero_copy_only=False)
        side = table["side"].cast(pa.string()).to_numpy(zero_copy_only=False)
        sides = [np.flatnonzero(side == one) for one in "ab"]
        if len(sides[0]) + len(sides[1]) < len(side):
            raise _unusable(path.name, "sides that are neither a nor b")
        first, second = (sorted(zip(ids[at], at, strict=True)) for at in sides)
        if [one[0] for one in first] != [one[0] for one in second]:
            raise _unusable(path.name, "pairs without one of their sides, or with one twice")
        left, right = (vectors[[k for _, k in one]] for one in (first, second))
        return cls.of_arrays(path.stem, [one[0] for one in first], left, right)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return how long the vectors are, and of how many pairs."""
        return {"d": int(self.a.shape[1]), "pairs": len(self.pair_ids)}

    @cached_property
    def digest(self) -> str:
        """Return what names the vectors: their content."""
        content = hashlib.blake2b(digest_size=16)
        for k in np.argsort(self.pair_ids.astype(str), kind="stable"):
            content.update(str(self.pair_ids[k]).encode())
            content.update(self.a[k].tobytes() + self.b[k].tobytes())
        return settings_digest(self.name, self.settings, content.digest())

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Refuse texts: the vectors are of pairs.

        Raises
        ------
        DataError
            Always.
        """
        raise DataError(
            "Stored embeddings belong to pairs, not to texts.",
            where=self.name,
            found=f"{len(texts):,} texts",
            expected="the pairs that they were made of",
            fix="Add the vectors of these pairs to the file.",
        )

    def rows_of(self, pair_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each pair; -1 where it has no vectors."""
        place = {pair: k for k, pair in enumerate(self.pair_ids)}
        return np.array([place.get(one, -1) for one in pair_ids], dtype=np.int64)


def _vectors(table: Any, name: str) -> Matrix:
    import pyarrow as pa

    lists = [
        key for key in table.column_names
        if key not in _KEYS and pa.types.is_nested(table.schema.field(key).type)
    ]  # fmt: skip
    numbers = [key for key in table.column_names if key not in _KEYS]
    try:
        if lists:
            key = "embedding" if "embedding" in lists else lists[0]
            parts = [
                np.stack([np.asarray(row, dtype=np.float32) for row in part[key].to_pylist()])
                for part in table.select([key]).to_batches(max_chunksize=_BATCH)
            ]
            return np.concatenate(parts)
        columns = [table[key].to_numpy().astype(np.float32) for key in numbers]
        return np.column_stack(columns)
    except (ValueError, TypeError) as error:
        raise _unusable(name, f"vectors that cannot be read: {error}"[:200]) from None


def _unusable(name: str, found: str) -> DataError:
    return DataError(
        "The stored embeddings cannot be used.",
        where=name,
        found=found,
        expected="columns pair_id, side (a or b) and embedding (a list of d numbers), each pair "
        "with both of its sides once",
        fix="Write them anew; pair ids are in the pairs of the data.",
    )
