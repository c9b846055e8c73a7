"""Axes: from values to pixels, with ticks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DataError
from workbench.plots.svg.numbers import floats, nice_ticks, tick_text, values
from workbench.plots.svg.text import lines

_PADDING = 0.05
_TICK_ROOM = {"x": 85.0, "y": 45.0}
"""Pixels that a tick needs along its axis."""

_FAR = 5000.0
"""Pixels beyond which a mark is not seen; keeps infinite ends finite."""


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes
    ----------
    name : str
        ``x``, ``x2``, ``y`` ...
    spec : mapping
        What the layout says of it.
    low, high : float
        Values at its beginning (left, bottom) and end.
    start, end : float
        Pixels there, within the plot area.
    """

    name: str
    spec: Mapping[str, Any]
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: Any) -> NDArray[np.float64]:
        """Return the pixels of values."""
        share = (np.asarray(value, dtype="float64") - self.low) / (self.high - self.low)
        return np.asarray(np.clip(self.start + share * (self.end - self.start), -_FAR, _FAR))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The pixels and labels of its ticks."""
        if "tickvals" in self.spec:
            places = floats(self.spec["tickvals"])
            names = [lines(t)[0] for t in values(self.spec.get("ticktext"))] or [
                f"{place:g}" for place in places
            ]
            return [(float(self(p)), name) for p, name in zip(places, names, strict=True)]
        low, high = sorted((self.low, self.high))
        room = abs(self.end - self.start) / _TICK_ROOM[self.name[0]]
        places_, step = nice_ticks(low, high, room)
        form = self.spec.get("tickformat")
        return [(float(self(p)), tick_text(p, step, form)) for p in places_]

    @property
    def above(self) -> bool:
        """Whether its labels stand above the plot."""
        return self.spec.get("side") == "top" and self.seen

    @property
    def seen(self) -> bool:
        """Whether its ticks have labels."""
        return bool(self.spec.get("visible", True)) and bool(self.spec.get("showticklabels", True))


def spans(figure: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], float, float]]:
    """Return each axis of a figure: what its layout says, and its two ends.

    The range is the layout's; otherwise what the traces and the shapes need, and a little more.

    Examples
    --------
    >>> spans({"data": [{"x": [0, 10], "y": [1, 1]}], "layout": {}})["x"][1:]
    (-0.5, 10.5)
    """
    layout = figure["layout"]
    reach: dict[str, list[float]] = {"x": [], "y": []}
    for trace in figure["data"]:
        for letter in "xy":
            found = reach.setdefault(str(trace.get(f"{letter}axis") or letter), [])
            found += [v for v in _of_trace(trace, letter) if np.isfinite(v)]
    for shape in layout.get("shapes", ()):
        for letter in "xy":
            ends = [float(shape[f"{letter}{k}"]) for k in (0, 1)]
            reach.get(str(shape.get(f"{letter}ref", letter)), []).extend(ends)
    told = {}
    for name, found in reach.items():
        spec = layout.get(f"{name[0]}axis{name[1:]}", {})
        if spec.get("type", "linear") not in ("linear", "-"):
            raise DataError(
                "A static picture has only linear axes.",
                found=str(spec["type"]),
                expected="linear",
                fix="Draw the transformed values.",
            )
        told[name] = (spec, *_ends(spec, found))
    # an axis that matches another shows the same values
    return {name: (spec, *told.get(str(spec.get("matches")), told[name])[1:])
            for name, (spec, *_) in told.items()}  # fmt: skip


def _ends(spec: Mapping[str, Any], found: list[float]) -> tuple[float, float]:
    if spec.get("range") is not None:
        low, high = (float(v) for v in spec["range"])
        return (low, high) if low != high else (low - 1.0, high + 1.0)
    if not found:
        return -1.0, 1.0
    low, high = min(found), max(found)
    room = _PADDING * (high - low) or 1.0
    low, high = float(low - room), float(high + room)
    return (high, low) if spec.get("autorange") == "reversed" else (low, high)


def _of_trace(trace: Mapping[str, Any], letter: str) -> Iterable[float]:
    centre = floats(trace.get(letter))
    yield from centre
    error = trace.get(f"error_{letter}")
    if error and error.get("visible", True):
        up, down = ends_of(error, len(centre))
        yield from centre + up
        yield from centre - down
    along = "x" if trace.get("orientation") == "h" else "y"
    if trace.get("type") == "bar" and letter == along:
        base = trace.get("base")
        yield from floats(base) if base is not None else (0.0,)
        if base is not None:
            yield from floats(base) + centre


def ends_of(
    error: Mapping[str, Any], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far the bars of an interval reach up and down.

    Examples
    --------
    >>> ends_of({"array": [1.0]}, 1)
    (array([1.]), array([1.]))
    """
    up = floats(error.get("array"))
    if len(up) != count:
        raise DataError(
            "A static picture draws intervals whose ends are given.",
            found=f"{len(up)} ends of {count} points",
            expected="error bars with an array",
            fix="Give the trace error_x or error_y with array and arrayminus.",
        )
    down = error.get("arrayminus")
    return up, up if down is None else floats(down)
