"""Whether a name tells what its direction does: scores of the name beside activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import cluster_error, count_clusters
from workbench.data.dataset import PreferenceData
from workbench.data.split import name_words
from workbench.decompose.errors.tidy import q_values
from workbench.discover.naming import Names
from workbench.embedding.base import Matrix
from workbench.factors.rubric.definition import Rubric, RubricFactor
from workbench.factors.rubric.score import score_rubric
from workbench.intervals import correlation_ends
from workbench.llm.asker import Asks
from workbench.llm.request import Sampling

Array = NDArray[np.float64]

_MOST = 1.0 - 1e-9
_COLUMNS = (
    "fidelity", "fidelity_error", "fidelity_low", "fidelity_high", "fidelity_p", "fidelity_q",
    "fidelity_n", "fidelity_reason",
)  # fmt: skip


@dataclass(frozen=True)
class Tested:
    """How names are tested.

    Attributes
    ----------
    model : str
    pairs : int
        Pairs a direction that its name was not made of, at most; half of them active.
    sampling : Sampling or None
    level : float
    seed : int
    """

    model: str
    pairs: int
    sampling: Sampling | None
    level: float
    seed: int


def fidelity(
    data: PreferenceData, activations: Matrix, names: Names, asks: Asks, how: Tested
) -> pd.DataFrame:
    r"""Return how far the scores of each name follow the activations of its direction.

    Parameters
    ----------
    data : PreferenceData
        The naming part, with text.
    activations : ndarray of float32, shape (n pairs, m)
    names : Names
    asks : Asks
        Who says which of two responses has more of a named property, in both orders.
    how : Tested

    Returns
    -------
    DataFrame
        One row a direction: the correlation, its cluster-robust interval and p-value, q over all
        directions that have one, its pairs, and why it is undefined.

    Notes
    -----
    With a score s (1: A has more, -1: B, 0: neither, or the orders contradict each other) and the
    activation a, the correlation is :math:`\sum s a / \sqrt{\sum s^2 \sum a^2}`: about 0, as A and
    B are exchangeable, so that exchanging them in any pair changes nothing. Pairs are chosen by
    their activation alone: half of those asked are active where there are so many; no pair that
    the name was made of is among them, nor any to the same prompt.
    """
    shown = names.shown.groupby("direction")["pair_id"].agg(set).to_dict()
    cluster = pd.factorize(data.pairs["cluster"], sort=True)[0].astype(np.int64)
    ids = data.pairs["pair_id"]
    place = pd.Series(np.arange(len(ids)), index=ids)
    luck = name_words(ids.to_numpy(dtype=object), how.seed)
    rows: list[dict[str, Any]] = []
    for k, name in enumerate(names.names):
        if name is None:
            rows.append({"fidelity_reason": names.reasons[k], "fidelity_n": 0.0})
            continue
        made_of = place[[*shown.get(k, ())]].to_numpy()
        free = ~np.isin(cluster, cluster[made_of])
        chosen = _chosen(activations[:, k], free, luck, how.pairs)
        if len(chosen) < 2:
            reason = "no pair is left that its name was not made of"
            rows.append({"fidelity_reason": reason, "fidelity_n": float(len(chosen))})
            continue
        scores = _scores(data, chosen, name, asks, how)
        rows.append(_correlation(scores, activations[chosen, k], cluster[chosen], how.level))
    table = pd.DataFrame(rows).reindex(columns=list(_COLUMNS))
    table["fidelity_q"] = q_values(table["fidelity_p"].to_numpy(dtype=float))
    return table.astype({"fidelity_reason": object})


def factor_of(name: str) -> RubricFactor:
    """Return the rubric's factor by which a model says which response has more of a property.

    Examples
    --------
    >>> factor_of("lists steps in order").meaning
    'The response lists steps in order.'
    """
    return RubricFactor(name, f"The response {name}.", sees="query", compare=True,
                        family="discovered")  # fmt: skip


def _chosen(
    column: Matrix, free: NDArray[np.bool_], luck: NDArray[np.uint64], most: int
) -> NDArray[np.int64]:
    """Return the rows that are asked about, in the order of the data."""
    on, off = (np.flatnonzero(free & (column != 0)), np.flatnonzero(free & (column == 0)))
    on, off = (rows[np.argsort(luck[rows], kind="stable")] for rows in (on, off))
    active = on[: max(most - most // 2, most - len(off))]
    return np.sort(np.concatenate([active, off[: most - len(active)]]))


def _scores(
    data: PreferenceData, chosen: NDArray[np.int64], name: str, asks: Asks, how: Tested
) -> Array:
    some = data.filter(pair_ids=data.pairs["pair_id"].iloc[chosen])
    rubric = Rubric("discovered", (factor_of(name),))
    found = score_rubric(some, rubric, asks, model=how.model, sampling=how.sampling)
    return np.asarray(np.sign(found.data.factors[name].to_numpy(dtype=float)))


def _correlation(score: Array, activation: Matrix, cluster: Any, level: float) -> dict[str, Any]:
    known = np.isfinite(score)
    s, a, cluster = score[known], activation[known].astype(float), cluster[known]
    row: dict[str, Any] = {"fidelity_n": float(len(s))}
    ss, aa = float(s @ s), float(a @ a)
    if not len(s):
        return {**row, "fidelity_reason": "no pair was scored yet, or no reply could be read"}
    if ss == 0 or aa == 0:
        why = "the name tells no two responses apart" if ss == 0 else "no pair has the direction"
        return {**row, "fidelity_reason": why}
    r = float(np.clip(s @ a / np.sqrt(ss * aa), -_MOST, _MOST))
    pull = s * a / np.sqrt(ss * aa) - r / 2 * (s**2 / ss + a**2 / aa)
    error = cluster_error(pull, cluster)
    if not error > 0:
        return {**row, "fidelity": r, "fidelity_reason": "fewer than two prompts, or none differs"}
    low, high, p = correlation_ends(r, error, float(count_clusters(cluster)), level)
    ends = {"fidelity_low": low, "fidelity_high": high, "fidelity_p": p}
    return {**row, "fidelity": r, "fidelity_error": error, **ends}
