"""Judges that follow a rule: baselines, and judges whose weights are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.digests import content_digests
from workbench.errors import DesignError
from workbench.judges.base import label_rows

Rule = Literal["first", "longer", "random", "tie"]
_RULES = ("first", "longer", "random", "tie")


class RuleJudge:
    """A judge that follows one rule, in both orders.

    Parameters
    ----------
    rule : {"first", "longer", "random", "tie"}
        Prefers what stands first; the response with more characters; either at random; none.
    name : str, optional
        ``rule:<rule>`` when None.
    seed : int
        Of the rule ``random``, whose verdict hangs on the pair and the order, not on the row.

    Raises
    ------
    DesignError
        Another rule.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = RuleJudge("first").verdicts(wb.load("sample"))
    >>> rows.groupby("order_shown")["preference"].mean().to_dict()
    {'ab': 1.0, 'ba': 0.0}
    """

    kind = "rule"

    def __init__(self, rule: Rule, name: str | None = None, *, seed: int = 0) -> None:
        if rule not in _RULES:
            raise DesignError(
                "There is no such rule.",
                found=repr(rule),
                expected=f"one of {', '.join(_RULES)}",
                fix="Check the spelling.",
            )
        self.rule, self.name, self.seed = rule, name or f"rule:{rule}", seed

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return {"judge": "rule", "name": self.name, "rule": self.rule, "seed": self.seed}

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair and order."""
        pairs = data.pairs
        if self.rule == "longer":
            length = [pairs[f"response_{side}"].str.len() for side in "ab"]
            longer = (np.sign(length[0] - length[1]).to_numpy(float) + 1.0) / 2.0
        rows = []
        for k, order in enumerate(("ab", "ba")):
            if self.rule == "first":
                preference = np.full(len(pairs), 1.0 - k)
            elif self.rule == "longer":
                preference = longer
            elif self.rule == "tie":
                preference = np.full(len(pairs), 0.5)
            else:
                preference = (_uniform(pairs, f"{self.seed} {order}") < 0.5).astype(float)
            rows.append(label_rows(pairs, preference, replicate=k, order_shown=order))
        return pd.concat(rows, ignore_index=True)


class PlantedJudge:
    r"""A simulated judge whose weights are known: what a test must find again.

    .. math:: P(\text{A preferred}) = \sigma(x'\beta + \pi s)

    with the factors x of the data and the order shown s, drawn anew for each pair and order
    from digests of the seed, the pair and the order.

    Parameters
    ----------
    weights : mapping of str to float
        By factor of the data.
    position : float
        Weight of standing first.
    ties, failures : float
        Shares of verdicts that are ties, and that fail.
    name : str
    seed : int

    Raises
    ------
    DesignError
        Shares that are none.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    >>> rows = PlantedJudge({"hedges": -1.0}, position=0.5).verdicts(data)
    >>> len(rows) == 2 * len(data)
    True
    """

    kind = "llm"

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        position: float = 0.0,
        ties: float = 0.0,
        failures: float = 0.0,
        name: str = "sim-planted",
        seed: int = 0,
    ) -> None:
        if not (ties >= 0 and failures >= 0 and ties + failures <= 1):
            raise DesignError(
                "The shares of the planted judge are none.",
                found=f"ties={ties}, failures={failures}",
                expected="at least 0, and at most 1 together",
                fix="Give smaller shares.",
            )
        self.weights, self.position = dict(weights), position
        self.ties, self.failures, self.name, self.seed = ties, failures, name, seed

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return {
            "judge": "planted",
            "name": self.name,
            "weights": self.weights,
            "position": self.position,
            "ties": self.ties,
            "failures": self.failures,
            "seed": self.seed,
        }

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair and order.

        Raises
        ------
        DesignError
            A factor that the data do not have.
        """
        unknown = sorted(set(self.weights) - set(data.factor_names))
        if unknown:
            raise DesignError(
                f"The data have no factor {unknown[0]!r}.",
                expected="weights of factors that the data have",
                found=", ".join(data.factor_names) or "no factor",
                fix="Score the factors first.",
            )
        logit = np.zeros(len(data))
        for name, weight in self.weights.items():
            logit += weight * data.factors[name].to_numpy()
        rows = [
            self._rows(data.pairs, logit + sign * self.position, k, order)
            for k, (order, sign) in enumerate((("ab", 1.0), ("ba", -1.0)))
        ]
        return pd.concat(rows, ignore_index=True)

    def _rows(
        self, pairs: pd.DataFrame, logit: NDArray[np.float64], replicate: int, order: str
    ) -> pd.DataFrame:
        won = _uniform(pairs, f"{self.seed} {order} won") < 1.0 / (1.0 + np.exp(-logit))
        luck = _uniform(pairs, f"{self.seed} {order} luck")
        preference = np.where(luck < self.ties, 0.5, won.astype(float))
        preference = np.where(luck >= 1.0 - self.failures, np.nan, preference)
        return label_rows(pairs, preference, replicate=replicate, order_shown=order)


def _uniform(pairs: pd.DataFrame, salt: str) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each pair, from digests: no row order is in it."""
    digests = content_digests([salt + "\0" + pairs["pair_id"].astype("str")])
    return np.array([int(digest[:13], 16) for digest in digests]) / 16.0**13
