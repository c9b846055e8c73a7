"""The verb that asks a judge about templates with groups in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.groups.pools import POOL_COLUMNS, pool_rows, read_shares
from workbench.audit.judges.groups.result import COLUMNS, GroupAudit
from workbench.audit.judges.groups.templates import REFUSAL, check_pairs, group_pairs
from workbench.audit.judges.scores import scores_of
from workbench.audit.judges.statistics import MARGIN, SHIFT, shift, verdicts
from workbench.audit.measures import share_row
from workbench.data.dataset import PreferenceData
from workbench.errors import refuse_out_of_range
from workbench.json_values import json_ready
from workbench.judges.base import Judge
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

ALL = "all attributes"
OTHERS = "the others"
_LOST = "no verdict in both orders"


@on_one_thread
def audit_groups(
    judge: Judge,
    data: PreferenceData | None = None,
    *,
    shares: str | Path | pd.DataFrame | None = None,
    margin: float = MARGIN,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> GroupAudit:
    r"""Say whether a judge's choice depends on the group that a text speaks of.

    .. math:: \hat d_g = \frac1n \sum_t \Big(p_{tg} - \frac1{|O_t|} \sum_{o \in O_t} p_{to}\Big)

    with the judge's probability of the positive continuation (or of the refusal) for template
    t and group g, the mean of both orders, and the other groups O of its dimension; with two
    groups, one minus the other.

    Parameters
    ----------
    judge : Judge
        Any: LLM, reward model, rule.
    data : PreferenceData, optional
        Of :func:`workbench.group_pairs`; the set that ships when None.
    shares : str, Path or DataFrame, optional
        Votes of people by pool: ``template, pool, share`` and where known ``attribute, group``;
        the share prefers the positive continuation, or the answer.
    margin : float
        Differences within it are taken for none.
    level : float
    replicates, seed : int
        Of the bootstrap over templates, for the pools.

    Returns
    -------
    GroupAudit

    Raises
    ------
    DataError
        The pairs were not made by templates, or the votes cannot be read.
    DesignError
        An option out of range.

    Notes
    -----
    The cluster is the template: the score interval, the exact test of random signs and the two
    one-sided tests of :func:`workbench.audit_judge`, Benjamini-Hochberg over all rows. A pair of
    which one order failed is counted as lost, never as a half. Agreement with a pool is the
    Jensen-Shannon divergence of yes-no distributions; few calls make the judge's own look harder
    than it is, for every pool alike.

    Source: the question is that of Kamruzzaman et al. (Subtler Biases), of AMAMMERe and of
    MOSSBench; templates and statistics are ours.

    Examples
    --------
    >>> from workbench.audit.judges.groups.planted import GroupJudge
    >>> found = audit_groups(GroupJudge("favours", "a woman"))
    >>> found.flagged
    ['a woman']
    """
    refuse_out_of_range(
        {
            "level": (0 < level < 1, level, "between 0 and 1"),
            "margin": (0 < margin < 0.5, margin, "above 0, below 0.5"),
            "replicates": (replicates >= 100, replicates, "100 or more"),
        }
    )
    data = group_pairs() if data is None else data
    check_pairs(data)
    votes = None if shares is None else read_shares(shares)
    scores, failed, not_asked = scores_of(judge.verdicts(data), data)
    judged = data.pairs.assign(score=scores.mean(axis=1))
    # rows may come in any order: what is summed does not
    judged = judged.sort_values("pair_id", ignore_index=True)
    refused = judged["measure"].eq(REFUSAL)
    judged["value"] = judged["score"].mask(refused, 1.0 - judged["score"])
    table = pd.DataFrame(list(_rows(judged, level)))
    table = verdicts(table, margin).reindex(columns=list(COLUMNS))
    pools, contrasts, unmatched = pd.DataFrame(), pd.DataFrame(), 0
    if votes is not None:
        pools, contrasts, unmatched = pool_rows(votes, judged, level, replicates, seed)
    return GroupAudit(
        estimates=table,
        levels=pd.DataFrame(list(_levels(judged, level))),
        pools=pools.reindex(columns=list(POOL_COLUMNS)),
        contrasts=contrasts.reindex(columns=list(POOL_COLUMNS)),
        exclusions=_exclusions(judged, unmatched),
        settings={
            "judge": json_ready(judge.settings()),
            "model": judge.name,
            "n": len(judged),
            "n_templates": int(judged["template"].nunique()),
            "calls": 2 * len(judged),
            "failed": int(failed.sum()),
            "not_asked": not_asked,
            "margin": margin,
            "level": level,
            "replicates": replicates,
            "seed": seed,
        },
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _rows(judged: pd.DataFrame, level: float) -> Iterator[dict[str, Any]]:
    for (measure, dimension), own in judged.groupby(["measure", "dimension"], sort=True):
        attributes = sorted(own["attribute"].unique())
        chosen = {ALL: own} if len(attributes) > 1 else {}
        chosen |= {name: own[own["attribute"].eq(name)] for name in attributes}
        for attribute, some in chosen.items():
            about = {"measure": measure, "dimension": dimension, "attribute": attribute}
            for row in _compared(some, level):
                yield about | row


def _compared(own: pd.DataFrame, level: float) -> Iterator[dict[str, Any]]:
    """Yield each group less the others, or one of two groups less the other."""
    # several wordings of an attribute are one item
    items = own.groupby(["template", "attribute", "group"])["value"].mean().unstack("group")
    names = sorted(items)
    for name in names[:1] if len(names) == 2 else names:
        others = items.drop(columns=name)
        with np.errstate(invalid="ignore"):
            difference = (items[name] - others.mean(axis=1)).to_numpy("float64")
        known = np.isfinite(difference)
        cluster = pd.factorize(items.index.get_level_values("template")[known])[0]
        against = names[1] if len(names) == 2 else OTHERS
        yield {
            "term": f"{name} less {against}", "group": name, "against": against,
            **shift(difference[known], np.asarray(cluster, dtype=np.int64), level),
            "n_failed": int((~known).sum()), "expect": "none", "method": SHIFT,
        }  # fmt: skip


def _levels(judged: pd.DataFrame, level: float) -> Iterator[dict[str, Any]]:
    """Yield how often each group gets the positive continuation, or the refusal."""
    keys = ["measure", "dimension", "attribute", "group"]
    for key, own in judged.groupby(keys, sort=True):
        known = own.dropna(subset=["value"])
        cluster = np.asarray(pd.factorize(known["template"])[0], dtype=np.int64)
        row = share_row(str(key[-1]), known["value"].to_numpy(float), cluster, level, _LOST)
        yield dict(zip(keys, key, strict=True)) | row | {"n_failed": len(own) - len(known)}


def _exclusions(judged: pd.DataFrame, unmatched: int) -> pd.DataFrame:
    lost = judged[judged["value"].isna()].groupby("group").size()
    rows = [{"group": name, "reason": _LOST, "n": int(n)} for name, n in lost.items()]
    if unmatched:
        rows.append({"group": "votes of pools", "n": unmatched,
                     "reason": "no verdict on such a template, attribute and group"})  # fmt: skip
    return pd.DataFrame(rows, columns=["group", "reason", "n"])
