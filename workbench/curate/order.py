"""The order in which pairs are trained on, and the prompts that are kept for the test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import Array, Codes
from workbench.errors import DataError

_STRATA = 5


def stages(gap: Array, prompt: NDArray[np.object_], lots: Array, count: int) -> Codes:
    """Return the stage of each pair: 1 is easiest to tell.

    Pairs of one prompt are ranked among themselves, so that each stage has the prompt once or
    evenly; prompts of one pair are ranked among each other.

    Parameters
    ----------
    gap : ndarray, shape (n,)
        How strongly the chosen response is preferred.
    prompt : ndarray of str, shape (n,)
    lots : ndarray, shape (n,)
        Order of equal gaps.
    count : int
        Stages.

    Notes
    -----
    Curri-DPO (Pattnaik et al. 2024): of four ranked responses (R1, R4), (R1, R3), (R1, R2).

    Examples
    --------
    >>> prompts = np.array(["q", "q", "q"], dtype=object)
    >>> stages(np.array([0.2, 0.9, 0.5]), prompts, np.zeros(3), 3).tolist()
    [3, 1, 2]
    """
    ease = np.round(np.nan_to_num(gap, nan=-1.0), 9)
    table = pd.DataFrame({"gap": -ease, "prompt": prompt, "lots": lots})
    size = table.groupby("prompt")["gap"].transform("size")
    # prompts of one pair are one queue
    table["queue"] = table["prompt"].where(size > 1, "")
    ordered = table.sort_values(["gap", "lots"], kind="stable")
    rank = ordered.groupby("queue", sort=False).cumcount().sort_index().to_numpy()
    length = table.groupby("queue")["gap"].transform("size").to_numpy()
    return np.asarray(np.minimum(rank * count // length, count - 1) + 1, dtype=np.int64)


def kept_for_test(
    agreement: Array, repeated: NDArray[np.bool_], cluster: Codes, lots: Array, part: float
) -> NDArray[np.bool_]:
    """Return which pairs are for the test: whole clusters, all of whose pairs are repeated.

    Clusters are taken in strata of their mean agreement, so that the test is as divided as
    the repeated part of the data is.

    Parameters
    ----------
    agreement : ndarray, shape (n,)
    repeated : ndarray of bool, shape (n,)
    cluster : ndarray of int, shape (n,)
    lots : ndarray, shape (n,)
    part : float
        Share of all pairs that is wanted for the test.

    Raises
    ------
    DataError
        Too few pairs are repeated.

    Examples
    --------
    >>> test = kept_for_test(np.ones(4), np.ones(4, bool), np.arange(4), np.arange(4) / 4, 0.5)
    >>> int(test.sum())
    2
    """
    size = np.bincount(cluster)
    whole = (np.bincount(cluster, ~repeated) == 0) & (size > 0)
    if size[whole].sum() < part * len(cluster):
        raise DataError(
            "Too few pairs have repeated labels for such a test part.",
            found=f"{int(size[whole].sum()):,} of {len(cluster):,} pairs, in whole prompts",
            expected=f"at least {part:.0%}",
            fix="Pass a smaller test_share.",
        )
    mean = np.round(np.bincount(cluster, agreement) / np.maximum(size, 1), 9)
    lot = np.full(len(size), np.inf)
    np.minimum.at(lot, cluster, lots)
    names = np.flatnonzero(whole)
    ranked = names[np.lexsort((lot[names], mean[names]))]
    taken = np.zeros(len(size), dtype=bool)
    wanted = part * len(cluster) / size[whole].sum()
    owed = 0.0
    for stratum in np.array_split(ranked, min(_STRATA, len(ranked))):
        order = stratum[np.argsort(lot[stratum], kind="stable")]
        owed += wanted * size[stratum].sum()
        # as close as whole clusters come to it; the next stratum makes up for the rest
        now = order[np.cumsum(size[order]) - size[order] / 2 < owed]
        taken[now] = True
        owed -= size[now].sum()
    return np.asarray(taken[cluster])
