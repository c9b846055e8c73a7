"""What is shown of each pair: a prompt and two responses, their sides drawn by lot."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.data.columns import prompt_of
from workbench.data.dataset import PreferenceData
from workbench.data.identity import OTHER_PROMPT
from workbench.data.rows import taken_rows
from workbench.decompose.kernel import Codes
from workbench.errors import DataError, listed

LEFT, RIGHT, TIE = "left", "right", "tie"
"""What a person answers."""

QUESTION = "preference"
"""What a tool calls the question."""

_ID = re.compile(r"(.+)-(ab|ba)", re.DOTALL)

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What neither a database of a tool nor a reader of CSV takes."""


def tasks_of(data: PreferenceData, pair_ids: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Return what is to be shown of some pairs, in their order.

    Parameters
    ----------
    data : PreferenceData
    pair_ids : sequence of str
    seed : int
        Of the sides.

    Returns
    -------
    DataFrame
        ``task_id`` (the pair and, after a dash, which response is left: ``ab`` for A), then
        ``pair_id, left_is`` (``a`` or ``b``), ``prompt, left, right``.

    Raises
    ------
    DataError
        No pairs, an unknown or repeated one, or one without texts.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> found = tasks_of(data, data.pairs["pair_id"][:3])
    >>> found["task_id"].str[-2:].isin(["ab", "ba"]).all()
    np.True_
    """
    names = listed("pair_ids", pair_ids)
    rows = pd.Index(data.pairs["pair_id"]).get_indexer(names)
    unknown = [name for name, row in zip(names, rows, strict=True) if row < 0]
    if unknown or not names or len(set(names)) < len(names):
        raise DataError(
            "There are no such pairs to be labelled.",
            found=f"{len(names):,} names, {len(set(names)):,} of them different, {len(unknown):,} "
            f"unknown: {', '.join(unknown[:3])}",
            expected="different pair_ids of the data",
            fix="Take them from the choice of pairs.",
        )
    turned = np.array([_b_is_left(name, seed) for name in names])
    shown = shown_texts(data, np.asarray(rows, dtype=np.int64), turned)
    order = np.where(turned, "ba", "ab")
    ids = [f"{name}-{one}" for name, one in zip(names, order, strict=True)]
    told = pd.DataFrame({"task_id": ids, "pair_id": names, "left_is": np.where(turned, "b", "a")})
    return pd.concat([told, shown], axis=1)


def shown_texts(data: PreferenceData, rows: Codes, turned: np.ndarray) -> pd.DataFrame:
    """Return ``prompt, left, right`` of some rows of ``data.pairs``; ``turned``: B is left.

    Raises
    ------
    DataError
        A response has no text.
    """
    pairs = taken_rows(data.pairs, rows)
    sides = {side: pairs[f"response_{side}"].astype("object") for side in "ab"}
    lacking = sides["a"].isna() | sides["b"].isna()
    if lacking.any():
        raise DataError(
            "A pair has no text that could be shown.",
            where=f"pair {pairs['pair_id'][int(np.flatnonzero(lacking)[0])]}",
            found=f"{int(lacking.sum()):,} of {len(pairs):,} pairs without both responses",
            expected="a text of each response",
            fix="Choose among pairs with texts.",
        )
    prompt = pairs["prompt"].astype("object").where(pairs["prompt"].notna(), "")
    if OTHER_PROMPT in pairs:
        # each side answers another prompt: it stands above its response
        own = {side: prompt_of(pairs, side).astype("object").fillna("") for side in "ab"}
        apart = own["a"] != own["b"]
        sides = {side: text.mask(apart, own[side] + "\n\n" + text) for side, text in sides.items()}
        prompt = prompt.mask(apart, "")
    left, right = (sides[x].where(~turned, sides[y]) for x, y in ("ab", "ba"))
    shown = {"prompt": prompt, "left": left, "right": right}
    return pd.DataFrame({name: [_CONTROLS.sub("\ufffd", text) for text in column]
                         for name, column in shown.items()})  # fmt: skip


def read_id(task_id: str) -> tuple[str, str] | None:
    """Return the pair and the order of a task, None where it is no id of ours.

    Examples
    --------
    >>> read_id("0f3a-ba"), read_id("7")
    (('0f3a', 'ba'), None)
    """
    found = _ID.fullmatch(task_id.strip())
    return None if found is None else (found[1], found[2])


def _b_is_left(name: str, seed: int) -> bool:
    """Return whether B is shown left: by the pair's name, so that no other pair decides."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return bool(digest[0] & 1)
