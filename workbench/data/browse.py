"""Which pairs a reader asks for: by text, verdicts, scenario, model, date and factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.on_view.dates import dates_of
from workbench.errors import DataError

Agreement = Literal["any", "agree", "disagree"]

Range = tuple[str, float | None, float | None]
"""A factor, and the least and the greatest coded difference; None: no bound."""

_TEXTS = ("prompt", "response_a", "response_b")


def find_pairs(
    data: PreferenceData,
    *,
    text: str = "",
    annotators: Sequence[str] = (),
    criteria: Sequence[str] = (),
    scenarios: Sequence[str] = (),
    models: Sequence[str] = (),
    agreement: Agreement = "any",
    dates: tuple[str | None, str | None] = (None, None),
    factors: Sequence[Range] = (),
) -> NDArray[np.int64]:
    """Return the positions of the pairs that meet every condition.

    Parameters
    ----------
    data : PreferenceData
    text : str
        Stands in the prompt or a response, as it is (no pattern), in either case.
    annotators : sequence of str
        Each of them gave a verdict.
    criteria : sequence of str
        A verdict was given on one of them; other verdicts do not count for the conditions
        on annotators and agreement.
    scenarios : sequence of str
        The pair belongs to one of them.
    models : sequence of str
        One of them wrote one of the responses.
    agreement : {"any", "agree", "disagree"}
        ``agree``: two verdicts or more (of ``annotators`` where named), all for the same
        side or all ties. ``disagree``: some verdict for A and some for B. Verdicts on
        different criteria are not compared.
    dates : tuple of str or None
        The first and the last day, as ``2024-05-31``, both included; a pair without a date
        is left out (:func:`workbench.data.on_view.dates.dates_of`).
    factors : sequence of (factor, least, greatest)
        The coded difference A minus B lies within, bounds included; a missing one does not.

    Returns
    -------
    ndarray of int
        Rows of ``data.pairs``, ascending.

    Raises
    ------
    DataError
        A name that the data do not have, another agreement, a day that is none, or dates
        where the data have none.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> apart = find_pairs(data, agreement="disagree")
    >>> 0 < len(apart) < len(data)
    True
    """
    names = {"annotator": annotators, "criterion": criteria, "scenario": scenarios,
             "model": models, "factor": [name for name, _, _ in factors],
             "agreement": [agreement]}  # fmt: skip
    _check(data, names)
    keep = np.ones(len(data.pairs), dtype=bool)
    if text:
        keep &= _contains(data.pairs, text)
    if scenarios:
        keep &= data.pairs["scenario"].isin(scenarios).to_numpy()
    if models:
        keep &= (data.pairs["model_a"].isin(models) | data.pairs["model_b"].isin(models)).to_numpy()
    if any(dates):
        keep &= _on_days(data, dates)
    for name, least, greatest in factors:
        value = data.factors[name].to_numpy()
        # a missing difference is within no bounds
        keep &= (value >= (-np.inf if least is None else least)) & (
            value <= (np.inf if greatest is None else greatest)
        )
    if annotators or criteria or agreement != "any":
        keep &= _by_labels(data, annotators, criteria, agreement)
    return np.flatnonzero(keep)


def names_of(data: PreferenceData, what: str) -> list[str]:
    """Return the names that a condition may ask for.

    Parameters
    ----------
    data : PreferenceData
    what : {"annotator", "criterion", "scenario", "model", "factor", "agreement"}

    Examples
    --------
    >>> import workbench as wb
    >>> names_of(wb.load("sample"), "scenario")
    ['advice', 'coding', 'summaries']
    """
    if what == "annotator":
        return list(data.annotators["annotator"])
    if what == "criterion":
        return data.criteria
    if what == "factor":
        return data.factor_names
    if what == "agreement":
        return list(get_args(Agreement))
    columns = ("model_a", "model_b") if what == "model" else (what,)
    return sorted({name for column in columns for name in data.pairs[column].dropna().unique()})


def _check(data: PreferenceData, asked: dict[str, Sequence[str]]) -> None:
    for what, wanted in asked.items():
        if not wanted:
            continue
        names = names_of(data, what)
        missing = [name for name in wanted if name not in set(names)]
        if missing:
            raise DataError(
                f"There is no {what} {missing[0]!r}.",
                found=", ".join(map(str, names[:12])) or f"no {what} at all",
                expected=f"one of the {len(names)} {what} names",
                fix="Check the spelling; names are case-sensitive.",
            )


def _on_days(data: PreferenceData, days: tuple[str | None, str | None]) -> NDArray[np.bool_]:
    times = dates_of(data)
    if times is None:
        raise DataError(
            "The data have no dates.",
            found="no column of times among the pairs and labels",
            expected="a column such as timestamp, or one of dates",
            fix="Leave the dates out of the conditions.",
        )
    first, last = (_day(day) for day in days)
    within = times.notna()
    if first is not None:
        within &= times >= first
    if last is not None:
        within &= times < last + pd.Timedelta(days=1)
    return np.asarray(within)


def _day(day: str | None) -> pd.Timestamp | None:
    if not day:
        return None
    found = pd.to_datetime(day, format="%Y-%m-%d", errors="coerce", utc=True)
    if pd.isna(found):
        raise DataError(
            "A day cannot be read.",
            found=repr(day),
            expected="year, month and day, as 2024-05-31",
            fix="Write it so, or leave it out.",
        )
    return pd.Timestamp(found)


def _contains(pairs: pd.DataFrame, text: str) -> NDArray[np.bool_]:
    found = np.zeros(len(pairs), dtype=bool)
    for name in _TEXTS:
        hits = pairs[name].str.contains(text, case=False, regex=False)
        found |= hits.fillna(False).to_numpy(dtype=bool)
    return found


def _by_labels(
    data: PreferenceData, annotators: Sequence[str], criteria: Sequence[str], agreement: str
) -> NDArray[np.bool_]:
    n = len(data.pairs)
    preference = data.labels["preference"].to_numpy()
    use = np.isfinite(preference)
    row = data.pair_rows
    if criteria:
        use &= data.labels["criterion"].isin(criteria).to_numpy()
    keep = np.ones(n, dtype=bool)
    if criteria:
        keep &= np.bincount(row[use], minlength=n) > 0
    if annotators:
        code = pd.Index(annotators).get_indexer(data.labels["annotator"])
        for k in range(len(annotators)):
            keep &= np.bincount(row[use & (code == k)], minlength=n) > 0
        use &= code >= 0
    # verdicts on another criterion answer another question
    criterion, names = pd.factorize(data.labels["criterion"])
    cell, shape = row * len(names) + criterion, (n, max(len(names), 1))

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(cell[use & which], minlength=shape[0] * shape[1]).reshape(shape)

    for_a, for_b = count(preference > 0.5), count(preference < 0.5)
    ties = count(preference == 0.5)
    if agreement == "disagree":
        keep &= ((for_a > 0) & (for_b > 0)).any(axis=1)
    if agreement == "agree":
        every = for_a + for_b + ties
        same = np.maximum(np.maximum(for_a, for_b), ties) == every
        keep &= (every > 1).any(axis=1) & (same | (every < 2)).all(axis=1)
    return keep
