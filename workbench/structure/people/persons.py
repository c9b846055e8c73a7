"""What is told of each person: weights, sharpness, carelessness, and which model knows them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as t_distribution

from workbench.decompose.errors.tidy import q_values, tidy_columns
from workbench.structure.labels import PersonLabels
from workbench.structure.people.careless import Careless
from workbench.structure.people.ladder import CARELESS, POOLED, RELIABILITY, TASTE, Ladder, gain
from workbench.structure.people.sharpness import Sharpness
from workbench.structure.people.simulated import Spread

FEWEST = 5
"""Labels below which a person is counted, and never shown alone."""

NONE = "no difference seen"
_SURE = 0.05
_NO_HABIT = "no habit is so likely that no upper end of a careless share is told"

WEIGHTS = (
    "posterior mean and error under mu and tau of all people, the uncertainty of mu in it, that of "
    "tau not; z: distance from mu in posterior errors; q: Benjamini-Hochberg over all"
)


def weight_table(labels: PersonLabels, spread: Spread, level: float) -> pd.DataFrame:
    """Return one row a person and term, people with too few labels left out."""
    shown = np.flatnonzero(labels.n_labels >= FEWEST)
    told, T = labels.told, len(labels.terms)
    mean = spread.mean[shown] @ told.T
    deviation = (spread.mean[shown] - spread.mu) @ told.T
    error, apart = (
        np.sqrt(np.maximum(np.einsum("tk,pkl,tl->pt", told, one[shown], told), 0.0))
        for one in (spread.covariance, spread.apart)
    )
    z = deviation / apart
    n = labels.n_labels[shown]
    columns = tidy_columns(
        labels.terms * len(shown), mean.ravel(), error.ravel(), np.repeat(n, T), level
    )
    p = 2.0 * norm.sf(np.abs(z.ravel()))
    columns["p_value"], columns["q_value"] = p, q_values(p)
    pairs = np.zeros(len(labels.people), dtype=np.int64)
    both = np.unique(np.column_stack([labels.person, labels.pair]), axis=0)
    pairs += np.bincount(both[:, 0], minlength=len(pairs))
    part = np.einsum("tk,pk,tk->pt", told, spread.shrinkage[shown], told) / (told**2).sum(axis=1)
    table = {
        "annotator": np.repeat(labels.people[shown].astype(str).to_numpy(dtype=object), T),
        **columns,
        "n_pairs": np.repeat(pairs[shown], T),
        "shrinkage": part.ravel(),
        "z_from_mean": z.ravel(),
        "method": WEIGHTS,
        "reason": pd.Series([None] * len(shown) * T, dtype="str"),
    }
    return pd.DataFrame(table).astype({"annotator": "str"})


def person_table(
    labels: PersonLabels, found: Ladder, shown_rung: str | None, level: float
) -> pd.DataFrame:
    """Return one row a person: sharpness, share of careless labels, losses, verdict."""
    people = np.flatnonzero(labels.n_labels >= FEWEST)
    sharp, lazy = found.whole[RELIABILITY], found.whole[CARELESS]
    if not isinstance(sharp, Sharpness) or not isinstance(lazy, Careless):
        raise TypeError("rungs 1 and 2 are of other types")
    s, s_low, s_high = sharp.told(labels, level)
    e, e_low, e_high, habit = lazy.told(level)
    rows = []
    for p in people:
        mine = labels.person == p
        weight, prompt = labels.weight[mine], labels.prompt[mine]
        row = {
            "annotator": str(labels.people[p]),
            "n": int(labels.n_labels[p]),
            "n_prompts": len(np.unique(prompt)),
            "sharpness": s[p], "sharpness_low": s_low[p], "sharpness_high": s_high[p],
            "careless": e[p], "careless_low": e_low[p], "careless_high": e_high[p],
            "habit": habit[p],
        }  # fmt: skip
        pooled = found.column(POOLED)[mine]
        for one in found.rungs:
            row[f"log_loss_{one.name.replace(' ', '_')}"] = (
                found.column(one.name)[mine].sum() / weight.sum()
            )
        for name in (RELIABILITY, CARELESS, TASTE):
            better, error, G = gain(found.column(name)[mine], pooled, weight, prompt)
            row |= {f"gain_{name}": better, f"gain_{name}_error": error}
            ratio = better / error if error > 0 else np.nan
            row[f"_p_{name}"] = t_distribution.sf(ratio, max(G - 1, 1))
        rows.append(row)
    return _judged(pd.DataFrame(rows), shown_rung)


def _judged(table: pd.DataFrame, shown_rung: str | None) -> pd.DataFrame:
    """Add the verdict: the model of the largest gain, where that is more than chance."""
    if table.empty:
        return table
    names = [RELIABILITY, CARELESS, TASTE]
    gains = table[[f"gain_{name}" for name in names]].to_numpy("float64")
    # a model may gain on a person's labels for what it learnt of others: theirs must be apart too
    sharp = (table["sharpness_low"] > 1.0) | (table["sharpness_high"] < 1.0)
    apart = np.column_stack([sharp, table["careless_low"] > 0.0, np.ones(len(table), dtype=bool)])
    gains = np.where(apart, gains, -np.inf)
    own = table[[f"_p_{name}" for name in names]].to_numpy("float64")
    defined = np.isfinite(own)
    # the best of three is looked at: Bonferroni within a person, Benjamini-Hochberg over people
    least = np.where(defined & apart, own, 1.0).min(axis=1)
    p = np.where(defined.any(axis=1), np.minimum(1.0, len(names) * least), np.nan)
    q = q_values(p)
    best = [names[k] for k in gains.argmax(axis=1)]
    sure = (q < _SURE) & (shown_rung is not None)
    table = table.drop(columns=[f"_p_{name}" for name in names])
    return table.assign(
        p_value=p,
        q_value=q,
        verdict=np.where(sure, best, NONE),
        reason=table["careless_high"].isna().map({True: _NO_HABIT, False: None}),
        method="sharpness and careless: posterior of rungs 1 and 2; log-loss: held out by prompt; "
        "p: gain on the pooled fit over prompts, best of three models (Bonferroni)",
    )
