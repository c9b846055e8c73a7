"""The verb: how people's weights are spread, by simulated maximum likelihood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compare.subsets import typical
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.decompose.labelled import Ties
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option
from workbench.provenance import Provenance
from workbench.structure.labels import LEAST_EACH, PersonLabels, person_labels
from workbench.structure.mixed.draws import Kind
from workbench.structure.mixed.fit import Fitted, fit
from workbench.structure.mixed.result import Mixed
from workbench.structure.mixed.sets import ChoiceSets
from workbench.structure.mixed.table import notes_of, spread_table
from workbench.structure.over_prompts import more_over_prompts
from workbench.structure.people.null import movable
from workbench.structure.people.score import score_test
from workbench.threads import on_one_thread

EXCHANGES = 499
"""Exchanges of people within prompts."""


@on_one_thread
def mixed(
    data: PreferenceData,
    *,
    annotators: str | Iterable[str] | None = None,
    by: str = "annotator",
    factors: Sequence[str] | None = None,
    items: str | None = None,
    ties: Ties = "half",
    draws: Kind = "sobol",
    level: float = 0.95,
    seed: int = 0,
) -> Mixed:
    r"""Fit the mean and the spread of people's weights: a random-coefficient (mixed) logit.

    Parameters
    ----------
    data : PreferenceData
        With factors (see :func:`workbench.score_factors`), unless ``items`` is given.
    annotators : str or iterable of str, optional
        Names or one kind; people where the data have some, else everybody.
    by : str
        Column of labels or pairs that names the person.
    factors : sequence of str, optional
        All when None.
    items : str, optional
        ``"model"``: which model answered, in place of factors; strengths sum to 0 and share one
        spread, so that no model is the reference.
    ties : {"half", "drop"}
        A tie is half a vote for each side, or none.
    draws : {"sobol", "halton"}
        Scrambled Sobol points with their opposites, half of them near each person's weights;
        or the plain Halton sequence, as mlogit and xlogit take it.
    level : float
    seed : int
        Of the scrambles.

    Returns
    -------
    Mixed

    Raises
    ------
    DesignError
        One person, fewer than two labels a person, or factors that are combinations of others.

    Notes
    -----
    Each person's weights are :math:`\mu + \tau z` with independent standard normals, and

    .. math:: \ell = \sum_p \log \frac1R \sum_{r=1}^R
              \prod_{i \in p} \Lambda(d_i'(\mu + \tau z_{pr}))^{y_i}
              (1 - \Lambda(d_i'(\mu + \tau z_{pr})))^{1 - y_i}

    is maximised by Newton's method with exact derivatives. Half of the Sobol draws are taken
    near each person's weights, and weighed accordingly. R is doubled, with a new scramble, until
    the maximum moves by less than 0.1: with too few draws a published log-likelihood is that of
    the draws. Errors of ``mu`` are the sandwich over people and prompts, with Student's t of the
    fewer of both less one; those of the Hessian stand beside. ``tau`` has the interval of its
    profile likelihood, with 0 inside where the ratio allows it. Its p-value is that of a score
    test with people exchanged within prompts 499 times; where the interval leaves out a 0 that
    the test does not, ``tau_reason`` and a note say so. Without a prompt of two people there is
    no test.

    References
    ----------
    Train (2009), Discrete Choice Methods with Simulation, ch. 6 and 9; Revelt and Train (1998);
    Self and Liang (1987) for the boundary.

    Examples
    --------
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=25, labels=20, tastes=[(1.0, -0.5)], tau=0.8)
    >>> found = mixed(data).to_frame()
    >>> found["term"].tolist(), bool((found["tau_low"] < 0.8).all())
    (['first', 'second'], True)
    """
    refuse_out_of_range(
        {
            "level": level_option(level),
            "seed": seed_option(seed),
            "draws": (draws in ("sobol", "halton"), draws, "sobol or halton"),
        }
    )
    labels = person_labels(
        data, annotators=annotators, by=by, factors=factors, items=items, ties=ties
    )
    # tests draw exchanges: the same labels in another order give the same draws
    labels = labels.in_order(data)
    ready = _ready(labels, by)
    found = _over_prompts(fit(ready.sets, ready.spread, draws, None, seed), ready)
    test = score_test(labels, ready.parts, EXCHANGES, seed)
    table = spread_table(labels, found, test, ready.used, ready.scale, ready.spread, level)
    last = found.draws.iloc[-1]
    settings: dict[str, Any] = {
        "by": by, "factors": None if items else labels.terms, "items": items, "ties": ties,
        "draws": draws, "n_draws": int(last["draws"]),
        "log_likelihood": float(last["log_likelihood"]),
        "change": None if np.isnan(last["change"]) else float(last["change"]),
        "settled": found.settled, "converged": found.best.converged,
        "n_people": ready.sets.P, "n_labels": int(labels.n_labels.sum()),
        "n_fewest": int(labels.n_labels[labels.n_labels > 0].min()),
        "n_prompts": len(np.unique(labels.prompt)), "level": level,
        "shared_prompts": bool(movable(labels).any()),
        "notes": notes_of(labels, table),
    }  # fmt: skip
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    return Mixed(table, found.draws, labels.exclusions, settings, provenance)


@dataclass(frozen=True)
class _Ready:
    """Choices in units, the prompt of each, and blocks of all columns (``parts``)."""

    sets: ChoiceSets
    prompt: NDArray[np.int64]
    used: NDArray[np.bool_]
    scale: Array
    spread: NDArray[np.int64]
    parts: NDArray[np.int64]


def _over_prompts(found: Fitted, ready: _Ready) -> Fitted:
    """Return the fit with errors that also know what labels of one prompt share."""
    if not found.best.converged:
        return found
    at, K = found.top.theta, ready.sets.K
    moved = found.near(at).by_row(at)
    # it may be of fewer draws, and of which sign a standard deviation is is theirs
    moved[:, K:] *= np.where(at[K:] * found.best.theta[K:] < 0, -1.0, 1.0)
    more = more_over_prompts(moved, ready.sets.person, ready.prompt)
    return replace(found, robust=found.robust + found.hessian @ more @ found.hessian)


def _ready(labels: PersonLabels, by: str) -> _Ready:
    """Return the choices in units of typical differences, in an order of their own."""
    _refuse_few(labels, by)
    used = (labels.X != 0).any(axis=0)
    scale = typical(labels.subsets())
    for block in np.unique(labels.block):
        scale[labels.block == block] = np.sqrt((scale[labels.block == block] ** 2).mean())
    X = (labels.X / scale)[:, used]
    rank = int(np.linalg.matrix_rank(X.T @ X, hermitian=True)) if used.any() else 0
    if rank < used.sum() or not used.any():
        raise DesignError(
            "The weights cannot be told apart.",
            found=f"{rank} independent of {int(used.sum())} terms: {', '.join(labels.terms)}",
            expected="factors that are no combinations of others, or items that are all compared",
            fix="Leave out a factor that others add up to (factors=...), or the items that meet "
            "no other.",
        )
    # the same labels give the same sums, in whatever order they are stored
    names = labels.people.to_numpy().astype(str)
    order = np.lexsort((labels.votes, *X.T, names[labels.person]))
    _, person = np.unique(names[labels.person[order]], return_inverse=True)
    sets = ChoiceSets(
        int(person.max()) + 1, 2, X.shape[1], X[order][:, None], labels.votes[order][:, None],
        None, labels.weight[order], person,
    )  # fmt: skip
    spread = np.unique(labels.block[used], return_inverse=True)[1]
    parts = np.unique(labels.block, return_inverse=True)[1]
    return _Ready(sets, labels.prompt[order], used, scale, spread, parts)


def _refuse_few(labels: PersonLabels, by: str) -> None:
    people = labels.n_labels[labels.n_labels > 0]
    if len(people) < 2 or people.mean() < LEAST_EACH:
        raise DesignError(
            "These labels cannot tell how people's weights differ.",
            found=f"{len(people):,} people ({by}), {people.sum():,} labels",
            expected="two people or more, and two labels of each",
            fix="One label a person says nothing of taste: pool them (decompose), or name another "
            "column of people (by=...).",
        )
