"""The verb that says whether there is one public or several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.labelled import Ties
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.provenance import Provenance
from workbench.structure.groups.blended import fit_blended
from workbench.structure.groups.detectable import POWER, detectable_shifts
from workbench.structure.groups.exchange import Exchange, exchange_test
from workbench.structure.groups.fitted import Fitted, entropy_r2, of_classes, of_prototypes
from workbench.structure.groups.groups_result import Groups
from workbench.structure.groups.known_columns import column_table, person_columns
from workbench.structure.groups.mixture import Problems
from workbench.structure.groups.new_people import new_people_table
from workbench.structure.groups.number import Fits, fits, number_table
from workbench.structure.groups.panel import Panel, panel
from workbench.structure.groups.starts import fit_pooled
from workbench.structure.groups.tables import (
    difference_table,
    membership_table,
    share_table,
    telling_pairs,
    weight_table,
)
from workbench.structure.groups.verdict import most_groups, not_tried, notes_of, verdict_of
from workbench.structure.labels import (
    FEW_EACH,
    LEAST_EACH,
    PersonLabels,
    person_labels,
    with_constant,
)
from workbench.structure.shared_prompts import refuse_few_prompts
from workbench.threads import on_one_thread

EXCHANGES = 39
"""Exchanges of people at the most."""


@on_one_thread
def groups(
    data: PreferenceData,
    *,
    annotators: str | Iterable[str] | None = None,
    by: str = "annotator",
    factors: Sequence[str] | None = None,
    items: str | None = None,
    ties: Ties = "half",
    max_groups: int = 5,
    membership: Literal["classes", "mixed"] = "classes",
    folds: int = 5,
    simulations: int = 99,
    level: float = 0.95,
    seed: int = 0,
) -> Groups:
    r"""Say whether people are one public or several, what each rewards, and who is near which.

    Parameters
    ----------
    data : PreferenceData
        With factors (see :func:`workbench.score_factors`), unless ``items`` is given.
    annotators : str or iterable of str, optional
        Names or one kind; people (``human``) where the data have some, else everybody.
    by : str
        Column of labels or pairs that names the person.
    factors : sequence of str, optional
        Factor columns; all when None.
    items : str, optional
        ``"model"``: groups differ in which models they prefer.
    ties : {"half", "drop"}
    max_groups : int
        Most groups that are tried; fewer where there are less than three people a group. Where
        two were not tried the verdict is undefined, with the reason.
    membership : {"classes", "mixed"}
        Everybody is of one group, which is not known; or everybody mixes prototypes.
    folds : int
        Of prompts, and of people for ``new_people``.
    simulations : int
        Simulated data sets of each likelihood ratio (a misfit, no part of the verdict); 0 leaves
        them out.
    level : float
    seed : int

    Returns
    -------
    Groups

    Raises
    ------
    DesignError
        Fewer than two labels a person on average: groups could not be told from noise; fewer
        prompts than folds.

    Notes
    -----
    :math:`\sum_p \log \sum_c \pi_c \prod_{i \in p} \sigma(x_i' b_c)^{y_i}
    \sigma(-x_i' b_c)^{1 - y_i}`, with a prior of :math:`\sqrt{10}` logits per typical difference
    on each weight, from 20 starts. The number of groups is the smallest whose log-loss on prompts
    held out is within one standard error of the best, if two groups also gain more there than
    with people exchanged within prompts (p <= 0.05, 39 exchanges at the most); otherwise there is
    one public. Where no prompt has labels of two people the verdict is undefined. Likelihood
    ratios are set against data simulated from the smaller fit (chi-squared is not their null),
    and go on while p <= 0.05: labels of one prompt share more than simulated ones, so that a
    small ``misfit_p`` says that the model does not fit, and not that people differ. Errors are
    over people and prompts.
    With ``"mixed"``, :math:`b_p = \sum_c w_{pc} b_c` and :math:`w_p` has a Dirichlet(1.1) prior.

    References
    ----------
    McLachlan and Peel (2000), *Finite Mixture Models*; Louis (1982); Chen et al. (2024),
    arXiv:2406.08469, for mixed membership.

    Examples
    --------
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=30, labels=30, tastes=[(1.5, 0), (-1.5, 0)])
    >>> found = groups(data, max_groups=2, simulations=0)
    >>> found.groups, sorted(found.weights["group"].unique())
    (2, ['group 1', 'group 2'])
    """
    _check(max_groups, membership, folds, simulations, level, seed)
    labels = person_labels(
        data, annotators=annotators, by=by, factors=factors, items=items, ties=ties
    )
    mean = float(labels.n_labels.mean())
    _refuse(labels, mean, folds)
    labels, constant = labels.differing()
    laid = panel(labels)
    weight = labels.weight[laid.cells]
    problems = Problems(laid, weight[:, None], labels.votes[laid.cells][:, None])
    detectable = detectable_shifts(laid, labels, weight, fit_pooled(problems), folds, seed)
    found = fits(laid, labels, most_groups(laid.P, max_groups), seed)
    untried = not_tried(laid.P, max_groups)
    exchange = (
        exchange_test(laid, labels, folds, EXCHANGES, seed) if untried is None
        else Exchange(np.nan, np.nan, 0, untried)
    )  # fmt: skip
    number, chosen = number_table(
        found, labels, exchange, membership=membership, folds=folds, simulations=simulations,
        level=level, seed=seed,
    )  # fmt: skip
    verdict, C = verdict_of(chosen, exchange)
    fit = _fitted(found, labels, C, membership)
    settings: dict[str, Any] = {
        "by": by, "factors": None if items else [*labels.terms, *constant], "items": items,
        "ties": ties,
        "max_groups": len(found.best), "membership": membership, "folds": folds,
        "simulations": simulations, "level": level, "groups": C,
        "verdict": verdict, "p_exchange": exchange.p_value, "exchanges": exchange.exchanges,
        "p_exchange_reason": exchange.reason,
        "notes": notes_of(labels, chosen, C, max_groups, exchange),
        "detectable": None if untried else _told(detectable), "n_people": laid.P,
        "n_terms": len(labels.terms),
        "n_labels": int(labels.n_labels.sum()), "labels_a_person": mean,
        "few_labels": bool(mean < max(FEW_EACH, 2 * laid.X.shape[1])),
        "entropy_r2": entropy_r2(fit.member),
        "n_left_out": int(labels.exclusions["n"].sum()),
    }  # fmt: skip
    return Groups(
        weights=with_constant(
            weight_table(fit, labels, laid, level), constant, ["group", "n", "n_people", "method"]
        ),
        number=number,
        detectable=detectable,
        exclusions=labels.exclusions,
        **_of_several(data, fit, labels, laid, settings, seed),
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _fitted(found: Fits, labels: PersonLabels, C: int, membership: str) -> Fitted:
    best, laid = found.best[C - 1], found.panel
    prompt = labels.prompt[laid.cells]
    if membership == "classes" or C == 1:
        return of_classes(best, laid, found.weight, found.votes, prompt)
    blend = fit_blended(laid, found.weight, found.votes, best.b[0], best.posterior[0])
    return of_prototypes(blend, laid, prompt)


def _of_several(
    data: PreferenceData,
    fit: Fitted,
    labels: PersonLabels,
    laid: Panel,
    settings: dict[str, Any],
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Return the tables that only several groups have; empty ones for one public."""
    names = ("shares", "differences", "membership", "columns", "pairs", "new_people")
    C, level = len(fit.b), settings["level"]
    if C == 1:
        return {name: pd.DataFrame() for name in names}
    people = [str(name) for name in labels.people[laid.order]]
    columns = person_columns(data, settings["by"], people)
    tables = (
        share_table(fit, level),
        difference_table(fit, labels, laid, level),
        membership_table(fit, labels, laid),
        column_table(columns, fit.member, seed),
        telling_pairs(data, fit, labels, laid),
        new_people_table(laid, labels, C, settings["membership"], settings["folds"], level, seed),
    )
    return dict(zip(names, tables, strict=True))


def _told(detectable: pd.DataFrame) -> str:
    """Return in a sentence what shift between two equal groups the design shows."""
    names = ("shift", "shift_of_verdict", "shift_to_place")
    seen, found, place = (
        float(np.nanmedian(detectable[name])) if detectable[name].notna().any() else np.nan
        for name in names
    )
    if np.isnan(found):
        return "no shift of one term, however large, makes groups predict better in this design"
    text = (
        f"two equal groups about {found:.1f} log-odds per typical difference apart in one term "
        f"(predict better {POWER:.0%} of the time; a test of level 5 % sees {seen:.1f}; simulated "
        "scores, term in the middle)"
    )
    if np.isnan(place):
        return f"{text}; no shift places 90 % of the people"
    return f"{text}; {place:.1f} apart, 90 % of the people are placed rightly"


def _check(
    max_groups: int, membership: str, folds: int, simulations: int, level: float, seed: int
) -> None:
    refuse_out_of_range(
        {
            "max_groups": (whole(max_groups, 1), max_groups, "a whole number from 1"),
            "membership": (
                membership in ("classes", "mixed"), membership, "'classes' or 'mixed'",
            ),
            "folds": (whole(folds, 2), folds, "a whole number from 2"),
            "simulations": (
                simulations == 0 or whole(simulations, 19), simulations, "0, or at least 19",
            ),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )  # fmt: skip


def _refuse(labels: PersonLabels, mean: float, folds: int) -> None:
    if mean < LEAST_EACH:
        raise DesignError(
            "Groups of people cannot be told from noise.",
            found=f"{mean:.1f} labels a person, of {len(labels.people):,} people",
            expected="two labels a person at the least, ten or more to see anything",
            fix="Name the column of people (by=, --people) if this is not it, or ask the same "
            "people for more labels.",
        )
    prompts = len(np.unique(labels.prompt))
    if prompts < 2:
        raise DesignError(
            "Nothing can be held out.",
            found="one prompt",
            expected="labels of at least two prompts",
            fix="Name the column of prompts when loading (--map prompt_id=COLUMN).",
        )
    refuse_few_prompts(prompts, folds)
