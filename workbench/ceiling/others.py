"""How well the other labels of a pair predict one: what people's own agreement allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.ceiling.ridge import ridge_logit
from workbench.decompose.design import ANNOTATOR, Design
from workbench.decompose.kernel import Array, Codes
from workbench.decompose.scores.labels import Labels

OTHERS = "other labels of the pair"

_LITTLE = 1.0
"""Ridge penalty: people who agree always give no certainty."""


def by_others(design: Design, labels: Labels) -> tuple[NDArray[np.bool_], Array]:
    r"""Tell which labels others have judged as well, and the log-odds of A that these give.

    .. math:: \log \frac{P}{1 - P} = b \, \frac{\sum_j (y_j - 1/2)}{m + 1}

    over the m labels of other annotators of the pair, with b of other folds.

    Parameters
    ----------
    design : Design
        Of one group.
    labels : Labels
        All labels of it.

    Returns
    -------
    shared : ndarray of bool, shape (labels,)
    log_odds : ndarray, shape (shared,)
    """
    pair, who = design.pair[labels.row], design.codes[ANNOTATOR]
    own = np.unique(pair * (int(who.max(initial=0)) + 1) + who, return_inverse=True)[1]
    seen, lean = _without(pair, own, np.ones(len(pair))), _without(pair, own, labels.y - 0.5)
    shared = seen > 0
    some, x = labels.at(shared), lean[shared] / (seen[shared] + 1.0)
    log_odds = np.zeros(len(x))
    for f in np.unique(some.fold):
        train, test = some.fold != f, some.fold == f
        weight = some.weight[train]
        b = ridge_logit(x[train, None], weight, weight * some.y[train], _LITTLE, np.zeros(1))
        log_odds[test] = x[test] * b[0]
    return shared, log_odds


def _without(pair: Codes, own: Codes, values: Array) -> Array:
    """Return the sums over each label's pair, without those of its annotator."""
    return np.asarray(np.bincount(pair, values)[pair] - np.bincount(own, values)[own])
