"""Whether membership goes with what is known of people: columns that are constant within each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array

PERMUTATIONS = 999
_MOST_LEVELS = 12
"""Values up to which a column is one of categories; numbers with more are numbers."""

_OWN = {
    "pair_id", "annotator", "replicate", "preference", "order_shown", "strength", "weight",
    "reason", "raw", "row_id", "file", "criterion", "prompt_id", "prompt", "response_a",
    "response_b", "cluster", "model_a", "model_b",
}  # fmt: skip
"""Columns of the label and the pair, not of the person."""

_NO_INTERVAL = "an association is never below 0: its p-value says what can be said"


def person_columns(data: PreferenceData, by: str, people: list[str]) -> pd.DataFrame:
    """Return the columns that each person has one value of, one row a person.

    Examples
    --------
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=3, labels=5)
    >>> person_columns(data, "annotator", ["person 000", "person 001"]).shape
    (2, 0)
    """
    pairs = data.pairs.set_index("pair_id")
    table = data.labels.drop(columns=[c for c in _OWN - {by} if c in data.labels])
    for name in pairs.columns:
        if name not in _OWN and name not in table and name != by:
            table[name] = pairs[name].reindex(data.labels["pair_id"]).to_numpy()
    who = data.labels[by] if by in data.labels else pairs[by].reindex(data.labels["pair_id"])
    key = pd.Series(np.asarray(who.astype(str)), index=table.index)
    table = table.drop(columns=by, errors="ignore")[key.isin(people)]
    grouped = table.groupby(key[key.isin(people)], observed=True)
    counts, first = grouped.nunique(), grouped.first().reindex(people)
    kept = [
        name for name in table
        if counts[name].max() == 1 and first[name].nunique() > 1 and _repeats(first[name])
    ]  # fmt: skip
    return first[kept]


def _repeats(values: pd.Series[Any]) -> bool:
    """Say whether values are numbers, or some people share one: a name tells nothing."""
    return bool(
        pd.api.types.is_numeric_dtype(values) or values.nunique() <= values.notna().sum() / 2
    )


def column_table(columns: pd.DataFrame, member: Array, seed: int) -> pd.DataFrame:
    r"""Return the association of membership with each column, tested by permuting people.

    Parameters
    ----------
    columns : DataFrame
        One row a person.
    member : ndarray, shape (P, C)
        Chances of the groups, rows as in ``columns``.
    seed : int

    Returns
    -------
    DataFrame
        Cramer's V of soft counts, or the correlation ratio of a number, each in [0, 1];
        :math:`p = (1 + \#\{\ge\}) / (B + 1)`, q by Benjamini and Hochberg.
    """
    rows = []
    for name in columns:
        values = columns[name]
        known = values.notna().to_numpy()
        r, n = member[known], int(known.sum())
        numeric = pd.api.types.is_numeric_dtype(values) and values.nunique() > _MOST_LEVELS
        if numeric:
            design = values[known].to_numpy("float64")[:, None]
            design = (design - design.mean()) / design.std()
        else:
            codes, _ = pd.factorize(values[known].astype(str), sort=True)
            design = np.eye(codes.max() + 1)[codes]
        rng = np.random.default_rng([seed, 13])
        orders = np.array([np.arange(n), *(rng.permutation(n) for _ in range(PERMUTATIONS))])
        found = _association(design, r, orders, numeric)
        p = (1 + int((found[1:] >= found[0] - 1e-12).sum())) / (PERMUTATIONS + 1)
        rows.append({"term": str(name), "estimate": found[0], "std_error": np.nan,
                     "conf_low": np.nan, "conf_high": np.nan, "p_value": p, "n": n,
                     "values": int(values.nunique()),
                     "method": f"{'correlation ratio' if numeric else 'V of soft counts'}, "
                     f"{PERMUTATIONS} permutations of people", "reason": _NO_INTERVAL})  # fmt: skip
    frame = pd.DataFrame(rows)
    if len(frame):
        frame.insert(6, "q_value", q_values(frame["p_value"].to_numpy("float64")))
    return frame


def _association(design: Array, r: Array, orders: Array, numeric: bool) -> Array:
    counts = np.einsum("pl,bpc->blc", design, r[orders])
    total = r.sum(axis=0)
    if numeric:
        return np.asarray(
            np.sqrt((counts[:, 0] ** 2 / np.maximum(total, 1e-12)).sum(axis=1) / len(r))
        )
    expected = np.outer(design.sum(axis=0), total) / len(r)
    chi = ((counts - expected) ** 2 / np.maximum(expected, 1e-12)).sum(axis=(1, 2))
    most = len(r) * min(design.shape[1] - 1, r.shape[1] - 1)
    return np.asarray(np.sqrt(np.minimum(chi / most, 1.0)))
