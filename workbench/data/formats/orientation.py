"""Which response of a chosen-first file becomes A."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SHUFFLE_RULE = "A is the response with the smaller seeded digest of prompt and response"
"""Recorded in the load report wherever :func:`orient` decided the sides."""


def orient(
    prompt: Iterable[str | None], first: Iterable[str], second: Iterable[str], seed: int = 0
) -> NDArray[np.bool_]:
    """Tell for each pair whether its first response becomes A, by content alone.

    The side must say nothing of the label, or a fit would find "A" to be a virtue. The rule
    looks only at the texts: A is the response whose digest, keyed by the seed and begun with
    the prompt, is the smaller one. So two files over the same pairs whose choices differ get
    the same sides, and with them the same pair ids.

    Parameters
    ----------
    prompt, first, second : Series or sequence of str, length n
        A missing prompt counts as an empty one, and so does a missing response.
    seed : int
        Any integer of 64 bits.

    Returns
    -------
    ndarray of bool, shape (n,)
        False for identical responses.

    Examples
    --------
    >>> p, x, y = pd.Series(["p"]), pd.Series(["x"]), pd.Series(["y"])
    >>> bool(orient(p, x, y)[0]) != bool(orient(p, y, x)[0])
    True
    """
    columns = zip(_encoded(prompt), _encoded(first), _encoded(second), strict=True)
    return np.fromiter(_smaller(columns, seed), dtype=bool)


def chosen_is_a(prompt: str, chosen: str, rejected: str, seed: int) -> bool:
    """Tell for one pair what :func:`orient` tells for many.

    Examples
    --------
    >>> chosen_is_a("p", "x", "y", 0) != chosen_is_a("p", "y", "x", 0)
    True
    """
    row = tuple(text.encode("utf-8", "replace") for text in (prompt, chosen, rejected))
    return next(_smaller([row], seed))


def placed(frame: pd.DataFrame, first_is_a: NDArray[np.bool_]) -> pd.DataFrame:
    """Return a frame whose ``chosen`` and ``rejected`` columns became sides A and B.

    Parameters
    ----------
    frame : DataFrame
        Two columns whose names differ only by ``chosen`` and ``rejected`` become two that
        end in ``_a`` and ``_b``: ``chosen_model`` and ``rejected_model`` become ``model_a``
        and ``model_b``; plain ``chosen`` and ``rejected`` become the responses. Columns
        stay as they are where the new names are taken.
    first_is_a : ndarray of bool, shape (n,)
        From :func:`orient`: is the chosen response A?

    Examples
    --------
    >>> frame = pd.DataFrame({"chosen": ["x"], "rejected": ["y"], "id": [7]})
    >>> placed(frame, np.array([False])).to_dict("list")
    {'id': [7], 'response_a': ['y'], 'response_b': ['x']}
    """
    sides: dict[str, pd.Series] = {}
    for name in frame.columns:
        other = name.replace("chosen", "rejected")
        if "chosen" not in name or other not in frame:
            continue
        base, tail = _base(name)
        side_a, side_b = f"{base}_a{tail}", f"{base}_b{tail}"
        if side_a in frame or side_b in frame:
            continue
        chosen, rejected = _alike(frame[name], frame[other])
        sides[side_a] = _either(first_is_a, chosen, rejected)
        sides[side_b] = _either(first_is_a, rejected, chosen)
        frame = frame.drop(columns=[name, other])
    return frame.assign(**sides)


def _smaller(rows: Iterable[tuple[bytes, ...]], seed: int) -> Iterator[bool]:
    """Tell for each prompt and two responses whether the first one's digest is smaller."""
    key = int(seed).to_bytes(8, "big", signed=True)
    blake = hashlib.blake2b
    for prompt, one, other in rows:
        # the prompt is hashed once: both digests go on from the same state
        state = blake(prompt, digest_size=8, key=key)
        again = state.copy()
        state.update(one)
        again.update(other)
        yield state.digest() < again.digest()


def _base(name: str) -> tuple[str, str]:
    if name in ("chosen", "chosen_messages"):
        return "response", name.removeprefix("chosen")
    parts = [part.strip("_-. ") for part in name.split("chosen")]
    return "_".join(part for part in parts if part), ""


def _alike(one: pd.Series, other: pd.Series) -> tuple[pd.Series, pd.Series]:
    numeric = [pd.api.types.is_numeric_dtype(column.dtype) for column in (one, other)]
    if all(numeric):
        return one, other
    return one.astype("str"), other.astype("str")


def _either(mask: NDArray[np.bool_], one: pd.Series, other: pd.Series) -> pd.Series:
    """Return one value where the mask holds, the other elsewhere."""
    if pd.api.types.is_numeric_dtype(one.dtype):
        return one.where(mask, other)
    # several times faster than a Series of text
    chosen = pc.if_else(pa.array(mask), _text_array(one), _text_array(other))
    return pd.Series(chosen.to_pandas(), dtype="str").set_axis(one.index)


def _text_array(column: Any) -> pa.Array:
    values = pa.array(column, type=pa.large_string(), from_pandas=True)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _encoded(column: Any) -> list[bytes]:
    values = _text_array(column)
    encoded: list[bytes] = values.fill_null("").view(pa.large_binary()).to_pylist()
    return encoded
