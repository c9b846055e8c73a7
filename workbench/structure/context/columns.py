"""Columns whose values part the labels into groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import LABEL_COLUMNS, PAIR_COLUMNS
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes
from workbench.errors import DesignError

MODELS = "models"
"""Groups by the two models that answered, whichever side each is on."""

MOST = 50
"""Values of a column beyond which its groups are too small to be told apart."""

_LABELS = ("annotator", "criterion", "kind")
_PAIRS = ("scenario",)
_NEVER = {"file", "n_votes", "n_ties", "row_id", "source"}


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of labels by one column.

    Attributes
    ----------
    column : str
    names : list of str
    code : ndarray of int, shape (labels,)
        Group of each label, -1 where the column has no value.
    sign : ndarray, shape (labels,), or None
        Of groups by models: 1 where the first in the alphabet is A, -1 where it is B, 0 where
        one model answered twice. Each such group has an intercept, which says which is better.
    """

    column: str
    names: list[str]
    code: Codes
    sign: Array | None = None


def groupings(
    data: PreferenceData, rows: NDArray[np.int64], columns: Sequence[str] | None
) -> tuple[list[Grouping], dict[str, str]]:
    """Return the groups of some labels by each column that has 2 to 50 values among them.

    Parameters
    ----------
    data : PreferenceData
    rows : ndarray of int
        Positions of the labels.
    columns : sequence of str, optional
        Columns of pairs or labels, or ``models``; when None all that the data have, but ids,
        texts, numbers with a fraction, and the verdict itself.

    Returns
    -------
    groups : list of Grouping
    skipped : dict of str to str
        Why a column gives no groups.

    Raises
    ------
    DesignError
        A column that the data do not have.
    """
    labels, pairs = data.labels, data.pairs
    at = data.pair_rows[rows]
    names = _candidates(data) if columns is None else list(columns)
    found: list[Grouping] = []
    skipped: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for name in names:
        if name == MODELS:
            one = _models(pairs.iloc[at])
        elif name in labels:
            one = _coded(name, labels[name].iloc[rows])
        elif name in pairs:
            one = _coded(name, pairs[name].iloc[at])
        else:
            raise DesignError(
                f"Cannot group by {name!r}.",
                found=", ".join(_candidates(data)),
                expected="a column of labels or pairs, or models",
                fix="Name one of these columns in columns= (--column).",
            )
        why = _unfit(one, name, seen)
        if why is None:
            found.append(one)
        elif columns is not None or not why.startswith("one value"):
            skipped[name] = why
    return found, skipped


def _candidates(data: PreferenceData) -> list[str]:
    own = {*LABEL_COLUMNS, *PAIR_COLUMNS, *_NEVER}
    names = [c for c in (*_LABELS, *_PAIRS) if c in data.labels or c in data.pairs]
    for table in (data.labels, data.pairs):
        names += [str(c) for c in table if c not in own and _groups(table[c], str(c), table)]
    both = data.pairs[["model_a", "model_b"]].notna().all(axis=1).any()
    return list(dict.fromkeys([*names, *([MODELS] if both else [])]))


def _groups(column: pd.Series, name: str, table: pd.DataFrame) -> bool:
    """Tell whether a column of metadata may name groups: no text, and not of one side only."""
    if name.endswith("_messages") or (name[-2:] in ("_a", "_b") and f"{name[:-2]}_b" in table):
        return False
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.dropna()
        return bool((values % 1 == 0).all())
    return True


def _coded(name: str, column: pd.Series) -> Grouping:
    code, values = pd.factorize(column.astype("str"), sort=True)
    return Grouping(name, [str(v) for v in values], np.asarray(code, dtype=np.int64))


def _models(pairs: pd.DataFrame) -> Grouping:
    a, b = (pairs[f"model_{side}"].astype("object").to_numpy() for side in "ab")
    known = pd.notna(a) & pd.notna(b)
    a, b = np.where(known, a, "").astype(str), np.where(known, b, "").astype(str)
    first, second = np.where(a <= b, a, b), np.where(a <= b, b, a)
    text = pd.Series([f"{x} / {y}" for x, y in zip(first, second, strict=True)], dtype="str")
    one = _coded(MODELS, text.where(known))
    return Grouping(MODELS, one.names, one.code, np.where(a < b, 1.0, 0.0) - (a > b))


def _unfit(one: Grouping, name: str, seen: dict[bytes, str]) -> str | None:
    if len(one.names) < 2:
        return "one value only"
    if len(one.names) > MOST:
        return f"{len(one.names):,} values, more than {MOST}"
    # equal groups under other names are tested once
    order = pd.factorize(one.code)[0].astype(np.int64).tobytes()
    twin = seen.setdefault(order, name)
    return None if twin == name else f"the same groups as {twin}"
