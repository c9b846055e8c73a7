"""Values as plain JSON: what results, findings and reports write."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as JSON values, NaN as None.

    Examples
    --------
    >>> records(pd.DataFrame({"x": [1.0, float("nan")]}))
    [{'x': 1.0}, {'x': None}]
    """
    return [json_ready(row) for row in frame.to_dict("records")]


def json_ready(value: Any) -> Any:
    """Return a value as plain JSON: NaN and infinities as None, numpy scalars as Python's.

    Examples
    --------
    >>> json_ready({"a": (1, float("nan"))})
    {'a': [1, None]}
    """
    if isinstance(value, dict):
        return {str(k): json_ready(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [json_ready(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def to_json(value: Any) -> str:
    """Return deterministic JSON text of a result's dictionary."""
    return json.dumps(json_ready(value), ensure_ascii=False, indent=1, allow_nan=False)
