"""Data sets joined into one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from workbench.data.columns import LABEL_KEY, UNNAMED, complete_labels, numbered
from workbench.data.dataset import PreferenceData
from workbench.data.identity import exchanged, pair_ids, to_turn
from workbench.data.rows import kept_rows
from workbench.errors import DataError

_TABLES = ("pairs", "labels", "factors", "factor_values")


def concat(parts: Iterable[PreferenceData]) -> PreferenceData:
    """Join data sets: the union of pairs, all labels; repeats are numbered on.

    A pair that has its sides one way in one part and the other way in another gets the
    order of its digest, its labels with it. Parts without a pair in common are put one after the
    other: their texts are not copied, and what is known of their rows is not made again.

    Raises
    ------
    DataError
        Nothing to join, or the parts hold different factors.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> parts = [data.filter(kinds=["human"]), data.filter(kinds=["llm"])]
    >>> joined = wb.concat(parts)
    >>> len(joined.pairs), len(joined.labels) == sum(len(part.labels) for part in parts)
    (2000, True)
    """
    parts = list(parts)
    if not parts:
        raise DataError("Nothing to concatenate.", found="an empty list", expected="data sets")
    names = [part.factor_names for part in parts]
    if any(set(n) != set(names[0]) for n in names):
        raise DataError(
            "The data sets hold different factors.",
            found="; ".join(", ".join(n) or "none" for n in names),
            expected="the same factors in each",
            fix="Concatenate first, then score factors.",
        )
    pairs = pd.concat([part.pairs for part in parts], ignore_index=True)
    labels = pd.concat([part.labels for part in parts], ignore_index=True)
    again = pairs["pair_id"].duplicated(keep=False).to_numpy()
    if not again.any() and _alike(parts):
        return _one_after_the_other(parts, pairs, labels)
    rows = _rows_to_turn(pairs, again)
    if rows.any():
        labels = exchanged(labels, rows[_places(parts)])
    # a pair that is turned somewhere is not so elsewhere: that row, with its factors, stays
    keep = ~rows
    keep[keep] = ~pairs["pair_id"][keep].duplicated().to_numpy()
    labels["replicate"] = _numbers(labels, [len(part.labels) for part in parts])

    def join(name: str) -> pd.DataFrame:
        return kept_rows(
            pd.concat([getattr(part, name) for part in parts], ignore_index=True), keep
        )

    labels = complete_labels(labels)
    data = PreferenceData(
        kept_rows(pairs, keep),
        labels,
        join("factors"),
        join("factor_values"),
        dict(parts[0].factor_specs),
    )
    data.check()
    return data


def _alike(parts: list[PreferenceData]) -> bool:
    """Tell whether parts have the same columns, and nobody is called anew in the whole."""
    layouts = [[list(getattr(p, name).dtypes.items()) for name in _TABLES] for p in parts]
    if any(layout != layouts[0] for layout in layouts):
        return False
    named = pd.concat([part.annotators for part in parts])
    return bool(named.loc[named["annotator"].eq(UNNAMED), "kind"].nunique() < 2)


def _one_after_the_other(
    parts: list[PreferenceData], pairs: pd.DataFrame, labels: pd.DataFrame
) -> PreferenceData:
    rest = {
        name: pd.concat([getattr(part, name) for part in parts], ignore_index=True)
        for name in ("factors", "factor_values")
    }
    data = PreferenceData(pairs, labels, **rest, factor_specs=dict(parts[0].factor_specs))
    data.__dict__["pair_rows"] = _places(parts)
    known = [part.__dict__.get("_hashes") for part in parts]
    if all(one is not None for one in known):
        data.__dict__["_hashes"] = {
            name: np.concatenate([one[name] for one in known if one]) for name in known[0] or ()
        }
    return data


def _places(parts: list[PreferenceData]) -> np.ndarray:
    """Return the position of each label's pair where the pairs of parts follow one another."""
    starts = np.cumsum([0, *(len(part.pairs) for part in parts[:-1])])
    return np.concatenate([s + p.pair_rows for s, p in zip(starts, parts, strict=True)])


def _numbers(labels: pd.DataFrame, sizes: list[int]) -> pd.Series:
    """Return the numbers of repeats; only those that meet are numbered on, part by part."""
    clash = labels.duplicated(list(LABEL_KEY), keep=False)
    if not clash.any():
        return labels["replicate"]
    part = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((labels["replicate"].to_numpy(), part))
    again = numbered(labels.iloc[order]).reindex(labels.index)
    key = [labels[name].astype("str").fillna("") for name in LABEL_KEY[:-1]]
    meets = clash.groupby(key, sort=False).transform("any")
    return labels["replicate"].mask(meets, again).astype("int32")


def _rows_to_turn(pairs: pd.DataFrame, again: np.ndarray) -> np.ndarray:
    rows = np.zeros(len(pairs), dtype=bool)
    if again.any():
        some = kept_rows(pairs, again)
        rows[again] = to_turn(some["pair_id"], pair_ids(some)[1])[0]
    return rows
