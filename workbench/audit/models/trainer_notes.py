"""What a trainer prints of the same pairs, and what it does that its users rarely know."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

BATCH = 8
"""Pairs of a batch in the evaluations of transformers' trainers, unless told otherwise."""

_APART = 5e-4
"""Difference of two shares that three decimals show."""


def accuracy_as_printed(reward_margin: NDArray[np.float64], batch: int = BATCH) -> float:
    """Return ``rewards/accuracies`` as TRL's DPOTrainer means them in an evaluation.

    Parameters
    ----------
    reward_margin : ndarray, shape (n,)
        Implicit reward of the chosen minus that of the rejected response, in the data's order.
    batch : int
        Pairs of a batch.

    Notes
    -----
    TRL 1.16: the share of pairs whose chosen reward is the greater one, equal ones are wrong;
    then the mean over batches, in which a last one that is smaller counts as much as others.

    Examples
    --------
    >>> accuracy_as_printed(np.array([1.0, 1.0, 0.0]), batch=2)
    0.5
    """
    right = reward_margin > 0
    starts = range(0, len(right), batch)
    return float(np.mean([right[k : k + batch].mean() for k in starts]))


def differs(table: pd.DataFrame, own: float, ties: float) -> list[str]:
    """Return what TRL prints for the accuracy of the implicit reward where it differs, as a line.

    Parameters
    ----------
    table : DataFrame
        ``chosen, rejected, ref_chosen, ref_rejected``.
    own : float
        The accuracy as it is given here.
    ties : float
        Share of the pairs that are ties.
    """
    moved = (table["chosen"] - table["ref_chosen"]) - (table["rejected"] - table["ref_rejected"])
    printed = accuracy_as_printed(moved.to_numpy("float64"))
    if not abs(printed - own) > _APART:
        return []
    equal = f"equal pairs count as wrong there ({ties:.1%} are ties within the band here); "
    return [
        f"TRL prints rewards/accuracies {printed:.3f} for these pairs, beside a reward accuracy "
        f"of {own:.3f}: {equal if ties else ''}it is a mean of means of batches, here of {BATCH}"
    ]


def of_trl(*, reference: bool, adapter: bool) -> list[str]:
    """Return what TRL takes for its reference and its loss, a line each.

    Parameters
    ----------
    reference : bool
        Whether a reference is scored.
    adapter : bool
        Whether the model has an adapter.
    """
    if not reference:
        return []
    lines = ["TRL's loss 'sigmoid' has no label_smoothing, whatever the setting; the loss here has "
             "none either"]  # fmt: skip
    if adapter:
        lines.append("TRL's reference is the model without the adapter that it made itself; of "
                     "an adapter that was loaded before it is a copy: name that one as the "
                     "reference")  # fmt: skip
    else:
        lines.append("TRL reads a reference that it is not given from disk again: weights that "
                     "were changed after loading are not in it")  # fmt: skip
    return lines
