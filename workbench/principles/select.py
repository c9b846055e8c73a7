"""From measured principles to a short list: filters, order, one a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import refuse_out_of_range
from workbench.principles.measure.measure import PrincipleEffects
from workbench.principles.principle import Principle
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

Order = Literal["for_minus_against", "accuracy", "q_value"]
Relevance = Literal["for", "voted"]
Clusters = Callable[[list[Principle], int], Sequence[int]]
"""From candidates, best first, and n to the number of each one's cluster."""

ALIKE = 0.5
"""Correlation of votes, either way, from which two principles say one thing."""

_ORDERS = ("for_minus_against", "accuracy", "q_value")
_METHOD = "filter by votes, rank, best of each cluster"


@dataclass(frozen=True)
class Rules:
    """What a principle needs to be selected, and how those that have it are ranked.

    Attributes
    ----------
    majority : bool
        More votes for the preferred response than against it.
    relevant : bool
        Votes for or against on more than half of the pairs.
    valid : bool
        Fewer invalid votes than valid ones.
    min_relevance : float
        Smallest share of pairs, see ``relevance``.
    relevance : {"voted", "for"}
        The share of pairs with a vote for or against; or, as ICAI does, with a vote for.
    max_q : float or None
        Largest q-value.
    order : {"for_minus_against", "accuracy", "q_value"}
        By what candidates are ranked, best first.
    spare : float
        Candidates that stand for a selection by clusters, as a multiple of n.

    Raises
    ------
    DesignError
        An option out of range.

    Examples
    --------
    >>> Rules.icai().relevance, Rules().relevance
    ('for', 'voted')
    """

    majority: bool = True
    relevant: bool = False
    valid: bool = True
    min_relevance: float = 0.05
    relevance: Relevance = "voted"
    max_q: float | None = None
    order: Order = "for_minus_against"
    spare: float = 3.0

    def __post_init__(self) -> None:
        share = "a number from 0 to 1"
        refuse_out_of_range(
            {
                "min_relevance": (0 <= self.min_relevance <= 1, self.min_relevance, share),
                "relevance": (self.relevance in ("for", "voted"), self.relevance, '"voted", "for"'),
                "max_q": (self.max_q is None or 0 < self.max_q <= 1, self.max_q, share),
                "order": (self.order in _ORDERS, self.order, " or ".join(map(repr, _ORDERS))),
                "spare": (self.spare >= 1, self.spare, "at least 1"),
            }
        )

    @classmethod
    def icai(cls) -> Rules:
        """Return the rules of inverse constitutional AI 0.4.8."""
        return cls(min_relevance=0.1, relevance="for", spare=1.5)


@dataclass(frozen=True, eq=False)
class Selection(Result):
    """Principles that were kept, and why the others were not.

    Attributes
    ----------
    principles : tuple of Principle
        The kept ones, best first.
    positions : tuple of int
        Their positions in the effects.
    estimates : DataFrame
        One row a principle; see :meth:`to_frame`.
    settings : dict
    provenance : Provenance
    """

    principles: tuple[Principle, ...]
    positions: tuple[int, ...]
    estimates: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    heading = "Selected principles"
    about = (
        "The short list. Strengths were measured on the pairs that it was selected on, so they "
        "flatter it: judge it on held-out pairs."
    )

    def to_frame(self) -> pd.DataFrame:
        """Return the effects, best first.

        Added are ``rank`` (1 is best; NaN where filtered out), ``cluster`` (NaN where not
        clustered), ``kept`` and ``decision``, which says why.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the table of decisions."""
        return {"estimates": self.estimates}

    def summary(self) -> str:
        """Return the kept principles, numbered, and how many fell to which rule."""
        table = self.estimates
        n = self.settings["n_pairs"]
        lines = [f"{len(self.principles)} of {len(table)} principles, selected on {n:,} pairs"]
        kept = table[table["kept"]]
        lines += [
            f"{k}. {row.term} (strength {row.estimate:+.3f} [{row.conf_low:+.3f}, "
            f"{row.conf_high:+.3f}], n = {row.n:,}, in sample)"
            for k, row in enumerate(kept.itertuples(), 1)
        ]
        lost = table.loc[~table["kept"], "decision"].value_counts().sort_index()
        lines += [f"left out: {count} {reason}" for reason, count in lost.items()]
        level = 100 * self.settings["level"]
        return "\n".join([*lines, f"method: {_METHOD}; {level:g}% intervals"])

    def plot(self) -> go.Figure:
        """Return a forest plot of the kept principles' strengths."""
        from workbench.plots.forest import forest

        kept = self.estimates[self.estimates["kept"]].reset_index(drop=True)
        return forest(kept, x_title="strength (share right minus share wrong), in sample")


def select(
    effects: PrincipleEffects,
    *,
    n: int = 5,
    rules: Rules | None = None,
    clusters: Clusters | None = None,
) -> Selection:
    """Keep at most n principles.

    Pinned principles are kept whatever their votes say, and count as part of n. The others
    are filtered and ranked; without ``clusters`` the best are kept. With it, the best
    ``spare * n`` are put into clusters, and the best of each of the n best clusters is kept,
    so that the list does not say one thing five times.

    Parameters
    ----------
    effects : PrincipleEffects
        On training pairs.
    n : int
        At least 1.
    rules : Rules, optional
        Our own when None; ``Rules.icai()`` are those of inverse constitutional AI.
    clusters : callable, optional
        Gets the candidates, best first, and n; returns the number of each candidate's
        cluster, as ``alike`` does.

    Returns
    -------
    Selection
        With fewer than n principles where fewer pass.

    Raises
    ------
    DesignError
        An n below 1, or clusters that do not match the candidates.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.data.dataset import PreferenceData
    >>> from workbench.principles.measure.measure import measure
    >>> from workbench.principles.vote.votes import Votes
    >>> pairs = pd.DataFrame({"prompt": list("pqrs"), "response_a": "yes", "response_b": "no"})
    >>> labels = pd.DataFrame({"pair": range(4), "annotator": "ann", "preference": 1.0})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> codes = np.tile(np.array([1, -1], dtype=np.int8), (4, 1))[:, :, None]
    >>> both = (Principle("Be kind"), Principle("Be rude"))
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), both, codes)
    >>> [one.text for one in select(measure(data, votes, "ann")).principles]
    ['Be kind']
    """
    rules = rules or Rules()
    refuse_out_of_range({"n": (n >= 1, n, "at least 1")})
    table = effects.to_frame()
    pinned = table["pinned"].to_numpy(bool)
    filtered = zip(_filtered(table, rules), pinned, strict=True)
    decision = ["" if fixed else why for why, fixed in filtered]
    order = _ranked(table, rules.order)
    passed = [k for k in order if decision[k] == "" and not pinned[k]]
    fixed = [k for k in order if pinned[k]]
    room = max(n - len(fixed), 0)
    chosen = passed[:room]
    cluster: dict[int, int] = {}
    if clusters is not None and room and len(passed) > room:
        candidates = passed[: int(rules.spare * room)]
        chosen, cluster = _best_of_clusters(effects, candidates, room, clusters)
        standing = {cluster[k] for k in chosen if k in cluster}
        for k in candidates:
            if cluster.get(k) in standing:
                decision[k] = "says what a better one of its cluster says"
    for k in passed:
        decision[k] = decision[k] or "ranked below the best"
    kept = set(fixed) | set(chosen)
    for k in kept:
        decision[k] = "pinned" if pinned[k] else "kept"
    rank = {k: place for place, k in enumerate(sorted(passed + fixed, key=order.index), 1)}
    positions = [k for k in order if k in kept]
    shown = [*positions, *(k for k in order if k not in kept)]
    frame = table.iloc[shown].assign(
        rank=[float(rank.get(k, np.nan)) for k in shown],
        cluster=[float(cluster.get(k, np.nan)) for k in shown],
        kept=[k in kept for k in shown],
        decision=[decision[k] for k in shown],
    )
    settings = {
        "n": n,
        "rules": asdict(rules),
        "clustered": bool(cluster),
        "n_pairs": effects.settings["n"],
        "level": effects.settings["level"],
    }
    return Selection(
        principles=tuple(effects.principles[k] for k in positions),
        positions=tuple(positions),
        estimates=frame.reset_index(drop=True),
        settings=settings,
        provenance=effects.provenance,
    )


def _filtered(table: pd.DataFrame, rules: Rules) -> list[str]:
    """Return why each principle falls, the first rule that it breaks; empty where it passes."""
    wins, losses = table["for"].to_numpy("int64"), table["against"].to_numpy("int64")
    invalid = table["invalid"].to_numpy("int64")
    asked = table["n"].to_numpy("int64")
    relevant = wins if rules.relevance == "for" else wins + losses
    q = table["q_value"].to_numpy("float64")
    broken: list[tuple[str, NDArray[np.bool_]]] = [
        ("without any vote", asked == 0),
        ("with mostly invalid votes", (2 * invalid >= asked) & rules.valid),
        ("with no majority of votes for it", (wins <= losses) & rules.majority),
        ("relevant to half of the pairs or less", (2 * (wins + losses) <= asked) & rules.relevant),
        ("relevant to too few pairs", relevant < rules.min_relevance * asked),
        ("with too large a q-value", _above(q, rules.max_q)),
    ]
    names = np.full(len(table), "", dtype=object)
    for name, mask in reversed(broken):
        names[mask] = name
    return [str(name) for name in names]


def _above(q: NDArray[np.float64], limit: float | None) -> NDArray[np.bool_]:
    return np.zeros(len(q), bool) if limit is None else ~(q <= limit)


def _ranked(table: pd.DataFrame, order: Order) -> list[int]:
    """Return positions, best first; equal ones in the order of their texts."""
    net = (table["for"] - table["against"]).to_numpy("float64")
    keys = {
        "for_minus_against": [-net],
        "accuracy": [-table["accuracy"].fillna(-1.0).to_numpy("float64"), -net],
        "q_value": [table["q_value"].fillna(2.0).to_numpy("float64"), -net],
    }[order]
    texts = table["term"].tolist()
    return sorted(range(len(table)), key=lambda k: (*(key[k] for key in keys), texts[k]))


def _best_of_clusters(
    effects: PrincipleEffects, candidates: list[int], room: int, clusters: Clusters
) -> tuple[list[int], dict[int, int]]:
    if len(candidates) <= room:
        return candidates, {}
    found = [int(c) for c in clusters([effects.principles[k] for k in candidates], room)]
    refuse_out_of_range(
        {
            "clusters": (
                len(found) == len(candidates),
                f"{len(found)} numbers",
                f"{len(candidates)} numbers, one a candidate",
            )
        }
    )
    best: dict[int, int] = {}
    for k, cluster in zip(candidates, found, strict=True):
        best.setdefault(cluster, k)
    return list(best.values())[:room], dict(zip(candidates, found, strict=True))


def alike(correlation: NDArray[np.float64], threshold: float = ALIKE) -> list[int]:
    """Return the cluster of each candidate: that of the best one which votes alike.

    Parameters
    ----------
    correlation : ndarray, shape (K, K)
        Of votes, candidates from the best on; NaN counts as none.
    threshold : float
        Absolute correlation from which two say one thing; of one that votes the other way
        round, too.

    Returns
    -------
    list of int
        The position of the best candidate of each one's cluster.

    Examples
    --------
    >>> alike(np.array([[1.0, 0.2, -0.9], [0.2, 1, 0.6], [-0.9, 0.6, 1]]))
    [0, 1, 0]
    """
    found: list[int] = []
    for k, row in enumerate(np.abs(np.nan_to_num(correlation))):
        first = (lead for lead in found if found[lead] == lead and row[lead] >= threshold)
        found.append(next(first, k))
    return found
