"""Values of a plotly figure as arrays, ticks that a reader likes, and their labels."""

from __future__ import annotations

import base64
import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DataError

_FORMAT = re.compile(r"(,)?(?:\.(\d+))?(~)?([f%])?")


def values(given: Any) -> list[Any]:
    """Return an array of a figure, however plotly holds it, as a list.

    Examples
    --------
    >>> values({"dtype": "f8", "bdata": "AAAAAAAA8D8="}), values((1, 2)), values(None)
    ([1.0], [1, 2], [])
    """
    if given is None:
        return []
    if isinstance(given, dict):
        array = np.frombuffer(base64.b64decode(given["bdata"]), dtype=given["dtype"])
        shape = given.get("shape")
        if shape is not None:
            array = array.reshape([int(n) for n in str(shape).split(",")])
        return list(array.tolist())
    return list(given.tolist() if hasattr(given, "tolist") else given)


def floats(given: Any) -> NDArray[np.float64]:
    """Return an array of a figure as numbers, NaN where there is none.

    Raises
    ------
    DataError
        It holds words or dates: no axis of ours has them.

    Examples
    --------
    >>> floats([1, None]).tolist()
    [1.0, nan]
    """
    found = values(given)
    try:
        return np.array([np.nan if v is None else float(v) for v in found], dtype="float64")
    except (TypeError, ValueError):
        raise DataError(
            "A static picture has only numbers on its axes.",
            found=repr(found[:3]),
            expected="numbers",
            fix="Place the rows by number, and name them with ticktext.",
        ) from None


def nice_ticks(low: float, high: float, room: float) -> tuple[list[float], float]:
    """Return round places between two ends, at most one a unit of room, and their step.

    Examples
    --------
    >>> nice_ticks(-0.3, 1.1, 5)
    ([0.0, 0.5, 1.0], 0.5)
    """
    rough = (high - low) / max(room, 1.0)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)], step


def tick_text(value: float, step: float, form: str | None) -> str:
    """Return the label of a tick: plotly's format where it has one, else as its step needs.

    Examples
    --------
    >>> tick_text(-0.5, 0.5, None), tick_text(0.25, 0.25, ".1~%"), tick_text(2000, 500, None)
    ('−0.5', '25%', '2,000')
    """
    if form:
        text = _formatted(value, form)
    elif step < 1e-4 or abs(value) >= 1e7:
        text = f"{value:.3g}"
    else:
        text = f"{value:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"
    if not re.search(r"[1-9]", text):
        text = text.removeprefix("-")
    return text.replace("-", "−")


def _formatted(value: float, form: str) -> str:
    found = _FORMAT.fullmatch(form)
    if found is None:
        raise DataError(
            "A static picture does not know this format of numbers.",
            found=form,
            expected="such as .2f, .0% or .1~%",
            fix="Use one of these as tickformat.",
        )
    comma, digits, trim, kind = found.groups()
    text = f"{100 * value if kind == '%' else value:{comma or ''}.{digits or 0}f}"
    if trim and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text + ("%" if kind == "%" else "")
