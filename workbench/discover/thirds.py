"""Three parts of the prompts: for directions, for their names, and for what labels say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.split import folds
from workbench.errors import DesignError

LEARN, NAME, SCREEN = 0, 1, 2
"""The parts: directions are learnt on the first, named and their names tested on the second;
labels are looked at on the third alone."""

_FOLDS = 20


def thirds(data: PreferenceData, shares: Sequence[float], seed: int) -> NDArray[np.int64]:
    """Return the part of each pair; all pairs of a cluster are in one.

    Parameters
    ----------
    data : PreferenceData
    shares : sequence of float, length 3
        Of the clusters, in twentieths.
    seed : int

    Returns
    -------
    ndarray of int, shape (n pairs,)
        :data:`LEARN`, :data:`NAME` or :data:`SCREEN`: by a hash of the cluster's name and the
        seed, whatever the order of the rows.

    Raises
    ------
    DesignError
        Fewer than twenty clusters.

    Examples
    --------
    >>> import workbench as wb
    >>> part = thirds(wb.load("sample"), (0.4, 0.2, 0.4), 0)
    >>> sorted(set(part.tolist()))
    [0, 1, 2]
    """
    clusters = data.pairs["cluster"].to_numpy(dtype=object)
    many = len({*clusters})
    if many < _FOLDS:
        raise DesignError(
            "There are too few prompts to discover factors.",
            found=f"{many} clusters (prompts)",
            expected=f"{_FOLDS} or more: directions, their names and their weights come from "
            "prompts of their own",
            fix="Take more data, or factors that are known: workbench screen, or a rubric.",
        )
    fold = folds(clusters, _FOLDS, seed)
    ends = np.round(np.cumsum(shares) * _FOLDS).astype(int)
    return np.searchsorted(ends, fold, side="right").clip(0, 2)
