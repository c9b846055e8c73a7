"""What the ids of a table name: a judgement, a comparison, or a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.digests import content_digests
from workbench.data.formats.records import names


def identity(
    table: pa.Table,
    roles: Mapping[str, str],
    responses: Sequence[pd.Series],
    prompt: pd.Series | None = None,
) -> dict[str, pd.Series]:
    """Return the ids of a table's rows by what they name.

    A column called ``id`` or ``index`` does not say what it numbers. Where every row has
    another one, or few are repeated and these by rows that are equal in every column, it is the
    judgement's (``row_id``); where rows of one id hold the same texts it
    is the comparison's (``item``); where they share the prompt it is the prompt's (``cluster``);
    else it counts something of no meaning here. Without texts it is the comparison's.

    Parameters
    ----------
    table : pyarrow.Table
    roles : mapping of str to str
        Column by role: ``id``, ``item``, ``row_id``, ``cluster``.
    responses : sequence of Series
        Their texts; empty where the table has none.
    prompt : Series, optional

    Returns
    -------
    dict
        ``item``, ``row_id``, ``cluster``, and ``source_id``: the id by which verdicts of
        further judges can name the pair.

    Examples
    --------
    >>> table = pa.table({"id": [1, 1, 2]})
    >>> texts = [pd.Series(["x", "y", "z"]), pd.Series(["y", "x", "w"])]
    >>> sorted(identity(table, {"id": "id"}, texts))
    ['item', 'source_id']
    """
    found = {
        role: names(table, roles[role]) for role in ("item", "row_id", "cluster") if role in roles
    }
    if not responses and "cluster" in found:
        # without texts it is the question that says what was compared
        found.setdefault("item", found["cluster"])
    if "id" not in roles:
        return {**found, "source_id": found["item"]} if "item" in found else found
    ids = found["source_id"] = names(table, roles["id"])
    again = ids.duplicated(keep=False) & ids.notna()
    if not responses:
        found.setdefault("item", ids)
    if not again.any() or _is_pasted(table, ids, again):
        found.setdefault("row_id", ids)
    elif responses:
        texts = [text[again] for text in (*responses, *([] if prompt is None else [prompt]))]
        if _say_the_same(ids[again], texts):
            found.setdefault("item", ids)
        elif prompt is not None and _say_the_same(ids[again], texts[-1:]):
            found.setdefault("cluster", ids)
    return found


def _is_pasted(table: pa.Table, ids: pd.Series, again: pd.Series) -> bool:
    """Tell whether an id is repeated only by whole rows, and most ids are not."""
    if 2 * ids[again].nunique() >= ids.nunique():
        return False
    rows = table.filter(pa.array(again.to_numpy(dtype=bool))).to_pylist()
    whole = pd.Series([repr(row) for row in rows], dtype="str")
    return bool((whole.groupby(ids[again].to_numpy()).nunique() == 1).all())


def _say_the_same(ids: pd.Series, texts: Sequence[pd.Series]) -> bool:
    """Tell whether all rows of an id hold the same texts, in whichever order."""
    digests = np.column_stack([content_digests([text]).to_numpy(object) for text in texts])
    digests.sort(axis=1)
    content = pd.Series(list(map("".join, digests.tolist())), index=ids.index)
    return bool((content.groupby(ids).nunique() == 1).all())
