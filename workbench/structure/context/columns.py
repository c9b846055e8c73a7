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

RATERS = "raters"
"""Groups by who labelled the pair: pools of people whose labels are taken together."""

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
    data: PreferenceData,
    rows: NDArray[np.int64],
    columns: Sequence[str] | None,
    raters: pd.Series | None = None,
) -> tuple[list[Grouping], dict[str, str]]:
    """Return the groups of some labels by each column that has 2 to 50 values among them.

    Parameters
    ----------
    data : PreferenceData
    rows : ndarray of int
        Positions of the labels.
    columns : sequence of str, optional
        Columns of pairs or labels, ``models`` or ``raters``; when None all that the data have,
        but ids, texts, numbers with a fraction, and the verdict itself.
    raters : Series, optional
        Who labelled each pair (:func:`raters_of`); of these data when None.

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
    refuse_unknown(data, columns or ())
    labels, pairs = data.labels, data.pairs
    at = data.pair_rows[rows]
    names = _candidates(data) if columns is None else list(columns)
    found: list[Grouping] = []
    skipped: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for name in names:
        if name == MODELS:
            one = _models(pairs[["model_a", "model_b"]].iloc[at])
        elif name == RATERS:
            one = _coded(RATERS, (raters_of(data) if raters is None else raters).iloc[at])
        elif name in labels:
            one = _coded(name, labels[name].iloc[rows])
        else:
            one = _coded(name, pairs[name].iloc[at])
        why = _unfit(one, name, seen)
        if why is None:
            found.append(one)
        elif columns is not None or not why.startswith("one value"):
            skipped[name] = why
    return found, skipped


def refuse_unknown(data: PreferenceData, columns: Sequence[str]) -> None:
    """Refuse a column that the data do not have.

    Examples
    --------
    >>> import workbench as wb
    >>> refuse_unknown(wb.load("sample"), ["scenario", "models"])
    """
    for name in columns:
        if name not in (MODELS, RATERS) and name not in data.labels and name not in data.pairs:
            raise DesignError(
                f"Cannot group by {name!r}.",
                found=", ".join(_candidates(data)),
                expected="a column of labels or pairs, models, or raters",
                fix="Name one of these columns in columns= (--column).",
            )


def _candidates(data: PreferenceData) -> list[str]:
    own = {*LABEL_COLUMNS, *PAIR_COLUMNS, *_NEVER}
    names = [c for c in (*_LABELS, *_PAIRS) if c in data.labels or c in data.pairs]
    for table in (data.labels, data.pairs):
        names += [str(c) for c in table if c not in own and _groups(table[c], str(c), table)]
    both = data.pairs[["model_a", "model_b"]].notna().all(axis=1).any()
    return list(dict.fromkeys([*names, RATERS, *([MODELS] if both else [])]))


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


def raters_of(data: PreferenceData) -> pd.Series:
    """Return the annotators of each pair as one name, in the order of the pairs.

    Examples
    --------
    >>> pairs = pd.DataFrame({"response_a": ["x"], "response_b": ["y"]})
    >>> labels = pd.DataFrame({"pair": 0, "annotator": ["eve", "ann"], "preference": [1.0, 0.0]})
    >>> raters_of(PreferenceData.from_tables(pairs, labels)).tolist()
    ['ann, eve']
    """
    code, names = pd.factorize(data.labels["annotator"], sort=True)
    total = len(names) + 1
    pair, who = np.divmod(np.unique(data.pair_rows * total + code + 1), total)
    place = np.arange(len(pair)) - np.searchsorted(pair, pair)
    pools = np.zeros(len(data.pairs), dtype=np.int64)
    # one more annotator of each pair at a time: equal pools keep one number
    for step in range(int(place.max(initial=-1)) + 1):
        own = np.zeros(len(pools), dtype=np.int64)
        own[pair[place == step]] = who[place == step]
        pools = np.unique(pools * total + own, return_inverse=True)[1]
    first = np.unique(pools, return_index=True)[1]
    told = [", ".join(map(str, names[who[pair == row] - 1])) for row in first[: MOST + 1]]
    told += [f"pool {k}" for k in range(len(told), len(first))]
    return pd.Series(np.array(told, dtype=object)[pools]).mask(np.isin(pools, _nobody(pair, pools)))


def _nobody(pair: NDArray[np.int64], pools: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pools of pairs that nobody labelled."""
    alone = np.ones(len(pools), dtype=bool)
    alone[pair] = False
    return np.unique(pools[alone])


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
