r"""Whether two groups predict more than chance does: people are exchanged within prompts.

Labels of one prompt share more than the factors say, and a label that is simulated from a model
does not. To exchange people keeps every prompt's labels, and how many of them each person has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.decompose.kernel import Array, Codes, logistic
from workbench.structure.groups.held_out import label_loss, predicted
from workbench.structure.groups.mixture import Problems, Runs, climb
from workbench.structure.groups.panel import Panel
from workbench.structure.groups.starts import fit_pooled, own_weights, starting_points
from workbench.structure.labels import PersonLabels
from workbench.structure.people.null import movable, permuted
from workbench.structure.shared_prompts import CONFOUNDED

LEVEL = 0.05
"""p up to which groups are more than people who may be exchanged."""

LEAST = 19
"""Exchanges without which no p is that small."""

_STARTS = 2
_ROUNDS = 4
"""Newton steps of a fit that is only compared with others of as many."""

_ENOUGH = 5
"""Exchanges that gain as much, after which no more are needed: p is above 5 % for sure."""


@dataclass(frozen=True)
class Exchange:
    """The test that people may be exchanged.

    Attributes
    ----------
    p_value : float
    gain : float
        Held-out nats a label of two groups over one, by fits of few steps.
    exchanges : int
        How many were made.
    reason : str or None
        Why there is no test.
    """

    p_value: float
    gain: float
    exchanges: int
    reason: str | None = None


def exchange_test(
    laid: Panel, labels: PersonLabels, folds: int, exchanges: int, seed: int
) -> Exchange:
    r"""Compare the held-out gain of two groups with that under people exchanged within prompts.

    Parameters
    ----------
    laid : Panel
    labels : PersonLabels
    folds : int
        Of prompts.
    exchanges : int
        The most that are made.
    seed : int

    Notes
    -----
    :math:`p = (1 + \#\{\ge\}) / (B + 1)`, or :math:`5 / B` where the fifth exchange that gains
    as much is the B-th: then no more are made (Besag and Clifford 1991). Exact where labels of
    one prompt are exchangeable between people. The pooled fit outside a fold does not know who
    is who; from it two groups are fitted by few steps, alike for the data and every exchange.

    Examples
    --------
    >>> from workbench.structure.groups.panel import panel
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> labels = person_labels(planted_people(people=20, labels=30, tastes=[(2, 0), (-2, 0)])[0])
    >>> found = exchange_test(panel(labels), labels, 3, 19, 0)
    >>> found.p_value, found.gain > 0.1
    (0.05, True)
    """
    if not movable(labels).any():
        return Exchange(float("nan"), float("nan"), 0, CONFOUNDED)
    # in the order of the panel: names and the order of rows have no part in the draws
    mine = replace(labels.take(laid.cells), person=laid.person)
    one = _TwoGroups(laid, mine, folds, seed)
    gain = one.gain(laid.person)
    rng = np.random.default_rng([seed, 23])
    as_much = done = 0
    while done < exchanges and as_much < _ENOUGH:
        done += 1
        as_much += one.gain(permuted(mine, rng)) >= gain - 1e-12
    p = as_much / done if as_much == _ENOUGH else (1 + as_much) / (done + 1)
    return Exchange(float(p), gain, done)


class _TwoGroups:
    """The held-out gain of two groups under any people."""

    def __init__(self, laid: Panel, labels: PersonLabels, folds: int, seed: int) -> None:
        self.laid, self.seed = laid, seed
        self.weight, self.votes = labels.weight, labels.votes
        self.fold: Codes = labels.folds(folds, seed)
        out = (self.fold[:, None] != np.arange(folds)).astype(float)
        self.inside = out * labels.weight[:, None], out * labels.votes[:, None]
        self.pooled: Runs = fit_pooled(Problems(laid, *self.inside))
        alone = logistic((laid.X * self.pooled.b[self.fold, 0]).sum(axis=1))
        self.before: Array = label_loss(alone, self.weight, self.votes)

    def gain(self, person: Codes) -> float:
        """Return the gain a label, in nats."""
        laid = self.laid.under(person)
        problems = Problems(laid, *self.inside)
        own, rng = own_weights(problems, self.pooled), np.random.default_rng([self.seed, 2])
        starts = [starting_points(one, 2, _STARTS, rng) for one in own]
        b, log_pi = (np.concatenate(part) for part in zip(*starts, strict=True))
        problem = np.repeat(np.arange(len(own)), _STARTS)
        best = climb(problems, problem, b, log_pi, keep=1, rounds=_ROUNDS)
        after = label_loss(predicted(best, laid.X, person, self.fold), self.weight, self.votes)
        return float((self.before - after) @ self.weight / self.weight.sum())
