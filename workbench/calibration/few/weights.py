"""Rows of ratings, factor weights and contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.calibration.few.inputs import Beside
from workbench.calibration.few.rates import Models
from workbench.calibration.few.tuned import METHOD, Setting, tuned
from workbench.clustered import Array
from workbench.decompose.errors.tidy import p_values, t_interval

RATING, WEIGHT, CONTRAST = "rating", "weight", "contrast"

_NAMES = ("estimate", "error", "df", "power", "people", "people_error", "people_df", "judge",
          "effective_labels")  # fmt: skip

MOST_MODELS = 40
"""Models beyond which ratings are left to :func:`workbench.rate`."""


def ratings(beside: Beside, models: Models, level: float) -> list[pd.DataFrame]:
    """Return Bradley-Terry ratings, which sum to 0, by each judge and the labels.

    Parameters
    ----------
    beside : Beside
    models : Models
    level : float
    """
    used = np.asarray(np.minimum(models.first, models.second) >= 0, dtype=bool)
    used &= models.first != models.second
    there = np.unique(np.concatenate([models.first[used], models.second[used]]))
    if not 2 <= len(there) <= MOST_MODELS:
        return []
    part = models.take(used)
    part.names = [models.names[m] for m in there]
    part.first, part.second = (np.searchsorted(there, side) for side in (part.first, part.second))
    X, told = part.design()
    # a rating is held against the last model's: named after what tells it
    terms = [f"{name} beside {part.names[-1]}" for name in part.names[:-1]]
    # a model that is always A has its rating all the same
    found = tuned(_setting(beside.take(used), X, terms, told, constant=True))
    return [_rows(beside.judges, RATING, part.names, found, "weights", level)]


def weights(beside: Beside, X: Array, terms: Sequence[str], level: float) -> list[pd.DataFrame]:
    """Return factor weights, and those of judges minus those of people.

    Parameters
    ----------
    beside : Beside
    X : ndarray, shape (N, K)
        NaN where a factor has no value: such pairs are left out.
    terms : sequence of str
    level : float
    """
    whole = np.asarray(np.isfinite(X).all(axis=1), dtype=bool)
    if not whole.any():
        return []
    found = tuned(_setting(beside.take(whole), X[whole], list(terms), np.eye(len(terms))))
    return [_rows(beside.judges, what, list(terms), found, key, level)
            for what, key in ((WEIGHT, "weights"), (CONTRAST, "contrasts"))]  # fmt: skip


def _setting(
    beside: Beside, X: Array, terms: list[str], told: Array, *, constant: bool = False
) -> Setting:
    return Setting(X, terms, beside.scores, beside.said, beside.weight, beside.cluster, told,
                   constant)  # fmt: skip


def _rows(
    judges: list[str], what: str, terms: list[str], found: list[dict[str, Any]], key: str,
    level: float,
) -> pd.DataFrame:  # fmt: skip
    own = {name: np.concatenate([one[key][name] for one in found]) for name in _NAMES}
    K = len(terms)
    # too few degrees have no estimate: t asks for one all the same
    df, people_df = np.maximum(own["df"], 1), np.maximum(own["people_df"], 1)
    low, high = t_interval(own["estimate"], own["error"], level, df)
    people_low, people_high = t_interval(own["people"], own["people_error"], level, people_df)
    counts = {name: np.repeat([float(one[name]) for one in found], K)
              for name in ("n", "n_pairs", "n_clusters")}  # fmt: skip
    p = np.full(len(low), np.nan) if what == RATING else p_values(
        own["estimate"], own["error"], df)  # fmt: skip
    return pd.DataFrame({
        "group": np.repeat(judges, K), "what": what, "term": np.tile(terms, len(judges)),
        "estimate": own["estimate"], "std_error": own["error"], "conf_low": low,
        "conf_high": high, "p_value": p, "people": own["people"], "people_low": people_low,
        "people_high": people_high, "judge": own["judge"], "power": own["power"],
        "effective_labels": own["effective_labels"], "method": METHOD, **counts,
        "reason": [why for one in found for why in one[key]["reason"]],
    })  # fmt: skip
