"""The verb that asks whether items may be ranked at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.provenance import Provenance
from workbench.structure.labels import chosen_labels, under_other_criteria
from workbench.structure.transitivity.comparisons import with_items
from workbench.structure.transitivity.group import PEOPLE, Group, group_of
from workbench.structure.transitivity.result import Transitivity
from workbench.threads import on_one_thread


@on_one_thread
def transitivity(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    items: str = "model",
    context: str | None = "prompt",
    folds: int = 5,
    simulations: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> Transitivity:
    r"""Say whether items may be ranked: cycles of annotators, of shares, and held out.

    Parameters
    ----------
    data : PreferenceData
        With items on both sides of the pairs.
    annotator : str or iterable of str, optional
        A name or a kind, or several that stand side by side and are never mixed. When None:
        people together, and every other annotator alone.
    items : str
        The items stand in the pairs' columns ``<items>_a`` and ``<items>_b``.
    context : str, optional
        Column of pairs within which one annotator's triads are looked for. ``"prompt"``: the
        prompt (and turn), or the cluster of pairs without text. None: everything is one context,
        and people are resampled and held out instead of prompts.
    folds : int
        Of the held-out comparison, by cluster; 0 leaves it out.
    simulations : int
        Draws of every null.
    level : float
    seed : int

    Returns
    -------
    Transitivity

    Raises
    ------
    DesignError
        No group has three items that can be compared, or an option is out of range.

    Notes
    -----
    *Triads* of one annotator in one context; ties are counted apart. Three nulls keep who was
    asked what, and the ties: a fair coin (a quarter), one Bradley-Terry, and strengths of each
    person's own (of each context's own where there is one annotator), partially pooled with one
    spread. A share below one Bradley-Terry's says that an annotator's labels depend on each other.

    *Energy*. With :math:`Y_{ij} = \log \frac{s_{ij} + 1/2}{n_{ij} - s_{ij} + 1/2}` and weights
    :math:`n_{ij}`, the cyclic energy is :math:`1 - \|D r\|^2 / \|Y\|^2` of the ratings r of
    least weighted squares. Its p-value, and that of Bradley-Terry's deviance, are from the
    parametric bootstrap of Bradley-Terry with the ties where they are; where several labels of
    one cluster stand on the same two items, as many count as one as their correlation says. With
    too few clusters to tell, nothing is tested.
    Labels of unequal weight count as :math:`(\sum w)^2 / \sum w^2` of equal weight on two items.
    The estimate beyond noise and its interval are from adding the cycles that were seen to
    Bradley-Terry's logits in growing amounts: an amount is in the interval if the cyclic part
    :math:`\|Y - D r\|^2` seen lies between the quantiles of what it gives with noise; the ratings'
    energy has an interval of its own, and the share one of both.

    *Verdict*. One scale does not hold the items where the two-sided p-value and q (Benjamini and
    Hochberg over the groups) are below 1 - level, ties or not; they may be ranked where the upper
    end beyond noise is a tenth or less; else it cannot be told, and up to how much could be cyclic.

    *Held out*. Rank-one cycles :math:`u_i v_j - v_i u_j` beside the ratings, on labels of other
    clusters.

    *Pools*. Where different people labelled different edges, the energy is tested for each pool
    as well, and a finding needs the whole and every pool in which it can be tested. Where people
    with 30 labels or more differ on the same edges, the energy has to be more than strengths of
    each person's own make together.

    References
    ----------
    Kendall and Babington Smith (1940); Jiang, Lim, Yao and Ye (2011) for Hodge ranking; Chen and
    Joachims (2016), Blade-Chest; Zhang et al. (2024), general preference models; Iverson and
    Falmagne (1985) for order-constrained tests.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.transitivity(wb.load("sample"), annotator="human", simulations=99, folds=0)
    >>> found.verdicts[0]["verdict"].startswith("these may be ranked on one scale")
    True
    """
    _check(folds, simulations, level, seed)
    given, data = data, with_items(data.decided(), items)
    chosen = _groups(data, annotator)
    settings: dict[str, Any] = {
        "annotator": annotator if isinstance(annotator, str | None) else list(chosen),
        "items": items, "context": context, "folds": folds, "simulations": simulations,
        "level": level, "seed": seed,
    }  # fmt: skip
    made: list[Group] = []
    refused: dict[str, str] = {}
    first: DesignError | None = None
    for name, who in chosen.items():
        try:
            one = group_of(data, name, who, settings)
            made.append(one.without(under_other_criteria(given, chosen_labels(data, who))))
        except DesignError as error:
            first = first or error
            refused[name] = str(error).splitlines()[0]
    if not made:
        raise first or DesignError("There are no annotators.", found="no labels")
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    return Transitivity(tuple(made), refused, settings, provenance)


def _groups(
    data: PreferenceData, annotator: str | Iterable[str] | None
) -> dict[str, str | list[str]]:
    """Return whom each group holds, by its name."""
    if annotator is not None:
        names = [annotator] if isinstance(annotator, str) else sorted(set(annotator))
        return {name: name for name in names}
    table = data.annotators
    found: dict[str, str | list[str]] = {}
    for kind in PEOPLE:
        names = sorted(table.loc[table["kind"] == kind, "annotator"])
        if names:
            found[names[0] if len(names) == 1 else kind] = names
    for name in sorted(table.loc[~table["kind"].isin(PEOPLE), "annotator"]):
        found[name] = [name]
    return found


def _check(folds: Any, simulations: Any, level: Any, seed: Any) -> None:
    fine = whole(folds, 0) and folds != 1
    problems = {
        "folds": (fine, folds, "0, or a whole number of 2 and more"),
        "simulations": (whole(simulations, 99), simulations, "a whole number of at least 99"),
        "level": level_option(level),
        "seed": seed_option(seed),
    }
    refuse_out_of_range(problems)
