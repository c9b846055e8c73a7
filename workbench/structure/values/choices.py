"""What judges chose: one decision a pair and shown order, and what both actions hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import dense_codes
from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.decompose.design import Design
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array, Codes
from workbench.errors import DataError, listed
from workbench.flips import paired_difference

_PERSON = "human"
METHOD = "100 (selected - neglected) / actions, score interval over clusters"


@dataclass(frozen=True, eq=False)
class Choices:
    """The decisions of one judge.

    Attributes
    ----------
    name : str
    X : ndarray, shape (n, 1)
        Shown order: +1 where A was first, -1 where B was, 0 where it is not known.
    pair : ndarray of int, shape (n,)
        Position of the pair in the data.
    weight, chosen : ndarray, shape (n,)
        Weight of the decision and P(A): 1, 0, or between where labels of the pair differ.
    cluster : ndarray of int, shape (n,)
        Without gaps.
    cluster_names : list of str, length n
    """

    name: str
    shown: Array
    pair: Codes
    weight: Array
    chosen: Array
    cluster: Codes
    cluster_names: list[str]

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1


def choices_of(design: Design, group: str) -> Choices:
    """Return the decisions of a group of a design, in an order that rows do not decide."""
    rows, cells = design.compact(design.groups.index(group))
    weight, votes = cells.weight[:, 0], cells.votes[:, 0]
    ids = design.pair_ids.to_numpy(str)[design.pair[rows]]
    keep = np.flatnonzero(weight > 0)
    order = keep[np.lexsort((design.X[rows[keep], -1], ids[keep]))]
    rows, weight, votes = rows[order], weight[order], votes[order]
    cluster = design.cluster[rows]
    return Choices(
        name=group,
        shown=design.X[rows, -1],
        pair=design.pair[rows],
        weight=weight,
        chosen=votes / weight,
        cluster=dense_codes(cluster),
        cluster_names=design.cluster_names.astype(str)[cluster].tolist(),
    )


def judges_in(data: PreferenceData, annotators: str | Iterable[str] | None) -> PreferenceData:
    """Return the labels of judges, people as one of them.

    Parameters
    ----------
    data : PreferenceData
    annotators : str or iterable of str, optional
        Names; a kind stands for all of it as one judge. People as one and everybody else when
        None.

    Examples
    --------
    >>> import workbench as wb
    >>> judges_in(wb.load("sample"), None).annotators["annotator"].tolist()[0]
    'human'
    """
    data = data.decided()
    table = data.annotators
    kinds = dict(zip(table["annotator"], table["kind"], strict=True))
    if annotators is None:
        people = [name for name, kind in kinds.items() if kind == _PERSON]
        names = [name for name in kinds if len(people) < 2 or name not in people]
        wanted = [*names, _PERSON] if len(people) > 1 else names
    else:
        wanted = list(dict.fromkeys(listed("annotators", annotators)))
    labels, of = data.labels, pd.Series(None, dtype="object", index=data.labels.index)
    for name in wanted:
        if name not in kinds and name not in set(kinds.values()):
            raise DataError(
                f"The data have no annotator {name!r}.",
                found=", ".join([*list(kinds)[:12], *sorted(set(kinds.values()))]),
                expected="the name of an annotator, or a kind",
                fix="Check the spelling; names are case-sensitive.",
            )
        column = "annotator" if name in kinds else "kind"
        # who is named stands alone, also where the kind is asked for
        of = of.mask(of.isna() & labels[column].eq(name).to_numpy(), name)
    kept = of.notna()
    chosen = labels[kept.to_numpy()].assign(annotator=of[kept].astype("str"))
    return replace(data, labels=complete_labels(chosen.drop(columns="replicate")))


def marginals(
    judge: Choices, names: list[str], held: tuple[Array, Array], least: int, level: float
) -> pd.DataFrame:
    r"""Return how often a judge selects what holds each name, whatever else it holds.

    .. math:: 100 \Big(\frac{\text{selected}}{\text{total}} - \frac{\text{neglected}}{\text{total}}
              \Big)

    over the actions that hold the name, of which a pair may have two.

    Parameters
    ----------
    judge : Choices
    names : list of str, length K
    held : tuple of ndarray, shape (pairs, K)
        How often each action holds it; above 0 counts.
    least : int
        Decisions in which one action alone holds it below which nothing is tested.
    level : float

    Returns
    -------
    DataFrame
        ``group``, the tidy columns in points, ``n`` actions, ``n_clusters, n_differ`` (decisions
        in which one action alone holds it), ``n_both, reason``.
    """
    to_a = 2 * judge.chosen - 1
    rows: list[dict[str, Any]] = []
    for k, name in enumerate(names):
        a, b = (side[judge.pair, k] > 0 for side in held)
        found = paired_difference(
            np.concatenate([to_a[a], -to_a[b]]),
            np.concatenate([judge.cluster[a], judge.cluster[b]]), level,
        )  # fmt: skip
        differ, both = int((a ^ b).sum()), int((a & b).sum())
        rows.append({"group": judge.name, "term": name, **_points(found), "n_differ": differ,
                     "n_both": both} | _untested(found, differ, least))  # fmt: skip
    table = pd.DataFrame(rows)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table


def _points(found: dict[str, Any]) -> dict[str, Any]:
    ends = ("estimate", "std_error", "conf_low", "conf_high")
    return {**found, **{name: 100 * found[name] for name in ends}}


def _untested(found: dict[str, Any], differ: int, least: int) -> dict[str, Any]:
    """Return what a rare name has in place of a test."""
    if found["n"] == 0:
        return {"reason": "no decision on an action that holds it"}
    if differ >= least:
        return {}
    why = f"rare: it tells apart the actions of {differ} decisions ({least} are needed)"
    return {"p_value": np.nan, "reason": why}
