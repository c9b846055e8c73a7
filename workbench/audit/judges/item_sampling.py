"""What a judge is asked about: pairs, whole prompts and triples, drawn by digest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.audit.judges.perturb import seed_of
from workbench.data.dataset import PreferenceData
from workbench.data.digests import content_digests
from workbench.errors import DesignError
from workbench.judges.base import text_pairs


def sample_pairs(data: PreferenceData, n: int, seed: int) -> pd.DataFrame:
    """Return n pairs with two different responses, drawn by prompt: each prompt once first.

    Parameters
    ----------
    data : PreferenceData
    n : int
    seed : int

    Raises
    ------
    DesignError
        There is none.

    Examples
    --------
    >>> import workbench as wb
    >>> sample_pairs(wb.load("sample"), 20, 0)["cluster"].nunique()
    20
    """
    pairs = text_pairs(data)
    usable = pairs[
        (pairs["response_a"] != pairs["response_b"])
        & (pairs["response_a"].str.strip() != "")
        & (pairs["response_b"].str.strip() != "")
    ]
    if not len(usable):
        raise DesignError(
            "There is no pair to probe.",
            found=f"{len(pairs):,} pairs, none with two different responses",
            expected="pairs with two different responses that are not empty",
            fix="Load other data.",
        )
    # one pair a prompt first: clusters are what the intervals count
    keys = content_digests([str(seed) + "\0" + usable["pair_id"].astype("str")])
    shuffled = usable.assign(_key=keys).sort_values("_key")
    shuffled = shuffled.assign(_round=shuffled.groupby("cluster").cumcount())
    return shuffled.sort_values(["_round", "_key"]).head(n).drop(columns=["_key", "_round"])


def sample_prompts(data: PreferenceData, n: int, seed: int) -> PreferenceData:
    """Return whole prompts until there are n pairs.

    Parameters
    ----------
    data : PreferenceData
    n : int
    seed : int

    Examples
    --------
    >>> import workbench as wb
    >>> len(sample_prompts(wb.load("sample"), 20, 0)) >= 20
    True
    """
    cluster = data.pairs["cluster"].astype("str")
    sizes = cluster.value_counts()
    shuffled = sorted(sizes.index, key=lambda one: seed_of(seed, one))
    before = np.cumsum([0, *sizes.loc[shuffled]])[:-1]
    kept = {one for one, start in zip(shuffled, before, strict=True) if start < n}
    return data.filter(pair_ids=data.pairs.loc[cluster.isin(kept), "pair_id"])


def sample_triples(data: PreferenceData, n: int, seed: int) -> list[tuple[str, str, list[str]]]:
    """Return prompt, cluster and three different responses of n prompts, at most.

    Parameters
    ----------
    data : PreferenceData
    n : int
    seed : int
        Of the draw of prompts and of responses.

    Raises
    ------
    DesignError
        No prompt has three responses.
    """
    pairs = data.pairs.dropna(subset=["prompt", "response_a", "response_b"])
    found = []
    for (prompt, cluster), part in pairs.groupby(["prompt", "cluster"], sort=True):
        texts = sorted({*part["response_a"], *part["response_b"]})
        if len(texts) >= 3:
            texts.sort(key=lambda text: seed_of(seed, text))
            found.append((str(prompt), str(cluster), texts[:3]))
    if not found:
        raise DesignError(
            "No prompt has three responses.",
            found=f"{pairs['prompt'].nunique():,} prompts",
            expected="prompts with at least three different responses",
            fix="Load data in which models answer the same prompts.",
        )
    return sorted(found, key=lambda one: seed_of(seed, one[0]))[:n]
