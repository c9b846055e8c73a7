"""Pairs whose sides answer different prompts: whether responses are judged, or prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import mean_difference, resample
from workbench.compare.subsets import Subset
from workbench.data.columns import prompt_of
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array, Codes
from workbench.factors.text import text_values
from workbench.intervals import mid_p
from workbench.results import TIDY
from workbench.structure.context.group_fits import weights_of
from workbench.structure.context.reversals import Rows

COLUMNS = [*TIDY, "n_clusters", "method", "reason"]
FEWEST = 40
"""Clusters of pairs with two prompts that the comparison needs."""

_FOLDS = 5
_REPLICATES = 999
_MEASURED = ["words", "sentences", "questions", "numbers"]
_HELD = "log-loss on other clusters, 5 folds; paired, t by clusters"
_SHARE = (
    "ratio of gains on other clusters, held in [0, 1]; percentiles of resampled clusters, at 0 and "
    "1 no nearer than mid-P at the effective number of gains"
)


def prompt_factors(data: PreferenceData) -> pd.DataFrame:
    """Return differences of the two prompts of each pair, that of A minus that of B.

    Returns
    -------
    DataFrame, one row a pair
        ``prompt_words``, ``prompt_sentences``, ``prompt_questions``, ``prompt_numbers``: of
        ``log(1 + x)``; 0 where both sides answer one prompt.

    Examples
    --------
    >>> pairs = pd.DataFrame({"prompt": ["Why?"], "prompt_b": ["Why is the sky blue?"],
    ...                       "response_a": ["x"], "response_b": ["y"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": ["z"], "preference": [1.0]})
    >>> found = prompt_factors(PreferenceData.from_tables(pairs, labels))
    >>> found["prompt_words"].round(2).tolist()
    [-1.1]
    """
    sides = [
        np.log1p(text_values(text.fillna("").tolist(), names=_MEASURED).to_numpy("float64"))
        for text in (prompt_of(data.pairs, side) for side in "ab")
    ]
    return pd.DataFrame(sides[0] - sides[1], columns=[f"prompt_{name}" for name in _MEASURED])


def judged_prompts(
    rows: Rows, prompts: Array, names: Any, level: float, seed: int
) -> tuple[pd.DataFrame, str | None]:
    r"""Return what factors of prompts and of responses tell about new labels.

    Parameters
    ----------
    rows : Rows
        Labels with the factors of responses.
    prompts : ndarray, shape (n, P)
        Factors of the prompts.
    names : sequence of str, shape (n,)
        Cluster of each label.
    level : float
    seed : int

    Returns
    -------
    table : DataFrame
        Gains of log-loss over a coin; the prompt share
        :math:`(L_0 - L_P) / (L_0 - L_{PR})`.
    reason : str or None
        Why there is no table.

    Notes
    -----
    At 0 or 1 most resamples are there, too. There the interval reaches at least as far as the
    mid-P interval of as many trials as gains :math:`g_c` of clusters by both are worth,
    :math:`(\sum_c g_c)^2 / \sum_c g_c^2` (Kish): a few of those not drawn may be otherwise.
    """
    different = (prompts != 0).any(axis=1)
    clusters = len(np.unique(rows.cluster[different]))
    if clusters < FEWEST:
        return pd.DataFrame(columns=COLUMNS), (
            f"prompts differ in {clusters} clusters, fewer than {FEWEST}"
        )
    fold = np.asarray(fold_numbers(np.asarray(names), _FOLDS, seed))
    sets = {"prompts": prompts, "responses": rows.X, "both": np.column_stack([prompts, rows.X])}
    loss = {name: _losses(X, rows, fold) for name, X in sets.items()}
    loss["coin"] = np.full(len(fold), np.log(2.0))
    told = [
        ("gain of prompts alone", "coin", "prompts"),
        ("gain of responses alone", "coin", "responses"),
        ("gain of both", "coin", "both"),
        ("gain of responses beyond prompts", "prompts", "both"),
        ("gain of prompts beyond responses", "responses", "both"),
    ]
    table = [
        {"term": term, "method": _HELD,
         **mean_difference(loss[base] - loss[name], rows.cluster, level)}
        for term, base, name in told
    ]  # fmt: skip
    table.append(_share(loss, rows, level, seed, table[2]))
    found = pd.DataFrame(table).reindex(columns=COLUMNS)
    return found.assign(q_value=q_values(found["p_value"].to_numpy("float64"))), None


def _losses(X: Array, rows: Rows, fold: Codes) -> Array:
    """Return the log-loss of each label by a fit to the other folds."""
    parts = [np.flatnonzero(fold != f) for f in range(_FOLDS)]
    weight, votes = rows.weight, rows.weight * rows.preference
    b = weights_of([Subset(X[at], weight[at], votes[at]) for at in parts])
    eta = np.einsum("nk,nk->n", X, b[fold])
    return np.asarray(np.logaddexp(0.0, eta) - rows.preference * eta)


def _share(
    loss: dict[str, Array], rows: Rows, level: float, seed: int, both: dict[str, Any]
) -> dict[str, Any]:
    row = {"term": "prompt share", "n": both["n"], "n_clusters": both["n_clusters"],
           "method": _SHARE}  # fmt: skip
    if not both["conf_low"] > 0:
        return row | {"reason": "both together tell nothing about new labels"}
    gains = np.stack([loss["coin"] - loss["prompts"], loss["coin"] - loss["both"]], axis=1)
    _, code = np.unique(rows.cluster, return_inverse=True)
    sums = np.stack([np.bincount(code, gains[:, k]) for k in range(2)], axis=1)
    drawn = resample(sums.astype(np.float64), _REPLICATES, seed)
    # where a resample has no gain at all, the share is as large as it can be
    ratio = np.divide(drawn[:, 0], drawn[:, 1], out=np.ones(len(drawn)), where=drawn[:, 1] > 0)
    shares = np.clip(ratio, 0.0, 1.0)
    tail = (1 - level) / 2
    low, high = np.quantile(shares, [tail, 1 - tail])
    value = float(np.clip(sums[:, 0].sum() / sums[:, 1].sum(), 0.0, 1.0))
    if value in (0.0, 1.0):
        # every resample may be at the end, too, which is no certainty
        pieces = sums[:, 1].sum() ** 2 / (sums[:, 1] ** 2).sum()
        ends = mid_p(value, max(float(pieces), 1.0), level)
        low, high = min(low, ends[0]), max(high, ends[1])
    spread = float(shares.std(ddof=1))
    return row | {
        "estimate": value, "std_error": spread if spread > 0 else np.nan,
        "conf_low": float(min(low, value)), "conf_high": float(max(high, value)),
    }  # fmt: skip
