"""In which order a reader meets the rows of a figure: the clear ones first, the largest on top."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Q_LEVEL = 0.05
"""Rate of false discoveries below which an estimate counts as clear."""


class Ranking(NamedTuple):
    """Terms in the order to read them.

    Attributes
    ----------
    clear : list of str
        Those with an estimate that is clear in some group, the largest first.
    rest : list of str
        The others, the nearest to clear first. Undefined terms are in neither.
    """

    clear: list[str]
    rest: list[str]


def clear_first(
    frame: pd.DataFrame, by: pd.DataFrame | None = None, *, reference: float = 0.0
) -> Ranking:
    """Split the terms of a table into those that are clear and the rest, each by its effect.

    An estimate is clear where its interval is away from ``reference`` and, where the table has
    ``q_value``, that is below 0.05. All groups share one order, so that rows can be compared.

    Parameters
    ----------
    frame : DataFrame
        ``term, estimate, conf_low, conf_high`` and, where it has it, ``q_value``; one row a
        group and term.
    by : DataFrame, optional
        A table of the same terms whose estimates order them, such as the differences between
        two groups whose weights ``frame`` has. The table itself when None.
    reference : float
        The value of no effect.

    Examples
    --------
    >>> rows = {"term": ["a", "b", "c"], "estimate": [0.1, -0.3, 0.2],
    ...         "conf_low": [-0.1, -0.4, 0.1], "conf_high": [0.3, -0.2, 0.3]}
    >>> clear_first(pd.DataFrame(rows))
    Ranking(clear=['b', 'c'], rest=['a'])
    """
    defined = frame[np.isfinite(frame["estimate"].to_numpy("float64"))]
    terms = list(dict.fromkeys(defined["term"]))
    clear = set(defined.loc[is_clear(defined, reference), "term"])
    order = defined if by is None else by[np.isfinite(by["estimate"].to_numpy("float64"))]
    size, near = _sizes(order, reference)
    ranked = sorted(terms, key=lambda term: (-size.get(term, 0.0), -near.get(term, 0.0)))
    return Ranking([t for t in ranked if t in clear], [t for t in ranked if t not in clear])


def is_clear(frame: pd.DataFrame, reference: float = 0.0) -> NDArray[np.bool_]:
    """Tell of each row whether its interval is away from a value, after correction.

    Examples
    --------
    >>> rows = {"conf_low": [0.1, 0.1], "conf_high": [0.3, 0.3], "q_value": [0.01, 0.2]}
    >>> is_clear(pd.DataFrame(rows)).tolist()
    [True, False]
    """
    low = frame["conf_low"].to_numpy("float64") - reference
    high = frame["conf_high"].to_numpy("float64") - reference
    away = (low > 0) | (high < 0)
    if "q_value" not in frame or frame["q_value"].isna().all():
        return np.asarray(away, dtype=bool)
    return np.asarray(away & (frame["q_value"].to_numpy("float64") < Q_LEVEL), dtype=bool)


def _sizes(frame: pd.DataFrame, reference: float) -> tuple[dict[str, float], dict[str, float]]:
    """Return by term the largest clear effect, and the most half-widths from no effect."""
    effect = np.abs(frame["estimate"].to_numpy("float64") - reference)
    half = (frame["conf_high"] - frame["conf_low"]).to_numpy("float64") / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.nan_to_num(effect / half, nan=0.0, posinf=0.0)
    table = pd.DataFrame({"term": frame["term"], "near": near})
    # the size of an effect that is not clear is mostly noise: it is told by its nearness
    table["size"] = np.where(is_clear(frame, reference), effect, 0.0)
    most = table.groupby("term", sort=False)[["size", "near"]].max()
    return most["size"].to_dict(), most["near"].to_dict()
