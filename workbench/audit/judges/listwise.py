"""Lists of responses: whether the place in the list decides which one is called best."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from workbench.audit.judges.item_sampling import sample_triples
from workbench.audit.measures import Measures, share_row
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question, shown
from workbench.llm.request import Request, Sampling

STAGE = "listwise"
PLACES = ("1", "2", "3")

_TASK = (
    "You read several responses to the same prompt. Decide which one serves the person who wrote "
    "the prompt best. The order in which they stand is no merit."
)
_FORM = 'Reply with one JSON object and nothing else: {"best": "1", "2" or "3"}.'
_WALD = (
    "Wald chi-square of the shares, covariance clustered by prompt, 2 df; without spread Pearson's"
)


@dataclass(frozen=True, eq=False)
class Listwise(Measures):
    """What the place in a list does."""

    heading: ClassVar[str] = "Order in lists"
    about: ClassVar[str] = (
        "Three responses in all three rotations: each stands once in every place. A judge that "
        "reads them calls the same one best each time, and no place wins more than another."
    )


def listwise(
    data: PreferenceData,
    asks: Asks,
    *,
    model: str,
    n: int = 100,
    sampling: Sampling | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Listwise:
    """Let a model choose the best of three responses, in every rotation of the list.

    Parameters
    ----------
    data : PreferenceData
        With prompts that have three different responses or more.
    asks : Asks
    model : str
    n : int
        Prompts, at most; three calls each.
    sampling : Sampling, optional
    level : float
    seed : int

    Returns
    -------
    Listwise
        The share of wins of each place (one third where the place does not count), their
        joint test, and the share of lists in which one response wins in every rotation.

    Raises
    ------
    DesignError
        No prompt has three responses.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> pairs = pd.DataFrame({"prompt": "p", "response_a": ["x", "x"], "response_b": ["yy", "zzz"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         found = listwise(data, asker, model="offline:plain")
    >>> found.to_frame()["n"].tolist()[:3]
    [3.0, 3.0, 3.0]
    """
    lists = sample_triples(data, n, seed)
    schema = object_schema({"best": {"type": "string", "enum": list(PLACES)}})
    requests = (
        Request(
            model,
            question(_TASK, {"prompt": shown(prompt), **_by_place(texts, rotation)}, _FORM),
            sampling or Sampling(),
            schema,
            about={"task": "listwise"},
        )
        for prompt, _, texts in lists
        for rotation in range(len(PLACES))
    )
    replies = asks.each(requests, STAGE, len(lists) * len(PLACES))
    best = np.array(
        [-1 if one is None or one.failed else PLACES.index(one.value["best"]) for one in replies]
    ).reshape(-1, len(PLACES))
    read: NDArray[np.bool_] = np.asarray((best >= 0).all(axis=1))
    cluster = pd.factorize(np.array([one[1] for one in lists]))[0][read]
    settings = {
        "what": f"{model}: lists of three, {int((~read).sum())} of {len(read):,} without a reply "
        "to every rotation",
        "level": level,
    }
    rows = _rows(best[read], cluster, level)
    return Listwise.from_rows(rows, settings, dataset=data.digest, seed=seed)


def _by_place(texts: list[str], rotation: int) -> dict[str, str]:
    """Return the responses by their place; place j holds the one numbered j + rotation."""
    return {f"response {p}": texts[(j + rotation) % len(PLACES)] for j, p in enumerate(PLACES)}


def _rows(best: NDArray[np.int64], cluster: Codes, level: float) -> list[dict[str, Any]]:
    """Return the measures of the places that were called best, shape (lists, rotations)."""
    n, k = best.shape
    if n == 0:
        reason = "no list was answered in every rotation"
        return [{"term": "wins of a place", "estimate": np.nan, "n": 0.0, "reason": reason}]
    wins = (best[:, :, None] == np.arange(k)).astype(float)
    every = np.repeat(cluster, k)
    rows = [
        share_row(f"wins of place {p}", wins[:, :, j].ravel(), every, level)
        for j, p in enumerate(PLACES)
    ]
    winner = (best + np.arange(k)) % k
    same = np.array([max(Counter(row).values()) == k for row in winner.tolist()], dtype=float)
    rows.append(share_row("the same response in every rotation", same, cluster, level))
    statistic, p = _wald(wins.mean(axis=1) - 1 / k, cluster)
    rows.append({"term": "chi-square of places", "estimate": statistic, "p_value": p,
                 "n": float(n * k), "n_clusters": float(cluster.max() + 1),
                 "method": _WALD})  # fmt: skip
    return rows


def _wald(excess: Array, cluster: Codes) -> tuple[float, float]:
    """Return the Wald statistic of no excess in any place, and its p-value."""
    free = excess[:, :-1]
    mean = free.mean(axis=0)
    sums = np.stack([np.bincount(cluster, column) for column in (free - mean).T], axis=1)
    n_clusters = len(sums)
    covariance = n_clusters / max(n_clusters - 1, 1) * sums.T @ sums / len(free) ** 2
    if n_clusters < 2 or np.linalg.matrix_rank(covariance) < free.shape[1]:
        # every list says the same of the places: Pearson's statistic, a prompt counting once
        k = excess.shape[1]
        pearson = float(n_clusters * k * (excess.mean(axis=0) ** 2).sum())
        return pearson, float(chdtrc(k - 1, pearson))
    statistic = float(mean @ np.linalg.solve(covariance, mean))
    return statistic, float(chdtrc(free.shape[1], max(statistic, 0.0)))
