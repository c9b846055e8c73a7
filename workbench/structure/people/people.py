"""The verb that says whether people weigh factors otherwise, by how much, and in what way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from workbench.data.alike.overlap import overlap_of
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.labelled import Ties
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.provenance import Provenance
from workbench.structure.labels import (
    FEW_EACH,
    LEAST_EACH,
    PersonLabels,
    person_labels,
    with_constant,
)
from workbench.structure.people.detectable import HOW, detectable_tau
from workbench.structure.people.ladder import TASTE, Ladder, best_of, climb, ladder_table
from workbench.structure.people.newcomers import new_people
from workbench.structure.people.null import Null, permutation_test
from workbench.structure.people.persons import FEWEST, person_table, weight_table
from workbench.structure.people.result import People
from workbench.structure.people.simulated import Simulation
from workbench.structure.people.taste import Taste
from workbench.structure.people.terms import term_table
from workbench.structure.people.verdict import verdict_of
from workbench.structure.shared_prompts import apart_notes, refuse_few_prompts
from workbench.threads import on_one_thread


@on_one_thread
def people(
    data: PreferenceData,
    *,
    annotators: str | Iterable[str] | None = None,
    by: str = "annotator",
    factors: Sequence[str] | None = None,
    items: str | None = None,
    ties: Ties = "half",
    folds: int = 5,
    permutations: int = 199,
    level: float = 0.95,
    seed: int = 0,
) -> People:
    r"""Say whether each person weighs factors otherwise: taste, reliability or carelessness.

    Parameters
    ----------
    data : PreferenceData
        With factors, unless ``items`` is given.
    annotators : str or iterable of str, optional
        Names or one kind; people (``human``) where the data have some, else everybody.
    by : str
        Column of labels or pairs that names the person.
    factors : sequence of str, optional
        Factor columns; all when None.
    items : str, optional
        ``"model"``: which model answered, in place of factors.
    ties : {"half", "drop"}
    folds : int
        Of prompts; two at least. Where items are compared without any prompt, of single labels.
    permutations : int
        Of people within prompts, 19 at least.
    level : float
    seed : int
        Of folds, permutations, and the labels that new people show.

    Returns
    -------
    People

    Raises
    ------
    DesignError
        Fewer than two labels a person on average, only ties, or nothing to fit.

    Notes
    -----
    Six models are compared on prompts that they have not seen: one vector of weights for all;
    :math:`\sigma(s_p x'b)` with log-normal sharpness (*reliability*);
    :math:`(1 - e_p) \sigma(x'b) + e_p g_p` with a bad habit (*careless*);
    :math:`b_p \sim N(\mu, \mathrm{diag}(\tau^2))` (*taste*); both :math:`s_p` and :math:`b_p`;
    and a few *classes* of weights (:func:`workbench.groups` tells which). Each tells labels by
    its posterior. A difference between people is shown where a gain on the pooled model exceeds
    two errors and the gain is beyond those with people exchanged within prompts.

    References
    ----------
    Train (2009), *Discrete choice methods with simulation*, ch. 6 and 11 for taste; Swait and
    Louviere (1993) for scale against taste; Hovy et al. (2013) for habits; Lin (1997) for the
    score test; Zou and Donner (2008) for the share of opposite sign.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=30, labels=30, tau=1.0)
    >>> found = wb.people(data, permutations=19)
    >>> found.settings["best"], found.terms["term"].tolist()
    ('taste', ['first', 'second', 'third'])
    """
    refuse_out_of_range(
        {
            "folds": (whole(folds, 2), folds, "2 or more"),
            "permutations": (whole(permutations, 19), permutations, "19 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )
    labels, constant = _checked(data, annotators, by, factors, items, ties).differing()
    fold, cluster, over = _units(labels, items, folds, seed)
    ladder = climb(labels, fold, cluster, over)
    null = permutation_test(labels, fold, permutations, seed)
    table = ladder_table(ladder, labels, null, level)
    taste = ladder.whole[TASTE]
    if not isinstance(taste, Taste):
        raise TypeError(f"the rung {TASTE!r} is no Taste")
    # without a test nothing is shown, however much people differ
    detectable = detectable_tau(labels, folds) if null.reason is None else float("nan")
    verdict = verdict_of(table, best_of(table, ladder, labels), null, detectable)
    settings: dict[str, Any] = {
        "by": by,
        "items": items,
        "factors": None if items else [t for t in [*labels.terms, *constant] if t != "position"],
        "ties": ties,
        "folds": folds,
        "permutations": null.permutations,
        "level": level,
        **verdict,
        "detectable": f"tau of {detectable:.2g}: {HOW}" if np.isfinite(detectable) else None,
        **_counts(data, labels, null),
    }
    settings["notes"] = _notes(labels, settings, taste, ladder)
    model = Simulation.of(labels)
    terms = term_table(
        labels, model, taste.spread, level, permutations, seed, over_prompts=over == "prompts"
    )
    return People(
        estimates=with_constant(
            weight_table(labels, taste.spread, level),
            constant,
            ["annotator", "n", "n_pairs", "method"],
        ),
        persons=person_table(labels, ladder, settings["best"], level),
        terms=with_constant(terms, constant, ["n"]),
        ladder=table,
        new_people=new_people(labels, folds, seed, level, taste.spread),
        exclusions=labels.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _checked(
    data: PreferenceData,
    annotators: str | Iterable[str] | None,
    by: str,
    factors: Sequence[str] | None,
    items: str | None,
    ties: Ties,
) -> PersonLabels:
    """Return the labels in an order of their own, or say why they cannot tell people apart."""
    labels = person_labels(
        data, annotators=annotators, by=by, factors=factors, items=items, ties=ties
    )
    each = float(labels.n_labels.mean())
    if each < LEAST_EACH:
        raise DesignError(
            "People cannot be told apart by so few labels each.",
            found=f"{each:.2f} labels a person on average, {len(labels.people):,} people",
            expected=f"{LEAST_EACH:g} or more; {FEW_EACH:g} and more are of use",
            fix="With one label each, what a person wants and what a pair offers are one thing: "
            "get more labels of the same people, or name another column of people.",
        )
    return labels.in_order(data)


def _units(labels: PersonLabels, items: str | None, folds: int, seed: int) -> tuple[Any, Any, str]:
    """Return the fold of each cell, over what errors are taken, and what that is.

    Where items are compared and a prompt is no more than two items, to leave prompts out would
    leave all out that is known of these two: each label is left out by itself.
    """
    if items is not None:
        kinds = np.unique(np.round(np.abs(labels.X), 9), axis=0, return_inverse=True)[1].ravel()
        both = np.unique(np.column_stack([labels.prompt, kinds]), axis=0)
        if len(both) == len(np.unique(labels.prompt)):
            names = labels.people.astype(str).to_numpy(dtype=object)[labels.person]
            pairs = labels.prompts.astype(str).to_numpy(dtype=object)[labels.prompt]
            each = np.array([f"{len(a)} {a} {b}" for a, b in zip(names, pairs, strict=True)])
            return fold_numbers(each, folds, seed), labels.person, "people"
    refuse_few_prompts(len(np.unique(labels.prompt)), folds)
    return labels.folds(folds, seed), labels.prompt, "prompts"


def _counts(data: PreferenceData, labels: PersonLabels, null: Null) -> dict[str, Any]:
    found = overlap_of(labels.person, labels.prompt)
    few = int((labels.n_labels < FEWEST).sum())
    return {
        "n_labels": int(labels.n_labels.sum()),
        "n_people": len(labels.people),
        "n_people_with_few_labels": few,
        "n_prompts": found.n_prompts,
        "labels_a_person": float(labels.n_labels.mean()),
        "labels_a_person_median": float(np.median(labels.n_labels)),
        "prompts_of_several_people": found.shared,
        "groups_without_a_common_prompt": found.components,
        "n_excluded": int(labels.exclusions["n"].sum()),
    }


def _notes(
    labels: PersonLabels, settings: dict[str, Any], taste: Taste, ladder: Ladder
) -> list[str]:
    notes = []
    if settings["labels_a_person"] < FEW_EACH:
        notes.append(
            f"only {settings['labels_a_person']:.1f} labels a person on average: little can be "
            f"told of anybody; {FEW_EACH:g} and more are of use"
        )
    few = settings["n_people_with_few_labels"]
    if few:
        notes.append(f"{few:,} people with fewer than {FEWEST} labels: counted, not shown alone")
    notes += apart_notes(labels)
    if not taste.spread.converged:
        notes.append("tau had not come to rest within the rounds allowed")
    notes += [
        f"the search of the model {one.name!r} ended before it came to rest"
        for one in ladder.rungs
        if not getattr(ladder.whole[one.name], "converged", True)
    ]
    if settings["items"]:
        notes.append("items share one tau in a basis that sums to 0: none of them is the reference")
    return notes
