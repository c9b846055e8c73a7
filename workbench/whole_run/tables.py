"""The data of a whole run: as read, with factors, with what judges and rubrics added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError
from workbench.factors import FAMILIES, FactorSpec, only_subsets, score_factors
from workbench.report.main_job import with_factors
from workbench.whole_run.config import WholeConfig


def scored(data: PreferenceData, families: Sequence[str]) -> PreferenceData:
    """Return the data with families of text factors; with the core where they have none.

    Raises
    ------
    ConfigError
        An unknown family.

    Examples
    --------
    >>> import workbench as wb
    >>> scored(wb.load("sample"), ["length"]).factor_names[:2]
    ['characters', 'words']
    """
    specs = specs_of(families)
    return score_factors(data, specs) if specs else with_factors(data)


def specs_of(families: Sequence[str]) -> list[FactorSpec]:
    """Return the factors of families.

    Raises
    ------
    ConfigError
        An unknown family.

    Examples
    --------
    >>> [spec.name for spec in specs_of(["length"])][:2]
    ['characters', 'words']
    """
    unknown = [name for name in families if name not in FAMILIES]
    if unknown:
        raise ConfigError(
            f"There is no family of factors {unknown[0]!r}.",
            where="run configuration",
            expected="one of " + ", ".join(FAMILIES),
            fix="Check the spelling of families.",
        )
    return [spec for name in families for spec in FAMILIES[name]]


def with_labels(data: PreferenceData, judged: PreferenceData, annotator: str) -> PreferenceData:
    """Return the data with the labels that a judge gave, perhaps on some of the pairs.

    Parameters
    ----------
    data : PreferenceData
    judged : PreferenceData
        Pairs of ``data`` with the judge's labels.
    annotator : str
        The judge.
    """
    own = judged.labels[judged.labels["annotator"] == annotator]
    if len(data.criteria) == 1:
        # it was asked one question: the one that the data answer
        own = own.assign(criterion=data.criteria[0])
    labels = complete_labels(pd.concat([data.labels, own], ignore_index=True))
    return replace(data, labels=labels)


def with_rubric(data: PreferenceData, rated: PreferenceData) -> PreferenceData:
    """Return the data with the factors of a rubric; pairs that it did not rate have none.

    Parameters
    ----------
    data : PreferenceData
    rated : PreferenceData
        Pairs of ``data`` with more factors.
    """
    new = [name for name in rated.factor_names if name not in data.factor_names]
    sides = [c for c in rated.factor_values if c[:-2] in new and c[-2:] in ("_a", "_b")]
    order = data.pairs["pair_id"]
    factors = rated.factors.set_index("pair_id")[new].reindex(order).reset_index(drop=True)
    values = rated.factor_values.set_index("pair_id")[sides].reindex(order).reset_index(drop=True)
    specs = {name: rated.factor_specs[name] for name in new if name in rated.factor_specs}
    return data.with_factors(factors, values, specs)


def chosen(data: PreferenceData, config: WholeConfig) -> PreferenceData:
    """Return the labels and pairs that a configuration chooses.

    Examples
    --------
    >>> import workbench as wb
    >>> len(chosen(wb.load("sample"), WholeConfig()))
    2000
    """
    if config.criteria:
        data = data.filter(criteria=config.criteria)
    return only_subsets(data, config.scenarios) if config.scenarios else data
