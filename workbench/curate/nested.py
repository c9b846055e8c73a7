"""What a rule does to labels that had no part in it: each fold is curated without the others'."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.clustered import Array
from workbench.curate.balance import held_out_scores
from workbench.curate.filters import Chosen
from workbench.curate.margins import factor_matrix, fit_ridge
from workbench.curate.training_data import target_of
from workbench.data.dataset import PreferenceData


def learns(chosen: Chosen) -> bool:
    """Tell whether what a rule does to one pair depends on the labels of others.

    Margins out of fold are of fits to all other folds, and so are suspects, soft labels of the
    factors, flips and balances.
    """
    rule = chosen.rule
    by_model = rule.needs_p and chosen.found.chosen(rule.source) == "model"
    return bool(rule.drop_suspects or rule.flip or rule.balance or by_model)


def scores_after(chosen: Chosen, curated: Callable[[PreferenceData], Chosen]) -> Array:
    """Return the log-odds of A of every pair by fits to the curated pairs of the other folds.

    Where the rule learns from labels, the pairs of the other folds are curated anew, as if
    those of the fold had never been labelled. Without that a rule would carry the labels of a
    fold into its own test: by soft labels of the factors, fits to labels of pure chance would
    seem to be right in 58 % of 300 pairs.

    Parameters
    ----------
    chosen : Chosen
        After its rule, over all pairs.
    curated : callable
        Goes over some of the pairs by the same rule.

    Raises
    ------
    DataError
        The rule finds something else in four fifths of the data than in all, and refuses it.
    """
    X = factor_matrix(chosen.data)
    known = np.asarray(np.isfinite(X).all(axis=1))
    X = np.where(known[:, None], X, 0.0)
    fold = chosen.found.fold
    if not learns(chosen):
        weight = np.where(chosen.stays, chosen.weight, 0.0)
        return held_out_scores(X, weight * known, target_of(chosen), fold)
    score, ids = np.zeros(len(X)), chosen.data.pairs["pair_id"]
    for f in np.unique(fold):
        rest = np.flatnonzero(fold != f)
        part = curated(chosen.data.filter(pair_ids=ids.iloc[rest]))
        w = (np.where(part.stays, part.weight, 0.0) * known[rest])[:, None]
        score[fold == f] = X[fold == f] @ fit_ridge(X[rest], w, w * target_of(part)[:, None])[0]
    return score
