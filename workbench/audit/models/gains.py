"""Tokens that gain: where the probability goes that chosen responses lose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from workbench.audit.measures import COLUMNS, Measures
from workbench.clustered import mean_difference
from workbench.provenance import Provenance
from workbench.scoring.gains import NextTokens

_METHOD = "mean over prompts, t interval"
_WHAT = "Gain of probability as the first token"


@dataclass(frozen=True, eq=False)
class Gains(Measures):
    """The tokens whose probability as the first of a response grew most; with ``direction``."""

    heading: ClassVar[str] = "Tokens that gain"
    about: ClassVar[str] = (
        "Change of the probability that a response begins with a token, over training. A large "
        "gain of a token with which no chosen response begins shows where the mass has gone. "
        "The tokens are chosen because they gained most: intervals are of each alone."
    )


def gains(
    before: NextTokens,
    after: NextTokens,
    decode: Callable[[int], str],
    *,
    most: int = 10,
    level: float = 0.95,
) -> Gains:
    """Return the tokens that gained most.

    Parameters
    ----------
    before, after : NextTokens
        Of the same prompts and one vocabulary.
    decode : callable
        From a token's number to its text.
    most : int
    level : float

    Examples
    --------
    >>> one = NextTokens(np.full((3, 2), 0.5), np.array([1.0, -1.0]))
    >>> two = NextTokens(np.tile([0.9, 0.1], (3, 1)), one.direction)
    >>> gains(one, two, str, most=1).to_frame()["term"].tolist()
    ["'0'"]
    """
    change = after.probabilities.astype(float) - before.probabilities.astype(float)
    order = np.argsort(-change.mean(axis=0), kind="stable")[:most]
    each = np.arange(len(change))
    rows = [
        {"term": repr(decode(int(k))), **mean_difference(change[:, k], each, level),
         "before": float(before.probabilities[:, k].mean()),
         "after": float(after.probabilities[:, k].mean()),
         "direction": float(before.direction[k]), "method": _METHOD}
        for k in order
    ]  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=[*COLUMNS, "before", "after", "direction"])
    # the tokens were picked by their gain: a test of each would be of a chosen one
    table["p_value"] = np.nan
    return Gains(table, {"what": _WHAT, "level": level}, Provenance.capture())


def gains_of(table: pd.DataFrame, level: float = 0.95) -> Gains:
    """Return the gains of a table that was kept.

    Parameters
    ----------
    table : DataFrame
    level : float
    """
    return Gains(table, {"what": _WHAT, "level": level}, Provenance.capture())
