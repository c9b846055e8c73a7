"""One group of annotators: everything that is asked of its labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.structure.transitivity.comparisons import Comparisons, Edges, comparisons, part
from workbench.structure.transitivity.cyclic_model import HeldOut, held_out
from workbench.structure.transitivity.energy import Energy, energy, hodge_of, worst_triangles
from workbench.structure.transitivity.mixture import Mixture, mixture
from workbench.structure.transitivity.pools import APART_ONLY, composition, pools, too_large
from workbench.structure.transitivity.stochastic import stochastic_transitivity
from workbench.structure.transitivity.triads import nulls, people_table, triad_row, triads_of

PEOPLE = ("human", "unknown")
"""Kinds whose annotators may be slots of several people."""

_WORST = 20
_EVIDENCE = 10


@dataclass(frozen=True, eq=False)
class Group:
    """What was found for one group.

    Attributes
    ----------
    name : str
    found : Comparisons
    energy : Energy
    decided : Energy or None
        Of the labels that are no ties, where there are both.
    pool_energies : DataFrame
        One row a pool of annotators: ``pool, n_edges, annotators, estimate, null, p_value, n,
        reason``; empty where all edges are of one.
    pools_reason : str or None
        Why pools that share some annotators were not looked for.
    mixture : Mixture or None
        The energy against rankings of each person's own, where several have labels enough.
    triads : DataFrame
        One row a null.
    people, stochastic, triples, triangles, edges : DataFrame
    n_triangles : int
    held_out : HeldOut
    evidence : tuple of str
        Pairs behind the worst triangle.
    """

    name: str
    found: Comparisons
    energy: Energy
    decided: Energy | None
    pool_energies: pd.DataFrame
    pools_reason: str | None
    mixture: Mixture | None
    triads: pd.DataFrame
    people: pd.DataFrame
    stochastic: pd.DataFrame
    triples: pd.DataFrame
    triangles: pd.DataFrame
    edges: pd.DataFrame
    n_triangles: int
    held_out: HeldOut
    evidence: tuple[str, ...]

    def without(self, other: pd.DataFrame) -> Group:
        """Return the group with more labels that were left out: ``reason, n``."""
        gone = pd.concat([self.found.exclusions, other], ignore_index=True)
        return replace(self, found=replace(self.found, exclusions=gone))


def group_of(
    data: PreferenceData, name: str, annotators: str | list[str] | None, settings: dict[str, Any]
) -> Group:
    """Return everything about one group of annotators.

    Raises
    ------
    DesignError
        Its labels cannot be compared.
    """
    level, seed = settings["level"], settings["seed"]
    simulations = settings["simulations"]
    found = comparisons(data, annotators, settings["context"])
    made = triads_of(found)
    # a person is what repeats; where there is one only, a context
    by = made.person if len(np.unique(made.person)) > 1 else made.context
    observed = triad_row(made, by, level)
    triads = pd.DataFrame(
        [{**observed, **null.row(observed["estimate"], level)}
         for null in nulls(made, simulations, seed)]
    )  # fmt: skip
    unsure = found.edges.unsure
    whole = energy(found.edges, simulations, level, seed)
    counts = _composition(data, found)
    pool = pools(counts)
    decided = None
    if found.edges.ties.any() and whole.reason is None:
        without = part(found, found.y != 0.5)
        if not isinstance(without, str):
            decided = energy(without, simulations, level, seed, whole=False)
    kinds, triples = stochastic_transitivity(found.edges, simulations, seed)
    # without a design effect that is known no triangle has an error
    triangles = worst_triangles(found.edges, level) if unsure is None else pd.DataFrame()
    return Group(
        name=name,
        found=found,
        energy=whole,
        decided=decided,
        pool_energies=_per_pool(found, pool, simulations, level, seed),
        pools_reason=APART_ONLY if too_large(counts) else None,
        mixture=mixture(found, whole, simulations, level, seed),
        triads=triads,
        people=people_table(made, found.people, level),
        stochastic=kinds,
        triples=triples,
        triangles=triangles.head(_WORST),
        edges=_edge_table(found.edges, pool),
        n_triangles=len(triangles),
        held_out=held_out(found, settings["folds"], level, seed),
        evidence=_behind(data, found, triangles),
    )


def _composition(data: PreferenceData, found: Comparisons) -> Array:
    """Return the labels of each edge by the group's annotators and all people beside them.

    A slot such as ``human_1`` is different people in different places: the slots beside it
    tell where. A judge that is no person is the same everywhere.
    """
    labels = data.labels
    mine = labels["annotator"].isin(found.people)
    slots = set(labels["kind"][mine]) & set(PEOPLE)
    beside = (mine | labels["kind"].isin(slots)).to_numpy() & labels[
        "preference"
    ].notna().to_numpy()
    place = {name: k for k, name in enumerate(found.edges.items)}
    row = data.pair_rows[beside]
    sides = [
        data.pairs[side].astype("object").map(lambda v: place.get(str(v), -1)).to_numpy()[row]
        for side in ("model_a", "model_b")
    ]
    edges = found.edges
    return composition(
        labels[beside], sides[0], sides[1], edges.first, edges.second, len(edges.items)
    )[0]


def _per_pool(
    found: Comparisons, pool: NDArray[np.int64], simulations: int, level: float, seed: int
) -> pd.DataFrame:
    """Return the test of each pool alone."""
    if pool.max() == 0:
        return pd.DataFrame()
    rows = []
    for k in range(int(pool.max()) + 1):
        kept = pool[found.edge] == k
        who = sorted(found.people.take(np.unique(found.person[kept & (found.person >= 0)])))
        row: dict[str, Any] = {
            "pool": f"pool {k + 1}", "n_edges": int((pool == k).sum()),
            "annotators": ", ".join(map(str, who[:6])) + (" ..." if len(who) > 6 else ""),
            "estimate": np.nan, "null": np.nan, "p_value": np.nan, "n": int(kept.sum()),
            "reason": None,
        }  # fmt: skip
        edges = part(found, kept)
        if isinstance(edges, str):
            row["reason"] = edges
        else:
            own = energy(edges, simulations, level, seed, whole=False)
            row |= {"estimate": own.value, "null": own.null, "p_value": own.p_value,
                    "reason": own.reason}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _edge_table(edges: Edges, pool: NDArray[np.int64]) -> pd.DataFrame:
    hodge = hodge_of(edges)
    Y = edges.log_odds(edges.share)
    names = np.asarray(edges.items, dtype=object)
    return pd.DataFrame({
        "item_1": names[edges.first], "item_2": names[edges.second], "share": edges.share,
        "n": edges.labels, "n_tied": edges.ties, "log_odds": Y,
        "ranked": hodge.incidence @ hodge.potentials(Y), "bradley_terry": edges.logits,
        "pool": pool + 1,
    })  # fmt: skip


def _behind(data: PreferenceData, found: Comparisons, worst: pd.DataFrame) -> tuple[str, ...]:
    """Return the pairs of the most certain triangle, those that say so first."""
    if worst.empty:
        return ()
    items = [found.edges.items.index(worst[f"item_{k}"].iloc[0]) for k in (1, 2, 3)]
    ids = data.pairs["pair_id"].to_numpy()
    chosen: list[str] = []
    for i, j in zip(items, [*items[1:], items[0]], strict=True):
        mine = (found.a == min(i, j)) & (found.b == max(i, j))
        says = found.y > 0.5 if i < j else found.y < 0.5
        chosen += sorted(set(ids[found.row[mine & says]]))[: _EVIDENCE // 3]
    return tuple(chosen)
