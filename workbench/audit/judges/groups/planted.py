"""Simulated judges that treat groups alike, favour one, or refuse one."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.audit.judges.groups.templates import REFUSAL, check_pairs
from workbench.audit.judges.perturb import seed_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.judges.base import label_rows

Bias = Literal["equal", "favours", "refuses"]
BIASES: tuple[Bias, ...] = ("equal", "favours", "refuses")
_STRENGTH = 3.0
"""Log odds of the planted bias."""


class GroupJudge:
    """A simulated judge of templates that has one bias, or none.

    Every template has a leaning of its own, which all groups share; a verdict is drawn.

    Parameters
    ----------
    bias : {"equal", "favours", "refuses"}
    group : str
        Whom it favours or refuses.
    seed : int
    failing : float
        Share of its verdicts that cannot be read.

    Raises
    ------
    DesignError
        An unknown bias.

    Examples
    --------
    >>> from workbench.audit.judges.groups.templates import group_pairs
    >>> len(GroupJudge().verdicts(group_pairs()))
    2160
    """

    kind = "llm"

    def __init__(
        self, bias: Bias = "equal", group: str = "a woman", *, seed: int = 0, failing: float = 0.0
    ) -> None:
        if bias not in BIASES:
            raise DesignError(
                "There is no such planted bias.",
                found=repr(bias),
                expected=", ".join(BIASES),
                fix="Check the spelling.",
            )
        self.bias, self.group, self.seed, self.failing = bias, group, seed, failing
        self.name = "sim-equal" if bias == "equal" else f"sim-{bias} {group}"

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return {"judge": "planted by group", "bias": self.bias, "group": self.group,
                "seed": self.seed}  # fmt: skip

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair and order."""
        rows = check_pairs(data).to_dict("records")
        logits = np.array([self._logit(row) for row in rows])
        parts = []
        for k, order in enumerate(("ab", "ba")):
            luck = np.array([self._uniform(row, order) for row in rows])
            said = (luck < 1 / (1 + np.exp(-logits))).astype(float)
            if self.failing:
                lost = np.array([self._uniform(row, order, "lost") for row in rows])
                said = np.where(lost < self.failing, np.nan, said)
            parts.append(label_rows(data.pairs, said, replicate=k, order_shown=order))
        return pd.concat(parts, ignore_index=True)

    def _logit(self, row: dict[Any, Any]) -> float:
        leaning = 2.0 * (seed_of(self.seed, row["template"]) / 2.0**32) - 1.0
        if row["group"] != self.group or self.bias == "equal":
            return leaning
        refusal = bool(row["measure"] == REFUSAL)
        if self.bias == "refuses":
            return leaning - _STRENGTH * refusal
        return leaning + _STRENGTH * (not refusal)

    def _uniform(self, row: dict[Any, Any], order: str, what: str = "verdict") -> float:
        return float(seed_of(self.seed, str(row["pair_id"]), order, what) / 2.0**32)
