"""Digests that name content: of single pairs, and of whole tables."""

from __future__ import annotations

import binascii
import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_BAR = pa.scalar("|", pa.large_string())
_NONE = pa.scalar("-", pa.large_string())

_DIGEST_ROWS = 50_000
"""Rows joined at a time for their digests: bounds the copy of the text."""

_HEX = 32
"""Letters of a 128-bit digest."""

_IDS = ("pair_id", "prompt_id", "cluster")
"""Columns that hold digests where nothing else was given."""

_DIGEST = re.compile("[0-9a-fA-F]{32}")

_FEW = 0.5
"""Share of distinct values in a sample up to which a column is hashed by its values."""

_BLOCK = 16_384
"""Numbers hashed at a time."""

Words = NDArray[np.uint64]
Sums = tuple[int, int, int]
"""Rows of a table, and the sums of both hashes of them."""


def content_digests(columns: Sequence[pd.Series]) -> pd.Series:
    """Return a 128-bit hex digest (SHA-256, cut) for each row of text columns.

    The text of each column enters with its length, so no two different rows meet by
    moving text over a column's border; a missing value differs from empty text.

    Parameters
    ----------
    columns : sequence of Series
        Text columns of one length.

    Examples
    --------
    >>> a = content_digests([pd.Series(["ab"]), pd.Series(["c"])])
    >>> b = content_digests([pd.Series(["a"]), pd.Series(["bc"])])
    >>> len(a[0]), a[0] == b[0]
    (32, False)
    """
    arrays = [_texts(column) for column in columns]
    digests: list[bytes] = []
    for start in range(0, len(columns[0]), _DIGEST_ROWS):
        digests += _hashed([_piece(array, start) for array in arrays])
    return _as_hex(b"".join(digests), len(digests))


def sided_digests(
    text: pd.Series,
    sides: tuple[pd.Series, pd.Series],
    beside: Sequence[pd.Series] = (),
    sides_beside: Sequence[tuple[pd.Series, pd.Series]] = (),
) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Return a digest for each row that is the same when its two sides are exchanged.

    Parameters
    ----------
    text : Series
        The long text of the row.
    sides : tuple of Series
        The long texts of side A and of side B.
    beside : sequence of Series
        Further, short columns of the row.
    sides_beside : sequence of tuple of Series
        Further, short columns of side A with their twins of side B. The side that comes
        first, by its long text, then by these, enters the digest first.

    Returns
    -------
    digests : Series of str
        128-bit hex digests (SHA-256, cut).
    turned : ndarray of bool
        Does B come first?

    Examples
    --------
    >>> one = sided_digests(pd.Series(["p"]), (pd.Series(["x"]), pd.Series(["y"])))
    >>> other = sided_digests(pd.Series(["p"]), (pd.Series(["y"]), pd.Series(["x"])))
    >>> one[0][0] == other[0][0], one[1][0], other[1][0]
    (True, np.False_, np.True_)
    """
    long, short = [_texts(one) for one in (text, *sides)], [_texts(one) for one in beside]
    pairs = [(_texts(a), _texts(b)) for a, b in sides_beside]
    turned = np.zeros(len(text), dtype=bool)
    digests: list[bytes] = []
    for start in range(0, len(text), _DIGEST_ROWS):
        prompt, a, b = (_piece(array, start) for array in long)
        rest = [(_piece(x, start), _piece(y, start)) for x, y in pairs]
        swap = _b_first([(a, b), *rest])
        turned[start : start + len(swap)] = swap
        mask = pa.array(swap)
        sizes = [pc.binary_length(part) for part in (prompt, a, b)]
        told = [sizes[0], *_ordered(sizes[1], sizes[2], mask)]
        told += [_piece(array, start) for array in short]
        for x, y in rest:
            told += _ordered(x, y, mask)
        digests += _fed(_headers(told), prompt, (a, b), swap)
    return _as_hex(b"".join(digests), len(digests)), turned


def _ordered(a: pa.Array, b: pa.Array, swap: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return two columns with their values exchanged in some rows."""
    if a.null_count == b.null_count == len(a):
        return a, b
    return pc.if_else(swap, b, a), pc.if_else(swap, a, b)


def _headers(parts: list[pa.Array]) -> pa.LargeStringArray:
    """Return short columns as one text a row, each with its length; missing ones as ``-``."""
    told: list[pa.Array | pa.Scalar] = []
    for part in parts:
        if pa.types.is_large_string(part.type):
            # a column without values is one value for all rows
            bare = part.null_count == len(part)
            told.append(_NONE if bare else pc.cast(pc.binary_length(part), pa.large_string()))
            told.append(_NONE if bare else part)
        else:
            told.append(pc.cast(part, pa.large_string()))
    return pc.binary_join_element_wise(*told, _BAR, null_handling="replace", null_replacement="-")


def _fed(
    headers: pa.LargeStringArray,
    prompt: pa.LargeStringArray,
    sides: tuple[pa.LargeStringArray, pa.LargeStringArray],
    swap: NDArray[np.bool_],
) -> list[bytes]:
    """Return digests of rows without joining their texts: each is fed where it lies."""
    read = [_bytes_of(array) for array in (headers, prompt, *sides)]
    (head, text, one, other), ends = [view for view, _ in read], [at[1:] for _, at in read]
    h, p, a, b = (at[0] for _, at in read)
    digests = []
    # a loop without an index: it runs once a pair
    for h_end, p_end, a_end, b_end, turned in zip(*ends, swap.tolist(), strict=True):
        state = sha256(head[h:h_end])
        state.update(text[p:p_end])
        side_a, side_b = one[a:a_end], other[b:b_end]
        state.update(side_b if turned else side_a)
        state.update(side_a if turned else side_b)
        digests.append(state.digest()[:16])
        h, p, a, b = h_end, p_end, a_end, b_end
    return digests


def _bytes_of(array: pa.LargeStringArray) -> tuple[memoryview, list[int]]:
    """Return the bytes of a column of text and where each row begins; a missing one is empty."""
    _, offsets, content = array.buffers()
    at = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return memoryview(content or b""), at.tolist()


def row_hashes(
    table: pd.DataFrame, skip: Sequence[str] = (), known: Mapping[str, Words] | None = None
) -> Words:
    """Return two 64-bit hashes of each row, whatever the order of the columns.

    Sums of them name a table whatever the order of its rows. A missing value adds nothing:
    a column without values is no column.

    Parameters
    ----------
    table : DataFrame
    skip : sequence of str
        Columns that others stand for.
    known : mapping of str to ndarray of uint64, optional
        Of columns of ids, by name, what :func:`id_words` returned for the same ids.

    Returns
    -------
    ndarray of uint64, shape (n, 2)

    Examples
    --------
    >>> table = pd.DataFrame({"x": [1.0, 2.0], "y": ["a", None]})
    >>> turned = row_hashes(table.iloc[::-1][["y", "x"]])
    >>> bool((row_hashes(table)[::-1] == turned).all())
    True
    """
    total = np.zeros((2, len(table)), dtype=np.uint64)
    for name in table.columns:
        if name not in skip:
            _add_column(total, str(name), table[name], (known or {}).get(name))
    return np.ascontiguousarray(np.stack([mixed(part) for part in total]).T)


def id_words(ids: pd.Series) -> Words:
    """Return a 64-bit word of each id, as :func:`row_hashes` takes them where they are known.

    Examples
    --------
    >>> len(set(id_words(pd.Series(["p", "q", "p"])).tolist()))
    2
    """
    return _id_words(_in_one(_texts(ids)))


def sums_of(hashes: Words) -> tuple[int, int, int]:
    """Return the number of rows and the sums (modulo 2^64) of both hashes of them.

    Examples
    --------
    >>> sums_of(np.ones((3, 2), dtype=np.uint64))
    (3, 3, 3)
    """
    one, other = hashes.sum(axis=0, dtype=np.uint64).tolist()
    return len(hashes), one, other


def added(parts: Iterable[Mapping[str, Sums]]) -> dict[str, Sums]:
    """Return the sums of tables whose rows lie in several parts.

    Examples
    --------
    >>> added([{"t": (1, 2**64 - 1, 0)}, {"t": (1, 2, 5)}])
    {'t': (2, 1, 5)}
    """
    total: dict[str, Sums] = {}
    for part in parts:
        for name, (n, one, other) in part.items():
            m, first, second = total.get(name, (0, 0, 0))
            total[name] = (n + m, (one + first) % 2**64, (other + second) % 2**64)
    return total


def digest_of(tables: Mapping[str, Sums]) -> str:
    """Return one 128-bit hex digest of tables by name, from the sums of their rows' hashes.

    Examples
    --------
    >>> rows = row_hashes(pd.DataFrame({"x": [1.0, 2.0]}))
    >>> digest_of({"t": sums_of(rows)}) == digest_of({"t": sums_of(rows[::-1])})
    True
    """
    state = hashlib.blake2b(digest_size=16)
    for name, (n, *words) in tables.items():
        state.update(f"{name}:{n}:".encode())
        state.update(np.array(words, dtype=np.uint64).tobytes())
    return state.hexdigest()


def _add_column(total: Words, name: str, column: pd.Series, known: Words | None) -> None:
    seed = hashlib.blake2b(name.encode(), digest_size=16).digest()
    seeds = np.frombuffer(seed, np.uint64)
    if pd.api.types.is_numeric_dtype(column.dtype):
        _add_numbers(total, seeds, column)
        return
    words, codes, present = _text_words(column, known)
    if not present.any():
        return
    for k in range(2):
        own = mixed(words + seeds[k])
        if codes is not None:
            own = own[codes]
        total[k] += own if present.all() else np.where(present, own, np.uint64(0))


def _add_numbers(total: Words, seeds: Words, column: pd.Series) -> None:
    values = np.asarray(column.to_numpy("float64", na_value=np.nan))
    # blocks whose words stay in the processor's cache
    for start in range(0, len(values), _BLOCK):
        part = values[start : start + _BLOCK] + 0.0
        absent = np.isnan(part)
        for k in range(2):
            own = mixed(part.view(np.uint64) + seeds[k])
            own[absent] = 0
            total[k, start : start + _BLOCK] += own


def _text_words(
    column: pd.Series, known: Words | None
) -> tuple[Words, NDArray[np.int64] | None, NDArray[np.bool_]]:
    """Return hashes of texts (of all, or of the distinct ones and where they stand)."""
    array = _in_one(_texts(column))
    present = np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False))
    if array.null_count == len(array):
        return np.zeros(len(array), dtype=np.uint64), None, present
    if column.name in _IDS:
        return _id_words(array) if known is None else known, None, present
    sample = array.slice(0, 2_000)
    if pc.count_distinct(sample).as_py() <= _FEW * len(sample):
        encoded = array.dictionary_encode()
        codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        return _hash_texts(encoded.dictionary.to_pylist()), codes, present
    return _hash_texts(array.fill_null("").to_numpy(zero_copy_only=False)), None, present


def _hash_texts(texts: Sequence[str] | NDArray[np.object_]) -> Words:
    values = np.asarray(texts, dtype=object)
    return np.asarray(pd.util.hash_array(values, categorize=False))


def _id_words(array: pa.LargeStringArray) -> Words:
    """Return hashes of ids; digests are hashes already, each cell by itself."""
    words = _hex_words(array)
    if words is not None:
        return words
    texts = array.fill_null("").to_numpy(zero_copy_only=False)
    words = _hash_texts(texts).copy()
    hexes = [len(text) == _HEX and _DIGEST.fullmatch(text) is not None for text in texts]
    is_hex = np.array(hexes, dtype=bool)
    if is_hex.any():
        some = _hex_words(pa.array(texts[is_hex], pa.large_string()))
        words[is_hex] = words[is_hex] if some is None else some
    return words


def _hex_words(array: pa.LargeStringArray) -> Words | None:
    """Return the words of a column of nothing but digests, or None."""
    n = len(array)
    if array.null_count or not n or len(array[0].as_py()) != _HEX:
        return None
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + n + 1]
    if not (np.diff(offsets) == _HEX).all():
        return None
    try:
        content = binascii.unhexlify(memoryview(array.buffers()[2])[offsets[0] : offsets[-1]])
    except binascii.Error:
        return None
    halves = np.frombuffer(content, np.uint64).reshape(n, 2)
    words: Words = halves[:, 0] ^ mixed(halves[:, 1])
    return words


def mixed(words: Words) -> Words:
    """Return words whose bits are spread over all bits (the finaliser of splitmix64).

    Examples
    --------
    >>> [f"{word:016x}" for word in mixed(np.array([0, 1], dtype=np.uint64))]
    ['0000000000000000', '5692161d100b05e5']
    """
    words = words ^ (words >> np.uint64(30))
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


def _b_first(both: list[tuple[pa.Array, pa.Array]]) -> NDArray[np.bool_]:
    size = len(both[0][0])
    turned, open_ = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)
    for a, b in both:
        if not open_.any():
            break
        if a.null_count == b.null_count == size:
            continue
        a, b = a.fill_null(""), b.fill_null("")
        turned |= open_ & pc.greater(a, b).to_numpy(zero_copy_only=False)
        open_ &= pc.equal(a, b).to_numpy(zero_copy_only=False)
    return turned


def _hashed(parts: list[pa.Array]) -> list[bytes]:
    sizes = [pc.cast(pc.binary_length(part), pa.large_string()) for part in parts]
    joined = pc.binary_join_element_wise(
        *sizes, *parts, _BAR, null_handling="replace", null_replacement="-"
    )
    content, offsets = _bytes_of(joined)
    return [sha256(content[begin:end]).digest()[:16] for begin, end in itertools.pairwise(offsets)]


def _as_hex(digests: bytes, n: int) -> pd.Series:
    text = digests.hex()
    offsets = np.arange(0, len(text) + 1, _HEX, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text.encode()))
    return pd.Series(array.to_pandas(), dtype="str")


def _texts(column: pd.Series) -> pa.Array | pa.ChunkedArray:
    return pa.array(column.astype("str"), type=pa.large_string(), from_pandas=True)


def _in_one(array: pa.Array | pa.ChunkedArray) -> pa.LargeStringArray:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _piece(array: pa.Array | pa.ChunkedArray, start: int) -> pa.LargeStringArray:
    # only a piece is copied where a column lies in several
    return _in_one(array.slice(start, _DIGEST_ROWS))
