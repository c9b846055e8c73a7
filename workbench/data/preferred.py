"""Which response of a pair is the chosen one, by a majority."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData


def preferred(data: PreferenceData, annotators: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the chosen and the rejected response of every pair.

    Parameters
    ----------
    data : PreferenceData
    annotators : sequence of str, optional
        Whose majority counts; that of people, or without people of everybody, when None.

    Returns
    -------
    DataFrame
        ``pair_id, cluster, prompt, side`` (that is chosen: "a" or "b"), ``chosen, rejected,
        scenario, votes`` (weighted share for the chosen), ``strength`` (its mean; NaN
        without), ``why`` a pair has none, else None.

    Examples
    --------
    >>> import workbench as wb
    >>> preferred(wb.load("sample"))["why"].isna().mean() > 0.5
    np.True_
    """
    data = data.decided()
    labels = data.filter(annotators=annotators).labels if annotators else data.labels
    if not annotators and (labels["kind"] == "human").any():
        labels = labels[labels["kind"] == "human"]
    labels = labels[labels["preference"].notna() & (labels["weight"] > 0)]
    lean = ((labels["preference"] - 0.5) * labels["weight"]).groupby(labels["pair_id"]).sum()
    weight = labels["weight"].groupby(labels["pair_id"]).sum()
    pairs = data.pairs
    # sums of weights such as 0.1 and 0.2 are ties up to rounding
    side = np.sign(lean.round(12)).reindex(pairs["pair_id"]).to_numpy()
    no_text = pairs[["response_a", "response_b"]].isna().any(axis=1).to_numpy()
    why = np.select([np.isnan(side), side == 0, no_text], ["no verdict", "tie", "no text"], "")
    return pd.DataFrame(
        {
            "pair_id": pairs["pair_id"],
            "cluster": pairs["cluster"],
            "prompt": pairs["prompt"].fillna(""),
            "side": np.where(side > 0, "a", "b"),
            "chosen": pairs["response_a"].where(side > 0, pairs["response_b"]),
            "rejected": pairs["response_b"].where(side > 0, pairs["response_a"]),
            "scenario": pairs["scenario"],
            "strength": labels["strength"]
            .abs()
            .groupby(labels["pair_id"])
            .mean()
            .reindex(pairs["pair_id"])
            .to_numpy("float64"),
            "votes": (0.5 + (lean / weight).abs()).reindex(pairs["pair_id"]).to_numpy(),
            "why": pd.Series(why, index=pairs.index, dtype="str").replace("", None),
        }
    )
