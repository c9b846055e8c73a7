"""Agreement with a reference of a panel and its members, and what the panel gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.board_rows import agreement_share
from workbench.audit.judges.verdicts.elsewhere import Pick, beyond_best, chosen_elsewhere
from workbench.calibration.panel.combine import Combined
from workbench.calibration.panel.votes import Mask, Votes
from workbench.clustered import Array, Codes
from workbench.data.split import folds as fold_numbers
from workbench.decompose.errors.tidy import q_values
from workbench.intervals import MID_P

AGREEMENT = f"1 - |a - b| against the mode of the reference, {MID_P}"
GAIN = "paired, best member chosen on the other folds, score interval over clusters"
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds of the prompts that the reference labelled.

    Attributes
    ----------
    fold : ndarray of int, shape (n,)
        ``number`` where the prompt has no pair of the reference.
    number : int
        0 where there are too few prompts.
    reason : str or None
        Why there are none.
    """

    fold: Codes
    number: int
    reason: str | None


def folds_of(votes: Votes, names: pd.Series, folds: int, seed: int) -> Folds:
    """Return the folds of prompts; none where there are too few."""
    inside = np.isin(votes.cluster, np.unique(votes.cluster[votes.people]))
    prompts = len(np.unique(votes.cluster[inside]))
    if prompts < folds:
        why = f"{prompts} prompts of the reference, fewer than {folds} folds"
        return Folds(np.zeros(len(inside), dtype=np.int64), 0, why)
    fold = np.full(len(inside), folds)
    fold[inside] = fold_numbers(names.to_numpy()[inside].astype(str), folds, seed)
    return Folds(fold, folds, None)


def member_rows(votes: Votes, agree: Array, costs: Array, level: float) -> pd.DataFrame:
    """Return one row a member: agreement, and how many verdicts there are of it and why not."""
    rows = []
    for j, name in enumerate(votes.members):
        row = agreement_share(agree[:, j], votes.cluster, level)
        rows.append({"group": "member", "term": name, **row, **_counts(votes, j)})
    return pd.DataFrame(rows).assign(cost=costs, method=AGREEMENT)


def _counts(votes: Votes, j: int) -> dict[str, float]:
    given = votes.given[:, j]
    return {
        "n_verdicts": float(given.sum()), "n_ties": float((votes.side[:, j] == 0).sum()),
        "n_contradicted": float(votes.opposed[:, j].sum()),
        "n_abstained": float(votes.abstained[:, j].sum()),
        "n_unread": float(votes.unread[:, j].sum()),
        "n_missing": float(votes.missing[:, j].sum()),
    }  # fmt: skip


def panel_agreement(votes: Votes, found: Combined) -> Array:
    """Return agreement of a panel, shape (n,); where nobody asked could be read it is 0."""
    return votes.agreement(found.side, np.asarray(votes.unread.any(axis=1)))


def panel_rows(
    votes: Votes, panels: dict[str, Combined], agree: dict[str, Array], level: float
) -> pd.DataFrame:
    """Return one row a panel: its agreement, held out, and its verdicts."""
    rows = []
    for name, found in panels.items():
        row = agreement_share(agree[name], votes.cluster, level)
        rows.append({
            "group": "panel", "term": name, **row,
            "n_verdicts": float(np.isfinite(found.side).sum()),
            "n_ties": float((found.side == 0).sum()),
        })  # fmt: skip
    return pd.DataFrame(rows).assign(method=AGREEMENT)


def contenders(agree: Array, people: Mask) -> Array:
    """Return which members judged at least half of the pairs of the reference, shape (k,)."""
    return np.asarray(np.isfinite(agree).sum(axis=0) >= _HALF * max(people.sum(), 1))


def gain_rows(
    votes: Votes, agree: Array, panels: dict[str, Array], folds: Folds, level: float
) -> pd.DataFrame:
    """Return what each panel agrees more than the member that was best on other prompts.

    Members that judged less than half of the pairs of the reference are no contenders; the
    difference is on the pairs that all contenders judged.
    """
    rows = []
    for name, own in panels.items():
        row = gain_row(votes, agree, own[:, None], folds, beyond_best, level)
        rows.append({"term": f"{name}, minus the best member", "panel": name, **row})
    table = pd.DataFrame(rows).assign(method=GAIN)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table


def gain_row(
    votes: Votes, agree: Array, own: Array, folds: Folds, pick: Pick, level: float
) -> dict[str, Any]:
    """Return a difference chosen on other prompts, of contenders and columns of one's own.

    Parameters
    ----------
    votes : Votes
    agree : ndarray, shape (n, k)
    own : ndarray, shape (n, p)
        Stand behind the contenders.
    folds : Folds
    pick : callable
    level : float
    """
    blank: dict[str, Any] = dict.fromkeys(
        ("estimate", "std_error", "conf_low", "conf_high", "p_value"), np.nan
    ) | {"n": 0.0, "n_clusters": 0.0, "best": None, "spread": np.nan}
    able = contenders(agree, votes.people)
    if folds.number == 0:
        return blank | {"reason": folds.reason}
    if able.sum() < 2:
        why = "fewer than two members judged half of the pairs of the reference"
        return blank | {"reason": why}
    values = np.concatenate([agree[:, able], own], axis=1)
    rows = np.isfinite(values).all(axis=1)
    fold = folds.fold[rows]
    if len(np.unique(fold)) < folds.number:
        why = "too few prompts that all contenders judged"
        return blank | {"n": float(rows.sum()), "reason": why}
    found = chosen_elsewhere(values[rows], pick, votes.cluster[rows], fold, level)
    names = np.array(votes.members)[able]
    return blank | found.row | {"best": _best(names, found.weights), "spread": found.spread}


def _best(names: Array, weights: Array) -> str:
    """Return which members were the best, and in how many folds, where not in all."""
    taken = -np.minimum(weights[:, : len(names)], 0.0)
    folds = (taken > 0).sum(axis=0)
    chosen = sorted(zip(-folds, names, strict=True))
    told = [(str(name), -count) for count, name in chosen if count < 0]
    if len(told) == 1:
        return told[0][0]
    return ", ".join(f"{name} ({count} fold{'s' if count > 1 else ''})" for name, count in told)
