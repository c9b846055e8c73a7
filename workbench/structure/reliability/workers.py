"""The table of workers: how often each is right, on which side, and in which place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array, Codes
from workbench.structure.labels import LEAST_EACH
from workbench.structure.reliability.answers import ALONE, Answers
from workbench.structure.reliability.effective import own_tables, share_of_side, share_right

METHOD = (
    "posterior counts, Wilson at the effective count given what the others answered, over "
    "prompts; p: one-sided score test that the worker is right less often than chance"
)
NOT_SHOWN = "the shown order is not known"
NO_CASE = "no pair of that kind"
ONE = "one answer that others can check: it says nothing of how often this worker is right"


def worker_table(found: Answers, p: Array, level: float) -> pd.DataFrame:
    """Return one row a worker.

    Parameters
    ----------
    found : Answers
    p : ndarray, shape (N, K)
        P(class) of each answer's pair without that answer.
    level : float
    """
    shared, W = found.shared(), len(found.workers)
    at_shared = np.flatnonzero(shared)
    worker, said = found.worker[at_shared], found.answer[at_shared]
    tables, truth = own_tables(worker, said, p[at_shared], W)
    slots = _slots(found, p, shared)
    order = np.argsort(worker, kind="stable")
    ends = np.cumsum(np.bincount(worker, minlength=W))[:-1]
    labels = np.bincount(found.worker, minlength=W)
    rows = []
    for w, mine in enumerate(np.split(order, ends)):
        row = _row(found, at_shared[mine], p, truth[mine], tables[w], level)
        told = len(mine) >= LEAST_EACH
        row |= slots.row(w, level) if told else _NO_SLOT | {"slot_reason": row["reason"]}
        rows.append({"term": str(found.workers[w]), **row, "n": len(mine),
                     "n_alone": int(labels[w]) - len(mine), "method": METHOD})  # fmt: skip
    table = pd.DataFrame(rows)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    names = ("term", "estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value", "n",
             "n_effective", "chance", "sensitivity", "sensitivity_low", "sensitivity_high",
             "specificity", "specificity_low", "specificity_high", "slot_bias", "slot_low",
             "slot_high", "n_shown", "n_alone", "method", "reason", "slot_reason")  # fmt: skip
    return table[list(names)]


def _row(
    found: Answers, at: Codes, p: Array, truth: Array, table: Array, level: float
) -> dict[str, Any]:
    """Return accuracy, its test, and both sides of one worker."""
    if len(at) < LEAST_EACH:
        parts = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "n_effective",
                 "chance", "sensitivity", "sensitivity_low", "sensitivity_high", "specificity",
                 "specificity_low", "specificity_high")  # fmt: skip
        return {**dict.fromkeys(parts, np.nan), "reason": ONE if len(at) else ALONE}
    said, cluster, K = found.answer[at], found.cluster[at], len(found.classes)
    mean, low, high, size = share_right(said, p[at], truth, table, cluster, level)
    often = np.bincount(said, minlength=K) / len(at)
    chance = float(often @ truth.mean(axis=0))
    spread = np.sqrt(chance * (1.0 - chance) / size)
    below = float(norm.cdf((mean - chance) / spread)) if spread > 0 else np.nan
    sides: dict[str, float] = {}
    for name, k in (("sensitivity", 0), ("specificity", K - 1)):
        side = np.full(len(at), k)
        share = share_of_side(said, side, p[at], truth, table, cluster, level)
        sides |= {name: share[0], f"{name}_low": share[1], f"{name}_high": share[2]}
    return {
        "estimate": mean, "std_error": float(np.sqrt(mean * (1.0 - mean) / size)),
        "conf_low": low, "conf_high": high, "p_value": below, "n_effective": size,
        "chance": chance, **sides, "reason": None,
    }  # fmt: skip


_NO_SLOT = {"slot_bias": np.nan, "slot_low": np.nan, "slot_high": np.nan, "n_shown": 0}


@dataclass(frozen=True)
class _Slots:
    """Answers as the first or the second shown, with tables of their own."""

    worker: Codes
    said: Codes
    p: Array
    truth: Array
    tables: Array
    cluster: Codes

    def row(self, w: int, level: float) -> dict[str, Any]:
        """Return how much oftener a worker is right where the first shown is: Newcombe's."""
        at = np.flatnonzero(self.worker == w)
        if not len(at):
            return _NO_SLOT | {"slot_reason": NOT_SHOWN}
        last = self.p.shape[1] - 1
        (a, a_low, a_high, _), (b, b_low, b_high, _) = (
            share_of_side(self.said[at], np.full(len(at), k), self.p[at], self.truth[at],
                          self.tables[w], self.cluster[at], level)
            for k in (0, last)
        )  # fmt: skip
        if np.isnan(a) or np.isnan(b):
            return _NO_SLOT | {"n_shown": len(at), "slot_reason": NO_CASE}
        down = np.sqrt((a - a_low) ** 2 + (b_high - b) ** 2)
        up = np.sqrt((a_high - a) ** 2 + (b - b_low) ** 2)
        return {"slot_bias": a - b, "slot_low": float(max(a - b - down, -1.0)),
                "slot_high": float(min(a - b + up, 1.0)), "n_shown": len(at),
                "slot_reason": None}  # fmt: skip


def _slots(found: Answers, p: Array, shared: NDArray[np.bool_]) -> _Slots:
    """Turn answers so that class 0 is the first shown, where the order is known."""
    at = np.flatnonzero(shared & (found.first >= 0))
    b_first, last = found.first[at] > 0, len(found.classes) - 1
    said = np.where(b_first, last - found.answer[at], found.answer[at])
    turned = np.where(b_first[:, None], p[at][:, ::-1], p[at])
    tables, truth = own_tables(found.worker[at], said, turned, len(found.workers))
    return _Slots(found.worker[at], said, turned, truth, tables, found.cluster[at])
