"""What the ladder amounts to, in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.structure.people.ladder import (
    BOTH,
    CARELESS,
    CLASSES,
    POOLED,
    RELIABILITY,
    SURE,
    TASTE,
)  # fmt: skip
from workbench.structure.people.null import Null

ALPHA = 0.05
"""Of the permutation test."""

_MEANINGS = {
    RELIABILITY: "people differ in how sharply they follow one taste",
    CARELESS: "some people answer some labels by a bad habit",
    TASTE: "people differ in taste",
    BOTH: "people differ in taste, and in how sharply they follow it",
    CLASSES: "people fall into classes of taste",
}


def none_found(detectable: float) -> str:
    """Return the sentence for no difference.

    Examples
    --------
    >>> none_found(0.25)[-31:]
    '(detectable: tau of about 0.25)'
    """
    size = f"tau of about {detectable:.2g}" if np.isfinite(detectable) else "none, however large"
    return f"no difference between people was found that predicts new labels (detectable: {size})"


def verdict_of(
    table: pd.DataFrame, best: str | None, null: Null, detectable: float
) -> dict[str, Any]:
    """Return the verdict, the rung that it rests on (or None), and whether taste is shown."""
    rows = table.set_index("term")
    agrees = {name: p <= ALPHA for name, p in null.p_value.items()}
    # these two have no test of their own: either part may be what people differ in
    agrees[BOTH] = agrees.get(TASTE, False) or agrees.get(RELIABILITY, False)
    # classes are tastes of which there are few
    agrees[CLASSES] = agrees.get(TASTE, False)

    def shown(name: str) -> bool:
        gains = rows.loc[name, "gain"] > SURE * rows.loc[name, "gain_error"]
        return bool(gains) and agrees.get(name, False)

    found: dict[str, Any] = {"best": None, "taste_shown": TASTE in rows.index and shown(TASTE)}
    if null.reason is not None:
        better = "a model of people tells new labels better, but"
        start = "whether people differ cannot be told:" if best is None else better
        return {**found, "verdict": f"{start} {null.reason}"}
    others = [str(name) for name in rows.index if name != POOLED and shown(str(name))]
    if best is None or not others:
        return {**found, "verdict": none_found(detectable)}
    chosen = best if best in others else others[0]
    row = rows.loc[chosen]
    text = (
        f"{_MEANINGS.get(chosen, chosen)}: {chosen} tells new labels best for its size (held-out "
        f"log-loss {row['estimate']:.4f}, {row['gain']:.4f} less than pooled, error "
        f"{row['gain_error']:.4f})"
    )
    return {**found, "best": chosen, "verdict": text}
