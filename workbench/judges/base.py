"""What a judge is: it turns pairs into labels, as a person does."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError

NOT_ASKED = "not asked"
FAILED = "failed"
"""Reasons of labels without a verdict: the budget ended first; there was no readable reply."""


class Judge(Protocol):
    """Turns pairs into labels.

    Attributes
    ----------
    name : str
        Of the annotator that it is.
    kind : str
        ``llm``, ``reward_model`` or ``rule``.
    """

    name: str
    kind: str

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return label rows: ``pair_id, preference, replicate, order_shown, reason, raw, ...``.

        ``preference`` is P(A preferred) in terms of the data's A, whichever order was
        shown; NaN with a ``reason`` where there is no verdict. Two orders are two rows.
        """

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""


def text_pairs(data: PreferenceData) -> pd.DataFrame:
    """Return the pairs, which must have responses.

    Raises
    ------
    DesignError
        The data have no text to judge.
    """
    absent = data.pairs[["response_a", "response_b"]].isna().any(axis=1)
    if len(data.pairs) == 0 or absent.any():
        raise DesignError(
            "There is no text to judge.",
            found=f"{int(absent.sum()):,} of {len(data.pairs):,} pairs lack a response",
            expected="pairs with both responses",
            fix="Load data with texts, or leave those pairs out with filter(pair_ids=...).",
        )
    return data.pairs


def label_rows(
    pairs: pd.DataFrame,
    preference: Any,
    *,
    replicate: int = 0,
    order_shown: str | None = None,
    reason: Any = None,
    raw: Any = None,
) -> pd.DataFrame:
    """Return label rows in the order of the pairs; ties get their reason.

    Examples
    --------
    >>> pairs = pd.DataFrame({"pair_id": ["p", "q"]})
    >>> label_rows(pairs, [0.5, 1.0])["reason"].tolist()
    ['tie', None]
    """
    preference = np.asarray(preference, dtype=float)
    given = [None] * len(pairs) if reason is None else list(reason)
    reasons = [
        why or ("tie" if p == 0.5 else FAILED if np.isnan(p) else None)
        for why, p in zip(given, preference, strict=True)
    ]
    return pd.DataFrame(
        {
            "pair_id": pairs["pair_id"].to_numpy(),
            "preference": preference,
            "replicate": replicate,
            "order_shown": pd.Series([order_shown] * len(pairs), dtype="str"),
            "reason": pd.Series(reasons, dtype="object"),
            "raw": pd.Series([None] * len(pairs) if raw is None else list(raw), dtype="object"),
        }
    )
