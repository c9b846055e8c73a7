"""Labels on pairs of items as arrays: who said what in which context, and sums over edges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes
from workbench.errors import DesignError
from workbench.ratings.battles import Battles, collect
from workbench.ratings.comparable import comparable
from workbench.ratings.errors import collapse
from workbench.ratings.kernel import Likelihood, fit
from workbench.structure.transitivity.content import by_content
from workbench.structure.transitivity.repetition import repetition

PROMPT = "prompt"

MOST_ITEMS = 300
"""Items above which no cycles are looked for: the work grows with their cube, times draws."""


@dataclass(frozen=True, eq=False)
class Edges:
    r"""Labels summed over each two items that met, the first one rated lower.

    Attributes
    ----------
    items : list of str
        Names of the M items, by their Bradley-Terry rating.
    first, second : ndarray of int, shape (E,)
        ``first < second``.
    labels, ties : ndarray, shape (E,)
        Labels, and how many of them are ties.
    weight, won : ndarray, shape (E,)
        Labels of equal weight that say as much, :math:`(\sum w)^2 / \sum w^2`, and that times
        the weighted share of the first (a tie half).
    tied : ndarray, shape (E,)
        Weighted share of ties.
    strength : ndarray, shape (M,)
        Bradley-Terry ratings in logits, of sum 0.
    per_vote : ndarray, shape (E,)
        Labels that say as much as one that stands alone: above 1 where labels of one cluster
        repeat each other on the same two items.
    unsure : str or None
        Why that is not known well enough for a test.
    """

    items: list[str]
    first: Codes
    second: Codes
    labels: Array
    ties: Array
    weight: Array
    won: Array
    tied: Array
    strength: Array
    per_vote: Array
    unsure: str | None

    @property
    def logits(self) -> Array:
        """Bradley-Terry's logit of each edge."""
        return np.asarray(self.strength[self.first] - self.strength[self.second])

    def log_odds(self, share: Array) -> Array:
        """Return log-odds, half a label added to each side, of shares (E,) or (E, R)."""
        n = self.weight if share.ndim == 1 else self.weight[:, None]
        return np.asarray(np.log((n * share + 0.5) / (n * (1.0 - share) + 0.5)))

    @property
    def share(self) -> Array:
        """Share of the first item on each edge."""
        return np.asarray(self.won / self.weight)


@dataclass(frozen=True, eq=False)
class Comparisons:
    """The labels of one group of annotators.

    Attributes
    ----------
    edges : Edges
    a, b : ndarray of int, shape (n,)
        Items of each label, ``a < b``; ``y`` is P(a preferred).
    y, weight : ndarray, shape (n,)
        Weights of mean 1.
    person, context : ndarray of int, shape (n,)
        Codes; -1 where no single person, or no context, is known.
    cluster : ndarray of str, shape (n,)
        What is resampled and held out: prompts, or people where all is one context.
    row : ndarray of int, shape (n,)
        Position of the pair in ``data.pairs``.
    people, contexts : Index
        By what they hold, not by name.
    exclusions : DataFrame
        ``reason, n``.
    reasons : dict of str to str
        Why an item could not be compared.
    """

    edges: Edges
    a: Codes
    b: Codes
    y: Array
    weight: Array
    person: Codes
    context: Codes
    cluster: NDArray[np.str_]
    row: Codes
    people: pd.Index
    contexts: pd.Index
    exclusions: pd.DataFrame
    reasons: dict[str, str]

    def __len__(self) -> int:
        return len(self.a)

    @property
    def edge(self) -> Codes:
        """Position of each label's two items in ``edges``."""
        M = len(self.edges.items)
        keys = self.edges.first * M + self.edges.second
        return np.searchsorted(keys, self.a * M + self.b)

    @property
    def clusters(self) -> Codes:
        """Codes of the clusters, in the order of their names."""
        return np.unique(self.cluster, return_inverse=True)[1]


def with_items(data: PreferenceData, items: str) -> PreferenceData:
    """Return the data with the items of any two columns where models are looked for.

    Raises
    ------
    DesignError
        No columns ``<items>_a`` and ``<items>_b``.
    """
    if items == "model":
        return data
    sides = [f"{items}_a", f"{items}_b"]
    if not set(sides) <= set(data.pairs):
        raise DesignError(
            "There are no items to rank.",
            found="columns " + ", ".join(map(str, data.pairs.columns)),
            expected=" and ".join(sides),
            fix="Name the columns when loading: --map model_a=COLUMN --map model_b=COLUMN.",
        )
    pairs = data.pairs.assign(model_a=data.pairs[sides[0]], model_b=data.pairs[sides[1]])
    return replace(data, pairs=pairs)


def comparisons(
    data: PreferenceData, annotator: str | list[str] | None, context: str | None
) -> Comparisons:
    """Lay out the labels of one group on items that can be compared.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion, items in ``model_a`` and ``model_b``.
    annotator : str, list of str or None
        As :func:`workbench.rate` takes it.
    context : str or None
        Column of pairs in which triads are looked for; ``"prompt"``: the prompt, or the cluster
        of pairs without text; None: all labels are of one context.

    Raises
    ------
    DesignError
        No label on named items, fewer than three that can be compared, or too many.
    """
    battles = collect(data, annotator=annotator, covariates=[], ties="half")
    rated, reasons = comparable(battles)
    if len(rated) < 3:
        why = "; ".join(f"{name}: {text}" for name, text in list(reasons.items())[:3])
        raise DesignError(
            "Fewer than three items can be compared, and two make no cycle.",
            found=f"{len(rated)} of {len(battles.models)} items" + (f" ({why})" if why else ""),
            expected="at least three that have each won against others, directly or by a chain",
            fix="Add comparisons of further items.",
        )
    used = battles.subset(rated)
    labels, pairs = data.labels, data.pairs
    row = data.pair_rows[used.label]
    name = labels["annotator"].to_numpy()[used.label]
    cluster = pairs["cluster"].astype("str").to_numpy(dtype=object)[row]
    if "n_votes" in labels:
        # the votes behind one share are of several people, and nobody knows of which
        several = labels["n_votes"].to_numpy("float64")[used.label] > 1
        name = np.where(several, None, name)
        # votes of a count table are clusters of their own, as they are for ratings
        by_label = pd.Series(used.cluster).groupby(used.label)
        later = used.cluster != by_label.transform("min").to_numpy()
        place = by_label.cumcount().astype("str").to_numpy()
        cluster = np.where(later, cluster + " " + place, cluster)
    person, people = pd.factorize(pd.Series(name, dtype="str"), sort=True)
    where = _contexts(pairs, context).take(row)
    code, contexts = pd.factorize(where, sort=True)
    if context is None and len(people) > 1:
        cluster = np.where(person >= 0, people.take(np.maximum(person, 0)), cluster)
    cluster = cluster.astype(str)
    codes = np.unique(cluster, return_inverse=True)[1]
    edges, a, b, y = ordered(replace(used, cluster=codes))
    said = (a, b, np.round(y, 9), np.round(used.weight, 9))
    person, code, people, contexts = by_content(person, code, people, contexts, said)
    if context is None and len(people) > 1:
        # folds go by name: a person's is the number
        cluster = np.where(person >= 0, np.char.add("person ", person.astype(str)), cluster)
    lost = len(battles) - len(used)
    gone = battles.exclusions
    if lost:
        extra = pd.DataFrame([{"reason": "an item that cannot be compared", "n": lost}])
        gone = pd.concat([gone, extra], ignore_index=True)
    return Comparisons(
        edges, a, b, y, used.weight / used.weight.mean(), person, code, cluster, row,
        pd.Index(people), pd.Index(contexts), gone, reasons,
    )  # fmt: skip


def strengths(battles: Battles) -> Array:
    """Return Bradley-Terry ratings of comparable items, ties half, of sum 0.

    Raises
    ------
    DesignError
        The likelihood has no finite maximum.
    """
    rows, votes = collapse(battles, davidson=False)
    found = fit(Likelihood(rows, davidson=False, ridge=0.0), votes)
    if not found.converged:
        raise DesignError(
            "The ratings have no finite maximum.",
            found="a likelihood that grows without end",
            expected="wins and losses that no ordering of the items explains fully",
            fix="Add comparisons of items that are close.",
        )
    return np.asarray(found.phi[: len(battles.models)])


def ordered(used: Battles) -> tuple[Edges, Codes, Codes, Array]:
    """Return comparable battles as edges, and each battle's items ``a < b`` and P(a preferred).

    Raises
    ------
    DesignError
        More than :data:`MOST_ITEMS` items, or no finite ratings.
    """
    if len(used.models) > MOST_ITEMS:
        raise DesignError(
            f"{len(used.models):,} items are too many to look for cycles among.",
            found=f"{len(used.models):,} items that can be compared, {len(used):,} labels",
            expected=f"at most {MOST_ITEMS:,} items",
            fix="Keep the items that have most labels, or map model_a and model_b to what made "
            "the texts where they hold the texts themselves.",
        )
    # the unit of weights says nothing: neither where a fit stops nor where sums underflow
    used = replace(used, weight=used.weight / used.weight.mean())
    strength = strengths(used)
    # by rating, then by name: other names and sides give the same draws
    order = np.lexsort((np.arange(len(strength)), np.round(strength, 9)))
    place = np.argsort(order)
    a, b = place[used.a], place[used.b]
    y = np.where(a > b, 1.0 - used.preference, used.preference)
    a, b = np.minimum(a, b), np.maximum(a, b)
    M, weight = len(order), used.weight
    keys, edge = np.unique(a * M + b, return_inverse=True)
    tie = (y == 0.5).astype(np.float64)
    total, square, won, tied, ties = (
        np.asarray(np.bincount(edge, values), dtype=np.float64)
        for values in (weight, weight**2, weight * y, weight * tie, tie)
    )
    share, votes = won / total, total**2 / square
    per_vote, unsure = repetition(edge, used.cluster, y, share)
    edges = Edges(
        [used.models[k] for k in order], keys // M, keys % M,
        np.bincount(edge).astype(np.float64), ties, votes, share * votes, tied / total,
        strength[order], per_vote, unsure,
    )  # fmt: skip
    return edges, a, b, y


def part(found: Comparisons, kept: NDArray[np.bool_]) -> Edges | str:
    """Return the edges of some of the labels with strengths of their own, or why there are none.

    Parameters
    ----------
    found : Comparisons
    kept : ndarray of bool, shape (n,)
    """
    cluster = np.unique(found.cluster[kept], return_inverse=True)[1]
    n = int(kept.sum())
    battles = Battles(
        models=found.edges.items, a=found.a[kept], b=found.b[kept], preference=found.y[kept],
        weight=found.weight[kept], X=np.zeros((n, 0)), covariates=[], cluster=cluster,
        n_clusters=int(cluster.max(initial=-1)) + 1, exclusions=pd.DataFrame(),
    )  # fmt: skip
    return edges_among(battles)


def edges_among(battles: Battles) -> Edges | str:
    """Return the edges of the items that can be compared, or why there are none."""
    rated, _ = comparable(battles)
    if len(rated) < 3:
        return "fewer than three items can be compared within it"
    try:
        return ordered(battles.subset(rated))[0]
    except DesignError as error:
        return str(error).splitlines()[0]


def _contexts(pairs: pd.DataFrame, context: str | None) -> pd.Series:
    if context is None:
        return pd.Series("all", index=pairs.index, dtype="str")
    if context == PROMPT:
        own = pairs["prompt_id"].astype("str")
        own = own.where(pairs["prompt"].notna(), pairs["cluster"].astype("str"))
        # what was answered in another turn was answered to another question
        return own if "turn" not in pairs else own + " turn " + pairs["turn"].astype("str")
    if context not in pairs:
        raise DesignError(
            f"The pairs have no column {context!r}.",
            found="columns " + ", ".join(map(str, pairs.columns)),
            expected="a column that names the context of a comparison",
            fix='Leave context= at "prompt", or give None where all labels are of one context.',
        )
    return pairs[context].astype("str").where(pairs[context].notna())
