"""Checks of what is fitted: weights, contrasts, held-out scores, scenarios, ratings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.doctor.checkup import Check, sized
from workbench.doctor.facts import Facts
from workbench.doctor.sizes import DIFFERENCE, RATING, SHARE, WEIGHT
from workbench.errors import WorkbenchError
from workbench.ratings.baseline_rows import baseline_rows
from workbench.ratings.battles import collect
from workbench.ratings.comparable import comparable

NO_FACTOR = "factors: texts of both responses, or numeric columns x_a and x_b"
NO_VERDICT = "a verdict"
FOLDS = 5


def decompose(facts: Facts) -> Check:
    """Check whether weights can be fitted, and how small ones are found."""
    name, command = "decompose", "workbench decompose DATA"
    if not facts.factors:
        return Check(name, command, "needs more", lacking=NO_FACTOR)
    n, single = facts.n_own, facts.single
    if not n:
        return Check(name, command, "needs more", lacking=NO_VERDICT)
    enough = int((single >= WEIGHT.needed).sum())
    also = f"{enough:,} of {len(single):,} annotators have {WEIGHT.needed:,} by themselves"
    return sized(name, command, WEIGHT, n, f"prompts with a verdict of {facts.reference}", also)


def contrast(facts: Facts) -> Check:
    """Check whether anybody can be compared with the reference."""
    name, command = "contrast", "workbench contrast DATA"
    if not facts.factors:
        return Check(name, command, "needs more", lacking=NO_FACTOR)
    n, others, also = facts.n_own, facts.others, ""
    if not len(others) and len(facts.single) > 1:
        # people alone can be compared by name
        n, others = int(facts.single.iloc[0]), facts.single.iloc[1:]
        also = "of two people by name (--reference NAME --annotator NAME)"
    if not len(others):
        return Check(name, command, "needs more", lacking="a second annotator: a judge, a model")
    both = _harmonic(n, int(others.iloc[0]))
    return sized(name, command, DIFFERENCE, both, "prompts each (harmonic mean)", also)


def held_out(facts: Facts) -> Check:
    """Check whether a fit can be scored on prompts that it has not seen."""
    name, command = "held-out", "workbench decompose DATA --folds 5"
    if not facts.factors:
        return Check(name, command, "needs more", lacking=NO_FACTOR)
    n = facts.n_own
    if n < FOLDS:
        return Check(name, command, "too small", n, "prompts", FOLDS)
    return sized(name, command, SHARE, n, "prompts")


def scenarios(facts: Facts) -> Check:
    """Check whether scenarios can be told apart."""
    name, command = "scenarios", "workbench scenarios DATA"
    if not facts.factors:
        return Check(name, command, "needs more", lacking=NO_FACTOR)
    table = facts.verdicts[facts.own]
    sizes = table.groupby("scenario", observed=True)["cluster"].nunique().sort_values()
    if len(sizes) < 2:
        need = "two scenarios or more (--map scenario=COLUMN)"
        return Check(name, command, "needs more", len(sizes), "scenarios", 2, lacking=need)
    large = int((sizes >= DIFFERENCE.needed).sum())
    also = f"{large:,} of {len(sizes):,} scenarios have {DIFFERENCE.needed:,}"
    unit = "prompts of the second largest scenario"
    return sized(name, command, DIFFERENCE, int(sizes.iloc[-2]), unit, also)


def ratings(facts: Facts) -> Check:
    """Check whether models can be rated."""
    name, command = "ratings", "workbench rate DATA"
    pairs = facts.data.pairs
    if not (pairs["model_a"].notna() & pairs["model_b"].notna()).any():
        return Check(name, command, "needs more", lacking="models' names (model_a, model_b)")
    try:
        battles = collect(facts.data, annotator=None, covariates=(), ties="half")
    except WorkbenchError as error:
        return Check(name, command, "needs more", lacking=error.expected or error.what)
    rated, apart = comparable(battles)
    if len(rated) < 2:
        need = "wins and losses that connect models"
        return Check(name, command, "needs more", len(battles), "battles", lacking=need)
    fought = np.bincount(np.r_[battles.a, battles.b], minlength=len(battles.models))[rated]
    also = f"{len(rated):,} models comparable" + (f", {len(apart):,} not" if apart else "")
    return sized(name, command, RATING, int(np.median(fought)), "battles a model (median)", also)


def length_control(facts: Facts) -> Check:
    """Check whether win rates against one baseline can be brought to its length."""
    name, command = "length-control", "workbench length-control DATA --baseline NAME"
    data, need = facts.data, "models' names and texts, all models against one baseline"
    if not facts.text or data.pairs["model_a"].isna().all():
        return Check(name, command, "needs more", lacking=need)
    base = _baseline(data.pairs)
    if base is None or not len(facts.single):
        return Check(name, command, "needs more", lacking="one baseline that all models met")
    try:
        table = baseline_rows(data, base, str(facts.single.index[0])).table
    except WorkbenchError as error:
        return Check(name, command, "needs more", lacking=error.expected or error.what)
    each = table[table["model"] != base].groupby("model", observed=True)["cluster"].nunique()
    return sized(name, command, SHARE, int(each.median()), "instructions a model (median)")


def _baseline(pairs: pd.DataFrame) -> str | None:
    """Return a model that stands in every pair; of two models either would do."""
    a, b = pairs["model_a"], pairs["model_b"]
    for name in (a.iloc[0], b.iloc[0]):
        if pd.notna(name) and ((a == name) | (b == name)).all():
            return str(name)
    return None


def _harmonic(n: int, m: int) -> int:
    return int(2 / (1 / n + 1 / m)) if n and m else 0
