"""What a decomposition is asked for, and what a fit in memory or over parts gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.decompose.design import Design
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.labelled import Ties
from workbench.decompose.logit import Covariance


@dataclass(frozen=True)
class Wanted:
    """Options of :func:`workbench.decompose`."""

    annotator: str | Iterable[str] | None
    by: list[str]
    factors: Sequence[str] | None
    covariance: Covariance
    cluster: list[str]
    ties: Ties
    folds: int
    level: float
    seed: int


@dataclass(frozen=True, eq=False)
class Fitted:
    """A design, the fits of its groups and their held-out scores.

    Attributes
    ----------
    by : list of str
        What made the groups.
    design : Design
    fits : list of GroupFit
    held_out : DataFrame
    """

    by: list[str]
    design: Design
    fits: list[GroupFit]
    held_out: pd.DataFrame


def no_scores() -> pd.DataFrame:
    """Return the held-out scores where none are wanted."""
    return pd.DataFrame(columns=["group", "predictor", "n", "reason"])
