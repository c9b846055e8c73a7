"""Checks of what stands on verdicts: principles, judges, agreement, strength, models."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from workbench.curate.votes import votes_of
from workbench.doctor.checkup import Check, sized
from workbench.doctor.facts import JUDGES, Facts
from workbench.doctor.sizes import SHARE, SHIFT

NO_TEXT = "texts of both responses"
FOLDS, FEWEST_VOTES, TEST_SHARE = 5, 20, 0.3
_JUDGE = "verdicts of a judge (--kind llm where the file does not say)"


def principles(facts: Facts) -> Check:
    """Check whether principles can be extracted, and tested on pairs held out."""
    name, command = "principles", "workbench principles extract DATA --model NAME"
    n, lacking = _decided(facts)
    if lacking:
        return Check(name, command, "needs more", lacking=lacking)
    few = TEST_SHARE * n < SHARE.needed <= n
    also = "a model does the work" + ("; hold each pair out once (--folds 5)" if few else "")
    return sized(name, command, SHARE, n, "prompts with a preference", also)


def from_verdicts(facts: Facts) -> Check:
    """Check whether judges can be audited from the verdicts that are there."""
    name, command = "audit-judge", "workbench audit-judge DATA --from-verdicts"
    table = facts.verdicts
    judges = table.loc[table["kind"].isin(JUDGES), "annotator"].unique()
    if not len(judges):
        return Check(name, command, "needs more", lacking=_JUDGE)
    n = max(facts.shared(str(judge)) for judge in judges)
    if not n or table.loc[facts.own, "kind"].isin(JUDGES).any():
        need = "labels of people, or of another reference, on the judge's pairs"
        return Check(name, command, "needs more", lacking=need)
    also = "" if facts.both_orders else "both orders of a pair would tell its position bias"
    return sized(name, command, SHIFT, n, "prompts shared with the reference", also)


def agreement(facts: Facts) -> Check:
    """Check whether annotators can be held against each other."""
    name, command = "agreement", "workbench contrast DATA"
    raters = facts.raters
    twice = raters.index[raters > 1]
    if not len(twice):
        need = "pairs that two or more annotators labelled"
        return Check(name, command, "needs more", lacking=need)
    pairs = facts.data.pairs
    n = int(pairs.loc[pairs["pair_id"].isin(twice), "cluster"].nunique())
    return sized(name, command, SHARE, n, "prompts labelled by two or more")


def strength(facts: Facts) -> Check:
    """Check whether labels say how strong they are."""
    return _strength(facts, "strength", "workbench strength DATA")


def curate(facts: Facts) -> Check:
    """Check whether pairs can be chosen, weighed and written for training."""
    name, command = "curate", "workbench curate DATA --out FOLDER"
    if not facts.text:
        return Check(name, command, "needs more", lacking=NO_TEXT)
    return _strength(facts, name, command)


def audit_model(facts: Facts) -> Check:
    """Check whether a trained model can be held against these preferences."""
    name, command = "audit-model", "workbench audit-model DATA --model NAME"
    n, lacking = _decided(facts)
    if lacking:
        return Check(name, command, "needs more", lacking=lacking)
    torch = find_spec("torch") is not None
    also = "" if torch else 'scoring needs: pip install "preference-workbench[models]"'
    return sized(name, command, SHARE, n, "prompts with a preferred response", also)


def _decided(facts: Facts) -> tuple[int, str]:
    """Return the prompts of pairs that one side won, and what is lacking."""
    if not facts.text:
        return 0, NO_TEXT
    n = facts.n_decided
    return n, "" if n else "a preference for one side"


def _strength(facts: Facts, name: str, command: str) -> Check:
    data = facts.data
    repeated = int(np.sum(votes_of(data).repeated))
    grades = data.labels["strength"].nunique() > 1
    soft = facts.verdicts[facts.verdicts["kind"].isin(("llm", "reward_model"))]["preference"]
    sources = {
        f"votes ({repeated:,} pairs with two or more)": repeated >= FEWEST_VOTES,
        "grades": grades,
        "fits out of fold": facts.factors and facts.verdicts["cluster"].nunique() >= FOLDS,
        "soft verdicts of a judge": bool((~soft.isin([0.0, 0.5, 1.0])).any()),
    }
    have = [source for source, there in sources.items() if there]
    if have:
        return Check(name, command, "yes", len(data), "pairs", also="from " + ", ".join(have))
    if repeated:
        return Check(name, command, "too small", repeated, "pairs with two votes", FEWEST_VOTES)
    need = "two votes a pair, grades, or factors"
    return Check(name, command, "needs more", lacking=need)
