"""The overall label regressed on all aspects together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, decompose


def joint_fit(
    overall: pd.DataFrame, aspects: pd.DataFrame, names: pd.Series, level: float, seed: int
) -> Decomposition:
    """Return the weights of the aspects in the overall label of each group.

    Parameters
    ----------
    overall, aspects : DataFrame
        From :func:`workbench.structure.context.trade_offs.aspect_sides`. An aspect is 1 where
        it is for A, -1 where for B; its weight is the log-odds that it brings by itself.
    names : Series
        Cluster of each pair, by its position in the data.
    level : float
    seed : int

    Returns
    -------
    Decomposition
        Rows without all of the aspects are in its exclusions.
    """
    cluster = names.astype("str").to_numpy()[overall["pair"]]
    stand = pd.DataFrame({"item": np.arange(len(overall)).astype(str), "cluster": cluster})
    labels = pd.DataFrame(
        {
            "pair": np.arange(len(overall)),
            "annotator": overall["group"].to_numpy(),
            "preference": 0.5 + overall["side"].to_numpy() / 2,
        }
    )
    data = PreferenceData.from_tables(stand, labels)
    specs = {name: {"coding": {"transform": "difference"}} for name in aspects}
    empty = pd.DataFrame(index=aspects.index)
    return decompose(data.with_factors(aspects, empty, specs), folds=0, level=level, seed=seed)
