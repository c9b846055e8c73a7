"""The verb that says what turns with the question, and with the group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.compare.scenarios import ScenarioPool, pool_scenarios
from workbench.data.columns import CATEGORY, OVERALL, POOLS, complete_labels
from workbench.data.dataset import PreferenceData
from workbench.decompose.design import POSITION
from workbench.errors import (
    DataError,
    DesignError,
    level_option,
    listed,
    refuse_out_of_range,
    seed_option,
)
from workbench.provenance import Provenance
from workbench.structure.context import measures, prompts, reversals, trade_offs
from workbench.structure.context.columns import groupings, raters_of, refuse_unknown
from workbench.structure.context.joint import joint_fit
from workbench.structure.context.opposed import complete_pairs
from workbench.structure.context.result import Context
from workbench.structure.context.reversals import Rows
from workbench.structure.context.roles import Roles, roles_of
from workbench.structure.context.said import PERSON, majority, no_word, said_of
from workbench.threads import on_one_thread

_MOST_CRITERIA = 50
_TRUTHS = ("objective", PERSON)


@dataclass(eq=False)
class _Options:
    """What was asked for, and what could not be done."""

    factors: Sequence[str] | None
    level: float
    seed: int
    skipped: dict[str, str] = field(default_factory=dict)


@on_one_thread
def context(
    data: PreferenceData,
    *,
    annotators: str | Iterable[str] | None = None,
    truth: str | None = None,
    blind: str = OVERALL,
    placebo: Iterable[str] | None = None,
    negated: Mapping[str, str] | None = None,
    opposed: bool | None = None,
    aspects: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    factors: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Context:
    r"""Say which labels turn when the criterion turns, and which weights turn by group.

    Parameters
    ----------
    data : PreferenceData
        With labels under several criteria, or factors and columns that part the labels.
    annotators : str or iterable of str, optional
        Whose labels are examined, by name or kind; everybody's when None.
    truth : str, optional
        Annotator or kind whose labels under each criterion are the reference; gold labels, else
        people's, where others answered too, when None.
    blind : str
        Criterion of the labels that were asked without one.
    placebo : iterable of str, optional
        Criteria that say nothing; those named ``placebo`` or ``placebo: ...`` when None.
    negated : mapping of str to str, optional
        Negated criterion to criterion; ``not NAME`` to ``NAME`` when None.
    opposed : bool, optional
        Whether each pair must have two criteria with opposed labels in the reference; by the
        layout that was read when None.
    aspects : sequence of str
        Factors that are aspects of the overall label beside the criteria: the side with more
        has it. With a minus before the name of a factor or criterion (an error) it is the side
        with less.
    columns : sequence of str, optional
        Columns by which weights are taken apart, ``models`` (who answered) and ``raters`` (who
        labelled the pair) among them; all of 2 to 50 values when None, none when empty.
    factors : sequence of str, optional
        Whose weights; all when None.
    level : float
    seed : int
        Of folds and resamples.

    Returns
    -------
    Context

    Raises
    ------
    DesignError
        One criterion, no aspects, and no factors with a column to take them apart by; an unknown
        criterion, factor or column, or a criterion with two roles.
    DataError
        Data that contradict the layout of two opposed criteria, or an unknown annotator.

    Notes
    -----
    *Flip rate*: mean over an annotator's pairs of the share of two contexts that got opposed
    labels; a tie is not opposed. Labels without a positive weight are left out and counted; other
    weights enter the weights of factors alone, not flips, gains and trade-offs. *Context gain*:
    accuracy with minus without the criterion on the same labels of the reference; p by the exact
    McNemar test over clusters. On pairs whose two criteria are opposed an answer without context
    is right on exactly one half, which is checked and said. *Reversals* (Simpson):
    each factor by each column, all fits at once; see
    :func:`workbench.structure.context.reversals.scan`. Groups by ``models`` have an intercept,
    which says which model is better. q-values over factors and columns.

    References
    ----------
    McNemar (1947); Simpson (1951); Gail and Simon (1985), *Testing for qualitative interactions*;
    Berger (1982) for the larger of two p-values; Pitis et al. (2024) for context-specific
    preferences (RPR); Bansal et al. (2024) for pairs with two prompts (DOVE).

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = wb.context(data, factors=["words"])
    >>> "reversals" in found.tables()
    True
    """
    refuse_out_of_range({"level": level_option(level), "seed": seed_option(seed)})
    roles = roles_of(data.criteria, blind, placebo, negated)
    columns = None if columns is None else listed("columns", columns)
    aspects = listed("aspects", aspects)
    refuse_unknown(data, columns or ())
    asked = _Options(factors, level, seed)
    chosen = _chosen(data, annotators, truth)
    said = said_of(chosen)
    unsaid = {why: int(bad.sum()) for why, bad in no_word(chosen.labels).items() if bad.any()}
    known, name = _truth(chosen, said, truth)
    tables: dict[str, Any] = {"estimates": pd.DataFrame(columns=measures.COLUMNS)}
    told = pd.Index([]), False
    if roles.contexts and len(data.criteria) > 1:
        if known is not None:
            told = complete_pairs(data, known[known["criterion"].isin(roles.contexts)], opposed)
        tables["estimates"] = measures.measures(said, known, name, roles, told[0], level)
    tables |= _aspects(data, said, roles, aspects, asked)
    tables["interaction"] = _interaction(chosen, roles, asked)
    raters = raters_of(data)
    tables |= _taken_apart(chosen, roles, columns, aspects, asked, raters)
    settings: dict[str, Any] = {
        "truth": name, "contexts": len(roles.contexts), "blind": roles.blind,
        "placebo": roles.placebos, "negated": roles.negated, "aspects": list(aspects),
        "n_opposed": len(told[0]), "by_construction": bool(len(told[0])), "level": level,
        "n_scanned": tables.pop("n_scanned"), "excluded": tables.pop("excluded"),
        "unsaid": unsaid, "skipped": asked.skipped, "notes": _notes(said, roles, unsaid),
    }  # fmt: skip
    _refuse_nothing(tables, asked, unsaid)
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    return Context(**tables, settings=settings, provenance=provenance)


def _notes(said: pd.DataFrame, roles: Roles, unsaid: Mapping[str, int]) -> list[str]:
    """Return which labels say nothing, and what a flip of votes without names may be."""
    notes = [f"{n:,} label{'s' * (n != 1)} left out: {why}" for why, n in unsaid.items()]
    pooled = sorted(set(said.loc[said["criterion"].isin(roles.contexts), "annotator"]) & POOLS)
    if len(roles.contexts) < 2 or not pooled:
        return notes
    names = ", ".join(pooled)
    whose = f"{names}: the votes of several people under one name, a flip may be two people's"
    return [*notes, whose]


def _chosen(
    data: PreferenceData, annotators: str | Iterable[str] | None, truth: str | None
) -> PreferenceData:
    """Return the labels of those asked for and of the reference."""
    if annotators is None:
        return data
    names = [annotators] if isinstance(annotators, str) else list(annotators)
    wanted = dict.fromkeys([*names, *([] if truth is None else [truth])])
    table = data.annotators
    own = table[table["annotator"].isin(wanted) | table["kind"].isin(wanted)]["annotator"]
    lacking = [n for n in wanted if not (table[["annotator", "kind"]] == n).any(axis=None)]
    return data.filter(annotators=[*own, *lacking])


def _truth(
    data: PreferenceData, said: pd.DataFrame, truth: str | None
) -> tuple[pd.DataFrame | None, str | None]:
    """Return the reference by pair and criterion, and the group that it is."""
    table = data.annotators
    if truth is None:
        kinds = [k for k in _TRUTHS if (table["kind"] == k).any()]
        if not kinds or (len(set(table["kind"])) < 2 and kinds[0] == PERSON):
            return None, None
        truth = kinds[0]
    own = table[(table["annotator"] == truth) | (table["kind"] == truth)]
    if own.empty:
        raise DataError(
            f"The data have no annotator or kind {truth!r}.",
            found=", ".join(table["annotator"].head(12)),
            expected="the annotator or kind of the reference",
            fix="Check the spelling of truth= (--truth).",
        )
    part = said[said["annotator"].isin(own["annotator"])]
    groups = part["group"].unique()
    return majority(part), str(groups[0]) if len(groups) == 1 else truth


def _aspects(
    data: PreferenceData, said: pd.DataFrame, roles: Roles, aspects: Sequence[str], asked: _Options
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "trade_offs": pd.DataFrame(columns=trade_offs.COLUMNS), "joint": None,
    }  # fmt: skip
    turned = [n for n in aspects if n.startswith("-") and n[1:] in roles.contexts]
    scored = [n for n in aspects if n not in turned]
    plain = [n.removeprefix("-") for n in scored]
    unknown = [n for n in plain if n not in data.factor_names]
    if unknown:
        raise DesignError(
            f"The data have no factor {unknown[0]!r} for an aspect.",
            found=", ".join(data.factor_names) or "no factors",
            expected="names of factors in aspects= (--aspect), or a criterion with a minus",
            fix="Score them or take them from columns (workbench.factors.from_columns).",
        )
    count = len(roles.contexts) + len(scored)
    if roles.blind is None or count < 2:
        return found
    if count > _MOST_CRITERIA:
        asked.skipped["trade-offs"] = f"{count:,} criteria, more than {_MOST_CRITERIA}"
        return found
    signs = [-1.0 if name.startswith("-") else 1.0 for name in scored]
    own = (data.factors[plain] * signs).set_axis(scored, axis=1)
    overall, sides = trade_offs.aspect_sides(said, roles, own)
    sides = sides.assign(**{n[1:]: -sides[n[1:]] for n in turned if n[1:] in sides})
    sides = sides.rename(columns={n[1:]: n for n in turned})
    there = sides.notna().any(axis=1)
    overall, sides = overall[there].reset_index(drop=True), sides[there].reset_index(drop=True)
    if overall.empty:
        asked.skipped["trade-offs"] = "nobody labelled a pair overall and by an aspect"
        return found
    found["trade_offs"] = trade_offs.trade_offs(overall, sides, asked.level)
    try:
        found["joint"] = joint_fit(overall, sides, data.pairs["cluster"], asked.level, asked.seed)
    except DesignError as trouble:
        asked.skipped["joint weights of aspects"] = trouble.what
    return found


def _interaction(data: PreferenceData, roles: Roles, asked: _Options) -> ScenarioPool | None:
    """Return the weights of factors under each criterion, each borrowing from the others."""
    if len(roles.contexts) < 2 or not data.factor_names:
        return None
    labels = data.labels[data.labels["criterion"].isin(roles.contexts)]
    many = len(roles.contexts) > _MOST_CRITERIA and CATEGORY in labels
    subset = labels[CATEGORY if many else "criterion"]
    if not 2 <= (count := subset.nunique()) <= _MOST_CRITERIA:
        what = "categories of criteria" if many else "criteria"
        asked.skipped["factors by criterion"] = f"{count:,} {what}, not 2 to {_MOST_CRITERIA}"
        return None
    # the criterion is the subset, so that labels under several are no repeats of one question
    named = labels.assign(context=subset, criterion=OVERALL)
    again = complete_labels(named.drop(columns="replicate"))
    try:
        return pool_scenarios(
            replace(data, labels=again), scenario="context", factors=asked.factors,
            level=asked.level, seed=asked.seed,
        )  # fmt: skip
    except DesignError as trouble:
        asked.skipped["factors by criterion"] = trouble.what
        return None


def _taken_apart(
    data: PreferenceData, roles: Roles, columns: Sequence[str] | None, aspects: Sequence[str],
    asked: _Options, raters: pd.Series,
) -> dict[str, Any]:  # fmt: skip
    """Return reversals, the groups behind them, and the part of the prompts."""
    found: dict[str, Any] = {
        "reversals": pd.DataFrame(columns=reversals.COLUMNS),
        "composition": pd.DataFrame(columns=reversals.GROUP_COLUMNS),
        "prompts": pd.DataFrame(columns=prompts.COLUMNS), "n_scanned": 0, "excluded": {},
    }  # fmt: skip
    taken = {name.removeprefix("-") for name in aspects}
    names = [n for n in data.factor_names if n not in taken]
    names = names if asked.factors is None else listed("factors", asked.factors)
    two = "prompt_b" in data.pairs and bool(data.pairs["prompt_b"].notna().any())
    if not names and not two:
        asked.skipped["reversals"] = "no factors: score them (score_factors)"
        return found
    rows, at, found["excluded"] = _rows(data, roles, names)
    if two and len(at):
        pair = data.pair_rows[at]
        values = prompts.prompt_factors(data).to_numpy("float64")[pair]
        cluster = data.pairs["cluster"].astype("str").to_numpy()[pair]
        found["prompts"], why = prompts.judged_prompts(
            rows, values, cluster, asked.level, asked.seed
        )
        if why is not None:
            asked.skipped["prompts"] = why
    if not names or columns == [] or columns == () or not len(at):
        return found
    groups, skipped = groupings(data, at, columns, raters)
    asked.skipped |= {f"column {name}": why for name, why in skipped.items()}
    if not groups:
        asked.skipped["reversals"] = "no column has 2 to 50 values"
        return found
    found["reversals"], found["composition"] = reversals.scan(rows, groups, names, asked.level)
    found["n_scanned"] = len(at)
    return found


def _rows(
    data: PreferenceData, roles: Roles, names: list[str]
) -> tuple[Rows, np.ndarray, dict[str, int]]:
    """Return the labels that answer one question, sorted, and why others are left out."""
    missing = [name for name in names if name not in data.factor_names]
    if missing:
        raise DesignError(
            f"The data have no factor {missing[0]!r}.",
            found=", ".join(data.factor_names) or "no factors",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    labels = data.labels
    # without an overall label the criteria themselves are groups that may turn a weight
    wanted = [roles.blind] if roles.blind is not None else roles.contexts
    y, w = labels["preference"].to_numpy(), labels["weight"].to_numpy()
    factors = data.factors[names].to_numpy("float64")[data.pair_rows]
    reasons = {
        "another criterion": ~labels["criterion"].isin(wanted).to_numpy(),
        "no verdict": ~np.isfinite(y),
        "no positive weight": ~(np.isfinite(w) & (w > 0)),
        "missing factor value": ~np.isfinite(factors).all(axis=1),
    }
    use, excluded = np.ones(len(labels), dtype=bool), {}
    for why, bad in reasons.items():
        if (bad & use).any():
            excluded[why] = int((bad & use).sum())
        use &= ~bad
    order = labels.loc[use, ["pair_id", "annotator", "criterion", "order_shown", "preference"]]
    at = order.sort_values(list(order), kind="stable").index.to_numpy("int64")
    shown = labels["order_shown"].map({"ab": 1.0, "ba": -1.0}).fillna(0.0).to_numpy("float64")
    terms, X = list(names), factors[at]
    if shown[at].any():
        terms, X = [*terms, POSITION], np.column_stack([X, shown[at]])
    cluster = pd.factorize(data.pairs["cluster"], sort=True)[0][data.pair_rows[at]]
    return Rows(X, terms, w[at], y[at], np.asarray(cluster, dtype=np.int64)), at, excluded


def _refuse_nothing(tables: Mapping[str, Any], asked: _Options, unsaid: Mapping[str, int]) -> None:
    frames = ("estimates", "trade_offs", "reversals", "prompts")
    if any(len(tables[name]) for name in frames):
        return
    why = "; ".join(f"{what}: {reason}" for what, reason in asked.skipped.items())
    why = "; ".join([*([why] if why else []), *(f"{n:,} with {w}" for w, n in unsaid.items())])
    raise DesignError(
        "There is no context to compare.",
        found=f"labels of one question; {why}" if why else "labels of one question",
        expected="labels of the same pairs under two criteria, aspects beside an overall label, or "
        "factors and a column with 2 to 50 values",
        fix="Name the column of criteria when loading (--map criterion=COLUMN), score factors, or "
        "name a column of the pairs (columns=, --column).",
    )
