"""The subsets that preference dissection fits: scenarios, and overlapping cases of the query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.dissection_ratings import read_facts
from workbench.errors import DataError

SCENARIOS = (
    "Advice",
    "Code",
    "Communication",
    "Creative Writing",
    "Daily Tasks",
    "Exam Questions",
    "Functional Writing",
    "Knowledge-aware",
    "NLP Tasks",
    "Others",
    "Unsafe Queries",
)
"""The 11 scenarios; each pair has one."""

CASES = {
    "w_constraints": "constraints",
    "intent_unclear": "intent_clear",
    "w_mistakes": "mistakes",
    "w_stances": "stances",
    "express_feeling": "feelings",
}
"""The 5 cases of a query, which overlap, and the fact that decides each."""

SUBSETS = (*SCENARIOS, *CASES)
"""The 16 subsets of the published fits."""


def subsets(data: PreferenceData) -> pd.DataFrame:
    """Return which pairs stand in each subset.

    Parameters
    ----------
    data : PreferenceData
        With scenarios (any names; a published one is recognised whatever its case), facts
        of the query (columns of ``pairs``, see :mod:`workbench.data.dissection_ratings`), or
        both.

    Returns
    -------
    DataFrame of bool, shape (n pairs, n subsets)
        Index ``pair_id``; a column for each subset with a pair: published scenarios in their
        order, other scenarios by name, then the cases. A pair of unknown fact is in no case.

    Raises
    ------
    DataError
        The pairs have neither a scenario nor facts.

    Examples
    --------
    >>> pairs = pd.DataFrame({"scenario": ["code", "Advice"], "constraints": ["in C", ""]})
    >>> labels = pd.DataFrame({"pair": [0, 1], "annotator": "ann", "preference": [1.0, 0.0]})
    >>> subsets(PreferenceData.from_tables(pairs, labels)).to_numpy().tolist()
    [[False, True, True], [True, False, False]]
    """
    pairs = data.pairs
    published = {name.lower(): name for name in SCENARIOS}
    plain = pairs["scenario"].str.strip().str.replace("_", " ").str.lower()
    scenario = plain.map(published).astype("str").fillna(pairs["scenario"])
    found = set(scenario.dropna())
    names = [name for name in SCENARIOS if name in found] + sorted(found - set(SCENARIOS))
    columns = {name: (scenario == name).fillna(False).to_numpy(bool) for name in names}
    for case, fact in CASES.items():
        if fact in pairs:
            holds = read_facts(pairs[fact])
            columns[case] = holds == (0.0 if fact == "intent_clear" else 1.0)
    columns = {name: members for name, members in columns.items() if members.any()}
    if not columns:
        raise DataError(
            "The pairs have no subsets.",
            found="neither a scenario nor a fact of the query",
            expected="a column scenario, or " + ", ".join(CASES.values()),
            fix="Give dissection_factors the facts, or map a column: mapping={'scenario': ...}.",
        )
    return pd.DataFrame(columns, index=pd.Index(pairs["pair_id"], name="pair_id"))


def in_subsets(data: PreferenceData, names: Sequence[str] | None = None) -> PreferenceData:
    """Return the data with each label once for every subset of its pair.

    A label gets a column ``subset``. The pairs, their factors and clusters stay as they are,
    so that in a fit by ``subset`` each label counts once, and subsets that share pairs share
    clusters, as contrasts between them need. A fit that is *not* by ``subset`` would count
    labels several times: use the data without subsets for it.

    Parameters
    ----------
    data : PreferenceData
    names : sequence of str, optional
        Some of the columns of :func:`subsets`; all when None.

    Returns
    -------
    PreferenceData
        Replicates of a label are numbered on by subset. Labels on pairs of no subset are
        left out; a note in ``load_report`` counts them.

    Raises
    ------
    DataError
        An unknown subset, no subset at all, none with a label, or labels that stand in
        subsets already.

    Examples
    --------
    Weights of each annotator in each scenario of the sample:

    >>> import workbench as wb
    >>> from workbench.factors import FAMILIES
    >>> data = wb.score_factors(wb.load("sample"), FAMILIES["tone"])
    >>> fit = wb.decompose(in_subsets(data), annotator="human", by=["annotator", "subset"], folds=0)
    >>> fit.weights().keys["subset"].tolist() == subsets(data).columns.tolist()
    True
    """
    if "subset" in data.labels:
        raise DataError(
            "The labels stand in subsets already.",
            found="a column subset of the labels",
            expected="each label once",
            fix="Use the data as they were before in_subsets.",
        )
    members = subsets(data)
    chosen = list(members.columns if names is None else names)
    unknown = [name for name in chosen if name not in members]
    if unknown or not chosen:
        raise DataError(
            f"The data have no subset {unknown[0]!r}." if unknown else "No subset is asked for.",
            found=", ".join(members.columns),
            expected="some of these",
            fix="See workbench.factors.dissection_subsets.subsets(data).",
        )
    inside = members[chosen].to_numpy()[data.pair_rows]
    step = int(data.labels["replicate"].max()) + 1 if len(data.labels) else 1
    parts = []
    for k, name in enumerate(chosen):
        part = data.labels[inside[:, k]].copy()
        part["replicate"] = (part["replicate"] + k * step).astype("int32")
        part["subset"] = name
        parts.append(part)
    labels = pd.concat(parts, ignore_index=True)
    if labels.empty:
        raise DataError(
            "No pair of these subsets has a label.",
            found=", ".join(chosen),
            expected="labels on their pairs",
            fix="Choose other subsets.",
        )
    labels["subset"] = labels["subset"].astype("str")
    report = data.load_report
    left = int((~inside.any(axis=1)).sum())
    if report is not None and left:
        note = f"subsets: {left:,} labels on pairs of no subset left out"
        report = replace(report, notes=(*report.notes, note))
    return replace(data, labels=labels, load_report=report)


def only_subsets(data: PreferenceData, names: Sequence[str]) -> PreferenceData:
    """Return the pairs that stand in any of some subsets, each once.

    Parameters
    ----------
    data : PreferenceData
    names : sequence of str
        Scenarios as the pairs name them, or columns of :func:`subsets`, such as
        ``w_constraints``.

    Raises
    ------
    DataError
        A name that is neither.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> set(only_subsets(data, ["coding"]).pairs["scenario"])
    {'coding'}
    """
    scenario = data.pairs["scenario"]
    others = [name for name in names if name not in set(scenario.dropna())]
    members = subsets(data) if others and _has_subsets(data) else pd.DataFrame()
    if not others or any(name not in members for name in others):
        # its error names what is not there, and what is
        return data.filter(scenarios=names)
    inside = members[others].any(axis=1).to_numpy() | scenario.isin(names).to_numpy()
    return data.filter(pair_ids=data.pairs["pair_id"][inside])


def _has_subsets(data: PreferenceData) -> bool:
    facts = any(fact in data.pairs for fact in CASES.values())
    return facts or bool(data.pairs["scenario"].notna().any())
