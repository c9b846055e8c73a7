"""What the response has that is chosen although it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.gaps import gap_row
from workbench.audit.measures import share_row
from workbench.calibration.apart.sides import Sides
from workbench.clustered import Array


def wrong_choices(
    sides: Sides, said: dict[str, tuple[NDArray[np.int64], Array]], level: float
) -> Iterator[dict[str, Any]]:
    """Yield how often the wrong response has more of each factor, where it is chosen and else.

    Parameters
    ----------
    sides : Sides
    said : dict of str to (ndarray, ndarray)
        Each judge's pairs, and how often it was right on each.
    level : float

    Notes
    -----
    Only pairs in which the factor differs, and on which the judge leans, count. A factor that the
    wrong responses have more of wherever they are chosen, and not elsewhere, is what wins.
    """
    coded = sides.data.factors.set_index("pair_id").loc[sides.data.pairs["pair_id"]]
    for name, (at, values) in said.items():
        wrong = np.where(values < 0.5, 1, np.where(values > 0.5, -1, 0))
        for term in sides.terms[1:]:
            more = -sides.right[at] * coded[term].to_numpy("float64")[at]
            use = np.isfinite(more) & (more != 0) & (wrong != 0)
            has, side = (more[use] > 0).astype(float), wrong[use]
            cluster = sides.cluster[at][use]
            base = {"group": name, "factor": term}
            for sign, what in (
                (1, "where the wrong one is chosen"),
                (-1, "where the right one is"),
            ):
                own = side == sign
                row = share_row(f"the wrong one has more, {what}", has[own], cluster[own], level,
                                "no such pair")  # fmt: skip
                yield {**base, **row}
            yield {**base, **gap_row("difference", has, side, cluster, level)}
