"""Factors of other data, coded as they once were: what a saved model needs to see again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors.catalog import STYLE, FactorSpec
from workbench.factors.coding import Coding, apply
from workbench.factors.columns import from_columns
from workbench.factors.score import score_factors

Array = NDArray[np.float64]


def recoded(data: PreferenceData, records: Mapping[str, Mapping[str, Any]]) -> Array:
    """Return the differences of factors under codings that were fitted to other data.

    Parameters
    ----------
    data : PreferenceData
        With the raw values of the factors, or with what they are computed from.
    records : mapping of str to mapping
        By factor: its entry of :attr:`PreferenceData.factor_specs` where it was coded.

    Returns
    -------
    ndarray, shape (n pairs, n factors)
        NaN where a value is missing.

    Raises
    ------
    DesignError
        The data have neither a factor nor what it is computed from.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> few = wb.load("sample").filter(pair_ids=data.pairs["pair_id"][:5])
    >>> again = recoded(few, {"words": data.factor_specs["words"]})
    >>> bool(np.allclose(again[:, 0], data.factors["words"][:5]))
    True
    """
    texts = {spec.name: spec for spec in STYLE}
    lacking = [name for name in records if f"{name}_a" not in data.factor_values]
    written = [name for name in lacking if name in texts and _source(records[name]) == "text"]
    if written and data.pairs["response_a"].notna().any():
        data = score_factors(data, [texts[name] for name in written])
    columns = [name for name in lacking if _source(records[name]) == "column"]
    columns = [name for name in columns if {f"{name}_a", f"{name}_b"} <= set(data.pairs)]
    if columns:
        data = from_columns(data, columns)
    found = [_one(data, name, record) for name, record in records.items()]
    return np.column_stack(found) if found else np.empty((len(data), 0))


def _source(record: Mapping[str, Any]) -> str:
    return str(record.get("source", "text"))


def _one(data: PreferenceData, name: str, record: Mapping[str, Any]) -> Array:
    coding = _coding(record)
    if f"{name}_a" in data.factor_values:
        a, b = (data.factor_values[f"{name}_{side}"].to_numpy("float64") for side in "ab")
        return apply(a, b, replace(coding, standardise=False))[0] / (coding.scale or 1.0)
    if name in data.factors:
        # without values of the sides only the unit of the difference can be brought back
        own = _coding(data.factor_specs.get(name, {})).scale or 1.0
        return np.asarray(data.factors[name].to_numpy("float64") * own / (coding.scale or 1.0))
    raise DesignError(
        f"The data have no factor {name!r}.",
        found=", ".join(data.factor_names) or "no factor",
        expected=f"a factor {name!r}, or the "
        f"{'columns' if _source(record) == 'column' else 'texts'} that it is computed from",
        fix="Score it first, in the way in which it was scored before.",
    )


def _coding(record: Mapping[str, Any]) -> Coding:
    return FactorSpec.from_dict({"name": "", "meaning": "", "family": "user", "scale": "score",
                                 "coding": {}, **record}).coding  # fmt: skip
