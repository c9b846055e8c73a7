"""What the ids of a table name: a judgement, a comparison, or a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.digests import content_digests
from workbench.data.formats.records import names


def identity(
    table: pa.Table, roles: Mapping[str, str], texts: Sequence[pd.Series]
) -> dict[str, pd.Series]:
    """Return the ids of a table's rows by what they name.

    A column called ``id`` or ``index`` does not say what it numbers. Where every row has
    another one it is the judgement's (``row_id``); where rows of one id hold the same responses
    it is the comparison's (``item``); else the prompt's (``cluster``). Without texts it is the
    comparison's.

    Parameters
    ----------
    table : pyarrow.Table
    roles : mapping of str to str
        Column by role: ``id``, ``item``, ``row_id``, ``cluster``.
    texts : sequence of Series
        Prompt and responses; empty where the table has no text.

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
    if "id" in roles:
        ids = names(table, roles["id"])
        found["source_id"] = ids
        again = ids.duplicated(keep=False) & ids.notna()
        if not texts:
            found.setdefault("item", ids)
        if not again.any():
            found.setdefault("row_id", ids)
        elif texts:
            role = (
                "item" if _say_the_same(ids[again], [text[again] for text in texts]) else "cluster"
            )
            found.setdefault(role, ids)
    elif "item" in found:
        found["source_id"] = found["item"]
    return found


def _say_the_same(ids: pd.Series, texts: Sequence[pd.Series]) -> bool:
    """Tell whether all rows of an id hold the same texts, in whichever order."""
    digests = np.column_stack([content_digests([text]).to_numpy() for text in texts])
    digests.sort(axis=1)
    content = pd.Series(list(map("".join, digests.tolist())), index=ids.index)
    return bool((content.groupby(ids).nunique() == 1).all())
