"""The verb that watches a judge as its verdicts and labels of people arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import (
    asked_mask,
    judges_free,
    reference_mask,
)  # fmt: skip
from workbench.calibration.monitor.result import COLUMNS, RUNNING, Monitor, verdict_of
from workbench.calibration.monitor.sequence import METHOD
from workbench.calibration.monitor.streams import (
    AGREEMENT,
    FIRST,
    NO_TIME,
    TERMS,
    TIES,
    Order,
    Stream,
    order_of,
    stream_of,
    values_of,
)
from workbench.calibration.monitor.watch import (
    GONE,
    Null,
    Untold,
    Watched,
    looks_told,
    paired_watched,
    rate_watched,
    since_watched,
)
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError, DesignError, level_option, listed, refuse_out_of_range
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

SINCE = "{}: now minus baseline"
VERSION = "{}: minus {}"
_TOLD = 200
_FEWEST = 2
_NO_VALUE = {
    AGREEMENT: "no pair with a verdict of the judge and a label of the reference",
    TIES: "no verdict",
    FIRST: "the order shown is not known",
}
_NO_BASELINE = "{} prompts in the baseline, {} after it: two and one are needed"
_NO_COMMON = "no pair with a value of both"


@on_one_thread
def monitor(
    data: PreferenceData,
    judge: str | Sequence[str] | None = None,
    reference: str = "human",
    *,
    baseline: float | str | None = 0.25,
    least: float | None = None,
    time: str | None = None,
    level: float = 0.95,
) -> Monitor:
    """Watch a judge with intervals that may be looked at after every pair.

    Parameters
    ----------
    data : PreferenceData
    judge : str or sequence of str, optional
        Whose verdicts; everybody's that is neither a person, nor gold, nor of the reference, when
        None.
    reference : str
        An annotator or a kind.
    baseline : float or str, optional
        What later verdicts are held against: the first share of the prompts (0.25); a day, as
        2024-05-31, from which on verdicts are new; or an annotator, an older version of the judge,
        on the same pairs. None: nothing.
    least : float, optional
        Agreement below which an alarm is raised.
    time : str, optional
        Column of dates (ISO 8601) or numbers; where it is of labels, a pair arrives with the last
        one of the judges and the reference. When None the dates that the data have, or else the
        order of the pairs: ``settings["order"]`` says which.
    level : float
        Of every sequence; all alarms of the result together are false with a chance of at most
        ``1 - level``.

    Returns
    -------
    Monitor

    Raises
    ------
    DesignError
        Nobody to watch, a judge against itself, no value at all, or an option out of range.
    DataError
        An annotator, kind, column or day that the data do not have, or a column without times.

    Notes
    -----
    Agreement is ``1 - |judge - people|`` of a pair. Prompts are the units: the mean of a prompt's
    pairs is one value, which counts when its last pair has arrived, and each prompt counts once.
    The sequences are those of :func:`workbench.calibration.monitor.sequence.confidence_sequence`.
    They hold at all looks at once, so that labelling may stop whenever they are narrow enough,
    and are about twice as wide as an interval for one planned look. Alarms are bets of their own
    (:func:`workbench.calibration.monitor.sequence.escape`), begun again and again, so that a
    change after a long good time is seen. They share the error equally (Bonferroni): half of a
    number's part is for the rate, half for its distance from the baseline. Where no rate fits all
    looks, the judge has changed on the way.

    References
    ----------
    Waudby-Smith and Ramdas (2024); Shin, Ramdas and Rinaldo (2024); Howard, Ramdas, McAuliffe
    and Sekhon (2021).

    Examples
    --------
    >>> import workbench as wb
    >>> found = monitor(wb.load("sample"), "sim-judge-length")
    >>> found.to_frame()["term"].tolist()[:2]
    ['agreement', 'agreement: now minus baseline']
    """
    share = isinstance(baseline, float | int) and not isinstance(baseline, bool)
    refuse_out_of_range({
        "level": level_option(level),
        "least": (least is None or (isinstance(least, float | int) and 0 < least < 1), least,
                  "a number between 0 and 1"),
        "baseline": (baseline is None or isinstance(baseline, str)
                     or (share and 0 < float(baseline) < 1), baseline,
                     "a share between 0 and 1, a day, an annotator, or None"),
    })  # fmt: skip
    data = data.decided()
    judges, older = _judges(data, judge, reference, baseline)
    verdicts = data.labels["annotator"].isin([*judges, *filter(None, [older])])
    theirs = asked_mask(data, reference)
    order = order_of(data, time, verdicts.to_numpy(dtype=bool) | theirs)
    day = _day(baseline, order) if isinstance(baseline, str) and older is None else None
    cluster = np.asarray(pd.factorize(data.pairs["cluster"])[0], dtype=np.int64)
    seen = {name: values_of(data, name, reference) for name in [*judges, *filter(None, [older])]}
    found = {(name, term): stream_of(seen[name][term], cluster, order)
             for name in judges for term in TERMS}  # fmt: skip
    told = [key for key, stream in found.items() if len(stream.x)]
    _refuse_nothing(told, judges)
    alpha = 1 - level
    plan = _Plan(order, cluster, baseline, older, day, least, alpha, alpha / (2 * len(told)))
    watched = {
        (name, term): _watch(plan, term, found[name, term], seen[name][term],
                             seen[older][term] if older else None)
        for name, term in found
    }  # fmt: skip
    rows = [row for (name, _), part in watched.items() for row in _rows(name, part, order)]
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    running = [row for (name, _), part in watched.items() for row in _running(name, part, order)]
    settings: dict[str, Any] = {
        "judges": judges, "reference": reference, "reference_is": data.noun(reference),
        "baseline": baseline, "least": least, "time": time, "order": order.told, "level": level,
        "alarms": len(told), "left_out": _left_out(data, judges, order),
        "verdict": verdict_of(table),
    }  # fmt: skip
    return Monitor(
        estimates=table,
        running=pd.DataFrame(running, columns=list(RUNNING)),
        settings=settings,
        provenance=Provenance.capture(dataset=data.digest),
    )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What every stream is watched by."""

    order: Order
    cluster: NDArray[np.int64]
    baseline: float | str | None
    older: str | None
    day: pd.Timestamp | None
    least: float | None
    alpha: float
    shared: float


def _watch(
    plan: _Plan, term: str, stream: Stream, values: np.ndarray, old: np.ndarray | None
) -> list[Watched | Untold]:
    if not len(stream.x):
        return [Untold(term, _NO_VALUE[term])]
    null = Null(np.nan, "both", "")
    if term == FIRST:
        null = Null(0.5, "both", "monitor-position")
    elif term == AGREEMENT and plan.least is not None:
        null = Null(plan.least, "below", "monitor-agreement-low")
    found: list[Watched | Untold] = [rate_watched(term, stream, null, plan.alpha, plan.shared)]
    same = Null(0.0, "both", "monitor-changed")
    if old is not None:
        both = stream_of((1 + values - old) / 2, plan.cluster, plan.order)
        name = VERSION.format(term, plan.older)
        told = len(both.x) > 0
        found.append(paired_watched(name, both, same, plan.alpha, plan.shared) if told
                     else Untold(name, _NO_COMMON))  # fmt: skip
    elif plan.baseline is not None:
        split, name = _split(plan, stream), SINCE.format(term)
        rest = len(stream.x) - split
        found.append(since_watched(name, stream, split, same, plan.alpha, plan.shared)
                     if split >= _FEWEST and rest >= 1
                     else Untold(name, _NO_BASELINE.format(split, rest)))  # fmt: skip
    return found


def _split(plan: _Plan, stream: Stream) -> int:
    """Return how many of the clusters are the baseline."""
    if plan.day is not None and plan.order.times is not None:
        when = plan.order.times.iloc[stream.last]
        return int((when < plan.day).sum())
    if plan.baseline is None or isinstance(plan.baseline, str):
        return 0
    return int(np.ceil(plan.baseline * len(stream.x)))


def _rows(name: str, parts: list[Watched | Untold], order: Order) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Untold):
            rows.append({"group": name, "term": part.term, "n": 0.0, "alarm": "",
                         "reason": part.reason})  # fmt: skip
            continue
        low, high, mean = (float(values[-1]) for values in (part.low, part.high, part.mean))
        reason = GONE if np.isnan(low) else None
        if reason is None and not low <= mean <= high:
            reason = "the mean so far was ruled out at an earlier look: it has changed"
        first = part.first
        clusters = float(part.before + len(part.low))
        row = {"group": name, "term": part.term, "estimate": mean, "conf_low": low,
               "conf_high": high, "n": float(part.stream.n[-1]), "n_clusters": clusters,
               "null": part.null.value, "alarm": part.alarm, "method": METHOD,
               "reason": reason}  # fmt: skip
        if first >= 0:
            row |= {"alarm_look": part.before + first + 1,
                    "alarm_n": float(part.stream.n[first]),
                    "alarm_time": str(order.text[part.stream.last[first]]) or None}  # fmt: skip
        rows.append(row)
    return rows


def _running(name: str, parts: list[Watched | Untold], order: Order) -> list[dict[str, Any]]:
    return [
        {"group": name, "term": part.term, "look": part.before + int(k) + 1,
         "n": float(part.stream.n[k]), "time": str(order.text[part.stream.last[k]]) or None,
         "estimate": float(part.mean[k]), "conf_low": float(part.low[k]),
         "conf_high": float(part.high[k]), "alarm": bool(part.first >= 0 and k >= part.first)}
        for part in parts
        if isinstance(part, Watched)
        for k in looks_told(len(part.low), _TOLD, part.first)
    ]  # fmt: skip


def _judges(
    data: PreferenceData, judge: str | Sequence[str] | None, reference: str,
    baseline: float | str | None,
) -> tuple[list[str], str | None]:  # fmt: skip
    """Return who is watched, and the older version."""
    names = set(data.annotators["annotator"])
    older = baseline if isinstance(baseline, str) and baseline in names else None
    if judge is None:
        free = judges_free(data, reference_mask(data, reference))
        wanted = [name for name in free if name != older]
    else:
        wanted = list(dict.fromkeys(listed("judge", judge)))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise DataError(
            f"There is no annotator {unknown[0]!r}.",
            found=", ".join(sorted(map(str, names))[:12]),
            expected="judges that have verdicts",
            fix="Check the spelling of judge=.",
        )
    if not wanted:
        raise DesignError(
            "There is nobody to watch.",
            found=f"annotators {', '.join(sorted(map(str, names))[:12])}; reference {reference}",
            expected="a judge beside the reference",
            fix="Name whom to watch: judge=...",
        )
    twice = {older, reference} & set(wanted)
    if twice:
        raise DesignError(
            "A judge is watched against itself.",
            found=f"{twice.pop()!r} is watched, and what it is held against",
            expected="an older version and a reference that are others",
            fix="Leave it out of judge=, or name another baseline= or reference=.",
        )
    return wanted, older


def _day(baseline: str, order: Order) -> pd.Timestamp:
    day = pd.to_datetime(baseline, format="%Y-%m-%d", errors="coerce", utc=True)
    if order.times is None or pd.isna(day):
        raise DataError(
            f"The baseline {baseline!r} is no annotator and no day of these data.",
            found=f"order: {order.told}",
            expected="a share, an annotator, or with dates a day such as 2024-05-31",
            fix="Check the spelling of baseline=, or name the column of dates: time=...",
        )
    return pd.Timestamp(day)


def _refuse_nothing(told: Sequence[object], judges: list[str]) -> None:
    if not told:
        raise DesignError(
            "There is nothing to watch.",
            found=f"no verdict of {', '.join(judges[:12])} with a time",
            expected="verdicts of a judge",
            fix="Name another judge, or another column of times.",
        )


def _left_out(data: PreferenceData, judges: list[str], order: Order) -> dict[str, int]:
    """Return how many of the judges' verdicts are not watched, by reason."""
    mine = data.labels["annotator"].isin(judges).to_numpy(dtype=bool)
    lost = data.labels["preference"].isna().to_numpy() | ~(data.labels["weight"] > 0).to_numpy()
    late = order.rank[data.pair_rows] < 0
    counts = {"no verdict, or weight 0": int((mine & lost).sum()),
              NO_TIME: int((mine & ~lost & late).sum())}  # fmt: skip
    return {reason: n for reason, n in counts.items() if n}
