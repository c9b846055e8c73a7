"""What one judge said beside a reference: of all that was asked, and of what could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.agreement import (
    expected_agreement,
    leave_one_out,
    modes,
    of_all_asked,
    total_votes,
    unread_counts,
    vote_counts,
    vote_shares,
)
from workbench.clustered import Array, Codes, share
from workbench.data.columns import POOLS
from workbench.data.dataset import PreferenceData
from workbench.intervals import ends_text
from workbench.judges.both_orders import NO_REPEATS


@dataclass(frozen=True, eq=False)
class Said:
    """What one judge said, by pair.

    Attributes
    ----------
    votes : ndarray, shape (pairs, 3)
        How many verdicts say B, tie, A.
    unread : ndarray, shape (pairs,)
        How many could not be read, where the reference decided.
    read, asked : ndarray, shape (pairs,)
        Agreement with the mode of the reference, of the verdicts that were read and of all;
        NaN where there is none.
    """

    votes: Array
    unread: Array
    read: Array
    asked: Array


def said_by(data: PreferenceData, name: str, often: Array) -> Said:
    """Return what a judge said beside the modes of a reference's votes, shape (pairs, 3)."""
    own = data.rows_of(name)
    votes = vote_counts(data, own)
    read = expected_agreement(vote_shares(votes), often)
    there = np.isfinite(often[:, 0])
    unread = np.where(there, unread_counts(data, own), 0.0)
    asked = of_all_asked(read, np.where(there, total_votes(votes), 0.0), unread)
    return Said(votes, unread, read, asked)


def judge_row(name: str, said: Said, often: Array, cluster: Codes, level: float) -> dict[str, Any]:
    """Return a judge's agreement over all that was asked and over what was read, and the rest."""
    own = leave_one_out(said.votes) if name not in POOLS else np.full(len(often), np.nan)
    read = agreement_share(said.read, cluster, level)
    row = {"term": name, **agreement_share(said.asked, cluster, level)}
    if name in POOLS:
        row["reason"] = row["reason"] or f"no variance: {NO_REPEATS}"
    return {
        **row,
        "n_unread": float(said.unread.sum()),
        "agreement_read": read["estimate"],
        "agreement_read_low": read.get("conf_low", np.nan),
        "agreement_read_high": read.get("conf_high", np.nan),
        "n_read": read["n"],
        "bias": 1.0 - _mean(expected_agreement(modes(said.votes), often)),
        "variance": 1.0 - _mean(own),
    }


def ceiling_row(
    data: PreferenceData, theirs: Any, reference: Array, cluster: Codes, level: float
) -> dict[str, Any]:
    """Return how often one of the reference agrees with the others.

    Parameters
    ----------
    data : PreferenceData
    theirs : ndarray of bool, shape (labels,)
        Labels of the reference.
    reference : ndarray, shape (pairs, 3)
        Its votes.
    cluster : ndarray of int, shape (pairs,)
    level : float
    """
    who = data.labels[["annotator", "kind"]][theirs].drop_duplicates()
    if len(who) == 1 and who["kind"].item() in ("llm", "reward_model", "rule"):
        # its repeats would tell how far it agrees with itself
        name = who["annotator"].item()
        return {"estimate": np.nan, "n": 0.0, "reason": f"only one annotator: {name}"}
    found = agreement_share(leave_one_out(reference), cluster, level)
    return {**found, "reason": found["reason"] and "no pair has two of its verdicts"}


def agreement_share(values: Array, cluster: Codes, level: float) -> dict[str, Any]:
    """Return the mean of agreements with its interval; NaN with a reason where there is none."""
    known = np.isfinite(values)
    if not known.any():
        return {"estimate": np.nan, "n": 0.0, "reason": "no pair that both decided"}
    return share(values[known], cluster[known], level)


def unread_text(row: Mapping[Any, Any]) -> str:
    """Return how many verdicts could not be read, and the rate of the others; else nothing.

    Examples
    --------
    >>> unread_text({"n_unread": 3.0, "agreement_read": float("nan")})
    '; 3 verdicts unread, none read'
    """
    if not row["n_unread"] > 0:
        return ""
    beside = "none read"
    if pd.notna(row["agreement_read"]):
        ends = ends_text(row["agreement_read_low"], row["agreement_read_high"], row["reason"], "")
        beside = f"of those read {row['agreement_read']:.3f} {ends}, n = {row['n_read']:,.0f}"
    return f"; {row['n_unread']:,.0f} verdicts unread, {beside}"


def _mean(values: Array) -> float:
    known = np.isfinite(values)
    return float(values[known].mean()) if known.any() else np.nan
