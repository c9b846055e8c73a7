"""Whose verdicts are measured: the judges, the reference, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import judges_beside, reference_mask
from workbench.calibration.instrument.verdicts import Said
from workbench.clustered import Codes
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError


@dataclass(frozen=True, eq=False)
class Judged:
    """Judges beside a reference.

    Attributes
    ----------
    data : PreferenceData
        Labels of the criterion that decides.
    judges, people : list of str
        Names, sorted.
    said : dict of str to Said
        Verdicts of each judge.
    rows : dict of str to ndarray of int
        Rows of ``data.labels`` that they are.
    cluster : ndarray of int, shape (pairs,)
    exclusions : DataFrame
        ``judge, reason, n``.
    """

    data: PreferenceData
    judges: list[str]
    people: list[str]
    said: dict[str, Said]
    rows: dict[str, NDArray[np.int64]]
    cluster: Codes
    exclusions: pd.DataFrame


def judged(data: PreferenceData, judges: str | Sequence[str] | None, reference: str) -> Judged:
    """Return judges and reference of the labels that decide.

    Raises
    ------
    DataError
        A judge that the data do not have.
    DesignError
        No reference, no judge, or a judge that is of the reference.

    Examples
    --------
    >>> import workbench as wb
    >>> found = judged(wb.load("sample"), ["sim-judge-length"], "human")
    >>> len(found.said["sim-judge-length"].pair)
    1954
    """
    data = data.decided()
    labels = data.labels
    theirs = reference_mask(data, reference)
    if not theirs.any():
        raise DesignError(
            "There is no reference to measure judges against.",
            found=f"no annotator or kind {reference!r}",
            expected="labels of the reference",
            fix="Name another in reference=.",
        )
    people = sorted(map(str, labels["annotator"][theirs].unique()))
    names = judges_beside(data, judges, theirs)
    preference = labels["preference"].to_numpy("float64")
    weight = labels["weight"].to_numpy("float64")
    order = _is(labels["order_shown"], "ab") - _is(labels["order_shown"], "ba")
    side = np.sign(np.round(np.nan_to_num(preference, nan=0.5) - 0.5, 9)).astype(np.int64) + 1
    place, found = pd.factorize(labels["annotator"])
    code = pd.Index(names).get_indexer(pd.Index(found).astype("str"))[place]
    fine = np.isfinite(preference) & (weight > 0)
    said, rows, gone = {}, {}, []
    by_judge = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[by_judge], np.arange(len(names) + 1))
    for k, name in enumerate(names):
        mine = by_judge[starts[k] : starts[k + 1]]
        kept = mine[fine[mine]]
        said[name] = Said(data.pair_rows[kept], order[kept], side[kept], weight[kept])
        rows[name] = kept
        lost = labels["reason"].take(mine[~fine[mine]]).astype("object")
        reasons = lost.fillna("no verdict, or no weight").value_counts()
        gone += [{"judge": name, "reason": str(why), "n": int(n)}
                 for why, n in sorted(reasons.items())]  # fmt: skip
    cluster = pd.factorize(data.pairs["cluster"], sort=True)[0].astype(np.int64)
    return Judged(data, names, people, said, rows, cluster,
                  pd.DataFrame(gone, columns=["judge", "reason", "n"]))  # fmt: skip


def _is(column: pd.Series, value: str) -> Codes:
    return np.asarray(column.eq(value).fillna(False).to_numpy(bool), dtype=np.int64)
