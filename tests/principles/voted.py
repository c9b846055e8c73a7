"""Votes and preferences with a known relation, without text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Votes


def voted(
    codes: NDArray[np.int8],
    preference: NDArray[np.float64] | dict[str, NDArray[np.float64]],
    clusters: NDArray[np.int64] | None = None,
    **columns: object,
) -> tuple[PreferenceData, Votes]:
    """Return data and votes; codes of shape (n, K) or (n, K, repeats)."""
    n = len(codes)
    cluster = np.arange(n) if clusters is None else clusters
    pairs = pd.DataFrame(
        {"item": np.arange(n), "cluster": [f"c{c:06}" for c in cluster], **columns}
    )
    given = preference if isinstance(preference, dict) else {"ann": preference}
    labels = [
        pd.DataFrame({"pair": np.arange(n), "annotator": name, "kind": "human", "preference": y})
        for name, y in given.items()
    ]
    data = PreferenceData.from_tables(pairs, pd.concat(labels, ignore_index=True))
    cube = codes if codes.ndim == 3 else codes[:, :, None]
    principles = tuple(Principle(f"Principle {k:02}") for k in range(codes.shape[1]))
    return data, Votes(data.pairs["pair_id"].to_numpy(), principles, cube.astype(np.int8))


def swapped(
    data: PreferenceData, votes: Votes, flip: NDArray[np.bool_]
) -> tuple[PreferenceData, Votes]:
    """Return the same with A and B exchanged in some pairs."""
    by_pair = dict(zip(data.pairs["pair_id"], flip, strict=True))
    mask = data.labels["pair_id"].map(by_pair).to_numpy(bool)
    labels = data.labels.assign(
        preference=data.labels["preference"].where(~mask, 1 - data.labels["preference"])
    )
    side = np.abs(votes.codes) == 1
    where = np.array([by_pair[i] for i in votes.pair_ids])[:, None, None]
    codes = np.where(side & where, -votes.codes, votes.codes).astype(np.int8)
    return replace(data, labels=labels), replace(votes, codes=codes)
