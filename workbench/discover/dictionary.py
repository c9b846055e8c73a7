"""Directions in which responses differ: a sparse, signed dictionary of embedding differences."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.embedding.base import Matrix
from workbench.errors import DataError
from workbench.threads import one_thread

_BLOCK = 8192
_META = b"dictionary"


@dataclass(frozen=True, eq=False)
class Dictionary:
    r"""Units of which a few are active in each pair, with a sign.

    .. math:: a(x) = \mathrm{top}_s(W x / c), \qquad \hat x = c\, D^\top a(x)

    where :math:`\mathrm{top}_s` keeps the s entries of largest size, with their signs. There is
    no intercept anywhere: :math:`a(-x) = -a(x)`, to the last bit, so that exchanging A and B
    turns every sign and changes nothing else.

    Attributes
    ----------
    encoder, decoder : ndarray of float32, shape (m, d)
        W and D; rows of D have length 1.
    active : int
        s, the units of a pair.
    scale : float
        c, the root mean squared length of the differences that it was learnt from.

    Examples
    --------
    >>> unit = np.eye(3, dtype=np.float32)[:2]
    >>> two = Dictionary(unit, unit, 1, 1.0)
    >>> two.activations(np.array([[3.0, -4.0, 9.0]], dtype=np.float32)).tolist()
    [[0.0, -4.0]]
    """

    encoder: Matrix
    decoder: Matrix
    active: int
    scale: float

    @property
    def m(self) -> int:
        """How many units there are."""
        return len(self.decoder)

    @cached_property
    def digest(self) -> str:
        """Return 128 bits of its content."""
        found = hashlib.blake2b(f"{self.active} {self.scale!r}".encode(), digest_size=16)
        found.update(self.encoder.tobytes() + self.decoder.tobytes())
        return found.hexdigest()

    def activations(self, x: Matrix) -> Matrix:
        """Return how much of each direction is in differences, shape (n, m); most are 0.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        """
        found = np.empty((len(x), self.m), dtype=np.float32)
        with one_thread():
            for at in range(0, len(x), _BLOCK):
                part = x[at : at + _BLOCK] @ self.encoder.T
                found[at : at + _BLOCK] = signed_top(part / np.float32(self.scale), self.active)
        return found

    def unexplained(self, x: Matrix, a: Matrix) -> tuple[float, float]:
        """Return the squared length that activations leave of differences, and all of it.

        Parameters
        ----------
        x : ndarray of float32, shape (n, d)
        a : ndarray of float32, shape (n, m)
            Their activations.
        """
        left = whole = 0.0
        with one_thread():
            for at in range(0, len(x), _BLOCK):
                part = x[at : at + _BLOCK]
                rest = part - (a[at : at + _BLOCK] @ self.decoder) * np.float32(self.scale)
                left += float(np.einsum("ij,ij->", rest, rest, dtype=np.float64))
                whole += float(np.einsum("ij,ij->", part, part, dtype=np.float64))
        return left, whole

    def turned(self, signs: NDArray[np.float32]) -> Self:
        """Return it with some directions reversed.

        Parameters
        ----------
        signs : ndarray of float32, shape (m,)
            1 or -1.
        """
        turn = signs[:, None].astype(np.float32)
        return replace(self, encoder=self.encoder * turn, decoder=self.decoder * turn)

    def taken(self, order: NDArray[np.int64]) -> Self:
        """Return it with its directions in another order."""
        return replace(self, encoder=self.encoder[order], decoder=self.decoder[order])

    def save(self, path: str | Path) -> None:
        """Write it as a Parquet file, one row a direction.

        Parameters
        ----------
        path : str or Path
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        from workbench.whole_file import written

        columns = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
            for name, rows in (("encoder", self.encoder), ("decoder", self.decoder))
        }
        told = {"active": self.active, "scale": self.scale}
        table = pa.table(columns).replace_schema_metadata({_META: json.dumps(told).encode()})
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
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
            told: dict[str, Any] = json.loads((table.schema.metadata or {})[_META])
            rows = {
                name: table[name].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
                for name in ("encoder", "decoder")
            }
            return cls(**{key: one.astype(np.float32) for key, one in rows.items()}, **told)
        except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
            raise DataError(
                "The dictionary cannot be read.",
                where=Path(path).name,
                found=f"{type(error).__name__}: {error}"[:200],
                expected="a Parquet file that a discovery saved",
                fix="Save the discovery again.",
            ) from None


def signed_top(values: Matrix, active: int) -> Matrix:
    """Return the entries of each row that are largest in size, with their signs; 0 elsewhere.

    Parameters
    ----------
    values : ndarray, shape (n, m)
    active : int
        Entries that stay, at most m.

    Examples
    --------
    >>> signed_top(np.array([[1.0, -3.0, 2.0]], dtype=np.float32), 2).tolist()
    [[0.0, -3.0, 2.0]]
    """
    if active >= values.shape[1]:
        return values
    size = np.abs(values)
    first = values.shape[1] - active
    least = np.partition(size, first, axis=1)[:, first, None]
    found = np.where(size >= least, values, np.float32(0.0))
    many = np.count_nonzero(found, axis=1) > active
    if many.any():
        # entries of one size: those that come first stay
        at = np.argsort(-size[many], axis=1, kind="stable")[:, :active]
        some = np.zeros_like(found[many])
        np.put_along_axis(some, at, np.take_along_axis(values[many], at, axis=1), axis=1)
        found[many] = some
    return found
