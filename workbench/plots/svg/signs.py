"""The signs of groups, as paths around a place."""

from __future__ import annotations

import math

from workbench.errors import DataError
from workbench.plots.svg.text import px

_THIN = "x-thin"


def sign(symbol: str, size: float) -> tuple[str, bool]:
    """Return a path relative to the centre of a sign, and whether it is filled.

    Parameters
    ----------
    symbol : str
        Of plotly, such as ``circle`` or ``square-open``.
    size : float
        Diameter in pixels.

    Raises
    ------
    DataError
        An unknown sign.

    Examples
    --------
    >>> sign("square", 8)
    ('m-3.6-3.6h7.2v7.2h-7.2z', True)
    """
    name = symbol.removesuffix("-open")
    r = size / 2
    if name == "circle":
        d = px(r)
        return f"m-{d} 0a{d} {d} 0 1 0 {px(2 * r)} 0a{d} {d} 0 1 0-{px(2 * r)} 0z", name == symbol
    if name == "square":
        # a square of the same diameter would look larger than the circle
        a, w = px(0.9 * r), px(1.8 * r)
        return f"m-{a}-{a}h{w}v{w}h-{w}z", name == symbol
    if name == _THIN:
        return _path([(-r, -r), (r, r)], closed=False) + _path(
            [(-r, r), (r, -r)], closed=False, start=(r, r)
        ), False
    if name not in _CORNERS:
        raise DataError(
            "A static picture does not know this sign.",
            found=symbol,
            expected=", ".join(["circle", "square", _THIN, *_CORNERS]),
            fix="Use one of these, open or filled.",
        )
    return _path([(r * x, r * y) for x, y in _CORNERS[name]], closed=True), name == symbol


def _path(
    corners: list[tuple[float, float]], *, closed: bool, start: tuple[float, float] = (0.0, 0.0)
) -> str:
    here, steps = start, []
    for k, (x, y) in enumerate(corners):
        steps.append(f"{'l' if k else 'm'}{px(x - here[0])} {px(y - here[1])}")
        # where the pen truly is, so that rounding does not add up
        here = (here[0] + float(px(x - here[0])), here[1] + float(px(y - here[1])))
    return "".join(steps) + ("z" if closed else "")


def _ring(count: int, radii: tuple[float, ...]) -> list[tuple[float, float]]:
    turns = [2 * math.pi * k / count - math.pi / 2 for k in range(count)]
    return [
        (radii[k % len(radii)] * math.cos(t), radii[k % len(radii)] * math.sin(t))
        for k, t in enumerate(turns)
    ]


def _turned(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    half = math.sqrt(0.5)
    return [(half * (x - y), half * (x + y)) for x, y in corners]


_ARM = 0.4
_CROSS = [
    (_ARM, -1), (_ARM, -_ARM), (1, -_ARM), (1, _ARM), (_ARM, _ARM), (_ARM, 1),
    (-_ARM, 1), (-_ARM, _ARM), (-1, _ARM), (-1, -_ARM), (-_ARM, -_ARM), (-_ARM, -1),
]  # fmt: skip
_CORNERS: dict[str, list[tuple[float, float]]] = {
    "diamond": _ring(4, (1.2,)),
    "triangle-up": _ring(3, (1.15,)),
    "triangle-left": [(y, x) for x, y in _ring(3, (1.15,))],
    "triangle-right": [(-y, x) for x, y in _ring(3, (1.15,))],
    "cross": _CROSS,
    "x": _turned(_CROSS),
    "star": _ring(10, (1.3, 0.5)),
    "hexagon": _ring(6, (1.05,)),
}
