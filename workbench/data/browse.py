"""Which pairs a reader asks for: by text, by who labelled them and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

Agreement = Literal["any", "agree", "disagree"]

_TEXTS = ("prompt", "response_a", "response_b")


def find_pairs(
    data: PreferenceData,
    *,
    text: str = "",
    annotators: Sequence[str] = (),
    scenarios: Sequence[str] = (),
    agreement: Agreement = "any",
) -> NDArray[np.int64]:
    """Return the positions of the pairs that meet every condition.

    Parameters
    ----------
    data : PreferenceData
    text : str
        Stands in the prompt or a response, as it is (no pattern), in either case.
    annotators : sequence of str
        Each of them gave a verdict.
    scenarios : sequence of str
        The pair belongs to one of them.
    agreement : {"any", "agree", "disagree"}
        ``agree``: two verdicts or more (of ``annotators`` where named), all for the same
        side or all ties. ``disagree``: some verdict for A and some for B. Verdicts on
        different criteria are not compared.

    Returns
    -------
    ndarray of int
        Rows of ``data.pairs``, ascending.

    Raises
    ------
    DataError
        An annotator or scenario that the data do not have, or another agreement.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> apart = find_pairs(data, agreement="disagree")
    >>> 0 < len(apart) < len(data)
    True
    """
    _check(data, annotators, scenarios, agreement)
    keep = np.ones(len(data.pairs), dtype=bool)
    if text:
        keep &= _contains(data.pairs, text)
    if scenarios:
        keep &= data.pairs["scenario"].isin(scenarios).to_numpy()
    if annotators or agreement != "any":
        keep &= _by_labels(data, annotators, agreement)
    return np.flatnonzero(keep)


def _check(
    data: PreferenceData, annotators: Sequence[str], scenarios: Sequence[str], agreement: str
) -> None:
    known = {
        "annotator": (annotators, data.annotators["annotator"].tolist()),
        "scenario": (scenarios, sorted(data.pairs["scenario"].dropna().unique())),
        "agreement": ([agreement], list(get_args(Agreement))),
    }
    for what, (asked, names) in known.items():
        missing = [name for name in asked if name not in set(names)]
        if missing:
            raise DataError(
                f"There is no {what} {missing[0]!r}.",
                found=", ".join(map(str, names[:12])) or f"no {what} at all",
                expected=f"one of the {len(names)} {what} names",
                fix="Check the spelling; names are case-sensitive.",
            )


def _contains(pairs: pd.DataFrame, text: str) -> NDArray[np.bool_]:
    found = np.zeros(len(pairs), dtype=bool)
    for name in _TEXTS:
        hits = pairs[name].str.contains(text, case=False, regex=False)
        found |= hits.fillna(False).to_numpy(dtype=bool)
    return found


def _by_labels(
    data: PreferenceData, annotators: Sequence[str], agreement: str
) -> NDArray[np.bool_]:
    n = len(data.pairs)
    preference = data.labels["preference"].to_numpy()
    use = np.isfinite(preference)
    row = data.pair_rows
    keep = np.ones(n, dtype=bool)
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
