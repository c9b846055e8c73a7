"""Whether labels follow directions: weights on prompts that chose neither directions nor names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import DesignError
from workbench.results import TIDY

_FOLDS, _MOST_CLUSTERS = 5, 25
"""Folds of the held-out scores, and the clusters that they take at least."""

_COLUMNS = (*TIDY, "n_clusters", "reason")


def check_labels(
    data: PreferenceData,
    annotator: str | Iterable[str] | None,
    controls: Sequence[str],
    screened: NDArray[np.bool_],
) -> None:
    """Refuse what could not be screened, before a model is asked.

    Parameters
    ----------
    data : PreferenceData
    annotator : str, iterable of str, or None
    controls : sequence of str
    screened : ndarray of bool, shape (n pairs,)
        Pairs of the screening part.

    Raises
    ------
    DataError or DesignError
        No such annotator or factor, or no verdict on the screening part.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> check_labels(data, "human", (), np.ones(len(data), dtype=bool))
    """
    unknown = [name for name in controls if name not in data.factor_names]
    if unknown:
        raise DesignError(
            f"The data have no factor {unknown[0]!r}.",
            found=", ".join(data.factor_names) or "no factors",
            expected="controls that are factors of the data",
            fix="Score them first: workbench factors FILE --out DIR; or leave controls out.",
        )
    own = select_annotators(data, annotator, [])[0].labels
    there = own["pair_id"].isin(set(data.pairs["pair_id"][screened])) & own["preference"].notna()
    if not there.any():
        raise DesignError(
            "No label can be screened.",
            found=f"{len(own):,} labels, none of them a verdict on the {int(screened.sum()):,} "
            "pairs of the screening part",
            expected="verdicts on prompts that choose neither directions nor names",
            fix="Name another annotator, take more pairs, or give the last of shares= more.",
        )


def expressed(
    data: PreferenceData,
    annotator: str | Iterable[str] | None,
    directions: Sequence[str],
    controls: Sequence[str],
    *,
    level: float,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the joint weights of directions, and what they predict of prompts held out again.

    Parameters
    ----------
    data : PreferenceData
        The screening part, with the directions as factors.
    annotator : str, iterable of str, or None
        Whose labels: several are pooled; everybody's when None.
    directions, controls : sequence of str
        Factor columns; controls stand beside, and are no discovery.
    level : float
    seed : int

    Returns
    -------
    weights : DataFrame
        One row a direction, with the tidy columns; q over the directions.
    scores : DataFrame
        Held-out scores of the fit; empty with fewer than 25 clusters.
    """
    if not directions:
        return pd.DataFrame(columns=list(_COLUMNS)), pd.DataFrame()
    labels = data.filter(pair_ids=data.labels["pair_id"].unique())
    many = labels.pairs["cluster"].nunique()
    fit = decompose(
        data,
        annotator=annotator,
        by=(),
        factors=[*directions, *controls],
        folds=_FOLDS if many >= _MOST_CLUSTERS else 0,
        level=level,
        seed=seed,
    )
    table: Any = fit.to_frame().set_index("term").reindex(list(directions)).reset_index()
    p = table["p_value"].to_numpy(dtype=float)
    table["q_value"] = q_values(np.where(np.isfinite(p), p, np.nan))
    return table.reindex(columns=list(_COLUMNS)), fit.held_out
