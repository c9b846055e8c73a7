"""Whether the labelled pairs are like the others: that they were drawn at random is assumed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from workbench.calibration.few.fits import cluster_sums
from workbench.clustered import Array, Codes, starts_of
from workbench.decompose.errors.tidy import q_values
from workbench.results import TIDY


def unlike(
    columns: Mapping[str, Array], weight: Array, cluster: Codes, level: float
) -> pd.DataFrame:
    """Return how far labelled pairs differ from the others, in standard deviations.

    Labelled pairs of one weight are held against the others. Where weights differ, the weighted
    mean stands for all pairs: its distance to that of all is told on the same scale.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (N,)
        What is compared; NaN where a pair has no value. None may turn when A and B do.
    weight : ndarray, shape (N,)
        Of the labels: one over the chance that a pair was chosen; 0 where nobody labelled it.
    cluster : ndarray of int, shape (N,)
        Sorted.
    level : float

    Returns
    -------
    DataFrame
        The tidy columns (``estimate``: labelled minus others, over the standard deviation of all;
        ``n``: labelled pairs) and ``n_clusters``. Without what does not vary.

    Examples
    --------
    >>> labelled = (np.arange(40) % 4 == 0) * 1.0
    >>> table = unlike({"size": np.arange(40.0)}, labelled, np.arange(40), 0.95)
    >>> bool(table["p_value"][0] > 0.5)
    True
    """
    rows = []
    for name, values in columns.items():
        there = np.isfinite(values)
        x, w, codes = values[there], weight[there], cluster[there]
        mine = w > 0
        if not mine.any() or mine.all() or np.ptp(x) <= 0:
            continue
        # with one weight for all: 1 / n of the labelled minus 1 / (N - n) of the others
        lean = (w / w.sum() - 1 / len(x)) / np.mean(~mine)
        gap = float(x @ lean)
        # about the mean of all, as without a difference: a rare value may be seen on one side
        centred = x - x.mean()
        starts = starts_of(codes)
        pull = cluster_sums(centred[:, None], lean, starts)[:, 0]
        # labels of one cluster come together: the clusters with a label are the small side
        clusters = min(len(np.unique(codes[mine])), len(np.unique(codes[~mine])))
        error = float(np.sqrt(clusters / max(clusters - 1, 1) * (pull**2).sum()))
        size, df = float(x.std()), max(clusters - 1, 1)
        half = float(stdtrit(df, 0.5 + level / 2)) * error
        p = 2 * float(stdtr(df, -abs(gap) / error)) if error > 0 and clusters > 1 else np.nan
        ends = (gap - half, gap + half) if np.isfinite(p) else (np.nan, np.nan)
        rows.append((name, gap / size, error / size, ends[0] / size, ends[1] / size, p, np.nan,
                     float(mine.sum()), float(len(starts))))  # fmt: skip
    table = pd.DataFrame(rows, columns=[*TIDY, "n_clusters"])
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))
