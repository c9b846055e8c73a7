"""Sequences of one stream: where it is, how far from its baseline, and when that is sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.calibration.monitor.sequence import confidence_sequence, escape
from workbench.calibration.monitor.streams import Stream
from workbench.clustered import Array

GONE = "no rate fits all looks: it has changed on the way"
"""Why there is no interval any more, and itself an alarm."""

NO_COMMON = "monitor-no-common-rate"


class Null(NamedTuple):
    """What an alarm is raised against: a value, and on which side of it."""

    value: float
    side: str
    rule: str


@dataclass(frozen=True, eq=False)
class Watched:
    """One number at every look.

    Attributes
    ----------
    term : str
    stream : Stream
    mean : ndarray, shape (looks,)
        So far.
    low, high : ndarray, shape (looks,)
        At the level that is told.
    first : int
        Look of the first alarm, -1 for none, at the level that all alarms share.
    alarm : str
        The rule that raised it, or empty.
    null : Null
    before : int
        Prompts of a baseline, which came before the first look.
    """

    term: str
    stream: Stream
    mean: Array
    low: Array
    high: Array
    first: int
    alarm: str
    null: Null
    before: int = 0


class Untold(NamedTuple):
    """A number that was asked for and is not there, with why."""

    term: str
    reason: str


def rate_watched(term: str, stream: Stream, null: Null, alpha: float, shared: float) -> Watched:
    """Return a rate at every look; half of ``shared`` is for the null, half for no common rate."""
    low, high = confidence_sequence(stream.x, alpha)
    strict = confidence_sequence(stream.x, shared / 2)[0]
    alarm = _first(
        (_gone(strict), NO_COMMON),
        (_left(stream.x, null, null.value, shared / 2), null.rule),
    )
    return Watched(term, stream, _so_far(stream.x), low, high, *alarm, null)


def paired_watched(term: str, stream: Stream, null: Null, alpha: float, shared: float) -> Watched:
    """Return a mean of paired differences at every look; the stream is (1 + difference) / 2."""
    low, high = (2 * end - 1 for end in confidence_sequence(stream.x, alpha))
    alarm = _first((_left(stream.x, null, (1 + null.value) / 2, shared), null.rule))
    return Watched(term, stream, 2 * _so_far(stream.x) - 1, low, high, *alarm, null)


def since_watched(
    term: str, stream: Stream, split: int, null: Null, alpha: float, shared: float
) -> Watched:
    """Return how far a rate since a baseline is from that of the baseline, at every look.

    Both have half of the error; the baseline's sequence is that of its last look.
    """
    before, since = stream.x[:split], stream.x[split:]
    base = [end[-1] for end in confidence_sequence(before, alpha / 2)]
    ends = confidence_sequence(since, alpha / 2)
    strict = confidence_sequence(before, shared / 2)
    within = float(strict[0][-1]), float(strict[1][-1])
    # a baseline without a common rate says so itself: nothing is held against it
    first = escape(since, within, shared / 2) if np.isfinite(within[0]) else -1
    later = Stream(since, stream.n[split:], stream.last[split:])
    mean = _so_far(since) - before.mean()
    alarm = _first((first, null.rule))
    return Watched(term, later, mean, ends[0] - base[1], ends[1] - base[0], *alarm, null, split)


def _left(x: Array, null: Null, value: float, alpha: float) -> int:
    """Return the look at which values are sure to have left the null; -1 for none, or no null."""
    if np.isnan(value):
        return -1
    return escape(x, (value, value), alpha, below_only=null.side == "below")


def _gone(low: Array) -> int:
    gone = np.isnan(low)
    return int(gone.argmax()) if gone.any() else -1


def _first(*alarms: tuple[int, str]) -> tuple[int, str]:
    """Return the earliest alarm, and its rule; (-1, "") without one.

    Examples
    --------
    >>> _first((-1, "a"), (7, "b"), (9, "c")), _first((-1, "a"))
    ((7, 'b'), (-1, ''))
    """
    return min((alarm for alarm in alarms if alarm[0] >= 0), default=(-1, ""))


def looks_told(looks: int, most: int, first: int) -> NDArray[np.int64]:
    """Return the looks that a table tells: evenly spread, the last and that of the alarm too.

    Examples
    --------
    >>> looks_told(10, 3, 4).tolist()
    [0, 4, 9]
    """
    told = np.linspace(0, looks - 1, min(looks, most)).round().astype(np.int64)
    return np.unique(np.r_[told, [first] if first >= 0 else []].astype(np.int64))


def _so_far(x: Array) -> Array:
    return np.asarray(np.cumsum(x) / np.arange(1, len(x) + 1))
