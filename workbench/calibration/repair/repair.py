"""The verb that mends a judge by labels of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.calibration.repair.beside_people import labelled, ratings, weights, win_rates
from workbench.calibration.repair.candidates import (
    CORRECTED,
    PROMPT,
    RECALIBRATED,
    Candidate,
    candidates,
    gains,
    scores,
)
from workbench.calibration.repair.judged import Judged, judged_pairs
from workbench.calibration.repair.prompt import RepairedPrompt, prompt_candidate
from workbench.calibration.repair.result import Repair
from workbench.data.dataset import PreferenceData
from workbench.errors import level_option, refuse_out_of_range, seed_option, whole
from workbench.json_values import json_ready
from workbench.judges.mended import MendedJudge
from workbench.provenance import Provenance
from workbench.threads import on_one_thread


@on_one_thread
def repair_judge(
    data: PreferenceData,
    judge: str,
    people: str = "human",
    *,
    factors: Sequence[str] | None = None,
    constitution: str | RepairedPrompt | None = None,
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> Repair:
    r"""Mend a judge by labels of people, and accept that only where it helps held out.

    Parameters
    ----------
    data : PreferenceData
        With the judge's verdicts, and labels of people on some of its pairs; without factors
        only the verdicts themselves are corrected.
    judge : str
        An annotator.
    people : str
        An annotator or a kind.
    factors : sequence of str, optional
        All when None.
    constitution : str or RepairedPrompt, optional
        A prompt that principles were added to: the annotator whose verdicts it made, or the
        judge with that prompt, which is then asked (:func:`workbench.repair_prompt`).
    folds : int
        Of whole prompts (clusters), three or more.
    level : float
    seed : int
        Of the folds.

    Returns
    -------
    Repair
        ``mended`` is a :class:`workbench.MendedJudge` where the correction is accepted.

    Raises
    ------
    DesignError
        No such judge, people or factor, no pair that both decided, too few prompts, or an
        option out of range.

    Notes
    -----
    The corrected judge is a logistic regression without an intercept,

    .. math:: P(\text{A}) = \sigma\Big(\sum_k a_k v_k + \sum_j b_j x_j\Big),

    of people's mean label of a pair on features v of the judge's verdicts
    (:data:`workbench.judges.verdict_features.FEATURES`) and factor differences x, so that an
    exchange of A and B turns it round. Each weight but that of the verdict is penalised, by
    as much as predicts best on folds that have no part in it; the more, the nearer is the
    correction to the judge as it is. It is accepted where the agreement of its out-of-fold
    predictions with people is above that of the judge by more than the interval of the paired
    difference over prompts, q-values of what is tested included; folds that test each other's
    labels depend, so that its variance is taken twice (without anything to mend, intervals of
    independent prompts accept 3 to 4 % rather than 2.5 %). Beside it stand the judge's
    verdicts alone, calibrated, and factors alone.

    Weights, win rates and ratings after the repair are those of out-of-fold predictions.

    References
    ----------
    Hoerl and Kennard (1970) for the penalty; Varma and Simon (2006) for choosing it inside;
    Tango (1998) for the interval of the paired difference.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    >>> found = wb.repair_judge(data, "sim-judge-length", factors=["hedges", "apologies"])
    >>> found.accepted, found.mended.name
    (['corrected judge'], 'sim-judge-length (mended)')
    """
    refuse_out_of_range(
        {
            "folds": (whole(folds, 3), folds, "a whole number, 3 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )
    pairs = judged_pairs(data, judge, people, factors, folds, seed)
    found = candidates(pairs)
    spending = pd.DataFrame()
    notes = list(pairs.notes)
    if constitution is not None:
        found[PROMPT], spending, told = prompt_candidate(pairs, constitution, judge, people)
        notes += told
    table = gains(pairs, found, level)
    both, names = labelled(pairs, found, judge, people)
    contrasts, why = weights(both, names, people, pairs.factors, level)
    rated = win_rates(pairs, found, level)
    notes += [f"weights cannot be compared: {why}"] if why else []
    formula = _correction(pairs, found)
    notes += _turned_round(formula, judge, pairs.people)
    notes += [] if len(rated) else ["no win rates: the pairs name no models"]
    fit = found[CORRECTED].fit
    settings = {
        "judge": judge,
        "people": people,
        "people_are": pairs.people,
        "factors": pairs.factors,
        "features": pairs.features,
        "constitution": None if constitution is None else str(constitution),
        "folds": folds,
        "level": level,
        "n_pairs": len(pairs),
        "n_decided": int(pairs.decided.sum()),
        "n_clusters": len(np.unique(pairs.cluster)),
        "penalty": None if fit is None else json_ready(fit.penalty),
        "penalties": [] if fit is None else fit.penalties,
        "simulated": judge.startswith(("sim-", "offline:")),
    }
    made = [name for name, ok in zip(table["term"], table["accepted"], strict=True) if ok]
    return Repair(
        gains=table,
        scores=scores(pairs, found, level),
        correction=formula,
        weights=contrasts,
        win_rates=rated,
        ratings=ratings(both, names, people, level) if len(rated) else pd.DataFrame(),
        cost=_cost(pairs, spending),
        exclusions=pairs.exclusions,
        mended=_mended(pairs, found[CORRECTED], judge, made, settings),
        repaired=constitution if PROMPT in made and not isinstance(constitution, str) else None,
        notes=notes,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _correction(pairs: Judged, found: dict[str, Candidate]) -> pd.DataFrame:
    """Return the fitted weights of each predictor, of all pairs: no inference is made of them."""
    columns = {RECALIBRATED: pairs.features, CORRECTED: [*pairs.features, *pairs.factors]}
    rows: list[dict[str, Any]] = []
    for name, terms in columns.items():
        fit = found[name].fit
        given = [] if fit is None else zip(terms, fit.weights, strict=True)
        rows += [
            {"group": name, "term": term, "weight": float(weight),
             "of": "verdict" if term in pairs.features else "factor"}
            for term, weight in given
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=["group", "term", "weight", "of"])


def _turned_round(formula: pd.DataFrame, judge: str, people: str) -> list[str]:
    mine = formula[formula["group"].eq(RECALIBRATED) & formula["term"].eq("verdict")]
    if not mine["weight"].lt(0).any():
        return []
    return [f"{people} tend to the other side than {judge}: the correction turns its verdict "
            "round; look first whether it was read the right way"]  # fmt: skip


def _cost(pairs: Judged, spending: pd.DataFrame) -> pd.DataFrame:
    """Return what each repair takes: labels of people, verdicts, and calls to a model."""
    row = {"term": CORRECTED, "pairs_labelled": len(pairs), "calls": 0, "prompt_tokens": 0,
           "completion_tokens": 0, "cost": 0.0}  # fmt: skip
    used = [row]
    if len(spending):
        used.append({"term": PROMPT, "pairs_labelled": 0, **spending.iloc[0].to_dict()})
    return pd.DataFrame(used)


def _mended(
    pairs: Judged, one: Candidate, judge: str, made: list[str], settings: dict[str, Any]
) -> MendedJudge | None:
    if CORRECTED not in made or one.fit is None:
        return None
    given = dict(zip([*pairs.features, *pairs.factors], one.fit.weights.tolist(), strict=True))
    specs = pairs.data.factor_specs
    kinds = pairs.data.annotators.set_index("annotator")["kind"]
    return MendedJudge(
        judge,
        {name: given[name] for name in pairs.features},
        {name: {"weight": given[name], "spec": dict(specs.get(name, {}))}
         for name in pairs.factors},
        kind=str(kinds[judge]),
        about={**settings, "dataset": pairs.data.digest},
    )  # fmt: skip
