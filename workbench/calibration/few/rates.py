"""Win rates and agreement as people would see them, of every judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.agreement import same_side
from workbench.audit.judges.verdicts.by_verdict import METHOD, by_verdict
from workbench.calibration.few.inputs import Beside
from workbench.clustered import Array

WIN, AGREEMENT = "win rate", "agreement"
A_PREFERRED = "A preferred"

_TIE = 2
"""The kind of a verdict that is a tie."""

_KEPT = ("estimate", "std_error", "conf_low", "conf_high", "people", "people_low", "people_high",
         "power", "effective_labels", "n_clusters", "reason")  # fmt: skip


def rates(beside: Beside, models: Models | None, level: float) -> list[pd.DataFrame]:
    """Return agreement of each judge, and the win rate of each model, or of A without names.

    Parameters
    ----------
    beside : Beside
    models : Models, optional
    level : float

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.calibration.few.inputs import lay
    >>> [table["term"][0] for table in rates(lay(wb.load("sample"), None, "human"), None, 0.95)]
    ['agreement', 'A preferred']
    """
    found = [_agreement(beside, level)]
    if models is None:
        return [*found, _rate(beside, A_PREFERRED, beside.said, beside.kinds, level)]
    for m, name in enumerate(models.names):
        first, second = models.first == m, models.second == m
        mine = first ^ second
        if mine.any():
            own, turned = beside.take(mine), second[mine]
            said = np.where(turned, 1 - own.said, own.said)
            kinds = np.where(turned[:, None] & (own.kinds >= 0), 2 * _TIE - own.kinds, own.kinds)
            scores = np.where(turned[:, None], 1 - own.scores, own.scores)
            found.append(_rate(own, name, said, kinds.astype(np.int8), level, scores))
    return found


class Models:
    """The models of a pair.

    Attributes
    ----------
    names : list of str
    first, second : ndarray of int, shape (N,)
        Position of the model of A and of B in ``names``; -1 without a name.
    """

    def __init__(self, first: pd.Series, second: pd.Series) -> None:
        self.names = sorted({*first.dropna(), *second.dropna()})
        index = pd.Index(self.names)
        self.first: NDArray[np.int64] = index.get_indexer(first).astype(np.int64)
        self.second: NDArray[np.int64] = index.get_indexer(second).astype(np.int64)

    def take(self, which: NDArray[np.bool_]) -> Models:
        """Return the models of some pairs, with all names."""
        part = object.__new__(Models)
        part.names, part.first, part.second = self.names, self.first[which], self.second[which]
        return part

    def design(self) -> tuple[Array, Array]:
        """Return differences of the models of pairs, and what tells ratings that sum to 0.

        Returns
        -------
        X : ndarray, shape (N, M - 1)
        told : ndarray, shape (M, M - 1)
        """
        M = len(self.names)
        told = np.vstack([np.eye(M - 1), -np.ones(M - 1)])
        return told[self.first] - told[self.second], told


def _agreement(beside: Beside, level: float) -> pd.DataFrame:
    parts = []
    for j in range(len(beside.judges)):
        scores, kind = beside.scores[:, j : j + 1], beside.kinds[:, j : j + 1]
        # how clear a verdict is, whichever side it is for
        clear = np.where(kind >= 0, _TIE + np.abs(kind - _TIE), kind).astype(np.int8)
        agreed = same_side(scores[:, 0], beside.said)
        parts.append(by_verdict(clear, agreed, beside.weight, beside.cluster, level))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _table(beside, AGREEMENT, AGREEMENT, found)


def _rate(
    beside: Beside, term: str, said: Array, kinds: NDArray[np.int8], level: float,
    scores: Array | None = None,
) -> pd.DataFrame:  # fmt: skip
    found = by_verdict(kinds, said, beside.weight, beside.cluster, level)
    own = beside.scores if scores is None else scores
    there = np.isfinite(own)
    total, n = np.where(there, own, 0.0).sum(axis=0), there.sum(axis=0)
    found["judge"] = np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
    bias = _bias(beside, kinds, own, said, level)
    return _table(beside, WIN, term, found).assign(**bias)


def _bias(
    beside: Beside, kinds: NDArray[np.int8], scores: Array, said: Array, level: float
) -> dict[str, Array]:
    """Return each judge's rate minus the people's, with an error of its own.

    Judge and people saw the same pairs: what is uncertain of both is not of their difference.
    """
    parts = [
        by_verdict(kinds[:, j : j + 1], (1 + scores[:, j] - said) / 2, beside.weight,
                   beside.cluster, level)
        for j in range(len(beside.judges))
    ]  # fmt: skip
    ends = {"bias": "estimate", "bias_low": "conf_low", "bias_high": "conf_high"}
    return {name: 2 * np.concatenate([part[end] for part in parts]) - 1
            for name, end in ends.items()}  # fmt: skip


def _table(beside: Beside, what: str, term: str, found: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": beside.judges, "what": what, "term": term,
            **{name: found[name] for name in _KEPT}, "judge": found.get("judge", np.nan),
            "n": found["n_people"], "n_pairs": found["n"], "method": METHOD,
        }
    )  # fmt: skip
