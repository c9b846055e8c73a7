"""What the server opens by itself: read once, for every visitor and page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from parts.opening.stamps import Stamp, stamp_of

import workbench as wb
from workbench.cli.dashboard import read_as, served
from workbench.report.main_job import with_factors

SAMPLE = "sample"
_KEPT = 4
"""Sources that are kept: the served one and the sample, and room for a change of them."""


def source() -> str:
    """Return what the server opens by itself: of `workbench app DATA`, or the sample."""
    return served()[0]


@dataclass
class _Place:
    """One source: who reads it holds the lock, and all others wait for what is found."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    data: wb.PreferenceData | None = None
    error: wb.WorkbenchError | None = None
    stamp: Stamp = ()


class Shelf:
    """Data sets by source, each read once; what cannot be read is kept as its error.

    Parameters
    ----------
    read : callable
        From a source to its data.
    """

    def __init__(self, read: Callable[[str], wb.PreferenceData]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def of(self, name: str) -> wb.PreferenceData:
        """Return the data of a source.

        Raises
        ------
        WorkbenchError
            It cannot be read; told again without reading until its files change.
        """
        place = self._place(name)
        with place.lock:
            now = stamp_of(name) if place.data is None else ()
            if place.data is None and (place.error is None or place.stamp != now):
                place.stamp, place.error = now, None
                try:
                    place.data = self._read(name)
                except wb.WorkbenchError as error:
                    place.error = error
            if place.data is not None:
                return place.data
            # a new one each time: a traceback would grow with every visitor
            raise place.error.with_traceback(None)  # type: ignore[union-attr]

    def is_ready(self, name: str) -> bool:
        """Tell whether a source was read or refused, so that asking for it takes no time."""
        place = self._places.get(name)
        return place is not None and (place.data is not None or place.error is not None)

    def forget_error(self, name: str) -> None:
        """Let a source that was refused be read again."""
        place = self._place(name)
        with place.lock:
            place.error = None

    def _place(self, name: str) -> _Place:
        with self._lock:
            place = self._places.pop(name, None) or _Place()
            self._places[name] = place
            for old in list(self._places)[:-_KEPT]:
                del self._places[old]
            return place


def _read(name: str) -> wb.PreferenceData:
    """Read a source; the one that the server was started with as it was told to."""
    opened, reading = served()
    return with_factors(read_as(name, reading if name == opened else ""))


SHELF = Shelf(_read)
"""That of this server. Uploads are on none: they stay in their session."""
