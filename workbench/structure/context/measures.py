"""Flip rates and what a context is worth: one row a measure and group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import Array, flip_p_value, share
from workbench.decompose.errors.tidy import q_values
from workbench.flips import paired_difference
from workbench.results import TIDY
from workbench.structure.context.opposed import EXACT
from workbench.structure.context.roles import Roles
from workbench.structure.context.turns import (
    UNIT,
    between,
    negation_turns,
    per_unit,
    placebo_turns,
    repeats,
    scored,
)

COLUMNS = ["group", *TIDY, "n_clusters", "method", "reason"]

FLIPS = "flip rate"
FLIPS_GAP = "flip rate minus reference"
AGAIN = "repeats opposed"
WITH = "accuracy with context"
WITHOUT = "accuracy without context"
GAIN = "context gain"
PLACEBO_FLIPS = "placebo flips"
PLACEBO_GAP = "placebo flips minus repeats"
NEGATED_FLIPS = "negation flips"
CEILING = "best accuracy without context"

_BY_CONSTRUCTION = {
    **dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan),
    "method": "share of labels",
    "reason": EXACT,
}
_SHARE = "mean of pairs; mid-P interval at the effective number of clusters"
_PAIRED = "paired difference, score interval"
_MCNEMAR = f"{_PAIRED}; p: exact McNemar test by clusters"
_HALF = "mean of pairs; p: against one half, signs of clusters"


def measures(
    said: pd.DataFrame,
    truth: pd.DataFrame | None,
    name: str | None,
    roles: Roles,
    opposed: pd.Index,
    level: float,
) -> pd.DataFrame:
    """Return flip rates, accuracies and their differences of every group.

    Parameters
    ----------
    said : DataFrame
        From :func:`workbench.structure.context.said.said_of`.
    truth : DataFrame, optional
        Reference by pair and criterion.
    name : str, optional
        Group that the reference is: it gets no accuracy against itself.
    roles : Roles
    opposed : Index
        Pairs whose two criteria are opposed in the reference.
    level : float

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`; q by Benjamini and Hochberg over all rows with a test.
    """
    rows: list[dict[str, Any]] = []
    contexts = said[said["criterion"].isin(roles.contexts)]
    base = None if name is None else _flips_of(contexts[contexts["group"] == name])
    if truth is not None and len(roles.contexts) > 1:
        rows.append(_ceiling(truth[truth["criterion"].isin(roles.contexts)], name, opposed, level))
    for group, own in said.groupby("group", sort=True, observed=True):
        mine = own[own["criterion"].isin(roles.contexts)]
        rows += [{"group": group, **row} for row in _turns(own, mine, roles, level)]
        if truth is None or group == name:
            continue
        rows += [{"group": group, **row} for row in _worth(own, mine, truth, roles, opposed, level)]
        if base is not None and len(base):
            rows.append({"group": group, **_gap(mine, contexts, str(name), level)})
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))


def _flips_of(contexts: pd.DataFrame) -> pd.DataFrame:
    return between(contexts) if len(contexts) else contexts


def _turns(
    own: pd.DataFrame, mine: pd.DataFrame, roles: Roles, level: float
) -> Iterator[dict[str, Any]]:
    if len(roles.contexts) > 1:
        flips = between(mine)
        yield _share(
            FLIPS, flips, level, "no pair was labelled under two criteria by one annotator"
        )
    again = repeats(own)
    if len(again):
        yield _share(AGAIN, per_unit(again), level, "")
    if own["criterion"].isin(roles.placebos).any():
        placebo = per_unit(placebo_turns(own, roles))
        lacking = f"no label without a criterion ({roles.blind or 'overall'}) on the same pairs"
        yield _share(PLACEBO_FLIPS, placebo, level, lacking)
        noise = per_unit(again[again["criterion"] == roles.blind])
        both = placebo.merge(noise, on=UNIT, suffixes=("", "_again"))
        yield _paired(PLACEBO_GAP, both["value"] - both["value_again"], both, level,
                      "the question without a criterion was not asked twice")  # fmt: skip
    if own["criterion"].isin(list(roles.negated)).any():
        turned = negation_turns(own, roles)
        lacking = "no pair was labelled under a criterion and its negation"
        row = _share(NEGATED_FLIPS, turned, level, lacking)
        if len(turned):
            sums = _sums(np.sign(turned["value"] - 0.5), turned)
            row |= {"p_value": flip_p_value(sums), "method": _HALF}
        yield row


def _worth(
    own: pd.DataFrame,
    mine: pd.DataFrame,
    truth: pd.DataFrame,
    roles: Roles,
    opposed: pd.Index,
    level: float,
) -> Iterator[dict[str, Any]]:
    told = scored(mine, truth)
    yield _share(WITH, told.assign(value=told["hit"]), level, "no label that the reference has too")
    blind = own[own["criterion"] == roles.blind].drop(columns="criterion")
    asked = truth[truth["criterion"].isin(roles.contexts)]
    spread = blind.merge(asked[["pair", "criterion"]], on="pair")
    unaware = scored(spread, truth)
    lacking = f"no label without a criterion ({roles.blind or 'overall'})"
    without = _share(WITHOUT, unaware.assign(value=unaware["hit"]), level, lacking)
    if len(unaware) and unaware["pair"].isin(opposed).all():
        without |= _BY_CONSTRUCTION
    yield without
    both = told.merge(unaware[["annotator", "pair", "criterion", "hit"]],
                      on=["annotator", "pair", "criterion"], suffixes=("", "_blind"))  # fmt: skip
    gain = both["hit"] - both["hit_blind"]
    row = _paired(GAIN, gain, both, level, lacking)
    if len(both):
        # ties are half a hit: twice the gain is a whole number
        row |= {"p_value": flip_p_value(_sums(2 * gain, both)),
                "method": _MCNEMAR}  # fmt: skip
    yield row


def _gap(mine: pd.DataFrame, contexts: pd.DataFrame, name: str, level: float) -> dict[str, Any]:
    """Return the flips of a group minus those of the reference, on what both labelled."""
    reference = contexts[contexts["group"] == name]
    key = ["pair", "criterion"]
    shared = mine[key].drop_duplicates().merge(reference[key].drop_duplicates(), on=key)
    sides = [
        between(part.merge(shared, on=key)).groupby(["pair", "cluster"], sort=True)["value"].mean()
        for part in (mine, reference)
    ]
    both = pd.concat(sides, axis=1, keys=["mine", "theirs"]).dropna().reset_index()
    lacking = "no pair was labelled by both under the same two criteria"
    return _paired(FLIPS_GAP, both["mine"] - both["theirs"], both, level, lacking)


def _ceiling(
    truth: pd.DataFrame, name: str | None, opposed: pd.Index, level: float
) -> dict[str, Any]:
    """Return how often the best answer that ignores the criterion can be right."""
    decided = truth[truth["side"] != 0]
    sums = decided.groupby(["pair", "cluster"], sort=True)["side"].agg(["sum", "size"])
    sums = sums[sums["size"] > 1].reset_index()
    value = 0.5 + (sums["sum"] / sums["size"]).abs() / 2
    row = _share(CEILING, sums.assign(value=value), level, "no pair has two decided criteria")
    if len(sums) and sums["pair"].isin(opposed).all():
        row |= _BY_CONSTRUCTION
    return {"group": name or "reference", **row}


def _sums(values: pd.Series, found: pd.DataFrame) -> Array:
    return np.bincount(found["cluster"], values).astype(np.float64)


def _share(term: str, found: pd.DataFrame, level: float, lacking: str) -> dict[str, Any]:
    values, cluster = found["value"].to_numpy("float64"), found["cluster"].to_numpy("int64")
    row = {"term": term, "method": _SHARE, **share(values, cluster, level)}
    return row if len(found) else row | {"reason": lacking}


def _paired(
    term: str, values: pd.Series, found: pd.DataFrame, level: float, lacking: str
) -> dict[str, Any]:
    numbers, cluster = values.to_numpy("float64"), found["cluster"].to_numpy("int64")
    row = {"term": term, "method": _PAIRED, **paired_difference(numbers, cluster, level)}
    return row if len(found) else row | {"reason": lacking}
