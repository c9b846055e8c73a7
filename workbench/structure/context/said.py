"""What each annotator said of each pair under each criterion."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData

PERSON = "human"
CELL = ["annotator", "pair", "criterion"]


def said_of(data: PreferenceData, annotators: str | Iterable[str] | None = None) -> pd.DataFrame:
    """Return the shares of labels for A and for B by annotator, pair and criterion.

    Parameters
    ----------
    data : PreferenceData
    annotators : str or iterable of str, optional
        Names or one kind; everybody when None.

    Returns
    -------
    DataFrame
        Sorted: ``annotator, pair`` (position), ``criterion, group`` (``human`` for people, else
        the name), ``cluster`` (code), ``n`` labels, ``for_a, for_b`` (shares of them; the rest
        are ties) and ``side`` (1, 0, -1: of the majority). Labels that :func:`no_word` names are
        left out; the weights of others are not used.

    Examples
    --------
    >>> import workbench as wb
    >>> found = said_of(wb.load("sample"), "human")
    >>> found["group"].unique().tolist(), bool((found["for_a"] + found["for_b"] <= 1).all())
    (['human'], True)
    """
    labels = data.labels
    chosen = np.ones(len(labels), dtype=bool)
    if annotators is not None:
        names = [annotators] if isinstance(annotators, str) else list(annotators)
        own = labels["annotator"].isin(names) | labels["kind"].isin(names)
        data.filter(annotators=[n for n in names if n not in set(labels["kind"])])
        chosen = own.to_numpy()
    y = labels["preference"].to_numpy()
    use = chosen & ~np.logical_or.reduce(list(no_word(labels).values()))
    cluster = pd.factorize(data.pairs["cluster"], sort=True)[0][data.pair_rows]
    table = pd.DataFrame(
        {
            "annotator": labels["annotator"],
            "pair": data.pair_rows,
            "criterion": labels["criterion"],
            "group": labels["annotator"].mask(labels["kind"] == PERSON, PERSON),
            "cluster": cluster,
            "for_a": (y > 0.5).astype(float),
            "for_b": (y < 0.5).astype(float),
            "n": 1.0,
        }
    )[use]
    found = table.groupby([*CELL, "group", "cluster"], sort=True, observed=True).sum().reset_index()
    found["side"] = np.sign(found["for_a"] - found["for_b"])
    for name in ("for_a", "for_b"):
        found[name] /= found["n"]
    return found


def no_word(labels: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Return which labels say nothing, by the reason why.

    Examples
    --------
    >>> labels = pd.DataFrame({"preference": [1.0, np.nan, 1.0], "weight": [0.5, 1.0, 0.0]})
    >>> {why: bad.tolist() for why, bad in no_word(labels).items()}
    {'no verdict': [False, True, False], 'no positive weight': [False, False, True]}
    """
    said = np.isfinite(labels["preference"].to_numpy("float64"))
    weight = labels["weight"].to_numpy("float64")
    return {"no verdict": ~said, "no positive weight": said & ~(np.isfinite(weight) & (weight > 0))}


def majority(said: pd.DataFrame) -> pd.DataFrame:
    """Return the side of the majority of several annotators: ``pair, criterion, cluster, side``."""
    votes = said.assign(net=said["n"] * (said["for_a"] - said["for_b"]))
    found = votes.groupby(["pair", "criterion", "cluster"], sort=True, observed=True)["net"].sum()
    return np.sign(found).rename("side").reset_index()
