"""Extraction in folds: the whole procedure, with each pair held out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.principles.extraction import Found
from workbench.principles.held_out.evaluate import Evaluation, curve_of, executed, scored
from workbench.principles.measure.kernel import reference
from workbench.principles.measure.measure import PrincipleEffects
from workbench.principles.principle import Principle, distinct
from workbench.principles.steps import Pairs, Steps
from workbench.principles.vote.votes import Vote, Votes

_NOT_SELECTED = "selected in no fold"

Fold = tuple[Pairs, Pairs, tuple[Principle, ...]]
"""Pairs learnt from, pairs held out, and what was selected."""


def crossed(steps: Steps, added: Sequence[Principle], known: Votes | None, judge: bool) -> Found:
    """Extract in every fold, and measure what each selects on the pairs it has not seen.

    Parameters
    ----------
    steps : Steps
    added : sequence of Principle
    known : Votes or None
    judge : bool

    Returns
    -------
    Found
        The constitution is selected on all pairs; its worth is that of the procedure: in
        each fold another constitution, which has not seen the pairs it is held against. The
        effect of a candidate is of the pairs that were held out where it was selected.

    Notes
    -----
    Candidates of all folds are voted on in one stage: a fold's votes know nothing of labels,
    only its proposals and its selection do.
    """
    splits = steps.folds()
    every = tuple(one for _, test in splits for one in test)
    whole = steps.proposals(every)
    mine = [steps.candidates(steps.proposals(train), added) for train, _ in splits]
    final = steps.candidates(whole, added)
    candidates = distinct([*final, *(one for some in mine for one in some)])
    votes = steps.votes(candidates, every, known)

    def chosen_of(some: Sequence[Principle], pairs: Pairs) -> tuple[Principle, ...]:
        # folds may write one rule in two ways: it was voted on once
        wanted = {one.key for one in some}
        own = votes.take(principles=[k for k, one in enumerate(candidates) if one.key in wanted])
        return steps.selection(steps.effects(own, pairs), own, pairs).principles

    folds = [
        (train, test, chosen_of(some, train))
        for (train, test), some in zip(splits, mine, strict=True)
    ]
    own = votes.take(principles=list(range(len(final))))
    inside = steps.effects(votes, every)
    # the candidates that all pairs proposed come first
    selection = steps.selection(steps.effects(own, every), own, every)
    worth = _worth(steps, votes, folds, selection.principles, judge)
    outside = _held_out(steps, votes, folds, every)
    return Found(
        selection.principles, outside, inside, selection, whole, votes, worth, every, every
    )


def _held_out(steps: Steps, votes: Votes, folds: list[Fold], every: Pairs) -> PrincipleEffects:
    """Return effects on the pairs that were held out where a candidate was selected."""
    seen = np.zeros(votes.codes.shape[:2], dtype=bool)
    for _, test, chosen in folds:
        texts = {one.text for one in chosen}
        columns = np.array([one.text in texts for one in votes.principles])
        seen |= np.isin(votes.pair_ids, test)[:, None] & columns
    codes = np.where(seen[:, :, None], votes.codes, Vote.NOT_ASKED).astype(np.int8)
    found = steps.effects(replace(votes, codes=codes), every)
    reason = found.estimates["reason"].where(seen.any(axis=0), _NOT_SELECTED)
    return replace(found, estimates=found.estimates.assign(reason=reason))


def _worth(
    steps: Steps, votes: Votes, folds: list[Fold], final: tuple[Principle, ...], judge: bool
) -> Evaluation | None:
    if not final:
        return None
    parts = [steps.evaluation(chosen, votes, train, test, judge) for train, test, chosen in folds]
    pairs = [one for part in parts for one in part.predictions["pair_id"]]
    held = reference(steps.data, votes, steps.annotator, pairs)
    table = pd.concat([part.predictions for part in parts]).set_index("pair_id").loc[held.pair_ids]
    guesses = {name: table[name].to_numpy(float) for name in table.columns.drop("preferred")}
    grown = _grown(steps, votes, folds)[held.pair_ids].to_numpy()
    return replace(
        parts[-1],
        estimates=scored(guesses, held, steps.level),
        curve=curve_of(grown, held, steps.level),
        predictions=table.reset_index(),
        settings={
            **parts[-1].settings,
            "principles": [one.to_dict() for one in final],
            "folds": [[one.text for one in chosen] for _, _, chosen in folds],
            "n_train": len(held),
            "n_test": len(held),
        },
    )


def _grown(steps: Steps, votes: Votes, folds: list[Fold]) -> pd.DataFrame:
    """Return P(A) by the first n principles of each fold, all where a fold has fewer."""
    most = max(len(chosen) for _, _, chosen in folds)
    parts = []
    for train, test, chosen in folds:
        rows = executed(steps.data, chosen, votes, steps.annotator, list(train), list(test))
        rows = rows[np.minimum(np.arange(most + 1), len(rows) - 1)]
        names = reference(steps.data, votes, steps.annotator, test).pair_ids
        parts.append(pd.DataFrame(rows, columns=names))
    return pd.concat(parts, axis=1)
