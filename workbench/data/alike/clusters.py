"""Clusters of labels by name: what two-way and other clustered errors go over."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.alike.near_equal import prompt_clusters
from workbench.data.columns import as_text
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

PROMPT = "prompt"
"""Clusters of near-equal prompts, whatever the file names."""


def cluster_codes(data: PreferenceData, name: str) -> tuple[NDArray[np.int64], pd.Index]:
    """Return the cluster of each label, by the name of what makes clusters.

    Parameters
    ----------
    data : PreferenceData
    name : str
        ``prompt``: pairs of one prompt and of near-equal ones
        (``workbench.data.alike.near_equal.prompt_clusters``), also where the file names
        sessions or users; a pair without the text of its prompt has its ``cluster``.
        ``cluster``: the pairs' clusters, which are the prompts unless the file or the user
        names others. ``annotator``, or any other column of the labels or of the pairs, such
        as ``session``; a column of the labels comes first.

    Returns
    -------
    codes : ndarray of int64, shape (n labels,)
        The clusters are numbered from 0 in the order of ``names``. A label without a value
        is a cluster of its own; ``labels_without`` counts them.
    names : Index of str
        Name of each cluster, sorted; those of labels without a value stand last and are
        missing.

    Raises
    ------
    DataError
        Neither the labels nor the pairs have such a column.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> codes, names = cluster_codes(data, "annotator")
    >>> len(codes) == len(data.labels), names[codes[0]] == data.labels["annotator"][0]
    (True, True)
    """
    if name != PROMPT and name in data.labels:
        codes, names = data.coded("labels", name)
    elif name != PROMPT and name in data.pairs:
        codes, names = data.coded("pairs", name)
        codes = codes[data.pair_rows]
    else:
        codes, names = pd.factorize(_values(data, name), sort=True)
    lacking = np.flatnonzero(codes < 0)
    codes = codes.astype(np.int64)
    codes[lacking] = len(names) + np.arange(len(lacking))
    alone = pd.Index([None] * len(lacking), dtype="str")
    return codes, pd.Index(names, dtype="str").append(alone)


def labels_without(data: PreferenceData, name: str) -> int:
    """Return how many labels have no value of what makes clusters: each is its own cluster.

    Examples
    --------
    >>> import workbench as wb
    >>> labels_without(wb.load("sample"), "annotator")
    0
    """
    return int(_values(data, name).isna().sum())


def prompts_are_clusters(pairs: pd.DataFrame) -> bool:
    """Tell whether the clusters of pairs are those of their prompts, and no others that are named.

    Examples
    --------
    >>> import workbench as wb
    >>> prompts_are_clusters(wb.load("sample").pairs)
    True
    """
    return bool((_prompts(pairs) == pairs["cluster"]).all())


def _values(data: PreferenceData, name: str) -> pd.Series:
    """Return the value of each label, as text."""
    if name == PROMPT:
        return _of_labels(data, _prompts(data.pairs))
    if name in data.labels:
        return as_text(data.labels[name]).reset_index(drop=True)
    if name in data.pairs:
        return _of_labels(data, as_text(data.pairs[name]))
    raise DataError(
        f"Nothing is called {name!r} by which labels could be clustered.",
        found=", ".join(_columns(data)),
        expected="prompt, cluster, annotator, or another column of the labels or pairs",
        fix="Name one of these; names are case-sensitive.",
    )


def _columns(data: PreferenceData) -> list[str]:
    return list(dict.fromkeys([PROMPT, "cluster", *map(str, data.labels), *map(str, data.pairs)]))


def _of_labels(data: PreferenceData, of_pairs: pd.Series) -> pd.Series:
    return of_pairs.take(data.pair_rows).reset_index(drop=True)


def _prompts(pairs: pd.DataFrame) -> pd.Series:
    """Return the cluster of each pair's prompt; without a text, the one that the data give it."""
    codes, ids = pd.factorize(pairs["prompt_id"])
    first = np.flatnonzero(~pairs["prompt_id"].duplicated().to_numpy())
    prompts = pairs["prompt"].iloc[first].reset_index(drop=True)
    shared = prompt_clusters(prompts, pd.Series(ids, dtype="str")).take(codes)
    return shared.reset_index(drop=True).where(pairs["prompt"].notna(), pairs["cluster"])
