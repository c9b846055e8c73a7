"""The verb that says which pairs go to people, and which to a judge."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from workbench.calibration.route.curve import Left, left
from workbench.calibration.route.evidence import Evidence, evidence
from workbench.calibration.route.result import BUDGET, Routing
from workbench.calibration.route.scores import LEARNT, RANDOM, UNCERTAIN, learnt, rules
from workbench.clustered import cluster_error, t_row
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes
from workbench.errors import level_option, refuse_out_of_range, seed_option, whole
from workbench.intervals import unit_interval
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.threads import on_one_thread

_METHOD = "error against the majority of {}; influence values over clusters, mid-P interval"
_CLEAR = 2.0
"""Standard errors that the learnt rule must gain held out."""

_NOTHING = 1e-12

_FEWEST = 30
"""Clusters with labels from which a gain is told.

Another sample has another threshold, which influence values know to first order: simulated, with
10, 15, 20, 30 and 60 pairs the intervals of the mean gain held in 53, 80, 83, 92 and 87 % of draws.
"""


@on_one_thread
def route(
    data: PreferenceData,
    judge: str,
    reference: str = "human",
    *,
    judges: Sequence[str] | None = None,
    budgets: Sequence[float] = (0.1, 0.2, 0.3, 0.5),
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> Routing:
    r"""Say which pairs people should label, the judge all others, under a budget.

    Pairs go to people in the order of a score. By default the judge's uncertain pairs come
    first: ties and contradictions, then small margins :math:`|2p - 1|`; among equals those
    from which other judges differ most, then those that the judge's own ratings of the models
    (Bradley-Terry on its verdicts) make least likely. A learnt score

    .. math:: P(\text{judge} \ne \text{people}) = \operatorname{logit}^{-1}(x' b)

    replaces it only where it leaves less error held out, by more than two standard errors.

    Parameters
    ----------
    data : PreferenceData
        Some pairs with labels of both.
    judge : str
    reference : str
        Annotator, or kind, who is to be asked.
    judges : sequence of str, optional
        Whose dissent counts; every other annotator that is neither a person nor gold when None.
    budgets : sequence of float
        Shares of the pairs that people can label.
    folds : int
        Of whole clusters (prompts), for the learnt score.
    level : float
    seed : int
        Of the folds, and of the order of pairs that no score tells apart.

    Returns
    -------
    Routing

    Raises
    ------
    DesignError
        An option out of range, the judge is of the reference, or no pair has both.
    DataError
        An annotator that the data do not have.

    Notes
    -----
    The judge's error is its side against that of most people (a tie is half a vote each way), a
    half where it ties; pairs on which they are even are left out. People are taken at their word,
    and what one of them misses stands beside. Error at a budget of b is the mean of what is left;
    its interval is by influence values summed over clusters, which knows that another sample has
    another threshold, and is what a bootstrap over prompts gives. What is learnt (ridge logit, out
    of fold): tie, margin, dissent, surprise, length gap, scenario, and the size of each factor's
    difference.

    References
    ----------
    Miranda et al. (2024), *Hybrid Preferences* (HyPER), arXiv:2410.19133.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.route(wb.load("sample"), "sim-judge-length")
    >>> found.settings["router"] in ("judge-uncertain first", "learnt")
    True
    """
    shares = _checked(budgets, folds, level, seed)
    data = data.decided()
    seen = evidence(data, judge, reference, judges)
    at = seen.labelled
    error, cluster = seen.error[at], np.unique(seen.cluster[at], return_inverse=True)[1]
    scores = rules(seen)
    held_out = {name: score[at] for name, score in scores.items()}
    reason = _too_few(len(np.unique(cluster)), folds)
    if reason is None:
        crossed, scores[LEARNT] = learnt(seen, folds, seed)
        held_out[LEARNT] = crossed[at]
    gains = _gains(error, held_out, shares, cluster, level, reason)
    router = LEARNT if _clear(gains) else UNCERTAIN
    settings: dict[str, Any] = {
        "judge": judge, "reference": reference, "reference_is": data.noun(reference),
        "budgets": shares, "folds": folds, "level": level, "router": router,
        "n_pairs": len(at), "n_labelled": int(at.sum()), "n_clusters": int(cluster.max()) + 1,
    }  # fmt: skip
    return Routing(
        estimates=_curve(seen, error, held_out, shares, cluster, level, settings["reference_is"]),
        gains=gains,
        pairs=_ordered(seen, scores[router], held_out[router], shares, seed),
        exclusions=seen.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _checked(budgets: Sequence[float], folds: int, level: float, seed: int) -> list[float]:
    several = isinstance(budgets, Sequence | np.ndarray) and not isinstance(budgets, str)
    given = (
        list(np.ravel(budgets) if isinstance(budgets, np.ndarray) else budgets) if several else []
    )
    fine = bool(given) and all(isinstance(b, Real) and 0 < b < 1 for b in given)
    refuse_out_of_range(
        {
            "budgets": (fine, budgets, "numbers between 0 and 1"),
            "folds": (whole(folds, 2), folds, "a whole number, 2 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )
    return sorted({float(b) for b in given})


def _too_few(clusters: int, folds: int) -> str | None:
    if clusters >= folds:
        return None
    return f"nothing is learnt: {clusters} clusters with labels of both, {folds} folds"


def _curve(
    seen: Evidence, error: Array, held_out: dict[str, Array], budgets: list[float],
    cluster: Codes, level: float, who: str,
) -> pd.DataFrame:  # fmt: skip
    """Return the error of each rule at each budget, and that of the judge and of one person."""
    rows: list[dict[str, Any]] = []
    for name, score in held_out.items():
        for budget in [0.0, *budgets]:
            found = left(error, score, budget)
            ends = _ends(found, 1 - budget, cluster, level)
            label = {"term": f"{name}, {budget:.0%} to {who}", "group": name, BUDGET: budget}
            rows.append({**label, "estimate": found.mean, **ends, "n": float(len(error)),
                         "n_clusters": float(cluster.max()) + 1})  # fmt: skip
    person = "one person" if who == "people" else f"one of the {who}"
    rows.append({"term": f"error of {person}, against the majority of others", "group": "people",
                 BUDGET: 1.0, **seen.one_person})  # fmt: skip
    table = pd.DataFrame(rows).assign(method=_METHOD.format(who))
    return table.reindex(columns=["group", BUDGET, *TIDY, "n_clusters", "method", "reason"])


def _ends(found: Left, rest: float, cluster: Codes, level: float) -> dict[str, Any]:
    """Return the interval of an error that is left of a share of the pairs, and at most that."""
    of_rest = min(found.mean / rest, 1.0)
    ends = unit_interval(of_rest, found.pull / rest, np.ones(len(found.pull)), cluster, level)
    return ends | {name: ends[name] * rest for name in ("std_error", "conf_low", "conf_high")}


def _gains(
    error: Array, held_out: dict[str, Array], budgets: list[float], cluster: Codes,
    level: float, reason: str | None,
) -> pd.DataFrame:  # fmt: skip
    """Return what a rule leaves less than another, at each budget and on average of them."""
    asked = [(UNCERTAIN, RANDOM), (LEARNT, UNCERTAIN)]
    few = _no_gain(len(error), len(np.unique(cluster)))
    rows: list[dict[str, Any]] = []
    for better, worse in asked:
        label = {"term": f"{better} instead of {worse}", "group": better}
        if better not in held_out:
            rows.append({**label, BUDGET: np.nan, "estimate": np.nan, "reason": reason})
            continue
        parts = [
            (left(error, held_out[worse], b), left(error, held_out[better], b)) for b in budgets
        ]
        # two orders differ in as many pairs as go to people, or as do not
        found = [(b, one.mean - two.mean, one.pull - two.pull, min(b, 1 - b))
                 for b, (one, two) in zip(budgets, parts, strict=True)]  # fmt: skip
        mean, most = (float(np.mean([part[k] for part in found])) for k in (1, 3))
        found.append((np.nan, mean, np.mean([part[2] for part in found], axis=0), most))
        for budget, gain, pull, most in found:
            # what rounding alone tells apart is nothing
            spread = cluster_error(pull, cluster)
            gain, spread = (one if abs(one) > _NOTHING else 0.0 for one in (gain, spread))
            row = few or t_row(gain, spread, len(error), cluster, level)
            row |= {end: float(np.clip(row[end], -most, most)) for end in ("conf_low", "conf_high")}
            rows.append({**label, BUDGET: budget, **row})
    return pd.DataFrame(rows).reindex(
        columns=["group", BUDGET, *TIDY, "n_clusters", "reason"]
    )  # fmt: skip


def _no_gain(n: int, clusters: int) -> dict[str, Any]:
    """Return the row of a gain that too few clusters tell; nothing where they are enough."""
    if clusters >= _FEWEST:
        return {}
    blank = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high", "p_value"), np.nan)
    why = f"{clusters} clusters with labels: its error is known from {_FEWEST}"
    return {**blank, "n": float(n), "n_clusters": float(clusters), "reason": why}


def _clear(gains: pd.DataFrame) -> bool:
    """Tell whether the learnt rule leaves less on average, by two standard errors and more."""
    row = gains[gains["group"].eq(LEARNT) & gains[BUDGET].isna()].iloc[0]
    # the quantile of t guards where clusters are few
    return bool(row["estimate"] > _CLEAR * row["std_error"] and row["conf_low"] > 0)


def _ordered(
    seen: Evidence, score: Array, held_out: Array, budgets: list[float], seed: int
) -> pd.DataFrame:
    """Return the pairs in their order, the unlabelled first: those are still to be routed."""
    known = seen.labelled
    told = score.copy()
    told[known] = held_out
    lot = np.random.default_rng(seed).permutation(len(told))
    order = np.lexsort((lot, -told, known))
    groups = known[order]
    rank = np.where(groups, np.arange(len(order)) - (~known).sum(), np.arange(len(order))) + 1
    size = np.where(groups, known.sum(), (~known).sum())
    edges = np.asarray(budgets)
    # as many pairs as the budget pays for, and no part of one
    place = np.searchsorted(edges, rank / size - 1e-12, side="left")
    first = np.append(edges, np.nan)[place]
    return pd.DataFrame(
        {
            "rank": rank,
            "pair_id": seen.pair_id[order],
            "labelled": groups,
            "people_from_budget": first,
            "score": told[order],
            "judge_says": seen.verdict[order],
            "margin": seen.margin[order],
            "dissent": seen.dissent[order],
            "surprise": seen.surprise[order],
            "scenario": seen.scenario[order],
        }
    )
