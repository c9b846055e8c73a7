"""The verb that compares judges, or runs of one, on the same pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from workbench.calibration.paired.differences import (
    MEASURED,
    Case,
    compared,
    sums_of,
    told,
)
from workbench.calibration.paired.result import AnnotatorComparison, method_of
from workbench.calibration.paired.slices import slices_of
from workbench.calibration.paired.verdicts import Mask, Verdicts, judges_of, verdicts_of
from workbench.clustered import Codes, share, starts_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, level_option, refuse_out_of_range
from workbench.intervals import as_binomial, mid_p, size_of_sums
from workbench.judges.both_orders import by_side
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

NONE_SHARED = "no pair that both were asked and the reference decided"
_BESIDE = ("differ", "differ_low", "differ_high", "n_both", "unread_a", "unread_b",
           "alone_a", "alone_b", "without_reference")  # fmt: skip
COLUMNS = (*MEASURED, *_BESIDE)


@on_one_thread
def compare_annotators(
    data: PreferenceData,
    a: str | None = None,
    b: str | None = None,
    reference: str = "human",
    *,
    judges: Sequence[str] | None = None,
    by: str | None = None,
    margin: float = 0.02,
    level: float = 0.95,
) -> AnnotatorComparison:
    r"""Say which of two judges agrees more with a reference, on the pairs that both were asked.

    Parameters
    ----------
    data : PreferenceData
    a, b : str, optional
        Two annotators: judges, or runs of one. All pairs of ``judges`` when None.
    reference : str
        An annotator or a kind.
    judges : sequence of str, optional
        Everybody who is neither a person nor gold when None.
    by : str, optional
        Column of the pairs that names the slice, such as ``scenario``.
    margin : float
        Differences of agreement within it count as none.
    level : float

    Returns
    -------
    AnnotatorComparison
        Difference in agreement, share of verdicts that differ, equivalence, detectable
        difference; q-values and Holm's over the comparisons, and over those of slices.

    Raises
    ------
    DesignError
        No reference, one name only, no such slice, or an option out of range.
    DataError
        An annotator that the data do not have.

    Notes
    -----
    Agreement is that of :func:`workbench.judge_board`: mean ``1 - |a - b|`` of the verdicts against
    the mode of the reference, unread ones 0; a pair counts once. With one pair a prompt and
    verdicts right or wrong, p is McNemar's mid-P of both discordant counts,

    .. math:: p = 2 P(X \le \min(b, c)) - P(X = \min(b, c)), \qquad
              X \sim \mathrm{Bin}(b + c, \tfrac12)

    with several pairs a prompt, or ties, the same of random signs of the prompts' sums; where
    repeats leave other parts, the score test. Intervals are Tango's at the effective size, so
    that two equal judges get one that is no point. See
    :func:`workbench.calibration.paired.differences.compared` for equivalence and the detectable
    difference.

    References
    ----------
    McNemar (1947); Fagerland, Lydersen and Laake (2013) for mid-P; Tango (1998); Schuirmann (1987)
    for the two one-sided tests; Connor (1987); Holm (1979).

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.compare_annotators(wb.load("sample"), "sim-judge-length", "sim-judge-format")
    >>> found.to_frame()["verdict"].tolist()
    ['not told apart']
    """
    options = _checked(a, b, judges, margin, level)
    data = data.decided()
    names = judges_of(data, options, reference)
    if a is None:
        names = sorted(names)
    said = verdicts_of(data, names, reference)
    parts = slices_of(data.pairs, by, said.pair)
    estimates = _all_pairs(said, margin, level)
    slices = [
        _all_pairs(said.within(inside), margin, level).assign(group=name)
        for name, inside in parts.items()
    ]
    noun = data.noun(reference)
    used = data.labels["preference"][data.labels["annotator"].isin(names)]
    columns = ["group", *COLUMNS]
    return AnnotatorComparison(
        estimates=told(estimates, level)[list(COLUMNS)],
        slices=told(pd.concat(slices, ignore_index=True), level)[columns]
        if slices
        else pd.DataFrame(columns=columns),
        sides=_sides(said, level),
        exclusions=said.exclusions,
        settings={
            "a": a, "b": b, "judges": names, "reference": reference, "reference_is": noun,
            "by": by, "margin": margin, "level": level,
            "notes": [f"{parts.lacking:,} pairs without a value of {by}"] if parts.lacking else [],
            "method": by_side(method_of(estimates), used),
        },
        provenance=Provenance.capture(dataset=data.digest),
    )  # fmt: skip


def _checked(
    a: str | None, b: str | None, judges: Sequence[str] | None, margin: float, level: float
) -> Sequence[str] | None:
    """Refuse options that do not go together; return the judges that are named."""
    both = a is not None and b is not None
    if (a is None) != (b is None) or (both and judges is not None):
        raise DesignError(
            "Two judges are compared, or all pairs of several.",
            found=f"a={a!r}, b={b!r}, judges={judges!r}",
            expected="a= and b=, or judges=, or none of them",
            fix="Leave the other out.",
        )
    refuse_out_of_range(
        {
            "margin": (
                isinstance(margin, int | float) and 0 < margin < 1, margin,
                "a difference of agreement above 0 and below 1",
            ),
            "level": level_option(level),
        }
    )  # fmt: skip
    if a is not None and b is not None:
        return [a, b]
    return judges


def _all_pairs(said: Verdicts, margin: float, level: float) -> pd.DataFrame:
    """Return a row for each two judges."""
    index = list(combinations(range(len(said.names)), 2))
    cases = (Case(_difference(said, i, j), said.asked[i] & said.asked[j]) for i, j in index)
    table = compared(cases, said.cluster, said.unit, margin, level)
    table["reason"] = table["reason"].where(table["n"] > 0, NONE_SHARED)
    beside = pd.DataFrame(_beside(said, index, level), index=table.index)
    return pd.concat([table, beside], axis=1)


def _difference(said: Verdicts, i: int, j: int) -> Any:
    counts = said.asked[i] & said.asked[j]
    return np.where(counts, said.agreement[i] - said.agreement[j], said.agreement.dtype.type(0))


def _beside(said: Verdicts, index: list[tuple[int, int]], level: float) -> list[dict[str, Any]]:
    starts = starts_of(said.cluster)
    asked = said.asked.astype(np.float64)
    tried = (said.read | (said.unread > 0)).astype(np.float64)
    total = (said.agreement * said.unit) @ asked.T
    shared, met, own = asked @ asked.T, tried @ tried.T, tried.sum(axis=1)
    lost = (said.unread * said.asked).astype(np.float64) @ asked.T
    rows = []
    for i, j in index:
        n = float(shared[i, j])
        differ = (said.side[i] != said.side[j]) & said.read[i] & said.read[j]
        rows.append(
            {
                "term": f"{said.names[i]} minus {said.names[j]}",
                "a": said.names[i], "b": said.names[j],
                "value_a": float(total[i, j]) / n if n else np.nan,
                "value_b": float(total[j, i]) / n if n else np.nan,
                **_flips(differ, said.read[i] & said.read[j], starts, level),
                "unread_a": float(lost[i, j]), "unread_b": float(lost[j, i]),
                "alone_a": float(own[i] - met[i, j]), "alone_b": float(own[j] - met[i, j]),
                "without_reference": float(met[i, j] - n),
            }
        )  # fmt: skip
    return rows


def _flips(differ: Mask, both: Mask, starts: Codes, level: float) -> dict[str, Any]:
    """Return the share of verdicts that differ, with its interval over clusters."""
    names = ("differ", "differ_low", "differ_high", "n_both")
    n = int(np.count_nonzero(both))
    if n == 0:
        return dict(zip(names, (np.nan, np.nan, np.nan, 0.0), strict=True))
    sums = sums_of(differ, starts)
    sizes = sums_of(both, starts)
    mean = float(sums.sum() / n)
    squares = mean * (1 - mean) / n
    size = size_of_sums((sums - mean * sizes) / n, sizes, float(n), squares, level)
    size = as_binomial(size, mean, float(n))
    if np.isnan(size.size):
        return dict(zip(names, (mean, np.nan, np.nan, float(n)), strict=True))
    low, high = mid_p(mean, size.size, level)
    return dict(zip(names, (mean, low, high, float(n)), strict=True))


def _sides(said: Verdicts, level: float) -> pd.DataFrame:
    """Return each judge's agreement on all that it was asked."""
    rows = []
    for j, name in enumerate(said.names):
        own = said.asked[j]
        row = share(said.agreement[j][own] * said.unit, said.cluster[own], level)
        if not own.any():
            row["reason"] = "no pair that it was asked and the reference decided"
        rows.append({"term": name, **row, "n_unread": float(said.unread[j][own].sum())})
    return pd.DataFrame(rows)
